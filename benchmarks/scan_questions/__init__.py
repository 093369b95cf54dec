"""What is measured of scans? A module a question; `fleet.py` asks them.

Each has ``measured(settings)`` (plain values), ``text(found)`` (a table) and ``targets(found)``.
"""
