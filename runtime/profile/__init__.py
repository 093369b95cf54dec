"""What each layer took: latency, kernels, ceilings.

Door: job, profiling.
"""
