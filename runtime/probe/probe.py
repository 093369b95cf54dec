"""Do the units of every tensor see what was said? A NaN shows it.

A NaN travels along dependencies, whatever the weights and however deep the net. One *probe* sets a
point of a network input to NaN: one index of each of its spatial axes, all batch and channel
positions there. The copy written by `copy` is run with it on the CPU, and of every tensor
only the sum over the axes that don't move with the input's leaves ONNX Runtime, so that no map is
larger than the input's grid. Where such a sum is NaN has to be where the same reads, run forwards
from the same point (`touched`), say: every unit, borders included. All axes are checked by one run,
as what a window reads is a product of what it reads along each axis.

The field that a report shows is held against it too: a unit that turns NaN has to have the point
within its span. (The converse is no error: dilation leaves holes in a span, and a span isn't
clipped at the borders in between. Nor does it tell what a border mirrors or repeats: units that are
touched through that alone are left out of this.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.report.verification import FieldCheck, Probe
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import Session, SessionSettings, open_session
from cnnscope.runtime.probe.comparison import Map, ProbeComparison, TensorMap, known_shape
from cnnscope.runtime.probe.copy import ProbeCopy, write_probe

if TYPE_CHECKING:
    from cnnscope.analyzer.fields.paths import State
    from cnnscope.analyzer.report.examination import Analysis

#: numbers that leave ONNX Runtime in one run; beyond it the tensors take turns
MAX_NUMBERS: Final = 1 << 26


def check_fields(analysis: Analysis, *, probes: int = 4, seed: int = 0) -> FieldCheck:
    """What every unit of every tensor sees, held against an execution.

    Args:
        analysis: of the model, without free dimensions.
        probes: how many points of each network input: first, centre, last, then random ones.
        seed: of the random ones.

    Returns:
        What was found; with nothing compared and the reason where ONNX Runtime can't run the copy.

    >>> from cnnscope.analyzer.analysis import examine
    >>> check_fields(examine("sample_models/lenet5.onnx")).ok  # doctest: +SKIP
    True
    """
    written = write_probe(analysis)
    maps = _maps(analysis, written)
    comparison = ProbeComparison(analysis, written, maps)
    points = list(_points(analysis, written, probes, seed))
    failed = None
    if points and maps:
        try:
            _probe(_open(analysis, written, maps), analysis, points, comparison)
        except RunError as error:
            failed = f"the rewritten copy doesn't run: {error}"
    return comparison.result(points, failed)


def _probe(
    session: Session, analysis: Analysis, points: Sequence[Probe], comparison: ProbeComparison
) -> None:
    maps = comparison.maps
    feeds = {name: np.ones(known_shape(analysis, name), np.float32) for name in session.inputs}
    for name, nan in _run(session, maps, feeds):
        if nan.any():
            comparison.refused.setdefault(name, "not finite even without a NaN going in")
    for point in points:
        if point.input in feeds:
            marked = _marked(feeds[point.input], point)
            comparison.add(point, _run(session, maps, feeds | {point.input: marked}))


# -- which points, and what is looked at -----------------------------------------------------------


def probed_axes(analysis: Analysis, name: str) -> tuple[int, ...]:
    """The axes of a network input that some node looks along; all of them where none does."""
    spatial = sorted(axis for key, axis in analysis.fields.spatial if key == name)
    return tuple(spatial) or tuple(range(len(known_shape(analysis, name))))


def _points(analysis: Analysis, written: ProbeCopy, count: int, seed: int) -> Iterator[Probe]:
    random = np.random.default_rng(seed)
    for name in analysis.graph.inputs:
        if name not in written.names:
            continue
        shape, axes = known_shape(analysis, name), probed_axes(analysis, name)
        lengths = [shape[axis] for axis in axes]
        if 0 in shape:
            continue
        wanted = [
            tuple(0 for _ in lengths),
            tuple(length // 2 for length in lengths),
            tuple(length - 1 for length in lengths),
        ][:count]
        while len(wanted) < count:
            wanted.append(tuple(int(random.integers(length)) for length in lengths))
        for index in dict.fromkeys(wanted):
            yield Probe(name, axes, index)


def _marked(x: npt.NDArray[np.float32], point: Probe) -> npt.NDArray[np.float32]:
    found = x.copy()
    place: list[slice | int] = [slice(None)] * x.ndim
    for axis, index in zip(point.axes, point.index, strict=True):
        place[axis] = index
    found[tuple(place)] = np.nan
    return found


def _maps(analysis: Analysis, written: ProbeCopy) -> dict[str, TensorMap]:
    """By tensor; tensors that are one in the copy share their map, and others are summed there."""
    found: dict[str, TensorMap] = {}
    made: dict[tuple[str, tuple[int, ...]], str] = {}
    copy = written.copy
    for tensor in written.names:
        shape = analysis.shapes.tensors[tensor].shape
        if shape is None or not all(isinstance(d, int) for d in shape) or 0 in shape:
            continue
        state = analysis.fields.states.get(tensor, {})
        axes = tuple(sorted(set(_moving(analysis, state))))
        lengths = tuple(int(d) for a, d in enumerate(shape) if a in axes and isinstance(d, int))
        name = written.whole(tensor, axes)
        if (name, axes) not in made:
            rest = [axis for axis in range(len(shape)) if axis not in axes]
            if rest:
                made[name, axes] = copy.over("ReduceSum", name, rest, keepdims=0)
            else:
                made[name, axes] = copy.add("Identity", [name])
        found[tensor] = TensorMap(made[name, axes], axes, lengths)
    return found


def _moving(analysis: Analysis, state: State) -> Iterator[int]:
    """The axes of a tensor that move with a probed axis of an input."""
    for (name, axis), paths in state.items():
        if axis in probed_axes(analysis, name):
            for term in paths.terms:
                yield from (digit.axis for digit in term.digits if digit.axis >= 0)


def _open(analysis: Analysis, written: ProbeCopy, maps: Mapping[str, TensorMap]) -> Session:
    used = {name for node in written.copy.nodes for name in node.input}
    inputs = {
        name: known_shape(analysis, name)
        for name in analysis.graph.inputs
        if name in written.names and name in used
    }
    model = written.copy.model(inputs, list(dict.fromkeys(m.name for m in maps.values())))
    return open_session(model, CPU_PROVIDER, SessionSettings(planned=False), written.copy.fillings)


def _run(
    session: Session, maps: Mapping[str, TensorMap], feeds: Mapping[str, npt.NDArray[np.float32]]
) -> Iterator[tuple[str, Map]]:
    """Of every tensor, where its map is NaN; a bounded number of maps at a time."""
    turn: list[str] = []
    room = MAX_NUMBERS
    for tensor in (*maps, ""):
        size = math.prod(maps[tensor].lengths) if tensor else MAX_NUMBERS + 1
        if turn and size > room:
            wanted = list(dict.fromkeys(maps[t].name for t in turn))
            got = dict(zip(wanted, session.run(wanted, feeds), strict=True))
            for t in turn:
                yield t, np.isnan(got[maps[t].name])
            turn, room = [], MAX_NUMBERS
        if tensor:
            turn.append(tensor)
            room -= size
