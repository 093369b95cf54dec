"""Many models: which there are, by whom they are analysed, and where their rows go.

Door: coordinating, place_lists, places, scan_job, scan_progress, scanning.
"""
