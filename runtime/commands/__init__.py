"""What a person types: a module a command, with its options, and what they share.

Door: analyze, baseline, check, completion, conventions, diff, explain, first_word, lint, messages, operators,
overview, profile, rule, shell_scripts, usage_words, verify, writing.
"""
