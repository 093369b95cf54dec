"""What do the smaller normalisations put out, what work are they, and what do they normalise over?

MeanVarianceNormalization, LpNormalization and LRN; the greater ones have files of their own
(`batch_normalization`, `group_normalization`, `layer_normalization`).
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.standardizing import centered, over
from cnnscope.analyzer.operators.reading import Along, OutputReads
from cnnscope.analyzer.operators.rules import in_range, same
from cnnscope.analyzer.operators.tapping import standardizing_taps
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def mean_variance_axes(x: Tensor, axes: tuple[int, ...]) -> set[int]:
    return {in_range(axis, x.rank) for axis in axes}


def mean_variance_work(
    outputs: tuple[Tensor, ...], x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)
) -> Work:
    # Its definition divides by the deviation: N divisions for G and N multiplications.
    kept = set(range(x.rank)).difference(mean_variance_axes(x, axes))
    groups = product(x.dims[axis] for axis in sorted(kept))
    deviation = Work(mul=x.size, add=x.size, div=groups + x.size, sqrt=groups)
    return centered(x.size, groups) + deviation


def mean_variance_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)
) -> OutputReads:
    return (over(x, mean_variance_axes(x, axes)),)


def lp_output(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    if x.shape is not None:
        in_range(axis, x.rank)
    if p not in (1, 2):
        raise ValueError(f"p is {p}, 1 or 2 is wanted")
    return x.of(x.shape)


def lrn_output(x: Tensor, *, size: int) -> Tensor:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}, an odd number is wanted")
    if x.shape is not None and x.rank < 3:
        raise ValueError(f"a tensor of {x.rank} axes isn't made of channels of positions")
    return x.of(x.shape)


def lp_work(outputs: tuple[Tensor, ...], x: Tensor, *, axis: int = -1, p: int = 2) -> Work:
    place = in_range(axis, x.rank)
    rows = product(dim for i, dim in enumerate(x.dims) if i != place)
    if p == 1:
        return Work(compare=x.size, add=x.size - rows, div=x.size)
    return Work(mul=x.size, add=x.size - rows, sqrt=rows, div=x.size)


def lp_reads(outputs: tuple[Tensor, ...], x: Tensor, *, axis: int = -1) -> OutputReads:
    return (over(x, {in_range(axis, x.rank)}),)


def lrn_work(outputs: tuple[Tensor, ...], x: Tensor, *, size: int) -> Work:
    """``x / (bias + alpha/size * s)**beta``, s the sum of `size` squares, zeros beyond the ends
    counted like a convolution's."""
    return Work(mul=2, add=size - 1 + 1, exp=1, div=1) * x.size


def lrn_reads(outputs: tuple[Tensor, ...], x: Tensor, *, size: int) -> OutputReads:
    window = Window(size, before=(size - 1) // 2, after=size // 2)
    return (tuple(Along(i, window) if i == 1 else Along(i) for i in range(x.rank)),)


define("MeanVarianceNormalization", kind="normalization",
       infer=same, work=mean_variance_work, reads=mean_variance_reads, taps=standardizing_taps)  # fmt: skip
define(
    "LpNormalization",
    kind="normalization",
    infer=lp_output,
    work=lp_work,
    reads=lp_reads,
    taps=standardizing_taps,
)
define("LRN", kind="normalization", infer=lrn_output, work=lrn_work, reads=lrn_reads)
