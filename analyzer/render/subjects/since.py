"""What became of a model since it was looked at before? Figures beside what they were, then layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cnnscope.analyzer.budgets.figure import Figure, Figures
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.since import Moved, Since
from cnnscope.analyzer.difference.difference import opset_text
from cnnscope.analyzer.difference.entries import DifferenceGroup
from cnnscope.analyzer.render.subjects.changes import group_text, signed_percent
from cnnscope.analyzer.render.subjects.verdicts import known_text
from cnnscope.analyzer.values.notation import alike, name

_TITLES: Final = {
    "macs": "MACs", "params": "parameters", "flops": "FLOPs", "peak_activation": "peak activations",
    "receptive_field": "receptive field", "file_size": "file size", "int_macs": "integer MACs",
    "float_macs": "float MACs",
}  # fmt: skip
#: so many groups of layers are told, in a row and at all, and of each so many layers
_GROUPS: Final = 2
_MOST_GROUPS: Final = 8
_WHERE: Final = 2
_LONGEST: Final = 60
#: what a model that nobody has seen before is introduced by
#: measures of which a share says nothing
_WITHOUT_SHARES: Final = ("version", "length", "samples")
_FIRST: Final = ("params", "macs", "peak_activation", "receptive_field")


def quantity_title(quantity: str) -> str:
    """What people call a quantity."""
    return _TITLES.get(quantity, quantity)


def moved_text(moved: Moved) -> str:
    """A figure before and after: ``MACs 4.09 G -> 4.31 G (+5.4 %)``."""
    measure = QUANTITIES[moved.quantity].measure
    one, other = moved.before[0], moved.after[0]
    if len(moved.before) == len(moved.after) == 1:
        share = ""
        if one.exact and other.exact is not None and measure not in _WITHOUT_SHARES:
            share = f" ({signed_percent(float(other.exact / one.exact) - 1)})"
        before, after = known_text(one, measure, other.shown), known_text(other, measure, one.shown)
        return f"{quantity_title(moved.quantity)} {before} -> {after}{share}"
    before, after = axes_text(moved.quantity, moved.before), axes_text(moved.quantity, moved.after)
    return f"{quantity_title(moved.quantity)} {before} -> {after}"


def figures_text(figures: Figures) -> str:
    """What a model comes to, in a few figures."""
    return ", ".join(
        f"{quantity_title(key)} {axes_text(key, figures[WHOLE, key])}"
        for key in _FIRST
        if any(x.shown is not None for x in figures.get((WHOLE, key), ()))
    )


def axes_text(quantity: str, figures: Sequence[Figure]) -> str:
    """A figure, along each axis where it has several."""
    if not figures:
        return ""
    measure = QUANTITIES[quantity].measure
    return alike([known_text(x, measure) for x in figures])


def changes_of(since: Since, most: int | None = None) -> Iterator[str]:
    """What changed in a model that was there before: figures, then layers.

    Args:
        since: what became of it.
        most: so many figures, and groups of layers, at most; None: all of them.
    """
    for moved in since.moved[:most]:
        yield moved_text(moved)
    found = since.difference
    if found is None:
        if since.reason:
            yield name(since.reason, 200)
        elif since.other and not since.moved:
            yield "only its name"
        return
    groups = found.groups[: _MOST_GROUPS if most is None else _GROUPS]
    for group in groups:
        yield _group(group)
    if left := len(found.groups) - len(groups):
        yield f"{left} more kind{'s' * (left != 1)} of change"
    if found.opsets:
        yield opset_text([(name(x), one, other) for x, one, other in found.opsets])
    if found.same and not since.moved:
        yield "the file, and no layer"


def _group(group: DifferenceGroup) -> str:
    """What differs, and, unless that says it, where."""
    text = name(group_text(group), 200)
    if group.where and group.kind != "changed":
        return text
    layers = list(dict.fromkeys(group.layers))
    where = ", ".join(name(x, _LONGEST) for x in layers[:_WHERE])
    more = f" and {len(layers) - _WHERE} more" if len(layers) > _WHERE else ""
    return f"{text}: {where}{more}" if where else text
