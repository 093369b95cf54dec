"""Is a free dimension the batch? Held against ONNX Runtime: each example run alone gives the same.

A network of three examples is run whole and example by example. Where the dimension is said to be the
batch the results are equal, and so are three times one example's figures; where examples mix or a
size is worked out from it, it is no batch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from networks import network, node

import cnnscope

HEAD = np.array([0, -1], np.int64)
HEAD_AXES = np.array([0, 1], np.int64)
ROWS = np.array([-1, 4], np.int64)

#: a network whose first input has the free dimension at axis 0; whether that is its batch
NETWORKS: dict[str, tuple[onnx.ModelProto, bool]] = {
    "convolution": (network(node("Conv", "x w", "y"), x=("N", 3, 8, 8), w=(4, 3, 3, 3)), True),
    "flattened": (
        network(node("Conv", "x w", "a"), node("Flatten", "a", "b"), node("Gemm", "b v", "y"),
                x=("N", 1, 4, 4), w=(2, 1, 3, 3), v=(8, 5)), True,
    ),
    "reshaped": (
        network(node("Reshape", "x s", "y"), x=("N", 2, 6), s=HEAD), True,
    ),
    "its rows together and apart again": (
        network(node("Reshape", "x r", "a"), node("MatMul", "a w", "b"),
                node("Reshape", "b t", "y"), x=("N", 3, 4), r=ROWS, w=(4, 4),
                t=np.array([-1, 3, 4], np.int64)), True,
    ),
    "time first": (
        network(node("Transpose", "x", "a", perm=[1, 0, 2]),
                node("GRU", "a w r", "b", hidden_size=5), node("Squeeze", "b one", "c"),
                node("Transpose", "c", "y", perm=[1, 0, 2]),
                x=("N", 6, 4), w=(1, 15, 4), r=(1, 15, 5), one=np.array([1], np.int64)), True,
    ),
    "batch normalisation": (
        network(node("BatchNormalization", "x s s s s", "y"), x=("N", 3, 4), s=(3,)), True,
    ),
    "a length": (network(node("Unsqueeze", "x z", "a"), node("Conv", "a w", "b"),
                         node("Squeeze", "b z", "y"), x=("N", 4), w=(1, 1, 2, 1),
                         z=HEAD_AXES), False),
    "points": (network(node("ReduceMax", "x z", "y", keepdims=1), x=("N", 3),
                       z=np.array([0], np.int64)), False),
    "softmax over it": (network(node("Softmax", "x", "y", axis=0), x=("N", 3)), False),
    "attention over it": (
        network(node("Transpose", "x", "t", perm=[1, 0]), node("MatMul", "x t", "a"),
                node("Softmax", "a", "b"), node("MatMul", "b x", "y"), x=("N", 3)), False,
    ),
    "a running sum": (
        network(node("CumSum", "x z", "y"), x=("N", 3), z=np.array(0, np.int64)), False,
    ),
    "one example picked": (
        network(node("Gather", "x z", "y", axis=0), x=("N", 3), z=np.array([0], np.int64)), False,
    ),
    "order of axes lost": (
        network(node("Transpose", "x", "t", perm=[1, 0, 2]), node("Reshape", "t r", "y"),
                x=("N", 3, 4), r=ROWS), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_is_what_examples_dont_mix_along(name: str) -> None:
    made, expected = NETWORKS[name]
    report = cnnscope.analyze(made)
    assert (report.batch == {"N": True}) == expected
    assert (report.inputs[0].shape or ())[0] == 1 or not expected
    assert report.batch_axes == ({"x": 0} if expected else {})
    if not expected:
        assert "free-dimension" in {d.code for d in report.diagnostics}

    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    shape = [3 if d == "N" else d for d in session.get_inputs()[0].shape]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    (whole,) = session.run(None, {"x": x})
    try:
        alone = np.concatenate([session.run(None, {"x": x[i : i + 1]})[0] for i in range(3)])
        same = alone.shape == whole.shape and np.allclose(alone, whole, atol=1e-5)
    except Exception:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
        same = False
    assert same == expected
    if expected:
        three = cnnscope.analyze(made, dims={"N": 3})
        for total in ("macs", "flops", "peak_activation_bytes"):
            one = getattr(report.totals, total).value
            assert getattr(three.totals, total).value == 3 * one


def test_a_length_named_n_is_a_length(cases: Path) -> None:
    path = cases / "length_named_N.onnx"
    report = cnnscope.analyze(path)
    assert report.batch == {"batch_size": True}
    assert str(report.outputs[0].shape[2]) == "floor(N/160) + 1"
    check = cnnscope.check(path, {"macs": "1 M"})
    assert check["macs"].state == "unknown"
    assert "N" in check["macs"].reason
    # 101 windows of 400 samples, 64 filters
    bound = cnnscope.check(path, {"macs": "3 M"}, dims={"N": 16000})
    assert bound["macs"].figure.exact == 101 * 400 * 64
    assert bound.to_dict()["models"][0]["assumed"] == [
        {"dimension": "batch_size", "length": 1, "proven": True}
    ]
    assert "of one example" in str(bound)


def test_a_question_mark_leaves_the_batch_free(cases: Path) -> None:
    path = cases / "length_named_N.onnx"
    report = cnnscope.analyze(path, shapes={"waveforms": (None, 16000)})
    assert not report.batch
    assert report.totals.macs.formula == "2585600*batch_size"
    free = cnnscope.analyze(path, shapes={"waveforms": (1, None)})
    assert free.totals.macs.formula == "25600*floor(N/160) + 25600"
    fixed = network(node("Relu", "x", "y"), x=("N", 3))
    opened = cnnscope.analyze(fixed, shapes={"x": (2, None)})
    assert opened.totals.flops.formula == "2*x:1"
    with pytest.raises(cnnscope.BindingError, match="axis 1 can't be left free"):
        cnnscope.analyze(fixed, shapes={"x": (2, None)}, keep_fixed=True)


def test_no_verdict_hangs_on_what_only_looks_like_a_batch() -> None:
    """The name says batch, but examples are taken together: 1 is taken, and no size is known."""
    made = network(
        node("ReduceMean", "x z", "a", keepdims=1), node("MatMul", "x w", "b"), node("Sub", "b a", "y"),
        x=("batch", 3), z=np.array([0], np.int64), w=(3, 3),
    )  # fmt: skip
    report = cnnscope.analyze(made)
    assert report.batch == {"batch": False}
    assert "open-batch" in {d.code for d in report.diagnostics}
    check = cnnscope.check(made, {"macs": "1 G", "params": "1 k"})
    assert (check["macs"].state, check["params"].state) == ("unknown", "within")
    assert cnnscope.check(made, {"macs": "1 G"}, dims={"batch": 7}).ok
