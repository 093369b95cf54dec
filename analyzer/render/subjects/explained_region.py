"""What is said of the region that one unit sees, and how is it drawn?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from cnnscope.analyzer.explanation.axes import SeenInput, UnitRegion
from cnnscope.analyzer.render.document import Block, Picture
from cnnscope.analyzer.render.subjects.formulas import exact, said
from cnnscope.analyzer.render.tables import text_table
from cnnscope.analyzer.values.notation import middle, name, percent

_CELLS = (32, 16)


_BAR = 64


def region_blocks(region: UnitRegion | None) -> Iterator[Block]:
    if region is None:
        return
    unit = ", ".join(":" if i is None else str(i) for i in region.unit)
    yield said("unit", f"[{unit}]")
    rows = []
    for x in region.inputs:
        for axis in x.spatial:
            outside = x.outside(axis)
            ranges = [f"{lo}..{hi}" if hi > lo else str(lo) for lo, hi in x.ranges[axis]]
            span = x.unclipped.get(axis)
            rows.append(
                (
                    name(x.input, 30), str(axis), middle(" ".join(ranges), 60),
                    f"{exact(x.count(axis))} of {exact(x.shape[axis])}",
                    "-" if span is None else f"{span[0]}..{span[1]}",
                    "-" if outside is None else percent(float(outside)),
                )
            )  # fmt: skip
    titles = ("input", "axis", "seen", "indices", "unclipped", "outside")
    if rows:
        yield text_table(titles, (False, True, False, True, True, True), tuple(rows))
    if not region.inputs:
        yield said("seen", "nothing: all that the unit reads is padding or stored")
    for x in region.inputs:
        if not x.spatial or any(not x.shape[axis] for axis in x.spatial):
            continue
        if x.share < 1:
            yield Picture(tuple(_picture(x)))
        positions = math.prod(x.shape[axis] for axis in x.spatial)
        seen = math.prod(x.count(axis) for axis in x.spatial)
        share = f"{exact(seen)} of {exact(positions)} positions of {name(x.input, 30)}"
        yield said("seen", f"{share} ({percent(float(x.share))})")


def _picture(x: SeenInput) -> Iterator[str]:
    """The input as a box, what is seen filled; partly seen cells lighter."""
    if len(x.spatial) == 2:
        tall, wide = (x.shape[axis] for axis in x.spatial)
        # A cell is about twice as high as wide, so that a row of them stands for two columns.
        scale = max(Fraction(max(wide, tall), _CELLS[0]), Fraction(1, 2))
        columns = max(1, min(_CELLS[0], math.ceil(wide / scale)))
        rows = max(1, min(_CELLS[1], math.ceil(tall / scale / 2), tall))
        down, across = (
            _shares(x.ranges[axis], x.shape[axis], cells)
            for axis, cells in zip(x.spatial, (rows, columns), strict=True)
        )
        yield f"┌{'─' * columns}┐"
        for vertical in down:
            yield "│" + "".join(_shade(vertical * horizontal) for horizontal in across) + "│"
        yield f"└{'─' * columns}┘"
        return
    for axis in x.spatial:
        cells = min(_BAR, x.shape[axis])
        bar = "".join(map(_shade, _shares(x.ranges[axis], x.shape[axis], cells)))
        yield f"axis {axis} │{bar}│"


def _shares(ranges: Iterable[tuple[int, int]], length: int, cells: int) -> list[Fraction]:
    """Of each of so many equal cells along an axis, the share that is seen."""
    found = [Fraction(0)] * cells
    width = Fraction(length, cells)
    for lo, hi in ranges:
        for cell in range(math.floor(lo / width), min(cells, math.ceil((hi + 1) / width))):
            inside = min(Fraction(hi + 1), (cell + 1) * width) - max(Fraction(lo), cell * width)
            found[cell] += max(Fraction(0), inside) / width
    return found


def _shade(share: Fraction) -> str:
    if share >= 1:
        return "█"
    if share * 3 >= 2:
        return "▓"
    return "▒" if share * 3 >= 1 else "░" if share else " "
