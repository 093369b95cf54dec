"""What became of the networks' inputs and outputs?"""

from __future__ import annotations

from cnnscope.analyzer.difference.change import Change
from cnnscope.analyzer.difference.entries import (
    EndDifference,
)
from cnnscope.analyzer.difference.graphs import Graphs, other_constant
from cnnscope.analyzer.difference.lengths import Renaming, same_shape
from cnnscope.analyzer.difference.stages import Side
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.tensor import plain_shape


def end_differences(before: Side, after: Side, graphs: Graphs) -> list[EndDifference]:
    """Inputs, then outputs: by name, then in order."""
    found: list[EndDifference] = []
    for role in ("input", "output"):
        one: tuple[Input, ...] = getattr(before.report, f"{role}s")
        other: tuple[Input, ...] = getattr(after.report, f"{role}s")
        place = {x.name: k for k, x in reversed(list(enumerate(other)))}
        pairs: list[tuple[int, int | None]] = []
        taken: set[int] = set()
        for k, x in enumerate(one):
            m = place.get(x.name)
            m = m if m is not None and m not in taken else None
            pairs.append((k, m))
            taken |= set() if m is None else {m}
        free = iter([m for m in range(len(other)) if m not in taken])
        pairs = [(k, m if m is not None else next(free, None)) for k, m in pairs]
        ranks = {m: rank for rank, m in enumerate(sorted(m for _, m in pairs if m is not None))}
        rank = 0
        for k, m in pairs:
            mate = None if m is None else other[m]
            changes: list[Change] = []
            if mate is not None and m is not None:
                if ranks[m] != rank:
                    changes.append(Change("position", k, m))
                rank += 1
                if role == "output" and (
                    (k, m) in graphs.matching.tapped
                    or other_constant(graphs.stages, one[k].name, mate.name)
                ):
                    changes.append(Change("source", _giver(before, k), _giver(after, m)))
                changes += _end_changes(one[k], mate, graphs.names)
                if role == "input" and not any(c.aspect == "shape" for c in changes):
                    changes += _freed(one[k], mate, (before.report, after.report))
            found.append(EndDifference(role, one[k], mate, tuple(changes)))
        found += [EndDifference(role, None, other[m]) for m in free]
    return found


def _giver(side: Side, k: int) -> str:
    """The layer that gives an output, in words."""
    name = side.report.outputs[k].name
    for layer in side.report.layers:
        if any(value.name == name for value in layer.outputs):
            return layer.name
    return "an input" if any(x.name == name for x in side.report.inputs) else "a constant"


def _end_changes(before: Input, after: Input, names: Renaming) -> list[Change]:
    found = []
    if not same_shape(before.shape, after.shape, names):
        shapes = plain_shape(before.shape), plain_shape(after.shape)
        found.append(Change("shape", *shapes))  # type: ignore[arg-type]  # list is invariant
    if before.dtype != after.dtype:
        found.append(Change("dtype", before.dtype, after.dtype))
    return found


def _freed(before: Input, after: Input, reports: tuple[Report, Report]) -> list[Change]:
    """A batch that one file leaves free and the other fixes, unless both were given the length."""
    assumed = any(note.code == "free-batch" for report in reports for note in report.diagnostics)
    one, other = before.declared.shape, after.declared.shape
    if not assumed or one is None or other is None or len(one) != len(other):
        return []
    if all(isinstance(a, int) == isinstance(b, int) for a, b in zip(one, other, strict=True)):
        return []
    return [Change("shape", plain_shape(one), plain_shape(other))]  # type: ignore[arg-type]  # list is invariant
