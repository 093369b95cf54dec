"""How is a formula written, in symbols and with the numbers put in?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.polynomial import Atom, Polynomial

_SYMBOL = re.compile(r"[A-Za-z_]\w*(?:\[\d+\])?")
_ALONE = re.compile(r"\w+|floor\([^()]*\)")
_FUNCTIONS = frozenset({"floor", "ceil"})


@dataclass(frozen=True, slots=True)
class Formula:
    """A number and how it comes about.

    `text` is arithmetic as Python writes it (``+ - * /``, ``floor(...)``, ``ceil(...)``), so that
    anybody may put it to the test.

    Args:
        text: the formula, in symbols.
        values: what each symbol stands for.
        result: what it comes to; exactly what was counted or found.

    >>> print(Formula("Y[0]*(W[1] - 1)", {"Y[0]": 5, "W[1]": 3}, 10).numbers)
    5*(3 - 1)
    """

    text: str
    values: Mapping[str, Dim | str] = field(default_factory=dict)
    result: Dim | str = 0

    @property
    def numbers(self) -> str:
        """The formula with the values put in."""

        def put(match: re.Match[str]) -> str:
            value = self.values.get(match.group())
            if value is None:
                return match.group()
            told = str(value)
            return told if _ALONE.fullmatch(told) else f"({told})"

        return _SYMBOL.sub(put, self.text)

    @property
    def symbolic(self) -> bool:
        """Does it say more than the number does?"""
        return any(s not in _FUNCTIONS for s in _SYMBOL.findall(self.text))

    def to_dict(self) -> dict[str, object]:
        return {
            "formula": self.text,
            "values": {k: v if isinstance(v, int) else str(v) for k, v in self.values.items()},
            "with_numbers": self.numbers,
            "result": self.result if isinstance(self.result, int) else str(self.result),
        }


def formula(found: Dim, values: Mapping[str, Dim], result: Dim) -> Formula:
    """A polynomial as a formula, its factors in the order of the values, only those it has."""
    ranks = {symbol: position for position, symbol in enumerate(values)}
    text = written(found, ranks)
    used = set(_SYMBOL.findall(text))
    return Formula(text, {s: v for s, v in values.items() if s in used}, result)


def written(value: int | Polynomial, ranks: Mapping[str, int]) -> str:
    """A polynomial with each product's factors in order of rank.

    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> width, height = FreeDim.named("W"), FreeDim.named("H")
    >>> written(2 * width * height + 1, {"W": 0, "H": 1})
    '2*W*H + 1'
    """
    if isinstance(value, int):
        return str(value)
    text = ""
    for monomial, factor in value.terms:
        factors = [
            _factor(atom, ranks)
            for atom in sorted(monomial, key=lambda atom: _rank(atom.text, ranks))
        ]
        size = abs(factor)
        part = "*".join(factors if factors and size == 1 else [str(size), *factors])
        sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
        text += sign + part
    return text or "0"


def _factor(atom: Atom, ranks: Mapping[str, int]) -> str:
    if atom.top is not None:
        return f"floor({_bracketed(atom.top, ranks)}/{atom.bottom})"
    if atom.how == "quotient":
        top, bottom = (_bracketed(part, ranks) for part in atom.parts)
        return f"floor({top}/{bottom})"
    if atom.how:
        return f"{atom.how}({', '.join(written(part, ranks) for part in atom.parts)})"
    return atom.text


def _bracketed(value: int | Polynomial, ranks: Mapping[str, int]) -> str:
    text = written(value, ranks)
    return f"({text})" if " " in text or "*" in text else text


def _rank(atom: str, ranks: Mapping[str, int]) -> tuple[int, str]:
    symbols = _SYMBOL.findall(atom)
    return min((ranks[s] for s in symbols if s in ranks), default=len(ranks)), atom
