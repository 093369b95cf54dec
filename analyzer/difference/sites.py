"""Which differences are the same one several times over?

Layers added (or removed) next to each other are blocks where their operators repeat: the shortest
period of the run (the failure function of Knuth, Morris & Pratt 1977). A run removed and a run added
that read the same layers replace each other. Runs with the same operators are shown as one group
with a count, and so are layers changed in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from cnnscope.analyzer.difference.difference import grouped_changes
from cnnscope.analyzer.difference.entries import DifferenceGroup, LayerDifference
from cnnscope.analyzer.difference.network import Matching
from cnnscope.analyzer.difference.sequences import shortest_period
from cnnscope.analyzer.difference.stages import Stage
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.module_paths import module_paths
from cnnscope.analyzer.values.plain_class import dataclass

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Site:
    """Layers gone and layers come, in one place."""

    gone: tuple[Layer, ...]
    come: tuple[Layer, ...]
    where: _Path
    periodic: bool = False


def find_groups(
    layers: Sequence[LayerDifference], before: Stage, after: Stage, matching: Matching
) -> Iterator[DifferenceGroup]:
    """The groups: folded and unfolded layers, replaced, removed and added ones, changed ones."""
    yield from _folded(layers)
    paths = _paths(before), _paths(after)
    gone = _runs([x.before for x in layers if x.status == "removed" and x.before])
    come = _runs([x.after for x in layers if x.status == "added" and x.after])
    mates = {j: i for i, j in matching.pairs}
    known = dict(matching.pairs)
    places: dict[frozenset[int], list[list[Layer]]] = {}
    for run in come:
        place = _place(run, matching.after, lambda j: mates.get(j, -1) if j >= 0 else j)
        places.setdefault(place, []).append(run)
    pure: list[_Site] = []
    replaced: list[_Site] = []
    for run in gone:
        place = _place(run, matching.before, lambda i: i if i in known or i < 0 else -1)
        if places.get(place):
            other = places[place].pop(0)
            where = _common([paths[0](x) for x in run] + [paths[1](x) for x in other])
            replaced.append(_Site(tuple(run), tuple(other), where))
        else:
            pure += _blocks(run, paths[0], new=False)
    left = [run for runs in places.values() for run in runs]
    for run in sorted(left, key=lambda run: run[0].index):
        pure += _blocks(run, paths[1], new=True)
    for site_kind, sites in (("replaced", replaced), ("pure", pure)):
        for group in _merged(sites):
            kind = site_kind if site_kind == "replaced" else "added" if group[0].come else "removed"
            yield _group(kind, group)
    yield from _changed(layers)


def _paths(stage: Stage) -> Callable[[Layer], _Path]:
    found = module_paths(stage.layers)
    return lambda layer: found[layer.index]


def _runs(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Layers that follow each other in running order, together."""
    found: list[list[Layer]] = []
    for layer in sorted(layers, key=lambda x: x.index):
        if found and found[-1][-1].index == layer.index - 1:
            found[-1].append(layer)
        else:
            found.append([layer])
    return found


def _place(
    run: Sequence[Layer], reads: Sequence[tuple[int, ...]], named: Callable[[int], int]
) -> frozenset[int]:
    """What a run reads from outside, as the first model's layers; a network input is negative."""
    own = {layer.index for layer in run}
    return frozenset(
        named(source) for layer in run for source in reads[layer.index] if source not in own
    )


def _blocks(run: Sequence[Layer], path: Callable[[Layer], _Path], *, new: bool) -> list[_Site]:
    """A run cut into the blocks that it repeats."""
    period = shortest_period([layer.op for layer in run])
    found = []
    for start in range(0, len(run), period):
        part = tuple(run[start : start + period])
        where = _common([path(layer) for layer in (run if period < len(run) else part)])
        gone, come = ((), part) if new else (part, ())
        found.append(_Site(gone, come, where, period < len(run)))
    return found


def _common(paths: Sequence[_Path]) -> _Path:
    low, high = min(paths), max(paths)
    same = [a == b for a, b in zip(low, high, strict=False)]
    return low[: same.index(False) if False in same else len(same)]


def _merged(sites: Sequence[_Site]) -> list[list[_Site]]:
    """Sites with the same operators together: where they stand beside each other, by module."""
    found: dict[object, list[_Site]] = {}
    for site in sites:
        ops = tuple(x.op for x in site.gone), tuple(x.op for x in site.come)
        found.setdefault((ops, site.where if site.periodic else None), []).append(site)
    return list(found.values())


def _group(kind: str, sites: Sequence[_Site]) -> DifferenceGroup:
    first = sites[0]
    gone = [x for site in sites for x in site.gone]
    come = [x for site in sites for x in site.come]
    return DifferenceGroup(
        kind,  # type: ignore[arg-type]  # the caller's literals
        len(sites),
        tuple(x.op for x in first.gone),
        tuple(x.op for x in first.come),
        "/".join(_common([site.where for site in sites])),
        tuple(x.name for x in (*gone, *come)),
        sum(x.params for x in come) - sum(x.params for x in gone),
        _macs(gone, come),
    )


def _macs(gone: Sequence[Layer], come: Sequence[Layer]) -> int | None:
    total = 0
    for sign, layers in ((-1, gone), (1, come)):
        for layer in layers:
            macs = layer.macs
            if macs is None:
                return None
            total += sign * macs
    return total


def _folded(layers: Sequence[LayerDifference]) -> Iterator[DifferenceGroup]:
    """Layers of one kind that went into layers, or came out of them."""
    kinds = {x.after.name: x.after.kind.family for x in layers if x.after is not None}
    former = {x.before.name: x.before.kind.family for x in layers if x.before is not None}
    found: dict[tuple[str, str], list[LayerDifference]] = {}
    for x in layers:
        if x.status in ("folded", "unfolded"):
            found.setdefault((x.status, x.layer.op), []).append(x)
    for (status, op), members in found.items():
        of = kinds if status == "folded" else former
        into = Counter(of[x.into] for x in members if x.into is not None)
        gone = [x.layer for x in members if status == "folded"]
        come = [x.layer for x in members if status == "unfolded"]
        yield DifferenceGroup(
            status,  # type: ignore[arg-type]  # one of the two above
            len(members), (op,) if gone else (), (op,) if come else (), "",
            tuple(x.layer.name for x in members),
            sum(x.params for x in come) - sum(x.params for x in gone), _macs(gone, come),
            into=tuple(sorted(into)),
        )  # fmt: skip


def _changed(layers: Sequence[LayerDifference]) -> Iterator[DifferenceGroup]:
    """Layers changed of themselves, several in the same way."""
    for members in grouped_changes([x for x in layers if x.status == "changed" and x.own]).values():
        first = members[0]
        assert first.before is not None
        assert first.after is not None
        deltas = [x.delta("macs") for x in members]
        yield DifferenceGroup(
            "changed", len(members), (first.before.op,), (first.after.op,), "",
            tuple(x.layer.name for x in members), sum(x.delta("params") or 0 for x in members),
            None if None in deltas else sum(d for d in deltas if d is not None),
            tuple(c for c in first.changes if c.own),
        )  # fmt: skip
