"""What a figure shows, as tidy rows: a module a kind.

Door: chart, cost, effective, field, filters, memory, region, roofline, sizes.
"""
