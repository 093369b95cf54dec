"""What is said of a model: its layers, totals and findings, and what a run showed.

Door: comparison, execution, finding, groups, measurement, report, verification.
"""
