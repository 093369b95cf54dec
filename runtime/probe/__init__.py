"""Receptive fields, found by running: what a NaN reaches.

Door: construction, interpolation, node_facts, probe.
"""
