"""Everything cnnscope knows of a model without running it: ``analyze()``, the pipeline.

open -> Graph -> shapes -> costs, weights, memory, fields -> Report. Each step is a pass over the
one before; this module only connects them and gathers what they say per layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.examination import Analysis, Source, examine, examining
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import (
    checked_dims,
    checked_several,
    checked_shapes,
    checked_texts,
    checked_values,
)
from cnnscope.analyzer.values.collector import collector_resting

if TYPE_CHECKING:
    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.difference.stages import Side
    from cnnscope.analyzer.report.comparison import Comparison


def analyze(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    free: str | Sequence[str] = (),
    keep_fixed: bool = False,
) -> Report:
    """Sizes, parameters, work, memory and receptive fields of every layer, computed, not measured.

    Args:
        model: a path, the file's bytes, an open binary file, or an `onnx.ModelProto`. Weights are
            never read; external data need not exist.
        shapes: input name to its shape, for inputs with free dimensions; None leaves an axis free,
            the batch too.
        dims: name of a free dimension to its length. A free dimension that every operator only
            carries along is the batch and becomes 1 (`Report.batch`).
        values: input name to its value (a number, lists of them or an array), for inputs that sizes
            hang on: how many are kept, to which shape. What follows from it is taken as known.
        free: axes that the file fixes and that are to be free, as `sizes` takes them: ``"HxW"``.
        keep_fixed: refuse shapes that contradict what the file fixes; else those axes are opened, too,
            and taken at the length given, or left free for None.

    Returns:
        The `Report`. A node that contradicts what it is given costs only what hangs on it, and is
        among the report's `errors`.

    Raises:
        ModelFileError: the model can't be read.
        GraphError: it can, but is no graph: a cycle, a tensor that nothing gives.
        LimitError: it stands for more than can be analysed.
        BindingError: `shapes`, `dims` or `values` don't fit its inputs.

    >>> import cnnscope
    >>> report = cnnscope.analyze("resnet50.onnx")  # doctest: +SKIP
    >>> report.totals.macs.value  # doctest: +SKIP
    4089184256
    """
    given, bound, told = checked_shapes(shapes), checked_dims(dims), checked_values(values)
    with examining():
        found = examine(
            model,
            shapes=given,
            dims=bound,
            values=told,
            free=checked_texts(free, "free"),
            keep_fixed=keep_fixed,
        )
        return report_of(found)


def compare(
    models: Sequence[Source | Report],
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> Comparison:
    """Several models side by side, and as ratios to the first.

    Args:
        models: what `analyze` takes, or reports that it gave.
        shapes, dims, values: for those still to be analysed, as `analyze` takes them.

    Returns:
        The `Comparison`; printed, it is a table.

    Raises:
        ValueError: there is no model.
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> print(cnnscope.compare(["resnet50.onnx", "mobilenet_v2.onnx"]))  # doctest: +SKIP
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.report.comparison import compared

    reports = []
    for model in checked_several(models, "models"):
        if not isinstance(model, Report):
            model = analyze(model, shapes=shapes, dims=dims, values=values)  # type: ignore[arg-type]  # it says so
        reports.append(model)
    return compared(reports)


def diff(
    before: Source | Report,
    after: Source | Report,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    weights: bool = True,
) -> Difference:
    """What differs between two models, layers matched by name and by structure.

    Args:
        before, after: what `analyze` takes, or reports that it gave.
        shapes, dims, values: for those still to be analysed, as `analyze` takes them.
        weights: compare the numbers stored, too; they are read piece by piece, never whole. A report
            that was read back from JSON has none: then they aren't compared.

    Returns:
        The `Difference`; printed, it is a table of what changed.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> lenet = "sample_models/lenet5.onnx"
    >>> cnnscope.diff(lenet, lenet).same
    True
    """
    # Loaded when first asked for: most reports are never compared.
    from cnnscope.analyzer.difference.diffing import find_difference

    sides = [
        x if isinstance(x, Report) else analyze(x, shapes=shapes, dims=dims, values=values)
        for x in (before, after)
    ]
    # One side without its model: the other's is left alone, too, so that both are told alike.
    whole = all(isinstance(report._analysis, Analysis) for report in sides)
    with collector_resting():
        return find_difference(*(_side(report, weights and whole, whole) for report in sides))


def _side(report: Report, read: bool, whole: bool) -> Side:
    """A report together with what is stored in its model, where the models are at hand."""
    from cnnscope.analyzer.difference.constants import main_level
    from cnnscope.analyzer.difference.stages import side_of

    known = report._analysis
    level = None
    if whole and isinstance(known, Analysis):
        level = main_level(known.file, known.graph, known.shapes, known.weights, read=read)
    return side_of(report, level, read=read)
