"""Cutting and padding along axes: how long is what is left, and where did it lie?

Output i of an axis reads input ``start + i*step`` (Slice) or ``i - before`` (Pad, where positions
outside the input are nothing, its edge, its mirror image or its other end)::

    Slice   length = max(0, ceil((end - start) / step)), start and end clamped to the axis
    Pad     length = n + before + after; negative padding cuts

Where an axis is free it is taken to be long enough for the slice as it is written: ``x[2:]`` of H
is H - 2, ``x[-5:]`` is 5, and an end that hangs on another length is that end. A plain number as
the end of a free axis stays what it is, ``min(3, H)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from cnnscope.analyzer.operators.definition import constants, define
from cnnscope.analyzer.operators.reading import (
    FLAT,
    NOTHING,
    Along,
    AxisRead,
    Coupled,
    InputRead,
    Listed,
    OutputReads,
    Whole,
    elementwise,
    everything,
)
from cnnscope.analyzer.operators.rules import (
    Outputs,
    demand,
    demand_least_rank,
    demand_rank,
    demand_single,
    in_range,
    one_of,
)
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div
from cnnscope.analyzer.values.extremes import smallest
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Outside, Window

Cut = tuple[Dim, Dim, int]  # start, length, step


def decided(question: Callable[[], bool], otherwise: bool) -> bool:
    """The answer, or what is assumed where it hangs on a free length."""
    try:
        return question()
    except Undetermined:
        return otherwise


# -- Slice --------------------------------------------------------------------------------------

END = 2**31 - 1  # from here on "to the end", as exporters write it


def cut(n: Dim, start: Dim, end: Dim, step: int) -> Cut:
    """ONNX's clamping of one axis's slice."""
    if step == 0:
        raise ValueError("a slice with step 0")
    if isinstance(n, int) and isinstance(start, int) and isinstance(end, int):
        # Not Python's slice: backwards, a start below 0 is clamped to 0 rather than to "before".
        least, most = (0, n) if step > 0 else (-1, n - 1)
        first = min(max(start + n if start < 0 else start, 0), most)
        last = min(max(end + n if end < 0 else end, least), most)
        return first, len(range(first, last, step)), step
    if isinstance(start, int) and start < 0:
        start = n - 1 if step < 0 and start == -1 else n + start
    elif isinstance(start, int) and start >= END:
        start = n - 1 if step < 0 else n
    elif step > 0 and isinstance(n, int):
        start = start if decided(lambda: start <= n, True) else n
    length: Dim
    if step > 0:
        if isinstance(end, int):
            if end >= END:
                end = n
            elif end < 0:
                end = n + end if end > -END else 0
            else:
                end = smallest(end, n) if isinstance(n, FreeDim) else min(end, n)
        elif decided(lambda: cast(FreeDim, end) < 0, False):
            end = n + end
        elif decided(lambda: cast(FreeDim, end) > n, False):
            end = n
        length = ceil_div(end - start, step)
    else:
        if isinstance(end, int) and end < 0:
            end = -1 if end <= -END else n + end
        length = ceil_div(start - end, -step)
    return start, length if decided(lambda: length >= 0, True) else 0, step


Numbers = tuple[int, ...] | None


def cuts(
    x: Tensor, starts: Tensor | None, ends: Tensor | None, axes: Tensor | None,
    steps: Tensor | None, attributes: tuple[Numbers, Numbers, Numbers],
) -> dict[int, Cut | None]:  # fmt: skip
    """The sliced axes: how, or None where only the run will tell."""
    first, last, listed = attributes
    if starts is None or ends is None:
        given = [(list(first or ()), list(last or ()))][0]
        count, known = len(given[0]), True
    else:
        if starts.rank != 1:
            raise ValueError(f"starts with {starts.rank} axes, one is wanted")
        length = starts.dims[0]
        if not isinstance(length, int):
            raise Undetermined("which axes a slice cuts")
        for name, given_too in (("ends", ends), ("axes", axes), ("steps", steps)):
            demand(given_too, name, length)
        count, known = length, starts.value is not None and ends.value is not None
    if axes is not None:
        if axes.value is None:
            return dict.fromkeys(range(x.rank))
        along = axes.numbers
    elif listed is not None:
        along = list(listed)
    elif count > x.rank:
        raise ValueError(f"{count} starts for a tensor with {x.rank} axes")
    else:
        along = list(range(count))
    along = [in_range(axis, x.rank) for axis in along]
    if len(set(along)) < len(along):
        raise ValueError(f"axes {along} name one axis twice")
    if not known or (steps is not None and steps.value is None):
        return dict.fromkeys(along)
    begin: list[Dim] = starts.lengths if starts is not None else list(first or ())
    stop: list[Dim] = ends.lengths if ends is not None else list(last or ())
    by = steps.numbers if steps is not None else [1] * len(along)
    if not len(begin) == len(stop) == len(along) == len(by):
        raise ValueError(f"{len(begin)} starts, {len(stop)} ends, {len(by)} steps, {along} axes")
    return {i: cut(x.dims[i], a, b, s) for i, a, b, s in zip(along, begin, stop, by, strict=True)}


def slice_output(
    x: Tensor, first: Tensor | None = None, last: Tensor | None = None,
    along: Tensor | None = None, steps: Tensor | None = None, *, starts: Numbers = None,
    ends: Numbers = None, axes: Numbers = None, node_name: str = "",
) -> Tensor:  # fmt: skip
    if x.shape is None:
        return x.of(None)
    shape = list(x.dims)
    for i, found in cuts(x, first, last, along, steps, (starts, ends, axes)).items():
        shape[i] = FreeDim.from_data(f"{node_name} axis {i}") if found is None else found[1]
    return x.of(tuple(shape))


def slice_reads(
    outputs: Outputs, x: Tensor, first: Tensor | None = None, last: Tensor | None = None,
    along: Tensor | None = None, steps: Tensor | None = None, *, starts: Numbers = None,
    ends: Numbers = None, axes: Numbers = None,
) -> OutputReads:  # fmt: skip
    reads: list[AxisRead] = [Along(i) for i in range(x.rank)]
    for i, found in cuts(x, first, last, along, steps, (starts, ends, axes)).items():
        if found is None:
            reads[i] = Whole()
            continue
        start, _, step = found
        if isinstance(start, FreeDim):
            raise Undetermined(f"where a slice from {start} lies", start.names, start.data)
        if start or step != 1:
            reads[i] = Along(i, Window(stride=step, before=-start))
    return tuple(reads), NOTHING, NOTHING, NOTHING, NOTHING


# -- Pad ----------------------------------------------------------------------------------------

OUTSIDE: dict[str, Outside] = {
    "constant": "nothing", "reflect": "reflect", "edge": "edge", "wrap": "wrap",
}  # fmt: skip


def margins(
    x: Tensor, given: Tensor | None, axes: Tensor | None, attribute: Numbers
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
    along: Tensor | None = None, *, pads: Numbers = None, paddings: Numbers = None,
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
        if isinstance(total, int) and total < 0:
            raise ValueError(f"padding {found[0]} and {found[1]} cuts more than the {n} there are")
        if mode == "reflect" and n == 1 and found != (0, 0):
            raise ValueError(f"axis {i} of length 1 has nothing to reflect")
        shape.append(total)
    return x.of(tuple(shape))


def pad_reads(
    outputs: Outputs, x: Tensor, given: Tensor | None = None, value: Tensor | None = None,
    along: Tensor | None = None, *, pads: Numbers = None, paddings: Numbers = None,
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


# -- by mask or by length -----------------------------------------------------------------------


def compress_output(
    x: Tensor, condition: Tensor, *, axis: int | None = None, node_name: str = ""
) -> Tensor:
    count: Dim = FreeDim.from_data(f"{node_name} count")
    if condition.value is not None:
        count = sum(map(bool, condition.numbers))
    if axis is None:
        return x.of((count,))
    if x.shape is None:
        return x.of(None)
    along = in_range(axis, x.rank)
    return x.of((*x.dims[:along], count, *x.dims[along + 1 :]))


def compress_reads(
    outputs: Outputs, x: Tensor, condition: Tensor, *, axis: int | None = None
) -> OutputReads:
    mask = everything(condition)
    if axis is None:
        total = x.size
        if condition.value is None or not isinstance(total, int) or total > MAX_PERIOD:
            return everything(x), mask
        rows = tuple((i, i) for i, on in enumerate(condition.numbers) if on)
        flat = (Listed(0, rows),)
        return Coupled(everything(x), steps=((FLAT, (total,)), (flat, (len(rows),)))), mask
    along = in_range(axis, x.rank)
    chosen: AxisRead = Whole()
    if condition.value is not None:
        chosen = Listed(along, tuple((i, i) for i, on in enumerate(condition.numbers) if on))
    return tuple(chosen if i == along else Along(i) for i in range(x.rank)), mask


def reverse_output(
    x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    demand_least_rank(x, "input", 2)
    if x.shape is not None:
        in_range(time_axis, x.rank)
        demand(lengths, "sequence_lens", x.shape[in_range(batch_axis, x.rank)])
    return x.of(x.shape)


def reverse_reads(
    outputs: Outputs, x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> OutputReads:
    """Step i of a sequence of length l reads step l - 1 - i; the hull of that over the batch."""
    batch, time = in_range(batch_axis, x.rank), in_range(time_axis, x.rank)
    steps: AxisRead = Whole()
    n = x.dims[time]
    if lengths.value is not None and isinstance(n, int) and n <= MAX_PERIOD:
        ends = np.array(lengths.numbers)
        step = np.arange(n)[:, None]
        found = np.where(step < ends, ends - 1 - step, step)  # by step and member of the batch
        rows: list[Span | None] = [
            (int(row.min()), int(row.max())) if len(ends) else None for row in found
        ]
        exact = None
        if abs(batch - time) == 1:
            exact = min(batch, time), found if time < batch else found.T
        steps = Listed(time, tuple(rows), table=exact)
    data: InputRead = tuple(steps if i == time else Along(i) for i in range(x.rank))
    return data, (Along(batch),)


def trilu_output(x: Tensor, k: Tensor | None = None) -> Tensor:
    demand_least_rank(x, "input", 2)
    demand_single(k, "k")
    return x.of(x.shape)


def trilu_reads(outputs: Outputs, x: Tensor, k: Tensor | None = None) -> OutputReads:
    return elementwise(outputs[0], x), NOTHING


define("Slice", kind="cropping", infer=slice_output, reads=slice_reads)
define("Pad", kind="padding", infer=pad_output, reads=pad_reads, roles=constants(1, 2, 3))
define("Compress", kind="indexing", infer=compress_output, reads=compress_reads)
define("ReverseSequence", kind="data movement", infer=reverse_output, reads=reverse_reads)
define("Trilu", kind="data movement", infer=trilu_output, reads=trilu_reads)
