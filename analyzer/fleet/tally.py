"""How often does each thing come up: an opset, a producer, an operator?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cnnscope.analyzer.values.plain_class import dataclass

#: different things that are told apart: whoever writes models could invent a name for each of a million
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Tallied:
    """One thing, how many models have it, and how much of it there is in all of them."""

    name: str
    models: int
    amount: int

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "models": self.models, "amount": self.amount}


@dataclass(frozen=True, slots=True)
class Tally:
    """How often things come up.

    Args:
        column: the scan's column they stand in.
        entries: the most frequent first.
        without: models that have none of them, or of which that isn't known.
        others: how many models have things beyond the first `MOST`, in which they are told apart.
    """

    column: str
    entries: tuple[Tallied, ...]
    without: int = 0
    others: int = 0

    def __iter__(self) -> Iterator[Tallied]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str) -> Tallied:
        """One of the things.

        Raises:
            KeyError: no model has it.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(f"no {name!r} in {self.column}")

    def to_dict(self) -> dict[str, object]:
        return {
            "column": self.column,
            "without": self.without,
            "others": self.others,
            "entries": [entry.to_dict() for entry in self.entries],
        }


class Tallying:
    """A tally as it is taken, a model at a time."""

    def __init__(self, column: str) -> None:
        self.column = column
        self._known: dict[object, list[int]] = {}
        self._without = self._others = 0

    def add(self, value: object) -> None:
        """One model's value, as for `extend`."""
        self.extend((value,))

    def extend(self, values: Iterable[object]) -> None:
        """More models, a value each: a text, a number, a list of texts or of {name, count}; or None."""
        known = self._known
        for value in values:
            found = value if isinstance(value, list) else () if value is None else (value,)
            if not found:
                self._without += 1
            for part in found:
                name, amount = (
                    (part["name"], part["count"] or 0) if isinstance(part, dict) else (part, 1)
                )
                kept = known.get(name)
                if kept is not None:
                    kept[0] += 1
                    kept[1] += amount
                elif len(known) < MOST:
                    known[name] = [1, amount]
                else:
                    self._others += 1

    def tally(self) -> Tally:
        """What was found so far; equally frequent things in the order of their names."""
        entries = [Tallied(str(name), *kept) for name, kept in self._known.items()]
        entries.sort(key=lambda x: (-x.models, -x.amount, x.name))
        return Tally(self.column, tuple(entries), self._without, self._others)
