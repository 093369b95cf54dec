"""What a person types: a module a command, with its options, and what they share.

Door: analyze, baseline, check, completion, conventions, diff, explain, first_word, lint, messages, operators,
overview, plain_line, profile, rule, shell_scripts, typer_command, usage_words, verify, writing.
"""
