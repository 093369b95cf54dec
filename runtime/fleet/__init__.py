"""Many models: which there are, by whom they are analysed, and where their rows go.

Door: coordinating, scan_job, scan_progress, scanning.
"""
