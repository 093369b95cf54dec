"""LSTM, GRU, RNN: shapes, work and reads, against ONNX Runtime, onnx.reference and by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import onnx.reference
import pytest
from single_node import (
    assert_reads,
    assert_shapes,
    case,
    infer,
    model,
    reads,
    run,
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Upto, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor

T, B, WIDTH, H = 4, 2, 3, 5
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def recurrent(op: str, direction: str = "forward", *, bias: bool = True, states: bool = False,
              peephole: bool = False, lengths: bool = False, outputs: int = 0, layout: int = 0,
              opset: int = 21, t: int = T, i: int = WIDTH, h: int = H, b: int = B,
              **attributes: Any) -> Any:  # fmt: skip
    g, d = GATES[op], DIRECTIONS[direction]
    state = (b, d, h) if layout else (d, b, h)
    inputs: list[Any] = [
        (b, t, i) if layout else (t, b, i), (d, g * h, i), (d, g * h, h),
        (d, 2 * g * h) if bias else None,
        np.array([t, t - 1], np.int32) if lengths else None,
        state if states else None,
    ]  # fmt: skip
    if op == "LSTM":
        inputs += [state if states else None, (d, 3 * h) if peephole else None]
    while inputs[-1] is None:
        inputs.pop()
    if layout:
        attributes["layout"] = layout
    return case(op, *inputs, direction=direction, hidden_size=h, opset=opset,
                outputs=outputs or (3 if op == "LSTM" else 2), **attributes)  # fmt: skip


def macs(op: str, t: int = T, b: int = B, i: int = WIDTH, h: int = H, d: int = 1) -> Work:
    return Work(float_macs=t * b * d * GATES[op] * h * (i + h))


CELLS = T * B * H
#: activations and gates' products per cell, written out
LSTM = Work(exp=3 + 1 + 1, mul=3, add=1)
GRU = Work(exp=2 + 1, mul=1 + 2, add=2)

RUN = [
    # reference.md d4: T10 in16 hid32 is 61,440 MACs, for one gate: an RNN's 15,360 x 4
    (recurrent("LSTM", t=10, i=16, h=32, b=1), macs("LSTM", 10, 1, 16, 32)
     + (LSTM + Work(bias=4)) * 320),
    (recurrent("LSTM"), macs("LSTM") + (LSTM + Work(bias=4)) * CELLS),
    (recurrent("LSTM", bias=False), macs("LSTM") + LSTM * CELLS),
    (recurrent("LSTM", "reverse"), macs("LSTM") + (LSTM + Work(bias=4)) * CELLS),
    (recurrent("LSTM", "bidirectional", states=True),
     (macs("LSTM") + (LSTM + Work(bias=4)) * CELLS) * 2),
    (recurrent("LSTM", peephole=True, states=True),
     macs("LSTM") + (LSTM + Work(bias=4, mul=3, add=3)) * CELLS),
    (recurrent("LSTM", clip=3.0), macs("LSTM") + (LSTM + Work(bias=4, compare=8)) * CELLS),
    (recurrent("LSTM", input_forget=1),
     macs("LSTM") + (Work(exp=4, mul=3, add=2) + Work(bias=4)) * CELLS),
    (recurrent("LSTM", activations=["Relu", "HardSigmoid", "Softsign"]),
     macs("LSTM") + Work(compare=3, bias=4, mul=3, add=1) * CELLS
     + Work(mul=1, add=1, compare=2) * CELLS + Work(compare=1, add=1, div=1) * CELLS),
    (recurrent("LSTM", opset=7), macs("LSTM") + (LSTM + Work(bias=4)) * CELLS),
    (recurrent("GRU"), macs("GRU") + (GRU + Work(bias=3)) * CELLS),
    (recurrent("GRU", linear_before_reset=1),
     macs("GRU") + (GRU + Work(bias=4, add=1)) * CELLS),
    (recurrent("GRU", "bidirectional", states=True),
     (macs("GRU") + (GRU + Work(bias=3)) * CELLS) * 2),
    (recurrent("GRU", "reverse", opset=7), macs("GRU") + (GRU + Work(bias=3)) * CELLS),
    (recurrent("RNN"), macs("RNN") + Work(exp=1, bias=1) * CELLS),
    (recurrent("RNN", "bidirectional", activations=["Relu", "Tanh"]),
     macs("RNN") * 2 + Work(compare=1, exp=1, bias=2) * CELLS),
    (recurrent("RNN", lengths=True, bias=False), macs("RNN") + Work(exp=1) * CELLS),
    (recurrent("LSTM", outputs=1), macs("LSTM") + (LSTM + Work(bias=4)) * CELLS),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), RUN, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


def test_published_count() -> None:
    """reference.md d4."""
    assert work(recurrent("LSTM", t=10, i=16, h=32, b=1)).macs == 61_440


@pytest.mark.parametrize(("op", "direction", "output"),
                         [*product(GATES, DIRECTIONS, (0, 1, 2))])  # fmt: skip
def test_reads_are_what_execution_depends_on(op: str, direction: str, output: int) -> None:
    c = recurrent(op, direction, states=True, h=3)
    if output < c.outputs:
        states = (5, 6) if op == "LSTM" else (5,)
        assert_reads(c, 0, *states, output=output)


def test_time_is_scanned() -> None:
    found = reads(recurrent("GRU"))
    assert found[0][0] == (Upto(0), Along(2), Whole())
    assert found[1][0] == (Whole(spatial=True), Along(1), Whole())
    assert reads(recurrent("GRU", "reverse"))[0][0][0] == Upto(0, reverse=True)
    assert reads(recurrent("GRU", "bidirectional"))[0][0][0] == Whole(spatial=True)


@pytest.mark.parametrize("op", GATES)
def test_batch_first(op: str) -> None:
    c = recurrent(op, layout=1, states=True)
    feeds = {f"x{i}": x for i, x in enumerate(c.inputs) if x is not None}
    y = onnx.reference.ReferenceEvaluator(model(c)).run(None, feeds)
    mine = [t.shape for t in infer(c)]
    assert mine[0] == (B, T, 1, H)
    assert mine[1] == (B, 1, H)
    assert mine[0] == y[0].shape
    assert reads(c)[0][0] == (Along(0), Upto(1), Whole())
    assert reads(c)[0][5] == (Along(0), Along(2), Whole())
    assert reads(c)[1][0] == (Along(0), Whole(spatial=True), Whole())
    turned = recurrent(op, states=True)
    assert work(c) == work(turned)


def test_inner_outputs_may_be_omitted() -> None:
    c = recurrent("LSTM", outputs=2)
    assert len(infer(c)) == len(run(c)) == 2


def test_eight_bits() -> None:
    one = np.float32(0.1)
    w = np.random.default_rng(0).integers(1, 200, (1, WIDTH, 4 * H)).astype(np.uint8)
    r = np.random.default_rng(1).integers(1, 200, (1, H, 4 * H)).astype(np.uint8)
    zero = np.zeros((1,), np.uint8)
    c = case("DynamicQuantizeLSTM", (T, B, WIDTH), w, r, (1, 8 * H), None, None, None, None,
             np.full(1, one), zero, np.full(1, one), zero, const=(1, 2), outputs=3, hidden_size=H,
             domain="com.microsoft")  # fmt: skip
    assert_shapes(c)
    gates = T * B * 4 * H
    quantized = Work(div=1, compare=5, add=1) * (T * B * (WIDTH + H))
    assert work(c) == (Work(int_macs=gates * (WIDTH + H)) + quantized + Work(mul=2, add=1) * gates
                       + (LSTM + Work(bias=4)) * CELLS)  # fmt: skip


def test_free_dimensions() -> None:
    t, n = FreeDim.named("T"), FreeDim.named("N")
    x, w, r = (Tensor("float32", s) for s in ((t, n, 3), (2, 20, 3), (2, 20, 5)))
    rule = lookup("", "LSTM", 21)
    assert rule is not None
    y = rule.infer(x, w, r, direction="bidirectional", output_count=3)
    assert [tensor.shape for tensor in y] == [(t, 2, n, 5), (2, n, 5), (2, n, 5)]
    assert rule.work is not None
    assert rule.work(y, x, w, r, direction="bidirectional").macs == t * n * (120 + 200)
    unknown = rule.infer(Tensor("float16"), w, r, direction="bidirectional")
    assert unknown[0].dtype == "float16"
    assert unknown[0].shape is None


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="unknown activation Foo"):
        work(recurrent("RNN", activations=["Foo"]))
    with pytest.raises(ValueError, match="3 axes"):
        infer(case("RNN", (3, 4), (1, 5, 4), (1, 5, 5)))


IGNORED = {
    (op, attribute): why
    for op in GATES
    for attribute, why in {
        "activation_alpha": "a factor, whatever it is",
        "activation_beta": "a factor, whatever it is",
        "output_sequence": "opset 1: the node's outputs say whether Y is put out",
    }.items()
}


def test_every_attribute_is_named_or_ignored() -> None:
    assert unnamed_attributes(*GATES) == set(IGNORED)
