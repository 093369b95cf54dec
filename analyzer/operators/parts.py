"""How does a node work on a part of a map: as it is, with other padding, or not at all?

A map is cut into parts along some axes; of each input of a node that stretch is taken which the part of
its output reads. Where an output reads one place of each input, the node does the same on a part as on
the whole. Where it looks through a window (`cnnscope.analyzer.values.window`), the places that it reads
beyond the ends of a whole axis are padding there as here, and those beyond the ends of a part, but inside
of the axis, belong to the part: so the padding is what is left of it at this part's ends. All else isn't
run in parts: what counts places from an end, draws numbers, or says itself how long its output is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.operators.definition import MICROSOFT, lookup
from cnnscope.analyzer.operators.reading import Along, AxisRead
from cnnscope.analyzer.values.plain_class import dataclass

#: first and behind the last
Stretch = tuple[int, int]

#: what these families do to a place hangs on no other place and not on where it is
_ALIKE_EVERYWHERE: Final = frozenset({
    "activation", "elementwise arithmetic", "logic", "conversion", "identity", "normalization",
    "quantization", "data movement", "selection", "matrix product", "reduction", "mean reduction",
    "max reduction", "convolution", "max pooling", "average pooling", "Lp pooling",
})  # fmt: skip
#: windows along the axes behind the first two, their padding told by the attribute `pads`
_PADDED: Final = frozenset({
    ("", "Conv"), ("", "ConvInteger"), ("", "QLinearConv"), (MICROSOFT, "FusedConv"),
    ("", "MaxPool"), ("", "AveragePool"), ("", "LpPool"),
})  # fmt: skip
#: a second output holds places of the whole
_COUNTS_PLACES: Final = frozenset({("", "MaxPool")})


class NotInParts(Exception):
    """A node can't be run on parts; the message says why, as an end of "it ..."."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stretch of outputs reads along one axis.

    Args:
        inside: the stretch of the input's axis.
        padding: places that are read before the axis's first and behind its last.
    """

    inside: Stretch
    padding: tuple[int, int] = (0, 0)


def is_padded(domain: str, op: str) -> bool:
    """Are the paddings along its axes told by the attribute `pads`?"""
    return (domain, op) in _PADDED


def demand_alike(domain: str, op: str, version: int, outputs: Sequence[str]) -> None:
    """Whether an operator does the same wherever it is.

    Args:
        outputs: the names of its outputs, empty where not asked for.

    Raises:
        NotInParts: it doesn't, or that isn't known.
    """
    known = lookup(domain, op, version)
    if known is None:
        raise NotInParts("has no rules")
    if known.random:
        raise NotInParts("draws numbers")
    if (domain, op) in _COUNTS_PLACES and any(outputs[1:]):
        raise NotInParts("gives places of the whole, too")
    if known.kind not in _ALIKE_EVERYWHERE:
        raise NotInParts(f"is of a kind that isn't run in parts: {known.kind}")


def taken(read: Along, wanted: Stretch, count: int, length: int, *, padded: bool) -> Taken:
    """What a stretch of an output's axis reads of an input's axis.

    Args:
        read: how the input's axis is read.
        wanted: the stretch.
        count: the output's length along the axis.
        length: the input's.
        padded: the operator is one whose padding can be told anew.

    Raises:
        NotInParts: it can't be cut there.

    >>> from cnnscope.analyzer.values.window import Window
    >>> taken(Along(2, Window(3, before=1, after=1)), (0, 4), 8, 8, padded=True)
    Taken(inside=(0, 5), padding=(1, 0))
    """
    window = read.window
    if not padded:
        if wanted == (0, count):
            return Taken((0, length))
        if not window.is_identity or window.outside != "nothing" or count != length:
            raise NotInParts("moves along the axes that are cut")
        return Taken(wanted)
    whole = (window.stride, window.dilation, window.before, window.after)
    if any(isinstance(number, Fraction) for number in whole):
        raise NotInParts("reads places between places")
    stride, _, before, after = map(int, whole)
    first = wanted[0] * stride - before
    last = (wanted[1] - 1) * stride - before + int(window.extent)
    # The last part has the axis's own end, so that what ceil_mode makes of it is the same.
    stop = length if wanted[1] == count else min(last, length)
    behind = after if wanted[1] == count else max(0, last - length)
    start = 0 if wanted[0] == 0 else max(first, 0)
    if stop <= start:
        raise NotInParts("reads padding alone somewhere")
    return Taken((start, stop), (before if wanted[0] == 0 else max(0, -first), behind))


def padding_told(
    attributes: Mapping[str, object], padding: Sequence[tuple[int, int]]
) -> dict[str, object]:
    """A node's attributes with other padding.

    Args:
        attributes: the node's.
        padding: along each axis that its windows move along, before and after.
    """
    told = {key: value for key, value in attributes.items() if key != "auto_pad"}
    told["pads"] = tuple([before for before, _ in padding] + [after for _, after in padding])
    return told


def cut_along(read: Sequence[AxisRead], output_axis: int) -> list[int]:
    """The input's axes that are read along an output's axis."""
    return [
        axis
        for axis, way in enumerate(read)
        if isinstance(way, Along) and way.axis == output_axis
    ]
