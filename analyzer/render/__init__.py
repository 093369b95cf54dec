"""How everything looks: it lays out, and computes nothing.

Door: document, formats, forms, job_log, page, plots, showing, subjects, viewers, viewing.
"""
