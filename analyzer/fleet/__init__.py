"""What is said of many models: a row a model, a row a layer, and what follows from all of them.

Door: arrow_types, columns, distribution, failures, figure_columns, graph_digest, model_change, model_row,
number_column, row_request, scan_check, scan_checking, scan_difference, scan_diffing, scan_file, scan_table,
summary, tally.
"""
