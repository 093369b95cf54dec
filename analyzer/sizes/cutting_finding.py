"""How can axes of a network's inputs be cut into tiles, and what keeps the others from it?

Axes along which outputs move together are cut together, as one group.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.model.graph import Graph, Node, nodes_behind
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.sizes.brinks import below_first, brinks_of
from cnnscope.analyzer.sizes.cutting import Cutting, Obstacle, OutputAxis, TileAxis, TiledOutput
from cnnscope.analyzer.sizes.tile_grid import (
    LONGEST_STEP,
    block_of,
    common_step,
    halo_anywhere_of,
    halo_of,
    impulse_of,
    moved_together,
)
from cnnscope.analyzer.sizes.tile_obstacles import seen_by_outputs, with_own_values, wrapping
from cnnscope.analyzer.values.field import Field


def find_cutting(
    graph: Graph, shapes: Shapes, fields: Fields, wanted: Collection[InputAxis]
) -> Cutting:
    """How axes of a network's inputs can be cut, and what keeps them from it."""
    keys = sorted(wanted)
    leading = nodes_behind(graph, graph.outputs)
    obstacles: dict[InputAxis, Obstacle] = {}
    looks: dict[OutputAxis, dict[InputAxis, Field]] = {}
    for key in keys:
        found = seen_by_outputs(graph, fields, key, leading)
        if isinstance(found, Obstacle):
            obstacles[key] = found
        else:
            for output, field in found.items():
                looks.setdefault(output, {})[key] = field
    obstacles.update(with_own_values(shapes, fields, leading, keys))
    obstacles.update(wrapping(fields, leading, keys))
    looks = {
        output: {key: field for key, field in seen.items() if key not in obstacles}
        for output, seen in looks.items()
    }
    strides = {key: _stride(fields, key, leading) for key in keys if key not in obstacles}
    brinks = {key: tuple(brinks_of(shapes, fields, key, leading)) for key in strides}
    axes: dict[InputAxis, TileAxis] = {}
    outputs: list[TiledOutput] = []
    left = dict(strides)
    group = 0
    while left:
        together, rates = moved_together(next(iter(left)), looks)
        # In their own order, whatever that of a set is: a tile's size is in pixels of the first one.
        members = [key for key in strides if key in together]
        for key in members:
            left.pop(key)
        whole = None if rates is None else block_of(members, rates, looks, strides)
        if rates is None or whole is None:
            why = (
                "its outputs move along it at several rates" if rates is None
                else f"tiles would start at multiples of more than {LONGEST_STEP}"
            )  # fmt: skip
            obstacles.update({key: Obstacle(*key, None, why) for key in members})
            continue
        units = {output: int(rates[output] * whole) for output in looks if output in rates}
        for key in members:
            step = int(rates[key] * whole)
            seen = [(units[output], by[key]) for output, by in looks.items() if key in by]
            below = max([-1, *[below_first(x) for x in brinks[key]]])
            axes[key] = TileAxis(
                *key, group, step, halo_of(seen, step, below), halo_anywhere_of(seen, step, below),
                impulse_of(seen, step),
            )  # fmt: skip
        for output, by in looks.items():
            if together & by.keys():
                length = shapes.tensors[output[0]].dims[output[1]]
                outputs.append(TiledOutput(*output, group, units[output], by, length))
        group += 1
    return Cutting(axes, tuple(outputs), tuple(obstacles.values()), brinks)


def _stride(fields: Fields, key: InputAxis, leading: Sequence[Node]) -> int:
    """What every map on the way to the outputs moves on by, together."""
    names = [name for node in leading for name in node.outputs if name]
    states = [fields.states.get(name, {}) for name in names]
    return common_step([state[key] for state in states if key in state])
