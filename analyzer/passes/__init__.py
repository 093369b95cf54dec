"""One pass each, from the graph to a mapping: shapes, work, weights, memory, reads.

Door: costs, facts, folding, memory, reads, shapes, weights.
"""
