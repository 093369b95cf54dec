"""What do operators that sample at places given as data put out, and what work is it?

Where they look isn't known before the model runs, so each output may read the whole of the spatial
axes. At each place, along each of the d axes, and for all channels together, linear sampling takes

- unnormalising or scaling the coordinate: a multiplication and an addition;
- a floor (a comparison), and the distances from both neighbours: two additions;
- the corners' weights: ``(d-1) * 2**d`` multiplications;

and in every channel ``2**d`` multiplications and ``2**d - 1`` additions. Nearest takes the
coordinate and a rounding per axis. Cubic takes four weights per axis, each a cubic polynomial (three
multiplications, three additions), and in every channel one axis after the other: ``4**d + ... + 4``
multiplications and three additions for every four.

RoiAlign samples ``sampling_ratio**2`` places per bin and takes their mean (an addition each but one,
a division) or the greatest of all the weighted corners (a comparison each but one); with
sampling_ratio 0 the number hangs on the regions and the work isn't known. AffineGrid is a product of
``theta`` with the places of a fixed grid: ``d*d`` MACs each, and d additions for the translation.
"""

from __future__ import annotations

from cnnscope.analyzer.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.operator import (
    NOTHING,
    Along,
    AxisRead,
    OutputReads,
    Whole,
    Work,
    define,
    demand,
    everything,
    matrix_work,
    one_of,
)
from cnnscope.analyzer.tensor import Tensor, axes_of


def per_place(axes: int, mode: str) -> Work:
    """Work at one place for all channels together."""
    coordinate = Work(mul=axes, add=axes)
    if mode == "nearest":
        return coordinate + Work(compare=axes)
    weights = Work(compare=axes, add=2 * axes, mul=(axes - 1) * 2**axes)
    if mode in ("cubic", "bicubic"):
        weights = Work(compare=axes, add=axes) + Work(mul=3, add=3) * (4 * axes)
    return coordinate + weights


def per_value(axes: int, mode: str) -> Work:
    """Work at one place in one channel."""
    if mode == "nearest":
        return Work()
    if mode in ("cubic", "bicubic"):
        passes = sum(4**k for k in range(1, axes + 1))
        return Work(mul=passes, add=passes * 3 // 4)
    return Work(mul=2**axes, add=2**axes - 1)


# -- GridSample, AffineGrid -----------------------------------------------------------------


MODES = ("linear", "nearest", "cubic", "bilinear", "bicubic")  # the last two until opset 20


def grid_output(
    x: Tensor, grid: Tensor, *, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    one_of(mode, "mode", *MODES)
    one_of(padding_mode, "padding_mode", "zeros", "border", "reflection")
    if x.rank != grid.rank:
        raise ValueError(f"the grid has {grid.rank} axes, the input {x.rank}")
    return x.of((*x.dims[:2], *grid.dims[1:-1]))


def grid_work(
    outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor, *, mode: str = "linear"
) -> Work:
    axes = x.rank - 2
    here = product(grid.dims[:-1])
    return per_place(axes, mode) * here + per_value(axes, mode) * outputs[0].size


def grid_reads(outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor) -> OutputReads:
    space = range(2, x.rank)
    of_grid: tuple[AxisRead, ...] = (Along(0), *(Along(axis) for axis in space), Whole())
    return (Along(0), Along(1), *(Whole(spatial=True) for _ in space)), of_grid


def affine_output(theta: Tensor, size: Tensor, *, node_name: str = "") -> Tensor:
    axes = theta.dims[1] if theta.rank == 3 else None
    demand(theta, "theta", None, axes, None if axes is None else axes + 1)
    assert axes is not None
    demand(size, "size", axes + 2)
    if size.value is not None:
        demand(theta, "theta", size.lengths[0], None, None)
        lengths = size.lengths[2:]
    else:
        count = int(axes)
        lengths = [FreeDim.from_data(f"{node_name} length {axis}") for axis in axes_of(count)]
    return theta.of((theta.dims[0], *lengths, axes))


def affine_work(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> Work:
    grid = outputs[0].size  # d numbers at each place
    return matrix_work(grid * theta.dims[1], theta, bias=grid)


def affine_reads(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> OutputReads:
    return (Along(0), Along(outputs[0].rank - 1), Whole()), NOTHING


# -- regions --------------------------------------------------------------------------------


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
    space = (Whole(spatial=True) for _ in range(x.rank - 2))
    ends = (NOTHING for _ in rest)
    return (Whole(), Along(1), *space), (Along(0), *everything(rois)[1:]), (Along(0),), *ends


define("GridSample", kind="sampling", infer=grid_output, work=grid_work, reads=grid_reads)
define(
    "GridSample",
    kind="sampling",
    infer=grid_output,
    work=grid_work,
    reads=grid_reads,
    domain="com.microsoft",
)
define("AffineGrid", kind="sampling", infer=affine_output, work=affine_work, reads=affine_reads)
define("RoiAlign", kind="region pooling", infer=align_output, work=align_work, reads=region_reads)
define(
    "CropAndResize",
    kind="region pooling",
    infer=crop_output,
    work=crop_work,
    reads=region_reads,
    domain="com.microsoft",
)
