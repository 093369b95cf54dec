"""What a unit's value owes to each input element, by the weights.

Door: job, measuring.
"""
