"""Which layers belong together in the stretches between matched ones?

A longest common subsequence in running order: of layers that are alike, then of the same operator,
then of the same family.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from cnnscope.analyzer.difference.network import Arrays
from cnnscope.analyzer.difference.pairing import Pairing
from cnnscope.analyzer.difference.sequences import longest_rise


def align(pairing: Pairing) -> None:
    """Longest common subsequences of what is left between matched layers."""
    for level in ("like", "op", "family"):
        for one, other in _stretches(pairing):
            if level == "like":
                pairing.align_by(
                    one,
                    other,
                    [pairing.first.like[i] for i in one],
                    [pairing.second.like[j] for j in other],
                )
                continue
            a = [pairing.first.parts[i] for i in one]
            b = [pairing.second.parts[j] for j in other]
            if level == "op":
                pairing.align_by(
                    one, other, [(p.op, p.weighted) for p in a], [(p.op, p.weighted) for p in b]
                )
            elif len(a) == len(b) and [p.family for p in a] == [p.family for p in b]:
                for i, j in zip(one, other, strict=True):
                    pairing.join(i, j)
            else:  # of others, a family says too little: one may well stand for several
                one = [i for i, p in zip(one, a, strict=True) if p.weighted]
                other = [j for j, p in zip(other, b, strict=True) if p.weighted]
                pairing.align_by(
                    one,
                    other,
                    [pairing.first.parts[i].family for i in one],
                    [pairing.second.parts[j].family for j in other],
                )


def _stretches(pairing: Pairing) -> list[tuple[list[int], list[int]]]:
    """Unmatched layers of both networks between the same two matched ones."""
    one, other = orders(pairing)
    spine = set(in_order(pairing, other))
    first = _gaps(one, lambda i: pairing.first.mate[i] in spine, _is_left(pairing, pairing.first))
    second = _gaps(other, lambda j: j in spine, _is_left(pairing, pairing.second))
    return [(first[k], second[k]) for k in sorted(first.keys() & second.keys())]


def _is_left(pairing: Pairing, side: Arrays) -> Callable[[int], bool]:
    return lambda i: pairing.is_free(side, i)


def in_order(pairing: Pairing, order: Sequence[int]) -> list[int]:
    """Matched layers of the second network whose order is the first one's."""
    matched = [j for j in order if pairing.second.mate[j] >= 0]
    return [matched[k] for k in longest_rise([pairing.second.mate[j] for j in matched])]


def orders(pairing: Pairing) -> tuple[list[int], list[int]]:
    """The layers of both networks in an order in which they can run, each as near to the first's
    as can be; one that isn't matched stands right behind the last that it reads."""
    a, b = pairing.first, pairing.second
    own = [i if a.mate[i] >= 0 else -1 for i in range(a.count)]
    return _ordered(a, own), _ordered(b, b.mate[: b.count])


def _ordered(side: Arrays, places: Sequence[int]) -> list[int]:
    key = list(places)
    waits = [0] * side.count
    readers: list[list[int]] = [[] for _ in range(side.count)]
    for j in range(side.count):
        for source in set(side.direct[j]):
            if source < side.count:
                readers[source].append(j)
                waits[j] += 1
    ready = [(key[j], j) for j in range(side.count) if not waits[j]]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        reached, j = heapq.heappop(ready)
        order.append(j)
        for r in readers[j]:
            if side.mate[r] < 0:
                key[r] = max(key[r], reached)
            waits[r] -= 1
            if not waits[r]:
                heapq.heappush(ready, (key[r], r))
    return order


def _gaps(
    order: Sequence[int], fixed: Callable[[int], bool], wanted: Callable[[int], bool]
) -> dict[int, list[int]]:
    """By how many fixed ones come before, those that are wanted."""
    found: dict[int, list[int]] = {}
    passed = 0
    for i in order:
        if fixed(i):
            passed += 1
        elif wanted(i):
            found.setdefault(passed, []).append(i)
    return found
