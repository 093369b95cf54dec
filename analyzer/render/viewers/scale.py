"""Which colour stands for how much of a metric?

One hue from light to dark (ColorBrewer's *Blues*, Brewer 2003): that is told apart by people who are
colour-blind, and on paper. A layer's colour says how much it has of what the largest one has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cnnscope.analyzer.report.column_names import resolved
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, nbytes

#: from none to the largest
COLORS: Final = (
    "#f7fbff",
    "#deebf7",
    "#c6dbef",
    "#9ecae1",
    "#6baed6",
    "#4292c6",
    "#2171b5",
    "#08519c",
)
DARK, LIGHT = "#1a1a1a", "#ffffff"
#: from this colour on, text is light
_DARKER: Final = 5


def _sum(key: str) -> Callable[[Sequence[Layer]], int | None]:
    def found(layers: Sequence[Layer]) -> int | None:
        known = [getattr(layer, key) for layer in layers]
        numbers = [x for x in known if isinstance(x, int)]
        return sum(numbers) if len(numbers) == len(known) else None

    return found


def _field(layers: Sequence[Layer]) -> int | None:
    """What the last layer's units see along the axis along which they see the most."""
    sizes = [f.size for f in layers[-1].receptive_field]
    known = [x for x in sizes if x is not None]
    return max(known) if known and len(known) == len(sizes) else None


#: what can be coloured by: how much of it some layers have; None: not known
METRICS: Final[Mapping[str, Callable[[Sequence[Layer]], int | None]]] = {
    **{
        key: _sum(key)
        for key in (
            "macs", "flops", "params", "weight_bytes", "bytes_read", "bytes_written", "traffic_bytes",
        )
    },
    "rf": _field,
}  # fmt: skip


def metric_named(color: str) -> str:
    """The metric that a word stands for.

    Raises:
        ValueError: there is none; with those there are.

    >>> metric_named("MACs")
    'macs'
    """
    return resolved(color, METRICS, "metric")


def written_amount(metric: str, value: int) -> str:
    """An amount as people read it.

    >>> written_amount("macs", 240_000), written_amount("weight_bytes", 2048), written_amount("rf", 427)
    ('240.0 k MACs', '2.00 KiB weight bytes', 'field 427')
    """
    if metric == "rf":
        return f"field {value}"
    what = {"macs": "MACs", "flops": "FLOPs"}.get(metric, metric.replace("_", " "))
    return f"{nbytes(value) if 'bytes' in metric else count(value)} {what}"


def shades(amounts: Iterable[int | None]) -> list[int | None]:
    """For each amount which of `COLORS` stands for it; None: it isn't known.

    >>> shades([0, 100, None, 50])
    [0, 7, None, 4]
    """
    found = list(amounts)
    most = max((x for x in found if x is not None), default=0) or 1
    last = len(COLORS) - 1
    return [None if x is None else min(last, (x * last + most // 2) // most) for x in found]


def text_color(shade: int) -> str:
    """What is read on it."""
    return LIGHT if shade >= _DARKER else DARK
