"""What a person types: a module a command, with its options, and what they share.

Door: analyze, check, conventions, diff, explain, lint, messages, operators, profile, rule, verify,
writing.
"""
