"""Claims about sizes and shifts held by running: which sizes a model accepts, how its maps move.

Door: shift_job, shifting, size_job.
"""
