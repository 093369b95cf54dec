"""How are the sizes found that a network accepts?

The shapes of a model with free lengths are worked out once. What rules took for granted on the way, that two
heights agree which are joined, that a kernel fits into its input, are conditions on those lengths
(`values.conditions`), each noted with its node. `solving` gives for each the lengths it holds for, and
together they are the valid sizes. What no closed form was found for is asked of the analysis, size by size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from cnnscope.analyzer.sizes.length_set import LengthSet, TooLarge
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths
from cnnscope.analyzer.sizes.solving import Unsolved, claimed, divided_among, product_of, solved
from cnnscope.analyzer.sizes.valid_sizes import Cause, Tie, ValidLengths, ValidSizes
from cnnscope.analyzer.values.conditions import Claim

#: how many sizes are asked of the analysis one by one, where only it can tell: as many as come to so
#: many nodes, within these bounds
_NODES, _FEWEST, _MOST = 12_000, 8, 128


def find_valid_sizes(network: NetworkLengths, model: str | None) -> ValidSizes:
    """Which lengths of its free dimensions a network accepts."""
    found = _Solution(network)
    names = list(network.places)
    for name in names:
        found.solve_alone(name)
    found.solve_together()
    found.ask_exceptions()
    found.hold_against_analysis()
    dims = tuple(
        ValidLengths(name, tuple(network.places[name]), found.sets[name],
                     tuple(found.causes.get(name, ())), network.fixed.get(name),
                     found.exceptions.get(name, LengthSet.of(())))
        for name in names
    )  # fmt: skip
    return ValidSizes(
        model,
        dims,
        tuple(found.ties),
        not found.doubts,
        tuple(found.doubts),
        network.shapes,
        network,
    )


class _Solution:
    """The sets while they are found."""

    def __init__(self, network: NetworkLengths) -> None:
        self.network = network
        self.sets: dict[str, LengthSet] = {name: LengthSet.every() for name in network.places}
        self.causes: dict[str, list[Cause]] = {}
        self.ties: list[Tie] = []
        self.doubts: list[str] = list(network.doubts)
        nodes = max(1, len(network.graph.nodes))
        self.room = min(max(_NODES // nodes, _FEWEST), _MOST)
        #: sizes at which the network may work though it gives other lengths there
        self.exceptions: dict[str, LengthSet] = {}

    def solve_alone(self, name: str) -> None:
        """What is asked of one length alone."""
        asked: list[tuple[Cause, LengthSet]] = []
        for condition, by in self.network.conditions.items():
            if condition.names != {name}:
                continue
            for claim in condition.otherwise:
                self._except(claim, name)
            try:
                lengths = solved(condition, name)
                held = self.sets[name] & lengths
            except (Unsolved, TooLarge):
                self.doubts.append(f"no closed form for {condition}{_of(by)}")
                continue
            self.sets[name] = held
            asked.append((Cause(by, str(condition)), lengths))
        # The first ones ask for least, and inequalities for less than equations: what follows from
        # others is no cause of its own.
        asked.sort(key=lambda x: not x[1].repeats.all())
        for cause in list(asked):
            left = [lengths for other, lengths in asked if other is not cause[0]]
            if reduce(and_, left, LengthSet.every()) == self.sets[name]:
                asked.remove(cause)
        self.causes[name] = [cause for cause, _ in reversed(asked)]

    def _except(self, claim: Claim, name: str) -> None:
        """Lengths at which the network gives other lengths than were worked out, as far as it comes
        to them: what was asked before holds of them."""
        try:
            lengths = claimed(claim, name) & self.sets[name]
            self.exceptions[name] = self.exceptions.get(name, lengths) | lengths
        except (Unsolved, TooLarge):
            self.doubts.append(f"where {claim}, the network works otherwise")

    def solve_together(self) -> None:
        """What is asked of several lengths together."""
        for condition, by in self.network.conditions.items():
            names = condition.names
            if len(names) < 2:
                continue
            self.ties.append(Tie(tuple(sorted(names)), by, str(condition)))
            if condition.otherwise:
                self.doubts.append(f"where {condition.otherwise[0]}, the network works otherwise")
            if len(condition.either) > 1:
                continue  # nothing is asked of each alone
            try:
                among = divided_among(*product_of(condition.either[0]), self.sets)
            except (Unsolved, TooLarge):
                continue
            for name, lengths in among.items():
                held = self.sets[name] & lengths
                if held != self.sets[name]:
                    self.causes[name].insert(0, Cause(by, str(condition)))
                self.sets[name] = held

    def ask_exceptions(self) -> None:
        """Lengths at which the network gives others than were worked out: the analysis is asked."""
        for name, lengths in self.exceptions.items():
            if lengths.repeats.any() or int(lengths.below.sum()) > self.room:
                self.doubts.append(
                    f"too many lengths of {name} to be tried at which it works otherwise"
                )
                continue
            accepted = [
                n for n in range(1, lengths.start) if n in lengths and self._accepts(name, n)
            ]
            self.sets[name] = (self.sets[name] - lengths) | LengthSet.of(accepted)

    def hold_against_analysis(self) -> None:
        """The analysis of some sizes must say the same: those around the sets' ends."""
        for name, lengths in self.sets.items():
            for n in _around(lengths):
                base = self._base(name)
                if base is None:
                    continue
                size = {**base, name: n}
                others = {k: x for k, x in self.exceptions.items() if size[k] in x}
                said = n in lengths and (bool(others) or self.network.ties_hold(size))
                if not (others and self.ties) and self.network.accepts(size) != said:
                    self.doubts.append(f"the analysis of {name} = {n} says otherwise")
                    break

    def _base(self, name: str) -> dict[str, int] | None:
        """Valid lengths of the others."""
        if self.network.base:
            return dict(self.network.base)
        found = {}
        for other, lengths in self.sets.items():
            smallest = lengths.smallest
            if smallest is None and other != name:
                return None
            found[other] = smallest or 1
        return found

    def _accepts(self, name: str, length: int) -> bool:
        base = self._base(name)
        return base is not None and self.network.accepts({**base, name: length})


def _of(by: str | None) -> str:
    return "" if by is None else f" ({by})"


def _around(lengths: LengthSet) -> Sequence[int]:
    """The first lengths in the set, where it begins to repeat itself, and their neighbours."""
    marks = [lengths.smallest, lengths.start, lengths.start + lengths.period]
    near = {mark + d for mark in marks if mark is not None for d in (-1, 0, 1)}
    return sorted(n for n in near if 0 < n < 1 << 16)
