"""How are kernels drawn: which arrays does a picture of filters take?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def kernel_images(
    numbers: np.ndarray, channel: int | None = None, *, together: bool = False
) -> NDArray[np.float32]:
    """Filters as images whose grey 0.5 is a weight of 0, 0 and 1 the largest absolute value.

    Args:
        numbers: (filters, input channels, *kernel).
        channel: of which input channel; None: three are colours, one is grey.
        together: one scale for all filters, so that weak ones are pale; else each has its own.

    Returns:
        (filters, *kernel), or (filters, *kernel, 3) in colour; a kernel of one axis has a height of 1. What
        isn't a finite number is NaN.

    Raises:
        ValueError: a matrix has no kernels, there is no such channel, or there are too many to be colours.

    >>> kernel_images(np.array([[[[1.0, -2.0], [0.0, 2.0]]]])).tolist()
    [[[0.75, 0.0], [0.5, 1.0]]]
    """
    channels = numbers.shape[1]
    if numbers.ndim < 3:
        raise ValueError("its weights are a matrix: there are no kernels to draw")
    if channel is None and channels not in (1, 3):
        raise ValueError(f"kernels of {channels} input channels aren't colours: give channel=")
    if channel is not None and not -channels <= channel < channels:
        raise ValueError(f"there is no input channel {channel}: it has {channels}")
    colour = channel is None and channels == 3
    chosen = numbers if colour else numbers[:, [0 if channel is None else channel]]
    found = np.moveaxis(chosen, 1, -1).astype(np.float64)
    if numbers.ndim == 3:
        found = found[:, None]
    found = np.where(np.isfinite(found), found, np.nan)
    inside = tuple(range(1, found.ndim))
    sizes = np.nan_to_num(np.abs(found)).max(axis=inside, initial=0)
    if together:
        sizes = np.full_like(sizes, sizes.max(initial=0))
    scale = np.where(sizes > 0, sizes, 1).reshape(-1, *[1] * (found.ndim - 1))
    images = (0.5 + found / scale / 2).astype(np.float32)
    return images if colour else images[..., 0]
