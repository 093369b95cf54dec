"""What changed between two models: which layer is which, and what became of it.

Door: change, constants, difference, diffing, entries, stages, timed_layers.
"""
