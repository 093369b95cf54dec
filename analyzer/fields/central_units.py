"""Which unit of a tensor lies in the middle of what is seen?

Along an axis that moves along one axis of an input that is the middle index. Where the places of an
image lie behind one another along one axis (a transformer's tokens), the middle index is at the end of
a line: there it is the unit that looks nearest to the middle of the image.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.fields.seen import unclipped
from cnnscope.analyzer.fields.units import central_unit

#: indices of an axis that are looked at one by one; of a longer one the middle is taken
_LONGEST = 1 << 14


def seen_in_the_middle(
    fields: Fields, tensor: str, shape: tuple[int, ...], lengths: Mapping[InputAxis, int]
) -> list[int | None]:
    """The unit in the middle; None for all of an axis that doesn't move.

    Args:
        lengths: of the input axes that layers look along.
    """
    unit = central_unit(fields, tensor, shape)
    for axis, keys in _shared_axes(fields, tensor, lengths).items():
        if unit[axis] is not None and shape[axis] <= _LONGEST:
            at = unit[axis] or 0

            def off(index: int, axis: int = axis, keys: list[InputAxis] = keys) -> float:
                there = [*unit[:axis], index, *unit[axis + 1 :]]
                return max(_off(fields, tensor, there, key, lengths[key]) for key in keys)

            unit[axis] = min(range(shape[axis]), key=lambda index: (off(index), abs(index - at)))
    return unit


def _shared_axes(
    fields: Fields, tensor: str, lengths: Mapping[InputAxis, int]
) -> dict[int, list[InputAxis]]:
    """The tensor's axes that move along several axes of inputs, and along which."""
    found: dict[int, list[InputAxis]] = {}
    for key, paths in fields.states.get(tensor, {}).items():
        for axis in {d.axis for term in paths.terms for d in term.digits} if key in lengths else ():
            found.setdefault(axis, []).append(key)
    return {axis: keys for axis, keys in found.items() if len(keys) > 1 and axis >= 0}


def _off(fields: Fields, tensor: str, unit: list[int | None], key: InputAxis, length: int) -> float:
    """How far the middle of what a unit sees is from the middle of an input's axis, as a share of it."""
    span = unclipped(fields.states[tensor][key], unit)
    return 1.0 if span is None else abs((span[0] + span[1]) / 2 - (length - 1) / 2) / length
