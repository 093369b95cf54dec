"""A right analysis agrees with its run, a planted fault is caught and named at the right node."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.operators import definition as registry
from cnnscope.analyzer.report.verification import (
    Agreement,
    FieldCheck,
    MemoryCheck,
    Mismatch,
    Unchecked,
    Verification,
)
from cnnscope.analyzer.values.diagnostics import BindingError, RunError
from cnnscope.runtime.engine.library import FIRST_WITH_MEMORY, release
from cnnscope.runtime.verify.verifying import verify

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
FAST = ["lenet5", "mobilenet_v2", "googlenet", "efficientnet_b0", "densenet121"]


def value(name: str, kind: int = FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[str],
    opset: int = 21, **stored: Any,
) -> onnx.ModelProto:  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", inputs, [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(x), n) for n, x in stored.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def shapes_of(model: Any, **options: Any) -> Verification:
    return verify(model, provider="cpu", probes=0, **options)


# -- what is right agrees ------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAST)
def test_a_sample_agrees(samples: Path, name: str) -> None:
    report = analyze(samples / f"{name}.onnx")
    found = shapes_of(report)
    assert found.ok
    assert not found.shapes.unchecked
    every = [o for layer in report.layers for o in layer.outputs]
    assert found.shapes.compared == found.shapes.agreeing >= len(every)
    # To the byte, once it is known which nodes wrote in place.
    if release(found.runtime) >= FIRST_WITH_MEMORY:
        assert found.memory.explained_ratio == 1.0
    assert found.weights == "random (He-scaled)"


def test_fields_are_checked_too(samples: Path) -> None:
    found = verify(samples / "lenet5.onnx", provider="cpu")
    assert found.fields.compared == found.fields.agreeing > 10
    assert found.fields.probes


def test_everything_a_profile_does_not_show_is_looked_at() -> None:
    """Constants, sequences, optional values, functions without a kernel, omitted outputs."""
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.ones((2, 3)))),
        helper.make_node("Cast", ["k"], ["k32"], to=FLOAT),
        helper.make_node("HardSwish", ["x"], ["h"]),
        helper.make_node("SequenceConstruct", ["h", "x"], ["q"]),
        helper.make_node("SequenceAt", ["q", "zero"], ["a"]),
        helper.make_node("Optional", ["a"], ["o"]),
        helper.make_node("OptionalGetElement", ["o"], ["g"]),
        helper.make_node("Unsqueeze", ["g", "one"], ["u"]),
        helper.make_node("LSTM", ["u", "w", "r"], ["", "last"], hidden_size=2),
        helper.make_node("Dropout", ["g"], ["d", "mask"]),
        helper.make_node("Identity", ["d"], ["y"]),
    ]
    inputs = [value("x", shape=[2, 3])]
    model = model_of(
        nodes, inputs, ["y", "last"], zero=np.array(0), one=np.array([1]),
        w=np.ones((1, 8, 3), np.float32), r=np.ones((1, 8, 2), np.float32),
    )  # fmt: skip
    found = shapes_of(model)
    assert found.shapes == Agreement(compared=12, agreeing=12), str(found)


def test_subgraphs_are_looked_into() -> None:
    then = helper.make_graph(
        [helper.make_node("Constant", [], ["k"], value_float=2.0),
         helper.make_node("Mul", ["x", "k"], ["t"])], "then", [], [value("t")],
    )  # fmt: skip
    orelse = helper.make_graph([helper.make_node("Abs", ["x"], ["e"])], "else", [], [value("e")])
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["v", "x"], ["v2"]),
         helper.make_node("Relu", ["v2"], ["s"])],
        "body", [value("i", INT64, []), value("c", BOOL, []), value("v", shape=[4, 3])],
        [value("c2", BOOL, []), value("v2"), value("s")],
    )  # fmt: skip
    nodes = [
        helper.make_node("If", ["cond"], ["z"], then_branch=then, else_branch=orelse, name="if"),
        helper.make_node("Loop", ["n", "yes", "z"], ["last", "all"], body=body),
    ]
    inputs = [value("x", shape=[4, 3]), value("cond", BOOL, [])]
    model = model_of(nodes, inputs, ["last", "all"], n=np.array(3), yes=np.array(True))
    found = shapes_of(model, inputs={"cond": np.array(True)})
    assert found.ok
    assert found.shapes.unchecked == (Unchecked("e", "its subgraph didn't run with these inputs"),)
    assert found.shapes.compared == 3 + 5


def test_what_a_body_holds_besides_tensors_gets_no_witness(cases: Path) -> None:
    """A sequence has no Shape; the iteration number has the axis that it is declared with."""
    found = verify(cases / "loop_iteration_rank1.onnx", provider="cpu")
    assert found.ok
    assert found.shapes.compared == 8
    assert Unchecked("s2", "ONNX Runtime's profile doesn't show it") in found.shapes.unchecked
    assert "doesn't run" not in str(found)


@pytest.mark.parametrize("name", ["gA", "gB"])
def test_indices_that_are_not_followed_are_no_mismatch(cases: Path, name: str) -> None:
    """1024 stored indices: that any element may be read is a bound, which a run can't contradict."""
    found = verify(cases / f"{name}.onnx", provider="cpu")
    assert found.ok, str(found)
    assert [x.tensor for x in found.fields.unchecked] == ["y"]


def test_lengths_that_hang_on_data_have_to_be_the_same_everywhere() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["nz"]),
        helper.make_node("Transpose", ["nz"], ["t"]),
        helper.make_node("Cast", ["t"], ["y"], to=FLOAT),
    ]
    found = shapes_of(model_of(nodes, [value("x", shape=[5, 4])], ["y"]))
    assert found.ok
    assert found.shapes.compared == 2
    (first,) = found.shapes.unchecked
    assert first.tensor == "nz"
    assert "hangs on data" in first.reason


def test_half_precision_is_compared_though_it_runs_in_float32() -> None:
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["y"]),
    ]
    model = model_of(
        nodes, [value("x", half, [1, 2, 9, 9])], ["y"], w=np.ones((2, 2, 3, 3), np.float16)
    )
    found = shapes_of(model)
    assert found.shapes == Agreement(3, 3)


# -- what is wrong is caught ---------------------------------------------------------------------

NET = [
    helper.make_node("Relu", ["x"], ["a"], name="first"),
    helper.make_node("Conv", ["a", "w"], ["b"], name="conv", strides=[2, 2], pads=[1, 1, 1, 1],
                     dilations=[2, 2]),
    helper.make_node("MaxPool", ["b"], ["c"], name="pool", kernel_shape=[3, 3], strides=[2, 2],
                     ceil_mode=1),
    helper.make_node("Relu", ["c"], ["y"], name="last"),
]  # fmt: skip


def net() -> onnx.ModelProto:
    w = np.ones((2, 2, 3, 3), np.float32)
    return model_of(NET, [value("x", shape=[1, 2, 21, 21])], ["y"], w=w)


def altered(rule: Callable[..., Any], **changes: Any) -> Callable[..., Any]:
    """The rule, made to believe other attributes than the node has."""
    known = inspect.signature(rule).parameters

    @functools.wraps(rule)
    def wrong(*arguments: Any, **keywords: Any) -> Any:
        return rule(*arguments, **keywords | {k: v for k, v in changes.items() if k in known})

    return wrong


FAULTS = [
    ("Conv", {"strides": (1, 1)}, "conv"),
    ("Conv", {"pads": (1, 1, 0, 0)}, "conv"),
    ("Conv", {"dilations": (1, 1)}, "conv"),
    ("MaxPool", {"ceil_mode": 0}, "pool"),
]


@pytest.mark.parametrize(("op", "changes", "node"), FAULTS)
def test_a_wrong_shape_is_named_where_it_arises(
    monkeypatch: pytest.MonkeyPatch, op: str, changes: dict[str, Any], node: str
) -> None:
    assert shapes_of(net()).ok
    rules = registry.definitions("", op)
    planted = [replace(r, infer=altered(r.infer, **changes)) for r in rules]
    monkeypatch.setitem(registry._REGISTRY, ("", op), planted)
    found = shapes_of(net())
    assert not found.ok
    assert [m.layer for m in found.shapes.mismatches if m.cause] == [node]
    assert {m.layer for m in found.shapes.mismatches if not m.cause} <= {"pool", "last"}


@pytest.mark.parametrize(
    ("op", "changes", "node"),
    [("Conv", {"dilations": (1, 1)}, "conv"), ("Conv", {"pads": (0, 0, 2, 2)}, "conv"),
     ("MaxPool", {"kernel_shape": (2, 2)}, "pool"), ("MaxPool", {"strides": (1, 1)}, "pool")],
)  # fmt: skip
def test_a_wrong_field_is_named_where_it_arises(
    monkeypatch: pytest.MonkeyPatch, op: str, changes: dict[str, Any], node: str
) -> None:
    """The shapes are right, only the reading is wrong."""
    assert verify(net(), provider="cpu", probes=12).ok
    rules = registry.definitions("", op)
    planted = [replace(r, reads=altered(r.reads, **changes)) for r in rules if r.reads]
    monkeypatch.setitem(registry._REGISTRY, ("", op), planted)
    found = verify(net(), provider="cpu", probes=12)
    assert found.shapes.ok
    assert {m.layer for m in found.fields.mismatches if m.cause} == {node}


def test_a_wrong_dtype_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: Any) -> Any:
        return x.of(x.shape, "float64")

    rules = registry.definitions("", "Relu")
    monkeypatch.setitem(registry._REGISTRY, ("", "Relu"), [replace(r, infer=wrong) for r in rules])
    found = shapes_of(net())
    first = found.shapes.mismatches[0]
    assert (first.layer, first.what, first.predicted, first.actual) == (
        "first", "dtype", "float64", "float32",
    )  # fmt: skip


# -- what can't be run ---------------------------------------------------------------------------


def test_a_missing_kernel_names_its_node() -> None:
    double = TensorProto.DOUBLE
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="my conv (1)")]
    inputs = [value("x", double, [1, 1, 4, 4]), value("w", double, [1, 1, 2, 2])]
    with pytest.raises(RunError, match=r"^node 'my conv \(1\)': .*no kernel"):
        shapes_of(model_of(nodes, inputs, ["y"]))


def test_an_unknown_operator_names_its_node() -> None:
    nodes = [helper.make_node("Foo", ["x"], ["y"], name="foo", domain="my.own")]
    model = model_of(nodes, [value("x", shape=[1])], ["y"])
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    with pytest.raises(RunError, match=r"^node 'foo': .*my\.own:Foo.*not a registered"):
        shapes_of(model)


def test_a_kernel_that_fails_names_its_node() -> None:
    nodes = [helper.make_node("Reshape", ["x", "to"], ["y"], name="reshape")]
    inputs = [value("x", shape=[16]), value("to", INT64, [2])]
    to = {"to": np.array([3, 5])}
    with pytest.raises(RunError, match=r"^node 'reshape': .*cannot be reshaped") as caught:
        shapes_of(model_of(nodes, inputs, ["y"]), inputs=to)
    assert "onnxruntime_src" not in str(caught.value)


def test_a_shape_without_a_name_needs_a_single_input(samples: Path) -> None:
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.verify.verifying import verify_here

    nodes = [helper.make_node("Add", ["x", "z"], ["y"])]
    inputs = [value("x", shape=[16]), value("z", shape=[16])]
    with pytest.raises(BindingError, match="the model has x, z"):
        verify_here(ModelJob(model_of(nodes, inputs, ["y"]), {None: [16]}, {}))


# -- how it is said ------------------------------------------------------------------------------


def test_a_child_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(
        model_of(NET, [value("x", shape=["N", 2, "H", "H"])], ["y"],
                 w=np.ones((2, 2, 3, 3), np.float32)), path
    )  # fmt: skip
    report = analyze(path, dims={"N": 2, "H": 21})
    here = verify(report, provider="cpu", probes=1)
    there = cnnscope.verify(report, provider="cpu", probes=1, child=True, timeout=300)
    assert here.ok
    assert here.to_dict() == there.to_dict()
    assert there.inputs == {"x": (2, 2, 21, 21)}


def test_a_model_in_memory_goes_to_a_child_too() -> None:
    assert verify(net(), provider="cpu", probes=0, child=True, timeout=300).ok
    with pytest.raises(RunError, match="from the model, not its report"):
        verify(analyze(net()), provider="cpu", child=True)


HOSTILE = "evil\n\x1b[31m<b>|`x"


def an_outcome() -> Verification:
    mismatch = Mismatch(HOSTILE, HOSTILE, "Conv", "shape", [1, "N"], [1, 2])
    follows = Mismatch("t", "later", "Relu", "shape", [1], [2], cause=False)
    unchecked = tuple(Unchecked(f"u{i}", "no reason") for i in range(7))
    return Verification(
        HOSTILE, "cpu", "no gpu", "1.0", "stored", 0, {HOSTILE: (1, 2)},
        Agreement(9, 7, (follows, mismatch), unchecked), FieldCheck(reason="not asked for"),
        MemoryCheck(1000, "a", 500, "b", None, 1, 0, 500), ("a note",),
    )  # fmt: skip


def test_every_form_of_it_is_safe_and_complete() -> None:
    from laid_out import verification_json, verification_markdown

    found = an_outcome()
    text = str(found)
    assert "7 of 9 tensors agree" in text
    assert "u0, u1, u2, ... (7): no reason" in text
    assert text.index("evil") < text.index("later")
    assert "ratio 0.5" in text
    markdown = verification_markdown(found)
    html = found._repr_html_()
    for form in (text, markdown, html):
        assert "\x1b" not in form
        assert "evil\n" not in form
    assert "<b>" not in markdown + html
    parsed = json.loads(verification_json(found))
    assert parsed["shapes"]["mismatches"][1]["predicted"] == [1, "N"]
    assert parsed["ok"] is False
    assert set(parsed) >= {"provider", "fallback_reason", "shapes", "fields", "memory"}
    assert set(parsed["fields"]) >= {"compared", "agreeing", "mismatches", "unchecked"}


def test_a_field_is_told_in_words() -> None:
    """Units predicted and actual, never as a Python dict, in text and in a data frame's cells."""
    where = {"probe": {"input": "x", "axes": [2, 3], "index": [5, 0]}}
    found = Mismatch(
        "t", "conv", "Conv", "field",
        where | {"units": 4, "axis 2": ((3, 5), (7, 7)), "axis 3": ((0, 0),)}, where | {"units": 0},
    )  # fmt: skip
    whole = replace(an_outcome(), fields=FieldCheck(1, 0, (found,)))
    text = " ".join(str(whole).split())
    assert (
        "units that see x at (axis 2: 5, axis 3: 0): predicted 3..5, 7 along axis 2, 0 along axis 3; "
        "actual none"
    ) in text
    cells = whole.to_dataframe().query("check == 'fields'").iloc[0]
    assert (cells["predicted"], cells["actual"]) == (
        "3..5, 7 along axis 2, 0 along axis 3", "none",
    )  # fmt: skip
    assert "{" not in text + str(cells.to_list())


def test_it_is_a_data_frame_that_joins_by_layer() -> None:
    frame = an_outcome().to_dataframe()
    assert list(frame["status"]).count("mismatch") == 2
    assert list(frame["status"]).count("unchecked") == 7
    assert HOSTILE in set(frame["layer"].dropna())


@pytest.mark.gpu
@pytest.mark.parametrize("name", FAST)
def test_a_sample_agrees_on_cuda(samples: Path, name: str) -> None:
    found = verify(samples / f"{name}.onnx", provider="cuda", probes=0)
    assert found.provider == "cuda"
    assert found.ok
