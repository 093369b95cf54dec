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
from collections.abc import Callable, Iterator
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
    filters, channels = bank.numbers.shape[:2]
    kernel, groups = bank.kernel, bank.groups
    each = filters // groups
    first, rest = (kernel[0], math.prod(kernel[1:])) if kernel else (1, 1)
    taps = first * rest
    weights, places = bank.numbers.size, None if positions is None else _places(positions)

    def one(form: str, rows: int, columns: int, values: np.ndarray, work: _Work) -> LowRank:
        best = (rows * columns - 1) // (rows + columns)
        cuts = []
        for energy in ENERGIES:
            r = rank_at(values, energy)
            macs = None if places is None else groups * r * work(places)
            cuts.append(Cut(energy, (r,), groups * r * (rows + columns), macs))
        return LowRank(form, (min(rows, columns),), (min(best, rows, columns),), tuple(cuts))

    if channel_values is not None:
        yield one(
            "channel", each, channels * taps, channel_values,
            lambda at: at.outputs * (channels * taps + each),
        )  # fmt: skip
    if min(first, rest) > 1:
        split = bank.numbers.reshape(groups, each, channels, first, rest)
        matrices = split.transpose(0, 2, 3, 1, 4).reshape(groups, channels * first, each * rest)
        values = group_spectra(matrices)
        if values is not None:
            yield one(
                "spatial", channels * first, each * rest, values,
                lambda at: at.between * channels * first + at.outputs * rest * each,
            )  # fmt: skip
    if taps > 1 and min(channels, each) > 1 and channel_values is not None:
        yield from _tucker(bank, channel_values, places, weights)


@dataclass(frozen=True, slots=True)
class _Places:
    """So many positions before, between and behind the two steps along a kernel's axes."""

    inputs: int
    between: int
    outputs: int


_Work = Callable[[_Places], int]


def _places(at: Positions) -> _Places:
    between = at.outputs[:1] + at.inputs[1:]
    return _Places(*(at.batch * math.prod(n) for n in (at.inputs, between, at.outputs)))


def _tucker(
    bank: Bank, filter_values: np.ndarray, places: _Places | None, weights: int
) -> Iterator[LowRank]:
    filters, channels = bank.numbers.shape[:2]
    groups, taps = bank.groups, math.prod(bank.kernel)
    each = filters // groups
    split = bank.numbers.reshape(groups, each, channels, taps)
    input_values = group_spectra(split.swapaxes(1, 2).reshape(groups, channels, each * taps))
    if input_values is None:
        return
    cuts = []
    for energy in ENERGIES:
        r, s = rank_at(input_values, energy), rank_at(filter_values, energy)
        parts = (channels * r, taps * r * s, s * each)
        macs = None
        if places is not None:
            at = (places.inputs, places.outputs, places.outputs)
            macs = groups * sum(n * part for n, part in zip(at, parts, strict=True))
        cuts.append(Cut(energy, (r, s), groups * sum(parts), macs))
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
