"""How everything looks: it lays out, and computes nothing.

Door: ci, columns, forms, job_log, subjects.
"""
