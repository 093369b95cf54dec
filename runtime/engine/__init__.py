"""ONNX Runtime, driven: sessions, providers, inputs, weights, processes of their own.

Door: batches, branches, child, child_process, departures, flat, hardware, inputs, job, library,
profiled_run, providers, reopening, retyping, sessions, trace, weights.
"""
