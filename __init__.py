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
    from cnnscope.analyzer.analysis import analyze, compare, diff
    from cnnscope.analyzer.comparison import Comparison
    from cnnscope.analyzer.conventions import ConventionTotals, convention, conventions
    from cnnscope.analyzer.custom import register
    from cnnscope.analyzer.diagnostics import (
        ArgumentError,
        BindingError,
        CnnscopeError,
        Diagnostic,
        GraphError,
        LimitError,
        ModelFileError,
        RunError,
    )
    from cnnscope.analyzer.difference import Difference
    from cnnscope.analyzer.dimension import Undetermined, product
    from cnnscope.analyzer.explanation import Explanation
    from cnnscope.analyzer.groups import Group
    from cnnscope.analyzer.kinds import Kind
    from cnnscope.analyzer.lint import Findings
    from cnnscope.analyzer.measurement import Profile
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
    from cnnscope.analyzer.verdicts import Check, Figure, Verdict
    from cnnscope.analyzer.verification import Verification
    from cnnscope.analyzer.window import Window
    from cnnscope.runtime.checking import check
    from cnnscope.runtime.linting import lint
    from cnnscope.runtime.profiling import profile
    from cnnscope.runtime.verifying import verify

    __version__: str

__all__ = [
    "FLAT",
    "NOTHING",
    "Along",
    "ArgumentError",
    "BindingError",
    "Check",
    "CnnscopeError",
    "Comparison",
    "Convention",
    "ConventionTotals",
    "Diagnostic",
    "Difference",
    "Explanation",
    "Figure",
    "Findings",
    "GraphError",
    "Group",
    "Kind",
    "Layer",
    "LimitError",
    "Listed",
    "Metric",
    "ModelFileError",
    "Only",
    "Profile",
    "ReceptiveField",
    "Report",
    "RunError",
    "Tensor",
    "Totals",
    "Undetermined",
    "Upto",
    "Verdict",
    "Verification",
    "Whole",
    "Window",
    "Work",
    "__version__",
    "analyze",
    "broadcast_shapes",
    "check",
    "compare",
    "convention",
    "conventions",
    "diff",
    "each",
    "everything",
    "lint",
    "product",
    "profile",
    "register",
    "same",
    "verify",
]

_HOMES = {
    "check": "cnnscope.runtime.checking",
    "Check": "cnnscope.analyzer.verdicts",
    "Figure": "cnnscope.analyzer.verdicts",
    "Verdict": "cnnscope.analyzer.verdicts",
    "lint": "cnnscope.runtime.linting",
    "Findings": "cnnscope.analyzer.lint",
    "profile": "cnnscope.runtime.profiling",
    "Profile": "cnnscope.analyzer.measurement",
    "verify": "cnnscope.runtime.verifying",
    "RunError": "cnnscope.analyzer.diagnostics",
    "Verification": "cnnscope.analyzer.verification",
    "analyze": "cnnscope.analyzer.analysis",
    "compare": "cnnscope.analyzer.analysis",
    "diff": "cnnscope.analyzer.analysis",
    "Difference": "cnnscope.analyzer.difference",
    "Comparison": "cnnscope.analyzer.comparison",
    "Group": "cnnscope.analyzer.groups",
    "Kind": "cnnscope.analyzer.kinds",
    "ArgumentError": "cnnscope.analyzer.diagnostics",
    "BindingError": "cnnscope.analyzer.diagnostics",
    "CnnscopeError": "cnnscope.analyzer.diagnostics",
    "Convention": "cnnscope.analyzer.peers",
    "ConventionTotals": "cnnscope.analyzer.conventions",
    "convention": "cnnscope.analyzer.conventions",
    "conventions": "cnnscope.analyzer.conventions",
    "Diagnostic": "cnnscope.analyzer.diagnostics",
    "GraphError": "cnnscope.analyzer.diagnostics",
    "LimitError": "cnnscope.analyzer.diagnostics",
    "Explanation": "cnnscope.analyzer.explanation",
    "ModelFileError": "cnnscope.analyzer.diagnostics",
    "Work": "cnnscope.analyzer.operator",
    "Along": "cnnscope.analyzer.operator",
    "FLAT": "cnnscope.analyzer.operator",
    "Listed": "cnnscope.analyzer.operator",
    "NOTHING": "cnnscope.analyzer.operator",
    "Only": "cnnscope.analyzer.operator",
    "Tensor": "cnnscope.analyzer.tensor",
    "Undetermined": "cnnscope.analyzer.dimension",
    "Upto": "cnnscope.analyzer.operator",
    "Whole": "cnnscope.analyzer.operator",
    "Window": "cnnscope.analyzer.window",
    "broadcast_shapes": "cnnscope.analyzer.operator",
    "each": "cnnscope.analyzer.operator",
    "everything": "cnnscope.analyzer.operator",
    "product": "cnnscope.analyzer.dimension",
    "register": "cnnscope.analyzer.custom",
    "same": "cnnscope.analyzer.operator",
    "Layer": "cnnscope.analyzer.report",
    "Metric": "cnnscope.analyzer.report",
    "ReceptiveField": "cnnscope.analyzer.report",
    "Report": "cnnscope.analyzer.report",
    "Totals": "cnnscope.analyzer.report",
}


# Modules found here have a name one level below the package's: `cnnscope.testing`.
__path__.append(f"{__path__[0]}/runtime/public")


def __getattr__(name: str) -> object:
    """PEP 562: a public name, loaded now and kept."""
    found: object
    if name == "__version__":
        from cnnscope.cli import installed_version

        found = installed_version()
    elif name == "testing":
        from importlib import import_module

        found = import_module("cnnscope.testing")
    elif name in _HOMES:
        from importlib import import_module

        found = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
