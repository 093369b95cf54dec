"""Which sizes are meant by several lengths of several dimensions?

Each dimension, or several that move together, has its lengths; every one of the one is taken with every one
of the others.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.length_texts import MOST_LENGTHS
from cnnscope.analyzer.values.many_lengths import Numbers
from cnnscope.analyzer.values.plain_class import dataclass

#: sizes of a table, and the highest length
MOST_SIZES: Final = 1 << 17
HIGHEST: Final = 1 << 40

#: what lengths are given as: one, or several, or a range
Given = int | range | Sequence[int]


@dataclass(frozen=True, slots=True)
class Axis:
    """Dimensions that always have the same length, and which lengths they get."""

    names: tuple[str, ...]
    lengths: Sequence[int]


def read_axes(dims: Mapping[str | tuple[str, ...], Given]) -> tuple[dict[str, int], list[Axis]]:
    """The dimensions that have one length, and those that have several.

    Args:
        dims: a name, or several that move together (``"H,W"`` or a tuple), to lengths.

    Raises:
        BindingError: they are no lengths, too many, or a name is given twice.

    >>> read_axes({"H,W": [224, 256], "N": 1})
    ({'N': 1}, [Axis(names=('H', 'W'), lengths=[224, 256])])
    """
    if not isinstance(dims, Mapping):
        raise BindingError(
            "dims: a dict from names of dimensions to lengths is wanted: {'H': [224, 256]}"
        )
    bound: dict[str, int] = {}
    axes: list[Axis] = []
    seen: set[str] = set()
    for key, given in dims.items():
        names = _names(key)
        for name in names:
            if name in seen:
                raise BindingError(f"dimension {name} is given twice")
            seen.add(name)
        if isinstance(given, range) or (
            isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))
        ):
            axes.append(Axis(names, _lengths(names, given)))
        else:
            bound.update(dict.fromkeys(names, _length(names, given)))
    return bound, axes


def _names(key: object) -> tuple[str, ...]:
    """The dimensions that a key names: one, or several that move together."""
    several = key.split(",") if isinstance(key, str) else key if isinstance(key, tuple) else (key,)
    names: list[str] = []
    for name in several:
        if not isinstance(name, str) or not name:
            raise BindingError(f"dims names a dimension {name!r:.60}; a text is wanted")
        names.append(name)
    return tuple(names)


def _lengths(names: Sequence[str], given: Iterable[object]) -> Sequence[int]:
    said = ",".join(names)
    if isinstance(given, range):
        if not given:
            raise BindingError(f"dims of {said}: the range has no length")
        if len(given) > MOST_LENGTHS:
            raise BindingError(
                f"dims of {said}: a range of at most {MOST_LENGTHS} lengths can be taken"
            )
        _length(names, min(given))
        _length(names, max(given))
        return given
    found: list[int] = []
    for item in given:
        if len(found) == MOST_LENGTHS:
            raise BindingError(f"dims of {said}: at most {MOST_LENGTHS} lengths can be taken")
        found.append(_length(names, item))
    if not found:
        raise BindingError(f"dims of {said}: no length is given")
    return found


def _length(names: Sequence[str], given: object) -> int:
    try:
        if isinstance(given, bool):
            raise TypeError
        length = operator.index(given)  # type: ignore[arg-type]  # that is asked
    except TypeError:
        raise BindingError(
            f"dims of {','.join(names)}: {given!r:.60} is no length; whole numbers are wanted"
        ) from None
    if not 0 <= length <= HIGHEST:
        raise BindingError(
            f"dims of {','.join(names)}: a length is from 0 to {HIGHEST}, not {length:.20g}"
            if length.bit_length() < 1000
            else f"dims of {','.join(names)}: a length is from 0 to {HIGHEST}"
        )
    return length


def count_of(axes: Sequence[Axis]) -> int:
    """How many sizes there are."""
    return math.prod(len(axis.lengths) for axis in axes)


def grid(axes: Sequence[Axis], most: int = MOST_SIZES) -> dict[str, Numbers]:
    """For each name a length per size, the last axis moving first.

    Raises:
        BindingError: there are too many sizes.

    >>> {k: x.tolist() for k, x in grid([Axis(("H",), [1, 2]), Axis(("W",), [5, 6])]).items()}
    {'H': [1, 1, 2, 2], 'W': [5, 6, 5, 6]}
    """
    count = count_of(axes)
    if count > most:
        raise BindingError(
            f"{' x '.join(str(len(axis.lengths)) for axis in axes)} sizes are more than {most}: give fewer,"
            " or dimensions that move together (--dim H,W=224,256)"
        )
    found: dict[str, Numbers] = {}
    before, after = 1, count
    for axis in axes:
        after //= len(axis.lengths)
        lengths = np.asarray(axis.lengths, np.int64)
        column = np.tile(np.repeat(lengths, after), before)
        before *= len(axis.lengths)
        found.update(dict.fromkeys(axis.names, column))
    return found
