"""Cutting along axes: how long is what is left, and where did it lie?

Output i of an axis reads input ``start + i*step``::

    length = max(0, ceil((end - start) / step)), start and end clamped to the axis

Where an axis is free it is taken to be long enough for the slice as it is written: ``x[2:]`` of H
is H - 2, ``x[-5:]`` is 5, and an end that hangs on another length is that end. A plain number as
the end of a free axis stays what it is, ``min(3, H)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, Along, AxisRead, OutputReads, Whole
from cnnscope.analyzer.operators.rules import Ints, Outputs, demand, in_range
from cnnscope.analyzer.values.conditions import presume
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

Cut = tuple[Dim, Dim, int]  # start, length, step


def decided(question: Callable[[], bool], otherwise: bool) -> bool:
    """The answer, or what is assumed where it hangs on a free length."""
    try:
        return question()
    except Undetermined:
        return otherwise


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
        else:
            presume(n, end)
        # Beyond the ends both are clamped to them, and a slice from behind its end is empty.
        presume(start, 0)
        presume(n, start)
        presume(end, start)
        length = ceil_div(end - start, step)
    else:
        if isinstance(end, int) and end < 0:
            end = -1 if end <= -END else greatest(n + end, -1)
        presume(start, -1)
        presume(n, start + 1)
        presume(start, end)
        length = ceil_div(start - end, -step)
    return start, length if decided(lambda: length >= 0, True) else 0, step


def cuts(
    x: Tensor, starts: Tensor | None, ends: Tensor | None, axes: Tensor | None,
    steps: Tensor | None, attributes: tuple[Ints, Ints, Ints],
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
    along: Tensor | None = None, steps: Tensor | None = None, *, starts: Ints = None,
    ends: Ints = None, axes: Ints = None, node_name: str = "",
) -> Tensor:  # fmt: skip
    if x.shape is None:
        return x.of(None)
    shape = list(x.dims)
    for i, found in cuts(x, first, last, along, steps, (starts, ends, axes)).items():
        shape[i] = FreeDim.from_data(f"{node_name} axis {i}") if found is None else found[1]
    return x.of(tuple(shape))


def slice_reads(
    outputs: Outputs, x: Tensor, first: Tensor | None = None, last: Tensor | None = None,
    along: Tensor | None = None, steps: Tensor | None = None, *, starts: Ints = None,
    ends: Ints = None, axes: Ints = None,
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


define("Slice", kind="cropping", infer=slice_output, reads=slice_reads)
