"""Which units of an output read a box of an input's elements?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnscope.analyzer.fields.boxes import (
    MAX_BOXES,
    Box,
    Mask,
    add_box,
    all_positions,
    box_hull,
    disjoint,
    positions,
    reshaped,
    whole,
    within,
)
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Only, Upto
from cnnscope.analyzer.passes.reads import KnownRead
from cnnscope.analyzer.values.window import Window

#: windows with more taps than this in all are gone through in parts
MAX_TAPS = 1 << 22


def readers(
    box: Box, read: KnownRead, before: tuple[int, ...], after: tuple[int, ...], echoes: bool
) -> tuple[list[Box], bool]:
    """What of an output reads a box of an input; False where that had to grow to a hull."""
    if 0 in after:
        return [], True
    if read is None:
        return [whole(after)], True
    if isinstance(read, Flat):
        return reshaped(box, before, after)
    if isinstance(read, Coupled):
        return _coupled(box, read, before, after, echoes)
    assert isinstance(read, tuple)
    masks, exact = list(whole(after)), True
    cubes: dict[tuple[int, int], Mask] = {}
    for mask, way in zip(box, read, strict=True):
        if isinstance(way, Listed) and way.table is not None:
            first, found = way.table  # which units take a marked position hangs on several axes
            marked = np.append(mask, False)
            hit = marked[np.where((found >= 0) & (found < len(mask)), found, len(mask))]
            place = first, found.ndim
            cubes[place] = cubes[place] & hit if place in cubes else hit
            continue
        if isinstance(way, Along):
            window = way.window if echoes else replace(way.window, outside="nothing")
            new = _through(mask, window, after[way.axis])
            if way.partly and exact:  # it is a product still where all or nothing is read
                exact = not (new & _through(~mask, window, after[way.axis])).any()
        elif isinstance(way, Listed):
            new = _listed(mask, way)
        elif isinstance(way, Upto):
            touched = np.flatnonzero(mask)
            new = np.zeros(after[way.axis], bool)
            if way.reverse:
                new[: touched[-1] + 1] = True
            else:
                new[touched[0] :] = True
        else:
            seen = mask[way.lo : way.hi + 1] if isinstance(way, Only) else mask
            if not seen.any():
                return [], True
            continue
        masks[way.axis] = masks[way.axis] & new
        if not masks[way.axis].any():
            return [], True
    boxes: list[Box] = [tuple(masks)]
    for (first, rank), cube in cubes.items():
        parts = disjoint(cube)
        if len(parts) * len(boxes) > MAX_BOXES:
            parts, exact = [box_hull(parts)], False
        boxes = [
            (
                *one[:first],
                *(m & p for m, p in zip(one[first:], part, strict=False)),
                *one[first + rank :],
            )
            for one in boxes
            for part in parts
        ]
    return [one for one in boxes if all(mask.any() for mask in one)], exact


def _coupled(
    box: Box, read: Coupled, before: tuple[int, ...], after: tuple[int, ...], echoes: bool
) -> tuple[list[Box], bool]:
    """`readers` of an input whose axes hang together."""
    exact = True
    if read.parts is not None:
        found: list[Box] = []
        for part in read.parts:
            ahead, same = readers(box, part.reads, before, after, echoes)
            exact = exact and same
            for one in ahead:
                for piece in within(one, part.where):
                    exact = add_box(found, piece) and exact
        return found, exact
    boxes, shape = [box], before
    for step, behind in read.steps:
        given = tuple(int(d) for d in behind)
        found = []
        for one in boxes:
            ahead, same = readers(one, step, shape, given, echoes)
            exact = exact and same
            for piece in ahead:
                exact = add_box(found, piece) and exact
        boxes, shape = found, given
    return boxes, exact


def _through(mask: Mask, window: Window, count: int) -> Mask:
    """The outputs that read a marked input through a window."""
    if window.is_identity and count == len(mask):
        return mask
    marked = np.append(mask, False)
    if count * window.size <= MAX_TAPS:
        return np.asarray(marked[all_positions(window, count, len(mask))].any(axis=1))
    part = max(MAX_TAPS // window.size, 1)
    return np.concatenate([
        marked[positions(window, range(lo, min(lo + part, count)), len(mask))].any(axis=1)
        for lo in range(0, count, part)
    ])  # fmt: skip


def _listed(mask: Mask, way: Listed) -> Mask:
    """The outputs whose listed stretch holds a marked input."""
    before = np.concatenate(([0], np.cumsum(mask)))
    rows = [(0, -1) if row is None else row for row in way.rows]
    ends = np.array(rows, np.intp).reshape(len(rows), 2)
    lo = np.clip(ends[:, 0], 0, len(mask))
    hi = np.clip(ends[:, 1] + 1, 0, len(mask))
    return np.asarray(before[np.maximum(lo, hi)] > before[lo])
