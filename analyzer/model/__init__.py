"""What the file says: its graph without its weights, and the sizes that a user gives.

Door: binding, expansion, file, graph, regular_file.
"""
