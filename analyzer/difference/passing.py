"""Which layers that an exporter may leave out stand on the same edges?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from cnnscope.analyzer.difference.network import Arrays
from cnnscope.analyzer.difference.pairing import Pairing, singles


def match_passing(pairing: Pairing) -> None:
    """Passing layers on the same edges: with the same readers first, then in order."""
    groups = [_passing_by_root(side) for side in (pairing.first, pairing.second)]
    for root, one in groups[0].items():
        other = groups[1].get((pairing.first.mate[root[0]], root[1]), [])
        if not other:
            continue
        readers = (
            _passing_readers(pairing.first, one),
            _passing_readers(pairing.second, other),
        )
        place = singles(
            [(j, (pairing.second.like[j], readers[1][j])) for j in other if readers[1][j]]
        )
        here = singles(
            [
                (i, (pairing.first.like[i], _as_second(pairing, readers[0][i])))
                for i in one
                if readers[0][i]
            ]
        )
        for key, i in here.items():
            if key in place and pairing.can_join(i, place[key]):
                pairing.join(i, place[key])
        for level in ("like", "op", "family"):
            left = [i for i in one if pairing.first.mate[i] < 0]
            free = [j for j in other if pairing.second.mate[j] < 0]
            pairing.align_by(
                left, free,
                [_passing_key(pairing.first, i, level) for i in left],
                [_passing_key(pairing.second, j, level) for j in free],
            )  # fmt: skip


def _passing_key(side: Arrays, i: int, level: str) -> Hashable:
    if level == "like":
        return side.like[i]
    return side.parts[i].op if level == "op" else side.parts[i].family


def _passing_by_root(side: Arrays) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for i in range(side.count):
        if not side.core[i] and side.mate[i] < 0:
            root = side.reads[i][0]
            if side.mate[root[0]] >= 0:
                found.setdefault(root, []).append(i)
    return found


def _passing_readers(side: Arrays, group: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """The layers that read each one's result directly."""
    wanted = {name: i for i in group for name in side.parts[i].outputs}
    root = side.reads[group[0]][0][0]
    found: dict[int, list[int]] = {i: [] for i in group}
    for reader, slot in side.readers[root]:
        if reader < side.count:
            names = side.parts[reader].inputs
            if slot < len(names) and names[slot] in wanted:
                found[wanted[names[slot]]].append(reader)
    return {i: tuple(sorted(readers)) for i, readers in found.items()}


def _as_second(pairing: Pairing, readers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(pairing.first.mate[r] for r in readers))
