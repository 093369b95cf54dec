"""The static side of cnnscope: what a model costs and sees, computed without running it.

Each name is loaded when it is first asked for, so that a process which only shows or sends results
loads neither onnx nor numpy. Where a name lives is said here only: `cnnscope` hands these names on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnscope.analyzer.analysis import analyze, compare, diff
    from cnnscope.analyzer.budgets.check import Check
    from cnnscope.analyzer.budgets.figure import Figure
    from cnnscope.analyzer.budgets.verdicts import Verdict
    from cnnscope.analyzer.counters.conventions import ConventionTotals, convention
    from cnnscope.analyzer.counters.peers import Convention
    from cnnscope.analyzer.counters.side_by_side import ConventionFigures, Conventions, conventions
    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.exporting import annotate, export
    from cnnscope.analyzer.filters.filters import Filters
    from cnnscope.analyzer.filters.layer_filters import LayerFilters
    from cnnscope.analyzer.fleet.scan_check import ScanCheck
    from cnnscope.analyzer.fleet.scan_difference import ScanDifference
    from cnnscope.analyzer.fleet.scan_table import Scan, read_scan
    from cnnscope.analyzer.fleet.summary import ScanSummary
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
    from cnnscope.analyzer.paging import Page
    from cnnscope.analyzer.plotting import Plots
    from cnnscope.analyzer.report.activations import Activation, Activations
    from cnnscope.analyzer.report.choosing import Chosen
    from cnnscope.analyzer.report.comparison import Comparison
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.effective_fields import EffectiveFields
    from cnnscope.analyzer.report.group import Group
    from cnnscope.analyzer.report.grouping import Groups
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.layers import Layers
    from cnnscope.analyzer.report.loading import load, load_profile
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.metric import Metric, Totals
    from cnnscope.analyzer.report.profile_comparison import ProfileComparison
    from cnnscope.analyzer.report.receptive_field import ReceptiveField
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.report.unit_regions import Regions
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.analyzer.sizes.intervals import Intervals
    from cnnscope.analyzer.sizes.patchwise import Patchwise
    from cnnscope.analyzer.sizes.shifts import Shifts
    from cnnscope.analyzer.sizes.sweep import Sweep
    from cnnscope.analyzer.sizes.tiling import Tiling
    from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
    from cnnscope.analyzer.sizing import intervals, patchwise, stream, sweep, tile
    from cnnscope.analyzer.streaming.streaming import Streaming
    from cnnscope.analyzer.values.diagnostics import (
        ArgumentError,
        BindingError,
        CnnscopeError,
        Diagnostic,
        GraphError,
        LimitError,
        ModelFileError,
        ReportFileError,
        RunError,
    )
    from cnnscope.analyzer.values.dimension import Undetermined, product
    from cnnscope.analyzer.values.tensor import Tensor
    from cnnscope.analyzer.values.window import Window

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
    "analyze",
    "annotate",
    "broadcast_shapes",
    "compare",
    "convention",
    "conventions",
    "diff",
    "each",
    "everything",
    "export",
    "intervals",
    "load",
    "load_profile",
    "patchwise",
    "product",
    "read_scan",
    "register",
    "same",
    "stream",
    "sweep",
    "tile",
]

_HOMES = {
    "analyze": "analysis",
    "annotate": "exporting",
    "export": "exporting",
    "compare": "analysis",
    "diff": "analysis",
    "Difference": "difference.difference",
    "Comparison": "report.comparison",
    "ConventionTotals": "counters.conventions",
    "convention": "counters.conventions",
    "Scan": "fleet.scan_table",
    "ScanCheck": "fleet.scan_check",
    "ScanDifference": "fleet.scan_difference",
    "ScanSummary": "fleet.summary",
    "read_scan": "fleet.scan_table",
    "register": "operators.custom",
    "BindingError": "values.diagnostics",
    "CnnscopeError": "values.diagnostics",
    "Diagnostic": "values.diagnostics",
    "GraphError": "values.diagnostics",
    "ModelFileError": "values.diagnostics",
    "Undetermined": "values.dimension",
    "product": "values.dimension",
    "Explanation": "explanation.explanation",
    "Group": "report.group",
    "Kind": "layers.kinds",
    "Filters": "filters.filters",
    "LayerFilters": "filters.layer_filters",
    "FLAT": "operators.reading",
    "NOTHING": "operators.reading",
    "Along": "operators.reading",
    "Listed": "operators.reading",
    "Only": "operators.reading",
    "Upto": "operators.reading",
    "Whole": "operators.reading",
    "Work": "operators.work",
    "broadcast_shapes": "operators.rules",
    "each": "operators.rules",
    "everything": "operators.reading",
    "same": "operators.rules",
    "Convention": "counters.peers",
    "Layer": "report.layer",
    "Metric": "report.metric",
    "ReceptiveField": "report.receptive_field",
    "Regions": "report.unit_regions",
    "Activation": "report.activations",
    "Activations": "report.activations",
    "EffectiveField": "report.effective_field",
    "EffectiveFields": "report.effective_fields",
    "Report": "report.report",
    "Totals": "report.metric",
    "Tensor": "values.tensor",
    "Window": "values.window",
    "Check": "budgets.check",
    "Figure": "budgets.figure",
    "Verdict": "budgets.verdicts",
    "Findings": "lint.linting",
    "Profile": "report.measurement",
    "ProfileComparison": "report.profile_comparison",
    "load_profile": "report.loading",
    "RunError": "values.diagnostics",
    "Shifts": "sizes.shifts",
    "Streaming": "streaming.streaming",
    "Tiling": "sizes.tiling",
    "ValidSizes": "sizes.valid_sizes",
    "Intervals": "sizes.intervals",
    "intervals": "sizing",
    "Page": "paging",
    "Patchwise": "sizes.patchwise",
    "Plots": "plotting",
    "patchwise": "sizing",
    "Sweep": "sizes.sweep",
    "stream": "sizing",
    "sweep": "sizing",
    "tile": "sizing",
    "Verification": "report.verification",
    "ArgumentError": "values.diagnostics",
    "conventions": "counters.side_by_side",
    "ConventionFigures": "counters.side_by_side",
    "Conventions": "counters.side_by_side",
    "Chosen": "report.choosing",
    "Groups": "report.grouping",
    "Layers": "report.layers",
    "LimitError": "values.diagnostics",
    "ReportFileError": "values.diagnostics",
    "load": "report.loading",
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
