"""What CI asks: models checked and linted, files at other commits.

Door: checking, earlier, jobs, linting.
"""
