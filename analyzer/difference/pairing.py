"""Which layers of two networks have found each other so far, and who is free?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from cnnscope.analyzer.difference.network import Arrays, Network
from cnnscope.analyzer.difference.sequences import common_subsequence


class Pairing:
    """Two networks while they are matched: which layers have found each other so far."""

    def __init__(self, first: Network, second: Network) -> None:
        self.numbers: dict[Hashable, int] = {}
        self.first, self.second = Arrays(first, self.number), Arrays(second, self.number)
        self.ends(self.first.inputs, self.second.inputs, first.inputs, second.inputs)
        self.ends(self.first.outputs, self.second.outputs, first.outputs, second.outputs)

    def number(self, what: Hashable) -> int:
        """A number for a value, the same for equal ones."""
        return self.numbers.setdefault(what, len(self.numbers))

    def join(self, i: int, j: int) -> None:
        self.first.mate[i], self.second.mate[j] = j, i

    def can_join(self, i: int, j: int) -> bool:
        return self.first.mate[i] < 0 and self.second.mate[j] < 0

    def ends(
        self, first: range, second: range, names: Sequence[str], others: Sequence[str]
    ) -> None:
        """The networks' inputs, or outputs: by name, then in order."""
        place = dict(zip(others, second, strict=True))
        for name, i in zip(names, first, strict=True):
            if name in place and self.can_join(i, place[name]):
                self.join(i, place[name])
        left = [i for i in first if self.first.mate[i] < 0]
        free = [j for j in second if self.second.mate[j] < 0]
        for i, j in zip(left, free, strict=False):
            self.join(i, j)

    def join_unique(self, keys: Callable[[Arrays], Iterable[tuple[int, Hashable]]]) -> int:
        """Match what has a key that nothing else of its network has."""
        one, other = singles(keys(self.first)), singles(keys(self.second))
        found = [(i, other[key]) for key, i in one.items() if key in other]
        for i, j in found:
            self.join(i, j)
        return len(found)

    @staticmethod
    def is_free(side: Arrays, i: int) -> bool:
        return i < side.count and side.mate[i] < 0 and side.core[i]

    def align_by(
        self,
        one: Sequence[int],
        other: Sequence[int],
        first: Sequence[Hashable],
        second: Sequence[Hashable],
    ) -> None:
        for k, m in common_subsequence(first, second):
            if self.can_join(one[k], other[m]):
                self.join(one[k], other[m])


def singles(items: Iterable[tuple[int, Hashable]]) -> dict[Hashable, int]:
    """By key, the one item that has it."""
    kept = list(items)
    counts = Counter(key for _, key in kept)
    return {key: i for i, key in kept if counts[key] == 1}
