"""Is a layer called what the field calls it?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from networks import network, node

import cnnscope
from cnnscope import Kind
from cnnscope.analyzer.operators.definition import OURS, Family, defined

IMAGE = (1, 8, 16, 16)


def only(op: str, *shapes: Any, **attributes: Any) -> Kind:
    names = ["x", "w", "b"][: len(shapes)]
    model = network(
        node(op, " ".join(names), "y", **attributes), **dict(zip(names, shapes, strict=True))
    )
    return cnnscope.analyze(model).layers[0].kind


def test_every_operator_has_a_kind_of_the_vocabulary() -> None:
    words = set(get_args(Family))
    for operator in defined():
        if operator.source == OURS:
            assert operator.kind in words - {"other"}, operator.name
    used = {operator.kind for operator in defined() if operator.source == OURS}
    assert words - used == {"other"}


@pytest.mark.parametrize(
    ("x", "w", "attributes", "label", "padding", "traits"),
    [
        # rank, and what of the channels is mixed
        ((1, 8, 16), (4, 8, 3), {}, "1-D convolution", "valid", ()),
        (IMAGE, (4, 8, 3, 3), {}, "2-D convolution", "valid", ()),
        ((1, 8, 5, 6, 7), (4, 8, 3, 3, 3), {}, "3-D convolution", "valid", ()),
        (IMAGE, (4, 8, 1, 1), {}, "2-D pointwise convolution", "valid", ()),
        (IMAGE, (8, 1, 3, 3), {"group": 8}, "2-D depthwise convolution", "valid", ()),
        (IMAGE, (24, 1, 3, 3), {"group": 8}, "2-D depthwise convolution", "valid", ()),
        (IMAGE, (8, 1, 1, 1), {"group": 8}, "2-D depthwise convolution", "valid", ()),
        (IMAGE, (4, 4, 3, 3), {"group": 2}, "2-D grouped convolution", "valid", ()),
        (IMAGE, (4, 4, 1, 1), {"group": 2}, "2-D grouped convolution", "valid", ("pointwise",)),
        # one channel in, one group: nothing is kept apart
        ((1, 1, 16, 16), (4, 1, 3, 3), {"group": 1}, "2-D convolution", "valid", ()),
        # more channels than are listed one by one
        ((1, 40000, 2), (40000, 2, 1), {"group": 20000}, "1-D grouped convolution", "valid",
         ("pointwise",)),
        # padding: Dumoulin & Visin's names
        (IMAGE, (4, 8, 3, 3), {"pads": [1] * 4}, "2-D convolution", "same", ()),
        (IMAGE, (4, 8, 3, 3), {"pads": [2] * 4}, "2-D convolution", "full", ()),
        (IMAGE, (4, 8, 5, 5), {"pads": [1] * 4}, "2-D convolution", "custom", ()),
        (IMAGE, (4, 8, 1, 7), {"pads": [0, 3, 0, 3]}, "2-D convolution", "same", ()),
        (IMAGE, (4, 8, 4, 4), {"auto_pad": "SAME_UPPER"}, "2-D convolution", "same", ()),
        (IMAGE, (4, 8, 3, 3), {"auto_pad": "VALID"}, "2-D convolution", "valid", ()),
        (IMAGE, (4, 8, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, "2-D convolution",
         "same", ("strided",)),
        # AlexNet's first: 11x11, stride 4, padding 2
        ((1, 3, 224, 224), (64, 3, 11, 11), {"strides": [4, 4], "pads": [2] * 4},
         "2-D convolution", "custom", ("strided",)),
        # dilated, causal
        (IMAGE, (4, 8, 3, 3), {"dilations": [2, 2], "pads": [2] * 4}, "2-D dilated convolution",
         "same", ("dilated",)),
        ((1, 8, 16), (4, 8, 2), {"dilations": [4], "pads": [4, 0]}, "1-D dilated convolution",
         "same", ("dilated", "causal")),
    ],
)  # fmt: skip
def test_convolutions(
    x: Any, w: Any, attributes: dict[str, Any], label: str, padding: str, traits: tuple[str, ...]
) -> None:
    kind = only("Conv", x, w, **attributes)
    assert (kind.label, kind.padding, kind.traits) == (label, padding, traits)


@pytest.mark.parametrize(
    ("w", "attributes", "kernel", "stride", "before", "after", "padding"),
    [
        ((8, 4, 2, 2), {"strides": [2, 2]}, 2, 2, 0, 0, "valid"),  # U-Net's up-convolution
        ((8, 4, 4, 4), {"strides": [2, 2], "pads": [1] * 4}, 4, 2, 1, 1, "same"),  # DCGAN's
        ((8, 4, 3, 3), {"pads": [2] * 4}, 3, 1, 2, 2, "full"),
        # what output_padding adds is not cut off
        ((8, 4, 3, 3), {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]},
         3, 2, 1, 0, "same"),
        ((8, 4, 16, 16), {"strides": [8, 8]}, 16, 8, 0, 0, "valid"),  # FCN-8s's last
    ],
)  # fmt: skip
def test_transposed_convolutions_as_people_write_them(
    w: Any, attributes: dict[str, Any], kernel: int, stride: int, before: int, after: int,
    padding: str,
) -> None:  # fmt: skip
    kind = only("ConvTranspose", IMAGE, w, **attributes)
    assert kind.label == "2-D transposed convolution"
    assert (kind.kernel, kind.stride) == ((kernel,) * 2, (stride,) * 2)
    assert (kind.before, kind.after) == ((before,) * 2, (after,) * 2)
    assert kind.padding == padding


def test_a_depthwise_transposed_convolution() -> None:
    kind = only("ConvTranspose", IMAGE, (8, 1, 2, 2), strides=[2, 2], group=8)
    assert kind.label == "2-D depthwise transposed convolution"


@pytest.mark.parametrize(
    ("op", "attributes", "label"),
    [
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}, "2-D max pooling"),
        ("MaxPool", {"kernel_shape": [1, 2], "strides": [1, 2]}, "2-D max pooling"),
        ("AveragePool", {"kernel_shape": [3, 3]}, "2-D average pooling"),
        ("LpPool", {"kernel_shape": [3, 3]}, "2-D Lp pooling"),
        ("AveragePool", {"kernel_shape": [16, 16]}, "global average pooling"),
        ("MaxPool", {"kernel_shape": [16, 15]}, "2-D max pooling"),
        ("GlobalAveragePool", {}, "global average pooling"),
        ("GlobalMaxPool", {}, "global max pooling"),
        ("GlobalLpPool", {}, "global Lp pooling"),
        ("ReduceMean", {"axes": [2, 3]}, "global average pooling"),
        ("ReduceMean", {"axes": [1, 2]}, "global average pooling"),  # channels last
        ("ReduceMax", {"axes": [2, 3], "keepdims": 0}, "global max pooling"),
        ("ReduceMean", {"axes": [1]}, "mean reduction"),
        ("ReduceMean", {"axes": [1, 2, 3]}, "mean reduction"),
        ("ReduceSum", {"axes": [2, 3]}, "reduction"),
        ("Relu", {}, "activation"),
    ],
)
def test_pooling(op: str, attributes: dict[str, Any], label: str) -> None:
    model = network(node(op, "x", "y", **attributes), opset=11, x=IMAGE)
    assert cnnscope.analyze(model).layers[0].kind.label == label


def test_a_length_left_free() -> None:
    model = network(
        node("Conv", "x w", "y", pads=[1] * 4),
        node("Conv", "y w", "z", auto_pad="SAME_UPPER", strides=[2, 2]),
        x=(1, 8, "H", "W"), w=(8, 8, 3, 3),
    )  # fmt: skip
    first, second = cnnscope.analyze(model).layers
    assert (first.kind.label, first.kind.padding) == ("2-D convolution", "same")
    assert first.kind.kernel == (3, 3)
    assert (second.kind.label, second.kind.kernel) == ("2-D convolution", ())


# -- matrix products and lookups -------------------------------------------------------------------


def test_fully_connected_is_by_a_stored_matrix() -> None:
    assert only("MatMul", (1, 5, 8), (8, 4)).label == "fully connected"
    assert only("Gemm", (1, 8), (8, 4), (4,)).label == "fully connected"
    assert only("Einsum", (1, 5, 8), (8, 4), equation="bnk,ko->bno").label == "fully connected"
    model = network(node("MatMul", "x x2", "y"), x=(1, 5, 8), x2=(1, 8, 5))
    assert cnnscope.analyze(model).layers[0].kind.label == "matrix product"


def test_unshared_weights() -> None:
    """A weight matrix of its own for each position, after something that moves along space."""
    nodes = (
        node("Conv", "x w", "c", pads=[1, 1]),
        node("Transpose", "c", "t", perm=[2, 0, 1]),
        node("MatMul", "t u", "y"),
        node("MatMul", "y v", "z"),
    )
    model = network(*nodes, x=(1, 3, 16), w=(8, 3, 3), u=(16, 8, 4), v=(4, 4))
    kinds = [layer.kind for layer in cnnscope.analyze(model).layers]
    assert (kinds[2].label, kinds[2].traits) == ("locally connected", ("unshared",))
    assert (kinds[3].label, kinds[3].traits) == ("fully connected", ())


def test_a_table_that_is_looked_up_is_an_embedding() -> None:
    ids = node("Cast", "x", "i", to=7)
    model = network(ids, node("Gather", "table i", "y"), x=(1, 5), table=(100, 16))
    assert cnnscope.analyze(model)["y"].kind.label == "embedding"
    model = network(ids, node("Gather", "x i", "y"), x=(3, 5))
    assert cnnscope.analyze(model)["y"].kind.label == "indexing"


# -- what neighbours make of a layer ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "separable"),
    [
        ([], True),
        ([node("Relu", "d", "m")], True),
        ([node("Sigmoid", "d", "s"), node("Mul", "d s", "m")], True),  # SiLU
        ([node("MaxPool", "d", "m", kernel_shape=[1, 1])], False),
        ([node("Add", "d x", "m")], False),
    ],
)
def test_separable_pairs(between: list[Any], separable: bool) -> None:
    given = "m" if between else "d"
    nodes = [
        node("Conv", "x w", "d", group=8, pads=[1] * 4), *between, node("Conv", f"{given} p", "y")
    ]  # fmt: skip
    found = cnnscope.analyze(network(*nodes, x=IMAGE, w=(8, 1, 3, 3), p=(4, 8, 1, 1)))
    assert [("separable" in found[name].kind.traits) for name in ("d", "y")] == [separable] * 2


def test_a_separable_pair_the_other_way_round() -> None:
    nodes = [node("Conv", "x p", "d"), node("Relu", "d", "r"), node("Conv", "r w", "y", group=8)]
    found = cnnscope.analyze(network(*nodes, x=IMAGE, w=(8, 1, 3, 3), p=(8, 8, 1, 1)))
    assert all("separable" in found[name].kind.traits for name in ("d", "y"))


def test_a_result_that_others_read_too_makes_no_pair() -> None:
    nodes = [
        node("Conv", "x w", "d", group=8, pads=[1] * 4), node("Conv", "d p", "a"),
        node("Add", "a d", "y"),
    ]  # fmt: skip
    found = cnnscope.analyze(network(*nodes, x=IMAGE, w=(8, 1, 3, 3), p=(8, 8, 1, 1)))
    assert not any(layer.kind.traits for layer in found.layers)


@pytest.mark.parametrize("how", ["padded before", "cut off behind", "padded on both sides"])
def test_causal_convolutions_in_two_layers(how: str) -> None:
    if how == "cut off behind":  # as in TCN: pad both ends, drop the last outputs
        nodes = [
            node("Conv", "x w", "c", pads=[4, 4], dilations=[4]),
            node("Slice", "c zero minus4 two", "y"),
        ]
    else:
        pads = "ahead" if how == "padded before" else "both"
        nodes = [node("Pad", f"x {pads}", "p"), node("Conv", "p w", "c", dilations=[4])]
    found = cnnscope.analyze(
        network(
            *nodes, x=(1, 8, 16), w=(8, 8, 2), ahead=[0, 0, 4, 0, 0, 0], both=[0, 0, 2, 0, 0, 2],
            zero=[0], minus4=[-4], two=[2],
        )
    )  # fmt: skip
    assert ("causal" in found["c"].kind.traits) == (how != "padded on both sides")


def test_attention_written_out() -> None:
    nodes = [
        node("MatMul", "x k", "scores"), node("Div", "scores s", "scaled"),
        node("Add", "scaled xmask", "masked"), node("Softmax", "masked", "shares"),
        node("MatMul", "shares v", "mixed"), node("MatMul", "mixed w", "y"),
    ]  # fmt: skip
    keys = [node("Transpose", "x2", "k", perm=[0, 2, 1]), node("Identity", "x2", "v")]
    found = cnnscope.analyze(
        network(*keys, *nodes, x=(1, 5, 8), x2=(1, 5, 8), xmask=(1, 5, 5), s=(1,), w=(8, 8))
    )
    assert found["scores"].kind.label == found["mixed"].kind.label == "attention matrix product"
    assert found["shares"].kind.traits == ("attention",)
    assert found["y"].kind.label == "fully connected"
    plain = network(node("MatMul", "x x2", "m"), node("Softmax", "m", "y"), x=(2, 3), x2=(3, 4))
    assert cnnscope.analyze(plain)["m"].kind.label == "matrix product"


# -- whole architectures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # Sandler et al. 2018, table 2: 17 bottlenecks, of which all but the first expand
        ("mobilenet_v2", {"2-D depthwise convolution": 17, "2-D pointwise convolution": 34,
                          "2-D convolution": 1, "fully connected": 1}),
        # Chollet 2017, figure 5: 34 separable convolutions, 4 strided shortcuts
        ("xception", {"2-D depthwise convolution": 34, "2-D pointwise convolution": 38,
                      "2-D convolution": 2}),
        # van den Oord et al. 2016: three stacks of ten, dilations 1, 2, ..., 512
        ("wavenet", {"1-D dilated convolution": 27, "1-D convolution": 3}),
        ("c3d", {"3-D convolution": 8, "3-D max pooling": 5, "fully connected": 3}),
        ("unet", {"2-D convolution": 18, "2-D transposed convolution": 4, "2-D max pooling": 4}),
        # Dosovitskiy et al. 2021: 12 layers of 4 projections' worth and attention; patches, head
        ("vit_b_16", {"attention matrix product": 24, "fully connected": 49}),
    ],
)  # fmt: skip
def test_architectures(name: str, counts: dict[str, int], samples: Path) -> None:
    found = Counter(x.kind.label for x in cnnscope.analyze(samples / f"{name}.onnx").layers)
    assert {label: found[label] for label in counts} == counts


@pytest.mark.parametrize(
    ("name", "trait", "count"),
    [("mobilenet_v2", "separable", 34), ("xception", "separable", 68), ("wavenet", "causal", 30),
     ("resnet50", "strided", 7), ("deeplabv3_resnet50", "dilated", 11)],
)  # fmt: skip
def test_traits_of_architectures(name: str, trait: str, count: int, samples: Path) -> None:
    layers = cnnscope.analyze(samples / f"{name}.onnx").layers
    assert len(layers.filter(lambda x: trait in x.kind.traits)) == count


def test_nothing_in_and_nothing_out() -> None:
    """Axes without elements, and a node that gives nothing."""
    nodes = [node("Relu", "x", "", name="mute"), node("Conv", "x w", "y", pads=[9] * 4)]
    mute, conv = cnnscope.analyze(network(*nodes, x=(1, 8, 0, 0), w=(8, 8, 3, 3))).layers
    assert mute.kind.label == "activation"
    assert (conv.kind.label, conv.padded_share) == ("2-D convolution", 1.0)
