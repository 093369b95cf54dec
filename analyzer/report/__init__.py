"""What is said of a model: its layers, totals and findings, and what a run showed.

Door: comparison, examination, execution, field_figures, finding, gathering, groups, kernel_row,
latency, layer, layers, machine, measurement, metric, receptive_field, report, told, verification.
"""
