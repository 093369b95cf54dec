"""What each layer took: latency, kernels, ceilings.

Door: profiling.
"""
