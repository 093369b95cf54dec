"""What is said of how far what a unit really hangs on reaches?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.explanation.effective_reach import EffectiveReach
from cnnscope.analyzer.render.document import Block
from cnnscope.analyzer.render.subjects.effective_fields import lengths_text, sigma_text
from cnnscope.analyzer.render.subjects.formulas import said
from cnnscope.analyzer.values.notation import name, percent


def effective_blocks(reach: EffectiveReach | None) -> Iterator[Block]:
    """Two lines of the region's unit; nothing where it can't be told."""
    if reach is None:
        return
    shares = "/".join(f"{share * 100:.0f}" for share, _ in reach.sides)
    sides = "/".join(str(side) for _, side in reach.sides)
    seen = lengths_text(reach.theoretical)
    yield said(
        "holds",
        f"{shares} % in a centred square of {sides} positions of {name(reach.input, 30)}, of {seen} seen",
    )
    last = f"{reach.sides[-1][0] * 100:.0f} % in {percent(reach.field_share)} of the positions seen"
    yield said("spread", f"sigma {sigma_text(reach.sigma)} positions; {last}")
