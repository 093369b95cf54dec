"""What people know a node by: no author's word in its name, nobody else's name as its path."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path

import onnx
import pytest
from amounts import amount, some
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network, node
from onnx import helper

import cnnscope
from cnnscope.analyzer.model.mechanical_names import is_mechanical, module_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.node_name import NodeName, shown_name
from cnnscope.analyzer.values.notation import name as written

IMAGE = (1, 8, 8, 8)
SCOPES = "pkg.torch.onnx.name_scopes"


def noted(made: onnx.NodeProto, *scopes: str) -> onnx.NodeProto:
    made.metadata_props.add(key=SCOPES, value=repr(list(scopes)))
    return made


def every(report: Report) -> list[Layer]:
    """The layers, those of subgraphs too."""
    found: list[Layer] = []
    waiting = list(report.layers)
    while waiting:
        layer = waiting.pop(0)
        found.append(layer)
        waiting += [inner for body in layer.bodies.values() for inner in body]
    return found


def paths(report: Report) -> dict[str, str]:
    return {str(x.name): x.path for x in every(report)}


def test_a_name_is_what_the_file_has_and_shows_its_path() -> None:
    known = NodeName("node_Conv_7", "stem/conv")
    assert known == "node_Conv_7"
    assert hash(known) == hash("node_Conv_7")
    assert {known: 1}["node_Conv_7"] == 1
    assert f"{known} {known!r} {json.dumps(known)}" == "node_Conv_7 'node_Conv_7' \"node_Conv_7\""
    assert written(known) == shown_name(known) == "stem/conv"
    assert shown_name("node_Conv_7") == "node_Conv_7"
    for twin in (pickle.loads(pickle.dumps(known)), copy.deepcopy(known)):
        assert (twin, twin.path) == ("node_Conv_7", "stem/conv")
    assert NodeName("x").path == "x"


@pytest.mark.parametrize(
    ("name", "op", "notes", "mechanical"),
    [
        ("node_Conv_1077", "Conv", [], True),
        ("node_relu_24", "Relu", [], True),
        ("node_conv2d_2", "Conv", [], True),
        ("Conv_12", "Conv", [], True),
        ("Conv12", "Conv", [], True),
        ("ConvTranspose_1", "ConvTranspose", [], True),
        ("conv_transpose2d", "ConvTranspose", [], True),
        ("p2o.Mul.108", "Mul", [], True),
        ("n88", "Relu", [], True),
        ("123", "Conv", [], True),
        ("node_7", "Conv", [], True),
        ("", "Conv", [], True),
        ("BatchNorm_3", "BatchNormalization", [], True),
        ("node_linear_4", "Gemm", [], True),
        ("stem_conv", "Conv", [], False),
        ("/conv1/Conv", "Conv", [], False),
        ("backbone.Conv_3", "Conv", [], False),
        ("convolutional_part", "Conv", [], False),
        ("Relu_6_head", "Relu", [], False),
        # what the exporter noted says that the rest isn't an author's either
        ("node_view", "Reshape", ["", "view"], True),
        ("n4_2", "Clip", ["", "features", "features.0", "hardtanh"], True),
        ("node_upsample_bilinear2d_1", "Resize", ["", "head", "upsample_bilinear2d_1"], True),
        ("node_Shape_3", "Shape", ["", "head", "upsample_bilinear2d_1"], True),
        ("node_head_3", "Resize", ["", "head", "upsample"], False),
        ("features_0_hardtanh", "Clip", ["", "features", "features.0", "hardtanh"], False),
        ("encoder_layer_6_out", "Add", ["", "encoder_layer_6", "add"], False),
        ("/head/Resize", "Resize", ["", "neck", "upsample"], False),
    ],
)  # fmt: skip
def test_which_names_carry_no_word_of_the_author(
    name: str, op: str, notes: list[str], mechanical: bool
) -> None:
    assert is_mechanical(name, op, notes) is mechanical


@pytest.mark.parametrize(
    ("noted_path", "weights", "module"),
    [
        ("layer3/0/bn1", ["layer3.0.conv1.weight"], "layer3/0/conv1"),
        ("layer3/0/bn1", ["layer4.0.conv1.weight"], "layer3/0/bn1"),
        ("", ["fc.weight"], "fc"),
        ("layer3", ["onnx::Conv_12", "val_3"], "layer3"),
        (None, ["layer1.0.conv1.weight"], "layer1/0/conv1"),
        (None, ["0.weight"], "0"),
        (None, ["weight"], None),
        (None, ["p2o.helper.constant.38"], None),
        (None, ["a/b.c"], None),
    ],
)
def test_the_module_by_note_and_weights(
    noted_path: str | None, weights: list[str], module: str | None
) -> None:
    assert module_of(noted_path, weights) == module


def test_several_nodes_of_a_module_are_counted_and_one_of_a_number_is_no_index() -> None:
    weights = {"0.weight": (8, 8, 1, 1), "b.conv.weight": (8, 8, 1, 1), "b.bias": (8, 1, 1)}
    nodes = [
        node("Conv", "x 0.weight", "a", name="n0"),
        noted(node("Relu", "a", "b", name="node_relu"), "", "b", "b.relu", "relu"),
        noted(node("Conv", "b b.conv.weight", "c", name="n1"), "", "b", "b.bn", "norm"),
        noted(node("Relu", "c", "d", name="node_relu_1"), "", "b", "b.relu", "relu_1"),
        noted(node("Add", "d b.bias", "e", name="node_add"), "", "b", "add"),
        noted(node("Relu", "e", "f", name="r5"), "", "r5"),
        node("Relu", "f", "g", name="out"),
    ]  # fmt: skip
    report = cnnscope.analyze(network(*nodes, x=IMAGE, **weights))
    assert paths(report) == {
        "n0": "0/Conv", "node_relu": "b/relu/Relu", "n1": "b/conv", "node_relu_1": "b/relu/Relu_1",
        "node_add": "b/Add", "r5": "Relu", "out": "out",
    }  # fmt: skip
    assert [x.scope for x in report.layers] == ["", "b/relu", "b/conv", "b/relu", "b", "", ""]
    for layer in report.layers:
        assert (
            report[layer.path]
            is report[layer.name]
            is report.layers.find(str(layer.index))
            is layer
        )
        data = layer.to_dict()
        assert (data["name"], data["path"]) == (str(layer.name), layer.path)
        assert type(layer.to_dict()["path"]) is str


def test_a_path_is_nobody_elses_name() -> None:
    weights = {"a.weight": (8, 8, 1, 1), "b.weight": (8, 8, 1, 1)}
    nodes = [
        node("Conv", "x a.weight", "b", name="n0"),  # gives a tensor with the other's module's path
        node("Conv", "b b.weight", "c", name="n1"),
        node("Relu", "c", "d", name="a"),
        node("Relu", "d", "e", name="a/Conv"),
    ]
    report = cnnscope.analyze(network(*nodes, x=IMAGE, **weights))
    assert paths(report) == {"n0": "a/Conv_1", "n1": "b/Conv", "a": "a", "a/Conv": "a/Conv"}


def test_nodes_of_subgraphs_and_functions() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17, "f" : 1]>
    g (float[1,8,8,8] x, bool c) => (float[1,8,8,8] y) {
        s = f.Block(x, stem_conv_weight)
        [node_If_3] y = If (c) <
            then_branch = t () => (float[1,8,8,8] a) { a = Conv(s, t_conv_weight) },
            else_branch = e () => (float[1,8,8,8] b) { [act] b = Relu(s) }>
    }
    <domain: "f", opset_import: ["" : 17]> Block (x, w) => (y) { y = Conv(x, w) }"""
    model = onnx.parser.parse_model(text)
    noted(model.graph.node[1], "", "head", "cond")
    for dotted in ("stem.conv.weight", "t.conv.weight"):  # names with dots can't be parsed
        plain = dotted.replace(".", "_")
        model.graph.initializer.append(
            helper.make_tensor(plain, 1, (8, 8, 1, 1), bytes(256), raw=True)
        )
        model = onnx.load_from_string(
            model.SerializeToString().replace(plain.encode(), dotted.encode())
        )
    report = cnnscope.analyze(model)
    assert paths(report) == {
        "Block/Conv_0": "stem/conv", "node_If_3": "head", "node_If_3/Conv_0": "t/conv",
        "node_If_3/act": "head/act",
    }  # fmt: skip
    assert report.layers.find("head/act") is report.layers.find("node_If_3/act")
    assert "node_If" not in str(report)


WORDS = ["a", "b", "0", "conv", "Conv", "Relu", "Relu_1", "a/Relu", "a/b", "..", "\u202e", ""]


@settings(max_examples=amount(30, 2000))
@given(st.data())
def test_paths_are_unlike_each_other_and_every_name(data: st.DataObject) -> None:
    word = st.sampled_from(WORDS)
    nodes = []
    for i in range(data.draw(st.integers(1, 8))):
        given_name = data.draw(st.sampled_from(["", "n1", "node_relu", "Relu", *WORDS]))
        made = node("Relu", f"t{i}", f"t{i + 1}", name=given_name)
        if data.draw(st.booleans()):
            noted(made, "", *data.draw(st.lists(word, max_size=3)), "relu")
        nodes.append(made)
    nodes[0].input[0] = "x"
    report = cnnscope.analyze(network(*nodes, x=IMAGE))
    found = paths(report)
    assert len(set(found.values())) == len(found) == len(nodes)
    for raw, path in found.items():
        assert path == raw or path not in found
        assert report[path] is report[raw]
        index = str(report[raw].index)
        assert index in found or report.layers.find(index) is report[raw]


def test_a_note_of_any_length_costs_little() -> None:
    deep = ".".join("m" * 3000)
    nodes = [
        noted(node("Relu", f"t{i}" if i else "x", f"t{i + 1}", name="node_relu"), "", deep, "relu")
        for i in range(50)
    ]
    report = cnnscope.analyze(network(*nodes, x=IMAGE))
    assert all(x.path == x.name for x in report.layers)  # too long to be known by


def test_a_profile_and_a_difference_know_a_layer_by_its_path() -> None:
    weights = {"stem.conv.weight": (8, 8, 1, 1)}
    conv = noted(
        node("Conv", "x stem.conv.weight", "y", name="node_Conv_7"), "", "stem", "stem.bn", "c"
    )
    model = network(conv, x=IMAGE, **weights)
    profile = cnnscope.profile(model.SerializeToString(), provider="cpu", seconds=0.05)
    (row,) = (row for row in profile.rows if row.layers)
    assert row.layers == ("node_Conv_7",)
    assert "node_Conv_7" in json.dumps(profile.to_dict())
    assert "\nstem/conv " in str(profile)
    assert "node_Conv_7" not in str(profile)
    wider = node("Conv", "x stem.conv.weight", "y", name="node_Conv_9", strides=[2, 2])
    other = network(noted(wider, "", "stem", "stem.bn", "c"), x=IMAGE, **weights)
    said = str(cnnscope.diff(model.SerializeToString(), other.SerializeToString()))
    assert "stem/conv" in said
    assert "node_Conv" not in said


# -- exporters' models ---------------------------------------------------------------------------------


def dynamo() -> list[str]:
    return [
        "hm_small_resnet_dynamo", "tv_resnet50.dynamo", "tv_densenet121.dynamo", "tv_vit_b_16.dynamo",
        "tv_convnext_tiny.dynamo", "tv_efficientnet_b0.dynamo", "tv_mobilenet_v2.dynamo_dyn",
        "tv_lraspp_mobilenet_v3_large.dynamo_dyn",
    ]  # fmt: skip


MACHINES = re.compile(r"\b(node_\w+|n\d+_\d+)\b")


@pytest.mark.parametrize("model", some(dynamo(), 3))
def test_what_torch_export_names_is_known_by_its_module(corpus: Path, model: str) -> None:
    report = cnnscope.analyze(corpus / "models" / f"{model}.onnx")
    layers = every(report)
    assert len({x.path for x in layers}) == len(layers)
    for layer in layers:
        assert re.fullmatch(r"node_\w+|n\d+(_\d+)?", layer.name)
        assert not MACHINES.search(layer.path)
        assert layer.path.startswith(layer.scope)
        if layer in report.layers:
            assert report[layer.path] is report[layer.name] is layer
    explained = str(layers[3].explain())
    assert MACHINES.findall(explained) == [layers[3].name]  # said once, with the sources
    for said in (str(report), report._repr_html_()):
        assert not MACHINES.search(said)


def test_torch_export_and_the_older_exporter_know_a_layer_by_the_same_module(corpus: Path) -> None:
    old, new = (
        cnnscope.analyze(corpus / "models" / f"tv_resnet18{kind}.onnx") for kind in ("", ".dynamo")
    )

    def weighted(report: Report) -> list[str]:
        return [x.path for x in report.layers if x.params]

    # /layer1/layer1.0/conv1/Conv and layer1/0/conv1
    def module(path: str) -> str:
        steps = path.strip("/").split("/")
        return steps[-2] if path.startswith("/") else steps[-1]

    assert [module(p).rpartition(".")[2] for p in weighted(old)] == [
        module(p) for p in weighted(new)
    ]
    assert weighted(new)[:4] == ["conv1", "layer1/0/conv1", "layer1/0/conv2", "layer1/1/conv1"]
