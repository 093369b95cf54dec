"""What work is an LSTM, with weights of floats or of 8 bits?

Beside (1) and (2) of `recurrent`, per cell the gates' activations and products. `input_forget` replaces
the forget gate's activation by ``1 - i``; its product is still made. ONNX Runtime's LSTM with 8-bit
weights has them the other way round: W is (D, I, 4H), R is (D, H, 4H).
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.recurrent import (
    STATES,
    activated,
    cells,
    directions,
    products,
    sequence_output,
    sequence_reads,
    steps_and_batch,
    with_gates,
)
from cnnscope.analyzer.operators.families.requantizing import QUANTIZE_DYNAMICALLY
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def lstm_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *,
    direction: str = "forward",
    layout: int = 0,
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
    input_forget: int = 0,
) -> Work:
    return products(x, w, r, layout) + lstm_cells(
        b, p, direction, activations, clip, input_forget
    ) * cells(x, r, layout)


def lstm_cells(
    b: Tensor | None,
    p: Tensor | None,
    direction: str,
    names: tuple[str, ...] | None,
    clip: float | None,
    input_forget: int,
) -> Work:
    """f, i, o from the first activation, the candidate from the second, the output's the third."""
    count = directions(direction)
    work = activated(names, ("Sigmoid", "Tanh", "Tanh"), (2 if input_forget else 3, 1, 1), count)
    # C = f*C + i*c, H = o*h(C); 1 - i where the gates are coupled
    work = work + Work(mul=3, add=2 if input_forget else 1) * count
    if p is not None:
        work = work + Work(mul=3, add=3) * count
    if b is not None:
        work = work + Work(bias=4) * count
    return work if clip is None else work + Work(compare=2 * 4) * count


def _turned(w: Tensor) -> Tensor:
    return w if w.shape is None else w.of((*w.shape[:-2], *reversed(w.shape[-2:])))


def quantized_output(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *_: Tensor | None,
    hidden_size: int | None = None,
    direction: str = "forward",
    output_count: int = 3,
    node_name: str = "",
) -> tuple[Tensor, ...]:
    return sequence_output(
        x, _turned(w), _turned(r), b, sequence_lens, initial_h, initial_c, p, gates=4,
        hidden_size=hidden_size, direction=direction, output_count=output_count,
        node_name=node_name,
    )  # fmt: skip


def quantized_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *quantization: Tensor | None,
    direction: str = "forward",
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
    input_forget: int = 0,
) -> Work:
    """X and H are quantised for every direction's products, these scaled back and added up."""
    steps, batch = steps_and_batch(x, 0)
    count, hidden = directions(direction), r.dims[1]
    macs = Work(int_macs=steps * batch * (w.size + r.size))
    quantized = QUANTIZE_DYNAMICALLY * (steps * batch * (x.dims[2] + count * hidden))
    gates = steps * batch * count * 4 * hidden
    cell = lstm_cells(b, p, direction, activations, clip, input_forget)
    return macs + quantized + Work(mul=2, add=1) * gates + cell * (steps * batch * hidden)


define(
    "LSTM",
    kind="recurrent",
    infer=with_gates(4),
    work=lstm_work,
    reads=sequence_reads,
    roles=STATES,
)
define("DynamicQuantizeLSTM", scheme="dynamic", kind="recurrent", domain=MICROSOFT,
       infer=quantized_output, work=quantized_work, reads=sequence_reads,
       roles=STATES | constants(8, 9, 10, 11))  # fmt: skip
