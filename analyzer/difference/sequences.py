"""What do two sequences have in common, in order; which items keep their order; when does one repeat?

- longest common subsequence: exact, a word of bits at a time (Hyyro, *Bit-parallel LCS-length
  computation revisited*, 2004): ten thousand items against ten thousand take milliseconds;
- longest increasing subsequence (Fredman, *On computing the length of longest increasing
  subsequences*, 1975);
- shortest period: the failure function of Knuth, Morris & Pratt, *Fast pattern matching in strings*,
  1977.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence

#: bits that aligning two stretches may keep; longer ones are aligned piece by piece
_BITS = 1 << 29


def shortest_period(items: Sequence[str]) -> int:
    """After how many items a sequence repeats, two or more; its length where it doesn't.

    >>> shortest_period("abcabcab"), shortest_period("abcab"), shortest_period("aaa")
    (3, 5, 3)
    """
    fail = [0] * len(items)
    for k in range(1, len(items)):
        at = fail[k - 1]
        while at and items[k] != items[at]:
            at = fail[at - 1]
        fail[k] = at + (items[k] == items[at])
    period = len(items) - fail[-1] if items else 0
    return period if period > 1 and len(items) >= 2 * period else len(items)


def longest_rise(numbers: Sequence[int]) -> list[int]:
    """The places of a longest increasing subsequence (Fredman 1975).

    >>> longest_rise([3, 0, 1, 4, 2])
    [1, 2, 4]
    """
    ends: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        k = bisect_left(ends, number)
        before.append(places[k - 1] if k else -1)
        if k == len(ends):
            ends.append(number)
            places.append(place)
        else:
            ends[k], places[k] = number, place
    found = []
    at = places[-1] if places else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]


def common_subsequence(
    first: Sequence[Hashable], second: Sequence[Hashable]
) -> list[tuple[int, int]]:
    """A longest common subsequence, as pairs of places.

    >>> common_subsequence("abcbd", "xbcd")
    [(1, 1), (2, 2), (4, 3)]
    """
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    found = [(k, k) for k in range(start)]
    one, other = first[start : len(first) - end], second[start : len(second) - end]
    if one and other:
        step = max(1, min(len(one), _BITS // len(other)))
        pieces = -(-len(one) // step)
        for piece in range(pieces):  # one piece, but for stretches beyond all that networks have
            low, high = (len(other) * p // pieces for p in (piece, piece + 1))
            inside = _subsequence(one[piece * step : (piece + 1) * step], other[low:high])
            found += [(start + piece * step + k, start + low + m) for k, m in inside]
    found += [(len(first) - end + k, len(second) - end + k) for k in range(end)]
    return found


def _subsequence(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[tuple[int, int]]:
    masks: dict[Hashable, int] = {}
    for k, item in enumerate(second):
        masks[item] = masks.get(item, 0) | 1 << k
    whole = (1 << len(second)) - 1
    row = whole
    rows = []
    for item in first:
        both = row & masks.get(item, 0)
        row = ((row + both) | (row - both)) & whole
        rows.append(row)
    # A bit that is clear in row k and column m: the subsequence grows with column m.
    found = []
    k, m = len(first), len(second)
    while k and m:
        if rows[k - 1] >> (m - 1) & 1:
            m -= 1
        else:
            k -= 1
            if not k or rows[k - 1] >> (m - 1) & 1:
                m -= 1
                found.append((k, m))
    return found[::-1]
