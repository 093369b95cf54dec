"""Receptive fields, found by running: what a NaN reaches.

Door: probe.
"""
