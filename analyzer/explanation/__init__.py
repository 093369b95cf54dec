"""How a number came about: a layer's figures taken apart again.

Door: algorithms, axes, axis_derivation, derivation, effective_reach, explanation.
"""
