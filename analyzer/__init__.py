"""The static side of cnnscope: what a model costs and sees, computed without running it.

Each name is loaded when it is first asked for, so that a process which only shows or sends results
loads neither onnx nor numpy. (`conventions`, the function, is `cnnscope.conventions`: here a module
has that name.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnscope.analyzer.analysis import analyze, compare, diff
    from cnnscope.analyzer.comparison import Comparison
    from cnnscope.analyzer.conventions import ConventionTotals, convention
    from cnnscope.analyzer.custom import register
    from cnnscope.analyzer.diagnostics import (
        BindingError,
        CnnscopeError,
        Diagnostic,
        GraphError,
        ModelFileError,
    )
    from cnnscope.analyzer.difference import Difference
    from cnnscope.analyzer.dimension import Undetermined, product
    from cnnscope.analyzer.explanation import Explanation
    from cnnscope.analyzer.groups import Group
    from cnnscope.analyzer.kinds import Kind
    from cnnscope.analyzer.operator import (
        FLAT,
        NOTHING,
        Along,
        Listed,
        Only,
        Upto,
        Whole,
        Work,
        broadcast_shapes,
        each,
        everything,
        same,
    )
    from cnnscope.analyzer.peers import Convention
    from cnnscope.analyzer.report import Layer, Metric, ReceptiveField, Report, Totals
    from cnnscope.analyzer.tensor import Tensor
    from cnnscope.analyzer.window import Window

__all__ = [
    "FLAT",
    "NOTHING",
    "Along",
    "BindingError",
    "CnnscopeError",
    "Comparison",
    "Convention",
    "ConventionTotals",
    "Diagnostic",
    "Difference",
    "Explanation",
    "GraphError",
    "Group",
    "Kind",
    "Layer",
    "Listed",
    "Metric",
    "ModelFileError",
    "Only",
    "ReceptiveField",
    "Report",
    "Tensor",
    "Totals",
    "Undetermined",
    "Upto",
    "Whole",
    "Window",
    "Work",
    "analyze",
    "broadcast_shapes",
    "compare",
    "convention",
    "diff",
    "each",
    "everything",
    "product",
    "register",
    "same",
]

_HOMES = {
    "analyze": "analysis",
    "compare": "analysis",
    "diff": "analysis",
    "Difference": "difference",
    "Comparison": "comparison",
    "ConventionTotals": "conventions",
    "convention": "conventions",
    "register": "custom",
    "BindingError": "diagnostics",
    "CnnscopeError": "diagnostics",
    "Diagnostic": "diagnostics",
    "GraphError": "diagnostics",
    "ModelFileError": "diagnostics",
    "Undetermined": "dimension",
    "product": "dimension",
    "Explanation": "explanation",
    "Group": "groups",
    "Kind": "kinds",
    "FLAT": "operator",
    "NOTHING": "operator",
    "Along": "operator",
    "Listed": "operator",
    "Only": "operator",
    "Upto": "operator",
    "Whole": "operator",
    "Work": "operator",
    "broadcast_shapes": "operator",
    "each": "operator",
    "everything": "operator",
    "same": "operator",
    "Convention": "peers",
    "Layer": "report",
    "Metric": "report",
    "ReceptiveField": "report",
    "Report": "report",
    "Totals": "report",
    "Tensor": "tensor",
    "Window": "window",
}


def __getattr__(name: str) -> object:
    """PEP 562: a public name, loaded now and kept."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
