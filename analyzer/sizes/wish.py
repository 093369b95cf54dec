"""What is asked of a size: ``macs<=4G``, ``activations>=weights``?

A wish is a quantity, how it compares, and an amount or another quantity. Quantities have the names that
budgets have, and ``activations`` is short for ``peak_activation``.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final, Literal

from cnnscope.analyzer.values.amounts import LONGEST, Measure, parse_amount, quoted
from cnnscope.analyzer.values.near_names import what_there_is
from cnnscope.analyzer.values.plain_class import dataclass

#: by name, the total that it is, its measure, and words that may follow a count
QUANTITIES: Final[dict[str, tuple[str, Measure, tuple[str, ...]]]] = {
    "params": ("params", "count", ("params", "parameters")),
    "buffers": ("buffers", "count", ()),
    "macs": ("macs", "count", ("macs", "mac")),
    "int_macs": ("int_macs", "count", ("macs", "mac")),
    "float_macs": ("float_macs", "count", ("macs", "mac")),
    "flops": ("flops", "count", ("flops", "flop")),
    "weights": ("weight_bytes", "bytes", ()),
    "peak_activation": ("peak_activation_bytes", "bytes", ()),
    "activations": ("peak_activation_bytes", "bytes", ()),
    "traffic": ("traffic_bytes", "bytes", ()),
}
Sign = Literal["<=", ">="]
_WISH: Final = re.compile(r"\s*([A-Za-z_]+)\s*(<=|>=|<|>|==?)\s*(.+?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a size: ``left <= right + more``, or ``>=``.

    Args:
        text: as it was asked for.
        left, right: totals, by their names among `Totals`; `right` is None where it is a number.
        sign: how they compare.
        more: that number; beside a total what is added to it (`<` and `>` are of whole numbers).
    """

    text: str
    left: str
    sign: Sign
    right: str | None
    more: int

    def keeps(self, left: int, right: int) -> bool:
        """Do two figures do as is asked? The second one is of no use where there is no such total."""
        limit = self.more + (0 if self.right is None else right)
        return left <= limit if self.sign == "<=" else left >= limit


def parse_wish(text: str) -> Wish:
    """What is asked for by a text.

    Raises:
        ValueError: it is no such thing; the message says what to write.

    >>> parse_wish("macs<=4G").more, parse_wish("activations > weights").more
    (4000000000, 1)
    """
    found = _WISH.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError(
            f'{quoted(text)}: write a quantity, a comparison and an amount or a quantity: "macs<=4G",'
            ' "activations>=weights"'
        )
    name, sign, other = found[1].lower(), found[2], found[3]
    if name not in QUANTITIES:
        raise ValueError(
            f"{quoted(text)}: no quantity is called {name}{what_there_is(name, QUANTITIES)}"
        )
    if sign.startswith("="):
        raise ValueError(
            f"{quoted(text)}: figures of two sizes are rarely the same: write >= for the smallest size that"
            " reaches it, <= for the largest that keeps it"
        )
    total, measure, words = QUANTITIES[name]
    known = QUANTITIES.get(other.lower())
    if known is not None:
        if known[1] != measure:
            raise ValueError(f"{quoted(text)}: a number of things isn't compared with bytes")
        more = {"<": -1, ">": 1}.get(sign, 0)
        return Wish(text.strip(), total, "<=" if sign[0] == "<" else ">=", known[0], more)
    try:
        amount = parse_amount(other, measure, words)
    except ValueError as error:
        raise ValueError(f"{quoted(text)}: {error}") from None
    return Wish(text.strip(), total, "<=" if sign[0] == "<" else ">=", None, _whole(amount, sign))


def _whole(amount: Fraction, sign: str) -> int:
    """The whole number up to which, or from which on, figures do."""
    if sign == "<=":
        return math.floor(amount)
    if sign == "<":
        return math.ceil(amount) - 1
    return math.ceil(amount) if sign == ">=" else math.floor(amount) + 1
