"""How is a formula written for people?

Numbers are exact, with separators; symbols are set as people write them (``Y[2]`` as Y₂,
``floor(a/b)`` as ⌊a/b⌋).
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.render.document import Derived, Pair, Pairs
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import escape

LONGEST_NAME = 60


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONG_NUMBER = re.compile(r"(?<![\w.])\d{4,}(?![\w.])")


def exact(value: Dim | str | None) -> str:
    """A number with separators, a formula of free dimensions as it is.

    >>> exact(115605504), exact(None)
    ('115,605,504', '?')
    """
    if value is None:
        return "?"
    return f"{value:,}" if isinstance(value, int) else pretty(str(value))


def pretty(formula: str) -> str:
    """A formula as people write it.

    >>> pretty("2*Y[0]*floor((X[12] - 3)/2) + 100000")
    '2·Y₀·⌊(X₁₂ - 3)/2⌋ + 100,000'
    """
    for word, left, right in (("floor(", "⌊", "⌋"), ("ceil(", "⌈", "⌉")):
        while (at := formula.find(word)) >= 0:
            depth, end = 1, at + len(word)
            while end < len(formula) and depth:
                depth += {"(": 1, ")": -1}.get(formula[end], 0)
                end += 1
            inner = formula[at + len(word) : end - 1]
            formula = formula[:at] + left + inner + right + formula[end:]
    formula = re.sub(r"\[(\d+)\]", lambda m: m.group(1).translate(_SUBSCRIPTS), formula)
    formula = re.sub(r"^\((-\d+)\)", r"\1", formula)
    formula = _LONG_NUMBER.sub(lambda m: f"{int(m.group()):,}", formula)
    return escape(formula.replace("*", "·"))


def derived(label: str, formula: Formula) -> Derived:
    """A formula as a line."""
    result = exact(formula.result)
    text, numbers = pretty(formula.text), pretty(formula.numbers)
    if not formula.symbolic:
        text = numbers = ""
    return Derived(pretty(label), text, "" if numbers in (result, text) else numbers, result)


def rounded(line: Derived, text: str, value: Fraction) -> Derived:
    """The line with its result as a text, which may say less than the number has."""
    plain = text.removesuffix(" %")
    said = Fraction(plain) if plain == text else Fraction(plain) / 100
    return replace(line, result=text, sign="=" if said == value else "≈")


def said(head: str, text: str) -> Pairs:
    """A sentence; what hangs beside a head."""
    return Pairs((Pair(head, text),), aside=16, otherwise="behind")
