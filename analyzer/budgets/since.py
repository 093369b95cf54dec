"""What became of a model since it was looked at before: the same, changed, new, or under another name?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from cnnscope.analyzer.budgets.figure import Figure, Figures
from cnnscope.analyzer.budgets.limit import WHOLE, Limit
from cnnscope.analyzer.budgets.quantity import MEASURED
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.difference.entries import LayerDifference

Became = Literal["same", "changed", "new", "renamed", "unknown"]
#: what is compared where it isn't limited, too: the figures that people know a model by
COMPARED: Final = (
    "macs", "params", "weights", "peak_activation", "receptive_field", "layers", "opset",
)  # fmt: skip
#: which difference of a layer a quantity is made of
_MADE_OF: Final = {
    "params": "params", "weights": "params", "macs": "macs", "int_macs": "macs",
    "float_macs": "macs", "flops": "flops", "traffic": "memory",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure that differs: along each axis, where it has some."""

    quantity: str
    before: tuple[Figure, ...]
    after: tuple[Figure, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "quantity": self.quantity,
            "before": [x.to_dict() for x in self.before],
            "after": [x.to_dict() for x in self.after],
        }


@dataclass(frozen=True, eq=False)
class Since:
    """What became of a model.

    Args:
        status: ``"same"``, ``"changed"``, ``"new"``, ``"renamed"`` (and perhaps changed, too), or
            ``"unknown"``: the earlier model is there, and can't be compared.
        other: what it was called, where that is another name.
        moved: figures of the whole model that differ.
        difference: what differs layer by layer; None where only figures are known of the earlier one.
        reason: why it isn't known; of a change that no figure or layer shows, what it is.
    """

    status: Became
    other: str = ""
    moved: tuple[Moved, ...] = ()
    difference: Difference | None = None
    reason: str = ""

    def made_by(self, quantity: str) -> list[tuple[LayerDifference, int]]:
        """The layers that made a figure grow, the most first; none where that isn't known."""
        what = _MADE_OF.get(quantity)
        if self.difference is None or what is None:
            return []
        found = [(x, x.delta(what) or 0) for x in self.difference.layers]  # type: ignore[arg-type]  # one of its words
        return sorted((x for x in found if x[1] > 0), key=lambda pair: -pair[1])

    def to_dict(self) -> dict[str, object]:
        found = self.difference
        return {
            "status": self.status,
            "other": self.other or None,
            "figures": [x.to_dict() for x in self.moved],
            "layers": None if found is None else dict(found.counts),
            "reason": self.reason,
        }


def moved_figures(
    before: Figures, after: Figures, limits: tuple[Limit, ...] = ()
) -> tuple[Moved, ...]:
    """The figures of whole models that differ: those that are limited first, none that is measured anew."""
    asked = [x.quantity for x in limits if x.scope == WHOLE]
    found = tuple(_moved(before, after, dict.fromkeys([*asked, *COMPARED])))
    if any(x.quantity == "params" for x in found):  # their bytes say the same once more
        found = tuple(x for x in found if x.quantity != "weights" or x.quantity in asked)
    return found


def _moved(before: Figures, after: Figures, wanted: dict[str, None]) -> Iterator[Moved]:
    for quantity in wanted:
        one, other = before.get((WHOLE, quantity)), after.get((WHOLE, quantity))
        if one is None or other is None or quantity in MEASURED:
            continue
        if [(x.low, x.high) for x in one] != [(x.low, x.high) for x in other]:
            yield Moved(quantity, tuple(one), tuple(other))
