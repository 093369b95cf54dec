"""How many directions does a matrix of weights have, and how much of it is noise?

Singular values are the square roots of the eigenvalues of the products of its smaller side, ``A A^T`` or
``A^T A`` (its Gram matrix): work of the larger side times the smaller one squared, memory of the smaller one
squared, however long the filters are. It is reckoned in double precision, beyond `SINGLE` multiplications in
single; small singular values come out exact to some 1e-8, or 1e-4, of the largest.

What is left of random initialisation (Marchenko & Pastur 1967): the singular values of an n x m matrix of
independent numbers of variance s^2 and mean 0 lie between ``s*|sqrt(m) - sqrt(n)|`` and
``s*(sqrt(m) + sqrt(n))``, the *bulk*, but for edges that get sharp as the matrix grows. Here s^2 is the mean
square of the weights, however they are distributed; Martin & Mahoney (*Implicit self-regularization in deep
neural networks*, JMLR 22, 2021) tell from what lies outside how far training has gone.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass

#: shares of energy at which ranks are given
ENERGIES: Final = (0.90, 0.95, 0.99)
#: multiplications of a Gram matrix beyond which single precision is used
SINGLE: Final = 1 << 34
#: the longest smaller side of which the spectrum is told
MOST_SIDE: Final = 8192
#: the shortest side of a matrix that is held against the law for large ones
LEAST_BULK: Final = 16
_BLOCK: Final = 1 << 24


def gram_of(matrix: np.ndarray) -> np.ndarray | None:
    """The products of all pairs along the smaller side, rows if both are equal; None beyond `MOST_SIDE`."""
    rows, columns = matrix.shape
    upright = matrix if rows <= columns else matrix.T
    side, length = upright.shape
    if side > MOST_SIDE:
        return None
    if side * side * length > SINGLE and upright.dtype == np.float32:
        return np.asarray(upright @ upright.T)
    found = np.zeros((side, side))
    step = max(1, _BLOCK // max(1, side))
    for start in range(0, length, step):
        piece = upright[:, start : start + step].astype(np.float64)
        found += piece @ piece.T
    return found


def singular_values(gram: np.ndarray) -> np.ndarray:
    """Singular values, largest first, of the matrix whose Gram matrix this is."""
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0).astype(np.float64))


def group_spectra(matrices: np.ndarray) -> np.ndarray | None:
    """Singular values of each of several matrices of one shape, (count, smaller side); None where that is
    beyond `MOST_SIDE`."""
    count, rows, columns = matrices.shape
    if count == 1:
        gram = gram_of(matrices[0])
        return None if gram is None else singular_values(gram)[None]
    if min(rows, columns) > MOST_SIDE:
        return None
    found = [
        np.linalg.svd(matrices[i : i + step].astype(np.float64), compute_uv=False)
        for step in [max(1, _BLOCK // max(1, rows * columns))]
        for i in range(0, count, step)
    ]
    return np.concatenate(found)


def rank_at(values: np.ndarray, energy: float) -> int:
    """How many of the largest singular values hold that share of the sum of all their squares.

    Args:
        values: (matrices, singular values): the same number is kept of each.

    >>> rank_at(np.array([[3.0, 2.0, 1.0]]), 0.9), rank_at(np.array([[0.0]]), 0.9)
    (2, 0)
    """
    squares = (values**2).sum(axis=0)
    total = float(squares.sum())
    if not total:
        return 0
    # What rounding makes of the last bit of a sum is no reason for one more.
    held = np.cumsum(squares) / total
    return int(np.searchsorted(held, energy - 1e-12)) + 1


@dataclass(frozen=True, slots=True)
class Bulk:
    """Singular values against what independent random numbers of the same mean square would give.

    Args:
        low, high: the bulk's edges.
        share: of the singular values that lie between them, 0 to 1.
        above: how many are larger.
        energy_above: their share of the sum of all squares.
    """

    low: float
    high: float
    share: float
    above: int
    energy_above: float

    def to_dict(self) -> dict[str, object]:
        return {
            "low": self.low, "high": self.high, "share": self.share, "above": self.above,
            "energy_above": self.energy_above,
        }  # fmt: skip


def find_bulk(values: np.ndarray, rows: int, columns: int) -> Bulk | None:
    """Where the singular values of matrices of that shape lie; None for small matrices and zeros."""
    squares = values**2
    total = float(squares.sum())
    if min(rows, columns) < LEAST_BULK or not total:
        return None
    spread = math.sqrt(total / (values.shape[0] * rows * columns))
    long, short = math.sqrt(max(rows, columns)), math.sqrt(min(rows, columns))
    low, high = spread * (long - short), spread * (long + short)
    above = values > high
    inside = (values >= low) & ~above
    return Bulk(
        low, high, float(inside.mean()), int(np.count_nonzero(above)), float(squares[above].sum() / total)
    )  # fmt: skip
