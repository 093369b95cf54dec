"""How do all figures look, and how is a name drawn that anybody may have written?

Colours are those of Okabe & Ito (*Color Universal Design*, 2008), which people with any colour vision tell
apart, and matplotlib's viridis for amounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import offset_copy

from cnnscope.analyzer.values.notation import count, duration, name, nbytes

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#8C8C8C", "#D9D9D9"
COLORS: Final = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW)
#: inches, as wide as a page's text
WIDE, SQUARE = (6.4, 3.4), (4.8, 4.6)
STYLE: Final[Mapping[str, object]] = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": "medium",
    "axes.grid": False, "axes.axisbelow": True, "legend.frameon": False,
    "legend.fontsize": "small", "xtick.labelsize": "small", "ytick.labelsize": "small",
    "figure.constrained_layout.use": True, "savefig.dpi": 200, "svg.hashsalt": "cnnscope",
    "svg.fonttype": "path", "pdf.fonttype": 42,
}  # fmt: skip
#: where a text would run out of the figure
_TITLE, _LABEL = 78, 40
#: small letters to an inch
_LETTERS: Final = 14.5


def title(axes: Axes, text: str) -> None:
    """The figure's title: above modules' names, where there are some."""
    lines = [name(line, _TITLE) for line in text.split("\n")]
    found = axes.set_title("\n".join(lines), loc="center", pad=18 if axes.texts else 8)
    literal(found).set(x=0, horizontalalignment="left")  # the same title that `set_title` replaces


def figure_of(axes: Axes) -> Figure:
    """The figure that they are on, be it in a part of it."""
    found = axes.figure
    while not isinstance(found, Figure):
        found = found.figure
    return found


def literal(text: Text) -> Text:
    """A text in which no dollar begins mathematics."""
    text.set_parse_math(False)
    return text


def label(text: str, longest: int = _LABEL) -> str:
    """A name for an axis or a legend."""
    return name(text, longest)


def legend(axes: Axes, entries: Sequence[tuple[Artist, str]], **options: object) -> None:
    """A legend, if there is something in it, whose texts are as they are; below the axes, unless told."""
    if not entries:
        return
    # With stand-ins at first: matplotlib leaves out a text that begins with an underscore.
    artists = [artist for artist, _ in entries]
    placed: dict[str, Any] = dict(options)
    if not options:
        below = offset_copy(axes.transAxes, figure_of(axes), 0, -36, units="points")
        placed = {
            "loc": "upper left",
            "bbox_to_anchor": (0, 0),
            "bbox_transform": below,
            "borderpad": 0,
        }
    longest = max(len(label(said)) for _, said in entries) + 7  # letters, its swatch with it
    room = figure_of(axes).get_figwidth() * _LETTERS - 8
    placed.setdefault("ncols", max(1, min(4, len(entries), int(room / longest))))
    found = axes.legend(artists, [str(i) for i in range(len(artists))], **placed)
    for text, (_, said) in zip(found.get_texts(), entries, strict=True):
        literal(text).set_text(label(said))


def named_ticks(axis: Axis, places: Sequence[float], names: Sequence[str]) -> None:
    """Ticks that are called so."""
    axis.set_ticks(places, [label(x, 28) for x in names])
    for tick in axis.get_major_ticks():
        literal(tick.label1)
        literal(tick.label2)


def amounts(axis: Axis, what: str) -> None:
    """An axis of counts, bytes or times, its ticks at round numbers with a unit."""
    if what == "seconds":
        axis.set_major_formatter(FuncFormatter(lambda x, _: duration(x)))
    elif "bytes" in what:
        axis.set_major_locator(_Binary(6))
        axis.set_major_formatter(FuncFormatter(lambda x, _: short(nbytes(round(x)))))
    else:
        axis.set_major_locator(MaxNLocator(6, integer=True))
        axis.set_major_formatter(FuncFormatter(lambda x, _: short(count(round(x)))))


def short(text: str) -> str:
    """An amount at a tick: without zeros behind the point, since ticks lie at round numbers.

    >>> short("2.50 GiB"), short("100"), short("10.0 T")
    ('2.5 GiB', '100', '10 T')
    """
    number, _, unit = text.partition(" ")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number} {unit}".strip()


class _Binary(MaxNLocator):
    """Ticks at round numbers of KiB, MiB, GiB, ..."""

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        unit = 1024.0 ** max(0, (int(max(abs(vmin), abs(vmax), 1)).bit_length() - 1) // 10)
        return [x * unit for x in super().tick_values(vmin / unit, vmax / unit)]
