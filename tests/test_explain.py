"""Is what an explanation says of a layer so? Connections counted one by one, paths walked by hand.

Connections: a layer with weights of ones is pushed through ONNX Runtime with every one-hot input;
what isn't zero in the outputs is a connection. Nothing of cnnscope takes part in that.
"""

from __future__ import annotations

import doctest
import json
import math
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from laid_out import explanation_json, explanation_markdown, explanation_text
from networks import network, node
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.explanation.sources import operator_page
from cnnscope.analyzer.fields import steps
from cnnscope.analyzer.fields.connections import Alternative
from cnnscope.analyzer.fields.pairs import window_pairs
from cnnscope.analyzer.render.subjects.formulas import pretty
from cnnscope.analyzer.values.window import Window
from cnnscope.cli import main


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: list[str],
    weights: dict[str, np.ndarray] | None = None,
    name: str = "net",
) -> onnx.ModelProto:
    return helper.make_model(
        helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
            [numpy_helper.from_array(w, n) for n, w in (weights or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


# -- connections -----------------------------------------------------------------------------------

LAYERS = {
    "dense": ("Conv", [3, 6, 7], ones(4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "strided, uneven padding": (
        "Conv", [2, 7, 8], ones(3, 2, 3, 2), {"strides": [2, 3], "pads": [1, 0, 2, 1]},
    ),
    "dilated": ("Conv", [2, 9], ones(3, 2, 3), {"dilations": [3], "pads": [3, 3]}),
    "grouped": ("Conv", [6, 5, 5], ones(4, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "depthwise": ("Conv", [4, 5, 5], ones(4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depthwise with a multiplier": ("Conv", [3, 6], ones(6, 1, 3), {"group": 3}),
    "pointwise": ("Conv", [5, 4, 4], ones(6, 5, 1, 1), {}),
    "3-D": ("Conv", [2, 3, 4, 5], ones(2, 2, 2, 2, 2), {"pads": [1, 0, 0, 0, 1, 1]}),
    "transposed": ("ConvTranspose", [3, 4, 5], ones(3, 2, 3, 3), {"strides": [2, 2]}),
    "transposed, cropped": (
        "ConvTranspose", [2, 5], ones(2, 3, 4),
        {"strides": [2], "pads": [1, 2], "output_padding": [1]},
    ),
    "transposed, dilated, grouped": (
        "ConvTranspose", [4, 6], ones(4, 2, 3), {"group": 2, "dilations": [2], "strides": [3]},
    ),
    "transposed, one tap, cropped": (
        "ConvTranspose", [2, 6, 5], ones(2, 3, 1, 3), {"pads": [1, 0, 2, 1]},
    ),
    "transposed, depthwise with a multiplier": (
        "ConvTranspose", [3, 5], ones(3, 2, 3), {"group": 3, "strides": [2]},
    ),
    "transposed, stride 1": ("ConvTranspose", [2, 6], ones(2, 3, 3), {"pads": [1, 1]}),
    "fully connected": ("Gemm", [7], ones(7, 5), {}),
    "fully connected, transposed": ("Gemm", [7], ones(5, 7), {"transB": 1}),
    "per token": ("MatMul", [4, 6], ones(6, 3), {}),
}  # fmt: skip


def pushed_through(op: str, shape: list[int], weight: np.ndarray, attributes: dict) -> np.ndarray:
    """The layer as a matrix: a row of outputs for every one-hot input."""
    import onnxruntime

    model = model_of(
        [helper.make_node(op, ["x", "w"], ["y"], **attributes)],
        {"x": ["N", *shape]},
        ["y"],
        {"w": weight},
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    count = math.prod(shape)
    hot = np.eye(count, dtype=np.float32).reshape(count, *shape)
    (found,) = session.run(None, {"x": hot})
    return np.asarray(found).reshape(count, -1)


@pytest.mark.parametrize("case", LAYERS)
@pytest.mark.parametrize("batch", [1, 3])
def test_connections_are_those_of_the_matrix(case: str, batch: int) -> None:
    op, shape, weight, attributes = LAYERS[case]
    matrix = pushed_through(op, shape, weight, attributes)
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    layer = cnnscope.analyze(model_of([node], {"x": [batch, *shape]}, ["y"], {"w": weight})).layers[
        0
    ]
    found = layer.explain().alternatives
    assert found is not None
    assert (found.inputs, found.outputs) == matrix.shape
    shared = found.forms[0]
    unshared, full = (by_form(found.forms, x) for x in ("unshared", "fully connected"))
    assert shared.connections == np.count_nonzero(matrix)
    assert found.sparsity == Fraction(int(np.count_nonzero(matrix == 0)), matrix.size)
    assert shared.weights == weight.size
    assert shared.macs * batch == layer.macs
    assert found.batch == batch
    assert unshared.connections == shared.connections
    assert unshared.weights == shared.macs
    assert full.weights == full.connections == full.macs == matrix.size


def test_an_unshared_layer_has_keras_number_of_weights() -> None:
    """Keras' LocallyConnected2D: out rows * out columns * kernel * kernel * C_in * C_out, and a
    bias for each output."""
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[2, 2])
    weights = {"w": ones(8, 3, 5, 5), "b": ones(8)}
    layer = cnnscope.analyze(model_of([node], {"x": [1, 3, 21, 21]}, ["y"], weights)).layers[0]
    found = layer.explain().alternatives
    assert found is not None
    unshared = by_form(found.forms, "unshared")
    assert unshared.params == 9 * 9 * 5 * 5 * 3 * 8 + 9 * 9 * 8
    assert by_form(found.forms, "shared").params == 5 * 5 * 3 * 8 + 8
    assert by_form(found.forms, "fully connected").params == 3 * 21 * 21 * 9 * 9 * 8 + 9 * 9 * 8


def test_biases_larger_than_the_weights_are_no_weights() -> None:
    """A Gemm adds a matrix of 10 x 5 to a product with 3 x 5 weights."""
    node = helper.make_node("Gemm", ["x", "w", "c"], ["y"])
    weights = {"w": ones(3, 5), "c": ones(10, 5)}
    layer = cnnscope.analyze(model_of([node], {"x": [10, 3]}, ["y"], weights)).layers[0]
    found = layer.explain().alternatives
    assert found is not None
    assert (found.forms[0].weights, found.forms[0].biases) == (15, 50)


def test_what_hangs_on_free_sizes_has_no_alternatives_and_says_so() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    layer = cnnscope.analyze(model_of([node], {"x": [1, 1, "L"]}, ["y"], {"w": ones(1, 1, 3)}))
    found = layer.layers[0].explain()
    assert found.alternatives is None
    assert any("no alternatives" in note for note in found.notes)


def by_form(forms: tuple[Alternative, ...], form: str) -> Alternative:
    return next(alternative for alternative in forms if alternative.form == form)


def test_lenet_c1_has_lecun_s_numbers(samples: Path) -> None:
    """C1 of LeNet-5 (LeCun et al. 1998): 156 trainable parameters, 122,304 connections, of which
    the biases' are 4,704; six maps of 28x28 from 5x5 kernels."""
    first = cnnscope.analyze(str(samples / "lenet5.onnx")).layers[0].explain()
    assert first.alternatives is not None
    shared = first.alternatives.forms[0]
    assert shared.params == 156
    biases = 28 * 28 * 6
    assert shared.connections == 28 * 28 * 6 * 5 * 5
    assert shared.connections + biases == 122_304
    assert first.work["bias"].result == biases


def test_the_separable_form_is_mobilenets() -> None:
    """Howard et al. 2017, section 3.1: the work falls to 1/N + 1/D_K^2."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    weights = {"w": ones(512, 512, 3, 3)}
    layer = cnnscope.analyze(model_of([node], {"x": [1, 512, 14, 14]}, ["y"], weights)).layers[0]
    found = layer.explain().alternatives
    assert found is not None
    separable = by_form(found.forms, "depthwise separable")
    assert separable.weights == 3 * 3 * 512 + 512 * 512
    assert separable.macs == 14 * 14 * (3 * 3 * 512 + 512 * 512)
    assert found.saving is not None
    assert Fraction(str(found.saving.result)) == Fraction(1, 512) + Fraction(1, 9)
    assert Fraction(separable.macs, layer.macs or 0) == Fraction(1, 512) + Fraction(1, 9)


@pytest.mark.parametrize("case", ["grouped", "depthwise", "pointwise", "transposed", "per token"])
def test_what_is_no_dense_convolution_has_no_separable_form(case: str) -> None:
    op, shape, weight, attributes = LAYERS[case]
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    layer = cnnscope.analyze(model_of([node], {"x": [1, *shape]}, ["y"], {"w": weight})).layers[0]
    found = layer.explain().alternatives
    assert found is not None
    assert found.saving is None
    assert "depthwise separable" not in {form.form for form in found.forms}


@pytest.mark.parametrize(
    ("window", "length", "count"),
    [
        (Window(3, stride=2, before=1, dilation=2), 11, 5),
        (Window(4, before=7), 3, 12),
        (Window(1, stride=3), 10, 4),
    ],
)
def test_pairs_are_those_of_the_definition(window: Window, length: int, count: int) -> None:
    listed = [at for i in range(count) for at in window.at(i)]
    inside = [at for at in listed if 0 <= at < length]
    assert window_pairs(window, length, count) == (len(inside), len(listed))


# -- paths -----------------------------------------------------------------------------------------


@pytest.fixture
def residual() -> cnnscope.Report:
    """in -> stem (5) -> [a: 3x3, b: 3x3] + skip -> tail (3, stride 2)."""

    def conv(name: str, given: str, size: int, stride: int = 1) -> onnx.NodeProto:
        pad = size // 2
        return helper.make_node(
            "Conv", [given, f"w{size}"], [name], name=name, strides=[stride], pads=[pad, pad]
        )

    nodes = [
        conv("stem", "in", 5),
        conv("a", "stem", 3),
        conv("b", "a", 3),
        helper.make_node("Add", ["b", "stem"], ["join"], name="join"),
        conv("tail", "join", 3, 2),
    ]
    return cnnscope.analyze(
        model_of(nodes, {"in": [1, 1, 40]}, ["tail"], {"w3": ones(1, 1, 3), "w5": ones(1, 1, 5)})
    )


def test_paths_of_a_residual_net_by_hand(residual: cnnscope.Report) -> None:
    largest, smallest = residual["tail"].explain().paths
    assert (largest.which, smallest.which) == ("largest", "smallest")
    told = [(step.layer, step.size) for step in largest.steps]
    assert told == [("stem", 5), ("a", 7), ("b", 9), ("join", 9), ("tail", 11)]
    assert [(s.layer, s.size) for s in smallest.steps] == [("stem", 5), ("join", 5), ("tail", 7)]


def test_the_step_is_araujo_s(residual: cnnscope.Report) -> None:
    (step,) = residual["tail"].explain().steps
    told = {name: (f.numbers, f.result) for name, f in step.equations.items()}
    assert told == {
        "extent": ("1*(3 - 1) + 1", 3),
        "size": ("9 + (3 - 1)*1", 11),
        "step": ("1*2", 2),
        "start": ("(-4) - 1*1", -5),
    }


def test_each_input_of_a_join_has_its_own_step(residual: cnnscope.Report) -> None:
    steps = residual["join"].explain().steps
    assert [(s.tensor, s.after and s.after.size) for s in steps] == [("b", 9), ("stem", 5)]


def test_a_tensor_that_is_taken_twice_is_seen_both_ways() -> None:
    """Of a square times itself, a unit sees three rows and all of them, for its column."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
        helper.make_node("MatMul", ["c", "c"], ["y"]),
    ]
    report = cnnscope.analyze(model_of(nodes, {"x": [1, 1, 8, 8]}, ["y"], {"w": ones(1, 1, 3, 3)}))
    found = report["y"].explain()
    assert {(p.which, p.axis): p.size for p in found.paths} == {
        ("largest", 2): 8, ("largest", 3): 8, ("smallest", 2): 3, ("smallest", 3): 3,
    }  # fmt: skip
    assert [step.after and step.after.size for step in found.steps] == [8, 8]


def test_of_two_branches_the_dearer_is_the_work() -> None:
    def branch(op: str, *inputs: str) -> onnx.GraphProto:
        made = [helper.make_node(op, inputs, ["out"])]
        value = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
        return helper.make_graph(made, op, [], [value])

    choice = helper.make_node(
        "If", ["c"], ["y"], then_branch=branch("MatMul", "x", "w"), else_branch=branch("Relu", "x")
    )
    model = model_of([choice], {"x": [4, 4]}, ["y"], {"w": ones(4, 4)})
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    found = cnnscope.analyze(model).layers[0].explain()
    assert found.flops is not None
    assert found.flops.result == 2 * 4 * 4 * 4
    assert "the dearer" in str(found)


@pytest.mark.parametrize(
    "model",
    ["lenet5", "resnet50", "googlenet", "unet", "deeplabv3_resnet50", "vit_b_16", "wavenet"],
)
def test_the_largest_path_ends_in_the_field(model: str, samples: Path) -> None:
    report = cnnscope.analyze(str(samples / f"{model}.onnx"))
    chosen = report.layers[:: max(1, len(report.layers) // 6)]
    assert isinstance(chosen, tuple)
    for layer in chosen:
        found = layer.explain()
        for path in found.paths:
            field = next(
                f for f in layer.receptive_field if (f.input, f.axis) == (path.input, path.axis)
            )
            length = report.inputs[0].shape[path.axis]  # type: ignore[index]
            assert path.steps[-1].layer == layer.name
            if path.which == "largest":
                assert path.size == field.size
            else:  # beyond the whole axis, a longer way is no smaller
                assert min(path.size or 0, length) == min(field.smallest_size or 0, length)  # type: ignore[type-var]


# -- regions ---------------------------------------------------------------------------------------


def test_the_region_of_a_corner_lies_partly_outside() -> None:
    """The first unit's window is 5x5 about (0, 0): 3x3 of it are inside."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[2, 2, 2, 2])
    model = model_of([node], {"x": [1, 1, 28, 28]}, ["y"], {"w": ones(1, 1, 5, 5)})
    found = cnnscope.analyze(model).layers[0].explain([0, 0]).region
    assert found is not None
    (seen,) = found.inputs
    assert [seen.ranges[axis] for axis in seen.spatial] == [((0, 2),), ((0, 2),)]
    assert seen.share == Fraction(9, 28 * 28)
    assert seen.unclipped == {2: (-2, 2), 3: (-2, 2)}
    assert [seen.outside(axis) for axis in seen.spatial] == [Fraction(2, 5)] * 2


def test_holes_of_a_dilated_layer_show() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], dilations=[4])
    model = model_of([node], {"x": [1, 1, 16]}, ["y"], {"w": ones(1, 1, 3)})
    found = cnnscope.analyze(model).layers[0].explain([3])
    assert found.region is not None
    assert found.region.inputs[0].ranges[2] == ((3, 3), (7, 7), (11, 11))
    assert "│   █   █   █    │" in str(found)


def test_the_central_unit_is_shown_by_default(samples: Path) -> None:
    found = cnnscope.analyze(str(samples / "lenet5.onnx")).layers[0].explain().region
    assert found is not None
    assert found.unit == (None, None, 14, 14)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_a_multiplier_of_channels_is_no_window(op: str) -> None:
    """Three channels, two outputs for each: the unit is told by its place alone."""
    node = helper.make_node(op, ["x", "w"], ["y"], group=3, pads=[1, 1])
    weight = ones(6, 1, 3) if op == "Conv" else ones(3, 2, 3)
    layer = cnnscope.analyze(model_of([node], {"x": [1, 3, 9]}, ["y"], {"w": weight})).layers[0]
    assert [(f.axis, f.size) for f in layer.receptive_field] == [(2, 3)]
    region = layer.explain([4]).region
    assert region is not None
    assert region.unit == (None, None, 4)
    assert region.inputs[0].ranges[2] == ((3, 5),)
    assert layer.region((0, 3, 4))["x"][1] == (
        (1, 1),
    )  # the fourth output is of the second channel


def test_a_unit_in_the_padding_sees_nothing() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[5, 5])
    model = model_of([node], {"x": [1, 1, 9]}, ["y"], {"w": ones(1, 1, 3)})
    assert "nothing: all that the unit reads is padding" in str(
        cnnscope.analyze(model).layers[0].explain([0])
    )


def test_a_unit_that_is_none_is_refused(samples: Path) -> None:
    layer = cnnscope.analyze(str(samples / "lenet5.onnx")).layers[0]
    with pytest.raises(ValueError, match="outside axis 2"):
        layer.explain([28, 0])
    with pytest.raises(ValueError, match="3 indices"):
        layer.explain([1, 2, 3])


# -- what is stored, and where it all comes from -----------------------------------------------------


def test_shared_weights_say_where_they_are_counted(corpus: Path) -> None:
    report = cnnscope.analyze(str(corpus / "models" / "hm_siamese_shared.onnx"))
    shared = next(layer for layer in report.layers if layer.shared_params)
    found = shared.explain()
    at = {stored.counted_at for stored in found.stored if stored.role == "parameter"}
    assert at <= {layer.name for layer in report.layers} - {shared.name}
    assert found.params == shared.params + shared.shared_params


def test_a_loop_lists_what_it_runs(corpus: Path) -> None:
    report = cnnscope.analyze(str(corpus / "models" / "hx_loop_if.onnx"))
    loop = next(layer for layer in report.layers if layer.bodies)
    found = loop.explain()
    inner = [layer for body in loop.bodies.values() for layer in body]
    assert [x.layer for x in found.inside] == [layer.name for layer in inner]
    inside = inner[0].explain()
    assert inside.layer == inner[0].name
    assert inside.work
    assert not inside.field
    with pytest.raises(ValueError, match="inside a subgraph"):
        inner[0].explain([0])


@pytest.mark.parametrize(
    ("domain", "op", "url"),
    [
        ("", "Conv", "https://onnx.ai/onnx/operators/onnx__Conv.html"),
        ("ai.onnx.ml", "Scaler", "https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html"),
        ("ai.onnx.preview.training", "Adam",
         "https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adam.html"),
        ("com.example", "Conv", None),
    ],
)  # fmt: skip
def test_operators_have_a_page(domain: str, op: str, url: str | None) -> None:
    assert operator_page(domain, op) == url


def test_rules_are_named_with_their_home(samples: Path) -> None:
    found = cnnscope.analyze(str(samples / "lenet5.onnx")).layers[0].explain()
    rules = {origin.what: origin.rule for origin in found.sources if origin.rule}
    assert rules["work"] == "conv_work in cnnscope.analyzer.operators.families.conv"


# -- how it looks ------------------------------------------------------------------------------------


@cache
@cache
def explained(model: Path) -> list[cnnscope.Explanation]:
    """The first layer, one in the middle and the last."""
    layers = cnnscope.analyze(model).layers
    return [layers[index].explain() for index in (0, len(layers) // 2, -1)]


@pytest.mark.parametrize("width", [100, 80, 40, 12])
@pytest.mark.parametrize("model", ["resnet50", "wavenet", "vit_b_16", "c3d"])
def test_no_line_is_wider_than_the_terminal(model: str, width: int, samples: Path) -> None:
    from rich.cells import cell_len

    for explanation in explained(samples / f"{model}.onnx"):
        text = explanation_text(explanation, width)
        assert max(map(cell_len, text.splitlines())) <= width


def test_json_is_strict_and_whole(samples: Path) -> None:
    for layer in cnnscope.analyze(str(samples / "lenet5.onnx")).layers:
        found = json.loads(
            explanation_json(layer.explain()), parse_constant=lambda word: pytest.fail(word)
        )
        assert found["layer"] == layer.name
        assert found["flops"]["result"] == layer.flops


def test_hostile_names_stay_names() -> None:
    name = "a|b\n\x1b[31m<script>*x*"
    node = helper.make_node("Conv", ["x|[b]", "w"], ["y\x00"], name=name)
    model = model_of([node], {"x|[b]": [1, 1, 4, "\x1b[31mH"]}, ["y\x00"], {"w": ones(1, 1, 2, 2)})
    found = cnnscope.analyze(model).layers[0].explain()
    text = explanation_text(found)
    assert "\x1b" not in text
    assert "\x00" not in text
    markdown = explanation_markdown(found)
    assert "<script>" not in markdown
    assert "\x1b" not in markdown
    assert json.loads(explanation_json(found))["layer"] == found.layer


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("floor((X[10] + 1)/2)", "⌊(X₁₀ + 1)/2⌋"),
        ("ceil((n - floor(m/2))/3) + 1", "⌈(n - ⌊m/2⌋)/3⌉ + 1"),
        ("2*W[0]*1234567", "2·W₀·1,234,567"),
        ("(-9) - 1*4", "-9 - 1·4"),
    ],
)
def test_formulas_are_set_as_people_write_them(plain: str, shown: str) -> None:
    assert pretty(plain) == shown


def test_the_page_s_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parent.parent
    monkeypatch.chdir(root)
    text = (root / "docs" / "explain.md").read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(blocks, {}, "explain.md", None, None)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted
    assert not result.failed


# -- the command -------------------------------------------------------------------------------------


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["explain", *arguments])
    assert isinstance(done.value.code, int)
    return done.value.code


@pytest.mark.parametrize("layer", ["/conv1/Conv", "conv1", "0", "-175"])
def test_a_layer_by_name_tensor_or_index(
    layer: str, samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rest = ["--", layer] if layer.startswith("-") else [layer]
    assert command(str(samples / "resnet50.onnx"), *rest) == 0
    said = capfd.readouterr().out
    assert said.startswith("/conv1/Conv: Conv")
    assert "118,013,952" in said


def test_a_unit_and_formats(
    samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = str(samples / "resnet50.onnx")
    assert command(model, "conv1", "--unit", "3,4", "-f", "json") == 0
    found = json.loads(capfd.readouterr().out)
    assert found["region"]["unit"] == [None, None, 3, 4]
    assert command(model, "conv1", "-f", "markdown", "-o", str(tmp_path / "out.md")) == 0
    assert (tmp_path / "out.md").read_text("utf-8").startswith("## /conv1/Conv: Conv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/conv1/Cnov"], "did you mean '/conv1/Conv'?"),
        (["1000"], "0 to 174"),
        (["conv1", "--unit", "3,x"], "give indices such as 3,4"),
        (["conv1", "--unit", "3,1000"], "outside axis 3"),
        (["conv1", "--format", "csv"], "table, json, markdown or html"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    arguments: list[str], said: str, samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(str(samples / "resnet50.onnx"), *arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert said in err


@pytest.mark.parametrize(
    ("word", "layer"),
    [
        ("layer1/0/conv2", "/layer1/0/conv2/Conv"),  # a module with one layer
        ("layer4.2.conv3", "/layer4/2/conv3/Conv"),
        ("*/2/conv3/Conv", None),
        ("fc/**", "/fc/Gemm"),
        ("2/conv2", None),
        ("LAYER1/0/CONV2", "/layer1/0/conv2/Conv"),
    ],
)
def test_a_pattern_or_a_part_of_a_path(
    word: str, layer: str | None, samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = command(str(samples / "resnet50.onnx"), word)
    out, err = capfd.readouterr()
    if layer is not None:
        assert (code, err) == (0, "")
        assert out.startswith(f"{layer}: ")
    else:
        assert (code, out) == (2, "")
        assert f"'{word}' fits 4 layers: give one's path, name or index" in err.splitlines()[0]
        listed = [line.split()[1] for line in err.splitlines()[3:]]
        assert all(x.endswith(f"{word.lstrip('*')}") or f"{word}/" in x for x in listed)


def test_candidates_are_few_and_can_be_given(
    samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = str(samples / "resnet50.onnx")
    layers = cnnscope.analyze(model).layers
    below = [x for x in layers if x.name.startswith("/layer3/")]
    assert command(model, "layer3") == 2
    first, _, _, *lines = capfd.readouterr().err.splitlines()
    assert f"'layer3' fits {len(below)} layers" in first
    assert len(lines) == 16
    assert lines[-1] == f"... {len(below) - 15} more layers"
    for line, layer in zip(lines[:-1], below[:15], strict=True):
        index, name, op = line.split()
        assert (int(index), name, op) == (layer.index, layer.name, layer.op)


def test_what_the_file_calls_a_layer_is_said_where_it_is_known_otherwise() -> None:
    made = network(node("Conv", "x stem.conv.weight", "y", name="Conv_3"), x=(1, 1, 4, 4),
                   **{"stem.conv.weight": (1, 1, 1, 1)})  # fmt: skip
    text = str(cnnscope.analyze(made.SerializeToString())["stem/conv"].explain())
    assert text.startswith("stem/conv: Conv")
    assert re.search(r"name in the file +Conv_3", text)


# -- "=" and "≈" -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "sign"),
    [
        # 4x4 maps of one channel behind a 1x1 kernel without bias are
        # 2*16 FLOPs on 4*(16 + 1) and 4*16 bytes: 32/132 = 0.24242...
        (4, "≈"),
        # one place: 2 FLOPs on 8 and 4 bytes, 1/6
        (1, "≈"),
    ],
)
def test_a_rounded_result_is_no_equation(size: int, sign: str) -> None:
    made = network(node("Conv", "x w", "y"), x=(1, 1, size, size), w=(1, 1, 1, 1))
    told = str(cnnscope.analyze(made.SerializeToString())["y"].explain())
    (line,) = [line for line in told.splitlines() if "FLOPs per byte" in line]
    assert f" {sign} 0." in line
    markdown = explanation_markdown(cnnscope.analyze(made.SerializeToString())["y"].explain())
    (row,) = [row for row in markdown.splitlines() if "FLOPs per byte" in row]
    assert f"| {sign} 0." in row


def test_every_equation_with_a_ratio_is_one() -> None:
    # 8 outputs of 8 inputs through 64 weights: 128 FLOPs on 32 + 256 and 32 bytes are 0.4 exactly.
    made = network(node("MatMul", "x w", "y"), x=(1, 8), w=(8, 8))
    told = str(cnnscope.analyze(made.SerializeToString())["y"].explain())
    (line,) = [line for line in told.splitlines() if "FLOPs per byte" in line]
    assert line.endswith(" = 0.4 FLOPs per byte")
    assert "sparsity = 1 - connections/(in·out) = 1 - 64/(8·8) = 0 %" in " ".join(told.split())


# -- how much is done --------------------------------------------------------------------------------


def in_blocks(count: int) -> onnx.ModelProto:
    """Residual blocks one behind another."""
    nodes, x = [], "x"
    for i in range(count):
        nodes += [
            node("Conv", f"{x} w", f"a{i}", pads=[1] * 4),
            node("Relu", f"a{i}", f"b{i}"),
            node("Add", f"b{i} {x}", f"c{i}"),
        ]
        x = f"c{i}"
    return network(*nodes, x=(1, 4, 16, 16), w=(4, 4, 3, 3), outputs=x)


def test_explaining_all_layers_is_linear_in_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    real = steps.moved_through

    def counting(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        return real(*given)

    monkeypatch.setattr(steps, "moved_through", counting)
    each = []
    for count in (20, 80):  # more than the hops ahead that may tell which path is the widest
        report = cnnscope.analyze(in_blocks(count))
        calls = 0
        for layer in report.layers:
            layer.explain()
        each.append(calls / len(report.layers))
    assert each[1] < each[0] * 1.1 < 10
