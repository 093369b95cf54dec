"""What is said of many models: a row a model, a row a layer, and what follows from all of them.

Door: columns, distribution, failures, figure_columns, model_change, scan_difference, summary, tally.
"""
