"""Which sizes does a model accept, what rules out the others, what holds of several lengths together?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from cnnscope.analyzer.sizes.length_set import LengthSet, Run
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths, Place, column
from cnnscope.analyzer.sizes.proof import SizeProof
from cnnscope.analyzer.sizes.solution import Solution
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

#: wishes, and the dimensions that move, to the size that fulfils them
Solving = Callable[[Sequence[str], Sequence[str]], Solution]
#: nodes and conditions that are gone through for a list of lengths of which only the analysis can tell
_ROOM_FOR_LISTS: Final = 1 << 20


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
        otherwise: at these the network's maps have other lengths than elsewhere: with ties, each size
            is asked of the analysis.
    """

    name: str
    places: tuple[Place, ...]
    lengths: LengthSet
    causes: tuple[Cause, ...]
    fixed: int | None = None
    otherwise: LengthSet = field(default_factory=lambda: LengthSet.of(()))

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
    solution: Solution | None = None
    _solve: Solving | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> ValidLengths:
        """Those of one dimension, by its name."""
        for dim in self.dims:
            if dim.name == name:
                return dim
        raise KeyError(name)

    def admits(self, /, **lengths: int) -> bool:
        """Does the model accept these lengths, one for each free dimension?

        Raises:
            KeyError: one is missing, or isn't one of them.
        """
        wanted = {dim.name for dim in self.dims}
        if wanted != lengths.keys():
            raise KeyError(f"give a length for each of {', '.join(sorted(wanted))}")
        otherwise = any(lengths[dim.name] in dim.otherwise for dim in self.dims)
        if not self.exact or otherwise:
            return self._network.accepts(lengths)
        return self._network.ties_hold(lengths) and all(
            lengths[dim.name] in dim.lengths for dim in self.dims
        )

    def runs_empty(self, /, **lengths: int) -> bool:
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
        base = {d.name: others.get(d.name, 1) for d in self.dims}
        asked: Sequence[int] = range(least, most + 1)
        sure: list[int] = []
        if self.exact and not any(base[d.name] in d.otherwise for d in self.dims if d is not dim):
            asked = dim.otherwise.within(least, most)
            if all(base[d.name] in d.lengths for d in self.dims if d is not dim):
                sure = (dim.lengths - dim.otherwise).within(least, most)
            sizes = {d: column([n] * len(sure)) for d, n in base.items()} | {name: column(sure)}
            held = self._network.where_ties_hold(sizes)
            sure = [n for n, holds in zip(sure, held, strict=True) if holds]
        most_asked = self._network.asked_within(_ROOM_FOR_LISTS)
        if len(asked) > most_asked:
            raise BindingError(
                f"which of {least} to {most} are valid for {name!r} has to be asked of the analysis length by"
                f" length: give a range of at most {most_asked} for this model"
            )
        return sorted(sure + [n for n in asked if self.admits(**{**base, name: n})])

    def over(self, ranges: Mapping[str, range]) -> ValidSizes:
        """The same, with the valid lengths of some dimensions listed over ranges.

        Raises:
            KeyError: there is no such dimension.
            BindingError: a range is too long for lengths of which only the analysis can tell.
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

    def solve(self, *wishes: str, over: str | Sequence[str] = ()) -> ValidSizes:
        """The same, with the largest size that does as is asked; the smallest, where there is no largest.

        Args:
            wishes: a quantity, a comparison, and an amount or another quantity: ``"macs<=4G"``,
                ``"activations>=weights"``. All of them have to hold.
            over: the dimensions that move together; none: all that are free, but for the batch.

        Raises:
            BindingError: a wish can't be understood, a figure has no formula, or a dimension is left open.

        >>> import cnnscope
        >>> found = cnnscope.sizes("sample_models/resnet50.onnx", free="HxW")
        >>> found.solve("macs<=4.1G").solution.lengths
        {'H': 224, 'W': 224}
        """
        if self._solve is None:
            raise BindingError("these sizes have no model any more: ask cnnscope.sizes for them")
        return replace(
            self, solution=self._solve(wishes, (over,) if isinstance(over, str) else tuple(over))
        )

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
        if self.solution is not None:
            found["solution"] = self.solution.to_dict()
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found

    def records(self) -> Iterable[dict[str, object]]:
        """One for each run of lengths."""
        for dim in self.dims:
            yield from dim.to_dict()

    def summary(self) -> str:
        return f"{many(len(self.dims), 'free dimension')}, {'exact' if self.exact else 'not exact'}"
