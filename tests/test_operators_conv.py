"""Convolutions: sizes, multiply-accumulates and what each output reads, against ONNX Runtime."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import single_node as s

from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def conv(x: tuple[int, ...], w: tuple[int, ...], **attributes: Any) -> s.Case:
    return s.case("Conv", x, w, const=(1,), **attributes)


def transposed(x: tuple[int, ...], w: tuple[int, ...], **attributes: Any) -> s.Case:
    return s.case("ConvTranspose", x, w, const=(1,), **attributes)


# case, multiply-accumulates as arithmetic: output elements x taps x channels per group, or input
# elements x outputs per group x taps where transposed
COUNTED = [
    (conv((1, 3, 32, 32), (8, 3, 3, 3), strides=[2, 2], pads=[1] * 4), 8 * 16 * 16 * 27),
    (conv((1, 2, 8, 8, 8), (4, 2, 3, 3, 3), strides=[2] * 3, auto_pad="SAME_UPPER"), 4 * 4**3 * 54),
    (conv((1, 1, 16, 16), (1, 1, 3, 3), dilations=[2, 2], auto_pad="VALID"), 12 * 12 * 9),
    (conv((2, 4, 9), (6, 4, 3)), 2 * 6 * 7 * 12),
    (conv((1, 8, 10, 12), (8, 1, 3, 5), group=8, pads=[1, 2, 1, 2]), 8 * 10 * 12 * 15),
    (conv((1, 8, 10, 12), (16, 1, 3, 3), group=8), 16 * 8 * 10 * 9),
    (conv((1, 8, 10, 12), (12, 2, 3, 3), group=4), 12 * 8 * 10 * 18),
    (conv((1, 3, 7, 7), (4, 3, 1, 1)), 4 * 49 * 3),
    (transposed((1, 4, 8, 8), (4, 6, 4, 4), strides=[2, 2], pads=[1] * 4), 4 * 64 * 6 * 16),
    (transposed((1, 4, 5), (4, 2, 3), strides=[3], output_padding=[1]), 4 * 5 * 2 * 3),
    (transposed((1, 4, 5, 5), (4, 2, 3, 3), group=2, strides=[2, 1]), 4 * 25 * 2 * 9),
    (transposed((1, 2, 5, 6), (2, 3, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"), 2 * 30 * 3 * 9),
    (transposed((1, 2, 5, 6), (2, 3, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER"), 2 * 30 * 3 * 9),
    (transposed((1, 2, 5, 6), (2, 3, 3, 3), strides=[2, 2], output_shape=[10, 12]), 2 * 30 * 3 * 9),
    (transposed((1, 2, 4, 4, 4), (2, 3, 2, 2, 2), strides=[2] * 3), 2 * 64 * 3 * 8),
]


@pytest.mark.parametrize(("case", "macs"), COUNTED)
def test_sizes_and_work(case: s.Case, macs: int) -> None:
    s.assert_shapes(case)
    assert s.work(case).macs == macs
    assert s.work(case).bias == 0


@pytest.mark.parametrize(("inputs", "kernel", "stride", "dilation", "extra"), [
    (2, 3, 3, 1, 0), (2, 3, 3, 1, 1), (1, 1, 2, 1, 1), (3, 2, 1, 1, 0), (2, 2, 3, 2, 2),
])  # fmt: skip
def test_an_output_shape_that_takes_more_inputs(
    inputs: int, kernel: int, stride: int, dilation: int, extra: int
) -> None:
    """Which lengths ONNX Runtime takes, from 1 to beyond the longest."""
    taken = []
    for length in range(1, inputs * stride + (kernel - 1) * dilation + 3):
        c = transposed((1, 1, inputs), (1, 1, kernel), strides=[stride], dilations=[dilation],
                       output_padding=[extra], output_shape=[length])  # fmt: skip
        try:
            s.run(c)
        except Exception:  # noqa: BLE001  # each of its errors is a class of its own
            s.assert_refused(c, f"output_shape is {length}.* more than {inputs} inputs")
            continue
        s.assert_shapes(c)
        taken.append(length)
    # the last kernel begins at (inputs - 1)*stride; behind it there is less than a step
    longest = inputs * stride + (kernel - 1) * dilation
    assert taken == list(range(1, longest + 1))


def test_a_bias_is_one_addition_per_output() -> None:
    with_bias = s.case("Conv", (1, 3, 8, 8), (8, 3, 3, 3), (8,), const=(1, 2))
    assert s.work(with_bias).bias == 8 * 36


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize(
    ("length", "kernel", "stride"), list(itertools.product((7, 8), (2, 3, 5), (1, 2, 3)))
)
def test_auto_pad(auto_pad: str, length: int, kernel: int, stride: int) -> None:
    case = conv((1, 1, length), (1, 1, kernel), auto_pad=auto_pad, strides=[stride])
    s.assert_shapes(case)
    assert s.predicted(case, 0, 2) == s.dependence(case, 0, 2, 2)


WINDOWS = [
    {"strides": [st], "dilations": [d], "pads": [p, q], "kernel": k}
    for st, d, (p, q), k in itertools.product(
        (1, 2, 3), (1, 2), ((0, 0), (1, 1), (2, 1), (0, 3)), (1, 2, 3)
    )
]


@pytest.mark.parametrize("window", WINDOWS)
def test_what_a_convolution_reads(window: dict[str, Any]) -> None:
    attributes = {k: v for k, v in window.items() if k != "kernel"}
    case = conv((1, 1, 13), (1, 1, window["kernel"]), **attributes)
    s.assert_shapes(case)
    assert s.predicted(case, 0, 2) == s.dependence(case, 0, 2, 2)


def runs(window: dict[str, Any], output_padding: int) -> bool:
    """ONNX Runtime asks for less output padding than stride, and some output to be left."""
    reach = (window["kernel"] - 1) * window["dilations"][0] + 1
    return output_padding < window["strides"][0] and reach >= sum(window["pads"])


@pytest.mark.parametrize(
    ("window", "output_padding"), [(w, p) for w in WINDOWS for p in (0, 1) if runs(w, p)]
)
def test_what_a_transposed_convolution_reads(window: dict[str, Any], output_padding: int) -> None:
    attributes = {k: v for k, v in window.items() if k != "kernel"}
    kernel = window["kernel"]
    case = transposed((1, 1, 6), (1, 1, kernel), output_padding=[output_padding], **attributes)
    s.assert_shapes(case)
    assert s.predicted(case, 0, 2) == s.dependence(case, 0, 2, 2)


def test_axes_are_told_apart() -> None:
    case = conv((1, 2, 9, 12), (3, 2, 2, 5), strides=[1, 3], pads=[0, 2, 1, 1])
    for axis in (2, 3):
        assert s.predicted(case, 0, axis) == s.dependence(case, 0, axis, axis)


def test_a_depthwise_convolution_reads_its_own_channel() -> None:
    case = conv((1, 6, 5), (6, 1, 3), group=6)
    assert s.predicted(case, 0, 1) == s.dependence(case, 0, 1, 1)


@pytest.mark.parametrize("group", [2, 3])
def test_a_grouped_convolution_reads_its_group(group: int) -> None:
    case = conv((1, 6, 5), (6, 6 // group, 3), group=group)
    assert s.predicted(case, 0, 1) == s.dependence(case, 0, 1, 1)


def test_same_padding_of_a_free_axis() -> None:
    height = FreeDim.named("H")
    case = conv((1, 1, 8), (1, 1, 3), auto_pad="SAME_UPPER", strides=[2])
    found = s.operator(case)
    x, w = Tensor("float32", (1, 1, height)), s.tensors(case)[1]
    output = found.call(found.infer, (x, w), s.keywords(case))
    assert isinstance(output, Tensor)
    assert str(output.dims[2]) == "floor((H + 1)/2)"


def test_integer_products_are_counted_apart() -> None:
    x = np.zeros((1, 2, 6, 6), np.uint8)
    w = np.zeros((3, 2, 3, 3), np.uint8)
    work = s.work(s.case("ConvInteger", x, w, const=(1,)))
    assert (work.int_macs, work.float_macs) == (3 * 16 * 18, 0)


@pytest.mark.parametrize(
    ("x", "w", "fact"),
    [((1, 3, 8, 8), (8, 4, 3, 3), "channel"), ((1, 3, 8), (8, 3, 3, 3), "ax")],
)
def test_contradictions_are_told(x: tuple[int, ...], w: tuple[int, ...], fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        s.infer(conv(x, w))


def test_counts_are_exact_however_large() -> None:
    case = s.Case("Conv", (None, None), {}, frozenset(), 1, 21)
    found = s.operator(case)
    side = 2**20
    x = Tensor("float32", (64, 2048, side, side))
    w = Tensor("float32", (2048, 2048, 1, 1), True)
    output = found.call(found.infer, (x, w), {})
    assert isinstance(output, Tensor)
    assert found.work is not None
    work = found.call(found.work, ((output,), x, w), {})
    assert isinstance(work, s.Work)
    assert work.macs == math.prod((64, 2048, side, side, 2048))
    reads = found.call(found.reads, ((output,), x, w), {})  # type: ignore[arg-type]
    assert isinstance(reads, tuple)
    assert reads[0][2] == Along(2)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize(
    ("attributes", "fact"),
    [
        ({"strides": [0, 1]}, "strides holds 0, at least 1"),
        ({"strides": [1, 0], "auto_pad": "SAME_UPPER"}, "strides holds 0, at least 1"),
        ({"strides": [-1, 1]}, "strides holds -1, at least 1"),
        ({"dilations": [0, 1]}, "dilations holds 0, at least 1"),
        ({"pads": [0, 0, -1, 0]}, "pads holds -1, at least 0"),
        ({"pads": [1, 1]}, "pads has 2 numbers, 4 are wanted"),
        ({"auto_pad": "SAME"}, "auto_pad is 'SAME', one of"),
        ({"kernel_shape": [0, 3]}, "kernel_shape (holds 0|is .0, 3.), "),
    ],
)
def test_windows_that_cannot_be_are_refused(op: str, attributes: dict[str, Any], fact: str) -> None:
    weights = [(4, 4, 3, 3)] if op.startswith("Conv") else []
    known = tuple(range(1, 1 + len(weights)))
    attributes = {"kernel_shape": [3, 3], **attributes}
    case = s.case(op, (1, 4, 8, 8), *weights, const=known, **attributes)
    with pytest.raises(ValueError, match=fact):
        s.infer(case)
    with pytest.raises(Exception, match=r"ShapeInferenceError|Unrecognized|AutoPadType"):
        s.run(case)


@pytest.mark.parametrize(
    ("op", "group", "fact"),
    [("Conv", 0, "group is 0"), ("ConvTranspose", -1, "group is -1"),
     ("ConvTranspose", 3, "4 channels don't make 3 groups")],
)  # fmt: skip
def test_groups_that_cannot_be_are_refused(op: str, group: int, fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        s.infer(s.case(op, (1, 4, 8, 8), (4, 4, 3, 3), const=(1,), group=group))
