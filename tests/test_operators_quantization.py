"""Quantisation: shapes, work and reads, against ONNX Runtime, onnx.shape_inference and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from single_node import (
    assert_reads,
    assert_shapes,
    case,
    infer,
    model,
    reads,
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import DTYPES, Tensor

MS: dict[str, Any] = {"domain": "com.microsoft"}
SCALE, ZERO = np.float32(0.05), np.uint8(7)


def u8(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(1, 200, shape).astype(np.uint8)


def scales(*shape: int) -> np.ndarray:
    return np.linspace(0.01, 0.1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


QUANTIZE = Work(div=1, add=1, compare=3)
DEQUANTIZE = Work(mul=1, add=1)
X, SIZE = (2, 3, 4), 24

RUN = [
    (case("QuantizeLinear", X, SCALE, ZERO), QUANTIZE * SIZE),
    (case("QuantizeLinear", X, SCALE), Work(div=1, compare=3) * SIZE),
    (case("QuantizeLinear", X, SCALE, np.int8(1), opset=10), QUANTIZE * SIZE),
    (case("QuantizeLinear", X, scales(3), u8(3), axis=1, opset=13), QUANTIZE * SIZE),
    (case("QuantizeLinear", X, scales(4), u8(4), axis=-1), QUANTIZE * SIZE),
    (case("QuantizeLinear", X, SCALE, output_dtype=onnx.TensorProto.INT16),
     Work(div=1, compare=3) * SIZE),
    (case("QuantizeLinear", X, scales(2, 3, 2), u8(2, 3, 2), axis=2, block_size=2),
     QUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X), SCALE, ZERO), DEQUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X), SCALE), Work(mul=1) * SIZE),
    (case("DequantizeLinear", u8(*X), scales(3), u8(3), opset=13), DEQUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X), SCALE, ZERO, opset=10), DEQUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X), scales(2, 3, 2), u8(2, 3, 2), axis=-1, block_size=2),
     DEQUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X).astype(np.int32), np.float16(0.5)), Work(mul=1) * SIZE),
    (case("DynamicQuantizeLinear", X, outputs=3),
     Work(compare=2 * (SIZE - 1)) + Work(add=1, div=1, compare=2) + Work(add=1, div=1, compare=3)
     + QUANTIZE * SIZE),
    (case("QuantizeLinear", X, SCALE, ZERO, **MS), QUANTIZE * SIZE),
    (case("DequantizeLinear", u8(*X), SCALE, ZERO, **MS), DEQUANTIZE * SIZE),
    (case("QLinearAdd", u8(2, 3, 4), SCALE, ZERO, u8(3, 1), SCALE, ZERO, SCALE, ZERO, **MS),
     DEQUANTIZE * (24 + 3) + (Work(add=1) + QUANTIZE) * 24),
    (case("QLinearMul", u8(4), SCALE, ZERO, u8(2, 3, 4), SCALE, ZERO, SCALE, ZERO, **MS),
     DEQUANTIZE * (24 + 4) + (Work(mul=1) + QUANTIZE) * 24),
    (case("QLinearSigmoid", u8(*X), SCALE, ZERO, SCALE, ZERO, const=(1, 2, 3, 4), **MS),
     (DEQUANTIZE + Work(exp=1) + QUANTIZE) * SIZE),
    (case("QLinearLeakyRelu", u8(*X), SCALE, ZERO, SCALE, ZERO, const=(1, 2, 3, 4), **MS),
     (DEQUANTIZE + Work(compare=1, mul=1) + QUANTIZE) * SIZE),
    (case("QLinearConcat", SCALE, ZERO, u8(2, 3), SCALE, ZERO, u8(2, 5), SCALE, ZERO, axis=1,
          const=(0, 1, 3, 4, 6, 7), **MS), (DEQUANTIZE + QUANTIZE) * 16),
    (case("QLinearSoftmax", u8(*X), SCALE, ZERO, np.float32(1 / 256), np.uint8(0), opset=13,
          axis=-1, const=(1, 2, 3, 4), **MS),
     (DEQUANTIZE + QUANTIZE) * SIZE + Work(compare=3, add=4 + 3, exp=4, div=4) * 6),
    (case("QLinearReduceMean", u8(*X), SCALE, ZERO, SCALE, ZERO, axes=[1, -1], keepdims=1, **MS),
     DEQUANTIZE * SIZE + Work(add=11, div=1) * 2 + QUANTIZE * 2),
    (case("QLinearReduceMean", u8(*X), SCALE, ZERO, SCALE, ZERO, axes=[1], keepdims=0, **MS),
     DEQUANTIZE * SIZE + Work(add=2, div=1) * 8 + QUANTIZE * 8),
    (case("QLinearWhere", np.ones((2, 3), bool), u8(2, 3), SCALE, ZERO, u8(3), SCALE, ZERO, SCALE,
          ZERO, const=(2, 3, 5, 6, 7, 8), **MS), DEQUANTIZE * (6 + 3) + QUANTIZE * 6),
    (case("GatherBlockQuantized", u8(8, 16), [[1, 3, 5]], scales(8, 2), const=(0, 2), bits=4,
          block_size=16, **MS), DEQUANTIZE * (3 * 32)),
]  # fmt: skip
OPSET_ATTRIBUTE = {"QLinearSoftmax"}  # has an attribute named opset


def with_attribute(c: Any) -> Any:
    if c.op in OPSET_ATTRIBUTE:
        c.attributes["opset"] = c.opset
    return c


@pytest.mark.parametrize(("c", "expected"), RUN, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work(c: Any, expected: Work) -> None:
    with_attribute(c)
    if c.op != "QLinearReduceMean":  # no kernel on the CPU
        assert_shapes(c)
    assert work(c) == expected


SPATIAL = [
    (case("QuantizeLinear", X, scales(3) / 10, u8(3), axis=1), (0,)),
    (case("QuantizeLinear", X, scales(2, 3, 2) / 10, u8(2, 3, 2), axis=2, block_size=2), (1,)),
    (case("DequantizeLinear", u8(*X), scales(3), u8(3)), (0, 1, 2)),
    (case("DequantizeLinear", u8(2, 3, 6), scales(2, 3, 2), u8(2, 3, 2), axis=2, block_size=3),
     (0, 1, 2)),
    (case("DequantizeLinear", u8(2, 7, 3), scales(2, 3, 3), u8(2, 3, 3), axis=1, block_size=3),
     (0, 1, 2)),
    (case("QLinearConcat", SCALE, ZERO, u8(2, 3), SCALE, ZERO, u8(2, 5), SCALE, ZERO, axis=1,
          const=(0, 1, 3, 4, 6, 7), **MS), (2, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "which"), SPATIAL, ids=lambda x: getattr(x, "op", ""))
def test_reads_are_what_execution_depends_on(c: Any, which: tuple[int, ...]) -> None:
    assert_reads(c, *which)


def test_reads_of_what_rounding_hides() -> None:
    assert reads(case("DynamicQuantizeLinear", X, outputs=3))[0] == ((Whole(),) * 3,)
    softmax = next(c for c, _ in RUN if c.op == "QLinearSoftmax")
    assert reads(with_attribute(softmax))[0] == (Along(0), Along(1), Whole())
    means = [c for c, _ in RUN if c.op == "QLinearReduceMean"]
    assert [infer(c)[0].shape for c in means] == [(2, 1, 1), (2, 4)]
    assert [reads(c)[0] for c in means] == [
        (Along(0), Whole(spatial=True), Whole(spatial=True)),
        (Along(0), Whole(spatial=True), Along(1)),
    ]
    table, ids, *_ = reads(next(c for c, _ in RUN if c.op == "GatherBlockQuantized"))
    assert ids == (Along(0), Along(1))
    assert table[0] == Whole()
    assert [list(table[1].window.at(i)) for i in range(4)] == [[0], [0], [1], [1]]


@pytest.mark.parametrize(
    "dtype",
    [
        d
        for d in DTYPES
        if DTYPES[d]
        in (
            "uint4",
            "int4",
            "int2",
            "uint2",
            "float8_e4m3fn",
            "float8_e5m2",
            "float4_e2m1fn",
            "uint16",
        )
    ],
)
def test_output_dtypes(dtype: int) -> None:
    c = case("QuantizeLinear", X, SCALE, output_dtype=dtype, opset=25)
    shaped = onnx.shape_inference.infer_shapes(model(c)).graph.output[0].type.tensor_type
    assert DTYPES[shaped.elem_type] == infer(c)[0].dtype == DTYPES[dtype]
    c = case("DequantizeLinear", u8(*X), SCALE, output_dtype=onnx.TensorProto.FLOAT16, opset=23)
    assert infer(c)[0].dtype == "float16"


def test_saturation_is_counted_where_it_happens() -> None:
    c = case("QuantizeLinear", X, SCALE, output_dtype=17, saturate=0)
    assert work(c) == Work(div=1, compare=1) * SIZE


def test_free_dimensions() -> None:
    n = FreeDim.named("N")
    x, s = Tensor("float32", (n, 3)), Tensor("float32", ())
    rule = lookup("", "QuantizeLinear", 21)
    assert rule is not None
    assert rule.work is not None
    y = rule.infer(x, s)
    assert (y.dtype, y.shape) == ("uint8", (n, 3))
    assert rule.work((y,), x, s) == Work(div=1, compare=3) * (n * 3)
    assert rule.infer(Tensor(), s, Tensor("int8")).dtype == "int8"


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="axis 5 of a tensor with 3 axes"):
        reads(case("QuantizeLinear", X, scales(3), axis=5))
    with pytest.raises(ValueError, match="the scale has 2 axes, 3 are wanted"):
        reads(case("QuantizeLinear", X, scales(3, 2), block_size=2))


IGNORED = {("QuantizeLinear", "precision"): "the precision of the division"}


def test_every_attribute_is_named_or_ignored() -> None:
    names = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
    assert unnamed_attributes(*names) == set(IGNORED)
