"""Numbers, lengths, windows and words that know no graph.

Door: arguments, diagnostics, dimension, notation, reckoning, tensor, window.
"""
