"""A model as a function of the sizes of its inputs: which it accepts, what it costs at each.

Door: asking, costs_over, cutting, intervals, length_set, mirroring, patch_asking, patchwise, proof,
shift_proof, shifts, solution, sweep, tile_asking, tile_cuts, tile_planning, tiling, trial_sizes,
usual_sizes, valid_sizes, wish.
"""
