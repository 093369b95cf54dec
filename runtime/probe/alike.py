"""Which slices of a tensor of the copy are the same, and so are held once?

The copy's weights are one number everywhere, so all filters of a convolution and all columns of a
matrix are the same, and what they put out is the same along that axis: it is computed once, and
remembered to stand for many. Nothing is assumed of the model for that: it follows from the fillings,
number by number. *Runs* are what is remembered: for each axis that is held short, how many slices of
the tensor stand, one behind the other, for which each slice that is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

#: of one axis: how many neighbouring slices each one that is held stands for
Counts = tuple[int, ...]
#: by axis, counted from the first; an axis that isn't there is held whole
Runs = Mapping[int, Counts]
NONE: Final[Runs] = {}


def held(shape: Sequence[int], runs: Runs) -> tuple[int, ...]:
    """The lengths that are held of a tensor of this shape."""
    return tuple(len(runs[a]) if a in runs else length for a, length in enumerate(shape))


def places(counts: Counts) -> np.ndarray:
    """For every slice of the whole, which of those held it is."""
    return np.repeat(np.arange(len(counts)), counts)


def moved(runs: Runs, to: Mapping[int, int]) -> Runs:
    """The same runs where axes have other numbers; an axis without a new one is gone."""
    return {to[axis]: counts for axis, counts in runs.items() if axis in to}


def of_axis(runs: Runs, axis: int, length: int) -> Counts:
    """The counts of an axis, held whole or not."""
    return runs.get(axis, (1,) * length)


def broadcast(
    operands: Sequence[tuple[Sequence[int], Runs]], shape: Sequence[int]
) -> tuple[list[set[int]], Runs]:
    """How operands that are held short meet, element by element with numpy's broadcasting.

    Args:
        operands: the shape and the runs of each.
        shape: of what comes out, where further operands without elements of their own may take part.

    Returns:
        For each operand the axes that have to be made whole first, and what comes out's runs.

    >>> broadcast([((1, 8, 5), {1: (8,)}), ((8, 1), {0: (3, 5)})], (1, 8, 5))
    ([set(), set()], {1: (3, 5)})
    """
    whole: list[set[int]] = [set() for _ in operands]
    runs: dict[int, Counts] = {}
    for axis, length in enumerate(shape):
        if length < 2:
            continue
        told: dict[int, Counts] = {}
        for k, (lengths, own) in enumerate(operands):
            place = axis - len(shape) + len(lengths)
            if place >= 0 and lengths[place] != 1:
                told[k] = of_axis(own, place, length)
        found = {counts for counts in told.values() if len(counts) > 1}
        if len(found) > 1:
            for k, counts in told.items():
                if 1 < len(counts) < length:
                    whole[k].add(axis - len(shape) + len(operands[k][0]))
            continue
        counts = next(iter(found), (length,))
        if len(counts) < length:
            runs[axis] = counts
    return whole, runs


def reshaped(old: Sequence[int], new: Sequence[int], runs: Runs) -> tuple[set[int], Runs]:
    """What becomes of runs where the same elements get other axes, in the same order.

    Returns:
        The axes that have to be made whole first, and the runs of the new axes.

    >>> reshaped((1, 197, 768), (1, 197, 12, 64), {2: (768,)})
    (set(), {2: (12,), 3: (64,)})
    >>> reshaped((1, 8, 2), (1, 16), {1: (8,)})
    ({1}, {})
    """
    whole: set[int] = set()
    found: dict[int, Counts] = {}
    for olds, news in _parts(old, new):
        short = [axis for axis in olds if axis in runs]
        wide, out = [a for a in olds if old[a] != 1], [a for a in news if new[a] != 1]
        if not short:
            continue
        if len(wide) == len(out) == 1:
            found[out[0]] = runs[wide[0]]
        elif all(len(runs.get(axis, (0, 0))) == 1 for axis in wide):
            found.update((axis, (new[axis],)) for axis in out)
        else:
            whole.update(short)
    return whole, found


def _parts(old: Sequence[int], new: Sequence[int]) -> list[tuple[range, range]]:
    """The axes, in as many parts as there can be, each having the same product before and after."""
    products: list[dict[int, int]] = []
    for lengths in (old, new):
        products.append({})
        total = 1
        for k, length in enumerate(lengths):
            total *= length
            products[-1][total] = k + 1  # the last such: ones go with what stands before them
    common = sorted(products[0].keys() & products[1].keys())
    cuts = [(0, 0), *((products[0][p], products[1][p]) for p in common)]
    return [(range(a, c), range(b, d)) for (a, b), (c, d) in pairwise(cuts)]
