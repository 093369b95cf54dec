"""What does a causal convolution with a state put out, and what do output and state read?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.conv import activation_work, conv_work
from cnnscope.analyzer.operators.families.spatial import per_channel
from cnnscope.analyzer.operators.filter_banks import FilterBank
from cnnscope.analyzer.operators.reading import Along, AxisRead, OutputReads, Whole, everything
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def causal_output(
    x: Tensor, w: Tensor, bias: Tensor | None = None, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    return x.of(x.shape), x.of((*x.dims[:2], w.dims[2] - 1))


def causal_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None,
    past: Tensor | None = None, *, activation: str = "none",
) -> Work:  # fmt: skip
    return conv_work(outputs, x, w, bias) + activation_work(activation) * outputs[0].size


def causal_reads(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None,
    past: Tensor | None = None,
) -> dict[int, OutputReads]:  # fmt: skip
    """Both read the row of the past states and the inputs behind one another."""
    kernel = int(w.dims[2])
    length = x.dims[2]
    channels = (Along(0), Along(1))
    out: OutputReads = (
        (*channels, Along(2, Window(kernel, before=kernel - 1))),
        per_channel(w, 1),
        (Along(1),),
        (*channels, Along(2, Window(kernel))),
    )
    state: tuple[tuple[AxisRead, ...], tuple[AxisRead, ...]]
    if isinstance(length, FreeDim):
        state = (*channels, Whole()), (*channels, Whole())
    else:
        state = (
            (*channels, Along(2, Window(before=kernel - 1 - length))),
            (*channels, Along(2, Window(before=-length))),
        )
    return {0: out, 1: (state[0], everything(w), (Whole(),), state[1])}


def causal_filters(x: Tensor, w: Tensor, *rest: Tensor | None) -> FilterBank | None:
    """Each channel has a kernel of its own: weights (C, 1, k)."""
    channels = w.dims[0]
    return FilterBank(1, 0, 1, channels) if isinstance(channels, int) else None


define(
    "CausalConvWithState",
    kind="convolution",
    infer=causal_output,
    work=causal_work,
    reads=causal_reads,
    filters=causal_filters,
)
