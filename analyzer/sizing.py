"""What does a model accept, cost and see at sizes that are left open? Asked without running it.

``sizes()``, ``sweep()``, ``intervals()`` and ``tile()`` ask of its inputs' lengths, ``patchwise()`` of its
first stage in parts, ``stream()`` of a time axis. Each loads what answers it when it is asked: most who
analyse a model never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.examination import Analysis, Source, examine, examining
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import (
    checked_count,
    checked_counts,
    checked_dims,
    checked_shapes,
    checked_text,
    checked_texts,
)
from cnnscope.analyzer.values.diagnostics import ArgumentError

if TYPE_CHECKING:
    import os

    from cnnscope.analyzer.sizes.intervals import Intervals
    from cnnscope.analyzer.sizes.patchwise import Patchwise
    from cnnscope.analyzer.sizes.sweep import Sweep
    from cnnscope.analyzer.sizes.tiling import Tiling
    from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
    from cnnscope.analyzer.streaming.streaming import Streaming


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
    from cnnscope.analyzer.sizes.asking import sizes_of

    asked = checked_texts(free, "free")
    ranges: dict[str, range] = {}
    if isinstance(dims, Mapping):
        ranges = {name: x for name, x in dims.items() if isinstance(x, range)}
        dims = {name: x for name, x in dims.items() if name not in ranges}
    bound = checked_dims(dims)
    with examining():
        return sizes_of(model, asked, bound, ranges)


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
    from cnnscope.analyzer.sizes.asking import sweep_of

    with examining():
        return sweep_of(model, checked_texts(free, "free"), dims)


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
    from cnnscope.analyzer.sizes.asking import intervals_of

    with examining():
        return intervals_of(model, checked_texts(free, "free"), dims)


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
        ArgumentError: a tile is no whole number of pixels, 1 or more.

    >>> import cnnscope
    >>> found = cnnscope.tile("sample_models/fcn8s.onnx")
    >>> found.halo("input", 2), found.axes[0].step
    ((221, 215), 32)
    """
    from cnnscope.analyzer.sizes.tile_asking import tiling_of

    tiles = checked_counts(tile if isinstance(tile, Iterable) else [tile], "tile", 1)
    if not tiles:
        raise ArgumentError("tile is an empty list; pixels are wanted, 1 or more")
    given, bound = checked_shapes(shapes), checked_dims(dims)
    with examining():
        return tiling_of(model, tiles, checked_texts(free, "free"), bound or {}, given or {})


def patchwise(
    model: Source,
    output: str | os.PathLike[str] | None = None,
    *,
    until: str | None = None,
    patches: int | Sequence[int] = 4,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Patchwise:
    """A model with its first stage run patch by patch, so that less memory is alive at once.

    Lin, Chen, Cai, Gan and Han, *MCUNetV2: Memory-efficient patch-based inference for tiny deep
    learning*, NeurIPS 2021. The outputs are the same, to rounding.

    Args:
        model: as for `analyze`; to be written, an ONNX file that is here, its bytes or a `ModelProto`.
        output: where the new model is written, replaced if it is there; None: it is only planned.
        until: the stage's last layer, by its path, name or index; of several that are meant the last. None:
            that after which least memory is alive, if that is 5 % less at least.
        patches: into how many the stage's last map is cut along each axis; several: along its first axis,
            along its second, ...
        shapes, dims: as for `analyze`; the new model's inputs have them. A batch that the file leaves free
            stays free.

    Returns:
        The `Patchwise`. Where no stage is worth it, its `stage` is None and `why` says it.

    Raises:
        ModelFileError, GraphError, LimitError, BindingError: as `analyze`; the model's weights lie beside
            it and `output` in another folder, or `output` is the model or its data; a layer of the stage
            isn't run in parts; a length is free.
        ArgumentError: no stage can end with `until`, or `patches` isn't what it has to be.
        OSError: the file can't be written.

    >>> import cnnscope
    >>> found = cnnscope.patchwise("sample_models/mobilenet_v2.onnx")
    >>> found.stage.until, found.stage.patches
    ('/features/4/project/conv/Conv', {2: 4, 3: 4})
    >>> found.peak("mcunetv2").before // 1024, found.peak("mcunetv2").after // 1024
    (1372, 171)
    """
    from pathlib import Path

    from cnnscope.analyzer.sizes.patch_asking import patchwise_of

    counts = checked_counts(patches if isinstance(patches, Iterable) else [patches], "patches", 1)
    if not counts:
        raise ArgumentError("patches is an empty list; how many along each axis is wanted")
    given, bound = checked_shapes(shapes), checked_dims(dims)
    end = None if until is None else checked_text(until, "until")
    target = None if output is None else Path(output)
    with examining():
        return patchwise_of(model, target, end, counts, bound, given)


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
    from cnnscope.analyzer.streaming.asking import streaming_of

    hertz = None if rate is None else checked_count(rate, "rate", 1)
    along = None if axis is None else checked_text(axis, "axis")
    opened = checked_texts(free, "free")
    with examining():
        if isinstance(model, Report):
            analysis = model._analysis
            if not isinstance(analysis, Analysis):
                raise ArgumentError("the report was read back from data: give its model")
        else:
            analysis = examine(
                model, shapes=checked_shapes(shapes), dims=checked_dims(dims), free=opened
            )
        return streaming_of(analysis, along, hertz)
