"""How much hangs on each element of a node's input, given how much hangs on each of its output's?

The node's read, backwards. Counted uniformly, the elements that one output reads share its mass evenly:
the taps of a window, the channels of a group, all of an axis that is read whole; a tap in the padding
takes its share with it. Counted as paths each of them gets all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from cnnscope.analyzer.fields.effective_cells import MOVING, gathered, picked_by, tied_axes
from cnnscope.analyzer.fields.effective_links import Links, carried, window_links
from cnnscope.analyzer.fields.effective_mass import Mass, Values, settled
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    Coupled,
    Flat,
    Listed,
    Only,
    Part,
    Upto,
    straight,
)
from cnnscope.analyzer.operators.tapping import Weighted
from cnnscope.analyzer.passes.reads import KnownRead

Lengths = tuple[int, ...]


def mass_behind(
    mass: Mass, read: KnownRead, before: Lengths, after: Lengths, uniform: bool
) -> Mass | None:
    """What hangs on an input that is read; None: nothing.

    Args:
        mass: what hangs on the output.
        before, after: the input's and the output's lengths.
        uniform: what one output reads shares its mass; else each of it counts 1.

    Raises:
        ValueError: too much would have to be laid out, or it isn't known what is read.
    """
    if read is straight(len(before)) and before == after:
        return mass
    if isinstance(read, Flat):
        return mass.reshaped(after, before)
    if isinstance(read, Coupled):
        if read.parts is not None:
            return _of_parts(mass, read.parts, before, after, uniform)
        lengths = [before, *(_whole_numbers(shape) for _, shape in read.steps)]
        found: Mass | None = mass
        for k in reversed(range(len(read.steps))):
            if found is not None:
                step = read.steps[k][0]
                found = mass_behind(found, step, lengths[k], lengths[k + 1], uniform)
        return found
    if not isinstance(read, tuple):
        raise ValueError("what it reads isn't known")
    ways = cast("tuple[AxisRead | Weighted, ...]", read)
    return _Backwards(mass, after, uniform).through(ways, before)


def _whole_numbers(shape: Sequence[object]) -> Lengths:
    found = tuple([length for length in shape if isinstance(length, int)])
    if len(found) < len(shape):
        raise ValueError("a size on the way isn't known")
    return found


def _of_parts(
    mass: Mass, parts: Sequence[Part], before: Lengths, after: Lengths, uniform: bool
) -> Mass | None:
    """What is read in one of several ways, or in several: they share what hangs on a unit."""
    found: Mass | None = None
    cover: dict[object, Values] = {}
    for part in parts:
        key = None if part.where is None else (part.where[0], part.where[1].shape)
        mask = np.ones((), bool) if part.where is None else part.where[1]
        cover[key] = cover.get(key, np.zeros(())) + mask
    for part in parts:
        key = None if part.where is None else (part.where[0], part.where[1].shape)
        own = mass
        if part.where is not None:
            shares = part.where[1] / np.maximum(cover[key], 1) if uniform else part.where[1] * 1.0
            own = _scaled(mass, part.where[0], shares, after)
        elif uniform:
            own = mass.times(1 / float(cover[key]))
        one = mass_behind(own, part.reads, before, after, uniform)
        if one is not None:
            found = one if found is None else found.plus(one)
    return found


def _scaled(mass: Mass, first: int, shares: Values, lengths: Lengths) -> Mass:
    """A mass times other shares along some axes, from the first on."""
    axes = range(first, first + shares.ndim)
    laid = mass.whole(axes, lengths) * shares.reshape(
        *(1,) * first, *shares.shape, *(1,) * (len(lengths) - axes.stop)
    )
    rows = list(mass.rows)
    for axis in axes:
        laid, rows[axis] = settled(laid, axis, np.arange(lengths[axis]), lengths[axis])
    return Mass(laid, tuple(rows), mass.exponent)


class _Backwards:
    """A mass whose axes become those of an input, one after another.

    `at` names the axes of the values: k for the output's axis k, ~k for the input's.
    """

    def __init__(self, mass: Mass, after: Lengths, uniform: bool) -> None:
        self.values, self.exponent, self.after, self.uniform = (
            mass.values, mass.exponent, after, uniform,
        )  # fmt: skip
        self.at = list(range(len(after)))
        self.rows = dict(enumerate(mass.rows))

    def through(self, ways: Sequence[AxisRead | Weighted], before: Lengths) -> Mass | None:
        """The mass of the input; None: nothing arrives."""
        tied = tied_axes(ways)
        moving = {way.axis for way in ways if isinstance(way, MOVING)} | tied[1]
        for axis in range(len(self.after)):
            if axis not in moving:
                self._sum(axis)
        if tied[0] and not self._together(ways, before, *tied):
            return None
        for axis, (way, length) in enumerate(zip(ways, before, strict=True)):
            if axis not in tied[0] and not self._axis(axis, way, length):
                return None
        order = [self.at.index(~axis) for axis in range(len(before))]
        rows = tuple([self.rows[~axis] for axis in range(len(before))])
        return Mass(self.values.transpose(order), rows, self.exponent).levelled()

    def _sum(self, axis: int) -> None:
        """Drop an axis that no input's axis moves along: all its units read the same."""
        place, own = self.at.index(axis), self.rows.pop(axis)
        if own is None:
            found = self.values.squeeze(place) * self.after[axis]
        else:
            counts = np.bincount(own[own >= 0], minlength=self.values.shape[place])
            found = np.tensordot(self.values, counts.astype(np.float64), (place, 0))
        self.values = found
        del self.at[place]

    def _axis(self, axis: int, way: AxisRead | Weighted, length: int) -> bool:
        """One axis of the input, by itself; False: nothing of it is read."""
        if isinstance(way, Along):
            if way.window.is_identity and length == self.after[way.axis]:
                self.rows[~axis] = self.rows.pop(way.axis)
                self.at[self.at.index(way.axis)] = ~axis
                return True
            links = window_links(way.window, self.after[way.axis], length, self.uniform)
            return self._linked(axis, way.axis, links, length)
        if isinstance(way, Weighted):
            links = Links.of(way.outputs, way.inputs, way.weights)
            return self._linked(axis, way.axis, links, length)
        if isinstance(way, Listed):
            return self._listed(axis, way, length)
        if isinstance(way, Upto):
            return self._scanned(axis, way, length)
        first, last = (way.lo, way.hi) if isinstance(way, Only) else (0, length - 1)
        first, last = max(first, 0), min(last, length - 1)
        if last < first:
            return False
        self.values = self.values[..., None]
        if self.uniform:
            self.values = self.values / (last - first + 1)
        rows = None
        if last - first + 1 < length:
            rows = np.full(length, -1)
            rows[first : last + 1] = 0
        self.at.append(~axis)
        self.rows[~axis] = rows
        return True

    def _linked(self, axis: int, output: int, links: Links, length: int) -> bool:
        place = self.at.index(output)
        found = carried(self.values, place, self.rows.pop(output), links, length)
        if found is None:
            return False
        self.values, self.rows[~axis] = found
        self.at[place] = ~axis
        return True

    def _listed(self, axis: int, way: Listed, length: int) -> bool:
        """Ranges of inputs: outputs with the same are one, inputs that lie in the same ones, too."""
        spans = np.array([(1, 0) if row is None else row for row in way.rows]).reshape(-1, 2)
        first, last = np.maximum(spans[:, 0], 0), np.minimum(spans[:, 1], length - 1)
        there = np.flatnonzero(first <= last)
        pairs, number = np.unique(
            np.stack([first[there], last[there]]), axis=1, return_inverse=True
        )
        number = number.reshape(-1)
        if not there.size or not self._linked(
            axis, way.axis, Links.of(there, number, None), pairs.shape[1]
        ):
            return False
        edges = np.unique(np.concatenate([[0, length], pairs[0], pairs[1] + 1]))
        inside = (pairs[0][:, None] <= edges[:-1]) & (edges[:-1] <= pairs[1][:, None])
        outputs, inputs = np.nonzero(inside)
        weights = 1 / (pairs[1] - pairs[0] + 1)[outputs] if self.uniform else None
        place, own = self.at.index(~axis), self.rows[~axis]
        found = carried(self.values, place, own, Links.of(outputs, inputs, weights), len(edges) - 1)
        assert found is not None
        self.values, own = found
        runs = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        self.rows[~axis] = None if own is None else own[runs]
        return True

    def _scanned(self, axis: int, way: Upto, length: int) -> bool:
        """Every input up to an output's own index, or from it on."""
        place, count = self.at.index(way.axis), self.after[way.axis]
        own = self.rows.pop(way.axis)
        laid = Mass(
            self.values, tuple([own if k == place else None for k in range(self.values.ndim)])
        )
        values = laid.whole([place], [count if k == place else 1 for k in range(self.values.ndim)])
        values = np.moveaxis(values, place, -1)
        if way.reverse:
            values = values[..., ::-1]
        if self.uniform:
            values = values / np.minimum(np.arange(1, count + 1), length)
        values = np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
        if length > count:
            values = np.concatenate([values, np.zeros((*values.shape[:-1], length - count))], -1)
        values = values[..., :length]
        if way.reverse:
            values = values[..., ::-1]
        values = np.moveaxis(values, -1, place)
        self.values, self.rows[~axis] = settled(values, place, np.arange(length), length)
        self.at[place] = ~axis
        return bool(self.values.size)

    # -- axes that are read together ---------------------------------------------------------------

    def _together(
        self, ways: Sequence[AxisRead | Weighted], before: Lengths, inputs: list[int],
        outputs: set[int],
    ) -> bool:  # fmt: skip
        """Some axes of the input, each output of theirs reading one element; False: nothing is read."""
        axes = sorted(outputs)
        cells = tuple(self.after[axis] for axis in axes)
        places = [self.at.index(axis) for axis in axes]
        laid = Mass(self.values, tuple([self.rows[axis] for axis in self.at]))
        values = laid.whole(places, [self.after[axis] if axis >= 0 else 1 for axis in self.at])
        values = np.moveaxis(values, places, range(len(axes)))
        picked = [picked_by(ways[axis], axes, cells, before[axis]) for axis in inputs]
        found = gathered(values, picked, [before[axis] for axis in inputs])
        if found is None:
            return False
        self.values, rows = found
        self.at = [*(~axis for axis in inputs), *(axis for axis in self.at if axis not in outputs)]
        for axis in outputs:
            del self.rows[axis]
        self.rows.update({~axis: own for axis, own in zip(inputs, rows, strict=True)})
        return True
