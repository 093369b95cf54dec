"""Matrix products and Einsum: shapes, work and reads, against ONNX Runtime, numpy and by hand."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from single_node import (
    assert_reads,
    assert_shapes,
    case,
    infer,
    reads,
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Only, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor

MS: dict[str, Any] = {"domain": "com.microsoft"}


def u8(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(1, 200, shape).astype(np.uint8)


def i8(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(-90, 90, shape).astype(np.int8)


def nibbles(*shape: int) -> np.ndarray:
    """Weights of 4 bits of which none is a zero point."""
    return np.full(shape, 0x35, np.uint8)


def f32(x: Any) -> np.ndarray:
    return np.asarray(x, np.float32)


ZERO8, ZEROS8 = np.uint8(7), np.int8(3)

FLOATS = [
    (case("Gemm", (3, 4), (4, 5)), Work(float_macs=3 * 4 * 5)),
    (case("Gemm", (4, 3), (4, 5), transA=1), Work(float_macs=60)),
    (case("Gemm", (3, 4), (5, 4), transB=1), Work(float_macs=60)),
    (case("Gemm", (4, 3), (5, 4), (5,), transA=1, transB=1), Work(float_macs=60, bias=15)),
    (case("Gemm", (3, 4), (4, 5), (3, 1)), Work(float_macs=60, bias=15)),
    (case("Gemm", (3, 4), (4, 5), (3, 1), alpha=0.5, beta=2.0),
     Work(float_macs=60, bias=15, mul=15 + 3)),
    (case("Gemm", (3, 4), (4, 5), (3, 5), beta=0.0, opset=13), Work(float_macs=60)),
    (case("Gemm", (3, 4), (4, 5), (5,), opset=7), Work(float_macs=60, bias=15)),
    (case("Gemm", (3, 4), (4, 5), (1,), opset=9), Work(float_macs=60, bias=15)),
    (case("MatMul", (3, 4), (4, 5)), Work(float_macs=60)),
    (case("MatMul", (4,), (4, 5)), Work(float_macs=20)),
    (case("MatMul", (3, 4), (4,)), Work(float_macs=12)),
    (case("MatMul", (4,), (4,)), Work(float_macs=4)),
    (case("MatMul", (2, 1, 3, 4), (6, 4, 5)), Work(float_macs=2 * 6 * 60)),
    (case("MatMul", (1, 8, 16), (4, 16, 32)), Work(float_macs=16_384)),  # reference.md d4
    (case("MatMul", (4,), (6, 4, 5)), Work(float_macs=6 * 20)),
    (case("MatMul", (6, 3, 4), (4,)), Work(float_macs=6 * 12)),
    (case("MatMul", (3, 4), (4, 5), opset=9), Work(float_macs=60)),
    (case("Einsum", (2, 3), (3, 4), equation="ij,jk->ik"), Work(float_macs=24)),
    (case("Einsum", (2, 3), (3, 4), equation="ij,jk"), Work(float_macs=24)),
    (case("Einsum", (2, 3), equation="ba"), Work()),
    (case("Einsum", (2, 3), equation="ij->"), Work(add=5)),
    (case("Einsum", (2, 3), equation="ij->j"), Work(add=3)),
    (case("Einsum", (3, 3), equation="ii->i"), Work()),
    (case("Einsum", (3, 3), equation="ii"), Work(add=2)),
    (case("Einsum", (2, 5, 3, 4), (2, 5, 4, 6), equation="...ij, ...jk -> ...ik"),
     Work(float_macs=2 * 5 * 3 * 4 * 6)),
    (case("Einsum", (2, 3, 4), equation="i...->..."), Work(add=24 - 12)),
    (case("Einsum", (1, 2, 8, 4), (1, 2, 8, 4), equation="bhid,bhjd->bhij"),
     Work(float_macs=512)),  # reference.md d4
    (case("Einsum", (2,), (3,), equation="i,j->ij"), Work(float_macs=6)),
    # (ij,jk) = 2*3*4 with j done, then (ik,kl) = 2*4*5
    (case("Einsum", (2, 3), (3, 4), (4, 5), equation="ij,jk,kl->il"), Work(float_macs=24 + 40)),
    (case("Einsum", (2, 3), (3, 4), (4, 3), equation="ij,jk,kj->ik"), Work(float_macs=24 + 24)),
    # elimination: 3x3 has 2*2 + 1*1 reductions, 2 + 1 quotients, a diagonal of 2 products
    (case("Det", (3, 3)), Work(mul=5 + 2, add=5, div=3, compare=3)),
    (case("Det", (2, 5, 3, 3)), Work(mul=70, add=50, div=30, compare=30)),
    (case("FusedMatMul", (4, 3), (4, 5), transA=1, alpha=0.5, **MS), Work(float_macs=60, mul=15)),
    (case("FusedMatMul", (2, 3, 4), (2, 5, 4), transB=1, **MS), Work(float_macs=120)),
    (case("FusedMatMul", (3, 2, 4), (2, 4, 5), transBatchA=1, **MS), Work(float_macs=120)),
    (case("FusedMatMul", (4, 2, 3), (4, 2, 5), transA=1, transBatchA=1, transBatchB=1, **MS),
     Work(float_macs=120)),
    (case("FusedMatMul", (2, 3, 4), (5, 2, 4), transB=1, transBatchB=1, **MS),
     Work(float_macs=120)),
    (case("TransposeMatMul", (2, 4, 3), (2, 4, 5), transA=1, **MS), Work(float_macs=120)),
    (case("FusedGemm", (3, 4), (4, 5), (5,), activation="Relu", **MS),
     Work(float_macs=60, bias=15, compare=15)),
    (case("FusedGemm", (3, 4), (4, 5), (5,), activation="LeakyRelu", activation_alpha=0.1, **MS),
     Work(float_macs=60, bias=15, compare=15, mul=15)),
]  # fmt: skip

SCALE = f32(0.5)
QUANTIZED = [
    (case("MatMulInteger", u8(3, 4), i8(4, 5), opset=10), Work(int_macs=60)),
    (case("MatMulInteger", u8(3, 4), i8(4, 5), ZERO8, ZEROS8), Work(int_macs=60, add=12 + 20)),
    (case("MatMulInteger", u8(2, 3, 4), i8(4, 5), ZERO8, ZEROS8, const=(1,)),
     Work(int_macs=120, add=24)),
    (case("MatMulInteger", u8(3, 4), i8(4, 5), ZERO8, i8(5)), Work(int_macs=60, add=12 + 20)),
    (case("QLinearMatMul", u8(3, 4), SCALE, ZERO8, u8(4, 5), SCALE, ZERO8, SCALE, ZERO8),
     Work(int_macs=60, add=12 + 20 + 15, mul=15, compare=45)),
    (case("QGemm", u8(3, 4), SCALE, ZERO8, i8(4, 5), SCALE, ZEROS8, None, SCALE, ZERO8,
          const=(1, 2, 3, 4, 5, 7, 8), **MS), Work(int_macs=60, add=12 + 15, mul=15, compare=45)),
    (case("QGemm", u8(3, 4), SCALE, ZERO8, i8(5, 4), SCALE, ZEROS8, np.zeros(5, np.int32),
          transB=1, const=(1, 2, 4, 5), **MS),
     Work(int_macs=60, add=12 + 20, mul=15, bias=15)),
    (case("MatMulIntegerToFloat", u8(3, 4), i8(4, 5), SCALE, SCALE, ZERO8, ZEROS8, (5,), **MS),
     Work(int_macs=60, add=12 + 20, mul=15, bias=15)),
    (case("DynamicQuantizeMatMul", (3, 4), i8(4, 5), SCALE, ZEROS8, (5,), const=(1,), **MS),
     Work(int_macs=60, add=12 + 12, div=12, compare=60, mul=15, bias=15)),
    (case("MatMulNBits", (2, 3, 32), nibbles(8, 1, 16), (8,), K=32, N=8, bits=4, block_size=32,
          const=(1, 2), **MS), Work(float_macs=6 * 32 * 8, mul=256, add=256)),
    (case("MatMulNBits", (3, 32), nibbles(8, 1, 16), (8,), nibbles(8) - 0x24, None, (8,),
          K=32, N=8, bits=4, block_size=32, const=(1, 2, 3), **MS),
     Work(float_macs=3 * 32 * 8, mul=256, add=256, bias=24)),
    (case("MatMulBnb4", (3, 32), u8(128), (16,), K=32, N=8, block_size=16, quant_type=1,
          const=(1, 2), **MS), Work(float_macs=3 * 32 * 8, mul=256)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), FLOATS + QUANTIZED, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert work(c) == expected
    if c.op != "TransposeMatMul":  # no kernel on the CPU
        assert_shapes(c)


@pytest.mark.parametrize("c", [c for c, _ in FLOATS
                               if c.attributes.get("beta") != 0.0
                               and c.attributes.get("activation") != "Relu"],
                         ids=lambda c: c.op)  # fmt: skip
def test_reads_are_what_execution_depends_on(c: Any) -> None:
    if c.op == "Einsum" and "ii" in c.attributes["equation"]:
        pytest.skip("a diagonal: one of the two axes is given whole, see einsum.py")
    if c.op == "TransposeMatMul":
        pytest.skip("no kernel on the CPU")
    assert_reads(c, *range(len(c.inputs)))


@pytest.mark.parametrize("c", [c for c, _ in QUANTIZED if "ToFloat" in c.op or "NBits" in c.op],
                         ids=lambda c: c.op)  # fmt: skip
def test_quantized_reads(c: Any) -> None:
    assert_reads(c, 0)


def test_a_diagonal_goes_along_by_its_first_axis() -> None:
    assert reads(case("Einsum", (3, 3), equation="ii->i")) == ((Along(0), Whole()),)


def test_broadcast_axes_read_their_only_index() -> None:
    first, second = reads(case("MatMul", (2, 1, 3, 4), (6, 4, 5)))
    assert first == (Along(0), Only(0, 0), Along(2), Whole())
    assert second == (Along(1), Whole(), Along(3))


def test_without_a_kernel_here() -> None:
    c = case("MatMulInteger16", np.ones((3, 4), np.int16), np.ones((4, 5), np.int16), **MS)
    assert (infer(c)[0].dtype, infer(c)[0].shape) == ("int32", (3, 5))
    assert work(c) == Work(int_macs=60)
    c = case("GemmFastGelu", (2, 3, 4), (4, 5), (5,), **MS)
    assert infer(c)[0].shape == (2, 3, 5)
    assert work(c) == Work(float_macs=120, bias=30, exp=30, mul=150, add=60)
    c = case("MatMulFpQ4", (3, 32), u8(8, 20), [32, 8], const=(2,), **MS)
    assert infer(c)[0].shape == (3, 8)
    assert work(c) == Work(float_macs=3 * 32 * 8, mul=256)
    c = case("GemmFloat8", (3, 4), (4, 5), dtype=10, **MS)
    assert (infer(c)[0].dtype, infer(c)[0].shape) == ("float16", (3, 5))
    assert work(c) == Work(float_macs=60)
    c = case("FusedMatMulActivation", (3, 4), (4, 5), activation="Relu", **MS)
    assert work(c) == Work(float_macs=60, compare=15)


def random_equation(rng: random.Random) -> tuple[str, list[tuple[int, ...]]]:
    lengths = {label: rng.randint(1, 4) for label in "abcdE"}
    terms = ["".join(rng.sample("abcdE", rng.randint(1, 4))) for _ in range(rng.randint(1, 3))]
    shapes = [tuple(lengths[label] for label in term) for term in terms]
    if rng.random() < 0.3:
        return ",".join(terms).lower(), shapes  # ONNX Runtime takes no capitals here
    used = sorted(set("".join(terms)))
    return ",".join(terms) + "->" + "".join(rng.sample(used, rng.randint(0, len(used)))), shapes


@pytest.mark.parametrize("seed", range(60))
def test_random_einsums_against_numpy(seed: int) -> None:
    equation, shapes = random_equation(random.Random(seed))
    c = case("Einsum", *shapes, equation=equation)
    assert infer(c)[0].shape == np.einsum(equation, *c.inputs).shape
    if len(shapes) == 2:  # the loops' trip count, executed
        letters = sorted(set(equation.split("->")[0]) - {","})
        terms = equation.split("->")[0].split(",")
        table = dict(zip("".join(terms), sum(shapes, ()), strict=True))
        assert work(c).macs == np.prod([table[letter] for letter in letters])
    if seed < 15:
        assert_shapes(c)
        assert_reads(c, *range(len(shapes)))


def rule(op: str, kind: str) -> Any:
    return getattr(lookup("", op, 21), kind)


def test_free_dimensions() -> None:
    n, d = FreeDim.named("N"), FreeDim.named("D")
    a, b = Tensor("float32", (n, 8, d)), Tensor("float32", (d, 5))
    y = rule("MatMul", "infer")(a, b)
    assert y.shape == (n, 8, 5)
    assert rule("MatMul", "work")((y,), a, b).macs == n * 8 * d * 5
    y = rule("Einsum", "infer")(a, b, equation="nid,dj->nij")
    assert y.shape == (n, 8, 5)
    assert rule("Einsum", "work")((y,), a, b, equation="nid,dj->nij").macs == n * 40 * d
    assert rule("MatMul", "infer")(Tensor("float16"), b).dtype == "float16"
    assert rule("Gemm", "infer")(Tensor("float16"), b).shape is None


@pytest.mark.parametrize(("c", "message"), [
    (case("Gemm", (3, 4), (5, 4)), "4 columns of the first factor meet 5 rows"),
    (case("Gemm", (2, 3, 4), (4, 4)), "the first matrix has 3 axes"),
    (case("MatMul", (3, 4), ()), "scalar"),
    (case("Einsum", (3, 4), equation="ijk->i"), "operand"),
    (case("Einsum", (3, 4), equation="ij,jk->ik"), "names 2 operands"),
    (case("Einsum", (3, 4), equation="ij->ik"), "which no operand has"),
    (case("Einsum", (3, 4), (5, 4), equation="ij,ij->j"), "broadcast"),
])  # fmt: skip
def test_what_cannot_be(c: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        infer(c)


IGNORED = {
    ("Gemm", "broadcast"): "C broadcasts by its shape; opset 6 says with it that it may",
}


def test_every_attribute_is_named_or_ignored() -> None:
    names = ("Gemm", "MatMul", "Einsum", "Det", "MatMulInteger", "QLinearMatMul")
    assert unnamed_attributes(*names) == set(IGNORED)
