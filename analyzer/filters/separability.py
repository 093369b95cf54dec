"""Is a kernel the outer product of two lines, and how nearly?

A slice is the kernel of one filter for one input channel; as a matrix, its first axis against all others
(rows against columns; of a volume, depth against the plane), it has rank 1 where the slice is separable: a
convolution along one axis followed by one along the other gives the same. Its rank is how many of its
singular values are more than rounding to the stored type may have made of zeros (`Rounding`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cnnscope.analyzer.filters.bank import Rounding
from cnnscope.analyzer.values.plain_class import dataclass

_BLOCK: Final = 1 << 21  # numbers worked on at a time


@dataclass(frozen=True, eq=False)
class Separability:
    """The ranks of a layer's slices.

    Args:
        ranks: rank to how many slices have it; 0: nothing but zeros.
        most: the rank that a slice of this shape may have.
        energy: the share of the sum of all squares that the best separable kernels hold; None of zeros.
        filter_energy: the same of each filter; NaN of zeros.
        filter_ranks: of each filter, the largest rank among its slices.
    """

    ranks: dict[int, int]
    most: int
    energy: float | None
    filter_energy: np.ndarray
    filter_ranks: np.ndarray

    @property
    def separable(self) -> bool:
        """Every slice is an outer product, or zero."""
        return max(self.ranks, default=0) <= 1

    def to_dict(self) -> dict[str, object]:
        return {
            "separable": self.separable,
            "ranks": {str(rank): count for rank, count in self.ranks.items()},
            "most": self.most,
            "energy": self.energy,
        }


def find_separability(numbers: np.ndarray, rounding: Rounding) -> Separability | None:
    """The ranks of all slices of (filters, channels, *kernel); None where a kernel is no matrix."""
    kernel = numbers.shape[2:]
    rows = kernel[0] if kernel else 1
    columns = int(np.prod(kernel[1:]))
    if min(rows, columns) < 2:
        return None
    filters, channels = numbers.shape[:2]
    first, whole = np.zeros(filters), np.zeros(filters)
    highest = np.zeros(filters, np.int64)
    counted = np.zeros(min(rows, columns) + 1, np.int64)
    step = max(1, _BLOCK // max(1, channels * rows * columns))
    for start in range(0, filters, step):
        at = slice(start, start + step)
        slices = numbers[at].reshape(-1, channels, rows, columns).astype(np.float64)
        values = np.linalg.svd(slices, compute_uv=False)
        squares = values**2
        total = squares.sum(axis=-1)
        limits = rounding.of_norms(np.sqrt(total), rows * columns)
        ranks = np.count_nonzero(values > limits[..., None], axis=-1)
        counted += np.bincount(ranks.ravel(), minlength=len(counted))
        first[at], whole[at] = squares[..., 0].sum(axis=1), total.sum(axis=1)
        highest[at] = ranks.max(axis=1, initial=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = first / whole
    return Separability(
        {rank: int(count) for rank, count in enumerate(counted) if count},
        min(rows, columns),
        float(first.sum() / whole.sum()) if whole.sum() else None,
        shares,
        highest,
    )
