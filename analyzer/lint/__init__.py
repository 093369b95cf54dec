"""What looks wrong: the rules, what they may ask, and who asks them.

Door: linting, rule, selection, settings, table.
"""
