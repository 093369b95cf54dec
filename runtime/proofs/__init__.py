"""Claims about sizes held by running: the sizes that a model accepts.

Door: size_job.
"""
