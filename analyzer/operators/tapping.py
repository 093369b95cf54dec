"""How much does an output hang on each of the inputs that it reads? Taps as a value.

Where nothing else is said, all that an output reads counts alike. An operator's rule `taps` says what is
otherwise: taps whose weights are known, factors that merely scale, places that count more than others.
As `reads` it gets the outputs, then the inputs; and, where it names it, by keyword `per_input` what the
output reads of each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Whole, straight
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """This input axis is read along an output axis, with known weights.

    Args:
        axis: the output's.
        outputs, inputs, weights: which output index reads which input index, and how much that counts;
            the weights of an output sum to 1.
    """

    axis: int
    outputs: np.ndarray
    inputs: np.ndarray
    weights: np.ndarray


#: an input's axes, each as it is read or as it is weighted; None: as the operator's reads have it
Taps = tuple[AxisRead | Weighted, ...] | None
#: one input: the ways in which it is read, each with what it counts
Mixture = tuple[tuple[float, Taps], ...]
#: for one output: an input each; None: as the operator's reads have it, in sum 1
OutputTaps = Sequence[Mixture | None]


def factor_taps(outputs: tuple[Tensor, ...], *inputs: Tensor | None) -> OutputTaps:
    """A product, or a quotient: a factor that scales n elements of the output each counts 1/n.

    With y = a*b, the expected squared derivatives are E[b^2] by a and E[a^2] by b: factors of the
    output's own size count alike, as addends do. A gate (squeeze-excitation) has one number for n
    places, and its own derivative is that of a mean over as many: of each of them 1/n, squared and
    summed 1/n (times 1/4 for a sigmoid's slope over its value, which isn't looked at here).
    """
    size = outputs[0].size
    found: list[Mixture | None] = []
    for x in inputs:
        times = 1 if x is None or not x.size else size // x.size
        found.append(((1 / times, None),) if isinstance(times, int) and times > 1 else None)
    return found


def _own_place(
    rest: int,
    outputs: tuple[Tensor, ...],
    inputs: Sequence[Tensor | None],
    per_input: Sequence[object],
) -> OutputTaps:
    """Of inputs of the output's shape, the element at its own place, but for a share of `rest` over the
    number of those read."""
    found: list[Mixture | None] = []
    for x, read in zip(inputs, per_input, strict=True):
        count = _count(x, read) if x is not None and x.dims == outputs[0].dims else 0
        if x is None or count <= rest:
            found.append(None)
        else:
            found.append(((1 - rest / count, straight(len(x.dims))), (rest / count, None)))
    return found


def _count(x: Tensor, read: object) -> int:
    """How many elements one output reads."""
    counts = []
    for length, way in zip(x.dims, read, strict=True) if isinstance(read, tuple) else ():
        if isinstance(way, Whole) and isinstance(length, int):
            counts.append(length)
        elif isinstance(way, Listed):
            counts.append(max((row[1] - row[0] + 1 for row in way.rows if row), default=1))
        elif isinstance(way, Along):
            counts.append(way.window.size)
    return math.prod(counts)


def standardizing_taps(
    outputs: tuple[Tensor, ...], *inputs: Tensor | None, per_input: Sequence[object]
) -> OutputTaps:
    """A normalisation over n elements: the output's own place counts all but 2/n.

    By y = (x - mean)/std, dy_i/dx_j = (d_ij - 1/n - y_i*y_j/n)/std: squared and averaged with
    E[y^2] = 1, near 1 for i = j, and 2/n^2 for each of the others.
    """
    return _own_place(2, outputs, inputs, per_input)


def softmax_taps(
    outputs: tuple[Tensor, ...], *inputs: Tensor | None, per_input: Sequence[object]
) -> OutputTaps:
    """A softmax over n elements: the output's own place counts all but 1/n.

    By dy_i/dx_j = y_i*(d_ij - y_j) with all y = 1/n, squared: (n - 1)^2 for i = j, to 1 for each of
    the n - 1 others.
    """
    return _own_place(1, outputs, inputs, per_input)
