"""What an operator is: how one is defined, rules from outside, and every family.

Door: answers, arithmetic, bounding, by_shape, coverage, custom, definition, family_index, filter_banks,
formula_text, formulas, guests, likeness, parts, plugins, reading, rules, schema_rows, spelling, tapping,
work.
"""
