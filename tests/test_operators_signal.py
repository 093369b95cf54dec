"""Transforms, windows and losses: shapes, work and reads, against ONNX Runtime and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.reference
import pytest
from single_node import (
    assert_reads,
    assert_refused,
    assert_shapes,
    case,
    infer,
    model,
    reads,
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Only, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def fast(rows: int, length: int) -> Work:
    """5 n log2 n operations (Cooley and Tukey 1965) without a butterfly's spare product: n/2 log2 n
    butterflies of 4 + 2 real operations for the product, 4 for the sums."""
    return Work(mul=4, add=2 + 4) * (rows * length // 2 * int(np.log2(length)))


def direct(rows: int, length: int, outputs: int, *, is_real: bool) -> Work:
    products = Work(mul=2) if is_real else Work(mul=4, add=2)
    return (products * (length * outputs) + Work(add=2) * ((length - 1) * outputs)) * rows


N64 = np.int64
RUN = [
    (case("DFT", (2, 8, 1), opset=17), fast(2, 8)),
    (case("DFT", (2, 8, 2), opset=17), fast(2, 8)),
    (case("DFT", (2, 6, 1), opset=17), direct(2, 6, 6, is_real=True)),
    (case("DFT", (2, 6, 2), opset=17), direct(2, 6, 6, is_real=False)),
    (case("DFT", (2, 6, 1), onesided=1, opset=17), direct(2, 6, 4, is_real=True)),
    (case("DFT", (2, 7, 1), onesided=1, opset=20), direct(2, 7, 4, is_real=True)),
    (case("DFT", (2, 6, 2), inverse=1, opset=17),
     direct(2, 6, 6, is_real=False) + Work(mul=2 * 6 * 2)),
    (case("DFT", (2, 3, 8, 1), axis=2, opset=17), fast(6, 8)),
    (case("DFT", (2, 3, 8, 1), opset=20), fast(6, 8)),
    (case("DFT", (2, 8, 3, 1), None, N64(1), const=(2,)), fast(6, 8)),
    (case("DFT", (2, 8, 3, 1), None, N64(-3), const=(2,)), fast(6, 8)),
    (case("DFT", (2, 6, 1), N64(8), const=(1,)), fast(2, 8)),
    (case("DFT", (2, 6, 1), N64(4), const=(1,)), fast(2, 4)),
    (case("STFT", (2, 20, 1), N64(4), None, N64(8), const=(1, 3)), fast(2 * 4, 8)),
    (case("STFT", (2, 20, 1), N64(3), (8,), const=(1,)), fast(2 * 5, 8) + Work(mul=2 * 5 * 8)),
    (case("STFT", (2, 20, 1), N64(3), (8,), N64(8), const=(1, 3), onesided=0),
     fast(2 * 5, 8) + Work(mul=2 * 5 * 8)),
    (case("STFT", (1, 20, 1), N64(5), (6,), const=(1,)),
     direct(3, 6, 4, is_real=True) + Work(mul=18)),
    (case("HannWindow", N64(10), const=(0,)), Work(mul=20, exp=10, add=10)),
    (case("HammingWindow", N64(10), const=(0,), periodic=0), Work(mul=20, exp=10, add=10)),
    (case("BlackmanWindow", N64(10), const=(0,), output_datatype=11),
     Work(mul=40, exp=20, add=20)),
    (case("MelWeightMatrix", N64(8), N64(16), N64(8192), np.float32(0), np.float32(4096),
          const=(0, 1, 2)),
     Work(div=2, add=2, exp=2, mul=2) + Work(mul=3, add=2, div=2, exp=1, compare=1) * 10
     + Work(add=1, div=1) * (9 * 8)),
]  # fmt: skip

LABELS = np.array([0, 2], np.int64)
MAP = np.zeros((2, 4), np.int64)
REFERENCE = [
    # the inverse of a one-sided transform: real again
    (case("DFT", (2, 5, 2), inverse=1, onesided=1, opset=20), fast(2, 8) + Work(mul=2 * 8)),
    (case("SoftmaxCrossEntropyLoss", (2, 3), LABELS, outputs=2),
     Work(compare=2, add=3 + 2 + 3, exp=4) * 2 + Work(compare=2, add=1, div=1)),
    (case("SoftmaxCrossEntropyLoss", (2, 3, 4), MAP, (3,), reduction="none"),
     Work(compare=2, add=3 + 2 + 3, exp=4) * 8 + Work(compare=8, mul=8)),
    (case("SoftmaxCrossEntropyLoss", (2, 3, 4), MAP, reduction="sum", opset=12),
     Work(compare=2, add=3 + 2 + 3, exp=4) * 8 + Work(compare=8, add=7)),
    (case("NegativeLogLikelihoodLoss", (2, 3, 4), MAP, (3,)),
     Work(compare=8, mul=8, add=14, div=1)),
    (case("NegativeLogLikelihoodLoss", (2, 3), LABELS, reduction="none"), Work(compare=2)),
    (case("NegativeLogLikelihoodLoss", (2, 3), LABELS, reduction="sum"), Work(compare=2, add=1)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), RUN, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


@pytest.mark.parametrize(("c", "expected"), REFERENCE, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work_against_the_reference(c: Any, expected: Work) -> None:
    feeds = {f"x{i}": x for i, x in enumerate(c.inputs) if x is not None}
    y = onnx.reference.ReferenceEvaluator(model(c)).run(None, feeds)
    for mine, actual in zip(infer(c), y, strict=True):
        assert mine.shape == np.shape(actual)
    assert work(c) == expected


@pytest.mark.parametrize("c", [c for c, _ in RUN if c.op in ("DFT", "STFT")], ids=lambda c: c.op)
def test_reads_are_what_execution_depends_on(c: Any) -> None:
    assert_reads(c, 0, parts=True)


@pytest.mark.parametrize(("step", "length"), [(1, 1), (1, 4), (2, 4), (4, 4), (5, 3), (3, 16)])
def test_frames_are_windows(step: int, length: int) -> None:
    c = case("STFT", (1, 17, 1), N64(step), np.ones(length, np.float32), const=(1,))
    assert_shapes(c)
    assert reads(c)[0][1] == Along(1, Window(length, stride=step))
    assert infer(c)[0].shape[1] == Window(length, stride=step).output_length(17)
    assert_reads(c, 0, parts=True)


@pytest.mark.parametrize(("length", "window", "frame", "said"), [
    (20, None, None, "neither window nor frame_length"),
    (7, (8,), None, "a frame of 8 is longer than the signal, which has 7"),
    (7, None, 8, "a frame of 8 is longer than the signal, which has 7"),
    (20, (8,), 6, "window is 8, 6 is wanted"),
    (20, (), None, "window has 0 axes, 1 is wanted"),
])  # fmt: skip
def test_frames_that_cannot_be(
    length: int, window: tuple[int, ...] | None, frame: int | None, said: str
) -> None:
    frames, const = (None, (1,)) if frame is None else (N64(frame), (1, 3))
    assert_refused(case("STFT", (1, length, 1), N64(4), window, frames, const=const), said)


def test_a_frame_of_nothing() -> None:
    """ONNX Runtime divides by zero here."""
    with pytest.raises(ValueError, match="a frame is 0 long, at least 1 is wanted"):
        infer(case("STFT", (1, 20, 1), N64(4), None, N64(0), const=(1, 3)))


def test_reads_of_losses() -> None:
    first, second, _ = reads(case("NegativeLogLikelihoodLoss", (2, 3, 4), MAP, reduction="none"))
    assert first == (Along(0), Whole(), Along(1))
    assert second == (Along(0), Along(1))
    loss = reads(case("SoftmaxCrossEntropyLoss", (2, 3, 4), MAP, outputs=2))
    assert loss[0][0] == (Whole(),) * 3
    assert loss[1][0] == (Along(0), Whole(), Along(2))


def test_a_cut_signal_is_read_in_part() -> None:
    assert reads(case("DFT", (2, 6, 1), N64(4), const=(1,)))[0][1] == Only(0, 3)


def test_onnx_runtimes_own() -> None:
    c = case("Rfft", (2, 8), normalized=0, onesided=1, signal_ndim=1, domain="com.microsoft")
    assert infer(c)[0].shape == (2, 5, 2)
    assert work(c) == fast(2, 8)
    c = case("Irfft", (2, 5, 2), normalized=0, onesided=1, signal_ndim=1, domain="com.microsoft")
    assert infer(c)[0].shape == (2, 8)
    assert reads(c)[0] == (Along(0), Whole(spatial=True), Whole())


def test_free_dimensions() -> None:
    length = FreeDim.named("L")
    x, step = Tensor("float32", (2, length, 1)), Tensor("int64", (), value=np.array(4))
    rule = lookup("", "STFT", 17)
    assert rule is not None
    y = rule.infer(x, step, Tensor("float32", (8,)))
    assert y.shape == (2, (length - 8) // 4 + 1, 5, 2)
    rule = lookup("", "DFT", 20)
    assert rule is not None
    y = rule.infer(x, Tensor("int64", ()), opset=20, node_name="dft")
    assert str(y.shape[1]) == "dft transform length"
    y = rule.infer(x, None, Tensor("int64", ()), opset=20, node_name="dft")
    assert y.shape[-1] == 2


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="the last being re and im"):
        infer(case("DFT", (2, 6, 1), axis=2, opset=17))


IGNORED = {
    **{(op, "periodic"): "a length divided by, whatever it is"
       for op in ("HannWindow", "HammingWindow", "BlackmanWindow")},
    ("NegativeLogLikelihoodLoss", "ignore_index"): "which targets count is data",
    ("SoftmaxCrossEntropyLoss", "ignore_index"): "which targets count is data",
}  # fmt: skip


def test_every_attribute_is_named_or_ignored() -> None:
    names = ("DFT", "STFT", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix",
             "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")  # fmt: skip
    assert unnamed_attributes(*names) == set(IGNORED)
