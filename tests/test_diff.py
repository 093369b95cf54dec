"""What differs between two models: pairs made by hand, one phenomenon each, and what must hold of all.

The expected answers follow from how the second model of a pair was made out of the first.
"""

from __future__ import annotations

import importlib.util
import json
import random
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from amounts import amount, some
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laid_out import difference_json, difference_markdown, difference_text
from networks import network, node
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.difference.difference import CONDITIONS, Difference
from cnnscope.analyzer.difference.matching import match
from cnnscope.analyzer.difference.network import LayerPart, Network
from cnnscope.analyzer.difference.sequences import common_subsequence, longest_rise
from cnnscope.analyzer.render.subjects.difference import GITHUB_LIMIT
from cnnscope.cli import main

SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"


def _build_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_models_for_diff", SAMPLES / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


build = _build_module()


def resnet(*depths: int) -> onnx.ModelProto:
    """A ResNet of bottlenecks, its layers named after their modules."""
    net = build.Net("resnet", (1, 3, 224, 224))
    x = build.resnet50_features(net, "input", (1, 2, 2, 2), (1, 1, 1, 1), depths)
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "fc", 2048, 1000), (1, 1000))


def chain(*, seed: int = 0, stride: int = 1, extra: bool = False) -> onnx.ModelProto:
    """Four convolutions and what belongs to them; weights are random."""
    draw = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return draw.standard_normal(shape).astype(np.float32)

    weights = {f"w{k}": numbers(8, 3 if k == 0 else 8, 3, 3) for k in range(4)}
    nodes = [
        node("Conv", "x w0", "a", name="stem/conv", pads=[1] * 4),
        node("Relu", "a", "b", name="stem/relu"),
        node("Conv", "b w1", "c", name="body/conv", pads=[1] * 4, strides=[stride] * 2),
        node("Sigmoid", "c", "d", name="body/sigmoid"),
        node("Conv", "d w2", "e", name="neck/conv", pads=[1] * 4),
        node("Relu", "e", "f", name="neck/relu"),
        node("Conv", "f w3", "g", name="head/conv", pads=[1] * 4),
    ]
    if extra:
        nodes[5:5] = [node("Conv", "e w9", "e9", name="new/conv", pads=[1] * 4)]
        nodes[6] = node("Relu", "e9", "f", name="neck/relu")
        weights["w9"] = numbers(8, 8, 3, 3)
    return network(*nodes, x=(1, 3, 32, 32), **weights)


def renamed(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """The model with every tensor and node renamed at random."""
    draw = random.Random(seed)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    names: dict[str, str] = {"": ""}

    def new(name: str) -> str:
        return names.setdefault(name, f"{draw.choice('pqrs')}{draw.getrandbits(40)}")

    graph = copy.graph
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = new(value.name)
    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    for each in graph.node:
        each.name = f"{draw.choice('tuvw')}{draw.getrandbits(40)}"
        each.input[:] = [new(name) for name in each.input]
        each.output[:] = [new(name) for name in each.output]
    return copy


def statuses(found: Difference) -> dict[str, int]:
    return {status: count for status, count in found.counts.items() if count}


def of(found: Difference, name: str) -> dict[str, object]:
    """Everything said of the layer of that name, as data."""
    for x in found.layers:
        if name in (x.before and x.before.name, x.after and x.after.name):
            return x.to_dict()
    raise KeyError(name)


def aspects(found: Difference, name: str) -> set[str]:
    return {change["aspect"] for change in of(found, name)["changes"]}  # type: ignore[index, union-attr]


# -- pairs by hand ---------------------------------------------------------------------------------


def test_a_layer_put_in() -> None:
    found = cnnscope.diff(chain(), chain(extra=True))
    assert statuses(found) == {"same": 5, "changed": 2, "added": 1}
    assert of(found, "new/conv")["status"] == "added"
    # What follows it sees more, and is otherwise what it was.
    for name in ("neck/relu", "head/conv"):
        assert aspects(found, name) == {"field"}
    assert found["params"].delta == 8 * 8 * 9
    assert found["macs"].delta == 8 * 8 * 9 * 32 * 32


def test_another_stride() -> None:
    found = cnnscope.diff(chain(), chain(stride=2))
    body = of(found, "body/conv")
    assert body["status"] == "changed"
    window = next(c for c in body["changes"] if c["aspect"] == "window")  # type: ignore[attr-defined]
    assert (window["before"]["stride"], window["after"]["stride"]) == ([1, 1], [2, 2])
    assert [x.layer.name for x in found.layers if x.own] == ["body/conv"]
    assert statuses(found) == {"same": 2, "changed": 5}
    assert found.groups[-1].layers == ("body/conv",)


def test_other_weights_only() -> None:
    found = cnnscope.diff(chain(seed=1), chain(seed=2))
    assert found.weights.changed == 4
    assert {x.layer.op for x in found.layers if x.status == "changed"} == {"Conv"}
    assert all(x.aspects == {"weights"} for x in found.layers if x.status == "changed")
    assert set(found.failing(CONDITIONS)) == {"any", "changed", "weights"}
    assert cnnscope.diff(chain(seed=1), chain(seed=2), weights=False).weights.unknown == 4


def test_weights_that_moved_to_another_layer() -> None:
    model = chain()
    other = chain()
    second, third = other.graph.initializer[1], other.graph.initializer[2]
    assert (second.name, third.name) == ("w1", "w2")
    second.raw_data, third.raw_data = third.raw_data, second.raw_data
    found = cnnscope.diff(model, other)
    assert {(one, new) for _, one, new in found.weights.moved} == {
        ("body/conv", "neck/conv"), ("neck/conv", "body/conv"),
    }  # fmt: skip
    assert statuses(found) == {"same": 5, "changed": 2}


def test_two_layers_swapped() -> None:
    one = network(
        node("Relu", "x", "a", name="first"), node("Sigmoid", "a", "b", name="second"),
        node("Tanh", "b", "c", name="third"), x=(1, 8),
    )  # fmt: skip
    other = network(
        node("Sigmoid", "x", "b", name="second"), node("Relu", "b", "a", name="first"),
        node("Tanh", "a", "c", name="third"), x=(1, 8),
    )  # fmt: skip
    found = cnnscope.diff(one, other)
    assert statuses(found) == {"same": 2, "moved": 1}


def test_listed_in_another_order_is_no_difference() -> None:
    parts = [
        node("Relu", "x", "a", name="left"), node("Sigmoid", "x", "b", name="right"),
        node("Add", "a b", "y", name="sum"),
    ]  # fmt: skip
    found = cnnscope.diff(
        network(*parts, x=(1, 8)), network(parts[1], parts[0], parts[2], x=(1, 8))
    )
    assert found.same


def test_other_inputs() -> None:
    parts = [
        node("Relu", "x", "a", name="left"), node("Sigmoid", "x", "b", name="right"),
        node("Sub", "a b", "y", name="minus"),
    ]  # fmt: skip
    swapped = node("Sub", "b a", "y", name="minus")
    found = cnnscope.diff(network(*parts, x=(1, 8)), network(*parts[:2], swapped, x=(1, 8)))
    assert aspects(found, "minus") == {"inputs"}
    assert statuses(found) == {"same": 2, "changed": 1}


@pytest.mark.parametrize("bias", [False, True])
def test_folded_into_its_convolution(bias: bool) -> None:
    norm = dict.fromkeys(("scale", "shift", "mean", "var"), (8,))
    one = network(
        node("Conv", "x w b" if bias else "x w", "a"),
        node("BatchNormalization", "a scale shift mean var", "n"),
        node("Relu", "n", "y"), x=(1, 3, 8, 8), w=(8, 3, 3, 3), **norm, **({"b": (8,)} if bias else {}),
    )  # fmt: skip
    other = network(
        node("Conv", "x w b", "a"), node("Relu", "a", "y"),
        x=(1, 3, 8, 8), w=(8, 3, 3, 3), b=(8,), fill=2.0,
    )  # fmt: skip
    found = cnnscope.diff(one, other)
    assert statuses(found) == {"same": 1, "changed": 1, "folded": 1}
    assert of(found, "n")["into"] == "a"
    assert of(found, "a")["holds"] == ["n"]
    assert statuses(cnnscope.diff(other, one)) == {"same": 1, "changed": 1, "unfolded": 1}


def test_left_out_but_not_folded() -> None:
    """The convolution's weights are what they were: the normalisation is gone."""
    norm = dict.fromkeys(("scale", "shift", "mean", "var"), (8,))
    one = network(
        node("Conv", "x w", "a"), node("BatchNormalization", "a scale shift mean var", "n"),
        node("Relu", "n", "y"), x=(1, 3, 8, 8), w=(8, 3, 3, 3), **norm,
    )  # fmt: skip
    other = network(
        node("Conv", "x w", "a"), node("Relu", "a", "y"), x=(1, 3, 8, 8), w=(8, 3, 3, 3)
    )
    assert statuses(cnnscope.diff(one, other)) == {"same": 2, "removed": 1}


def test_one_layer_for_several() -> None:
    """GELU as 0.5 * x * (1 + erf(x / sqrt(2))), and as one operator."""
    root, one, half = np.float32(2**0.5), np.float32(1), np.float32(0.5)

    def model(parts: list[onnx.NodeProto]) -> onnx.ModelProto:
        return network(
            node("MatMul", "x w", "a"), *parts, node("MatMul", "g v", "y"), x=(4, 8),
            w=(8, 16), v=(16, 4), root=root, one=one, half=half,
        )  # fmt: skip

    spelled = [
        node("Div", "a root", "b"), node("Erf", "b", "c"), node("Add", "c one", "d"),
        node("Mul", "a d", "e"), node("Mul", "e half", "g"),
    ]  # fmt: skip
    found = cnnscope.diff(model(spelled), model([node("Gelu", "a", "g")]))
    (group,) = [group for group in found.groups if group.kind == "replaced"]
    assert (group.before, group.after) == (("Div", "Erf", "Add", "Mul", "Mul"), ("Gelu",))
    assert found.counts["same"] == 2


def test_a_spelled_out_default_is_no_difference() -> None:
    one = network(node("Conv", "x w", "y"), x=(1, 3, 8, 8), w=(8, 3, 3, 3))
    other = network(
        node("Conv", "x w", "y", auto_pad="NOTSET", dilations=[1, 1], group=1, strides=[1, 1]),
        x=(1, 3, 8, 8), w=(8, 3, 3, 3),
    )  # fmt: skip
    assert cnnscope.diff(one, other).same


def test_inputs_of_another_shape_and_name() -> None:
    one = network(node("Relu", "x", "y"), x=(1, 8))
    other = network(node("Relu", "xin", "y"), xin=(4, 8))
    found = cnnscope.diff(one, other)
    end = found.ends[0]
    assert (end.role, end.status) == ("input", "changed")
    assert found.failing(["shape"]).keys() == {"shape"}
    assert not found.layers[0].own


def test_totals_that_are_bounds() -> None:
    relu = network(node("Relu", "x", "r"), node("Relu", "r", "y"), x=(1, 8))
    odd = network(node("Relu", "x", "r"), node("MyOp", "r", "y", domain="my"), x=(1, 8))
    total = cnnscope.diff(relu, odd)["flops"]
    assert (total.bound, total.share) == ("at least", -0.5)
    assert cnnscope.diff(odd, relu)["flops"].bound == "at most"
    with pytest.raises(KeyError, match="there are: params"):
        cnnscope.diff(relu, odd)["colour"]


# -- weights however they are stored ---------------------------------------------------------------


def _stored(model: onnx.ModelProto, how: str, folder: Path) -> Path:
    """The model as a file, its weights stored in one of ONNX's ways."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    path = folder / f"{how}.onnx"
    if how == "typed":
        for tensor in copy.graph.initializer:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(helper.make_tensor(
                tensor.name, TensorProto.FLOAT, values.shape, values.ravel().tolist()
            ))  # fmt: skip
    if how == "external":
        onnx.save(copy, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    else:
        onnx.save(copy, path)
    return path


@pytest.mark.parametrize("how", ["raw", "typed", "external", "memory"])
def test_how_weights_are_stored_is_no_difference(how: str, tmp_path: Path) -> None:
    big = network(node("Conv", "x w", "y"), x=(1, 64, 8, 8),
                  w=np.random.default_rng(0).standard_normal((64, 64, 3, 3)).astype(np.float32))  # fmt: skip
    source = big if how == "memory" else _stored(big, how, tmp_path)
    found = cnnscope.diff(_stored(big, "raw", tmp_path), source)
    assert (found.weights.same, found.weights.unknown) == (1, 0)
    assert found.same


def test_weights_are_not_loaded(tmp_path: Path) -> None:
    """16 MiB of them are compared with little in memory."""
    paths = [tmp_path / f"{k}.onnx" for k in range(2)]
    for path in paths:
        onnx.save(network(node("MatMul", "x w", "y"), x=(1, 2048), w=(2048, 2048)), path)
    reports = [cnnscope.analyze(path) for path in paths]
    tracemalloc.start()
    try:
        assert cnnscope.diff(*reports).weights.same == 1
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    path = _stored(chain(), "external", tmp_path)
    (tmp_path / "w.bin").unlink()
    found = cnnscope.diff(path, chain(seed=5))
    assert (found.weights.unknown, found.weights.changed) == (4, 0)
    assert "missing" in str(found.weights.reason)
    assert found.same
    assert "can't be compared" in found.failing(["weights"])["weights"]


# -- what must hold of all -------------------------------------------------------------------------


def _differs_from_itself(path: Path) -> bool:
    report = cnnscope.analyze(path)
    found = cnnscope.diff(report, report)
    return not found.same or any(total.changed for total in found.totals)


def test_no_sample_differs_from_itself(samples: Path) -> None:
    assert not [
        path.name for path in some(sorted(samples.glob("*.onnx")), 4) if _differs_from_itself(path)
    ]


def test_no_model_differs_from_itself(corpus: Path) -> None:
    assert not [
        path.name for path in some(sorted(corpus.rglob("*.onnx")), 4) if _differs_from_itself(path)
    ]


SMALL = ["lenet5", "googlenet", "unet", "wavenet", "mobilenet_v2", "resnet50", "efficientnet_b0"]


@pytest.mark.parametrize("name", some(SMALL, 4))
def test_names_are_all_that_renaming_changes(name: str, samples: Path) -> None:
    model = onnx.load(samples / f"{name}.onnx", load_external_data=False)
    found = cnnscope.diff(model, renamed(model, seed=7))
    assert set(statuses(found)) == {"renamed"}
    assert {end.status for end in found.ends} == {"renamed"}
    assert not any(total.changed for total in found.totals if total.key != "file_bytes")


@pytest.mark.parametrize(
    "name", ["hm_shape_arith", "hm_fpn3_dynsize", "q_lenet5_dynamic", "hx_local_functions"]
)
def test_lengths_named_after_layers(name: str, corpus: Path) -> None:
    """A length that hangs on data is named after a layer, whose name is another one now."""
    model = onnx.load(corpus / "models" / f"{name}.onnx", load_external_data=False)
    assert set(statuses(cnnscope.diff(model, renamed(model, seed=7)))) == {"renamed"}


MIRROR = {"added": "removed", "removed": "added", "folded": "unfolded", "unfolded": "folded"}
PAIRS = [("resnet50", "deeplabv3_resnet50"), ("vgg16", "fcn8s"), ("alexnet", "lenet5")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_other_way_round(one: str, other: str, samples: Path) -> None:
    reports = [cnnscope.analyze(samples / f"{name}.onnx") for name in (one, other)]
    there, back = cnnscope.diff(*reports), cnnscope.diff(*reversed(reports))

    def said(found: Difference, flip: bool) -> set[tuple[object, ...]]:
        rows = set()
        for x in found.layers:
            names = [x.before and x.before.name, x.after and x.after.name]
            status = MIRROR.get(x.status, x.status) if flip else x.status
            rows.add((status, x.moved, x.aspects, *(reversed(names) if flip else names)))
        return rows

    assert said(there, flip=False) == said(back, flip=True)
    for a, b in zip(there.totals, back.totals, strict=True):
        assert (a.before, a.after) == (b.after, b.before)
        assert a.delta is None or b.delta is None or a.delta == -b.delta


def test_resnet_50_and_101() -> None:
    """17 more blocks in the third stage and nothing else: He et al. 2016, table 1."""
    found = cnnscope.diff(resnet(3, 4, 6, 3), resnet(3, 4, 23, 3))
    (group,) = [group for group in found.groups if group.kind != "changed"]
    assert (group.kind, group.count, group.where) == ("added", 17, "layer3")
    assert len(group.after) == 10
    # 25.557 M and 44.549 M parameters, as torchvision counts them.
    assert found["params"].delta == 44_549_160 - 25_557_032
    assert not any(x.own for x in found.layers)
    assert "17 blocks of layer3 added" in str(found)


@pytest.mark.parametrize("seed", range(3))
def test_resnet_50_and_101_without_names(seed: int) -> None:
    one, other = resnet(3, 4, 6, 3), renamed(resnet(3, 4, 23, 3), seed)
    found = cnnscope.diff(one, other)
    assert found.counts["added"] == 170
    assert found.counts["removed"] == 0


def test_corpus_pairs_of_exporters(corpus: Path) -> None:
    models = corpus / "models"
    for folded, kept, norms in [
        ("tv_resnet50", "tv_resnet50.keepbn", 53), ("tv_resnet50", "light_resnet50", 53),
        ("tv_resnet18.dynamo", "tv_resnet18.keepbn", 20),
        ("tv_efficientnet_b0.dynamo", "tv_efficientnet_b0.keepbn", 49),
    ]:  # fmt: skip
        found = cnnscope.diff(models / f"{kept}.onnx", models / f"{folded}.onnx", weights=False)
        assert found.counts["folded"] == norms, (folded, kept)
        assert found.counts["added"] == 0
        assert found.counts["removed"] <= 1  # light_resnet50 has a softmax
        assert found.counts["moved"] == 0
    # VGG-16 was also trained without: its convolutions have their biases in both, so that without
    # the weights nothing says that a normalisation went into them.
    found = cnnscope.diff(
        models / "tv_vgg16_bn.keepbn.onnx", models / "tv_vgg16.onnx", weights=False
    )
    assert (found.counts["folded"], found.counts["removed"]) == (0, 13)


# -- matching --------------------------------------------------------------------------------------


def _line(count: int, prefix: str, left_out: range = range(0)) -> Network:
    parts = []
    at = "in"
    for i in range(count):
        if i not in left_out:
            name = f"{prefix}{i}"
            parts.append(LayerPart(name, f"Op{i % 2}", "f", i * 7919 % 5, (at,), (name,)))
            at = name
    return Network(tuple(parts), ("in",), (at,))


def test_ten_thousand_layers() -> None:
    """Linear, more or less: ten thousand unnamed layers in a second, a hundred of them gone."""
    many = amount(3_000, 10_000)
    found = match(_line(many, "a"), _line(many, "b", range(1000, 1100)))
    assert len(found.pairs) == many - 100
    assert not found.moved
    assert not found.rewired


@given(st.lists(st.integers(0, 3), max_size=14), st.lists(st.integers(0, 3), max_size=14))
@settings(max_examples=60, deadline=None)
def test_longest_common_subsequence(one: list[int], other: list[int]) -> None:
    """Against the textbook's table."""
    length = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            longer = max(length[i][j + 1], length[i + 1][j])
            length[i + 1][j + 1] = length[i][j] + 1 if a == b else longer
    found = common_subsequence(one, other)
    assert len(found) == length[-1][-1]
    assert all(one[i] == other[j] for i, j in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))


@given(st.permutations(range(7)))
@settings(max_examples=40, deadline=None)
def test_longest_rise(numbers: list[int]) -> None:
    best = max(
        (mask for mask in range(1 << 7) if _rises([n for k, n in enumerate(numbers) if mask >> k & 1])),
        key=int.bit_count,
    )  # fmt: skip
    found = [numbers[k] for k in longest_rise(numbers)]
    assert _rises(found)
    assert len(found) == best.bit_count()


def _rises(numbers: list[int]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_networks_are_found_again(seed: int) -> None:
    """Networks drawn at random, and the same under other names."""
    draw = random.Random(seed)
    tensors, nodes = ["x"], []
    for k in range(draw.randrange(1, 25)):
        op = draw.choice(["Relu", "Sigmoid", "Add", "Sub", "Identity"])
        reads = [draw.choice(tensors[-6:]) for _ in range(2 if op in ("Add", "Sub") else 1)]
        nodes.append(node(op, " ".join(reads), f"t{k}"))
        tensors.append(f"t{k}")
    ends = " ".join(t for t in tensors[1:] if not any(t in n.input for n in nodes))
    model = network(*nodes, outputs=ends, x=(1, 8))
    assert cnnscope.diff(model, model).same
    found = cnnscope.diff(model, renamed(model, seed))
    assert set(statuses(found)) <= {"renamed"}


# -- how it looks ----------------------------------------------------------------------------------

HOSTILE = "\x1b[31m</details><script>`@team` |\n::error::[bold]\u202e"


def _hostile() -> Iterator[Difference]:
    one = network(node("Relu", "x", "a", name=HOSTILE), node("Elu", "a", "y", name="elu"), x=(1, 8))
    tensor = "".join(c for c in HOSTILE if not c.isspace())
    other = network(
        node("Relu", "x", tensor, name=f"n{HOSTILE}"),
        node("Elu", tensor, "y", name="elu", alpha=0.5),
        node("Tanh", "y", "z", name=f"t{HOSTILE}"), x=(1, 8),
    )  # fmt: skip
    yield cnnscope.diff(one, other)
    yield cnnscope.diff(other, one)


def test_names_are_text() -> None:
    for found in _hostile():
        for text in (difference_text(found, everything=True), str(found)):
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert not any(line.startswith("::") for line in text.split("\n"))
        text = difference_markdown(found, everything=True)
        assert "<script" not in text
        assert text.count("</details>") == 1
        assert "`" not in text.replace("\\`", "")
        data = json.loads(difference_json(found))
        names = {layer["before"] for layer in data["layers"]}
        names |= {layer["after"] for layer in data["layers"]}
        assert HOSTILE in names


def test_markdown_fits_a_comment() -> None:
    one, other = resnet(3, 4, 6, 3), resnet(8, 8, 90, 9)
    found = cnnscope.diff(one, other)
    for everything in (False, True):
        text = difference_markdown(found, everything=everything)
        assert len(text.encode()) < GITHUB_LIMIT
        assert text.count("<details>") == text.count("</details>") == 1
    assert "more layers not shown" in text


def test_python() -> None:
    found = cnnscope.diff(chain(), chain(extra=True))
    assert "added" in repr(found)
    assert len(found.to_dataframe()) == 8
    assert set(found.to_dataframe()["status"]) == {"same", "changed", "added"}
    with pytest.raises(ValueError, match="no condition 'colour'"):
        found.failing(["colour"])


# -- command line ----------------------------------------------------------------------------------


def _run(arguments: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    out, error = capsysbinary.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, out.decode(), error.decode()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "one.onnx", tmp_path / "other.onnx"]
    for path, model in zip(paths, (chain(), chain(seed=3, stride=2)), strict=True):
        onnx.save(model, path)
    return [str(path) for path in paths]


def test_command_line(files: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    code, out, error = _run(["diff", *files], capsysbinary)
    assert (code, error) == (0, "")
    assert "stride 1x1 -> 2x2" in out
    assert "weights by layer: 4 changed" in out
    code, out, _ = _run(["diff", *files, "--format", "json"], capsysbinary)
    assert code == 0
    assert json.loads(out)["schema_version"] == 1
    code, out, _ = _run(["diff", *files, "--format", "markdown", "--no-weights"], capsysbinary)
    assert out.startswith("### Model difference: one.onnx")


@pytest.mark.parametrize(
    ("conditions", "failing"),
    [
        ("added,removed,params", []), ("shape", ["shape"]), ("any", ["any"]),
        ("macs,field,memory", ["macs", "field", "memory"]), ("dtype,renamed", []),
        ("weights,kind", ["weights", "kind"]),
    ],
)  # fmt: skip
def test_fail_on(
    conditions: str, failing: list[str], files: list[str],
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    code, _, error = _run(["diff", *files, "--fail-on", conditions], capsysbinary)
    assert code == (1 if failing else 0)
    assert [line.split()[2].rstrip(":") for line in error.splitlines()] == failing


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--fail-on", "colour"], "there are any, added"),
        (["--fail-on", "weights", "--no-weights"], "contradict"),
        (["--format", "csv"], "json has everything"),
        (["--dim", "H=3"], "neither model"),
    ],
)
def test_misuse(
    extra: list[str], said: str, files: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, _, error = _run(["diff", *files, *extra], capsysbinary)
    assert code == 2
    assert said in error


@pytest.mark.parametrize(
    "option", [["--shape", "x=1x3x64x64"], ["--shape", "1x3x64x64"], ["--dim", "H=64"]]
)
def test_sizes_for_both(
    option: list[str], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Given to whichever model has the input, or the dimension, free."""
    free = network(node("Relu", "x", "y"), x=(1, 3, "H", 64))
    fixed = network(node("Relu", "x", "y"), x=(1, 3, 64, 64))
    paths = [str(tmp_path / "free.onnx"), str(tmp_path / "fixed.onnx")]
    for path, model in zip(paths, (free, fixed), strict=True):
        onnx.save(model, path)
    code, out, _ = _run(["diff", *paths, *option], capsysbinary)
    assert code == 0
    assert "no difference" in out
    code, out, _ = _run(["diff", *paths], capsysbinary)
    assert "shape 1x3xHx64 -> 1x3x64x64" in out
