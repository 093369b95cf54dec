"""Moving, cutting and padding, against ONNX Runtime: shapes, and by brute force what is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from single_node import assert_shapes, case, dependence, infer, operator, predicted, reads

from cnnscope.analyzer.operators.reading import FLAT, Only
from cnnscope.analyzer.values.dimension import FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor

I = np.int64  # noqa: E741
H, N = FreeDim.named("H"), FreeDim.named("N")


def ints(*values):
    return np.array(values, I)


SHAPES = [
    case("Reshape", (2, 3, 4), ints(0, -1), const=(1,)),
    case("Reshape", (2, 3, 4), ints(4, 3, 2), const=(1,)),
    case("Reshape", (0, 3), ints(3, 0), const=(1,), allowzero=1),
    case("Reshape", (2, 3, 4), ints(-1), const=(1,), opset=5),
    case("Flatten", (2, 3, 4, 5)), case("Flatten", (2, 3, 4), axis=0),
    case("Flatten", (2, 3, 4), axis=3), case("Flatten", (2, 3, 4), axis=-1),
    case("Squeeze", (1, 2, 1, 3)), case("Squeeze", (1, 2, 1, 3), ints(-2), const=(1,)),
    case("Squeeze", (1, 2, 1, 3), opset=11, axes=[0, 2]),
    case("Unsqueeze", (2, 3), ints(0, -1), const=(1,)),
    case("Unsqueeze", (2, 3), opset=11, axes=[1]),
    case("Transpose", (2, 3, 4)), case("Transpose", (2, 3, 4), perm=[1, 2, 0]),
    case("Concat", (2, 3), (2, 5), axis=1), case("Concat", (2, 3), (1, 3), (4, 3), axis=-2),
    case("Split", (6, 4), outputs=3, opset=13), case("Split", (7, 4), outputs=3, num_outputs=3),
    case("Split", (2, 7), ints(1, 4, 2), const=(1,), outputs=3, axis=-1),
    case("Split", (7,), outputs=2, opset=11, split=[3, 4]),
    case("Slice", (5, 6), opset=9, starts=[1, -3], ends=[-1, 99]),
    case("Slice", (5, 6), opset=9, starts=[1], ends=[3], axes=[1]),
    case("Slice", (5, 6), ints(-1), ints(-99), ints(1), ints(-2), const=(1, 2, 3, 4)),
    case("Slice", (5, 6), ints(4), ints(2), const=(1, 2)),
    case("Pad", (2, 3), ints(0, 1, 2, -1), const=(1,)),
    case("Pad", (2, 3), ints(1, 2), np.float32(1), ints(-1), const=(1, 3)),
    case("Pad", (2, 3), opset=2, pads=[1, 0, 0, 2], mode="edge"),
    case("Expand", (3, 1), ints(2, 1, 6), const=(1,)), case("Expand", (3, 4), ints(1), const=(1,)),
    case("Tile", (2, 3), ints(2, 3), const=(1,)),
    case("ReverseSequence", (4, 3), ints(4, 2, 1), const=(1,)),
    case("Trilu", (2, 3, 3), I(1), const=(1,), upper=0),
    case("Compress", (4, 3), np.array([True, False, True]), const=(1,), axis=0),
    case("Compress", (4, 3), np.array([True, False, True]), const=(1,)),
]  # fmt: skip


@pytest.mark.parametrize("c", SHAPES, ids=lambda c: c.op)
def test_shapes(c):
    assert_shapes(c)


READS = [
    (case("Transpose", (2, 3, 4), perm=[1, 2, 0]), 0, 2, 1),
    (case("Transpose", (2, 3, 4), perm=[1, 2, 0]), 0, 0, 2),
    (case("Squeeze", (1, 2, 1, 3)), 0, 3, 1),
    (case("Unsqueeze", (2, 3), ints(0, 2), const=(1,)), 0, 1, 3),
    (case("Concat", (2, 3), (2, 5), axis=1), 0, 1, 1),
    (case("Concat", (2, 3), (2, 5), axis=1), 1, 1, 1),
    (case("Expand", (3, 4), ints(2, 3, 4), const=(1,)), 0, 0, 1),
    (case("Tile", (2, 3), ints(2, 3), const=(1,)), 0, 1, 1),
    (case("ReverseSequence", (5, 2), ints(3, 3), const=(1,)), 0, 0, 0),
    (case("Compress", (4, 3), np.array([True, False, True]), const=(1,), axis=0), 0, 0, 0),
]


@pytest.mark.parametrize(("c", "which", "axis", "out"), READS)
def test_reads(c, which, axis, out):
    assert predicted(c, which, axis) == dependence(c, which, axis, out)


@pytest.mark.parametrize("output", range(3))
def test_split_reads(output):
    c = case("Split", (2, 7), ints(1, 4, 2), const=(1,), outputs=3, axis=-1)
    assert predicted(c, 0, 1, output) == dependence(c, 0, 1, 1, output)


QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(st.integers(1, 9), st.integers(-12, 12), st.integers(-12, 12),
       st.sampled_from([-3, -2, -1, 1, 2, 3]))  # fmt: skip
def test_any_slice(n, start, end, step):
    c = case("Slice", (n,), ints(start), ints(end), ints(0), ints(step), const=(1, 2, 3, 4))
    assert_shapes(c)
    if infer(c)[0].shape != (0,):
        assert predicted(c, 0, 0) == dependence(c, 0, 0, 0)


@QUIET
@given(st.integers(4, 8), st.integers(-3, 3), st.integers(-3, 3),
       st.sampled_from(["constant", "edge", "reflect", "wrap"]))  # fmt: skip
def test_any_padding(n, before, after, mode):
    if n + min(before, 0) + min(after, 0) < 1 or (
        mode == "reflect" and max(before, after) >= n + min(before, 0) + min(after, 0)
    ):
        return
    c = case("Pad", (n, 2), ints(before, 0, after, 0), const=(1,), mode=mode)
    assert_shapes(c)
    assert predicted(c, 0, 0) == dependence(c, 0, 0, 0)


def test_reshape_and_flatten_keep_the_order():
    assert reads(case("Reshape", (2, 3), ints(6), const=(1,)))[0] is FLAT
    assert reads(case("Flatten", (2, 3)))[0] is FLAT


def test_a_squeezed_axis_is_its_only_index():
    assert reads(case("Squeeze", (1, 2)))[0][0] == Only(0, 0)


def call(op, *inputs, opset=21, **attributes):
    found = operator(case(op, opset=opset))
    result = found.call(found.infer, inputs, {"opset": opset, "node_name": "node", **attributes})
    return [x.shape for x in (result if isinstance(result, tuple) else (result,))]


def value(*dims):
    free = any(isinstance(d, FreeDim) for d in dims)
    return Tensor("int64", (len(dims),), value=np.array(dims, object if free else I))


def data(*shape):
    return Tensor("float32", shape)


SYMBOLIC = [
    (("Reshape", data(N, 3, H), value(0, -1)), [(N, 3 * H)]),
    (("Reshape", data(N, 3, H, 4), value(N, 6, -1)), [(N, 6, 2 * H)]),
    (("Flatten", data(N, 3, H)), [(N, 3 * H)]),
    (("Concat", data(N, 3, H), data(N, 3, 5)), [(N, 6, 5)]),
    (("Slice", data(N, H), value(1), value(-1), value(1)), [(N, H - 2)]),
    (("Slice", data(N, H), value(2), value(2**63 - 1), value(1)), [(N, H - 2)]),
    (("Slice", data(N, H), value(-1), value(-(2**63)), value(1), value(-1)), [(N, H)]),
    (("Slice", data(N, H), value(0), value(2 * H), value(1)), [(N, H)]),
    (("Pad", data(N, H), value(0, 1, 0, 2)), [(N, H + 3)]),
    (("Tile", data(N, H), value(1, 2)), [(N, 2 * H)]),
    (("Expand", data(1, H), value(N, 1)), [(N, H)]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "shapes"), SYMBOLIC)
def test_free_lengths(arguments, shapes):
    assert call(*arguments) == shapes


def test_a_number_as_the_end_of_a_free_axis():
    assert str(call("Slice", data(H), value(0), value(3))[0][0]) == "min(3, H)"


def test_equal_parts_of_a_free_axis():
    assert call("Split", data(2 * H), num_outputs=2, output_count=2) == [(H,), (H,)]


def test_tiling_one_axis_and_reshape_before_inputs():
    scalar = Tensor("int64", (1,), value=ints(1)), Tensor("int64", (1,), value=ints(1))
    assert call("Tile", data(2, 3), value(4), scalar[1], opset=1) == [(2, 12)]
    assert call("Reshape", data(2, 3), opset=1, shape=(3, -1)) == [(3, 2)]
    assert call("Pad", data(2, 3), opset=1, paddings=(0, 1, 0, 2)) == [(2, 6)]


def test_sizes_known_only_at_run_time_leave_the_other_axes():
    unknown = Tensor("int64", (1,))
    shape = call("Slice", data(4, 5), unknown, unknown, value(1))[0]
    assert shape[0] == 4
    assert shape[1].data


WRONG = [
    (("Reshape", data(5), value(2, -1)), "don't fill"),
    (("Reshape", data(6), value(4)), "don't fill"),
    (("Squeeze", data(2), value(0)), "can't be squeezed"),
    (("Concat", data(2, 3), data(3, 3)), "axis 0"),
    (("Transpose", data(2, 3)), "perm"),
    (("Tile", data(2, 3), value(2)), "repeats"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_contradictions(arguments, message):
    extra = {"perm": (0, 0)} if arguments[0] == "Transpose" else {}
    with pytest.raises(ValueError, match=message):
        call(*arguments, **extra)


def test_squeezing_whatever_is_one_names_the_free_axis():
    with pytest.raises(Undetermined) as caught:
        call("Squeeze", data(N, 1))
    assert caught.value.names == {"N"}
