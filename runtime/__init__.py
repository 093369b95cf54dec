"""Running models with ONNX Runtime, to hold what the analyzer computes against execution.

Importing this package loads no ONNX Runtime; what it offers is `cnnscope.verify` and
`cnnscope.profile`. ONNX Runtime is imported nowhere else.
"""
