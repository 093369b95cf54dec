"""What a layer is, in the field's words: kinds, patterns, blocks.

Door: blocks, channels, kinds, patterns, placing, repeated_weights.
"""
