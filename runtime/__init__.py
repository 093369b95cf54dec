"""Running models with ONNX Runtime, to hold what the analyzer computes against execution.

Nothing is here yet: importing this package loads no ONNX Runtime and offers no names.
"""
