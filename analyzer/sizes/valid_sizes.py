"""Which sizes does a model accept?

The shapes of a model with free lengths are worked out once. What rules took for granted on the way, that two
heights agree which are joined, that a kernel fits into its input, are conditions on those lengths
(`values.conditions`), each noted with its node. `solving` gives for each the lengths it holds for, and
together they are the valid sizes. What no closed form was found for is asked of the analysis, size by size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import reduce
from operator import and_

from cnnscope.analyzer.sizes.length_set import LengthSet, Run, TooLarge
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths, Place
from cnnscope.analyzer.sizes.proof import SizeProof
from cnnscope.analyzer.sizes.solving import Unsolved, claimed, divided_among, product_of, solved
from cnnscope.analyzer.values.conditions import Claim
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

#: how many sizes are asked of the analysis one by one, where only it can tell: as many as come to so
#: many nodes, within these bounds
_NODES, _FEWEST, _MOST = 12_000, 8, 128


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes some lengths impossible.

    Args:
        layer: the node that asks for it; None where it isn't known.
        condition: what has to hold, in words.
    """

    layer: str | None
    condition: str

    def to_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "condition": self.condition}


@dataclass(frozen=True, slots=True)
class Tie:
    """A condition on two lengths or more together, as `Cause`."""

    dims: tuple[str, ...]
    layer: str | None
    condition: str

    def to_dict(self) -> dict[str, object]:
        return {"dims": list(self.dims), "layer": self.layer, "condition": self.condition}


@dataclass(frozen=True, slots=True, eq=False)
class ValidLengths:
    """The lengths that one free dimension may have.

    Args:
        name: the dimension's.
        places: the inputs and axes that have it.
        lengths: the set; where the whole isn't exact, what follows from what was understood.
        causes: what rules out the others, the strongest first.
        fixed: the length that the file states, where it was opened; else None.
    """

    name: str
    places: tuple[Place, ...]
    lengths: LengthSet
    causes: tuple[Cause, ...]
    fixed: int | None = None

    def runs(self) -> tuple[Run, ...]:
        """The set as runs of lengths at equal distances."""
        return self.lengths.runs()

    def to_dict(self) -> list[dict[str, object]]:
        return [{"dim": self.name, **run.to_dict()} for run in self.runs()]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ValidSizes(Answer):
    """Which sizes a model accepts; what `cnnscope.sizes` gives.

    Args:
        model: its path; None for one in memory.
        dims: one for each free dimension.
        ties: what holds of several together.
        exact: a size is accepted exactly where each length is in its set and all ties hold.
        doubts: why not.
        inputs: input name to its shape, free lengths by their names.
        listings: of the dimensions that were asked for over a range, the valid lengths in it.
        asked: the size that was asked for, a length for each free dimension; None: none was.
        proof: sizes that were run; None: none were.
    """

    model: str | None
    dims: tuple[ValidLengths, ...]
    ties: tuple[Tie, ...]
    exact: bool
    doubts: tuple[str, ...]
    inputs: Mapping[str, tuple[int | str, ...]]
    _network: NetworkLengths = field(repr=False)
    listings: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    asked: Mapping[str, int] | None = None
    proof: SizeProof | None = None

    def __getitem__(self, name: str) -> ValidLengths:
        """Those of one dimension, by its name."""
        for dim in self.dims:
            if dim.name == name:
                return dim
        raise KeyError(name)

    def admits(self, **lengths: int) -> bool:
        """Does the model accept these lengths, one for each free dimension?

        Raises:
            KeyError: one is missing, or isn't one of them.
        """
        wanted = {dim.name for dim in self.dims}
        if wanted != lengths.keys():
            raise KeyError(f"give a length for each of {', '.join(sorted(wanted))}")
        if not self.exact:
            return self._network.accepts(lengths)
        return self._network.meets(lengths) and all(
            lengths[dim.name] in dim.lengths for dim in self.dims
        )

    def runs_empty(self, **lengths: int) -> bool:
        """Is a size refused in which some kernel finds too little to fit into, or nothing is left?"""
        return self._network.runs_empty(lengths)

    def nearest(self, name: str, length: int) -> tuple[int | None, int | None]:
        """The largest valid length up to one, and the smallest from it on, the others valid."""
        lengths = self[name].lengths
        return lengths.down(length), lengths.up(length)

    @property
    def smallest(self) -> dict[str, int] | None:
        """A smallest valid size: the first in which all ties hold; None where none was found among the
        first few thousand, or of a few where the sets aren't exact."""
        return self._network.smallest({dim.name: dim.lengths for dim in self.dims}, self.exact)

    def listed(self, name: str, least: int, most: int) -> list[int]:
        """The valid lengths of one dimension from `least` to `most`, the others at a valid size."""
        dim = self[name]
        if self.exact and not any(name in tie.dims for tie in self.ties):
            return dim.lengths.within(least, most)
        others = self.smallest or self._network.base
        return [
            n for n in range(least, most + 1)
            if self.admits(**{**{d.name: others.get(d.name, 1) for d in self.dims}, name: n})
        ]  # fmt: skip

    def over(self, ranges: Mapping[str, range]) -> ValidSizes:
        """The same, with the valid lengths of some dimensions listed over ranges.

        Raises:
            KeyError: there is no such dimension.
        """
        listings = {
            name: tuple(self.listed(name, r.start, r.stop - 1)) for name, r in ranges.items()
        }
        return replace(self, listings=listings)

    def at(self, shapes: Mapping[str, Sequence[int | None]]) -> ValidSizes:
        """The same, asked for a size: its inputs' shapes, None where any length will do.

        Raises:
            BindingError: the shapes don't fit the inputs, or leave a length open.
        """
        return replace(self, asked=self._network.lengths_of(shapes))

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope sizes``."""
        found: dict[str, object] = {
            "schema_version": 1,
            "model": self.model,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "valid": [entry for dim in self.dims for entry in dim.to_dict()],
            "constraints": [tie.to_dict() for tie in self.ties],
            "exact": self.exact,
            "doubts": list(self.doubts),
            "smallest": self.smallest,
            "dims": {
                dim.name: {
                    "inputs": [{"input": name, "axis": axis} for name, axis in dim.places],
                    "fixed": dim.fixed,
                    "causes": [cause.to_dict() for cause in dim.causes],
                }
                for dim in self.dims
            },
        }
        if self.listings:
            found["sizes"] = {name: list(lengths) for name, lengths in self.listings.items()}
        if self.asked is not None:
            found["asked"] = {
                "lengths": dict(self.asked),
                "valid": self.admits(**self.asked),
                "nearest": {n: list(self.nearest(n, length)) for n, length in self.asked.items()},
            }
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found

    def records(self) -> Iterable[dict[str, object]]:
        """One for each run of lengths."""
        for dim in self.dims:
            yield from dim.to_dict()

    def summary(self) -> str:
        return f"{many(len(self.dims), 'free dimension')}, {'exact' if self.exact else 'not exact'}"


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
                     tuple(found.causes.get(name, ())), network.fixed.get(name))
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
                said = n in lengths and self.network.meets(size)
                if self.network.accepts(size) != said:
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
