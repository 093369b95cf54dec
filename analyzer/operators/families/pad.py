"""Padding along axes: how long is what comes out, and what does a position outside the input read?

Output i of an axis reads input ``i - before``; positions outside the input are nothing, its edge, its
mirror image or its other end::

    length = n + before + after; negative padding cuts
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import constants, define
from cnnscope.analyzer.operators.reading import NOTHING, Along, AxisRead, Listed, OutputReads, Whole
from cnnscope.analyzer.operators.rules import (
    Ints,
    Outputs,
    demand_rank,
    demand_single,
    in_range,
    one_of,
)
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Outside, Window

OUTSIDE: dict[str, Outside] = {
    "constant": "nothing", "reflect": "reflect", "edge": "edge", "wrap": "wrap",
}  # fmt: skip


def margins(
    x: Tensor, given: Tensor | None, axes: Tensor | None, attribute: Ints
) -> list[tuple[Dim, Dim] | None]:
    """Padding before and after each axis; None where only the run will tell."""
    if (given is not None and given.value is None) or (axes is not None and axes.value is None):
        if axes is None or axes.value is None:
            return [None] * x.rank
        hit = {in_range(axis, x.rank) for axis in axes.numbers}
        return [None if i in hit else (0, 0) for i in range(x.rank)]
    pads: list[Dim] = given.lengths if given is not None else list(attribute or ())
    along = [in_range(a, x.rank) for a in axes.numbers] if axes is not None else range(x.rank)
    if len(pads) != 2 * len(along):
        raise ValueError(f"{len(pads)} paddings for {len(along)} axes")
    found: list[tuple[Dim, Dim] | None] = [(0, 0)] * x.rank
    for k, i in enumerate(along):
        found[i] = pads[k], pads[k + len(along)]
    return found


def pad_output(
    x: Tensor, given: Tensor | None = None, value: Tensor | None = None,
    along: Tensor | None = None, *, pads: Ints = None, paddings: Ints = None,
    mode: str = "constant", node_name: str = "",
) -> Tensor:  # fmt: skip
    one_of(mode, "mode", *OUTSIDE)
    demand_rank(given, "pads", 1)
    demand_rank(along, "axes", 1)
    demand_single(value, "constant_value")
    if x.shape is None:
        return x.of(None)
    shape: list[Dim] = []
    for i, (n, found) in enumerate(
        zip(x.dims, margins(x, given, along, pads if pads is not None else paddings), strict=True)
    ):
        if found is None:
            shape.append(FreeDim.from_data(f"{node_name} axis {i}"))
            continue
        total = n + found[0] + found[1]
        if not reaches(total, 0):
            raise ValueError(f"padding {found[0]} and {found[1]} cuts more than the {n} there are")
        demand_source(n, *found, mode)
        shape.append(total)
    return x.of(tuple(shape))


def demand_source(n: Dim, before: Dim, after: Dim, mode: str) -> None:
    """Raise ValueError where there is surely too little to fill padding from, what is cut off left out.

    A mirror image is as long as the axis less its first element at most: none is mirrored again.
    """
    if mode == "constant" or not (isinstance(before, int) and isinstance(after, int)):
        return
    if (before, after) == (0, 0):
        return
    left = n + min(before, 0) + min(after, 0)
    least = max(before, after, 0) + 1 if mode == "reflect" else 1
    if not reaches(left, least):
        raise ValueError(
            f"padding {before} and {after} by {mode} asks for {least} elements, {left} are left"
        )


def pad_reads(
    outputs: Outputs, x: Tensor, given: Tensor | None = None, value: Tensor | None = None,
    along: Tensor | None = None, *, pads: Ints = None, paddings: Ints = None,
    mode: str = "constant",
) -> OutputReads:  # fmt: skip
    if mode not in OUTSIDE:
        raise ValueError(f"unknown padding mode {mode!r}")
    reads: list[AxisRead] = []
    for i, found in enumerate(margins(x, given, along, pads if pads is not None else paddings)):
        if found is None:
            reads.append(Whole())
        elif found == (0, 0):
            reads.append(Along(i))
        else:
            reads.append(padded(i, x.dims[i], *found, OUTSIDE[mode]))
    return tuple(reads), NOTHING, NOTHING, NOTHING


def padded(axis: int, n: Dim, before: Dim, after: Dim, outside: Outside) -> AxisRead:
    for margin in (before, after):
        if isinstance(margin, FreeDim):
            raise Undetermined(f"where padding by {margin} ends", margin.names, margin.data)
    assert isinstance(before, int)
    assert isinstance(after, int)
    cutting = outside == "wrap" and min(before, after) < 0 < max(before, after)
    if cutting and isinstance(n, int) and n + before + after <= MAX_PERIOD:
        # What wraps around is what the cut leaves.
        skipped, kept = max(-before, 0), n + min(before, 0) + min(after, 0)
        rows = [skipped + (i - max(before, 0)) % kept for i in range(n + before + after)]
        return Listed(axis, tuple((row, row) for row in rows))
    return Along(axis, Window(before=before, after=after, outside=outside))


define(
    "Pad", kind="padding", infer=pad_output, reads=pad_reads, roles=constants(1, 2, 3), pads_from=0
)
