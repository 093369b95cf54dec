"""What the file says: its graph without its weights, and the sizes that a user gives.

Door: binding, expansion, file, given_values, graph, graph_reading, opening, own_sizes, piped,
regular_file, rewriting, tensors, whole_file.
"""
