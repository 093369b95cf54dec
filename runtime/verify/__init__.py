"""The analysis held against a run: shapes, memory, receptive fields.

Door: memory_check, verifying.
"""
