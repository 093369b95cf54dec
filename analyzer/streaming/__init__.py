"""A model along a time axis: how much past and future a unit sees, what has to be waited for.

Door: asking, streaming.
"""
