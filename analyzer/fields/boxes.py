"""How is a set of a tensor's elements written down, and moved through what a node reads?

As a few *boxes*: a set of indices per axis, and their product. Regions go backwards with them (what
one unit needs), touched units forwards (what one input position reaches); a change of shape and the
positions a window reads are the same in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.fields.reshapes import shape_groups
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Box = tuple[Mask, ...]

#: beyond this many boxes a tensor's set is their union, axis by axis
MAX_BOXES = 64
#: a reshape is followed element by element up to this size
MAX_ELEMENTS = 1 << 24
#: what windows read is kept for up to so many places each; longer lists would pile up for good
_KEPT = 1 << 14
#: an axis's set is a mask over it, for each tensor on the way: no longer than this
LONGEST_AXIS = 1 << 24


def known_lengths(x: Tensor, name: str) -> tuple[int, ...]:
    """A tensor's shape as plain integers.

    Raises:
        ValueError: it isn't known, has a free dimension, or an axis longer than `LONGEST_AXIS`.
    """
    if x.shape is None or x.kind != "tensor":
        raise ValueError(f"the shape of {name!r} isn't known")
    for length in x.shape:
        if isinstance(length, int) and length > LONGEST_AXIS:
            raise ValueError(
                f"{name!r} has an axis of {length}: regions are told up to {LONGEST_AXIS}"
            )
        if not isinstance(length, int):
            raise ValueError(
                f"{name!r} has the free dimension {length}: bind it (--dim NAME=224, in Python dims)"
            )
    return tuple(d for d in x.shape if isinstance(d, int))


def whole(lengths: Sequence[int]) -> Box:
    """All elements."""
    return tuple(np.ones(length, bool) for length in lengths)


def add_box(boxes: list[Box], box: Box) -> bool:
    """Add a box to a set; False where there were too many and the set has grown to a hull.

    >>> a, b = np.array([True, False]), np.array([True, True])
    >>> boxes = [(a, a)]
    >>> add_box(boxes, (b, a)), len(boxes)
    (True, 1)
    """
    for i, other in enumerate(boxes):
        if all(not (mine & ~theirs).any() for mine, theirs in zip(box, other, strict=True)):
            return True
        if all(not (theirs & ~mine).any() for mine, theirs in zip(box, other, strict=True)):
            boxes[i] = box
            return True
    boxes.append(box)
    if len(boxes) <= MAX_BOXES:
        return True
    boxes[:] = [box_hull(boxes)]
    return False


def box_hull(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds some boxes: their union, axis by axis."""
    return tuple(np.logical_or.reduce(masks) for masks in zip(*boxes, strict=True))


def _lattices(window: Window, indices: Sequence[int]) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """`Window.at` of many outputs at once, where places lie between the inputs; and which are read.

    Output i's tap j is at i*stride - before + j*dilation; in whole parts of the denominator q that
    is top + j*step, an input where q divides it: every q-th j from the first one on.
    """
    stride, before, dilation = map(Fraction, (window.stride, window.before, window.dilation))
    q = math.lcm(stride.denominator, before.denominator, dilation.denominator)
    most = max((abs(index) for index in indices), default=0)
    largest = most * abs(stride) * q + abs(before) * q + window.size * abs(dilation) * q
    small = largest < 1 << 62 and q < 1 << 31
    given = _laid_out(indices) if small else np.asarray(indices, object)
    top = given * int(stride * q) - int(before * q)
    step = int(dilation * q)
    common = math.gcd(step, q)
    there = top % common == 0
    top, step, q = top // common, step // common, q // common
    first = -top % q * pow(step, -1, q) % q if q > 1 else top * 0
    counts = np.where(there, np.maximum((window.size - 1 - first) // q + 1, 0), 0)
    if not dilation:
        counts = np.minimum(counts, 1)
    if int(counts.sum()) > LONGEST_AXIS:
        raise ValueError(f"windows of many taps: regions are told up to {LONGEST_AXIS}")
    columns = np.arange(int(counts.max(initial=0)), dtype=np.intp if small else object)
    read = columns < counts[:, None]
    read &= ~np.isin(columns * q + first[:, None], window.unread)
    found = ((top + first * step) // q)[:, None] + columns * step
    return np.where(read, found, 0).astype(np.intp), read.astype(bool)


def _laid_out(indices: Sequence[int]) -> Indices:
    """The indices as an array; a range without going through its numbers one by one."""
    if isinstance(indices, range):
        return np.arange(len(indices), dtype=np.intp) * indices.step + indices.start
    return np.asarray(indices, np.intp)


def positions(window: Window, indices: Sequence[int], length: int) -> Indices:
    """The input indices that some output indices read, one row each, as the window's border says.

    `length` stands for what reads nothing.

    >>> positions(Window(3, before=1), (0, 1, 2), 3)
    array([[3, 0, 1],
           [0, 1, 2],
           [1, 2, 3]])
    """
    if all(isinstance(v, int) for v in (window.stride, window.before, window.dilation)):
        if window.size * max(len(indices), 1) > LONGEST_AXIS:
            raise ValueError(
                f"a window of {window.size} taps: regions are told up to {LONGEST_AXIS}"
            )
        taps = np.arange(window.size)
        if window.unread:
            taps = np.delete(taps, window.unread)
        taps = taps * int(window.dilation) - int(window.before)
        found = _laid_out(indices)[:, None] * int(window.stride) + taps
        inside = (found >= 0) & (found < length)
    else:
        found, read = _lattices(window, indices)
        inside = read & (found >= 0) & (found < length)
        found[~read] = length  # a tap that isn't there lies in no border either
        if window.outside != "nothing":
            return np.where(inside | ~read, found, border_positions(found, window, length))
    if window.outside == "nothing" or inside.all() or not length:
        return np.where(inside, found, length)
    return np.where(inside, found, border_positions(found, window, length))


def border_positions(beyond: Indices, window: Window, length: int) -> Indices:
    """Positions beyond the ends, where the border has them read."""
    if window.outside == "edge":
        return np.clip(beyond, 0, length - 1)
    if window.outside == "wrap":
        return beyond % length
    period = max(2 * (length - 1), 1)
    mirrored = beyond % period
    return np.where(mirrored < length, mirrored, period - mirrored)


def all_positions(window: Window, count: int, length: int) -> Indices:
    """`positions` of all outputs of an axis."""
    few = window.size * count <= _KEPT
    return (_kept_positions if few else _positions_of_all)(window, count, length)


def _positions_of_all(window: Window, count: int, length: int) -> Indices:
    return positions(window, range(count), length)


_kept_positions = lru_cache(maxsize=256)(_positions_of_all)


def reshaped(box: Box, before: tuple[int, ...], after: tuple[int, ...]) -> tuple[list[Box], bool]:
    """A box behind a change of shape, group by group; False where it had to grow to a hull."""
    found: list[dict[int, Mask]] = [{}]
    exact = True
    for old, new in shape_groups(before, after):
        inner = tuple(after[axis] for axis in new)
        size = product(inner)
        assert isinstance(size, int)
        pieces: list[Box]
        if len(old) == 1 and len(new) == 1:
            pieces = [(box[old[0]],)]
        elif all(box[axis].all() for axis in old):
            pieces = [whole(inner)]
        elif size > MAX_ELEMENTS:
            pieces, exact = [whole(inner)], False
        else:
            flat = np.ones((1,), bool)
            for axis in old:
                flat = np.logical_and.outer(flat, box[axis]).ravel()
            pieces = disjoint(flat.reshape(inner))
        if len(found) * len(pieces) > MAX_BOXES:  # each group's axes as their union
            pieces, exact = [box_hull(pieces)], False
        found = [one | dict(zip(new, piece, strict=True)) for one in found for piece in pieces]
    return [tuple(one[axis] for axis in range(len(after))) for one in found], exact


def disjoint(cube: Mask) -> list[Box]:
    """A set of index tuples as disjoint boxes: indices with the same rest go together."""
    if cube.ndim < 2:
        return [(cube,)] if cube.ndim else [()]
    rows = cube.reshape(len(cube), -1)
    alike: dict[bytes, list[int]] = {}
    for index in np.flatnonzero(rows.any(axis=1)).tolist():
        alike.setdefault(rows[index].tobytes(), []).append(index)
    found: list[Box] = []
    for indices in alike.values():
        mask = np.zeros(len(cube), bool)
        mask[indices] = True
        found.extend((mask, *rest) for rest in disjoint(cube[indices[0]]))
    return found


def within(box: Box, where: tuple[int, Mask] | None) -> list[Box]:
    """The part of a box where a mask over some of its axes, from the first named on, holds.

    >>> a = np.array([True, True])
    >>> [[m.tolist() for m in b] for b in within((a, a), (1, np.array([False, True])))]
    [[[True, True], [False, True]]]
    """
    if where is None:
        return [box]
    first, mask = where
    last = first + mask.ndim
    chosen = mask
    for axis in range(first, last):
        shape = [1] * mask.ndim
        shape[axis - first] = -1
        chosen = chosen & box[axis].reshape(shape)
    return [(*box[:first], *part, *box[last:]) for part in disjoint(chosen)] if chosen.any() else []


def ranges(mask: Mask) -> tuple[tuple[int, int], ...]:
    """The indices of a set as inclusive ranges.

    >>> ranges(np.array([True, True, False, True]))
    ((0, 1), (3, 3))
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return tuple((int(lo), int(hi) - 1) for lo, hi in zip(edges[::2], edges[1::2], strict=True))
