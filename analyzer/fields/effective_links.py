"""Which inputs does each output along one axis hang on, with which weight, and what does that sum up to?"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.fields.effective_mass import Rows, Values, settled
from cnnscope.analyzer.values.window import Window

#: windows whose links are kept, of up to so many links each; and of how many more of up to how many
_KEPT, _FEW = 512, 1 << 14
_LONG_KEPT, _LONG = 16, 1 << 16
#: elements that one step may take in hand
_BLOCK = 1 << 22


class Links(NamedTuple):
    """Which output hangs on which input of an axis: pairs by rising input, and the weight of each.

    `weights` of None: `weight` is that of all.
    """

    outputs: Rows
    inputs: Rows
    weights: Values | None = None
    weight: float = 1.0

    @classmethod
    def of(cls, outputs: Rows, inputs: Rows, weights: Values | None, weight: float = 1.0) -> Links:
        """From pairs in any order."""
        order = np.argsort(inputs, kind="stable")
        of_each = None if weights is None else weights[order]
        return cls(outputs[order], inputs[order], of_each, weight)


def window_links(window: Window, count: int, length: int, uniform: bool) -> Links:
    """How the outputs of an axis hang on the inputs that a window reads.

    Args:
        uniform: a window's taps sum to 1, those in the padding too; else each counts 1.
    """
    most = window.size * count
    find = _kept_links if most <= _FEW else _long_links if most <= _LONG else _links_of
    return find(window, count, length, uniform)


def _links_of(window: Window, count: int, length: int, uniform: bool) -> Links:
    at = positions(window, range(count), length)
    outputs, _ = np.nonzero(at < length)
    weight = 1 / _taps(window) if uniform else 1.0
    return Links.of(outputs, at[at < length], None, weight)


_kept_links = lru_cache(maxsize=_KEPT)(_links_of)
_long_links = lru_cache(maxsize=_LONG_KEPT)(_links_of)


def _taps(window: Window) -> float:
    """How many of a window's taps fall on inputs, on average over the places that it takes.

    Between the inputs of a transposed convolution or a resize lie places that are none: of q taps in
    a row one falls on an input.
    """
    parts = (window.stride, window.before, window.dilation)
    q = math.lcm(*(Fraction(part).denominator for part in parts))
    return max((window.size - len(window.unread)) / q, 1 / q)


def carried(
    values: Values, axis: int, own: Rows | None, links: Links, length: int
) -> tuple[Values, Rows | None] | None:
    """What hangs on the outputs of an axis, handed on to its inputs; None: nothing arrives.

    Args:
        values, own: the values, and which of their rows along the axis each output stands for.
        length: how many inputs there are.
    """
    if own is None:
        share = np.bincount(links.inputs, links.weights, length) * links.weight
        if share[0] and (share == share[0]).all():
            return values * share[0], None
        levels, number = np.unique(share, return_inverse=True)
        number = number.reshape(-1)
        if levels.size and levels[0] == 0:
            levels, number = levels[1:], number - 1
        if not levels.size:
            return None
        shape = [1] * values.ndim
        shape[axis] = -1
        return values * levels.reshape(shape), number
    rows = own[links.outputs]
    there = rows >= 0
    rows, inputs = rows[there], links.inputs[there]
    if not rows.size:
        return None
    weights = None if links.weights is None else links.weights[there] * links.weight
    starts = np.flatnonzero(np.diff(inputs, prepend=-1))
    found = _summed(values, axis, rows, weights, starts)
    if weights is None and links.weight != 1:
        found *= links.weight
    found, mine = settled(found, axis, inputs[starts], length)
    return (found, mine) if found.size else None


def _summed(values: Values, axis: int, rows: Rows, weights: Values | None, starts: Rows) -> Values:
    """Sums of rows of an axis as listed, from each start to the next, block by block."""
    lines = np.moveaxis(values, axis, 0)
    rest = lines.shape[1:]
    lines = lines.reshape(len(lines), -1)
    wide = max(_BLOCK // len(rows), 1)
    blocks = []
    for first in range(0, lines.shape[1], wide):
        picked = lines[:, first : first + wide].take(rows, axis=0)
        if weights is not None:
            picked *= weights[:, None]
        blocks.append(np.add.reduceat(picked, starts, axis=0))
    found = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    return np.moveaxis(found.reshape(len(starts), *rest), 0, axis)
