"""Which layers have kernels in rotation, and what would they be otherwise?

Each network of strided convolutions is run first: what it gives has to be the tiled convolution, unit i with
kernel i mod t, worked out here a unit at a time.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from filter_models import model_of, some
from onnx import helper

import cnnscope

Array = np.ndarray
node = helper.make_node


def unshared(*making: onnx.NodeProto, **weights: Array) -> onnx.ModelProto:
    """A matrix for each of 12 positions, behind a convolution, made by nodes that give `v`."""
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1]),
        node("Transpose", ["c"], ["t"], "turn", perm=[2, 0, 1]),
        *making,
        node("MatMul", ["t", "v"], ["y"], "own"),
    ]
    return model_of(nodes, {"w": some(8, 3, 3), **weights}, [1, 3, 12])


TIMES = {"r": np.array([4, 1, 1])}
MADE = {
    "repeated": ([node("Tile", ["u", "r"], ["v"])], {"u": some(3, 8, 5), **TIMES}, 3),
    "put behind itself": ([node("Concat", ["u"] * 3, ["v"], axis=0)], {"u": some(4, 8, 5)}, 4),
    "turned around, then repeated": (
        [node("Transpose", ["u"], ["a"], perm=[2, 1, 0]), node("Tile", ["a", "r"], ["v"])],
        {"u": some(5, 8, 3), **TIMES}, 3,
    ),
    "repeated, then turned around": (
        [node("Tile", ["u", "r"], ["a"]), node("Transpose", ["a"], ["v"], perm=[2, 1, 0])],
        {"u": some(5, 8, 2), "r": np.array([1, 1, 6])}, 2,
    ),
    "each of its own": ([node("Identity", ["u"], ["v"])], {"u": some(12, 8, 5)}, 0),
    "two, one behind the other": (
        [node("Concat", ["u", "s"], ["v"], axis=0)], {"u": some(6, 8, 5), "s": some(6, 8, 5, seed=1)}, 0,
    ),
    "repeated between channels": (
        [node("Tile", ["u", "r"], ["v"])], {"u": some(12, 8, 1), "r": np.array([1, 1, 5])}, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", MADE)
def test_weights_that_begin_again(which: str) -> None:
    making, weights, period = MADE[which]
    report = cnnscope.analyze(unshared(*making, **weights))
    kind, found = report["own"].kind, report["own"].explain().alternatives
    assert found is not None
    assert (kind.label, kind.traits) == (
        ("tiled convolution", ("tiled",)) if period else ("locally connected", ("unshared",))
    )
    forms = {x.form: x.weights for x in found.forms}
    products = 12 * 8 * 5
    if period:
        # 12 positions have `period` matrices of 8 x 5 between them
        assert found.forms[0].form == "tiled"
        assert forms == {
            "tiled": period * 40, "shared": 40, "unshared": products, "fully connected": (12 * 8) * (12 * 5),
        }  # fmt: skip
        assert report.filters("own").period == period
    assert (found.inputs, found.outputs, found.batch) == (12 * 8, 12 * 5, 1)
    assert found.forms[0].connections == products


def test_weights_that_begin_again_by_their_numbers_alone_are_told_by_filters() -> None:
    again = np.concatenate([some(4, 8, 5)] * 3)
    report = cnnscope.analyze(unshared(node("Identity", ["u"], ["v"]), u=again))
    assert report["own"].kind.label == "locally connected"
    assert report.filters("own").period == 4
    assert "begin again after 4" in str(report.filters("own"))
    again[11, 0, 0] += 1
    report = cnnscope.analyze(unshared(node("Identity", ["u"], ["v"]), u=again))
    assert report.filters("own").period is None


# -- strided convolutions, interleaved ------------------------------------------------------------


def in_rotation(x: Array, kernels: Array, strides: tuple[int, ...]) -> Array:
    """Unit p has the kernel at p mod t; a unit at a time."""
    size = kernels.shape[len(strides) + 2 :]
    lengths = [(n - k + 1) // t * t for n, k, t in zip(x.shape[2:], size, strides, strict=True)]
    found = np.zeros((1, kernels.shape[len(strides)], *lengths))
    for at in np.ndindex(*lengths):
        kernel = kernels[tuple(p % t for p, t in zip(at, strides, strict=True))]
        window = x[(0, slice(None), *(slice(p, p + k) for p, k in zip(at, size, strict=True)))]
        found[(0, slice(None), *at)] = np.tensordot(kernel, window, window.ndim)
    return found


def line(join: str = "stack", *, same: bool = False, offset: int = 1) -> onnx.ModelProto:
    """Two convolutions of stride 2 over one line of 20, the second shifted by one."""
    nodes = [
        node("Conv", ["x", "a"], ["p"], "even", strides=[2]),
        node("Slice", ["x", "from", "to", "axis"], ["s"], "shift"),
        node("Conv", ["s", "a" if same else "b"], ["q"], "odd", strides=[2]),
    ]
    weights = {
        "a": some(4, 3, 3), "b": some(4, 3, 3, seed=1), "from": np.array([offset]),
        "to": np.array([19 + offset]), "axis": np.array([2]), "last": np.array([3]),
        "shape": np.array([1, 4, -1]),
    }  # fmt: skip
    if join == "stack":
        nodes += [
            node("Unsqueeze", ["p", "last"], ["p1"]),
            node("Unsqueeze", ["q", "last"], ["q1"]),
            node("Concat", ["p1", "q1"], ["z"], axis=3),
            node("Reshape", ["z", "shape"], ["y"]),
        ]
    elif join == "other way round":
        nodes += [
            node("Unsqueeze", ["p", "last"], ["p1"]),
            node("Unsqueeze", ["q", "last"], ["q1"]),
            node("Concat", ["q1", "p1"], ["z"], axis=3),
            node("Reshape", ["z", "shape"], ["y"]),
        ]
    else:
        nodes.append(node("Concat", ["p", "q"], ["y"], axis=2))
    return model_of(nodes, weights, [1, 3, 20])


def plane() -> onnx.ModelProto:
    """2 x 2 convolutions to 2 channels, shifted by less padding before, put together by DepthToSpace."""
    nodes, weights = [], {}
    for i, (a, b) in enumerate(np.ndindex(2, 2)):
        weights[f"w{i}"] = some(2, 3, 3, 3, seed=i)
        pads = [1 - a, 1 - b, 1 + a, 1 + b]
        nodes.append(node("Conv", ["x", f"w{i}"], [f"c{i}"], f"conv{i}", strides=[2, 2], pads=pads))
    nodes += [
        node("Concat", [f"c{i}" for i in range(4)], ["z"], axis=1),
        node("DepthToSpace", ["z"], ["y"], blocksize=2),
    ]
    return model_of(nodes, weights, [1, 3, 10, 12])


def given(model: onnx.ModelProto, x: Array) -> Array:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x})[0])


def tiled(model: onnx.ModelProto) -> list[str]:
    return [layer.name for layer in cnnscope.analyze(model).layers if "tiled" in layer.kind.traits]


def test_two_interleaved_convolutions_are_one_with_kernels_in_rotation() -> None:
    x, model = some(1, 3, 20, seed=5), line()
    kernels = np.stack([some(4, 3, 3), some(4, 3, 3, seed=1)])
    np.testing.assert_allclose(given(model, x), in_rotation(x, kernels, (2,)), atol=1e-5)
    assert tiled(model) == ["even", "odd"]


def test_four_on_a_plane() -> None:
    x, kernels = some(1, 3, 10, 12, seed=9), np.stack([some(2, 3, 3, 3, seed=i) for i in range(4)])
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    expected = in_rotation(padded, kernels.reshape(2, 2, 2, 3, 3, 3), (2, 2))
    np.testing.assert_allclose(given(plane(), x), expected, atol=1e-5)
    assert tiled(plane()) == [f"conv{i}" for i in range(4)]


@pytest.mark.parametrize(
    "model",
    [line("blocks"), line(same=True), line(offset=2), line("other way round")],
    ids=[
        "one behind the other",
        "one kernel for both",
        "shifted by a whole step",
        "other way round",
    ],
)
def test_what_isnt_in_rotation(model: onnx.ModelProto) -> None:
    assert tiled(model) == []


def test_a_convolution_beside_its_tiled_form() -> None:
    """2 kernels along each of two axes: 4 times the weights, the same work."""
    conv = node("Conv", ["x", "w", "b"], ["y"], "conv")
    model = model_of([conv], {"w": some(6, 3, 3, 3), "b": some(6)}, [1, 3, 8, 8])
    found = cnnscope.analyze(model)["conv"].explain()
    forms = {x.form: x for x in found.alternatives.forms}
    assert (forms["tiled"].weights, forms["tiled"].macs) == (4 * 162, 36 * 162)
    assert "tiled (2 an axis)" in str(found)
