"""How are formulas written as data, so that another program, or cnnscope itself, has them again?

In JSON a length that is free stands as its text (``"floor((H + 1)/2)"``), which is for people: a dimension
may be called anything, ``floor((H + 1)/2)`` too. So what each text means is written once, in a table: the
*unknowns* that formulas are made of, and for each text its terms, a factor and the unknowns it multiplies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.polynomial import Atom, Polynomial

#: a factor, and the places of the unknowns that it multiplies
Term = tuple[int, tuple[int, ...]]
Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An `Atom` as data: the unknowns in its own formulas stand before it.

    Args:
        text, names, data, least: as of an `Atom`.
        top, bottom: of the floor of a quotient by a number, what is divided by it.
        parts, how: of what else is worked out of others, those, and in which way.
    """

    text: str
    names: tuple[str, ...]
    data: tuple[str, ...]
    least: int | None
    top: Terms | None = None
    bottom: int = 0
    parts: tuple[int | Terms, ...] = ()
    how: Literal["", "max", "min", "quotient"] = ""


@dataclass(frozen=True, slots=True)
class FormulaTable:
    """What the texts of formulas mean.

    Args:
        unknowns: what they are made of.
        formulas: the terms of each, by its text; None for a text that two formulas have.
    """

    unknowns: tuple[Unknown, ...] = ()
    formulas: Mapping[str, Terms | None] = field(default_factory=dict)

    @classmethod
    def of(cls, lengths: Iterable[object]) -> FormulaTable:
        """The table of all formulas among lengths.

        >>> height = FreeDim.named("H")
        >>> table = FormulaTable.of([3, (height + 1) // 2])
        >>> table.formulas
        {'floor((H + 1)/2)': ((1, (1,)),)}
        >>> table.read()["floor((H + 1)/2)"] == (height + 1) // 2
        True
        """
        met: dict[FreeDim, None] = {}
        for length in lengths:
            if isinstance(length, FreeDim):
                met.setdefault(length)
        numbering = _Numbering()
        found: dict[str, Terms | None] = {}
        for formula in met:
            text = str(formula)
            # A name that reads like a formula is that formula's text as well.
            found[text] = None if text in found else numbering.terms(formula)
        return cls(tuple(numbering.unknowns), found)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it; what an unknown hasn't is left out."""
        return {
            "unknowns": [_unknown_dict(unknown) for unknown in self.unknowns],
            "terms": {
                text: None if terms is None else _plain(terms)
                for text, terms in self.formulas.items()
            },
        }

    def read(self) -> dict[str, FreeDim]:
        """The formulas by their texts.

        Raises:
            ValueError: an unknown is made of what doesn't stand before it, or a formula isn't written as
                its text is.
        """
        atoms: list[Atom] = []
        for unknown in self.unknowns:
            atoms.append(_atom(unknown, atoms))
        found = {}
        for text, terms in self.formulas.items():
            made = FreeDim.unknown(text) if terms is None else FreeDim(_read(terms, atoms))
            if str(made) != text:
                raise ValueError(f"the terms of {text!r:.100} are another formula's")
            found[text] = made
        return found


class _Numbering:
    """Unknowns in an order in which none comes before what it is made of."""

    def __init__(self) -> None:
        self.places: dict[Atom, int] = {}
        self.unknowns: list[Unknown] = []

    def terms(self, formula: int | Polynomial) -> Terms:
        if isinstance(formula, int):
            return ((formula, ()),)
        for monomial, _ in formula.terms:
            for atom in monomial:
                self.add(atom)
        return tuple(
            (factor, tuple(self.places[atom] for atom in monomial))
            for monomial, factor in formula.terms
        )

    def add(self, atom: Atom) -> None:
        # Quotients of quotients may lie very deep in each other: a list of what waits, no recursion.
        waiting = [atom]
        while waiting:
            atom = waiting[-1]
            if atom in self.places:
                waiting.pop()
                continue
            inner = [x for part in _made_of(atom) for m, _ in part.terms for x in m]
            left = [x for x in inner if x not in self.places]
            if left:
                waiting += left
                continue
            self.unknowns.append(
                Unknown(
                    atom.text, tuple(sorted(atom.names)), tuple(sorted(atom.data)), atom.least,
                    None if atom.top is None else self.terms(atom.top), atom.bottom,
                    tuple(part if isinstance(part, int) else self.terms(part) for part in atom.parts),
                    atom.how,  # type: ignore[arg-type]  # one of those words
                )
            )  # fmt: skip
            self.places[atom] = len(self.places)


def _made_of(atom: Atom) -> list[Polynomial]:
    parts: Sequence[object] = (atom.top, *atom.parts)
    return [part for part in parts if isinstance(part, Polynomial)]


def _atom(unknown: Unknown, before: Sequence[Atom]) -> Atom:
    parts: list[Dim] = []
    for part in unknown.parts:
        parts.append(part if isinstance(part, int) else FreeDim(_read(part, before)))
    if not _made_in_one_way(unknown):
        raise ValueError(f"it isn't said what the unknown {unknown.text!r:.100} is made of")
    return Atom(
        unknown.text, frozenset(unknown.names), frozenset(unknown.data), unknown.least,
        None if unknown.top is None else FreeDim(_read(unknown.top, before)), unknown.bottom,
        tuple(parts), unknown.how,
    )  # fmt: skip


def _made_in_one_way(unknown: Unknown) -> bool:
    """It is a quotient by a number, or worked out of others, or a name."""
    if unknown.top is not None:
        return unknown.bottom > 0 and not unknown.parts
    if unknown.how == "quotient":
        return len(unknown.parts) == 2 and not unknown.bottom
    return bool(unknown.parts) == bool(unknown.how) and not unknown.bottom


def _read(terms: Terms, before: Sequence[Atom]) -> dict[tuple[Atom, ...], int]:
    found = {}
    for factor, places in terms:
        if any(not 0 <= place < len(before) for place in places):
            raise ValueError("an unknown that doesn't stand before")
        found[tuple(before[place] for place in places)] = factor
    return found


def _unknown_dict(unknown: Unknown) -> dict[str, object]:
    found: dict[str, object] = {
        "text": unknown.text,
        "names": list(unknown.names),
        "data": list(unknown.data),
        "least": unknown.least,
    }
    if unknown.top is not None:
        found.update(top=_plain(unknown.top), bottom=unknown.bottom)
    if unknown.parts:
        parts = [part if isinstance(part, int) else _plain(part) for part in unknown.parts]
        found.update(parts=parts, how=unknown.how)
    return found


def _plain(terms: Terms) -> list[list[object]]:
    return [[factor, list(places)] for factor, places in terms]
