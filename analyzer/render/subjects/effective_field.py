"""What is said of one unit's effective receptive field, and how is its map drawn?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import SCREEN, Document, Only, Pair, Picture
from cnnscope.analyzer.render.subjects.answer import answer
from cnnscope.analyzer.render.subjects.effective_fields import COUNTED, sigma_text
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.effective_field import SHARES, EffectiveField
from cnnscope.analyzer.report.unit_text import unit_text
from cnnscope.analyzer.values.notation import escape, many, middle, name, percent

#: the most cells of a picture across and down; one is about twice as high as wide
_ACROSS, _DOWN = 48, 24
#: from which part of the strongest cell on one is drawn so
_SHADES = ((1 / 2, "█"), (1 / 4, "▓"), (1 / 10, "▒"), (1 / 100, "░"))
_BARS = " ▁▂▃▄▅▆▇█"


def document(found: EffectiveField) -> Document:
    """The field as a document: a row for each share."""
    title = f"{name(found.layer, 120)}: its effective receptive field"
    picture = Only(SCREEN, (Picture(tuple(picture_of(found))),))
    return answer(
        title, _facts(found), [table(_COLUMNS, [(share, found) for share in SHARES]), picture]
    )


def _facts(found: EffectiveField) -> Iterator[Pair]:
    axes = ", ".join(map(str, found.axes))
    yield Pair("unit", f"[{unit_text(found.unit)}]")
    yield Pair("input", f"{name(found.input)}, axes {axes}")
    yield Pair("could see", f"{middle(found.seen_text(), 200)}: {_lengths(found.theoretical)}")
    yield Pair("centre", ", ".join(f"{x:g}" for x in found.center))
    yield Pair("sigma", sigma_text(found.sigma))
    counting = COUNTED.get(found.counting, escape(found.counting))
    of = "" if found.draws is None else f" of {many(found.draws, 'draw')}"
    yield Pair("counting", f"{counting}{of}")


def _lengths(lengths: tuple[int, ...]) -> str:
    return "x".join(map(str, lengths))


_Row = tuple[float, EffectiveField]


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("share", "share", lambda x: percent(x[0]), lambda x: x[0], right=True, importance=100),
    Column("side", "square", lambda x: str(x[1].side(x[0])), lambda x: x[1].side(x[0]), right=True,
           importance=95),
    Column("side_share", "of the input's side", lambda x: percent(x[1].side_share(x[0])),
           lambda x: x[1].side_share(x[0]), right=True, importance=80),
    Column("area_share", "of its area", lambda x: percent(x[1].area_share(x[0])),
           lambda x: x[1].area_share(x[0]), right=True, importance=70),
    Column("field_share", "of what it could see", lambda x: percent(x[1].field_share(x[0])),
           lambda x: x[1].field_share(x[0]), right=True, importance=90),
)  # fmt: skip


def picture_of(found: EffectiveField) -> Iterator[str]:
    """What the unit sees as a box, shaded by how much it hangs on each place; of a volume its last two
    axes, of a sequence bars."""
    seen = found.map[tuple(slice(spans[0][0], spans[-1][1] + 1) for spans in found.region)]
    while seen.ndim > 2:
        seen = seen.sum(axis=0)
    if seen.ndim == 1:
        cells = _cells(seen, 0, min(_ACROSS, len(seen)))
        heights = np.ceil(cells / cells.max() * (len(_BARS) - 1)).astype(int)
        yield "│" + "".join(_BARS[k] for k in heights) + "│"
        return
    tall, wide = seen.shape
    scale = max(wide / _ACROSS, tall / (2 * _DOWN), 1 / 2)
    columns = max(min(math.ceil(wide / scale), _ACROSS), 1)
    rows = max(min(math.ceil(tall / scale / 2), _DOWN, tall), 1)
    cells = _cells(_cells(seen, 0, rows), 1, columns)
    yield f"┌{'─' * columns}┐"
    for line in cells / cells.max():
        yield "│" + "".join(map(_shade, line)) + "│"
    yield f"└{'─' * columns}┘"


def _cells(found: NDArray[np.float64], axis: int, count: int) -> NDArray[np.float64]:
    """The mean of a map within each of so many equal cells along an axis, which may cut positions."""
    length = found.shape[axis]
    edges = np.linspace(0, length, count + 1)
    lines = np.moveaxis(found, axis, 0).reshape(length, -1)
    whole = np.concatenate([np.zeros((1, lines.shape[1])), np.cumsum(lines, axis=0)])
    at = np.minimum(edges.astype(int), length - 1)
    sums = whole[at] + (edges - at)[:, None] * (whole[at + 1] - whole[at])
    means = np.diff(sums, axis=0) * count / length
    rest = [n for k, n in enumerate(found.shape) if k != axis]
    cells: NDArray[np.float64] = np.moveaxis(means.reshape(count, *rest), 0, axis)
    return cells


def _shade(part: float) -> str:
    return next((shade for least, shade in _SHADES if part >= least), " ")
