"""What does an ONNX model cost and see? Its shapes, work, memory and receptive fields.

The public names, each loaded when it is first asked for, so that importing the package costs
nothing and loads neither onnx nor numpy.

>>> import cnnscope
>>> cnnscope.analyze("sample_models/lenet5.onnx").totals.params.value
61706
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

    __version__: str

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
    "__version__",
    "analyze",
]

_HOMES = {
    "analyze": "cnnscope.analyzer.analysis",
    "BindingError": "cnnscope.analyzer.diagnostics",
    "CnnscopeError": "cnnscope.analyzer.diagnostics",
    "Diagnostic": "cnnscope.analyzer.diagnostics",
    "GraphError": "cnnscope.analyzer.diagnostics",
    "ModelFileError": "cnnscope.analyzer.diagnostics",
    "Work": "cnnscope.analyzer.operator",
    "Layer": "cnnscope.analyzer.report",
    "Metric": "cnnscope.analyzer.report",
    "ReceptiveField": "cnnscope.analyzer.report",
    "Report": "cnnscope.analyzer.report",
    "Totals": "cnnscope.analyzer.report",
}


def __getattr__(name: str) -> object:
    """PEP 562: a public name, loaded now and kept."""
    found: object
    if name == "__version__":
        from cnnscope.cli import installed_version

        found = installed_version()
    elif name in _HOMES:
        from importlib import import_module

        found = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
