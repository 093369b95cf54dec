"""The static side of cnnscope: what a model costs and sees, computed without running it."""

from __future__ import annotations

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.diagnostics import (
    BindingError,
    CnnscopeError,
    Diagnostic,
    GraphError,
    ModelFileError,
)
from cnnscope.analyzer.operator import Work
from cnnscope.analyzer.report import Layer, Metric, ReceptiveField, Report, Totals

__all__ = [
    "BindingError",
    "CnnscopeError",
    "Diagnostic",
    "GraphError",
    "Layer",
    "Metric",
    "ModelFileError",
    "ReceptiveField",
    "Report",
    "Totals",
    "Work",
    "analyze",
]
