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
            _seen_of(x.ranges[axis], x.shape[axis], cells)
            for axis, cells in zip(x.spatial, (rows, columns), strict=True)
        )
        lines = {n: "".join([_shade(n * m, tall * wide) for m in across]) for n in {*down}}
        yield f"┌{'─' * columns}┐"
        for n in down:
            yield f"│{lines[n]}│"
        yield f"└{'─' * columns}┘"
        return
    for axis in x.spatial:
        cells = min(_BAR, x.shape[axis])
        seen = _seen_of(x.ranges[axis], x.shape[axis], cells)
        bar = "".join([_shade(n, x.shape[axis]) for n in seen])
        yield f"axis {axis} │{bar}│"


def _seen_of(ranges: Iterable[tuple[int, int]], length: int, cells: int) -> list[int]:
    """Of each of so many equal cells along an axis, how much is seen: `length` is all of it.

    Every index is cut into as many parts as there are cells, so that a cell is `length` of them.
    """
    found = [0] * cells
    for lo, hi in ranges:
        first, end = lo * cells, (hi + 1) * cells
        for cell in range(first // length, min(cells, -(-end // length))):
            inside = min(end, (cell + 1) * length) - max(first, cell * length)
            found[cell] += max(0, inside)
    return found


def _shade(seen: int, whole: int) -> str:
    """How much of a cell is seen, as a character."""
    if seen >= whole:
        return "█"
    if seen * 3 >= 2 * whole:
        return "▓"
    return "▒" if seen * 3 >= whole else "░" if seen else " "
