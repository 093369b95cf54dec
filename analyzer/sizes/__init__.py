"""A model as a function of the sizes of its inputs: which it accepts, what it costs at each.

Door: asking, grid, length_set, proof, sweep, trial_sizes, valid_sizes.
"""
