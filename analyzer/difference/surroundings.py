"""Which layers are alike in what is around them?

Colour refinement (Weisfeiler & Leman 1968) over what a layer is, what it reads (by position) and what
reads it; and what follows, or precedes, layers that are matched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from cnnscope.analyzer.difference.network import Arrays
from cnnscope.analyzer.difference.pairing import Pairing, singles

#: how far colours look around a layer
_RADIUS = 3


def refined(pairing: Pairing, radius: int) -> list[tuple[list[int], list[int]]]:
    """By radius, a number for each layer that says what it is and what is around it."""
    levels = []
    start = []
    for side in (pairing.first, pairing.second):
        is_first = side is pairing.first
        start.append([
            like if mate < 0 else pairing.number(("pair", i if is_first else mate))
            for i, (like, mate) in enumerate(zip(side.like, side.mate, strict=True))
        ])  # fmt: skip
    levels.append((start[0], start[1]))
    for _ in range(radius):
        now = [
            _repainted(pairing, side, colours)
            for side, colours in zip((pairing.first, pairing.second), levels[-1], strict=True)
        ]
        levels.append((now[0], now[1]))
    return levels


def _repainted(pairing: Pairing, side: Arrays, colours: list[int]) -> list[int]:
    found = list(colours)
    for i, mate in enumerate(side.mate):
        if mate < 0:
            read = tuple([(colours[s], k) for s, k in side.reads[i]])
            if i < side.count and side.parts[i].commutes:
                read = tuple(sorted(read))
            readers = tuple(sorted([(colours[r], slot) for r, slot in side.readers[i]]))
            found[i] = pairing.number((colours[i], read, readers))
    return found


def by_surroundings(pairing: Pairing) -> int:
    """Layers whose surroundings are found once in either network, the widest first."""
    if not pairing.first.free() or not pairing.second.free():
        return 0
    found = 0
    for one, other in reversed(refined(pairing, _RADIUS)):

        def keys(
            side: Arrays, one: list[int] = one, other: list[int] = other
        ) -> list[tuple[int, Hashable]]:
            colours = one if side is pairing.first else other
            return [(i, colours[i]) for i in side.free()]

        found += pairing.join_unique(keys)
        if found:  # what is sure from far off is used before anything less sure
            break
    return found


def spread(pairing: Pairing, *, forward: bool) -> int:
    """Match what follows (or precedes) matched layers and is alike, as far as that goes."""
    waiting = deque((i, j) for i, j in enumerate(pairing.first.mate) if j >= 0)
    found = 0
    while waiting:
        i, j = waiting.popleft()
        for k, m in _followers(pairing, i, j) if forward else _sources(pairing, i, j):
            if pairing.can_join(k, m):
                pairing.join(k, m)
                waiting.append((k, m))
                found += 1
    return found


def _followers(pairing: Pairing, i: int, j: int) -> list[tuple[int, int]]:
    """Readers of a pair's results that are alike and the only such ones."""
    a, b = pairing.first, pairing.second
    one = singles([((r), (a.like[r], s)) for r, s in a.readers[i] if pairing.is_free(a, r)])
    if not one:
        return []
    other = singles([((r), (b.like[r], s)) for r, s in b.readers[j] if pairing.is_free(b, r)])
    return [
        (r, other[key]) for key, r in one.items()
        if key in other and _agree(pairing, r, other[key])
    ]  # fmt: skip


def _agree(pairing: Pairing, i: int, j: int) -> bool:
    """Nothing that the two read is matched with something else."""
    a, b = pairing.first, pairing.second
    if len(a.reads[i]) != len(b.reads[j]):
        return False
    for (s, _), (t, _) in _side_by_side(pairing, i, j):
        if a.mate[s] != t and (a.mate[s] >= 0 or b.mate[t] >= 0):
            return False
    return True


def _side_by_side(
    pairing: Pairing, i: int, j: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """What two layers read, operand by operand; where their order is nothing, matched ones and
    then ones that are alike first."""
    a, b = pairing.first, pairing.second
    one, other = list(a.reads[i]), list(b.reads[j])
    if i < a.count and j < b.count and a.parts[i].commutes and b.parts[j].commutes:
        ordered = []
        for fits in (
            lambda s, t: a.mate[s[0]] == t[0] and s[1] == t[1],
            lambda s, t: a.mate[s[0]] < 0 and b.mate[t[0]] < 0 and a.like[s[0]] == b.like[t[0]],
            lambda s, t: True,
        ):
            for s in list(one):
                t = next((t for t in other if fits(s, t)), None)
                if t is not None:
                    ordered.append((s, t))
                    one.remove(s)
                    other.remove(t)
        return ordered
    return list(zip(one, other, strict=True))


def _sources(pairing: Pairing, i: int, j: int) -> list[tuple[int, int]]:
    """What a pair reads at the same position, where that is alike."""
    a, b = pairing.first, pairing.second
    if len(a.reads[i]) != len(b.reads[j]):
        return []
    return [
        (s, t)
        for (s, k), (t, m) in _side_by_side(pairing, i, j)
        if k == m and pairing.is_free(a, s) and pairing.is_free(b, t) and a.like[s] == b.like[t]
    ]
