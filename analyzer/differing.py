"""From two reports to their `Difference`: match the layers, say what became of each, sum it up.

A layer that is gone was *folded* where it does nothing that a neighbour couldn't take in: it is affine
with stored numbers (a normalisation with stored statistics, a bias of its own), right behind or right
before a layer that multiplies weights and is still there, and whose weights aren't known to be what
they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from cnnscope.analyzer.changes import Change, Side, find_changes, same_shape, weights_changed
from cnnscope.analyzer.comparison import FIELD, LAYERS, TOTALS, largest_field
from cnnscope.analyzer.difference import (
    Difference,
    EndDifference,
    LayerDifference,
    Status,
    TotalDifference,
    WeightsDifference,
    total_difference,
)
from cnnscope.analyzer.matching import Matching, Network, match
from cnnscope.analyzer.report import Input, Layer, Metric, Report, plain_shape
from cnnscope.analyzer.sites import find_groups
from cnnscope.analyzer.structure import is_foldable, is_weighted, network_of


def find_difference(before: Side, after: Side) -> Difference:
    """What differs between two models."""
    networks = network_of(before), network_of(after)
    matching = match(*networks)
    layers = _layers(before, after, matching, networks)
    return Difference(
        before.report,
        after.report,
        layers,
        tuple(_ends(before.report, after.report, matching)),
        tuple(_totals(before.report, after.report)),
        tuple(find_groups(layers, before.report, after.report, matching)),
        _weights(layers, before, after),
    )


# -- layers ----------------------------------------------------------------------------------------


def _names(before: Report, after: Report, matching: Matching) -> dict[str, str]:
    """The first model's layers to their counterparts, by name."""
    return {before.layers[i].name: after.layers[j].name for i, j in matching.pairs}


@dataclass
class _Folds:
    """Where layers went: by their index, the counterpart that took them in; and the reverse."""

    into: dict[int, int] = field(default_factory=dict)
    holds: dict[int, list[int]] = field(default_factory=dict)


def _layers(
    before: Side, after: Side, matching: Matching, networks: tuple[Network, Network]
) -> tuple[LayerDifference, ...]:
    one, other = tuple(before.report.layers), tuple(after.report.layers)
    mates = dict(matching.pairs), {j: i for i, j in matching.pairs}
    names = _names(before.report, after.report, matching)
    folded = _folds(before, after, mates[0], matching.before, networks[0])
    unfolded = _folds(after, before, mates[1], matching.after, networks[1])
    # What comes new stands behind the layer that it follows in the second model.
    behind: dict[int, list[int]] = {}
    last = -1
    for j in range(len(other)):
        last = mates[1].get(j, last)
        if j not in mates[1]:
            behind.setdefault(last, []).append(j)

    def added(i: int) -> list[LayerDifference]:
        return [_lone(other[j], unfolded.into.get(j), one, new=True) for j in behind.get(i, ())]

    found = added(-1)
    for i, layer in enumerate(one):
        if i not in mates[0]:
            found.append(_lone(layer, folded.into.get(i), other, new=False))
            continue
        j = mates[0][i]
        taken = folded.holds.get(j, []), unfolded.holds.get(i, [])
        holds = [one[k].name for k in taken[0]] + [other[k].name for k in taken[1]]
        changes = find_changes(
            layer, other[j], (before, after), names, rewired=(i, j) in matching.rewired
        )
        found.append(_pair(layer, other[j], changes, (i, j) in matching.moved, tuple(holds)))
        found += added(i)
    return tuple(found)


def _pair(
    before: Layer, after: Layer, changes: tuple[Change, ...], moved: bool, holds: tuple[str, ...]
) -> LayerDifference:
    renamed = before.name != after.name
    status: Status = "same"
    if changes:
        status = "changed"
    elif moved or renamed:
        status = "moved" if moved else "renamed"
    return LayerDifference(before, after, status, changes, renamed, moved, holds=holds)


def _lone(
    layer: Layer, into: int | None, others: tuple[Layer, ...], *, new: bool
) -> LayerDifference:
    name = None if into is None else others[into].name
    if new:
        return LayerDifference(None, layer, "added" if name is None else "unfolded", into=name)
    return LayerDifference(layer, None, "removed" if name is None else "folded", into=name)


def _folds(
    here: Side, there: Side, mates: Mapping[int, int], reads: tuple[tuple[int, ...], ...],
    network: Network,
) -> _Folds:  # fmt: skip
    """Which layers of a model that the other one lacks are in a neighbour's counterpart."""
    layers, others = tuple(here.report.layers), tuple(there.report.layers)
    givers = {name: i for i, part in enumerate(network.parts) for name in part.outputs}
    readers: dict[int, set[int]] = {}
    for i, part in enumerate(network.parts):
        for name in part.inputs:
            if name in givers:
                readers.setdefault(givers[name], set()).add(i)
    outputs = {givers[name] for name in network.outputs if name in givers}

    def takes(i: int) -> int | None:
        """The counterpart of a weight layer, unless its weights are known to be as they were."""
        j = mates.get(i)
        if j is None or not is_weighted(layers[i]):
            return None
        told = weights_changed(here.weights(layers[i]), there.weights(others[j]))
        return None if told is False else j

    found = _Folds()
    for i, part in enumerate(network.parts):
        if i in mates or not part.passing or not is_foldable(layers[i], here.report):
            continue
        source = reads[i][0] if reads[i] else -1
        j = takes(source) if source >= 0 else None
        if j is None:  # not the layer before it: then the one behind it
            following = readers.get(i, set())
            j = takes(next(iter(following))) if len(following) == 1 and i not in outputs else None
        if j is not None:
            found.into[i] = j
            found.holds.setdefault(j, []).append(i)
    return found


# -- ends, totals, weights -------------------------------------------------------------------------


def _ends(before: Report, after: Report, matching: Matching) -> list[EndDifference]:
    """Inputs, then outputs: by name, then in order."""
    found: list[EndDifference] = []
    known = _names(before, after, matching)
    for role in ("input", "output"):
        one: tuple[Input, ...] = getattr(before, f"{role}s")
        other: tuple[Input, ...] = getattr(after, f"{role}s")
        names = {x.name: x for x in other}
        pairs: list[tuple[Input, Input | None]] = [(x, names.get(x.name)) for x in one]
        taken = {y.name for _, y in pairs if y is not None}
        free = iter([y for y in other if y.name not in taken])
        for x, y in pairs:
            mate = y if y is not None else next(free, None)
            changes = () if mate is None else _end_changes(x, mate, known)
            found.append(EndDifference(role, x, mate, changes))
        found += [EndDifference(role, None, y) for y in free]
    return found


def _end_changes(before: Input, after: Input, known: Mapping[str, str]) -> tuple[Change, ...]:
    found = []
    if not same_shape(before.shape, after.shape, known):
        shapes = plain_shape(before.shape), plain_shape(after.shape)
        found.append(Change("shape", *shapes))  # type: ignore[arg-type]  # list is invariant
    if before.dtype != after.dtype:
        found.append(Change("dtype", before.dtype, after.dtype))
    return tuple(found)


def _totals(before: Report, after: Report) -> list[TotalDifference]:
    found = [
        total_difference(key, getattr(before.totals, key), getattr(after.totals, key))
        for key in TOTALS
    ]
    for key, one, other in (
        (FIELD, largest_field(before), largest_field(after)),
        (LAYERS, len(before.layers), len(after.layers)),
        ("file_bytes", before.model.file_bytes, after.model.file_bytes),
    ):
        found.append(total_difference(key, Metric.of(one), Metric.of(other)))
    return found


def _weights(layers: tuple[LayerDifference, ...], before: Side, after: Side) -> WeightsDifference:
    told: Counter[bool | None] = Counter()
    reasons: Counter[str] = Counter()
    gone: dict[str, tuple[str, str, str]] = {}
    come: dict[str, tuple[str, str]] = {}
    repeated: set[str] = set()
    for x in layers:
        one = before.weights(x.before) if x.before else []
        other = after.weights(x.after) if x.after else []
        if x.before and x.after and (one or other):
            changed = weights_changed(one, other)
            told[changed] += 1
            if changed is None:
                reasons.update(p.reason for p in (*one, *other) if p.reason is not None)
        digests = {p.digest for p in one}, {p.digest for p in other}
        for p in one:
            if p.digest is not None and p.elements > 1 and p.digest not in digests[1]:
                repeated |= {p.digest} & gone.keys()
                gone[p.digest] = (p.name, x.before.name if x.before else "", p.digest)
        for p in other:
            if p.digest is not None and p.elements > 1 and p.digest not in digests[0]:
                repeated |= {p.digest} & come.keys()
                come[p.digest] = (p.name, x.after.name if x.after else "")
    moved = [
        (gone[digest][0], gone[digest][1], come[digest][1])
        for digest in gone
        if digest in come and digest not in repeated
    ]
    reason = min(reasons.items(), key=lambda item: (-item[1], item[0]))[0] if reasons else None
    return WeightsDifference(
        told[False], told[True], told[None], tuple(moved), reason, before.read and after.read
    )
