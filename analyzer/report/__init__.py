"""What is said of a model: its layers, totals and findings, and what a run showed.

Door: comparison, examination, execution, finding, gathering, groups, layer, layer_facts, layers,
measurement, metric, receptive_field, report, told, verification.
"""
