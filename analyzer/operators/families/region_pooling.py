"""What do pools over regions put out that are given as data, and what work are they?

Where a region lies isn't known before the model runs, so each output may read the whole of the
spatial axes. MaxRoiPool's bins hang on data; so does its work, which isn't known. RoiAlign samples
``sampling_ratio**2`` places per bin, as `grid_sample` counts them, and takes their mean (an addition each
but one, a division) or the greatest of all the weighted corners (a comparison each but one); with
sampling_ratio 0 the number hangs on the regions and the work isn't known. CropAndResize samples a
place per output.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.grid_sample import per_place, per_value
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    OutputReads,
    Reads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import Ints, demand
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor


def roi_output(x: Tensor, rois: Tensor, *, pooled_shape: Ints = None) -> Tensor:
    demand(rois, "rois", None, 5)
    return x.of((rois.dims[0], x.dims[1], *(pooled_shape or ())))


def roi_reads(outputs: tuple[Tensor, ...], x: Tensor, rois: Tensor) -> Reads:
    if rois.constant:
        raise Undetermined("which places constant regions take")
    # Each region names its image; its place and size are data.
    space = [Whole(spatial=True)] * (x.rank - 2)
    data: tuple[AxisRead, ...] = (Whole(), Along(1), *space)
    return data, (Along(0), Whole())


def roi_work(outputs: tuple[Tensor, ...], x: Tensor, rois: Tensor) -> Work:
    raise Undetermined("how many inputs fall into the bins of a region")


def align_output(
    x: Tensor, rois: Tensor, batch: Tensor, *, output_height: int = 1, output_width: int = 1
) -> Tensor:
    demand(rois, "rois", None, 4)
    demand(batch, "batch_indices", rois.dims[0])
    return x.of((rois.dims[0], x.dims[1], output_height, output_width))


def align_work(
    outputs: tuple[Tensor, ...], x: Tensor, rois: Tensor, batch: Tensor, *,
    mode: str = "avg", sampling_ratio: int = 0,
) -> Work:  # fmt: skip
    if sampling_ratio <= 0:
        raise Undetermined("how many samples a bin takes: it hangs on the region's size")
    axes = x.rank - 2
    samples = int(sampling_ratio**axes)
    values = outputs[0].size
    places: Dim = product((outputs[0].dims[0], *outputs[0].dims[2:])) * samples
    work = per_place(axes, "linear") * places
    if mode == "max":
        corners = samples * int(2**axes)
        return work + Work(mul=corners, compare=corners - 1) * values
    return work + (per_value(axes, "linear") * samples + Work(add=samples - 1, div=1)) * values


def crop_output(
    x: Tensor, rois: Tensor, batch: Tensor, crop_size: Tensor, *, node_name: str = ""
) -> Tensor:
    lengths: list[Dim] = [FreeDim.from_data(f"{node_name} length {i}") for i in range(x.rank - 2)]
    if crop_size.value is not None:
        lengths = crop_size.lengths
    return x.of((rois.dims[0], x.dims[1], *lengths))


def crop_work(
    outputs: tuple[Tensor, ...], x: Tensor, rois: Tensor, batch: Tensor, crop_size: Tensor, *,
    mode: str = "bilinear",
) -> Work:  # fmt: skip
    places = product((outputs[0].dims[0], *outputs[0].dims[2:]))
    axes = x.rank - 2
    return per_place(axes, mode) * places + per_value(axes, mode) * outputs[0].size


def region_reads(
    outputs: tuple[Tensor, ...], x: Tensor, rois: Tensor, batch: Tensor, *rest: Tensor | None
) -> OutputReads:
    if rois.constant:
        raise Undetermined("which places constant regions take")
    space = (Whole(spatial=True) for _ in range(x.rank - 2))
    ends = (NOTHING for _ in rest)
    return (Whole(), Along(1), *space), (Along(0), *everything(rois)[1:]), (Along(0),), *ends


define(
    "MaxRoiPool",
    kind="region pooling",
    infer=roi_output,
    work=roi_work,
    reads=roi_reads,
    places=(1,),
)
define(
    "RoiAlign",
    kind="region pooling",
    infer=align_output,
    work=align_work,
    reads=region_reads,
    places=(1,),
)
define(
    "CropAndResize",
    kind="region pooling",
    infer=crop_output,
    work=crop_work,
    reads=region_reads,
    domain=MICROSOFT,
    places=(1,),
)
