"""Which models are on a fleet's page one by one, where they are too many? The extreme ones, and a sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.fleet.number_column import UNKNOWN

if TYPE_CHECKING:
    import numpy

#: largest, and smallest, models of each figure
EXTREMES: Final = 200
#: models of the sample
SAMPLE: Final = 10_000


def lot(path: str) -> int:
    """A number by which a model is in the sample or not: by its path, so that another scan keeps the same."""
    return int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()[:7], "big")


def kept_models(
    figures: Iterable[numpy.ndarray], lots: numpy.ndarray, examples: Iterable[int]
) -> set[int]:
    """Which rows are kept.

    Args:
        figures: a model's each, for each figure.
        lots: a model's each, see `lot`.
        examples: rows that are kept in any case.

    >>> import numpy as np
    >>> sizes, lots = np.arange(100_000), np.full(100_000, UNKNOWN)
    >>> found = kept_models([sizes], lots, [500])
    >>> len(found), min(found), 500 in found, 99_999 in found
    (401, 0, True, True)
    """
    import numpy as np

    found = set(examples)
    for values in figures:
        known = np.nonzero(values != UNKNOWN)[0]
        order = known[np.argsort(values[known], kind="stable")]
        found.update(order[:EXTREMES].tolist(), order[-EXTREMES:].tolist())
    drawn = np.nonzero(lots != UNKNOWN)[0]
    found.update(drawn[np.argsort(lots[drawn], kind="stable")][:SAMPLE].tolist())
    return found
