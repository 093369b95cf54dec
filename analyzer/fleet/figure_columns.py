"""Which of a scan's columns are figures, and what is each measured in?"""

from __future__ import annotations

from typing import Final

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.plain_class import dataclass

#: whole numbers that are versions, or were chosen: neither a sum nor a median says anything
_NO_FIGURES: Final = {"ir_version", "opset", "schema_version", "batch"}


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A column of figures.

    Args:
        name: the column's.
        measure: what it is measured in.
        meaning: one line.
    """

    name: str
    measure: Measure
    meaning: str

    @property
    def adds_up(self) -> bool:
        """The sum of many models' figures means something: receptive fields have none."""
        return self.measure != "length"


def _measure(name: str) -> Measure:
    if name.endswith("bytes"):
        return "bytes"
    return "length" if name.startswith("rf_") else "count"


#: in the order of the table
FIGURES: Final[tuple[FigureColumn, ...]] = tuple(
    FigureColumn(x.name, _measure(x.name), x.meaning)
    for x in MODEL_COLUMNS
    if x.kind == "int" and x.name not in _NO_FIGURES
)
