"""Exactly which input indices does one unit see?

The nodes' reads run backwards from the unit, as sets of indices per axis, clipped at every border
on the way: what lies in the padding is nothing. A tensor's wanted indices are a few *boxes* (a set
per axis, their product), so that paths that need different places stay apart until there are too
many of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.boxes import (
    Box,
    add_box,
    hull,
    known_lengths,
    positions,
    ranges,
    reshaped,
    whole,
)
from cnnscope.analyzer.graph import Graph, Node, used_names
from cnnscope.analyzer.operator import Along, Flat, Listed, Nothing, Only, Upto
from cnnscope.analyzer.reads import KnownRead, find_reads
from cnnscope.analyzer.shapes import Shapes
from cnnscope.analyzer.tensor import Tensor

#: network input -> per axis, the indices seen as inclusive ranges
Ranges = dict[str, tuple[tuple[tuple[int, int], ...], ...]]


def find_region(graph: Graph, shapes: Shapes, tensor: str, unit: Sequence[int | None]) -> Ranges:
    """What one unit of a tensor sees of the network inputs.

    Args:
        unit: an index per axis; None: all of the axis.

    Raises:
        ValueError: the unit isn't one of the tensor's, or a size on the way isn't known.
    """
    x = shapes.tensors[tensor]
    lengths = known_lengths(x, tensor)
    if len(unit) != len(lengths):
        raise ValueError(f"{tensor!r} has {len(lengths)} axes, the unit has {len(unit)}")
    start = []
    for axis, (index, length) in enumerate(zip(unit, lengths, strict=True)):
        mask = np.zeros(length, bool)
        if index is None:
            mask[:] = True
        elif -length <= index < length:
            mask[index] = True
        else:
            raise ValueError(f"index {index} is outside axis {axis} of {tensor!r}, length {length}")
        start.append(mask)
    wanted: dict[str, list[Box]] = {tensor: [tuple(start)]}
    last = graph.producers[tensor].index if tensor in graph.producers else -1
    for node in reversed(graph.nodes[: last + 1]):
        if any(name in wanted for name in node.outputs) and not shapes.folded(node):
            _backwards(node, shapes, wanted)
    seen: Ranges = {}
    for name in graph.inputs:
        if wanted.get(name):
            boxes = wanted[name]
            seen[name] = tuple(ranges(mask) for mask in hull(boxes))
    return seen


def _backwards(node: Node, shapes: Shapes, wanted: dict[str, list[Box]]) -> None:
    if node.bodies or node.index in shapes.functions:
        for name in dict.fromkeys(used_names(node)):
            if not shapes.tensors[name].constant:
                lengths = known_lengths(shapes.tensors[name], name)
                add_box(wanted.setdefault(name, []), whole(lengths))
        return
    reads = find_reads(node, shapes)
    for output, per_input in zip(node.outputs, reads.outputs, strict=True):
        for box in wanted.get(output, ()):
            for name, read in zip(node.inputs, per_input, strict=True):
                if not name or isinstance(read, Nothing) or shapes.tensors[name].constant:
                    continue
                x = shapes.tensors[name]
                for found in _behind(box, read, x, shapes.tensors[output], name):
                    add_box(wanted.setdefault(name, []), found)


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
