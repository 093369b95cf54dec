"""Which layers have kernels in rotation (tiled convolution: Le et al. 2010; Goodfellow et al. 2016, 9.5)?

Unit i of such a layer has the kernel ``i mod t`` of t: with t = 1 it is a convolution, with as many as there
are units its weights are unshared. Two ways of writing it are known:

- weights for each position that begin again after t positions, by how the graph makes them of what is stored
  (repeated, or the same put behind itself), not by their numbers (`kinds` and `repeated_weights`);
- convolutions of stride t over one input, each shifted by one position, whose results are interleaved: found
  here, by moving the units' numbers as the graph moves the units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.layers.placing import Placing, find_placing
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.folding import values_of
from cnnscope.analyzer.passes.places import numbers_of
from cnnscope.analyzer.passes.reads import NodeReads

#: layers that only move units
_MOVING = frozenset({"data movement", "identity"})
#: the most units that are moved, and nodes that are gone through behind the convolutions
_UNITS, _REACH = 1 << 21, 64


def interleaved(
    nodes: Sequence[Node], shapes: Shapes, reads: Mapping[int, NodeReads], kinds: Mapping[int, Kind]
) -> Iterator[Node]:
    """The convolutions whose results are interleaved, kernels of their own in rotation."""
    for group, placing in _groups(nodes, shapes, reads, kinds):
        offsets = _offsets([node for node, _ in group], [before for _, before in group], kinds)
        if offsets is not None and _lie_in_turn(nodes, shapes, kinds, placing, offsets):
            yield from (node for node, _ in offsets)


_Shifted = tuple[Node, tuple[int, ...]]
_Key = tuple[object, ...]


def _groups(
    nodes: Sequence[Node], shapes: Shapes, reads: Mapping[int, NodeReads], kinds: Mapping[int, Kind]
) -> Iterator[tuple[list[_Shifted], Placing]]:
    """Convolutions of one tensor alike in all but where they begin, as many as their strides step over."""
    givers = {name: node for node in nodes for name in node.outputs if name}
    found: dict[_Key, list[_Shifted]] = {}
    placings: dict[_Key, Placing] = {}
    for node in nodes:
        kind = kinds[node.index]
        if kind.family != "convolution" or "strided" not in kind.traits:
            continue
        placing = find_placing(node, shapes, reads[node.index])
        if placing is None:
            continue
        source, shift = _source(node, givers, reads, kinds, placing)
        if source is None:
            continue
        key: _Key = (
            source,
            kind.kernel,
            kind.stride,
            kind.dilation,
            placing.outputs,
            placing.channels,
        )
        starts = tuple(s - int(w.before) for s, w in zip(shift, placing.windows, strict=True))
        found.setdefault(key, []).append((node, starts))
        placings[key] = placing
    for key, group in found.items():
        steps = math.prod(int(step) for step in kinds[group[0][0].index].stride)
        if len(group) == steps:
            yield group, placings[key]


def _source(
    node: Node, givers: Mapping[str, Node], reads: Mapping[int, NodeReads], kinds: Mapping[int, Kind],
    placing: Placing,
) -> tuple[str | None, list[int]]:  # fmt: skip
    """The tensor that a convolution reads, and how far a cropping or padding layer before it shifts it."""
    name, still = node.inputs[0], [0] * len(placing.windows)
    giver = givers.get(name)
    if giver is None or kinds[giver.index].family not in ("cropping", "padding"):
        return name, still
    rows = reads[giver.index].outputs
    read = rows[0][0] if rows and rows[0] else None
    if not isinstance(read, tuple) or len(read) != len(still) + 2:
        return None, still
    shift = []
    for axis, along in enumerate(read):
        if not isinstance(along, Along) or along.axis != axis or along.window.size != 1:
            return None, still
        if along.window.moves or not isinstance(along.window.before, int):
            return None, still
        shift.append(-along.window.before)
    return giver.inputs[0], shift[2:]


def _offsets(
    nodes: Sequence[Node], starts: Sequence[tuple[int, ...]], kinds: Mapping[int, Kind]
) -> list[_Shifted] | None:
    """Each convolution with its place in the rotation; None where some place is nobody's, or the weights of
    all are the same."""
    strides = [int(step) for step in kinds[nodes[0].index].stride]
    first = [min(axis) for axis in zip(*starts, strict=True)]
    places = [tuple(s - f for s, f in zip(start, first, strict=True)) for start in starts]
    if {*places} != {*np.ndindex(*strides)} or len({node.inputs[1] for node in nodes}) < 2:
        return None
    return list(zip(nodes, places, strict=True))


def _lie_in_turn(
    nodes: Sequence[Node], shapes: Shapes, kinds: Mapping[int, Kind], placing: Placing,
    group: Sequence[_Shifted],
) -> bool:  # fmt: skip
    """Is there a tensor behind the convolutions with unit i of the one at place o at ``i*t + o``?"""
    output = shapes.outputs(group[0][0])[0]
    lengths = [n for n in output.shape or () if isinstance(n, int)]
    strides = [int(step) for step in kinds[group[0][0].index].stride]
    if len(lengths) != len(strides) + 2 or math.prod(lengths) * len(group) > _UNITS:
        return False
    if shapes.outputs(group[0][0])[0].dims[1] != placing.channels[1]:
        return False  # channels last
    wanted = (*lengths[:2], *(n * t for n, t in zip(lengths[2:], strides, strict=True)))
    goal = np.arange(math.prod(wanted), dtype=np.int32).reshape(wanted)
    units = {}
    for node, place in group:
        turns = map(slice, place, [None] * len(place), strides)
        units[node.outputs[0]] = goal[(slice(None), slice(None), *turns)]
    start = max(node.index for node, _ in group)
    behind = [node for node in nodes if node.index > start]
    for node in behind[:_REACH]:
        moved = _moved(node, shapes, kinds, units)
        if moved is None:
            continue
        units[node.outputs[0]] = moved
        if moved.shape == wanted and np.array_equal(moved, goal):
            return True
    return False


def _moved(
    node: Node, shapes: Shapes, kinds: Mapping[int, Kind], units: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    """The units that a layer gives, where it takes nothing else in and only moves them."""
    data = [name for name in node.inputs if name and not shapes.tensors[name].constant]
    moving = kinds[node.index].family in _MOVING and len(node.outputs) == 1
    if not moving or not data or any(name not in units for name in data):
        return None
    arrays = [
        None if not x else units[x] if x in units else numbers_of(x, shapes) for x in node.inputs
    ]
    found = values_of(node, arrays)
    return found[0] if found and found[0].shape == shapes.tensors[node.outputs[0]].shape else None
