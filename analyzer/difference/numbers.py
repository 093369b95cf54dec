"""Are two stored tensors the same numbers, and how far apart are they?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cnnscope.analyzer.difference.constants import Constant
from cnnscope.analyzer.difference.fingerprints import NOT_ASKED

#: numbers compared at a time
_PIECE = 1 << 20


def same_numbers(before: Constant, after: Constant) -> bool | None:
    """Whether two constants are the same numbers; None where that can't be told."""
    a, b = before.tensor, after.tensor
    if NOT_ASKED in (before.digest, after.digest):
        return False if a.shape != b.shape and None not in (a.shape, b.shape) else None
    if a.value is not None and b.value is not None and object not in (a.value.dtype, b.value.dtype):
        if a.value.shape != b.value.shape and not a.value.size == b.value.size == 1:
            return False
        return _equal(a.value.ravel(), b.value.ravel())
    if before.digest.text is None or after.digest.text is None:
        # What differs in dtype or shape differs, whatever the numbers are.
        known = None not in (a.dtype, b.dtype, a.shape, b.shape)
        return False if known and (a.dtype, a.shape) != (b.dtype, b.shape) else None
    if before.digest.text == after.digest.text:
        return True
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    if before.stored is not None and after.stored is not None:
        return False
    one, other = before.numbers(), after.numbers()
    if one is None or other is None:
        return False
    return one.shape == other.shape and _equal(one.ravel(), other.ravel())


def largest_difference(before: Constant, after: Constant) -> float | None:
    """The largest |difference| of two constants of as many numbers, in any float or integer type;
    None where there is none, or it can't be told."""
    if before.tensor.shape != after.tensor.shape or None in (before.digest.text, after.digest.text):
        return None
    one, other = before.numbers(), after.numbers()
    if one is None or other is None or one.shape != other.shape:
        return None
    if object in (one.dtype, other.dtype):
        return None
    found = 0.0
    for a, b in zip(pieces(one), pieces(other), strict=True):
        try:
            with np.errstate(all="ignore"):
                apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
        except (TypeError, ValueError):  # texts, or complex numbers
            return None
        # A NaN on one side only is no number apart; equal infinities are nothing apart.
        apart = apart[~np.isnan(apart)]
        found = max(found, float(apart.max()) if apart.size else 0.0)
    return found if math.isfinite(found) else None


def unordered(held: Constant) -> tuple[str | None, int, int] | None:
    """What identifies a constant's numbers whatever their order; None where they can't be read."""
    numbers = held.numbers() if held.digest.text is not None else None
    if numbers is None or numbers.dtype == object or numbers.dtype.itemsize not in (1, 2, 4, 8):
        return None
    total = 0
    for piece in pieces(numbers):
        bits = np.ascontiguousarray(piece).view(f"u{numbers.dtype.itemsize}").astype(np.uint64)
        # A mixer of 64 bits (Stafford's variant 13), so that equal sums mean equal numbers.
        bits += np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        total += int((bits ^ (bits >> np.uint64(31))).sum(dtype=np.uint64))
    return held.tensor.dtype, numbers.size, total % (1 << 64)


def pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array's numbers, about a million at a time."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        yield flat[start : start + _PIECE]


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    both = a.dtype.kind == "f" and b.dtype.kind == "f"
    return bool(np.array_equal(a, b, equal_nan=both))
