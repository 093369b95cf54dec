"""How are the sizes found that a network accepts?

The shapes of a model with free lengths are worked out once. What rules took for granted on the way, that two
heights agree which are joined, that a kernel fits into its input, are conditions on those lengths
(`values.conditions`), each noted with its node. `solving` gives for each the lengths it holds for, and
together they are the valid sizes. What no closed form was found for is asked of the analysis, size by size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.sizes.length_set import LIMIT, LengthSet, TooLarge
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths
from cnnscope.analyzer.sizes.products import divided_among, product_of
from cnnscope.analyzer.sizes.solving import Effort, TooFar, Unsolved, claimed, solved
from cnnscope.analyzer.sizes.valid_sizes import Cause, Tie, ValidLengths, ValidSizes
from cnnscope.analyzer.values.conditions import Claim, Condition

#: how many lengths are asked of the analysis one by one, where only it can tell: as many as come to so
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
        #: sizes at which the network may work though it gives other lengths there
        self.exceptions: dict[str, LengthSet] = {}
        self.effort = Effort()
        #: how many sizes the analysis may still be asked of
        self.left = network.asked_within()
        nodes = max(1, len(network.graph.nodes))
        self.room = min(max(_NODES // nodes, _FEWEST), _MOST)

    def solve_alone(self, name: str) -> None:
        """What is asked of one length alone."""
        asked: list[tuple[Cause, LengthSet]] = []
        for condition, by in self.network.by_names.get(frozenset((name,)), {}).items():
            for claim in condition.otherwise:
                self._except(claim, name)
            try:
                lengths = self._solved(condition, by, name)
                held = self.effort.both(self.sets[name], lengths)
            except (Unsolved, TooLarge):
                self.doubts.append(f"no closed form for {condition}{_of(by)}")
                continue
            self.sets[name] = held
            asked.append((Cause(by, str(condition)), lengths))
        # The first ones ask for least, and inequalities for less than equations: what follows from
        # others is no cause of its own.
        asked.sort(key=lambda x: not x[1].repeats.all())
        self.causes[name] = self._needed(asked, self.sets[name])

    def _solved(self, condition: Condition, by: str | None, name: str) -> LengthSet:
        """The lengths of which a condition holds, as far as sets are kept."""
        try:
            return solved(condition, name, self.effort)
        except TooFar as far:
            first = "no length that is met" if far.least is None else f"{name} = {far.least:,}"
            self.doubts.append(
                f"{condition} holds from {first} on only, and sets begin at {LIMIT:,} at most{_of(by)}"
            )
            return LengthSet.where(lambda n: n >= LIMIT, LIMIT, 1)

    def _needed(self, asked: Sequence[tuple[Cause, LengthSet]], held: LengthSet) -> list[Cause]:
        """The last ones without which a set would be another, the last of them first."""
        behind = [LengthSet.every()]
        try:
            for _, lengths in reversed(asked):
                behind.append(self.effort.both(behind[-1], lengths))
        except TooLarge:  # not in this order: all of them together have something left
            return [cause for cause, _ in reversed(asked)]
        needed: list[Cause] = []
        before = LengthSet.every()
        for (cause, lengths), others in zip(asked, behind[-2::-1], strict=True):
            try:
                if self.effort.both(before, others) == held:
                    continue
                before = self.effort.both(before, lengths)
            except TooLarge:
                pass
            needed.insert(0, cause)
        return needed

    def _except(self, claim: Claim, name: str) -> None:
        """Lengths at which the network gives other lengths than were worked out, as far as it comes
        to them: what was asked before holds of them."""
        try:
            lengths = self.effort.both(claimed(claim, name, self.effort), self.sets[name])
            self.exceptions[name] = self.exceptions.get(name, lengths) | lengths
        except (Unsolved, TooLarge):
            self.doubts.append(f"where {claim}, the network works otherwise")

    def solve_together(self) -> None:
        """What is asked of several lengths together."""
        for names, conditions in self.network.by_names.items():
            if len(names) > 1:
                self._solve_tied(names, conditions)

    def _solve_tied(
        self, names: frozenset[str], conditions: Mapping[Condition, str | None]
    ) -> None:
        for condition, by in conditions.items():
            self.ties.append(Tie(tuple(sorted(names)), by, str(condition)))
            if condition.otherwise:
                self.doubts.append(f"where {condition.otherwise[0]}, the network works otherwise")
            if len(condition.either) > 1:
                continue  # nothing is asked of each alone
            try:
                among = divided_among(*product_of(condition.either[0]), self.sets, self.effort)
                both = {n: self.effort.both(self.sets[n], lengths) for n, lengths in among.items()}
            except (Unsolved, TooLarge):
                continue
            for name, held in both.items():
                if held != self.sets[name]:
                    self.causes[name].insert(0, Cause(by, str(condition)))
                self.sets[name] = held

    def ask_exceptions(self) -> None:
        """Lengths at which the network gives others than were worked out: the analysis is asked."""
        for name, lengths in self.exceptions.items():
            count = int(lengths.below.sum())
            self.left -= count
            if lengths.repeats.any() or count > self.room or self.left < 0:
                self.doubts.append(
                    f"too many lengths of {name} to be tried at which it works otherwise"
                )
                continue
            accepted = [
                n for n in range(1, lengths.start) if n in lengths and self._accepts(name, n)
            ]
            try:
                self.sets[name] = (self.sets[name] - lengths) | LengthSet.of(accepted)
            except TooLarge:
                self.doubts.append(f"too many exceptions among the lengths of {name}")

    def hold_against_analysis(self) -> None:
        """The analysis of some sizes must say the same: those around the sets' ends."""
        for name, lengths in self.sets.items():
            for n in _around(lengths):
                self.left -= 1
                if self.left < 0:
                    return
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
