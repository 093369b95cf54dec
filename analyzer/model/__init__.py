"""What the file says: its graph without its weights, and the sizes that a user gives.

Door: annotating, binding, expansion, far_faults, far_places, file, given_values, graph, graph_bytes,
graph_reading, http_ranges, http_session, node_places, opening, own_sizes, path_pattern, piped,
regular_file, remote, remote_names, rewriting, tensors, unreadable, whole_file, zip_members.
"""
