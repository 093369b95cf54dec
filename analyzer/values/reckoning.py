"""What does arithmetic over arrays come to when the numbers hang on lengths that are free?

Models work out the sizes they reshape and resize to: `Shape`, then a few additions, divisions and
casts. Where all is known, onnx's reference does the sums. Here are the same sums over arrays whose
elements (`elements`) may be a `FreeDim`. The rules are registered operator by operator
(`operators/families/lengths.py`).

What is worked out is exact for every length, or it isn't given: then the element is an unknown that
names the free dimensions it hangs on, and is never taken to hang on data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.dimension import FreeDim, Undetermined
from cnnscope.analyzer.values.elements import Element, FreeRatio, differs, floor, negative, surely
from cnnscope.analyzer.values.plain_class import dataclass

#: an array of numbers, or of elements
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sums:
    """What a rule is given.

    Args:
        arrays: per input its elements; None where it is omitted.
        dtypes: per input.
        attributes: the node's.
        output: dtype of its first output.
        reference: what onnx's reference gives for other arrays in place of these; nothing where it
            can't tell.
    """

    arrays: Sequence[Array | None]
    dtypes: Sequence[str | None]
    attributes: Mapping[str, object]
    output: str | None
    reference: Callable[[list[Array | None]], tuple[Array, ...]]


#: what an operator's outputs come to; nothing where that can't be told
Reckoning = Callable[[Sums], Sequence[Array]]


def hangs_on(arrays: Sequence[Array | None]) -> tuple[frozenset[str], frozenset[str]]:
    """The free dimensions, and the data, that elements hang on."""
    names: set[str] = set()
    data: set[str] = set()
    for array in arrays:
        if array is not None and array.dtype == object:
            for item in array.ravel().tolist():
                if isinstance(item, FreeDim | FreeRatio):
                    names |= item.names
                    data |= item.data
    return frozenset(names), frozenset(data)


def unknown(shape: tuple[int, ...], what: str, arrays: Sequence[Array | None]) -> Array:
    """Elements that hang on what others hang on, in a way that isn't followed."""
    names, data = hangs_on(arrays)
    found = np.empty(shape, object)
    for index in np.ndindex(*shape):
        place = f" {list(index)}" if index else ""
        found[index] = FreeDim.unknown(f"{what}{place}", names, data)
    return found


# -- element by element ----------------------------------------------------------------------------


def each(rule: Callable[..., Element]) -> Reckoning:
    """An operator that works element by element, with numpy's broadcasting.

    Args:
        rule: elements and `is_float`, whether the operands are floating point, to an element.
            It raises `Undetermined` where the result can't be told.
    """

    def apply(sums: Sums) -> Sequence[Array]:
        arrays = [array for array in sums.arrays if array is not None]
        is_float = any("float" in (dtype or "") for dtype in sums.dtypes)
        parts = np.broadcast_arrays(*arrays)
        found = np.empty(parts[0].shape, object)
        lost: Array | None = None
        for index in np.ndindex(*found.shape):
            operands = [_plain(part[index]) for part in parts]
            try:
                found[index] = rule(*operands, is_float=is_float)
            except (Undetermined, ZeroDivisionError, OverflowError):
                if lost is None:
                    lost = unknown(found.shape, "", arrays)
                found[index] = lost[index]
        return (found,)

    return apply


def _plain(item: object) -> Element:
    return item.item() if isinstance(item, np.generic) else item


def folded(rule: Callable[..., Element]) -> Callable[..., Element]:
    """Of two operands, for any number of them."""

    def apply(*operands: Element, is_float: bool) -> Element:
        found = operands[0]
        for other in operands[1:]:
            found = rule(found, other, is_float=is_float)
        return found

    return apply


def cast(sums: Sums) -> Sequence[Array]:
    """To another type. A float becomes whole towards zero."""
    to = sums.output or ""

    def one(a: Element, *, is_float: bool) -> Element:
        if to == "bool":
            return differs(a, 0, is_float=is_float)
        if "float" in to:
            if to in ("float32", "float64") and not isinstance(a, FreeRatio):
                return a
            raise Undetermined("a conversion that rounds")
        if not isinstance(a, FreeRatio):
            return int(a) if not isinstance(a, FreeDim) else a
        return floor(a) if surely(a.top, 0) else -floor(negative(a, is_float=True))

    def towards_zero(a: Element, *, is_float: bool) -> Element:
        if isinstance(a, FreeRatio) and not surely(a.top, 0) and not surely(-a.top, 0):
            raise Undetermined("a conversion of unknown sign")
        return one(a, is_float=is_float)

    return each(towards_zero)(Sums(sums.arrays[:1], sums.dtypes[:1], {}, to, sums.reference))


# -- what moves elements about, and what adds them up ----------------------------------------------


def moving(*positions: int) -> Reckoning:
    """An operator that puts elements elsewhere: onnx's reference is asked where each one goes.

    Args:
        positions: of the inputs whose elements are moved; none: all.
    """

    def apply(sums: Sums) -> Sequence[Array]:
        moved = positions or tuple(range(len(sums.arrays)))
        told: list[Element] = [0]  # what pads is nothing of anybody's
        arrays: list[Array | None] = []
        for place, array in enumerate(sums.arrays):
            if array is None or place not in moved:
                if array is not None and array.dtype == object:
                    array = _numbers(array)
                    if array is None:
                        return ()
                arrays.append(array)
                continue
            first = len(told)
            told.extend(_plain(item) for item in array.ravel())
            arrays.append(np.arange(first, len(told), dtype=np.int64).reshape(array.shape))
        found = []
        for places in sums.reference(arrays):
            if places.dtype != np.int64:
                return ()
            result = np.empty(places.shape, object)
            for index in np.ndindex(*places.shape):
                result[index] = told[int(places[index])]
            found.append(result)
        return found

    return apply


def _numbers(array: Array) -> Array | None:
    """Elements that are all known, as an array of integers."""
    items = array.ravel().tolist()
    if any(isinstance(item, FreeDim | FreeRatio) for item in items):
        return None
    return np.array(items, np.int64).reshape(array.shape)


def reducing(rule: Callable[..., Element]) -> Reckoning:
    """An operator that makes one element of all along some axes."""

    def apply(sums: Sums) -> Sequence[Array]:
        array = sums.arrays[0]
        assert array is not None
        given = sums.arrays[1] if len(sums.arrays) > 1 else None
        axes = sums.attributes.get("axes") if given is None else given.ravel().tolist()
        if axes is None or (not axes and not sums.attributes.get("noop_with_empty_axes", 0)):
            axes = range(array.ndim)
        assert isinstance(axes, Sequence)
        gone = {int(axis) % array.ndim for axis in axes} if array.ndim else set()
        is_float = "float" in (sums.dtypes[0] or "")
        kept = [axis for axis in range(array.ndim) if axis not in gone]
        rows = array.transpose([*kept, *sorted(gone)])
        rows = rows.reshape(*[array.shape[axis] for axis in kept], -1)
        if not rows.shape[-1]:
            return ()
        found = np.empty(rows.shape[:-1], object)
        lost: Array | None = None
        for index in np.ndindex(*found.shape):
            try:
                found[index] = folded(rule)(*map(_plain, rows[index]), is_float=is_float)
            except Undetermined:
                if lost is None:
                    lost = unknown(found.shape, "", [array])
                found[index] = lost[index]
        if sums.attributes.get("keepdims", 1):
            shape = [1 if axis in gone else n for axis, n in enumerate(array.shape)]
            found = found.reshape(shape)
        return (found,)

    return apply
