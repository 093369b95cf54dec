"""Where padding repeats the signal, what do the units at its ends see?

Padding that mirrors the signal, or repeats its first value, shows the first units what lies ahead of them:
behind a mirrored start unit 0 sees samples 1, 2, ... in the place of -1, -2, .... Those units are few: each
is asked for exactly what it sees. Padding that goes on with the other end shows them the last samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.fields.regions import RegionLookup
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.streaming.contexts import Context, sides_of

#: units at the ends that are gone through one by one
_MOST = 1 << 13


class EndsUnknown(ValueError):
    """What the units at the ends see isn't known; the message says why."""


#: the axis of a tensor that moves along time; None: none is known to
TimeAxis = Callable[[str], int | None]


def goes_round(nodes: Iterable[Node], fields: Fields, time: TimeAxis) -> Node | None:
    """The first layer with padding that goes on with the other end of what it is laid around."""
    return next((node for node in nodes if "wrap" in _outside(node, fields, time)), None)


def repeats_signal(nodes: Iterable[Node], fields: Fields, time: TimeAxis) -> bool:
    """Does padding somewhere repeat what it is laid around, instead of being zeros?"""
    return any(_outside(node, fields, time) - {"nothing"} for node in nodes)


def shows_what_is_ahead(nodes: Iterable[Node], fields: Fields, time: TimeAxis) -> bool:
    """May such padding stand before the signal, where it shows what comes later? Behind the end the last
    value over again is nothing new, as every resize has it."""
    new = {"before the start", "reflect", "spelt out"}
    return any(_outside(node, fields, time) & new for node in nodes)


def _outside(node: Node, fields: Fields, time: TimeAxis) -> set[str]:
    """What a node reads beyond its inputs' ends in time: words of `Window.outside`, padding that
    nodes spell out, and whether any stands before the start."""
    found: set[str] = set()
    if any(name in fields.bordered for name in node.outputs):
        found.add("spelt out")
    reads = fields.reads.get(node.index)
    for row in reads.outputs if reads is not None else ():
        for name, read in zip(node.inputs, row, strict=False):
            axis = time(name)
            way = read[axis] if axis is not None and isinstance(read, tuple) else None
            if isinstance(way, Along):
                window = way.window
                found.add(window.outside)
                if window.outside != "nothing" and min(window.at(0), default=0) < 0:
                    found.add("before the start")
    return found


def with_ends(
    tensor: str, context: Context, key: InputAxis, analysis: Analysis, lookup: RegionLookup
) -> Context:
    """The context, what the units at both ends see being counted, too.

    Raises:
        EndsUnknown: a length is free, or they are too many.
    """
    name, axis = key
    lengths = analysis.shapes.tensors[tensor].shape
    shape = analysis.shapes.tensors[name].shape
    length = None if shape is None else shape[axis]
    count = None if lengths is None else lengths[context.axis]
    if not isinstance(length, int) or not isinstance(count, int) or lengths is None:
        raise EndsUnknown(
            "padding repeats the signal at its ends, and what the first units see of that hangs on its"
            " length: give it (--dim NAME=LENGTH or --shape; in Python dims or shapes)"
        )
    first, last = context.reach
    looking_out = max(-first, last - context.advance + 1, 0) // context.advance * context.period
    if count > _MOST and looking_out > _MOST // 4:
        raise EndsUnknown("padding repeats the signal at its ends: too many units see it")
    # Behind a crop the signal's ends are some units further in.
    units = [*range(min(count, _MOST // 2)), *range(max(count - _MOST // 2, _MOST // 2), count)]
    whole: list[int | None] = [None] * len(lengths)
    asked = [[*whole[: context.axis], u, *whole[context.axis + 1 :]] for u in units]
    try:
        regions = lookup.of(tensor, asked)
    except ValueError:
        raise EndsUnknown(
            "padding repeats the signal at its ends in a way that isn't followed"
        ) from None
    past, future = context.most_past, context.most_future
    for unit, region in zip(units, regions, strict=True):
        spans = region.get(name)
        if spans and spans[axis]:
            seen = spans[axis][0][0], spans[axis][-1][1]
            before, behind = sides_of(seen, unit, context.period, context.advance)
            past, future = max(past, before), max(future, behind)
    return context.at_ends(past, future)
