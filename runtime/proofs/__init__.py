"""Claims about sizes and shifts held by running: which sizes a model accepts, its tiles, how its maps move.

Door: shift_job, shifting, size_job, tile_job.
"""
