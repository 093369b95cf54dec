"""What CI asks: models checked and linted, files at other commits.

Door: analysed, checking, earlier, jobs, linting.
"""
