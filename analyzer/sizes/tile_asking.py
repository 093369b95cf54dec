"""From a model to its tiles: read it, open what the file fixes, find how it can be cut."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnscope.analyzer.fields.following import find_fields
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.model.binding import bind_inputs
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.opening import opened, opening_for
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.report.examination import Source, opening_of
from cnnscope.analyzer.sizes.at_lengths import AtLengths, Inferred, inputs_at
from cnnscope.analyzer.sizes.cutting import Cutting, Obstacle
from cnnscope.analyzer.sizes.cutting_finding import find_cutting
from cnnscope.analyzer.sizes.tile_cuts import NoCuts
from cnnscope.analyzer.sizes.tile_grid import common_step
from cnnscope.analyzer.sizes.tile_planning import Planner, with_best
from cnnscope.analyzer.sizes.tiling import TilePlan, Tiling
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: what lengths are taken by multiples of, where layers choose by them how they work
_MULTIPLE = 32


@dataclass(frozen=True, eq=False)
class Tileable:
    """A model that was read and opened, and how it can be cut.

    Args:
        path: the model's; None for one in memory.
        opening: what its file fixes and was opened.
        planner: of its tiles.
        inputs: its inputs, the whole's lengths put in where they are known.
    """

    path: str | None
    opening: Mapping[str, Mapping[int, str]]
    planner: Planner
    inputs: Mapping[str, tuple[int | None, ...]]


def tiling_of(
    model: Source, tiles: Sequence[int], free: Sequence[str], dims: Mapping[str, int],
    shapes: Mapping[str, Sequence[int | None]],
) -> Tiling:  # fmt: skip
    """How a model is run tile by tile, its arguments and errors those of `cnnscope.tile`."""
    found = tileable(model, free, dims, shapes)
    planner = found.planner
    cutting = planner.cutting
    plans: list[TilePlan] = []
    obstacles = list(cutting.obstacles)
    axes = tuple(cutting.axes.values())
    lacking = sorted(_lacking(planner)) if axes else []
    if lacking:
        raise BindingError(
            f"axes that can't be cut are read whole, and the length of {', '.join(lacking)} isn't known:"
            " give it with --shape or --dim"
        )
    whole = planner.known() if axes else None
    if whole is not None and not planner.at.accepts(whole):
        raise BindingError(
            "the model doesn't accept that size as a whole; cnnscope sizes says which it accepts"
        )
    for tile in tiles if axes else ():
        try:
            plans.append(planner.plan(tile))
        except NoCuts as none:
            by = None if none.asked is None else planner.at.conditions.get(none.asked)
            why = f"no part of it is accepted that a tile of {tile} could have"
            if none.asked is not None:
                why = f"{why}: it asks that {none.asked}"
            obstacles += [Obstacle(x.input, x.axis, by, why) for x in axes]
            axes, plans = (), []
            break
    rests = {
        key: planner.at.rests[label]
        for key, label in planner.labels.items()
        if label in planner.at.rests and key in cutting.axes
    }
    return Tiling(
        found.path,
        found.inputs,
        axes,
        cutting.outputs if axes else (),
        tuple(obstacles),
        with_best(plans),
        None if whole is None else planner.at.macs(whole),
        None if whole is None else planner.at.peak(whole),
        planner.margins() if axes else (),
        rests,
    )


def _lacking(planner: Planner) -> list[str]:
    """Lengths that aren't known of axes that can't be cut."""
    cut = {planner.label(x) for x in planner.cutting.axes.values()}
    return [name for name, n in planner.whole.items() if n is None and name not in cut]


def tileable(
    model: Source, free: Sequence[str], dims: Mapping[str, int],
    shapes: Mapping[str, Sequence[int | None]],
) -> Tileable:  # fmt: skip
    """A model, and how it can be cut."""
    file = open_model(model)
    graph = read_graph(file.model)
    opening = opening_of(graph, free)
    for name, axes in opening_for(graph.inputs, shapes).items():
        for axis, label in axes.items():
            opening.setdefault(name, {}).setdefault(axis, label)
    keys = _looked_along(graph, graph.inputs)
    for name, axis in keys:
        if isinstance((graph.inputs[name].shape or ())[axis], int):
            opening.setdefault(name, {}).setdefault(axis, f"{name}:{axis}")
    found = opened(graph, opening)
    graph = found.graph
    bound, _ = bind_inputs(graph.inputs, {}, {}, {})
    given, _ = bind_inputs(graph.inputs, shapes, dims, {})
    axes_of = _free_axes(keys, bound)
    whole: dict[str, int | None] = {}
    for (name, axis), label in axes_of.items():
        length = (given[name].shape or ())[axis]
        known = length if isinstance(length, int) else found.fixed.get(label)
        if whole.get(label) is None:
            whole[label] = known
    inputs = {name: _others_bound(name, x, given[name], axes_of) for name, x in bound.items()}
    graph = replace(graph, inputs=inputs)
    cutting, at = _cut(graph, inputs, axes_of, whole)
    told = {
        name: tuple(
            whole[axes_of[name, axis]] if (name, axis) in axes_of else _number(n)
            for axis, n in enumerate(x.shape or ())
        )
        for name, x in at.inputs.items()
    }
    return Tileable(file.path, opening, Planner(cutting, at, axes_of, whole), told)


def _number(length: object) -> int | None:
    return length if isinstance(length, int) else None


def _looked_along(graph: Graph, inputs: Mapping[str, Tensor]) -> list[InputAxis]:
    """The inputs' axes that some node looks along; of an input without any, those behind the first two."""
    bound, _ = bind_inputs(inputs, {}, {}, {})
    spatial = find_fields(graph, infer_shapes(graph, bound)).spatial
    found: list[InputAxis] = []
    for name, x in inputs.items():
        looked = sorted(key for key in spatial if key[0] == name)
        # A mask, say, that is multiplied in: it is cut with the image. What is 1 long is broadcast.
        behind = [(name, axis) for axis, n in enumerate(x.shape or ()) if axis > 1 and n != 1]
        found += looked or behind
    return found


def _free_axes(keys: Sequence[InputAxis], inputs: Mapping[str, Tensor]) -> dict[InputAxis, str]:
    """Those axes that are free, and their names."""
    found = {}
    for name, axis in keys:
        length = (inputs[name].shape or ())[axis]
        if isinstance(length, FreeDim):
            found[name, axis] = str(length)
    return found


def _others_bound(name: str, x: Tensor, given: Tensor, axes: Mapping[InputAxis, str]) -> Tensor:
    """An input whose other axes have the lengths given, or 1."""
    if x.shape is None:
        return x
    lengths = []
    for axis, (length, known) in enumerate(zip(x.shape, given.shape or (), strict=True)):
        if (name, axis) in axes or isinstance(length, int):
            lengths.append(length)
        else:
            lengths.append(known if isinstance(known, int) else 1)
    return replace(x, shape=tuple(lengths))


def _cut(
    graph: Graph, inputs: dict[str, Tensor], axes: Mapping[InputAxis, str],
    whole: Mapping[str, int | None],
) -> tuple[Cutting, AtLengths]:  # fmt: skip
    """How the network can be cut: at any lengths, or else at those that leave the whole's remainder."""
    names = tuple(dict.fromkeys(axes.values()))
    free = Inferred.of(graph, inputs)
    fields = find_fields(graph, free.shapes)
    found = find_cutting(graph, free.shapes, fields, axes)
    if any(not x.whole for x in found.obstacles):
        along = [x for state in fields.states.values() for key, x in state.items() if key in axes]
        number = math.lcm(_MULTIPLE, common_step(along))
        rests = {name: (number, (whole[name] or 0) % number) for name in names}
        taken = inputs_at(
            inputs, {name: FreeDim.named(name) * n + rest for name, (n, rest) in rests.items()}
        )
        bound = replace(graph, inputs=taken)
        other = Inferred.of(bound, taken)
        again = find_cutting(bound, other.shapes, find_fields(bound, other.shapes), axes)
        if len(again.axes) > len(found.axes):
            return again, AtLengths(bound, taken, names, other, rests)
    return found, AtLengths(graph, inputs, names, free, {})
