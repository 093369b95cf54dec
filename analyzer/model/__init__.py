"""What the file says: its graph without its weights, and the sizes that a user gives.

Door: annotating, binding, expansion, file, given_values, graph, graph_bytes, graph_reading, node_places,
opening, own_sizes, piped, regular_file, remote, remote_names, rewriting, tensors, whole_file.
"""
