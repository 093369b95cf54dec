"""What does MaxUnpool put out, and which inputs does each output read?

It puts values where a MaxPool's indices say. It inverts the pool of the same window (its indices lie
within that pool's windows, or it inverts nothing), so its reads are that window's turned round.
"""

from __future__ import annotations

from fractions import Fraction

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, Along, OutputReads
from cnnscope.analyzer.operators.rules import Ints, demand, each_axis
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def unpool_output(
    x: Tensor, indices: Tensor, output_shape: Tensor | None = None, *, kernel_shape: Ints = None,
    strides: Ints = None, pads: Ints = None, node_name: str = "",
) -> Tensor:  # fmt: skip
    demand(indices, "indices", *x.dims)
    count = x.rank - 2
    if output_shape is not None:
        if output_shape.value is None:
            free = [FreeDim.from_data(f"{node_name} length {i}") for i in range(count)]
            return x.of((*x.dims[:2], *free))
        return x.of((*x.dims[:2], *output_shape.lengths[-count:]))
    kernel = each_axis(kernel_shape, count, 1, "kernel_shape")
    steps = each_axis(strides, count, 1, "strides")
    ends = each_axis(pads, 2 * count, 0, "pads")
    return x.of((*x.dims[:2], *(
        (n - 1) * steps[i] + kernel[i] - ends[i] - ends[count + i]
        for i, n in enumerate(x.dims[2:])
    )))  # fmt: skip


def unpool_reads(
    outputs: tuple[Tensor, ...], x: Tensor, indices: Tensor, output_shape: Tensor | None = None, *,
    kernel_shape: Ints = None, strides: Ints = None, pads: Ints = None,
) -> OutputReads:  # fmt: skip
    count = x.rank - 2
    kernel = each_axis(kernel_shape, count, 1, "kernel_shape")
    steps = each_axis(strides, count, 1, "strides")
    ends = each_axis(pads, 2 * count, 0, "pads")
    reads = (Along(0), Along(1), *(
        Along(2 + i, Window(k, Fraction(1, s), Fraction(1, s), Fraction(k - 1 - ends[i], s)))
        for i, (k, s) in enumerate(zip(kernel, steps, strict=True))
    ))  # fmt: skip
    return reads, reads, NOTHING


define("MaxUnpool", kind="max unpooling", infer=unpool_output, reads=unpool_reads)
