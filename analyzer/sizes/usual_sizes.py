"""At which sizes is a model looked at when nobody says? A usual valid one, and others about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cnnscope.analyzer.sizes.grid import HIGHEST
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes

#: where nothing says how long a free axis is: along two or more, and along one
_USUAL: Final = {False: 224, True: 16_000}
#: how far from a wished size a valid one is looked for: an axis may be declared as long as can be
_NEAR: Final = 1024
#: how many sizes there are from a quarter of the usual one to four times as long
_SIZES: Final = 33


def usual_length(valid: ValidSizes, moving: Sequence[str]) -> int | None:
    """The length that dimensions are to have together: the file's, or a valid one near a usual one.

    >>> import cnnscope
    >>> usual_length(cnnscope.sizes("sample_models/resnet50.onnx", free="HxW"), ["H", "W"])
    224
    """
    fixed = {x.fixed for x in valid.dims if x.name in moving}
    if len(fixed) == 1 and None not in fixed:
        return fixed.pop()
    usual = _USUAL[len(moving) == 1]
    return min(
        _common(valid, moving, 1, 4 * usual), key=lambda length: abs(length - usual), default=None
    )


def lengths_about(valid: ValidSizes, moving: Sequence[str], usual: int) -> list[int]:
    """Valid lengths from a quarter to four times a usual one, in even ratios."""
    least, most = max(1, usual // 4), min(4 * usual, HIGHEST)
    found = {usual}
    for i in range(_SIZES):
        wish = round(usual * 4 ** (2 * i / (_SIZES - 1) - 1))
        near = _common(valid, moving, max(least, wish - _NEAR), min(most, wish + _NEAR))
        found.update(sorted(near, key=lambda length: abs(length - wish))[:1])
    return sorted(found)


def _common(valid: ValidSizes, moving: Sequence[str], least: int, most: int) -> list[int]:
    """The lengths between two that each of the dimensions may have."""
    found: set[int] | None = None
    for name in moving:
        these = {*valid[name].lengths.within(least, most)}
        found = these if found is None else found & these
    return sorted(found or ())
