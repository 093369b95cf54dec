"""Claims about sizes and shifts held by running: which sizes a model accepts, its tiles, how its maps move.

Door: patch_job, shift_job, shifting, size_job, tile_job.
"""
