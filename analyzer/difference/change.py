"""What is a change: which aspect of a layer differs, and is it the layer's own?"""

from __future__ import annotations

from typing import Literal

from cnnscope.analyzer.values.plain_class import dataclass

Aspect = Literal[
    "op", "kind", "window", "attributes", "inputs", "constants", "operands", "subgraphs", "params",
    "weights", "position", "source", "shape", "dtype", "macs", "flops", "memory", "field",
]  # fmt: skip
#: what is the layer's own; other aspects may follow from layers before it
OWN: frozenset[str] = frozenset({
    "op", "kind", "window", "attributes", "inputs", "constants", "operands", "subgraphs", "params",
    "weights", "position", "source",
})  # fmt: skip
Plain = int | float | str | bool | list["Plain"] | dict[str, "Plain"] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One aspect of a layer that differs.

    Args:
        aspect: which.
        before, after: what it was and what it is, as JSON-ready data; None: not there, or not known.
            MACs and FLOPs are counts, memory is bytes read and written, a shape is a list of lengths.
        name: of an attribute or an operand, its name; of an output but the first, its position.
        largest: of stored numbers, the largest |difference|; None where there is none to tell.
    """

    aspect: Aspect
    before: Plain
    after: Plain
    name: str | None = None
    largest: float | None = None

    @property
    def own(self) -> bool:
        """It is the layer's own: it doesn't follow from layers before it."""
        return self.aspect in OWN

    def to_dict(self) -> dict[str, Plain]:
        found: dict[str, Plain] = {
            "aspect": self.aspect, "before": self.before, "after": self.after, "own": self.own,
        }  # fmt: skip
        if self.name is not None:
            found["name"] = self.name
        if self.largest is not None:
            found["largest_difference"] = self.largest
        return found
