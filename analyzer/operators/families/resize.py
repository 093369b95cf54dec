"""What does resizing put out, what work is it, and which inputs does each output read?

Resize since opset 11, Resize of 10, and Upsample: what their attributes and operands come to. How
long each axis gets is in `resize_axes`, where each output looks in `resize_places`, what it reads
there and what work that is in `resize_reads`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

from cnnscope.analyzer.operators.definition import constants, define
from cnnscope.analyzer.operators.families.resize_axes import (
    Axis,
    Manner,
    present,
    resized_axes,
    simplest,
)
from cnnscope.analyzer.operators.families.resize_reads import (
    resize_reads,
    resize_taps,
    resize_work,
)
from cnnscope.analyzer.operators.reading import NOTHING, OutputReads
from cnnscope.analyzer.operators.rules import Rule, in_range, one_of
from cnnscope.analyzer.operators.tapping import OutputTaps
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim, product
from cnnscope.analyzer.values.tensor import Tensor

MODES = ("nearest", "linear", "cubic")
COORDINATES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
    "tf_crop_and_resize", "tf_half_pixel_for_nn",
)  # fmt: skip
Looks = tuple[list[Axis], Manner]
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def demand_count(given: Tensor | None, what: str, *counts: int) -> None:
    """Raise ValueError where it surely has another number of elements, however laid out."""
    if given is None or given.shape is None:
        return
    count = product(given.shape)
    if isinstance(count, int) and count not in counts:
        wanted = " or ".join(map(str, dict.fromkeys(counts)))
        raise ValueError(f"{what} has {count} numbers, {wanted} are wanted")


def unknown(x: Tensor, given: Tensor | None, axes: Sequence[int] | None, node_name: str) -> Tensor:
    """The output where scales or sizes are computed at run time."""
    chosen = {in_range(axis, x.rank) for axis in (range(x.rank) if axes is None else axes)}
    demand_count(given, "scales or sizes", len(chosen))
    return x.of(tuple(
        FreeDim.from_data(f"{node_name} length {axis}") if axis in chosen else n
        for axis, n in enumerate(x.dims)
    ))  # fmt: skip


def axes_of(
    x: Tensor, roi: Tensor | None, scales: Tensor | None, sizes: Tensor | None,
    axes: Sequence[int] | None, policy: str, manner: Manner,
) -> list[Axis]:  # fmt: skip
    factors = scales.reals if scales is not None and present(scales) else None
    lengths = sizes.lengths if sizes is not None and present(sizes) else None
    return resized_axes(x, roi, factors, lengths, axes, policy, manner)


def output_11(
    x: Tensor, roi: Tensor | None = None, scales: Tensor | None = None,
    sizes: Tensor | None = None, *, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", coordinate_transformation_mode: str = "half_pixel",
    mode: str = "nearest", nearest_mode: str = "round_prefer_floor", exclude_outside: int = 0,
    antialias: int = 0, node_name: str = "",
) -> Tensor:  # fmt: skip
    one_of(mode, "mode", *MODES)
    one_of(coordinate_transformation_mode, "coordinate_transformation_mode", *COORDINATES)
    if mode == "nearest":
        one_of(nearest_mode, "nearest_mode", *ROUNDINGS)
        if antialias:
            raise ValueError("antialias is for the modes linear and cubic, this one is nearest")
    if exclude_outside and mode != "cubic":
        raise ValueError(f"exclude_outside is for the mode cubic, this one is {mode}")
    given = scales if present(scales) else sizes
    manner = Manner(coordinates=coordinate_transformation_mode)
    if manner.crops and roi is not None and present(roi):
        demand_count(roi, "roi", 2 * x.rank, 2 * (x.rank if axes is None else len(axes)))
    if given is None or given.value is None or (manner.crops and roi and roi.value is None):
        return unknown(x, given, axes, node_name)
    found = axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner)
    return x.of(tuple(axis.outputs for axis in found))


def work_11(
    outputs: tuple[Tensor, ...], x: Tensor, roi: Tensor | None = None,
    scales: Tensor | None = None, sizes: Tensor | None = None, *, mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel", exclude_outside: int = 0,
    antialias: int = 0, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", cubic_coeff_a: float = -0.75,
) -> Work:  # fmt: skip
    if mode == "nearest":
        return Work()
    manner = Manner(
        mode, coordinate_transformation_mode, "", exclude_outside, antialias,
        simplest(cubic_coeff_a),
    )  # fmt: skip
    found = axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner)
    return resize_work(found, manner)


def looks_11(
    outputs: tuple[Tensor, ...], x: Tensor, roi: Tensor | None = None,
    scales: Tensor | None = None, sizes: Tensor | None = None, *, mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel", nearest_mode: str = "round_prefer_floor",
    exclude_outside: int = 0, antialias: int = 0, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", cubic_coeff_a: float = -0.75,
) -> Looks:  # fmt: skip
    """Every axis, and how it is looked along."""
    manner = Manner(
        mode, coordinate_transformation_mode, nearest_mode, exclude_outside, antialias,
        simplest(cubic_coeff_a),
    )  # fmt: skip
    return axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner), manner


def early(mode: str) -> Manner:
    """Before opset 11 there is one mode of coordinates; Upsample calls its linear one bilinear."""
    return Manner("linear" if mode in ("linear", "bilinear") else mode, "asymmetric", "simple")


def early_axes(
    x: Tensor, scales: Tensor | None, listed: Sequence[float] | None, height: float, width: float
) -> list[Axis]:
    """`scales` as an input, as an attribute, or opset 1's two of the last axes."""
    factors = scales.reals if scales is not None else listed
    if factors is None:
        factors = [*[1.0] * (x.rank - 2), height, width]
    return resized_axes(x, None, factors, None, None, "stretch", early("nearest"))


def output_10(
    x: Tensor, factors: Tensor | None = None, *, scales: Sequence[float] | None = None,
    height_scale: float = 1.0, width_scale: float = 1.0, node_name: str = "",
) -> Tensor:  # fmt: skip
    if factors is not None and factors.value is None:
        return unknown(x, factors, None, node_name)
    found = early_axes(x, factors, scales, height_scale, width_scale)
    return x.of(tuple(axis.outputs for axis in found))


def work_10(
    outputs: tuple[Tensor, ...], x: Tensor, factors: Tensor | None = None, *,
    mode: str = "nearest", scales: Sequence[float] | None = None, height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> Work:  # fmt: skip
    if mode == "nearest":
        return Work()
    return resize_work(early_axes(x, factors, scales, height_scale, width_scale), early(mode))


def looks_10(
    outputs: tuple[Tensor, ...], x: Tensor, factors: Tensor | None = None, *,
    mode: str = "nearest", scales: Sequence[float] | None = None, height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> Looks:  # fmt: skip
    """The same before opset 11."""
    return early_axes(x, factors, scales, height_scale, width_scale), early(mode)


def reads_by(looks: Callable[..., Looks]) -> Rule:
    """What is read, by where an operator looks."""

    @wraps(looks)
    def reads(*given: Tensor | None, **attributes: object) -> OutputReads:
        return resize_reads(*looks(*given, **attributes)), NOTHING, NOTHING, NOTHING

    return reads


def taps_by(looks: Callable[..., Looks]) -> Rule:
    """How much an output hangs on what it reads, by where an operator looks."""

    @wraps(looks)
    def taps(*given: Tensor | None, **attributes: object) -> OutputTaps:
        return (((1.0, resize_taps(*looks(*given, **attributes))),),)

    return taps


define(
    "Resize",
    kind="resize",
    infer=output_10,
    work=work_10,
    reads=reads_by(looks_10),
    taps=taps_by(looks_10),
    since=10,
    roles=constants(1),
)
define(
    "Resize",
    kind="resize",
    infer=output_11,
    work=work_11,
    reads=reads_by(looks_11),
    taps=taps_by(looks_11),
    since=11,
    roles=constants(1, 2, 3),
)
define("Upsample", kind="resize", infer=output_10, work=work_10, reads=reads_by(looks_10),
       taps=taps_by(looks_10), roles=constants(1))  # fmt: skip
