"""What units see: receptive fields followed through the graph, and exact regions.

Door: batch, border, boxes, connections, digits, following, paths, regions, touched.
"""
