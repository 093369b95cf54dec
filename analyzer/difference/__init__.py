"""What changed between two models: which layer is which, and what became of it.

Door: changes, constants, difference, diffing, stages.
"""
