"""Exactly which input indices does one unit see?

The nodes' reads run backwards from the unit, as sets of indices per axis, clipped at every border
on the way: what lies in the padding is nothing. A tensor's wanted indices are a few *boxes* (a set
per axis, their product), so that paths that need different places stay apart until there are too
many of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.digits import shape_groups
from cnnscope.analyzer.dimension import product
from cnnscope.analyzer.graph import Graph, Node, used_names
from cnnscope.analyzer.operator import Along, Flat, Listed, Nothing, Only, Upto
from cnnscope.analyzer.reads import KnownRead, find_reads
from cnnscope.analyzer.shapes import Shapes
from cnnscope.analyzer.tensor import Tensor
from cnnscope.analyzer.window import Window

Mask = npt.NDArray[np.bool_]
Box = tuple[Mask, ...]
#: network input -> per axis, the indices seen as inclusive ranges
Ranges = dict[str, tuple[tuple[tuple[int, int], ...], ...]]

#: beyond this many boxes a tensor's wanted indices are their union, axis by axis
MAX_BOXES = 64
#: a reshape is followed element by element up to this size
MAX_ELEMENTS = 1 << 24


def find_region(graph: Graph, shapes: Shapes, tensor: str, unit: Sequence[int | None]) -> Ranges:
    """What one unit of a tensor sees of the network inputs.

    Args:
        unit: an index per axis; None: all of the axis.

    Raises:
        ValueError: the unit isn't one of the tensor's, or a size on the way isn't known.
    """
    x = shapes.tensors[tensor]
    lengths = _lengths(x, tensor)
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
    ranges: Ranges = {}
    for name in graph.inputs:
        if wanted.get(name):
            boxes = wanted[name]
            per_axis = [
                np.logical_or.reduce([box[a] for box in boxes]) for a in range(len(boxes[0]))
            ]
            ranges[name] = tuple(_ranges(mask) for mask in per_axis)
    return ranges


def _lengths(x: Tensor, name: str) -> tuple[int, ...]:
    if x.shape is None or x.kind != "tensor":
        raise ValueError(f"the shape of {name!r} isn't known")
    for length in x.shape:
        if not isinstance(length, int):
            raise ValueError(f"{name!r} has the free dimension {length}: bind it to see regions")
    return tuple(d for d in x.shape if isinstance(d, int))


def _backwards(node: Node, shapes: Shapes, wanted: dict[str, list[Box]]) -> None:
    if node.bodies or node.index in shapes.functions:
        for name in dict.fromkeys(used_names(node)):
            if not shapes.tensors[name].constant:
                _want(wanted, name, _all(shapes.tensors[name], name))
        return
    reads = find_reads(node, shapes)
    for output, per_input in zip(node.outputs, reads.outputs, strict=True):
        for box in wanted.get(output, ()):
            for name, read in zip(node.inputs, per_input, strict=True):
                if not name or isinstance(read, Nothing) or shapes.tensors[name].constant:
                    continue
                x = shapes.tensors[name]
                for found in _behind(box, read, x, shapes.tensors[output], name):
                    _want(wanted, name, found)


def _want(wanted: dict[str, list[Box]], name: str, box: Box) -> None:
    boxes = wanted.setdefault(name, [])
    for i, other in enumerate(boxes):
        if all(not (mine & ~theirs).any() for mine, theirs in zip(box, other, strict=True)):
            return
        if all(not (theirs & ~mine).any() for mine, theirs in zip(box, other, strict=True)):
            boxes[i] = box
            return
    boxes.append(box)
    if len(boxes) > MAX_BOXES:
        union: Box = tuple(np.logical_or.reduce(masks) for masks in zip(*boxes, strict=True))
        boxes[:] = [union]


def _all(x: Tensor, name: str) -> Box:
    return tuple(np.ones(length, bool) for length in _lengths(x, name))


def _behind(box: Box, read: KnownRead, x: Tensor, output: Tensor, name: str) -> list[Box]:
    """What of an input a box of an output reads."""
    lengths = _lengths(x, name)
    if read is None:
        return [_all(x, name)]
    if isinstance(read, Flat):
        return _flat(box, lengths, _lengths(output, name))
    assert isinstance(read, tuple)
    masks = []
    for length, way in zip(lengths, read, strict=True):
        mask = np.zeros(length, bool)
        if isinstance(way, Along):
            _through(mask, np.flatnonzero(box[way.axis]), way.window)
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


def _through(mask: Mask, indices: npt.NDArray[np.intp], window: Window) -> None:
    """Mark the input indices that the output indices read, as the window's border says."""
    length = len(mask)
    if all(isinstance(v, int) for v in (window.stride, window.before, window.dilation)):
        taps = np.arange(window.size) * int(window.dilation) - int(window.before)
        positions = (indices[:, None] * int(window.stride) + taps).ravel()
    else:
        found = [p for i in indices.tolist() for p in window.at(i)]
        positions = np.array(found, dtype=np.intp)
    if not len(positions) or not length:
        return
    inside = (positions >= 0) & (positions < length)
    mask[positions[inside]] = True
    beyond = positions[~inside]
    if not len(beyond):
        return
    if window.outside == "edge":
        mask[np.clip(beyond, 0, length - 1)] = True
    elif window.outside == "wrap":
        mask[beyond % length] = True
    elif window.outside == "reflect":
        period = max(2 * (length - 1), 1)
        folded = beyond % period
        mask[np.where(folded < length, folded, period - folded)] = True


def _flat(box: Box, lengths: tuple[int, ...], output: tuple[int, ...]) -> list[Box]:
    """A box behind a change of shape: group by group, as a set of flat indices."""
    found: list[dict[int, Mask]] = [{}]
    for old, new in shape_groups(lengths, output):
        inner = tuple(lengths[axis] for axis in old)
        size = product(inner)
        assert isinstance(size, int)
        pieces: list[Box]
        if len(old) == 1 and len(new) == 1:
            pieces = [(box[new[0]],)]
        elif size > MAX_ELEMENTS:
            pieces = [tuple(np.ones(length, bool) for length in inner)]
        else:
            flat = np.ones((1,), bool)
            for axis in new:
                flat = np.logical_and.outer(flat, box[axis]).ravel()
            pieces = _boxes(flat.reshape(inner))
        if len(found) * len(pieces) > MAX_BOXES:  # each group's axes as their union
            pieces = [tuple(np.logical_or.reduce(masks) for masks in zip(*pieces, strict=True))]
        found = [one | dict(zip(old, piece, strict=True)) for one in found for piece in pieces]
    return [tuple(one[axis] for axis in range(len(lengths))) for one in found]


def _boxes(cube: Mask) -> list[Box]:
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
        found.extend((mask, *rest) for rest in _boxes(cube[indices[0]]))
    return found


def _ranges(mask: Mask) -> tuple[tuple[int, int], ...]:
    """The indices of a set as inclusive ranges.

    >>> _ranges(np.array([True, True, False, True]))
    ((0, 1), (3, 3))
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return tuple((int(lo), int(hi) - 1) for lo, hi in zip(edges[::2], edges[1::2], strict=True))
