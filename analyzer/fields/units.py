"""Which unit of a tensor is meant by indices along the axes that move along space?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.values.tensor import Shape


def moving_axes(fields: Fields, tensor: str) -> list[int]:
    """A tensor's axes that move along a spatial axis of an input."""
    axes = {
        digit.axis
        for key, paths in fields.states.get(tensor, {}).items()
        if key in fields.spatial
        for term in paths.terms
        for digit in term.digits
    }
    return sorted(axes)


def central_unit(fields: Fields, tensor: str, shape: Shape) -> list[int | None]:
    """The unit in the middle of the axes that move, all of every other axis."""
    chosen: list[int | None] = [None] * len(shape)
    for axis in moving_axes(fields, tensor):
        length = shape[axis] if 0 <= axis < len(shape) else None
        chosen[axis] = length // 2 if isinstance(length, int) and length else None
    return chosen


def plain_units(units: Iterable[Sequence[int | None]]) -> list[tuple[int | None, ...]]:
    """Units as Python's numbers.

    Raises:
        ValueError: they are something else.

    >>> plain_units([(0, None)])
    [(0, None)]
    """
    try:
        return [tuple([None if i is None else index(i) for i in unit]) for unit in units]
    except TypeError:
        raise ValueError(
            "units are rows of whole numbers, one per axis, with None for all of an axis"
        ) from None


def whole_unit(
    fields: Fields, tensor: str, rank: int | None, unit: Sequence[int | None]
) -> list[int | None]:
    """A unit given by an index per axis, or per axis that moves, as an index per axis.

    Raises:
        ValueError: it has another number of indices.
    """
    whole = list(unit)
    if rank is None or len(unit) == rank:
        return whole
    axes = moving_axes(fields, tensor)
    if len(unit) != len(axes):
        raise ValueError(
            f"{tensor!r} has {rank} axes, {len(axes)} of them spatial: "
            f"a unit of {len(unit)} indices fits neither"
        )
    whole = [None] * rank
    for axis, at in zip(axes, unit, strict=True):
        whole[axis] = at
    return whole
