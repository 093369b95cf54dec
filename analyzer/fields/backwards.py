"""Which elements of an input does a box of an output's units read?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from cnnscope.analyzer.fields.boxes import (
    MAX_BOXES,
    Box,
    add_box,
    known_lengths,
    positions,
    reshaped,
    whole,
    within,
)
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Only, Upto
from cnnscope.analyzer.passes.reads import KnownRead
from cnnscope.analyzer.values.tensor import Tensor


def read_by(box: Box, read: KnownRead, x: Tensor, output: Tensor, name: str) -> Iterator[Box]:
    """The boxes of an input that a box reads: of each unit apart where several axes together say what
    is read (a table)."""
    if isinstance(read, Coupled):
        yield from _coupled(box, read, x, output, name)
        return
    tables = [
        way.table for way in (read if isinstance(read, tuple) else ())
        if isinstance(way, Listed) and way.table is not None
    ]  # fmt: skip
    if tables and len({(first, found.shape) for first, found in tables}) == 1:
        first = tables[0][0]
        yield from _value_by_value(
            box, first, [found for _, found in tables], read, x, output, name
        )
        return
    along = sorted({first + k for first, found in tables for k in range(found.ndim)})
    wanted = [np.flatnonzero(box[axis]).tolist() for axis in along]
    if not tables or not 1 < math.prod(map(len, wanted)) <= MAX_BOXES:
        yield from _behind(box, read, x, output, name)
        return
    for cell in itertools.product(*wanted):
        one = list(box)
        for axis, index in zip(along, cell, strict=True):
            one[axis] = np.zeros(len(box[axis]), bool)
            one[axis][index] = True
        yield from _behind(tuple(one), read, x, output, name)


def _value_by_value(
    box: Box, first: int, tables: Sequence[np.ndarray], read: KnownRead, x: Tensor, output: Tensor,
    name: str,
) -> Iterator[Box]:  # fmt: skip
    """Units that the tables tell the same together: what they read are products again."""
    inside = np.ix_(*(np.flatnonzero(box[first + k]) for k in range(tables[0].ndim)))
    rows = np.stack([found[inside].ravel() for found in tables])
    told = np.unique(rows[:, (rows >= 0).all(axis=0)], axis=1)
    if told.shape[1] > MAX_BOXES:
        yield from _behind(box, read, x, output, name)
        return
    for values in told.T:
        alike = np.logical_and.reduce([t == v for t, v in zip(tables, values, strict=True)])
        for piece in within(box, (first, alike)):
            yield from _behind(piece, read, x, output, name)


def _coupled(box: Box, read: Coupled, x: Tensor, output: Tensor, name: str) -> Iterator[Box]:
    """What a box reads of an input whose axes hang together."""
    if read.parts is not None:
        for part in read.parts:
            for piece in within(box, part.where):
                yield from read_by(piece, part.reads, x, output, name)
        return
    boxes, shapes = [box], [x.dims, *(shape for _, shape in read.steps)]
    for k in reversed(range(len(read.steps))):
        behind: list[Box] = []
        for one in boxes:
            given, taken = x.of(shapes[k]), output.of(shapes[k + 1])
            for found in read_by(one, read.steps[k][0], given, taken, name):
                add_box(behind, found)
        boxes = behind
    yield from boxes


def _behind(box: Box, read: KnownRead, x: Tensor, output: Tensor, name: str) -> list[Box]:
    """What of an input a box of an output reads."""
    lengths = known_lengths(x, name)
    if read is None:
        return [whole(lengths)]
    if isinstance(read, Flat):
        return reshaped(box, known_lengths(output, name), lengths)[0]
    assert isinstance(read, tuple)
    masks = []
    for length, way in zip(lengths, read, strict=True):
        mask = np.zeros(length, bool)
        if isinstance(way, Along):
            found = positions(way.window, np.flatnonzero(box[way.axis]).tolist(), length)
            mask[found[found < length]] = True
        elif isinstance(way, Listed) and way.table is not None:
            first, found = way.table
            wanted = [np.flatnonzero(box[first + k]) for k in range(found.ndim)]
            found = found[np.ix_(*wanted)].ravel()
            mask[found[(found >= 0) & (found < length)]] = True
        elif isinstance(way, Listed):
            for index in np.flatnonzero(box[way.axis]):
                row = way.rows[int(index)]
                if row is not None:
                    mask[max(row[0], 0) : row[1] + 1] = True
        elif isinstance(way, Upto):
            indices = np.flatnonzero(box[way.axis])
            if way.reverse:
                mask[indices[0] :] = True
            else:
                mask[: indices[-1] + 1] = True
        elif isinstance(way, Only):
            mask[way.lo : way.hi + 1] = True
        else:
            mask[:] = True
        if not mask.any():
            return []
        masks.append(mask)
    return [tuple(masks)]
