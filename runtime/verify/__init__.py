"""The analysis held against a run: shapes, memory, receptive fields.

Door: verifying.
"""
