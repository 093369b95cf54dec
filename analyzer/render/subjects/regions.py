"""What is said of the regions that many units of a layer see?"""

from __future__ import annotations

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Heading, Section
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.receptive_field import Region
from cnnscope.analyzer.report.unit_regions import Regions
from cnnscope.analyzer.report.unit_text import ranges_text, unit_text
from cnnscope.analyzer.values.notation import middle, name

_Row = tuple[tuple[int | None, ...], Region]


def _per_axis(region: Region) -> str:
    """What is seen of every input, axis by axis."""
    seen = [
        f"{name(source, 30)} [{', '.join(map(ranges_text, axes))}]"
        for source, axes in region.items()
    ]
    return "; ".join(seen) or "nothing"


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("unit", "unit", lambda x: f"[{unit_text(x[0])}]", lambda x: unit_text(x[0]), importance=100),
    Column("seen", "sees", lambda x: middle(_per_axis(x[1]), 400), lambda x: _per_axis(x[1]),
           importance=90, least=20),
)  # fmt: skip


def document(found: Regions) -> Document:
    """The regions as a document."""
    rows = tuple(zip(found.units, found.regions, strict=True))
    title = f"{name(found.layer, 120)}: what its units see"
    return Document("Regions", (Section((Heading(title), table(_COLUMNS, rows))),))
