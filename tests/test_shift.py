"""By which shifts does each map move, for which units, and what is off about the mirrored one?

Held against brute force that shares nothing with the prediction: the network runs on a window of a long
signal, and on the whole of it. A unit is clean if it has the value that it has in the middle of the long
signal, where no border is near; the units named have to be those, no more and no fewer.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import TensorProto, helper
from shift_networks import Writer, random_network

import cnnscope

SAMPLES = Path("sample_models")


def values(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    # It fuses layers of padding into pools that it then refuses.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"x": x})
    return np.asarray(found)


@pytest.mark.parametrize("seed", range(amount(24, 600)))
def test_units_of_random_networks(seed: int) -> None:
    length = 60
    model = random_network(seed, length)
    found = cnnscope.shift(model)
    along = [i for i, axis in enumerate(found.axes) if axis.inputs == {"x": 2}]
    if not along:  # it is cropped or padded, no more
        return
    (said,) = [one for one in found[-1].axes if one.axis in along]
    if said.cause is not None or said.advance is None or said.period is None:
        assert said.cause is not None
        assert said.cause.cause == "speed"
        return
    start = said.advance * -(-400 // said.advance)
    long = np.random.default_rng(seed).random((1, 4, 2 * start + length), np.float32)
    model_of_long = random_network(seed, long.shape[2])
    whole = values(model_of_long, long)
    here = values(model, long[:, :, start : start + length])
    moved = start // said.advance * said.period * said.div
    away = np.abs(whole[..., moved : moved + here.shape[2]] - here).max(axis=(0, 1))
    clean = away <= 1e-5 * np.abs(whole).max()
    first, last = said.interior or (0, -1)
    first, last = first * said.div, last * said.div + said.div - 1
    assert clean[first : last + 1].all(), (first, last, away)
    # And no unit beside them is, unless by chance: where each value stands there several times, a linear
    # resize that repeats the last one at the border repeats what is there anyway.
    modes = {a.s for node in model.graph.node for a in node.attribute if a.name == "mode"}
    if last < first or modes >= {b"nearest", b"linear"}:
        return
    assert first == 0 or not clean[first - 1]
    assert last + 1 == len(clean) or not clean[last + 1]


def conv(w: Writer, x: str, k: int, stride: int, pad: int, channels: int = 1) -> str:
    return w.add("Conv", x, w.weights(channels, channels, k, k), strides=[stride] * 2, pads=[pad] * 4,
                 kernel_shape=[k, k])  # fmt: skip


@pytest.mark.parametrize(
    ("length", "pixels", "units"),
    [(192, 3, Fraction(3, 4)), (193, 0, Fraction(0)), (194, 1, Fraction(1, 4))],
)
def test_mirror(length: int, pixels: int, units: Fraction) -> None:
    # units at 0, 4, ..., 188: mirrored 191 - 188 = 3; of 193 pixels the 49 units end at 192;
    # of 194 (97 and 49 units) at 192, mirrored 193 - 192 = 1
    w = Writer(0)
    y = conv(w, conv(w, "x", 3, 2, 1), 3, 2, 1)
    found = cnnscope.shift(w.model([1, 1, length, length], [y]))
    (one, _) = found[-1].axes
    assert (one.mirror, one.mirror_units) == (pixels, units)


def test_hrnet_stem(cases: Path) -> None:
    found = cnnscope.shift(cases / "hrnet_stem.onnx")
    assert [x.axes[0].mirror for x in found] == [1, 3]
    assert found[-1].axes[0].mirror_units == Fraction(3, 4)
    assert {layer: dict(by) for layer, by in found.displacing.items()} == {
        "Conv_0": {0: 1}, "Conv_1": {0: 2},
    }  # fmt: skip
    (finding,) = [x for x in cnnscope.lint(cases / "hrnet_stem.onnx") if x.code == "CNS107"]
    assert finding.layers == ("Conv_0", "Conv_1")
    assert "3 pixels" in finding.message


@pytest.mark.parametrize("sample", ["lenet5", "unet", "wavenet", "resnet50", "vit_b_16"])
def test_no_false_alarm(sample: str) -> None:
    """Nothing is displaced, the steps are on purpose to one side, or no map is given."""
    assert "CNS107" not in {x.code for x in cnnscope.lint(SAMPLES / f"{sample}.onnx")}


@pytest.mark.parametrize(
    ("sample", "layer", "cause"),
    [
        ("vgg16", "/classifier/fc6/Gemm", "dense"),
        ("resnet50", "/avgpool/GlobalAveragePool", "whole"),
        ("vit_b_16", "/encoder/embed/Add", "position"),
        ("unet", None, None),
        ("fcn8s", None, None),
    ],
)  # fmt: skip
def test_what_ends_it(sample: str, layer: str | None, cause: str | None) -> None:
    axis = cnnscope.shift(SAMPLES / f"{sample}.onnx").axes[0]
    assert (axis.end and axis.end.layer, axis.end and axis.end.cause) == (layer, cause)


def test_a_map_of_coordinates_ends_it_and_a_uniform_one_does_not() -> None:
    for stored, cause in ((np.arange(8.0), "position"), (np.full(8, 2.0), None)):
        w = Writer(0)
        y = w.add("Add", conv(w, "x", 1, 1, 0), w.keep(stored.reshape(1, 1, 1, 8), np.float32))
        across = cnnscope.shift(w.model([1, 1, 8, 8], [conv(w, y, 3, 1, 1)]))
        down, along = across[-1].axes
        assert down.cause is None
        assert (along.cause and along.cause.cause) == cause


def test_maps_of_different_speed() -> None:
    w = Writer(0)
    y = w.add("Conv", "x", w.weights(4, 4, 2), strides=[2], kernel_shape=[2])
    z = w.add("Slice", "x", w.keep([0]), w.keep([8]), w.keep([2]))
    found = cnnscope.shift(w.model([1, 4, 16], [w.add("Add", y, z)]))
    assert found[-1].axes[0].cause is not None
    assert found[-1].axes[0].cause.cause == "speed"


def test_free_lengths_have_a_formula() -> None:
    found = cnnscope.shift(SAMPLES / "alexnet.onnx", free="HxW", layers="/features/conv1/Conv")
    assert [x.layer for x in found]
    assert found[0].axes[0].advance == 4
    said = found.to_dict()
    assert said["schema_version"] == 1


def test_wavenet_and_units_in_json() -> None:
    """3070 samples seen, the last of them its own: the first 3069 units meet padding."""
    last = cnnscope.shift(SAMPLES / "wavenet.onnx").to_dict()["layers"][-1]  # type: ignore[index]
    assert last["axes"][0]["interior"] == [3069, 15999]


def test_what_cant_be_asked_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    from cnnscope.cli import main

    with pytest.raises(SystemExit, match="2"):
        main(["shift", str(SAMPLES / "lenet5.onnx"), "--layer", "nothing"])
    assert len(capfd.readouterr().err.splitlines()) == 1
    with pytest.raises(SystemExit, match="2"):
        main(["shift", str(SAMPLES / "lenet5.onnx"), "--circular"])
    assert "--measure" in capfd.readouterr().err


def test_numbers_of_places_do_not_move() -> None:
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["y", "i"], **window),
        helper.make_node("MaxUnpool", ["y", "i"], ["z"], **window),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    assert cnnscope.shift(model)[-1].axes[0].cause is not None


@pytest.mark.parametrize("size", [64, 97, 224])
def test_formulas_are_the_fixed_sizes_ends(size: int) -> None:
    """By hand: a unit u of conv1 (k11, steps of 4, padding 2) sees 4u - 2 .. 4u + 8, inside of H pixels for
    1 <= u <= (H - 9)/4."""
    layers, shape = "features", {"input": (1, 3, size, size)}
    free = cnnscope.shift(SAMPLES / "alexnet.onnx", free="HxW", layers=layers)
    fixed = cnnscope.shift(SAMPLES / "alexnet.onnx", shapes=shape, layers=layers)
    assert fixed[0].axes[0].interior == (1, (size - 9) // 4)
    assert len(fixed) == 13
    for one, other in zip(free, fixed, strict=True):
        assert one.axes[0].free_interior is not None
        first, text = one.axes[0].free_interior
        last = eval(text.replace("/", "//"), {"floor": int, "H": size})
        # none where the last one lies before the first
        assert other.axes[0].interior == ((first, last) if last >= first else None), one.layer
