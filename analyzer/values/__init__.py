"""Numbers, lengths, windows and words that know no graph.

Door: arguments, diagnostics, dimension, field, narrower, notation, phases, reckoning, spans, tensor,
window.
"""
