"""What work is it to bring numbers to a mean of 0 and a variance of 1, and what does that read?

With N elements in G groups of n = N/G that share their statistics, the textbook's two passes are ::

    (1)   mean = sum(x) / n                     N - G additions, G divisions
    (2)   d = x - mean                          N additions
    (3)   var = sum(d*d) / n                    N multiplications, N - G additions, G divisions
    (4)   r = 1 / sqrt(var + epsilon)           G additions, G roots, G divisions
    (5)   y = d*r*scale + bias                  N multiplications; N more for scale, N additions

Reads: the axes normalised over are read whole, the others index by index.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.reading import Along, AxisRead, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def standardized(size: Dim, groups: Dim) -> Work:
    """(1) to (4), and (5) without scale and bias."""
    return centered(size, groups) + rooted(size, groups)


def centered(size: Dim, groups: Dim) -> Work:
    """(1) and (2)."""
    return Work(add=2 * size - groups, div=groups)


def rooted(size: Dim, groups: Dim) -> Work:
    """(3), (4), and the multiplication of (5)."""
    return Work(mul=2 * size, add=size, div=2 * groups, sqrt=groups)


def over(x: Tensor, axes: range | set[int]) -> tuple[AxisRead, ...]:
    """The reads of an operator that keeps the shape and normalises over these axes."""
    return tuple(Whole() if axis in axes else Along(axis) for axis in range(x.rank))


def per_channel(parameter: Tensor, axis: int) -> tuple[AxisRead, ...]:
    """One value per index of the output's axis; the last axes of the parameter follow on."""
    return tuple(Along(axis + place) for place in range(parameter.rank))
