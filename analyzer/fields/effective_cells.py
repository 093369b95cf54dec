"""How is what hangs on outputs handed on where only several of their indices together say what is read?

A cell is one index along each of these output axes; it reads one element, told by a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.fields.effective_links import Links, carried
from cnnscope.analyzer.fields.effective_mass import MAX_ELEMENTS, Rows, Values, settled, taken
from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Upto
from cnnscope.analyzer.operators.tapping import Weighted

#: ways of reading that go along an axis of the output
MOVING = (Along, Listed, Upto, Weighted)


def tied_axes(ways: Sequence[AxisRead | Weighted]) -> tuple[list[int], set[int]]:
    """The input axes, and the output axes, where only all indices together say what is read."""
    outputs: set[int] = set()
    own: list[int] = []
    for way in ways:
        if isinstance(way, Listed) and way.table is not None:
            outputs |= {way.table[0] + k for k in range(way.table[1].ndim)}
        elif isinstance(way, MOVING):
            own.append(way.axis)
    outputs |= {axis for axis in own if own.count(axis) > 1}
    inputs = [
        axis
        for axis, way in enumerate(ways)
        if isinstance(way, MOVING)
        and (way.axis in outputs or (isinstance(way, Listed) and way.table is not None))
    ]
    return inputs, outputs


def picked_by(
    way: AxisRead | Weighted, axes: Sequence[int], cells: tuple[int, ...], length: int
) -> Rows:
    """The one index of an input's axis that each cell reads, laid out over the cells' axes.

    Raises:
        ValueError: a cell reads several.
    """
    shape = [1] * len(axes)
    if isinstance(way, Listed) and way.table is not None:
        first, found = way.table
        for k, n in enumerate(found.shape):
            shape[axes.index(first + k)] = n
    elif isinstance(way, Along) and way.window.size == 1:
        found = positions(way.window, range(cells[axes.index(way.axis)]), length)[:, 0]
        shape[axes.index(way.axis)] = len(found)
    elif isinstance(way, Listed) and all(row is None or row[0] == row[1] for row in way.rows):
        found = np.array([-1 if row is None else row[0] for row in way.rows])
        shape[axes.index(way.axis)] = len(found)
    else:
        raise ValueError("which elements are read hangs on several axes together")
    return np.broadcast_to(found.reshape(shape), cells)


def gathered(
    values: Values, picked: Sequence[Rows], lengths: Sequence[int]
) -> tuple[Values, list[Rows | None]] | None:
    """What hangs on cells, summed up over the elements that they read; None: they read nothing.

    Args:
        values: with the cells' axes first.
        picked: by input axis, the index that each cell reads.
        lengths: of these axes, which come first in what is given, with their rows.

    Raises:
        ValueError: there are too many elements.
    """
    rest, size = values.shape[picked[0].ndim :], math.prod(lengths)
    if size * math.prod(rest) > MAX_ELEMENTS:
        raise ValueError(f"effective fields are told up to {MAX_ELEMENTS} elements at once")
    pairs = list(zip(picked, lengths, strict=True))
    there = np.logical_and.reduce([(one >= 0) & (one < n) for one, n in pairs])
    if not there.any():
        return None
    flat = np.ravel_multi_index([one[there] for one in picked], lengths)
    lines = values.reshape(there.size, *rest)
    links = Links.of(np.flatnonzero(there), flat, None)
    found = carried(lines, 0, np.arange(there.size), links, size)
    if found is None:
        return None
    values, own = found
    if len(lengths) == 1:
        return values, [own]
    every = np.zeros(size, np.intp) if own is None else own
    values = taken(values, 0, every).reshape(*lengths, *rest)
    rows: list[Rows | None] = []
    for place, length in enumerate(lengths):
        values, one = settled(values, place, np.arange(length), length)
        rows.append(one)
    return values, rows
