"""What changes a model and what only writes it otherwise: both ways, one phenomenon each.

Pairs are made by hand, so that the right answer follows from how: a number, an attribute or an edge is
another one, or the same thing is written in another of ONNX's ways. Upgrades are onnx's own version
converter's.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from laid_out import difference_text
from networks import network, node
from onnx import TensorProto, helper, numpy_helper, version_converter

import cnnscope
from cnnscope.analyzer.difference.difference import Difference
from cnnscope.cli import main

SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def statuses(found: Difference) -> dict[str, int]:
    return {status: count for status, count in found.counts.items() if count}


def own(found: Difference) -> set[tuple[str, str | None]]:
    """What changed of its own accord: aspect and name."""
    return {(c.aspect, c.name) for x in found.layers for c in x.changes if c.own}


# -- the pairs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("gA", "gB", "indices a tensor of int64 [1024] -> a tensor of int64 [1024]"),
        ("outA", "outB", "output y changed: given by r -> s"),
        ("i0", "i1", "input a changed: place 0 -> 1"),
        ("clipA", "clipB", None),
        ("clipA", "clipC", "min 0.0 -> -1.0"),
        ("clipB", "clipC", "max 6.0 -> 1.0"),
    ],
)
def test_pairs(before: str, after: str, said: str | None, cases: Path) -> None:
    paths = [cases / f"{name}.onnx" for name in (before, after)]
    for found in (cnnscope.diff(*paths), cnnscope.diff(*reversed(paths))):
        assert found.same is (said is None)
        assert bool(found.failing(["any"])) is (said is not None)
    assert (said or "nothing else differs") in difference_text(cnnscope.diff(*paths), width=300)


# -- the same, written otherwise -------------------------------------------------------------------

W, B = drawn(8, 4, 1, 1), drawn(8, seed=1)
WIDE = (1, 4, 6, 6)
SAME = {
    "a constant in a node": (
        network(node("Gather", "x i", "y"), x=(4, 3), i=ints(2, 0)),
        network(
            node("Constant", "", "i", value=numpy_helper.from_array(ints(2, 0))),
            node("Gather", "x i", "y"), x=(4, 3),
        ),
    ),
    "axes from either end": (
        network(node("Softmax", "x", "y", axis=-1), x=(2, 3, 4)),
        network(node("Softmax", "x", "y", axis=2), x=(2, 3, 4)),
    ),
    "axes of what comes out": (
        network(node("Unsqueeze", "x a", "y"), x=(2, 3), a=ints(-1)),
        network(node("Unsqueeze", "x a", "y"), x=(2, 3), a=ints(2)),
    ),
    "a reduction over all": (
        network(node("ReduceSum", "x", "y"), x=(2, 3)),
        network(node("ReduceSum", "x a", "y"), x=(2, 3), a=ints(1, -2)),
    ),
    "the length for -1": (
        network(node("Reshape", "x s", "y"), x=(2, 3, 4), s=ints(2, -1)),
        network(node("Reshape", "x s", "y"), x=(2, 3, 4), s=ints(0, 12)),
    ),
    "a commuted sum": (
        network(node("Relu", "x", "r"), node("Add", "x r", "y"), x=(2, 3)),
        network(node("Relu", "x", "r"), node("Add", "r x", "y"), x=(2, 3)),
    ),
    "a commuted sum with a constant": (
        network(node("Add", "x b", "y"), x=(2, 8), b=B),
        network(node("Add", "b x", "y"), x=(2, 8), b=B),
    ),
    "a maximum of three": (
        network(node("Relu", "x", "r"), node("Tanh", "x", "t"), node("Max", "r t x", "y"), x=(2, 3)),
        network(node("Relu", "x", "r"), node("Tanh", "x", "t"), node("Max", "x r t", "y"), x=(2, 3)),
    ),
    "defaults spelled out": (
        network(node("LRN", "x", "y", size=3), x=WIDE),
        network(node("LRN", "x", "y", size=3, alpha=1e-4, beta=0.75, bias=1.0), x=WIDE),
    ),
    "steps and axes of a slice": (
        network(node("Slice", "x a b", "y"), x=(4, 5), a=ints(1, 0), b=ints(3, 4)),
        network(node("Slice", "x a b c d", "y"), x=(4, 5), a=ints(1, 0), b=ints(3, 4),
                c=ints(-2, 1), d=ints(1, 1)),
    ),
    "zeros padded on": (
        network(node("Pad", "x p", "y"), x=(4, 5), p=ints(1, 0, 0, 1)),
        network(node("Pad", "x p v", "y"), x=(4, 5), p=ints(1, 0, 0, 1), v=np.float32(0)),
    ),
    "a dropout that isn't training": (
        network(node("Dropout", "x", "y"), x=(4, 5)),
        network(node("Dropout", "x r t", "y"), x=(4, 5), r=np.float32(0.5), t=np.array(False)),
    ),
    "a cast done when exported": (
        network(node("Cast", "i", "c", to=TensorProto.INT32), node("Gather", "x c", "y"),
                x=(600, 2), i=np.arange(600)),
        network(node("Gather", "x c", "y"), x=(600, 2), c=np.arange(600, dtype=np.int32)),
    ),
    "a transposed weight": (
        network(node("Transpose", "w", "t"), node("MatMul", "x t", "y"), x=(2, 5), w=drawn(90, 5)),
        network(node("MatMul", "x t", "y"), x=(2, 5), t=drawn(90, 5).T.copy()),
    ),
    "bounds as attributes": (
        network(node("Clip", "x", "y", min=0.0, max=6.0), x=(2, 3), opset=6),
        network(node("Clip", "x a b", "y"), x=(2, 3), a=np.float32(0), b=np.float32(6), opset=13),
    ),
    "a split into equal parts": (
        network(helper.make_node("Split", ["x"], ["a", "b"], "s", axis=1, num_outputs=2),
                outputs="a b", x=(2, 6)),
        network(helper.make_node("Split", ["x", "n"], ["a", "b"], "s", axis=-1),
                outputs="a b", x=(2, 6), n=ints(3, 3)),
    ),
    "axes that hang on the input": (
        network(node("Cast", "x", "n", to=TensorProto.INT64), node("ReduceSum", "x n", "y"), x=(1,)),
    ) * 2,
    "rows of one axis before 13": (
        network(node("Softmax", "x", "y"), x=(2, 5), opset=11),
        network(node("Softmax", "x", "y"), x=(2, 5), opset=13),
    ),
    "samples placed as before 11": (
        network(node("Upsample", "x f", "y", mode="linear"), x=WIDE,
                f=np.float32([1, 1, 2, 2]), opset=9),
        network(node("Resize", "x f", "y", mode="linear"), x=WIDE,
                f=np.float32([1, 1, 2, 2]), opset=10),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_written_otherwise(what: str) -> None:
    for pair in (SAME[what], SAME[what][::-1]):
        found = cnnscope.diff(*pair)
        assert found.same, [(x.layer.op, x.status, x.changes) for x in found.layers]


# -- and changes -----------------------------------------------------------------------------------

CHANGED = {
    "which one is subtracted": (
        network(node("Sub", "x b", "y"), x=(2, 8), b=B),
        network(node("Sub", "b x", "y"), x=(2, 8), b=B),
        {("inputs", None), ("operands", "A"), ("operands", "B")},
    ),
    "an integer in a thousand": (
        network(node("Cast", "x", "i", to=TensorProto.INT64), node("Add", "i c", "y"), x=(1024,),
                c=np.arange(1024)),
        network(node("Cast", "x", "i", to=TensorProto.INT64), node("Add", "i c", "y"), x=(1024,),
                c=np.where(np.arange(1024) == 777, 0, np.arange(1024))),
        {("constants", "B")},
    ),
    "an integer behind a cast": (
        network(node("Cast", "i", "c", to=TensorProto.FLOAT), node("Pow", "x c", "y"),
                x=(2, 600), i=np.arange(600)),
        network(node("Cast", "i", "c", to=TensorProto.FLOAT), node("Pow", "x c", "y"),
                x=(2, 600), i=np.arange(600)[::-1].copy()),
        {("constants", "Y")},
    ),
    "a bound more": (
        network(node("Clip", "x a", "y"), x=(2, 3), a=np.float32(0)),
        network(node("Clip", "x a b", "y"), x=(2, 3), a=np.float32(0), b=np.float32(6)),
        {("operands", "max")},
    ),
    "ones padded on": (
        network(node("Pad", "x p", "y"), x=(4, 5), p=ints(1, 0, 0, 1)),
        network(node("Pad", "x p v", "y"), x=(4, 5), p=ints(1, 0, 0, 1), v=np.float32(1)),
        {("constants", "constant_value")},
    ),
    "rows of two axes": (
        network(node("Softmax", "x", "y"), x=(2, 5, 3), opset=11),
        network(node("Softmax", "x", "y"), x=(2, 5, 3), opset=13),
        {("attributes", "axis")},
    ),
    "samples placed otherwise": (
        network(node("Upsample", "x f", "y", mode="linear"), x=WIDE,
                f=np.float32([1, 1, 2, 2]), opset=9),
        network(node("Resize", "x r f", "y", mode="linear"), x=WIDE, r=np.zeros(0, np.float32),
                f=np.float32([1, 1, 2, 2]), opset=13),
        {("attributes", "coordinate_transformation_mode"), ("attributes", "nearest_mode")},
    ),
    "what an attribute fills": (
        network(node("Shape", "x", "s"), node("ConstantOfShape", "s", "y",
                value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.0])),
                node("Add", "x y", "z"), x=(2, "n")),
        network(node("Shape", "x", "s"), node("ConstantOfShape", "s", "y",
                value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])),
                node("Add", "x y", "z"), x=(2, "n")),
        {("constants", "B")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_changed(what: str) -> None:
    one, other, expected = CHANGED[what]
    assert own(cnnscope.diff(one, other)) == expected
    assert own(cnnscope.diff(other, one)) == expected


def _flat(*target: int, batch: object = "N") -> onnx.ModelProto:
    return network(node("Reshape", "x s", "y"), x=(batch, 3, 4), s=ints(*target))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_flat(-1, 12), _flat(0, 12), True), (_flat(0, -1), _flat(0, 12), True),
        (_flat(-1, 12), _flat(1, 12), False), (_flat(-1, 12, batch=1), _flat(1, 12, batch=1), True),
        (_flat(-1, 12), _flat(-1, 12, batch=1), False),
        (
            network(
                node("Shape", "x", "n"), node("Gather", "n i", "g"), node("Concat", "g k", "s", axis=0),
                node("Reshape", "x s", "y"), x=("N", 3, 4), i=ints(0), k=ints(12),
            ),
            _flat(-1, 12), True,
        ),
    ],
)  # fmt: skip
def test_a_target_holds_for_every_batch(
    one: onnx.ModelProto, other: onnx.ModelProto, same: bool
) -> None:
    """A batch of 1 written into a Reshape is no -1 where the file leaves the batch free."""
    assert cnnscope.diff(one, other).same is same
    assert cnnscope.diff(other, one).same is same


# -- weights ---------------------------------------------------------------------------------------


def test_zeros_as_a_bias() -> None:
    zero = np.zeros(8, np.float32)
    one = network(node("Conv", "x w b", "y"), x=WIDE, w=W, b=zero)
    other = network(node("Conv", "x w", "y"), x=WIDE, w=W)
    found = cnnscope.diff(one, other)
    assert (found.weights.same, found.weights.changed) == (1, 0)
    assert "weights" not in found.failing(["weights"])
    assert "bias of zeros removed" in str(found)
    assert "bias of zeros added" in str(cnnscope.diff(other, one))


def test_the_largest_difference() -> None:
    moved = W.copy()
    moved[3, 1, 0, 0] += 0.25
    one, other = (network(node("Conv", "x w", "y"), x=WIDE, w=w) for w in (W, moved))
    found = cnnscope.diff(one, other)
    (change,) = found.layers[0].changes
    assert (change.aspect, change.largest) == ("weights", pytest.approx(0.25, rel=1e-5))
    assert "largest difference 0.25" in str(found)


def _written(how: str) -> onnx.ModelProto:
    """x (9, 4) times a matrix and plus a bias, in four ways, under names that say nothing."""
    matrix = W.reshape(8, 4)
    tail = {"x": (9, 4), "b": B}
    if how == "MatMul":
        parts = [node("MatMul", "x w", "p1"), node("Add", "p1 b", "s2")]
        return network(*parts, node("Relu", "s2", "e3"), w=matrix.T.copy(), **tail)
    if how == "Gemm":
        return network(
            node("Gemm", "x w b", "g1"), node("Relu", "g1", "e2"), w=matrix.T.copy(), **tail
        )
    return network(
        node("Gemm", "x w b", "t1", transB=1), node("Relu", "t1", "e2"), w=matrix, **tail
    )


def test_equal_weights_across_operators() -> None:
    for how in ("Gemm", "transB"):
        found = cnnscope.diff(_written("MatMul"), _written(how))
        assert statuses(found) == {"changed": 1, "folded": 1, "renamed": 1}, how
        assert (found.weights.same, found.weights.changed) == (1, 0)
        back = cnnscope.diff(_written(how), _written("MatMul"))
        assert statuses(back) == {"changed": 1, "unfolded": 1, "renamed": 1}
    found = cnnscope.diff(_written("Gemm"), _written("transB"))
    assert own(found) == {("attributes", "transB"), ("weights", None)}


def test_a_convolution_as_a_product() -> None:
    """Two 1x1 convolutions of equal shapes: their weights tell which product is which."""
    other = drawn(8, 4, 1, 1, seed=5)
    one = network(
        node("Conv", "x w", "c1"), node("Conv", "x v", "c2"), node("Sub", "c1 c2", "y"),
        x=(1, 4, 6, 1), w=W, v=other,
    )  # fmt: skip
    two = network(
        node("Reshape", "x s", "f1"), node("Transpose", "f1", "f2", perm=[1, 0]),
        node("Gemm", "f2 v", "g1", transB=1), node("Gemm", "f2 w", "g2", transB=1),
        node("Sub", "g2 g1", "y"), x=(1, 4, 6, 1), s=ints(4, 6), w=W.reshape(8, 4),
        v=other.reshape(8, 4),
    )  # fmt: skip
    found = cnnscope.diff(one, two)
    pairs = {(x.before.name, x.after.name) for x in found.layers if x.before and x.after}
    assert {("c1", "g2"), ("c2", "g1")} <= pairs
    assert (found.weights.same, found.weights.changed) == (2, 0)


def test_a_fold_is_claimed_where_the_structure_proves_it(tmp_path: Path) -> None:
    """Without weights: a bias that wasn't there took the normalisation in; one that was may be as
    it was."""
    norm = dict.fromkeys(("scale", "shift", "mean", "var"), (8,))

    def kept(operands: str) -> onnx.ModelProto:
        return network(
            node("Conv", operands, "a"), node("BatchNormalization", "a scale shift mean var", "n"),
            node("Relu", "n", "y"), x=WIDE, w=(8, 4, 1, 1), **norm,
            **({"b": (8,)} if "b" in operands else {}),
        )  # fmt: skip

    folded = network(
        node("Conv", "x w b", "a"), node("Relu", "a", "y"), x=WIDE, w=(8, 4, 1, 1), b=(8,), fill=2.0
    )
    assert cnnscope.diff(kept("x w"), folded, weights=False).counts["folded"] == 1
    assert cnnscope.diff(kept("x w b"), folded, weights=False).counts["folded"] == 0
    assert cnnscope.diff(kept("x w b"), folded).counts["folded"] == 1


# -- ends ------------------------------------------------------------------------------------------


def _ends(*outputs: str, inputs: tuple[str, ...] = ("x", "xb")) -> onnx.ModelProto:
    shapes = {"x": (1, 4), "xb": (1, 4)}
    parts = [
        node("Relu", "x", "r"), node("Sigmoid", "xb", "s"), node("Mul", "r s", "m"),
        node("Softmax", "m", "p"),
    ]  # fmt: skip
    return network(*parts, outputs=" ".join(outputs), **{name: shapes[name] for name in inputs})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_ends("p", "r"), _ends("r", "p")), (_ends("p"), _ends("p", "m")),
        (_ends("p"), _ends("m")), (_ends("p"), _ends("p", inputs=("xb", "x"))),
    ],
)  # fmt: skip
def test_ends(one: onnx.ModelProto, other: onnx.ModelProto) -> None:
    assert cnnscope.diff(one, one).same
    assert cnnscope.diff(one, other).failing(["any"])
    assert cnnscope.diff(other, one).failing(["any"])


def test_free_dimensions_called_otherwise() -> None:
    def model(*dims: object) -> onnx.ModelProto:
        return network(
            node("Conv", "x w", "c", strides=[2, 2]), node("Concat", "c c", "y", axis=1),
            x=(1, 3, *dims), w=drawn(4, 3, 3, 3),
        )  # fmt: skip

    found = cnnscope.diff(model("H", "W"), model("height", "width"))
    assert statuses(found) == {"same": 2}
    assert found.dims == (("H", "height"), ("W", "width"))
    assert not found.failing(["shape", "macs", "memory", "changed"])
    assert found.failing(["renamed"])
    assert "H -> height" in str(found)
    # They change places: the same net, other names.
    assert not cnnscope.diff(model("H", "W"), model("W", "H")).failing(["shape"])
    # Two lengths that become one are a change.
    assert cnnscope.diff(model("H", "W"), model("S", "S")).failing(["shape"])


# -- subgraphs -------------------------------------------------------------------------------------


def _branch(
    scale: float, stored: np.ndarray, op: str = "Relu", prefix: str = ""
) -> onnx.ModelProto:
    """If: x times a matrix, an activation, times a number; else x's first columns."""
    p = prefix
    then = helper.make_graph(
        [
            node("MatMul", f"x {p}w", f"{p}m"), node(op, f"{p}m", f"{p}r"),
            node("Mul", f"{p}r {p}k", f"{p}t"),
        ],
        "then", [], [onnx.ValueInfoProto(name=f"{p}t")],
        [numpy_helper.from_array(stored, f"{p}w"),
         numpy_helper.from_array(np.float32(scale), f"{p}k")],
    )  # fmt: skip
    other = helper.make_graph(
        [node("Identity", "x", f"{p}e")], "else", [], [onnx.ValueInfoProto(name=f"{p}e")]
    )
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    model = network(
        node("If", "flag", "y", name="if", then_branch=then, else_branch=other), x=(2, 5)
    )
    model.graph.input.append(flag)
    return model


def test_an_axis_that_one_network_alone_looks_along_changes_no_layer_before() -> None:
    """A kernel of 3 x 1 becomes one of 3 x 3: the activation before it sees its own element, as before."""

    def model(kernel: tuple[int, int]) -> onnx.ModelProto:
        pads = [kernel[0] // 2, kernel[1] // 2] * 2
        return network(
            node("Relu", "x", "r"), node("Conv", "r w", "y", pads=pads), x=(1, 1, 8, 8), w=(1, 1, *kernel),
        )  # fmt: skip

    live = [cnnscope.analyze(model(kernel)) for kernel in ((3, 1), (3, 3))]
    saved = [cnnscope.load(json.dumps(report.to_dict()).encode()) for report in live]
    for before, after in (live, saved):
        activation, convolution = cnnscope.diff(before, after).layers
        assert (activation.status, activation.changes) == ("same", ())
        assert "field" in {change.aspect for change in convolution.changes}


def test_inside_subgraphs() -> None:
    stored = drawn(5, 5)
    other = stored.copy()
    other[2, 3] += 1
    one = _branch(2.0, stored)
    assert cnnscope.diff(one, _branch(2.0, stored)).same
    found = cnnscope.diff(one, _branch(2.0, stored, prefix="other_"))
    assert set(statuses(found)) <= {"same", "renamed"}
    for changed, expected in (
        (_branch(2.0, other), ("weights", None)), (_branch(3.0, stored), ("constants", "B")),
        (_branch(2.0, stored, op="Tanh"), ("op", None)),
    ):  # fmt: skip
        found = cnnscope.diff(one, changed)
        assert expected in own(found)
        inner = [x for x in found.layers if x.path]
        assert len(inner) == 4
        assert {x.path for x in inner} == {("if", "then_branch"), ("if", "else_branch")}
        assert [x.layer.name for x in found.layers if x.own and not x.path] == ["if"]
        assert found.failing(["changed"])
        assert "if" in str(found)
    assert cnnscope.diff(one, _branch(2.0, other)).weights.changed == 1


# -- upgrades --------------------------------------------------------------------------------------


def upgraded(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    return version_converter.convert_version(model, version)


@pytest.mark.parametrize("name", ["tv_convnext_tiny", "hm_norms", "q_lenet5_qdq", "hm_crnn_lstm"])
def test_an_upgrade_is_nothing_but_the_opset(name: str, corpus: Path) -> None:
    model = onnx.load(corpus / "models" / f"{name}.onnx", load_external_data=False)
    reports = [cnnscope.analyze(each) for each in (model, upgraded(model, 21))]
    for pair in (reports, reports[::-1]):
        found = cnnscope.diff(*pair, weights=False)
        assert set(statuses(found)) == {"same"}
        assert found.failing(["any", "opset"]).keys() == {"opset"}
    assert "opset 21 -> 17; nothing else" in str(found)


def test_an_upgraded_block_of_convnext_on_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Depthwise 7x7, LayerNormalization, two matrices with Gelu between, LayerScale, skip; the mean at
    the end has its axes as an attribute at 17 and as an input at 21: 16 bytes more are stored."""
    half, root = np.float32(0.5), np.float32(1.4142135)
    old = network(
        node("Conv", "x w", "c", group=8, pads=[3] * 4), node("Transpose", "c", "t", perm=[0, 2, 3, 1]),
        node("LayerNormalization", "t s b", "n", axis=-1), node("MatMul", "n up", "u"),
        node("Div", "u root", "d"), node("Erf", "d", "e"), node("Add", "e one", "a"),
        node("Mul", "u a", "m"), node("Mul", "m half", "g"), node("MatMul", "g down", "o"),
        node("Mul", "o scale", "l"), node("Transpose", "l", "p", perm=[0, 3, 1, 2]),
        node("Add", "x p", "r"), node("ReduceMean", "r", "y", axes=[2, 3], keepdims=0), opset=17,
        x=(1, 8, 14, 14), w=(8, 1, 7, 7), s=(8,), b=(8,), up=(8, 32), down=(32, 8), scale=(8,),
        root=root, one=np.float32(1), half=half,
    )  # fmt: skip
    for name, model in (("old.onnx", old), ("new.onnx", upgraded(old, 21))):
        onnx.save(model, tmp_path / name)
    paths = [str(tmp_path / "old.onnx"), str(tmp_path / "new.onnx")]
    for options, code in (([], 0), (["--fail-on", "any"], 0), (["--fail-on", "opset"], 1)):
        with pytest.raises(SystemExit) as ended:
            main(["diff", *paths, *options])
        assert ended.value.code == code
        assert "\nopset 17 -> 21; nothing else differs in 14 layers\n" in capfd.readouterr().out


# -- any one number, attribute or edge -------------------------------------------------------------


def _reached(model: onnx.ModelProto) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that an output needs, and the tensors that those read."""
    wanted = {value.name for value in model.graph.output}
    nodes = []
    for each in reversed(model.graph.node):
        if wanted & set(each.output):
            nodes.append(each)
            wanted.update(each.input)
    return nodes[::-1], wanted


def _other(array: np.ndarray, draw: random.Random) -> np.ndarray:
    """The array with one number changed."""
    found = array.copy()
    place = draw.randrange(found.size)
    flat = found.reshape(-1)
    flat[place] = not flat[place] if found.dtype == bool else flat[place] // 2 + 3
    return found


def _edited(model: onnx.ModelProto, draw: random.Random) -> str | None:
    """Change one thing that the function computed hangs on; what, or None where there is no such."""
    nodes, wanted = _reached(model)
    # A shape's target may say the same in other numbers, and so may what it is computed from.
    targets = {name for each in nodes if each.op_type in ("Reshape", "Expand", "Slice", "Split", "Resize")
               for name in each.input[1:]}  # fmt: skip
    what = draw.choice(["number", "number", "attribute", "edge", "swap"])
    if what == "number":
        stored = [t for t in model.graph.initializer
                  if t.name in wanted - targets and (t.raw_data or t.float_data or t.int64_data)]  # fmt: skip
        if not stored:
            return None
        tensor = draw.choice(stored)
        array = numpy_helper.to_array(tensor)
        if not array.size or array.dtype.kind not in "fiub":
            return None
        other = _other(array, draw)
        if np.array_equal(array, other):
            return None
        tensor.CopyFrom(numpy_helper.from_array(other, tensor.name))
        return f"a number of {tensor.name}"
    if what == "attribute":
        # Of pads and ceil_mode, and of dilations of a single tap, another value may say the same.
        kinds = onnx.AttributeProto
        having = [(n, a) for n in nodes for a in n.attribute
                  if a.type in (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.INTS) and n.op_type != "Constant"
                  and a.name not in ("allowzero", "num_outputs", "auto_pad")]  # fmt: skip
        if not having:
            return None
        each, attribute = draw.choice(having)
        if attribute.type == kinds.FLOAT:
            attribute.f = attribute.f * 2 + 1
        elif attribute.type == kinds.INT:
            attribute.i += 1
        elif attribute.type == kinds.STRING:
            attribute.s += b"x"
        elif attribute.ints:
            attribute.ints[draw.randrange(len(attribute.ints))] += 1
        else:
            return None
        return f"{attribute.name} of {each.op_type} {each.name}"
    if what == "swap":
        ordered = [n for n in nodes if len(n.input) > 1
                   and n.op_type in ("Sub", "Div", "MatMul", "Pow", "Where", "Greater", "Less")]  # fmt: skip
        if not ordered:
            return None
        each = draw.choice(ordered)
        if each.input[0] == each.input[1]:
            return None
        each.input[0], each.input[1] = each.input[1], each.input[0]
        return f"the operands of {each.name}"
    each = draw.choice(nodes)
    if not each.input:
        return None
    place = next(k for k, n in enumerate(model.graph.node) if n == each)
    known = [v.name for v in model.graph.input] + [
        o for n in model.graph.node[:place] for o in n.output if n.op_type != "Constant"
    ]
    if each.input[0] not in known or each.op_type in ("Shape", "Size"):
        return None
    others = [name for name in known if name != each.input[0]]
    if not others:
        return None
    each.input[0] = draw.choice(others)
    return f"what {each.op_type} {each.name} reads"


def _edits(paths: list[Path], count: int, seed: int) -> list[str]:
    """So many single changes, and those that aren't seen."""
    draw = random.Random(seed)
    models = [onnx.load(path, load_external_data=False) for path in paths]
    reports = [cnnscope.analyze(model) for model in models]
    missed = []
    while count:
        k = draw.randrange(len(models))
        other = onnx.ModelProto()
        other.CopyFrom(models[k])
        what = _edited(other, draw)
        if what is None:
            continue
        count -= 1
        try:
            found = cnnscope.diff(reports[k], other)
        except cnnscope.CnnscopeError:  # it is no model any more
            continue
        if found.same:
            missed.append(f"{paths[k].name}: {what}")
    return missed


EDITED = [
    "hm_shape_arith", "hm_lenet5", "hm_unet_nearest", "hm_crnn_lstm", "hm_crnn_gru", "hm_einsum_net",
    "hm_norms", "hx_old_opset9_ir3", "hm_space_to_depth", "q_lenet5_qdq", "q_lenet5_qoperator",
    "hm_espcn_x3", "hm_siamese_shared", "hm_tcn", "hm_transformer_encoder_rand", "hm_small_resnet_fp16",
]  # fmt: skip


def test_every_change_is_seen(corpus: Path, samples: Path) -> None:
    paths = [corpus / "models" / f"{name}.onnx" for name in EDITED]
    paths = [*paths[: amount(2, len(paths))], samples / "lenet5.onnx"]
    assert not _edits(paths, amount(14, 2500), seed=23)


def test_a_number_alone_stays_a_constant_when_quantised() -> None:
    """A factor of 0.5: as a float, and as an int8 64 times 1/128."""
    plain = network(
        node("Conv", "x w", "c"), node("Mul", "c k", "y"), x=WIDE, w=W, k=np.float32(0.5)
    )
    quantised = network(
        node("Conv", "x w", "c"), node("DequantizeLinear", "q s z", "k"), node("Mul", "c k", "y"),
        x=WIDE, w=W, q=np.int8(64), s=np.float32(1 / 128), z=np.int8(0),
    )  # fmt: skip
    assert [cnnscope.analyze(m).totals.params.value for m in (plain, quantised)] == [32, 32]
    assert cnnscope.diff(plain, quantised)["params"].delta == 0


def test_a_quantised_bias_is_learned(corpus: Path) -> None:
    """Of int32 with one scale: LeNet-5 has 61,706 parameters, quantised or not (LeCun et al. 1998)."""
    report = cnnscope.analyze(corpus / "models" / "q_lenet5_qdq.onnx")
    assert report.totals.params.value == 61_706


def test_values_too_long_to_be_written_are_not_compared() -> None:
    """Python refuses to write an integer of more than 4300 digits."""
    import numpy as np

    from cnnscope.analyzer.difference.constants import _written_out

    assert _written_out(np.array([3, 4])).text == "[3, 4]"
    assert (
        _written_out(np.array([10**5000], object)).reason == "its values have thousands of digits"
    )
