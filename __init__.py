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
    from cnnscope.analyzer import *
    from cnnscope.analyzer.sizing import sizes
    from cnnscope.runtime.fleet.scanning import scan
    from cnnscope.runtime.gates.checking import check
    from cnnscope.runtime.gates.linting import lint
    from cnnscope.runtime.gradients.measuring import measured_effective_field
    from cnnscope.runtime.profile.profiling import profile
    from cnnscope.runtime.proofs.shifting import shift
    from cnnscope.runtime.verify.verifying import verify

    __version__: str

__all__ = [
    "FLAT",
    "NOTHING",
    "Activation",
    "Activations",
    "Along",
    "ArgumentError",
    "BindingError",
    "Check",
    "Chosen",
    "CnnscopeError",
    "Comparison",
    "Convention",
    "ConventionFigures",
    "ConventionTotals",
    "Conventions",
    "Diagnostic",
    "Difference",
    "EffectiveField",
    "EffectiveFields",
    "Explanation",
    "Figure",
    "Filters",
    "Findings",
    "GraphError",
    "Group",
    "Groups",
    "Intervals",
    "Kind",
    "Layer",
    "LayerFilters",
    "Layers",
    "LimitError",
    "Listed",
    "Metric",
    "ModelFileError",
    "Only",
    "Page",
    "Patchwise",
    "Plots",
    "Profile",
    "ProfileComparison",
    "ReceptiveField",
    "Regions",
    "Report",
    "ReportFileError",
    "RunError",
    "Scan",
    "ScanCheck",
    "ScanDifference",
    "ScanSummary",
    "Shifts",
    "Streaming",
    "Sweep",
    "Tensor",
    "Tiling",
    "Totals",
    "Undetermined",
    "Upto",
    "ValidSizes",
    "Verdict",
    "Verification",
    "Whole",
    "Window",
    "Work",
    "__version__",
    "analyze",
    "annotate",
    "broadcast_shapes",
    "check",
    "compare",
    "convention",
    "conventions",
    "diff",
    "each",
    "everything",
    "export",
    "intervals",
    "lint",
    "load",
    "load_profile",
    "measured_effective_field",
    "patchwise",
    "product",
    "profile",
    "read_scan",
    "register",
    "same",
    "scan",
    "shift",
    "sizes",
    "stream",
    "sweep",
    "tile",
    "verify",
]

#: the names that run the model, and one that is a room's in the analyzer; all others are the analyzer's
_HOMES = {
    "check": "cnnscope.runtime.gates.checking",
    "lint": "cnnscope.runtime.gates.linting",
    "measured_effective_field": "cnnscope.runtime.gradients.measuring",
    "profile": "cnnscope.runtime.profile.profiling",
    "scan": "cnnscope.runtime.fleet.scanning",
    "shift": "cnnscope.runtime.proofs.shifting",
    "sizes": "cnnscope.analyzer.sizing",
    "verify": "cnnscope.runtime.verify.verifying",
}


# Modules found here have a name one level below the package's: `cnnscope.testing`.
__path__.append(f"{__path__[0]}/runtime/public")


def __getattr__(name: str) -> object:
    """PEP 562: a public name, loaded now and kept."""
    found: object
    if name == "__version__":
        from cnnscope.analyzer.values.package_version import installed_version

        found = installed_version()
    elif name == "testing":
        from importlib import import_module

        found = import_module("cnnscope.testing")
    elif name in __all__:
        from importlib import import_module

        found = getattr(import_module(_HOMES.get(name, "cnnscope.analyzer")), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
