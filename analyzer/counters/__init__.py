"""What other tools would print: the same work, weighed by their tables.

Door: conventions, forms, peers, side_by_side.
"""
