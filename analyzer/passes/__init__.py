"""One pass each, from the graph to a mapping: shapes, work, weights, memory, reads.

Door: costs, memory, reads, shapes, weights.
"""
