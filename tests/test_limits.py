"""What a small file may ask for: nodes, values and counts are added up before anything is made.

Each model is refused by every command, in one line and at once, or is honest and allowed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.model import expansion
from cnnscope.analyzer.passes import facts
from cnnscope.analyzer.values.diagnostics import CnnscopeError, LimitError
from cnnscope.cli import main

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("d", 1)]
SECONDS = 10.0  # of computing


def node(op: str, inputs: list[str], outputs: list[str], **attributes) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, **attributes)


def model(*nodes: onnx.NodeProto, functions=(), init=(), shape=(1, 8)) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name="y")], init,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=OPSETS, functions=functions)


def function(name: str, *nodes: onnx.NodeProto, attributes=()) -> onnx.FunctionProto:
    return helper.make_function("d", name, ["a0"], ["b"], nodes, OPSETS, attributes)


def calls(name: str, times: int, op: str = "", **attributes) -> list[onnx.NodeProto]:
    """A chain from a0 to b: calls of a function, or nodes of an operator."""
    names = ["a0", *(f"a{i}" for i in range(1, times)), "b"]
    return [
        node(op or name, [names[i]], [names[i + 1]], domain="" if op else "d", **attributes)
        for i in range(times)
    ]


def tree(levels: int, each: int) -> onnx.ModelProto:
    """Functions that call the next so many times, the last one of so many Relu."""
    made = [function(f"f{i}", *calls(f"f{i + 1}", each)) for i in range(levels - 1)]
    made.append(function(f"f{levels - 1}", *calls("", each, "Relu")))
    return model(node("f0", ["x"], ["y"], domain="d"), functions=made)


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(nodes, "b", [], [onnx.ValueInfoProto(name="q")])


def in_branches(levels: int) -> onnx.ModelProto:
    """Each function's Ifs call the next one in both branches."""
    made = []
    for i in range(levels):
        last = node(f"f{i + 1}" if i < levels - 1 else "Relu", ["a0"], ["q"],
                    domain="d" if i < levels - 1 else "")  # fmt: skip
        made.append(
            function(
                f"f{i}",
                node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True))),
                node("If", ["c"], ["b"], then_branch=branch(last), else_branch=branch(last)),
            )
        )
    return model(node("f0", ["x"], ["y"], domain="d"), functions=made)


def handed_on(levels: int) -> onnx.ModelProto:
    """A subgraph that calls give, in twice as many places at each level."""

    def given(proto: onnx.NodeProto) -> onnx.NodeProto:
        kind = onnx.AttributeProto.GRAPH
        proto.attribute.append(onnx.AttributeProto(name="g", type=kind, ref_attr_name="g"))
        return proto

    made = [
        function(f"f{i}", *map(given, calls(f"f{i + 1}", 2)), attributes=["g"])
        for i in range(levels)
    ]
    uses = given(node("If", ["a0"], ["b"], else_branch=branch()))
    uses.attribute[-1].name = "then_branch"
    made.append(function(f"f{levels}", uses, attributes=["g"]))
    body = branch(*(node("Relu", ["x" if i == 0 else f"q{i}"], [f"q{i + 1}"]) for i in range(999)))
    body.output[0].name = "q999"
    return model(node("f0", ["x"], ["y"], domain="d", g=body), functions=made)


def named(characters: int) -> onnx.ModelProto:
    """A long name that every call makes anew."""
    relu = node("Relu", ["a0"], ["t" * characters])
    made = [
        function("f2", relu, node("Relu", ["t" * characters], ["b"])),
        function("f1", *calls("f2", 300)),
        function("f0", *calls("f1", 300)),
    ]
    return model(node("f0", ["x"], ["y"], domain="d"), functions=made)


def many_ends(count: int) -> onnx.ModelProto:
    return model(node("Concat", ["x"] * count, ["y"], axis=1))


def folded(nodes: int) -> onnx.ModelProto:
    """Constants of 4,096 integers, each worked out from the one before; the last are indices, all 0."""
    ends = [numpy_helper.from_array(np.array(n), name) for name, n in (("zero", 0), ("n", 4096))]
    one = numpy_helper.from_array(np.array(1), "one")
    first = node("Range", ["zero", "n", "one"], ["t0"])
    adds = [node("Add", [f"t{i}", "one"], [f"t{i + 1}"]) for i in range(nodes)]
    last = node("Mul", [f"t{nodes}", "zero"], ["at"]), node("Gather", ["x", "at"], ["y"])
    return model(first, *adds, *last, init=[*ends, one])


def scan(count: int) -> onnx.ModelProto:
    body = helper.make_graph(
        [node("Identity", ["s"], ["q"])], "b", [onnx.ValueInfoProto(name="s")],
        [onnx.ValueInfoProto(name="q")],
    )  # fmt: skip
    return model(node("Scan", ["x"], ["y"], body=body, num_scan_inputs=count))


def grams(length: int, skips: int) -> onnx.ModelProto:
    return model(
        node("Cast", ["x"], ["t"], to=TensorProto.INT64),
        node("TfIdfVectorizer", ["t"], ["y"], max_gram_length=length, max_skip_count=skips,
             min_gram_length=1, mode="TF", ngram_counts=[0], ngram_indexes=[0], pool_int64s=[1])
    )  # fmt: skip


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "functions that double": (lambda: tree(60, 2), "are the most"),
    "functions that call ten times": (lambda: tree(7, 10), "are the most"),
    "calls in branches": (lambda: in_branches(40), "nested more than"),
    "calls in branches, less deep": (lambda: in_branches(24), "are the most"),
    "a subgraph handed on": (lambda: handed_on(20), "are the most"),
    "names of a megabyte": (lambda: named(10**6), "are the most"),
    "a million inputs": (lambda: many_ends(10**6), "1000000 inputs; 65536 are the most"),
    "Scan of -2^31": (lambda: scan(-(2**31)), "num_scan_inputs is -2147483648"),
    "Scan of 2^62": (lambda: scan(2**62), "num_scan_inputs is 4611686018427387904"),
    "n-grams of 2^62": (lambda: grams(2**62, 0), "n-grams"),
    "n-grams skipping 2^62": (lambda: grams(2, 2**62), "n-grams"),
    "Split into 2^62": (lambda: model(node("Split", ["x"], ["y"], num_outputs=2**62)), "outputs"),
    "Split into -2^31": (
        lambda: model(node("Split", ["x"], ["y"], num_outputs=-(2**31))), "num_outputs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str):
    make, expected = REFUSED[name]
    data = make().SerializeToString()
    began = time.process_time()
    with pytest.raises(LimitError, match=expected):
        cnnscope.analyze(data)
    assert time.process_time() - began < SECONDS


def test_values_worked_out_beforehand(monkeypatch: pytest.MonkeyPatch):
    """50 constants of 32 KiB, with what they are worked out from, take between 1 and 4 MiB."""
    monkeypatch.setattr(facts, "VALUE_BYTES", 1 << 20)
    monkeypatch.setattr(facts.ModelRoom, "__init__", _with_values(1 << 20))
    with pytest.raises(LimitError, match="take more than 1 MiB"):
        cnnscope.analyze(folded(50))
    monkeypatch.setattr(facts.ModelRoom, "__init__", _with_values(4 << 20))
    assert cnnscope.analyze(folded(50)).outputs[0].shape == (4096, 8)


def _with_values(limit: int) -> Callable[..., None]:
    def init(self: facts.ModelRoom, nodes: int) -> None:
        self.nodes, self.values = nodes, limit

    return init


def test_bodies_of_schemas_count(monkeypatch: pytest.MonkeyPatch):
    room = facts.ModelRoom(10)
    room.expand(5)
    with pytest.raises(LimitError, match="function bodies"):
        room.expand(1)


def test_counted_before_anything_is_expanded(monkeypatch: pytest.MonkeyPatch):
    """The count is the expansion's: 3 levels of 5 are 1 + 5 + 25 calls and 125 nodes."""
    monkeypatch.setattr(expansion, "NODE_LIMIT", 0)
    with pytest.raises(LimitError) as refused:
        cnnscope.analyze(tree(3, 5))
    # Each counts 2; of the calls the first lies in none, 5 in one, 25 in two, and 125 Relu in three:
    # a call counts as a node of what it calls, so one deeper.
    levels = 1 * 1 + 5 * 2 + 25 * 3 + 125 * 3
    # Names and constants are some kilobytes more.
    counted = 2 * (1 + 5 + 25 + 125) + levels // 16
    assert int(str(refused.value).split()[7]) - counted in range(10)


def test_honest_functions():
    """Four thousand nodes in functions of functions; by hand, a million."""
    report = cnnscope.analyze(tree(3, 16))
    assert len(report.layers) == 16**3


@pytest.mark.parametrize("name", ["scan_negative_count", "function_bomb", "if_deep"])
@pytest.mark.parametrize(
    "command",
    [("analyze",), ("check", "--limit", "macs=1G"), ("lint",), ("conventions",), ("diff",),
     ("explain",)],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_command(
    name: str, command: tuple[str, ...], cases: Path, samples: Path,
    capfd: pytest.CaptureFixture[str],
):  # fmt: skip
    extra = {"diff": [str(samples / "lenet5.onnx")], "explain": ["a"]}.get(command[0], [])
    began = time.process_time()
    with pytest.raises(SystemExit) as stop:
        main([command[0], str(cases / f"{name}.onnx"), *extra, *command[1:]])
    assert time.process_time() - began < SECONDS
    assert stop.value.code == 2
    said = capfd.readouterr()
    lines = [line for line in said.err.splitlines() if line.strip()]
    assert len(lines) == 1 or command[0] == "check", lines
    assert "internal error" not in said.err + said.out


def test_the_family():
    assert issubclass(LimitError, CnnscopeError)
