"""One pass each, from the graph to a mapping: shapes, work, weights, memory, places, reads.

Door: costs, facts, folding, memory, places, reads, shapes, taps, weights.
"""
