"""What is known of a model at the sizes at which it is judged, or over a range of them?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.model.binding import named_shapes
from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.own_sizes import Bindable, Sizes
from cnnscope.analyzer.report.examination import Analysis, Source, examining
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import ArgumentError

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.costs_over import CostsOver


def analysed(source: Source | Report, sizes: Sizes) -> tuple[Report, CostsOver | None]:
    """A model's analysis; over a range of sizes with its formulas, and with what evaluates these.

    Args:
        source: the model; a report is what it is, but for a range, for which its model is analysed anew.
        sizes: those of the model's own.

    Raises:
        CnnscopeError: it can't be analysed, or not at these sizes.
    """
    if sizes.ranges:
        return _over(source, sizes)
    if isinstance(source, Report):
        return source, None
    shapes = named_shapes(source, sizes.shapes)
    report = analyze(
        source, shapes=shapes, dims=sizes.dims, values=sizes.values, free=sizes.free, keep_fixed=True
    )  # fmt: skip
    return report, None


def analysed_before(source: Source, sizes: Sizes) -> tuple[Report, CostsOver | None]:
    """An earlier model's, at those of a later one's sizes that it has, too."""
    return analysed(source, sizes.of(Bindable.of(source, sizes.free)))


def _over(source: Source | Report, sizes: Sizes) -> tuple[Report, CostsOver]:
    from cnnscope.analyzer.sizes.asking import costs_over

    if sizes.shapes or sizes.values:
        what = "a shape" if sizes.shapes else "a value"
        raise ArgumentError(
            f"{what} doesn't go with a range of lengths: give the other dimensions one each"
        )
    model: Source | ModelFile
    if isinstance(source, Report):
        known = source._analysis
        if not isinstance(known, Analysis):
            raise ArgumentError("the report was read back from data: a range needs its model")
        model = known.file
    else:
        model = source
    dims: dict[str | tuple[str, ...], int | Sequence[int]] = {**sizes.dims, **sizes.ranges}  # type: ignore[dict-item]  # keys are texts
    with examining():
        found = costs_over(model, sizes.free, dims)
    return found.report, found
