"""From two reports to their `Difference`: match the layers, say what became of each, sum it up.

A layer that is gone was *folded* where it does nothing that a neighbour couldn't take in: it is affine
with stored numbers (a normalisation with stored statistics, a bias of its own), right behind or right
before a layer that multiplies weights and is still there, and whose weights aren't known to be what
they were.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cnnscope.analyzer.difference.changes import (
    Change,
    Pair,
    Renaming,
    compare_layers,
    same_shape,
)
from cnnscope.analyzer.difference.constants import same_numbers
from cnnscope.analyzer.difference.difference import (
    Difference,
    DifferenceGroup,
    EndDifference,
    LayerDifference,
    Status,
    TotalDifference,
    WeightsDifference,
    total_difference,
)
from cnnscope.analyzer.difference.fingerprints import Fingerprint
from cnnscope.analyzer.difference.matching import match
from cnnscope.analyzer.difference.parts import is_foldable, is_weighted, network_of
from cnnscope.analyzer.difference.sites import find_groups
from cnnscope.analyzer.difference.stages import Side, Stage
from cnnscope.analyzer.report.comparison import FIELD, LAYERS, TOTALS, largest_field
from cnnscope.analyzer.report.layer import Layer, plain_shape
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Input, Report
from cnnscope.analyzer.values.dimension import FreeDim


def find_difference(before: Side, after: Side) -> Difference:
    """What differs between two models."""
    compared = _Graphs((before.main, after.main), _renamed_dims(before.report, after.report))
    layers = tuple(compared.layers())
    reports = before.report, after.report
    versions = before.report.model.opsets, after.report.model.opsets
    opsets = tuple([
        (domain, versions[0].get(domain), versions[1].get(domain))
        for domain in sorted({*versions[0], *versions[1]})
        if versions[0].get(domain) != versions[1].get(domain)
    ])  # fmt: skip
    dims = compared.dims
    return Difference(
        *reports,
        layers,
        tuple(_ends(before, after, compared)),
        tuple(_totals(*reports, dims)),
        tuple(compared.groups),
        _weights(compared.found, before.read and after.read),
        opsets,
        tuple((one, other) for one, other in dims.items() if one != other),
    )


def _renamed_dims(before: Report, after: Report) -> dict[str, str]:
    """Free dimensions that the second model calls otherwise, wherever its inputs have them; none
    where that isn't so everywhere."""
    names = {x.name: x for x in after.inputs}
    found: dict[str, str] = {}
    free = iter([x for x in after.inputs if x.name not in {y.name for y in before.inputs}])
    for x in before.inputs:
        mate = names.get(x.name) or next(free, None)
        shapes = x.declared.shape, None if mate is None else mate.declared.shape
        if shapes[0] is None or shapes[1] is None or len(shapes[0]) != len(shapes[1]):
            continue
        for a, b in zip(shapes[0], shapes[1], strict=True):
            if isinstance(a, FreeDim) and isinstance(b, FreeDim):
                one, other = str(a), str(b)
                if "?" in (one, other):
                    continue
                if found.setdefault(one, other) != other:
                    return {}
    if len(set(found.values())) < len(found) or all(one == other for one, other in found.items()):
        return {}
    return found


# -- layers ----------------------------------------------------------------------------------------


@dataclass
class _Folds:
    """Where layers went: by their index, the counterpart that took them in; and the reverse."""

    into: dict[int, int] = field(default_factory=dict)
    holds: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Compared:
    """A layer or a pair of them, what was found of it, and what is stored for either."""

    difference: LayerDifference
    pair: Pair | None
    prints: tuple[list[Fingerprint], list[Fingerprint]]


class _Graphs:
    """Two graphs while they are compared, their subgraphs with them."""

    def __init__(
        self, stages: tuple[Stage, Stage], dims: Mapping[str, str],
        known: tuple[Callable[[str], str], Callable[[str], str]] = (str, str),
    ) -> None:  # fmt: skip
        self.stages, self.dims, self.known = stages, dims, known
        self.networks = network_of(stages[0], known[0]), network_of(stages[1], known[1])
        self.matching = match(*self.networks)
        self.mates = dict(self.matching.pairs), {j: i for i, j in self.matching.pairs}
        one, other = self.stages
        self.names = Renaming(
            {one.layers[i].name: other.layers[j].name for i, j in self.matching.pairs}, dims
        )
        self.groups: list[DifferenceGroup] = []
        #: layers in order, those of subgraphs behind the layer that they are in
        self.found: list[_Compared] = []
        self._run()

    def layers(self) -> list[LayerDifference]:
        return [x.difference for x in self.found]

    def _run(self) -> None:
        one, other = self.stages[0].layers, self.stages[1].layers
        inner = {(i, j): self.inside(i, j) for i, j in self.matching.pairs if one[i].bodies}
        pairs = {
            i: compare_layers(
                self.stages, (i, j), self.names, rewired=(i, j) in self.matching.rewired,
                inside=any(map(_differs, inner.get((i, j), ())))
                or one[i].bodies.keys() != other[j].bodies.keys(),
            )
            for i, j in self.matching.pairs
        }  # fmt: skip
        back = {j: pairs[i] for i, j in self.matching.pairs}
        folded = self.folds(0, pairs)
        unfolded = self.folds(1, back)
        # What comes new stands behind the layer that it follows in the second model.
        behind: dict[int, list[int]] = {}
        last = -1
        for j in range(len(other)):
            last = self.mates[1].get(j, last)
            if j not in self.mates[1]:
                behind.setdefault(last, []).append(j)
        level: list[LayerDifference] = []
        path = self.stages[0].path

        def take(x: LayerDifference, pair: Pair | None, i: int | None, j: int | None) -> None:
            level.append(x)
            prints = [
                [] if place is None else stage.weights(place)
                for stage, place in zip(self.stages, (i, j), strict=True)
            ]
            self.found.append(_Compared(x, pair, (prints[0], prints[1])))

        def added(i: int) -> None:
            for j in behind.get(i, ()):
                take(_lone(other[j], unfolded.into.get(j), one, path, new=True), None, None, j)

        added(-1)
        for i, layer in enumerate(one):
            if i not in self.mates[0]:
                take(_lone(layer, folded.into.get(i), other, path, new=False), None, i, None)
                continue
            j = self.mates[0][i]
            taken = folded.holds.get(j, []), unfolded.holds.get(i, [])
            holds = [one[k].name for k in taken[0]] + [other[k].name for k in taken[1]]
            moved = (i, j) in self.matching.moved
            take(
                _pair(layer, other[j], pairs[i].changes, moved, tuple(holds), path), pairs[i], i, j
            )
            for graphs in inner.get((i, j), ()):
                self.found += graphs.found
                self.groups += graphs.groups
            added(i)
        self.groups[:0] = find_groups(level, *self.stages, self.matching)

    def inside(self, i: int, j: int) -> list[_Graphs]:
        """The subgraphs of a pair, compared."""
        found = []
        for name in self.stages[0].layers[i].bodies:
            if name not in self.stages[1].layers[j].bodies:
                continue
            bodies = self.stages[0].body(i, name), self.stages[1].body(j, name)
            if bodies[0] is not None and bodies[1] is not None:
                formal = self.stages[0].formal(i, name), self.stages[1].formal(j, name)
                known = [self.named(k, bodies[k], formal[k]) for k in (0, 1)]  # type: ignore[arg-type]  # neither is None
                found.append(_Graphs((bodies[0], bodies[1]), self.dims, (known[0], known[1])))
        return found

    def named(self, k: int, body: Stage, formal: int) -> Callable[[str], str]:
        """A subgraph's tensors by names of their own, but for what comes in: its inputs by
        position, and what it captures by what gives that."""
        names = {name: f"input {place}" for place, name in enumerate(body.inputs[:formal])}
        givers = {
            value.name: (i, slot)
            for i, layer in enumerate(self.stages[k].layers)
            for slot, value in enumerate(layer.outputs)
        }
        ends = list(self.stages[k].inputs)
        for name in body.inputs[formal:]:
            if name in givers:
                i, slot = givers[name]
                mate = i if k == 0 else self.mates[1].get(i)
                names[name] = f"new {i} {slot}" if mate is None else f"layer {mate} {slot}"
                if k == 0 and i not in self.mates[0]:
                    names[name] = f"gone {i} {slot}"
            else:  # an input of what is around
                names[name] = f"around {self.known[k](name)}"
                if self.known[k] is str and name in ends:
                    names[name] = f"around {ends.index(name)}"
        return lambda name: names.get(name, f"{k} {name}")

    def folds(self, here: int, pairs: Mapping[int, Pair]) -> _Folds:
        """Which layers of a model that the other one lacks are in a neighbour's counterpart."""
        stage, network, mates = self.stages[here], self.networks[here], self.mates[here]
        reads = (self.matching.before, self.matching.after)[here]
        givers = {name: i for i, part in enumerate(network.parts) for name in part.outputs}
        readers: dict[int, set[int]] = {}
        for i, part in enumerate(network.parts):
            for name in part.inputs:
                if name in givers:
                    readers.setdefault(givers[name], set()).add(i)
        outputs = {givers[name] for name in network.outputs if name in givers}

        def takes(i: int) -> int | None:
            """The counterpart of a weight layer, unless its weights are known to be as they were;
            where they aren't known, only if it has an operand that it hadn't."""
            j = mates.get(i)
            if j is None or not is_weighted(stage.layers[i]):
                return None
            pair = pairs[i]
            gained = pair.lost if here else pair.gained
            return j if pair.weights or gained else None

        found = _Folds()
        for i, part in enumerate(network.parts):
            if i in mates or not part.passing or not is_foldable(stage, i):
                continue
            source = reads[i][0] if reads[i] else -1
            j = takes(source) if source >= 0 else None
            if j is None:  # not the layer before it: then the one behind it
                following = readers.get(i, set())
                j = (
                    takes(next(iter(following)))
                    if len(following) == 1 and i not in outputs
                    else None
                )
            if j is not None:
                found.into[i] = j
                found.holds.setdefault(j, []).append(i)
        return found


def _differs(graphs: _Graphs) -> bool:
    """Something in a subgraph differs, other than names."""
    if graphs.matching.tapped:
        return True
    return any(
        x.own or x.moved or x.before is None or x.after is None for x in graphs.layers()
    ) or _constant_ends(graphs)


def _constant_ends(graphs: _Graphs) -> bool:
    """The outputs that are constants hold other numbers; or there are more or fewer outputs."""
    one, other = graphs.stages
    if len(one.outputs) != len(other.outputs):
        return True
    return any(
        _other_constant(graphs.stages, a, b)
        for a, b in zip(one.outputs, other.outputs, strict=True)
    )


def _other_constant(stages: tuple[Stage, Stage], a: str, b: str) -> bool:
    held = stages[0].constant(a), stages[1].constant(b)
    if held[0] is None or held[1] is None:
        return held[0] is not held[1]
    return same_numbers(held[0], held[1]) is False


def _pair(
    before: Layer, after: Layer, changes: tuple[Change, ...], moved: bool, holds: tuple[str, ...],
    path: tuple[str, ...],
) -> LayerDifference:  # fmt: skip
    renamed = before.name != after.name
    status: Status = "same"
    if changes:
        status = "changed"
    elif moved or renamed:
        status = "moved" if moved else "renamed"
    return LayerDifference(
        before, after, status, changes, renamed, moved, holds=holds, path=path
    )  # fmt: skip


def _lone(
    layer: Layer, into: int | None, others: Sequence[Layer], path: tuple[str, ...], *, new: bool
) -> LayerDifference:
    name = None if into is None else others[into].name
    if new:
        status: Status = "added" if name is None else "unfolded"
        return LayerDifference(None, layer, status, into=name, path=path)
    return LayerDifference(
        layer, None, "removed" if name is None else "folded", into=name, path=path
    )  # fmt: skip


# -- ends, totals, weights -------------------------------------------------------------------------


def _ends(before: Side, after: Side, graphs: _Graphs) -> list[EndDifference]:
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
                    or _other_constant(graphs.stages, one[k].name, mate.name)
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


def _totals(before: Report, after: Report, dims: Mapping[str, str]) -> list[TotalDifference]:
    found = []
    for key in TOTALS:
        figure: Metric = getattr(before.totals, key)
        found.append(
            total_difference(key, figure, _called(figure, getattr(after.totals, key), dims))
        )
    found.append(total_difference(FIELD, largest_field(before), largest_field(after)))
    for key, one, other in (
        (LAYERS, len(before.layers), len(after.layers)),
        ("file_bytes", before.model.file_bytes, after.model.file_bytes),
    ):
        found.append(total_difference(key, Metric.of(one), Metric.of(other)))
    return found


def _called(before: Metric, after: Metric, dims: Mapping[str, str]) -> Metric:
    """The second figure, or the first where only free dimensions have other names in it."""
    if not dims or (before.value, before.known, before.status) != (
        after.value, after.known, after.status,
    ):  # fmt: skip
        return after

    def words(text: str | None, known: Mapping[str, str]) -> list[str]:
        # Of a formula in other names, the terms may have another order.
        return sorted(known.get(word, word) for word in re.findall(r"\w+|[^\w\s]", text or ""))

    same = words(before.formula, dims) == words(after.formula, {}) and sorted(
        (words(what, dims), count) for what, count in before.uncounted.items()
    ) == sorted((words(what, {}), count) for what, count in after.uncounted.items())
    return before if same else after


def _weights(found: Sequence[_Compared], read: bool) -> WeightsDifference:
    told: Counter[bool | None] = Counter()
    reasons: Counter[str] = Counter()
    gone: dict[str, tuple[str, str, str]] = {}
    come: dict[str, tuple[str, str]] = {}
    repeated: set[str] = set()
    folded = _folded_digests(found)
    for compared in found:
        x, pair, (one, other) = compared.difference, compared.pair, compared.prints
        if pair is not None and (one or other):
            changed = pair.weights
            taken = folded.get(x.layer.name, set())
            if any(held.digest.text not in taken for held in (*pair.gained, *pair.lost)):
                changed = True if changed is not None or not read else changed
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
    return WeightsDifference(told[False], told[True], told[None], tuple(moved), reason, read)


def _folded_digests(found: Sequence[_Compared]) -> dict[str, set[str | None]]:
    """By layer, what is stored for those that went into it, or came out of it."""
    taken: dict[str, set[str | None]] = {}
    names = {x.difference.layer.name: x.difference.layer.name for x in found}
    names |= {
        x.difference.before.name: x.difference.layer.name for x in found if x.difference.before
    }
    for x in found:
        if x.difference.into is not None:
            name = names.get(x.difference.into, x.difference.into)
            taken.setdefault(name, set()).update(p.digest for p in (*x.prints[0], *x.prints[1]))
    return taken
