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
    from cnnscope.analyzer.budgets.verdicts import Check, Figure, Verdict
    from cnnscope.analyzer.counters.conventions import ConventionTotals, convention, conventions
    from cnnscope.analyzer.counters.peers import Convention
    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.layers.kinds import Kind
    from cnnscope.analyzer.lint.linting import Findings
    from cnnscope.analyzer.operators.custom import register
    from cnnscope.analyzer.operators.reading import (
        FLAT,
        NOTHING,
        Along,
        Listed,
        Only,
        Upto,
        Whole,
        everything,
    )
    from cnnscope.analyzer.operators.rules import broadcast_shapes, each, same
    from cnnscope.analyzer.operators.work import Work
    from cnnscope.analyzer.report.comparison import Comparison
    from cnnscope.analyzer.report.groups import Group
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.metric import Metric, Totals
    from cnnscope.analyzer.report.receptive_field import ReceptiveField
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.analyzer.values.diagnostics import (
        ArgumentError,
        BindingError,
        CnnscopeError,
        Diagnostic,
        GraphError,
        LimitError,
        ModelFileError,
        RunError,
    )
    from cnnscope.analyzer.values.dimension import Undetermined, product
    from cnnscope.analyzer.values.tensor import Tensor
    from cnnscope.analyzer.values.window import Window
    from cnnscope.runtime.gates.checking import check
    from cnnscope.runtime.gates.linting import lint
    from cnnscope.runtime.profile.profiling import profile
    from cnnscope.runtime.verify.verifying import verify

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
    "check": "cnnscope.runtime.gates.checking",
    "Check": "cnnscope.analyzer.budgets.verdicts",
    "Figure": "cnnscope.analyzer.budgets.verdicts",
    "Verdict": "cnnscope.analyzer.budgets.verdicts",
    "lint": "cnnscope.runtime.gates.linting",
    "Findings": "cnnscope.analyzer.lint.linting",
    "profile": "cnnscope.runtime.profile.profiling",
    "Profile": "cnnscope.analyzer.report.measurement",
    "verify": "cnnscope.runtime.verify.verifying",
    "RunError": "cnnscope.analyzer.values.diagnostics",
    "Verification": "cnnscope.analyzer.report.verification",
    "analyze": "cnnscope.analyzer.analysis",
    "compare": "cnnscope.analyzer.analysis",
    "diff": "cnnscope.analyzer.analysis",
    "Difference": "cnnscope.analyzer.difference.difference",
    "Comparison": "cnnscope.analyzer.report.comparison",
    "Group": "cnnscope.analyzer.report.groups",
    "Kind": "cnnscope.analyzer.layers.kinds",
    "ArgumentError": "cnnscope.analyzer.values.diagnostics",
    "BindingError": "cnnscope.analyzer.values.diagnostics",
    "CnnscopeError": "cnnscope.analyzer.values.diagnostics",
    "Convention": "cnnscope.analyzer.counters.peers",
    "ConventionTotals": "cnnscope.analyzer.counters.conventions",
    "convention": "cnnscope.analyzer.counters.conventions",
    "conventions": "cnnscope.analyzer.counters.conventions",
    "Diagnostic": "cnnscope.analyzer.values.diagnostics",
    "GraphError": "cnnscope.analyzer.values.diagnostics",
    "LimitError": "cnnscope.analyzer.values.diagnostics",
    "Explanation": "cnnscope.analyzer.explanation.explanation",
    "ModelFileError": "cnnscope.analyzer.values.diagnostics",
    "Work": "cnnscope.analyzer.operators.work",
    "Along": "cnnscope.analyzer.operators.reading",
    "FLAT": "cnnscope.analyzer.operators.reading",
    "Listed": "cnnscope.analyzer.operators.reading",
    "NOTHING": "cnnscope.analyzer.operators.reading",
    "Only": "cnnscope.analyzer.operators.reading",
    "Tensor": "cnnscope.analyzer.values.tensor",
    "Undetermined": "cnnscope.analyzer.values.dimension",
    "Upto": "cnnscope.analyzer.operators.reading",
    "Whole": "cnnscope.analyzer.operators.reading",
    "Window": "cnnscope.analyzer.values.window",
    "broadcast_shapes": "cnnscope.analyzer.operators.rules",
    "each": "cnnscope.analyzer.operators.rules",
    "everything": "cnnscope.analyzer.operators.reading",
    "product": "cnnscope.analyzer.values.dimension",
    "register": "cnnscope.analyzer.operators.custom",
    "same": "cnnscope.analyzer.operators.rules",
    "Layer": "cnnscope.analyzer.report.layer",
    "Metric": "cnnscope.analyzer.report.metric",
    "ReceptiveField": "cnnscope.analyzer.report.receptive_field",
    "Report": "cnnscope.analyzer.report.report",
    "Totals": "cnnscope.analyzer.report.metric",
}


# Modules found here have a name one level below the package's: `cnnscope.testing`.
__path__.append(f"{__path__[0]}/runtime/public")


def __getattr__(name: str) -> object:
    """PEP 562: a public name, loaded now and kept."""
    found: object
    if name == "__version__":
        from cnnscope.runtime.commands.output import installed_version

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
