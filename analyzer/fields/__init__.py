"""What units see: receptive fields followed through the graph, and exact regions.

Door: batch, border, boxes, central_units, connections, digits, effective, effective_figures, effective_mass,
extreme_paths, fields, following, known_fields, own_places, pairs, paths, regions, seen, steps, touched,
units.
"""
