"""How a number came about: a layer's figures taken apart again.

Door: algorithms, axes, axis_derivation, derivation, explanation.
"""
