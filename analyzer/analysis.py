"""Everything cnnscope knows of a model without running it: ``analyze()``, the pipeline.

open -> Graph -> shapes -> costs, weights, memory, fields -> Report. Each step is a pass over the
one before; this module only connects them and gathers what they say per layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.examination import Analysis, Source, examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import (
    checked_dims,
    checked_several,
    checked_shapes,
    checked_values,
)
from cnnscope.analyzer.values.collector import collector_resting
from cnnscope.analyzer.values.diagnostics import ArgumentError, BindingError, GraphError

if TYPE_CHECKING:
    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.difference.stages import Side
    from cnnscope.analyzer.report.comparison import Comparison
    from cnnscope.analyzer.sizes.intervals import Intervals
    from cnnscope.analyzer.sizes.sweep import Sweep
    from cnnscope.analyzer.sizes.tiling import Tiling
    from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
    from cnnscope.analyzer.streaming.streaming import Streaming


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
    with collector_resting():
        try:
            found = examine(
                model,
                shapes=given,
                dims=bound,
                values=told,
                free=_texts(free),
                keep_fixed=keep_fixed,
            )
            return report_of(found)
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def _texts(free: str | Sequence[str]) -> tuple[str, ...]:
    return (free,) if isinstance(free, str) else tuple(free)


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


def sizes(
    model: Source,
    *,
    free: str | Sequence[str] = (),
    dims: Mapping[str, int | range] | None = None,
) -> ValidSizes:
    """Which sizes of its inputs a model accepts, exactly, without running it.

    Args:
        model: as for `analyze`.
        free: what the file fixes and is to be opened: ``"HxW"`` for the spatial axes of its inputs,
            ``"NxHxW"`` for the batch as well, ``"input:2=H"`` for one axis; several in a list.
        dims: name of a free dimension to its length; or to a range of lengths, over which the valid ones
            are listed.

    Returns:
        The `ValidSizes`: for each free dimension the set of its valid lengths, what rules out the
        others, and what ties dimensions to each other.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.
        BindingError: `free` or `dims` don't fit its inputs, or no length is free.

    >>> import cnnscope
    >>> found = cnnscope.sizes("sample_models/densenet121.onnx", free="HxW")
    >>> found["H"].runs(), found.admits(H=29, W=28)
    ((Run(step=1, least=29, most=None),), False)
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.sizes.asking import sizes_of

    asked = _texts(free)
    ranges = {name: x for name, x in (dims or {}).items() if isinstance(x, range)}
    bound = checked_dims({k: x for k, x in (dims or {}).items() if not isinstance(x, range)})
    with collector_resting():
        try:
            return sizes_of(model, asked, bound, ranges)
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def stream(
    model: Source | Report,
    *,
    rate: int | None = None,
    axis: str | None = None,
    free: str | Sequence[str] = (),
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Streaming:
    """How much past and future a model needs along a time axis, exactly, without running it.

    Args:
        model: as for `analyze`; or a report that it gave, whose sizes then hold.
        rate: samples a second, for figures in ms.
        axis: the time axis, ``"input:2"``; None: the only one that layers look along.
        free, shapes, dims: as for `analyze`.

    Returns:
        The `Streaming`: for each output the samples that a unit sees, its hop, the context before and
        behind that, and the look-ahead; the layers that look ahead; the smallest chunk.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.
        BindingError: sizes don't fit the inputs, or which axis is meant isn't clear.
        ArgumentError: `rate` is no whole number above 0, or a report was read back from data.

    >>> import cnnscope
    >>> found = cnnscope.stream("sample_models/wavenet.onnx", rate=16000)
    >>> found.causal, found.outputs[0].window, found.outputs[0].hop
    (True, 3070, 1)
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.streaming.asking import streaming_of

    _check_streamed(rate, axis)
    with collector_resting():
        try:
            if isinstance(model, Report):
                analysis = model._analysis
                if not isinstance(analysis, Analysis):
                    raise ArgumentError("the report was read back from data: give its model")
            else:
                analysis = examine(
                    model, shapes=checked_shapes(shapes), dims=checked_dims(dims), free=_texts(free)
                )
            return streaming_of(analysis, axis, rate)
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def sweep(
    model: Source,
    dims: Mapping[str | tuple[str, ...], int | range | Sequence[int]],
    *,
    free: str | Sequence[str] = (),
) -> Sweep:
    """What a model costs at many sizes, at the price of one analysis.

    Args:
        model: as for `analyze`.
        dims: name of a free dimension to its lengths: several, a range, or one. Names joined by a comma
            (``"H,W"``, or a tuple) move together; otherwise every length is taken with every other one's.
        free: what the file fixes and is to be opened, as for `sizes`.

    Returns:
        The `Sweep`: a row for each size, whether it is valid, and its totals; formulas of these.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.
        BindingError: `free` or `dims` don't fit its inputs, a dimension is left free, or there are too
            many sizes.

    >>> import cnnscope
    >>> found = cnnscope.sweep("sample_models/resnet50.onnx", {"H,W": [224, 256]}, free="HxW")
    >>> found.totals["macs"].values
    (4089184256, 5340348416)
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.sizes.asking import sweep_of

    if not isinstance(dims, Mapping):
        raise BindingError(
            "dims: a dict from names of dimensions to lengths is wanted: {'H': [224, 256]}"
        )
    with collector_resting():
        try:
            return sweep_of(model, _texts(free), dims)
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def _check_streamed(rate: object, axis: object) -> None:
    """Raises ArgumentError where one of them isn't what it has to be."""
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int) or rate < 1):
        raise ArgumentError(f"rate is a whole number of samples a second, not {rate!r}")
    if axis is not None and not isinstance(axis, str):
        raise ArgumentError(f"axis is a text such as 'input:2', not {axis!r}")


def tile(
    model: Source,
    tile: int | Sequence[int] = 256,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    free: str | Sequence[str] = (),
) -> Tiling:
    """How a model is run tile by tile: the halo, the grid, and what tiles cost, without running it.

    Args:
        model: as for `analyze`.
        tile: pixels of its own that a tile has along each axis; several to be held against each other.
        shapes: input name to the whole's shape; without, the file's, and where that leaves lengths free a
            tile far from the borders is meant.
        dims: name of a free dimension to its length.
        free: names for what the file fixes, as `sizes` takes them; all axes that layers look along are
            opened anyway.

    Returns:
        The `Tiling`. Where no axis can be cut, its `obstacles` say because of which layer.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.
        BindingError: `shapes`, `dims` or `free` don't fit its inputs; the whole isn't accepted.
        ValueError: a tile has no pixels.

    >>> import cnnscope
    >>> found = cnnscope.tile("sample_models/fcn8s.onnx")
    >>> found.halo("input", 2), found.axes[0].step
    ((221, 215), 32)
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.sizes.tile_asking import tiling_of

    tiles = [tile] if isinstance(tile, int) else list(tile)
    if not tiles or min(tiles) < 1:
        raise ValueError("tile: give pixels, 1 or more")
    given, bound = checked_shapes(shapes), checked_dims(dims)
    with collector_resting():
        try:
            return tiling_of(model, tiles, _texts(free), bound or {}, given or {})
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def intervals(
    model: Source,
    dims: Mapping[str | tuple[str, ...], int | range | Sequence[int]],
    *,
    free: str | Sequence[str] = (),
) -> Intervals:
    """Between which figures a model's costs lie, over all valid sizes in ranges of lengths.

    Args:
        model, free: as for `sweep`.
        dims: likewise; a range has at most 2^20 lengths.

    Returns:
        The `Intervals`: for every total and every length of an output the least and the most, each with a
        size that has it.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.
        BindingError: as `sweep`.

    >>> import cnnscope
    >>> found = cnnscope.intervals("sample_models/resnet50.onnx", {"H,W": range(224, 257)}, free="HxW")
    >>> found["macs"].least, found["macs"].most, found["macs"].most_at
    (4089184256, 5340348416, {'H': 255, 'W': 255})
    """
    # Loaded when first asked for, as for `diff`.
    from cnnscope.analyzer.sizes.asking import intervals_of

    if not isinstance(dims, Mapping):
        raise BindingError(
            "dims: a dict from names of dimensions to ranges is wanted: {'H': range(224, 641)}"
        )
    with collector_resting():
        try:
            return intervals_of(model, _texts(free), dims)
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


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
