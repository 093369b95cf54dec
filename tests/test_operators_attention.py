"""Attention and its embeddings: shapes, work and reads, against ONNX Runtime and by hand."""

from __future__ import annotations

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
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Upto, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor

MS: dict[str, Any] = {"domain": "com.microsoft"}
B, N, D = 2, 4, 8


def softmax(rows: int, keys: int) -> Work:
    return Work(compare=keys - 1, add=keys + keys - 1, exp=keys, div=keys) * rows


def attention(q: int, keys: int, *, heads: int = N, head: int = D, value: int = D,
              biases: int = 0, batch: int = B) -> Work:  # fmt: skip
    rows = batch * heads * q
    products = Work(float_macs=rows * keys * (head + value))
    return products + Work(mul=rows * keys, add=biases * rows * keys) + softmax(rows, keys)


def onnx_case(*inputs: Any, opset: int = 23, **more: Any) -> Any:
    return case("Attention", *inputs, opset=opset, **more)


FOUR = ((B, N, 5, D), (B, N, 6, D), (B, N, 6, D))
THREE = ((B, 5, N * D), (B, 6, N * D), (B, 6, N * D))
PAST = ((B, N, 3, D), (B, N, 3, D))
HEADS: dict[str, Any] = {"q_num_heads": N, "kv_num_heads": N}
SQUARE = ((B, N, 5, D),) * 3

ONNX = [
    (onnx_case(*FOUR), attention(5, 6)),
    (onnx_case(*THREE, **HEADS), attention(5, 6)),
    (onnx_case((B, N, 5, D), (B, 2, 6, D), (B, 2, 6, 4)), attention(5, 6, value=4)),
    (onnx_case((B, 5, N * D), (B, 6, 2 * D), (B, 6, 2 * 4), q_num_heads=N, kv_num_heads=2),
     attention(5, 6, value=4)),
    (onnx_case((B, N, 5, D), (B, 1, 6, D), (B, 1, 6, D)), attention(5, 6)),
    (onnx_case(*FOUR, (5, 6)), attention(5, 6, biases=1)),
    (onnx_case(*FOUR, (B, 1, 5, 6)), attention(5, 6, biases=1)),
    (onnx_case(*SQUARE, is_causal=1), attention(5, 5)),
    (onnx_case((B, 5, N * D), (B, 5, N * D), (B, 5, N * D), is_causal=1, **HEADS),
     attention(5, 5)),
    (onnx_case(*FOUR, None, *PAST, outputs=3), attention(5, 9)),
    (onnx_case(*THREE, (B, N, 5, 9), *PAST, outputs=3, **HEADS), attention(5, 9, biases=1)),
    (onnx_case(*FOUR, softcap=2.0),
     attention(5, 6) + Work(mul=1, div=1, exp=1) * (B * N * 5 * 6)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), ONNX)
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


@pytest.mark.parametrize("c", [c for c, _ in ONNX])
def test_reads_are_what_execution_depends_on(c: Any) -> None:
    given = [i for i, x in enumerate(c.inputs) if x is not None]
    if c.attributes.get("is_causal"):
        given = [2]  # the first query's softmax is over one score, so that it hangs on no other
    assert_reads(c, *given, contracted=c.inputs[0].ndim == 4)


def test_reads_of_the_cache() -> None:
    for output in (1, 2):
        assert_reads(onnx_case(*FOUR, None, *PAST, outputs=3), 0, 1, 2, 4, 5, output=output)


def test_scores_are_an_output() -> None:
    c = onnx_case(*FOUR, outputs=4)
    feeds = {f"x{i}": x for i, x in enumerate(c.inputs)}
    y = onnx.reference.ReferenceEvaluator(model(c)).run(None, feeds)
    assert infer(c)[3].shape == y[3].shape == (B, N, 5, 6)


@pytest.mark.parametrize(("left", "right", "causal", "seen"), [
    (2, 1, 0, {0: {0, 1}, 3: {1, 2, 3, 4}, 4: {2, 3, 4}}),  # the operator's own example
    (2, 4, 1, {0: {0}, 3: {1, 2, 3}}),
    (-1, 0, 0, {0: {0}, 3: {0, 1, 2, 3}}),
])  # fmt: skip
def test_local_windows(left: int, right: int, causal: int, seen: dict[int, set[int]]) -> None:
    c = onnx_case(*SQUARE, left_window_size=left, right_window_size=right, is_causal=causal,
                  opset=25)  # fmt: skip
    read = reads(c)[0][1][2]
    for i, rows in seen.items():
        found = range(i + 1) if isinstance(read, Upto) else read.window.at(i)
        assert {p for p in found if 0 <= p < 5} == rows
    # one query at place 3 + i of a cache: i=0, left=2 sees cached 1, 2
    c = onnx_case(*SQUARE, None, *PAST, left_window_size=2, right_window_size=0, opset=25,
                  outputs=3)  # fmt: skip
    assert [p for p in reads(c)[0][4][2].window.at(0) if p < 3] == [1, 2]


def test_rotary() -> None:
    cos, ids = (B, 3, D // 2), np.array([[0, 1, 2], [2, 3, 1]])
    size = B * N * 3 * D
    c = case("RotaryEmbedding", (B, N, 3, D), cos, cos, opset=23)
    assert_shapes(c)
    assert work(c) == Work(mul=2 * size, add=size)
    assert reads(c) == (((*map(Along, range(3)), Whole())),) + ((Along(0), Along(2), Whole()),) * 2
    c = case("RotaryEmbedding", (B, 3, N * D), (9, 2), (9, 2), ids, num_heads=N,
             rotary_embedding_dim=4, opset=23)  # fmt: skip
    assert_shapes(c)
    assert work(c) == Work(mul=size, add=size // 2)
    c = case("RotaryEmbedding", (B, 3, N * D), ids, (9, D // 2), (9, D // 2), **MS)
    assert_shapes(c)
    assert work(c) == Work(mul=2 * size, add=size)
    assert reads(c)[1] == (Along(0), Along(1))


def test_linear_attention() -> None:
    inputs = ((2, 5, 4 * 3), (2, 5, 2 * 3), (2, 5, 2 * 6))
    c = case("LinearAttention", *inputs, q_num_heads=4, kv_num_heads=2, update_rule="linear",
             opset=27, outputs=2)  # fmt: skip
    assert [t.shape for t in infer(c)] == [(2, 5, 4 * 6), (2, 2, 3, 6)]
    # a state of 3x6 per step and key head is updated, and read by each query head
    assert work(c) == Work(float_macs=10 * 18 * (2 + 4), mul=10 * 24)
    c = case("LinearAttention", *inputs, None, (2, 5, 2), (2, 5, 2), q_num_heads=4, kv_num_heads=2,
             opset=27, outputs=2)  # fmt: skip
    assert work(c) == Work(float_macs=10 * 18 * (2 + 2 + 4), mul=10 * (24 + 36 + 12), exp=20,
                           add=120)  # fmt: skip
    assert reads(c)[0][:2] == ((Along(0), Along(1), Whole()), (Along(0), Upto(1), Whole()))


# -- ONNX Runtime's own ---------------------------------------------------------------------


def projection(tokens: int, width: int, columns: int) -> Work:
    return Work(float_macs=tokens * width * columns, bias=tokens * columns)


X, W, BIAS = (B, 5, 6), (6, 3 * N * D), (3 * N * D,)
QKV = (B, 5, N * D)
LENGTHS, TOTAL = np.full(B, 4, np.int32), np.array([5], np.int32)

MICROSOFT = [
    (case("Attention", X, W, BIAS, num_heads=N, **MS),
     projection(10, 6, 3 * N * D) + attention(5, 5)),
    (case("Attention", X, W, BIAS, num_heads=N, unidirectional=1, **MS),
     projection(10, 6, 3 * N * D) + attention(5, 5)),
    (case("Attention", X, (6, 2 * N * D + N * 4), (2 * N * D + N * 4,), num_heads=N,
          qkv_hidden_sizes=[N * D, N * D, N * 4], **MS),
     projection(10, 6, 2 * N * D + N * 4) + attention(5, 5, value=4)),
    (case("Attention", X, W, BIAS, None, (2, B, N, 3, D), num_heads=N, outputs=2, **MS),
     projection(10, 6, 3 * N * D) + attention(5, 8)),
    (case("Attention", X, W, BIAS, np.ones((B, 5), np.int32), num_heads=N, **MS),
     projection(10, 6, 3 * N * D) + attention(5, 5, biases=1)),
    (case("MultiHeadAttention", QKV, (B, 6, N * D), (B, 6, N * D), num_heads=N, **MS),
     attention(5, 6)),
    (case("MultiHeadAttention", QKV, (B, 6, N * D), (B, 6, N * D), BIAS, num_heads=N, **MS),
     attention(5, 6) + Work(bias=B * N * D * (5 + 6 + 6))),
    (case("MultiHeadAttention", QKV, (B, N, 6, D), (B, N, 6, D), num_heads=N, **MS),
     attention(5, 6)),
    (case("MultiHeadAttention", QKV, QKV, QKV, None, None, (B, N, 5, 5), num_heads=N, **MS),
     attention(5, 5, biases=1)),
    (case("MultiHeadAttention", QKV, QKV, QKV, None, None, None, *PAST, num_heads=N, outputs=3,
          **MS), attention(5, 8)),
    (case("GroupQueryAttention", QKV, (B, 5, 2 * D), (B, 5, 2 * D), None, None, LENGTHS, TOTAL,
          const=(6,), num_heads=N, kv_num_heads=2, outputs=3, **MS), attention(5, 5)),
    (case("GroupQueryAttention", (B, 5, (N + 4) * D), None, None, None, None, LENGTHS, TOTAL,
          const=(6,), num_heads=N, kv_num_heads=2, outputs=3, **MS), attention(5, 5)),
    (case("GroupQueryAttention", (B, 1, N * 16), (B, 1, 2 * 16), (B, 1, 2 * 16), (B, 2, 4, 16),
          (B, 2, 4, 16), LENGTHS, TOTAL, (9, 8), (9, 8), const=(6,), num_heads=N,
          kv_num_heads=2, do_rotary=1, outputs=3, **MS),
     attention(1, 5, head=16, value=16) + Work(mul=2, add=1) * (B * (N + 2) * 16)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), MICROSOFT, ids=lambda x: getattr(x, "op", ""))
def test_microsoft_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


@pytest.mark.parametrize("c", [c for c, _ in MICROSOFT], ids=lambda c: c.op)
def test_microsoft_reads(c: Any) -> None:
    floats = {"Attention": (0,), "MultiHeadAttention": (0, 1, 2), "GroupQueryAttention": (0, 1, 2)}
    given = [i for i in floats[c.op] if c.inputs[i] is not None]
    if c.op == "GroupQueryAttention" and len(given) == 3 and c.inputs[0].shape[1] > 1:
        given = [2]  # causal, see above
    assert_reads(c, *given, contracted=c.op == "Attention")


def test_quantized_attention() -> None:
    x = np.random.default_rng(0).integers(1, 200, X).astype(np.uint8)
    w = np.random.default_rng(1).integers(1, 200, W).astype(np.uint8)
    scale, zero = np.float32(0.01), np.uint8(9)
    c = case("QAttention", x, w, BIAS, scale, scale, None, zero, zero, num_heads=N, const=(1,),
             **MS)  # fmt: skip
    assert_shapes(c)
    tokens, columns = 10, 3 * N * D
    assert work(c) == attention(5, 5) + Work(int_macs=tokens * 6 * columns, bias=tokens * columns,
                                             mul=tokens * columns, add=x.size)  # fmt: skip


def test_packed() -> None:
    offset, ends = np.arange(6, dtype=np.int32).reshape(2, 3), np.array([0, 2, 5], np.int32)
    c = case("PackedAttention", (5, 6), W, BIAS, offset, ends, num_heads=N, const=(4,), **MS)
    assert infer(c)[0].shape == (5, N * D)
    parts = attention(2, 2, batch=1) + attention(3, 3, batch=1)
    assert work(c) == projection(5, 6, 3 * N * D) + parts
    free = case("PackedAttention", (5, 6), W, BIAS, offset, ends, num_heads=N, **MS)
    assert "sum of squared lengths" in str(work(free).macs)
    c = case("PackedMultiHeadAttention", (5, N * D), (5, N * D), (5, N * D), None, offset, ends,
             num_heads=N, const=(5,), **MS)  # fmt: skip
    assert infer(c)[0].shape == (5, N * D)
    assert work(c) == parts


def test_decoding() -> None:
    one = (B, 1, N * D)
    c = case("DecoderMaskedMultiHeadAttention", one, one, one, None, None, *PAST, num_heads=N,
             outputs=3, **MS)  # fmt: skip
    assert [t.shape for t in infer(c)] == [one, (B, N, 4, D), (B, N, 4, D)]
    assert work(c) == attention(1, 4)
    c = case("DecoderMaskedMultiHeadAttention", one, one, one, None, None, (B, N, 9, D),
             (B, N, 9, D), np.array([3], np.int32), past_present_share_buffer=1, const=(7,),
             num_heads=N, outputs=3, **MS)  # fmt: skip
    assert [t.shape for t in infer(c)] == [one, (B, N, 9, D), (B, N, 9, D)]
    assert work(c) == attention(1, 4)


def test_relative_positions() -> None:
    c = case("RelativePositionBias", (32, N), [5], [6], const=(1, 2), max_distance=128, **MS)
    assert infer(c)[0].shape == (1, N, 5, 6)
    assert work(c) == Work()
    c = case("GatedRelativePositionBias", (B, 5, N * D), (N * D,), (1, N, 5, 5), (D, 6), (6,),
             (1, N, 1, 1), num_heads=N, **MS)  # fmt: skip
    assert infer(c)[0].shape == (B, N, 5, 5)
    rows = B * 5 * N
    per_row = Work(float_macs=D * 6, bias=D + 6, add=2 * 2 + 2, exp=2, mul=2)
    assert work(c) == per_row * rows + Work(mul=B * N * 25)


def test_free_dimensions() -> None:
    s, past = FreeDim.named("S"), FreeDim.named("P")
    q = Tensor("float32", (1, 4, s, 8))
    cached = Tensor("float32", (1, 4, past, 8))
    rule = lookup("", "Attention", 23)
    assert rule is not None
    assert rule.work is not None
    y = rule.infer(q, q, q, None, cached, cached, output_count=3)
    assert [t.shape for t in y] == [(1, 4, s, 8), (1, 4, past + s, 8), (1, 4, past + s, 8)]
    assert rule.work(y, q, q, q, None, cached, cached).macs == 4 * s * (past + s) * 16
    assert rule.infer(Tensor("float16"), q, q)[0].dtype == "float16"


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="q_num_heads"):
        infer(onnx_case(*THREE))


IGNORED = {
    ("Attention", "qk_matmul_output_mode"): "which of equally large tensors is put out",
    ("Attention", "scale"): "a factor, whatever it is",
    ("Attention", "softmax_precision"): "the precision of a part",
    ("RotaryEmbedding", "interleaved"): "which elements make a pair",
    ("LinearAttention", "chunk_size"): "how it is executed",
    ("LinearAttention", "scale"): "a factor, whatever it is",
}


def test_every_attribute_is_named_or_ignored() -> None:
    assert unnamed_attributes("Attention", "RotaryEmbedding", "LinearAttention") == set(IGNORED)
