"""With how few numbers could a layer's weights be written as smaller layers one after another?

Three ways, of a layer with C_out filters of C_in input channels and a kernel of k_1 x K' points (K' those of
all axes but the first), in each of its groups::

    (1)  channel  C_out x (C_in k_1 K') of rank r: the kernel to r channels, then 1 x 1 to C_out
                  weights  r (C_in k_1 K' + C_out)            Denton et al. 2014; Zhang et al. 2016
    (2)  spatial  (C_in k_1) x (K' C_out) of rank r: k_1 x 1 to r channels, then 1 x K' to C_out
                  weights  r (C_in k_1 + K' C_out)            Jaderberg et al. 2014; Tai et al. 2016
    (3)  Tucker-2 1 x 1 to r channels, the kernel to s channels, 1 x 1 to C_out
                  weights  C_in r + k_1 K' r s + s C_out      Kim et al. 2016

(1) and (2) keep the share of energy (of the sum of all squares) that the r largest singular values of the
matrix hold, and nothing of that rank keeps more (Eckart & Young 1936). (3) has a rank of its own for the
input channels, C_in x (C_out k_1 K'), and for the filters; with a share e held by each, at least 2 e - 1 is
kept (De Lathauwer et al. 2000). *Break-even* is the largest rank that takes fewer weights than the layer; of
(3) both ranks are cut in the same proportion. Energy isn't accuracy: what a network loses has to be measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.filters.bank import Bank
from cnnscope.analyzer.filters.spectra import ENERGIES, group_spectra, rank_at
from cnnscope.analyzer.values.plain_class import dataclass

Ranks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Positions:
    """Where a layer's filters stand.

    Args:
        outputs, inputs: positions along each axis of the kernel, in the output and in the input.
        batch: examples; without a kernel, how often the matrix is used.
    """

    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """The smaller layers at one share of energy.

    Args:
        energy: the share, 0 to 1.
        ranks: so many channels between them, in each group.
        weights: theirs; biases apart.
        macs: theirs; None: not known.
    """

    energy: float
    ranks: Ranks
    weights: int
    macs: int | None

    def to_dict(self) -> dict[str, object]:
        return {
            "energy": self.energy, "ranks": list(self.ranks), "weights": self.weights,
            "macs": self.macs,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LowRank:
    """One way of writing a layer as smaller ones.

    Args:
        form: ``"channel"``, ``"spatial"`` or ``"tucker"``.
        full: the ranks that keep everything.
        break_even: the largest with which it takes fewer weights; 0: there is none.
        cuts: at the shares of energy.
    """

    form: str
    full: Ranks
    break_even: Ranks
    cuts: tuple[Cut, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "form": self.form, "full": list(self.full), "break_even": list(self.break_even),
            "cuts": [cut.to_dict() for cut in self.cuts],
        }  # fmt: skip


def low_ranks(
    bank: Bank, channel_values: np.ndarray | None, positions: Positions | None
) -> Iterator[LowRank]:
    """The ways that a layer's shape allows, those whose spectra are told.

    Args:
        channel_values: singular values of (1), by group.
        positions: of a convolution; None: where it stands isn't known, or its operator is another.
    """
    layer = _Layer(bank, positions)
    if channel_values is not None:
        yield layer.channel(channel_values)
    if min(layer.first, layer.rest) > 1:
        yield from layer.spatial()
    if layer.first * layer.rest > 1 and min(layer.channels, layer.each) > 1:
        yield from layer.tucker(channel_values)


@dataclass(frozen=True, slots=True)
class _Places:
    """So many positions before, between and behind the two steps along a kernel's axes."""

    inputs: int
    between: int
    outputs: int


def _places(at: Positions) -> _Places:
    between = at.outputs[:1] + at.inputs[1:]
    return _Places(*(at.batch * math.prod(n) for n in (at.inputs, between, at.outputs)))


class _Layer:
    """A layer's weights by group: `each` filters of `channels`, a kernel of `first` x `rest` points."""

    def __init__(self, bank: Bank, positions: Positions | None) -> None:
        filters, self.channels = bank.numbers.shape[:2]
        self.groups, self.each = bank.groups, filters // bank.groups
        self.first = bank.kernel[0] if bank.kernel else 1
        self.rest = math.prod(bank.kernel[1:])
        shape = (self.groups, self.each, self.channels, self.first, self.rest)
        self.numbers = bank.numbers.reshape(shape)
        self.places = None if positions is None else _places(positions)

    def channel(self, values: np.ndarray) -> LowRank:
        """(1), given its singular values."""
        columns = self.channels * self.first * self.rest
        macs = None if self.places is None else self.places.outputs * (columns + self.each)
        return self._of_one_rank("channel", self.each, columns, values, macs)

    def spatial(self) -> Iterator[LowRank]:
        """(2), where its matrix isn't too large."""
        rows, columns = self.channels * self.first, self.each * self.rest
        matrices = self.numbers.transpose(0, 2, 3, 1, 4).reshape(self.groups, rows, columns)
        values, at = group_spectra(matrices), self.places
        if values is not None:
            macs = None if at is None else at.between * rows + at.outputs * columns
            yield self._of_one_rank("spatial", rows, columns, values, macs)

    def _of_one_rank(
        self, form: str, rows: int, columns: int, values: np.ndarray, macs: int | None
    ) -> LowRank:
        """A matrix as the product of two, of which each rank takes so many multiplications."""
        cuts = []
        for energy in ENERGIES:
            r = rank_at(values, energy)
            work = None if macs is None else self.groups * r * macs
            cuts.append(Cut(energy, (r,), self.groups * r * (rows + columns), work))
        full, best = min(rows, columns), (rows * columns - 1) // (rows + columns)
        return LowRank(form, (full,), (min(best, full),), tuple(cuts))

    def tucker(self, filter_values: np.ndarray | None) -> Iterator[LowRank]:
        """(3), given the singular values of (1)."""
        taps, channels, each = self.first * self.rest, self.channels, self.each
        turned = self.numbers.swapaxes(1, 2).reshape(self.groups, channels, each * taps)
        input_values, at = group_spectra(turned), self.places
        if input_values is None or filter_values is None:
            return
        cuts = []
        for energy in ENERGIES:
            r, s = rank_at(input_values, energy), rank_at(filter_values, energy)
            parts, macs = (channels * r, taps * r * s, s * each), None
            if at is not None:
                macs = self.groups * (at.inputs * parts[0] + at.outputs * (parts[1] + parts[2]))
            cuts.append(Cut(energy, (r, s), self.groups * sum(parts), macs))
        full = (min(channels, each * taps), min(each, channels * taps))
        yield LowRank("tucker", full, tucker_break_even(channels, each, taps), tuple(cuts))


def tucker_break_even(channels: int, filters: int, taps: int) -> Ranks:
    """The largest ranks, both cut in proportion, with which (3) takes fewer weights than the layer.

    >>> tucker_break_even(64, 64, 9)
    (57, 57)
    """
    # C_in r + k r s + s C_out with r = t C_in, s = t C_out grows with t: the root of a quadratic, then down.
    whole, b = taps * channels * filters, channels * channels + filters * filters
    share = (math.sqrt(b * b + 4 * whole * whole) - b) / (2 * whole)
    for step in range(3):
        t = Fraction(share).limit_denominator(1 << 30) - Fraction(step, max(channels, filters))
        r, s = max(0, math.floor(t * channels)), max(0, math.floor(t * filters))
        if channels * r + taps * r * s + s * filters < whole:
            return r, s
    return 0, 0
