"""What a person types: a module a command, with its options, and what they share.

Door: analyze, check, conventions, diff, explain, first_word, lint, messages, operators,
overview, profile, rule, verify, writing.
"""
