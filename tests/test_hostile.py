"""Models that contradict themselves, lie about their size, or were written to do harm.

Each is answered by one clear line or by a report, soon and in little memory; what is asked of every
report (all formats, a region) is `mutations.examine`.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from mutations import ask, check_error, examine, peak_bytes, time_limit
from networks import refusal
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.values.diagnostics import MESSAGE_LIMIT, one_line
from cnnscope.cli import main

SECONDS = amount(8, 20)  # of computing; each takes a tenth of it, of the sizes that it is given
MEGABYTES = 300
HUGE = 2**62
MANY = amount(2_000, 5_000)
node = helper.make_node


# -- a vocabulary ----------------------------------------------------------------------------------


def value(name: str, shape: list | None = None, kind: int = TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def ends(*names: str) -> list[onnx.ValueInfoProto]:
    return [onnx.ValueInfoProto(name=name) for name in names]


def ints(name: str, *numbers: int) -> TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.int64), name)


def scalar(name: str, number: float, kind: type = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(number, kind), name)


def hollow(name: str, *dims: int, kind: int = TensorProto.FLOAT) -> TensorProto:
    """Dimensions without the data."""
    return TensorProto(name=name, data_type=kind, dims=dims)


def model(*nodes, inputs=None, outputs=("y",), init=(), opset: int = 21, functions=()):
    graph = helper.make_graph(
        nodes, "g", [value("x", [1, 3, 8, 8])] if inputs is None else inputs, ends(*outputs), init
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("f", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions)


def function(name: str, *nodes) -> onnx.FunctionProto:
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("f", 1)]
    return helper.make_function("f", name, ["a"], ["b"], nodes, opsets)


def body(*nodes, inputs=(), outputs=("q",)) -> onnx.GraphProto:
    return helper.make_graph(nodes, "body", list(inputs), ends(*outputs))


KERNEL = hollow("w", 3, 3, 3, 3)


def conv(x: str = "x", y: str = "y", **attributes):
    return node("Conv", [x, "w"], [y], **attributes)


def outcome(made: onnx.ModelProto | bytes) -> str:
    """What becomes of it, in time and in memory: an error's line, or "report"."""
    size = len(made) if isinstance(made, bytes) else made.ByteSize()
    before = peak_bytes()
    found = "report"
    with time_limit(SECONDS):
        try:
            report = cnnscope.analyze(made)
        except cnnscope.CnnscopeError as error:
            found = str(error)
            check_error(found)
        else:
            ask(report, random.Random(0))
            if report.errors:  # a node that can't be: the rest is known
                found = report.errors[0].message
    assert peak_bytes() - before < (MEGABYTES << 20) + 5 * size
    return found


# -- sizes that nothing has ------------------------------------------------------------------------

LOOP = {
    "inputs": (value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("a")),
    "outputs": ("c", "q"),
}


def resized(mode: str, **attributes) -> onnx.ModelProto:
    resize = node("Resize", ["x", "", "", "s"], ["z"], mode=mode, **attributes)
    return model(
        resize, conv("z"), init=[ints("s", 1, 3, 2**40, 12345677), KERNEL],
        inputs=[value("x", [1, 3, 2**33, 2**33 + 3])],
    )  # fmt: skip


def nested_loops(depth: int) -> onnx.ModelProto:
    """Beyond 18, its figures are beyond every float, in the largest units, too."""
    inner = body(node("Concat", ["a", "a"], ["q"], axis=2), **LOOP)
    for _ in range(depth):
        inner = body(node("Loop", ["M", "", "a"], ["q"], body=inner), **LOOP)
    return model(node("Loop", ["M", "", "x"], ["y"], body=inner), init=[scalar("M", HUGE)])


SIZES: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "constant of 10^15": (
        lambda: model(node("Relu", ["w"], ["y"]), inputs=[], init=[hollow("w", 10**15)]), "report",
    ),
    "integers of 10^15": (
        lambda: model(
            node("NonZero", ["w"], ["y"]), inputs=[],
            init=[hollow("w", 10**15, kind=TensorProto.INT64)],
        ), "report",
    ),
    "ConstantOfShape": (
        lambda: model(
            node("ConstantOfShape", ["s"], ["y"]), inputs=[], init=[ints("s", *[10**5] * 3)]
        ), "report",
    ),
    "ConstantOfShape of any rank": (
        lambda: model(
            node("ConstantOfShape", ["s"], ["y"]), inputs=[value("s", [HUGE], TensorProto.INT64)]
        ), "64 are the most",
    ),
    "Expand": (
        lambda: model(node("Expand", ["x", "s"], ["y"]), init=[ints("s", 10**15, 1, 1, 1)]),
        "don't broadcast|report",
    ),
    "Tile": (
        lambda: model(node("Tile", ["x", "s"], ["y"]), init=[ints("s", 1, 1, 10**15, 1)]), "report",
    ),
    "Range": (
        lambda: model(
            node("Range", ["a", "b", "d"], ["y"]), inputs=[],
            init=[scalar("a", 0), scalar("b", 10**15), scalar("d", 1)],
        ), "report",
    ),
    "OneHot": (
        lambda: model(
            node("OneHot", ["a", "b", "d"], ["y"]), inputs=[],
            init=[ints("a", 1, 2), scalar("b", 10**15), ints("d", 0, 1)],
        ), "report",
    ),
    "Pad": (
        lambda: model(
            node("Pad", ["x", "p"], ["z"]), conv("z"),
            init=[ints("p", 0, 0, HUGE, 0, 0, 0, 0, HUGE), KERNEL],
        ), "report",
    ),
    "length beyond 64 bits": (
        lambda: model(
            node("Flatten", ["x"], ["y"]), inputs=[value("x", [1, 2**63 - 1, 2**63 - 1])]
        ), "64 bits",
    ),
    "product beyond 64 bits": (
        lambda: model(conv(), inputs=[value("x", [2**40, 3, 2**63 - 1, 2**40])], init=[KERNEL]),
        "report",
    ),
    "negative length of a constant": (
        lambda: model(node("Relu", ["w"], ["y"]), init=[hollow("w", -5)]), "negative dimension",
    ),
    "MaxPool of 10^9": (
        lambda: model(node("MaxPool", ["x"], ["y"], kernel_shape=[10**9] * 2, pads=[10**9] * 4)),
        "report",
    ),
    "dilation of 2^62": (
        lambda: model(conv(dilations=[HUGE] * 2, pads=[HUGE] * 4), init=[KERNEL]), "report",
    ),
    "stride of 2^62": (
        lambda: model(
            node("ConvTranspose", ["x", "w"], ["z"], strides=[HUGE - 3, 1]), conv("z", pads=[1] * 4),
            init=[KERNEL],
        ), "64 bits|report",
    ),
    "stride of 2^40": (
        lambda: model(
            node("ConvTranspose", ["x", "w"], ["z"], strides=[2**40, 2**40 - 1]), conv("z"),
            init=[KERNEL],
        ), "report",
    ),
    "Resize, nearest": (lambda: resized("nearest"), "report"),
    "Resize, linear": (lambda: resized("linear"), "report"),
    "Resize, cubic": (lambda: resized("cubic"), "report"),
    "Resize, antialiased": (lambda: resized("linear", antialias=1), "report"),
    "Resize by infinity": (
        lambda: model(
            node("Resize", ["x", "", "s"], ["y"]),
            init=[numpy_helper.from_array(np.array([1, 1, np.inf, 1], np.float32), "s")],
        ), "not a positive number",
    ),
    "Range to infinity": (
        lambda: model(
            node("Range", ["a", "b", "d"], ["y"]), inputs=[],
            init=[scalar(n, v, np.float32) for n, v in (("a", 0), ("b", np.inf), ("d", 1))],
        ), "infinity",
    ),
    "Loop of 2^62": (lambda: nested_loops(0), "report"),
    "Loops in loops": (lambda: nested_loops(19), "report"),
    "Split into 10^15": (
        lambda: model(node("Split", ["x"], ["y"], num_outputs=10**15)), "num_outputs is 1000000000000000",
    ),
    "Split into thousands": (
        lambda: model(
            node("Split", ["x"], [f"y{i}" for i in range(amount(2_000, 5_000))],
            num_outputs=amount(2_000, 5_000)),
            inputs=[value("x", [amount(2_000, 5_000)])], outputs=["y0"],
        ), "report",
    ),
    "Concat of thousands": (
        lambda: model(node("Concat", ["x"] * amount(1_500, 10_000), ["y"], axis=0)), "report",
    ),
    "Einsum of thousands": (
        lambda: model(
            node("Einsum", ["x"] * MANY, ["y"], equation=",".join(["ijkl"] * MANY))
        ),
        "report",
    ),
    "equation of a megabyte": (
        lambda: model(node("Einsum", ["x"], ["y"], equation="ijkl," * 200_000)), "Einsum_0",
    ),
    "batches of 2^63": (
        lambda: model(
            node("Unheard", ["x"], ["a"], domain="com.example"),
            node("GatherND", ["a", "i"], ["y"], batch_dims=2**63 - 1),
            inputs=[value("x"), value("i", [4, 1], TensorProto.INT64)],
        ), "batch_dims is 9223372036854775807",
    ),
    "attribute of 10^6": (lambda: model(conv(pads=[1] * 10**6), init=[KERNEL]), "1000000"),
    "permutation of 10^5": (
        lambda: model(node("Transpose", ["x"], ["y"], perm=list(range(10**5)))), "perm",
    ),
    "rank of 10^5": (
        lambda: model(node("Relu", ["x"], ["y"]), inputs=[value("x", [2] * 10**5)]),
        "64 are the most",
    ),
    "rank of 10^5, stored": (
        lambda: model(node("Relu", ["w"], ["y"]), init=[hollow("w", *[HUGE] * 10**5)]),
        "64 are the most",
    ),
    "rank of 4000, computed": (
        lambda: model(node("Reshape", ["x", "s"], ["y"]), init=[ints("s", 192, *[1] * 4000)]),
        "64 are the most",
    ),
    "rank 64 of 2^62": (
        lambda: model(node("Relu", ["x"], ["y"]), inputs=[value("x", [HUGE] * 64)]), "report",
    ),
    "free rank 64": (
        lambda: model(
            node("Flatten", ["x"], ["z"], axis=32), node("Mul", ["z", "z"], ["y"]),
            inputs=[value("x", [f"d{i}" for i in range(64)])],
        ), "report",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str):
    make, expected = SIZES[name]
    found = outcome(make())
    assert any(part in found for part in expected.split("|")), found


def test_formulas_that_double():
    """A shape multiplied by itself again and again: 2^60 factors, if they were written out."""
    nodes = [node("Shape", ["x"], ["s0"])]
    for i in range(60):
        nodes += [
            node("Add", [f"s{i}", "one"], [f"t{i}"]), node("Mul", [f"s{i}", f"t{i}"], [f"m{i}"]),
            node("Div", [f"m{i}", "three"], [f"s{i + 1}"]),
        ]  # fmt: skip
    nodes.append(node("ConstantOfShape", ["s60"], ["y"]))
    made = model(*nodes, inputs=[value("x", ["H"])], init=[ints("one", 1), ints("three", 3)])
    assert outcome(made) == "report"


# -- graphs that can't be, or don't end ------------------------------------------------------------


def calling(*callees: str):
    return [
        node(name, [a], [b], domain="f") for name, a, b in zip(callees, "at", "tb", strict=False)
    ]


def doubling(levels: int) -> onnx.ModelProto:
    """Each function calls the one before twice: 2^levels nodes."""
    made = [function("F0", node("Relu", ["a"], ["b"]))]
    made += [function(f"F{i}", *calling(*[f"F{i - 1}"] * 2)) for i in range(1, levels)]
    return model(node(f"F{levels - 1}", ["x"], ["y"], domain="f"), functions=made)


def chained(levels: int) -> onnx.ModelProto:
    made = [function("F0", node("Relu", ["a"], ["b"]))]
    made += [
        function(f"F{i}", node(f"F{i - 1}", ["a"], ["b"], domain="f")) for i in range(1, levels)
    ]
    return model(node(f"F{levels - 1}", ["x"], ["y"], domain="f"), functions=made)


def through_bodies() -> onnx.ModelProto:
    inner = body(node("F", ["a"], ["q"], domain="f"))
    calls = node("If", ["a"], ["b"], then_branch=inner, else_branch=inner)
    return model(node("F", ["x"], ["y"], domain="f"), functions=[function("F", calls)])


def nameless_attribute() -> onnx.ModelProto:
    pool = node("MaxPool", ["a"], ["b"])
    pool.attribute.append(
        onnx.AttributeProto(name="kernel_shape", type=onnx.AttributeProto.INTS, ref_attr_name="k")
    )
    made = function("F", pool)
    made.attribute.append("k")
    return model(node("F", ["x"], ["y"], domain="f"), functions=[made])


def deep(levels: int) -> onnx.ModelProto:
    made = model(node("Relu", ["x"], ["y"]))
    graph = made.graph
    for _ in range(levels):
        inner = onnx.GraphProto(name="b", output=ends("q"))
        last = graph.node.add(op_type="If", input=["x"], output=["q"])
        attribute = last.attribute.add(name="then_branch", type=onnx.AttributeProto.GRAPH)
        attribute.g.CopyFrom(inner)
        graph = attribute.g
    return made


GRAPHS: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "cycle": (
        lambda: model(node("Relu", ["a"], ["y"]), node("Relu", ["y"], ["a"])), "a cycle of 2 nodes",
    ),
    "large cycle": (
        lambda: model(
            *(node("Relu", [f"a{i}"], [f"a{(i + 1) % 5000}"]) for i in range(5000)), outputs=["a0"]
        ), "a cycle of 5000 nodes",
    ),
    "dangling input": (lambda: model(node("Relu", ["nope"], ["y"])), "which nothing gives"),
    "dangling output": (lambda: model(node("Relu", ["x"], ["z"])), "is given by no node"),
    "given twice": (
        lambda: model(node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])), "by two nodes",
    ),
    "given twice by one": (
        lambda: model(node("Split", ["x"], ["y", "y"], num_outputs=2)), "by two nodes",
    ),
    "channels of another kernel": (
        lambda: model(conv(), init=[hollow("w", 3, 5, 3, 3)]), "3 channels",
    ),
    "no groups": (lambda: model(conv(group=0), init=[KERNEL]), "group is 0"),
    "groups of 2^62": (lambda: model(conv(group=HUGE), init=[KERNEL]), "groups"),
    "no stride": (lambda: model(conv(strides=[0, 0]), init=[KERNEL]), "strides holds 0"),
    "negative kernel": (
        lambda: model(node("MaxPool", ["x"], ["y"], kernel_shape=[-3, -3])), "holds -3",
    ),
    "input left out": (lambda: model(node("Relu", [""], ["y"])), "lacks input 0"),
    "input left out of many": (
        lambda: model(node("Einsum", ["x", ""], ["y"], equation="ijkl,ijkl->")), "lacks input 1",
    ),
    "no inputs, no schema": (
        lambda: model(node("QLinearConvTranspose", ["x"], ["y"], domain="com.microsoft")),
        "lacks input 1",
    ),
    "too few inputs, a schema of ours": (
        lambda: model(node("Attention", ["x"], ["y"], domain="com.microsoft", num_heads=1)),
        "it has 1 of 2",
    ),
    "attribute of another kind": (
        lambda: model(conv(strides=2.5), init=[KERNEL]), "(integers)",
    ),
    "attribute of a reserved name": (
        lambda: model(conv(opset="x", node_name=3, output_count=1.5), init=[KERNEL]), "has no attribute",
    ),
    "attribute of a reserved name, no schema": (
        lambda: model(
            node("QLinearConvTranspose", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"],
                 domain="com.microsoft", opset="x", node_name=3, output_count=1.5),
            inputs=[value("x", [1, 3, 8, 8], TensorProto.UINT8)],
            init=[scalar("s", 0.5, np.float32), scalar("z", 0, np.uint8),
                  hollow("w", 3, 3, 3, 3, kind=TensorProto.UINT8)],
        ), "report",
    ),
    "unknown element type": (lambda: model(node("Cast", ["x"], ["y"], to=999)), "999"),
    "opset of 2^62": (lambda: model(node("Relu", ["x"], ["y"]), opset=HUGE), "report"),
    "negative opset": (
        lambda: model(node("Relu", ["x"], ["y"]), node("Nix", ["x"], ["z"]), opset=-1), "report",
    ),
    "function calls itself": (
        lambda: model(
            node("F", ["x"], ["y"], domain="f"),
            functions=[function("F", node("F", ["a"], ["b"], domain="f"))],
        ), "'F' calls itself",
    ),
    "functions call each other": (
        lambda: model(
            node("F", ["x"], ["y"], domain="f"),
            functions=[
                function("F", node("G", ["a"], ["b"], domain="f")),
                function("G", node("F", ["a"], ["b"], domain="f")),
            ],
        ), "'F' calls itself",
    ),
    "function calls itself in a branch": (through_bodies, "'F' calls itself"),
    "functions that double": (lambda: doubling(60), "are the most"),
    "functions 5000 deep": (lambda: chained(5000), "are the most"),
    "function without its attribute": (nameless_attribute, "lacks the attribute kernel_shape"),
    "subgraphs too deep": (lambda: deep(60), "nested"),
    "too many lines of metadata": (
        lambda: noted("['a', " * 500_000), "report",
    ),
    "brackets in metadata": (lambda: noted("[" * 10_000), "report"),
    "null in metadata": (lambda: noted("['a\0b', 'c']"), "report"),
}  # fmt: skip


def noted(text: str) -> onnx.ModelProto:
    made = model(node("Relu", ["x"], ["y"]))
    for key in ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"):
        made.graph.node[0].metadata_props.add(key=key, value=text)
    return made


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(name: str):
    make, expected = GRAPHS[name]
    assert expected in outcome(make())


def test_declared_shape_that_contradicts():
    made = model(node("Relu", ["x"], ["y"]))
    made.graph.output[0].CopyFrom(value("y", [5, 5]))
    report = cnnscope.analyze(made)
    assert "declared-shape-differs" in {d.code for d in report.diagnostics}
    assert report.outputs[0].shape == (1, 3, 8, 8)


def nested_on_the_wire(levels: int) -> bytes:
    def sized(key: bytes, inside: bytes) -> bytes:
        size, digits = len(inside), b""
        while size > 127:
            digits += bytes([size & 127 | 128])
            size >>= 7
        return key + digits + bytes([size]) + inside

    graph = b"\x12\x01g"
    for _ in range(levels):
        attribute = b"\x0a\x01g" + sized(b"\x32", graph) + b"\xa0\x01\x05"
        graph = sized(b"\x0a", b"\x22\x02If" + sized(b"\x2a", attribute))
    return b"\x08\x0a" + sized(b"\x3a", graph) + b"\x42\x02\x10\x15"


@pytest.mark.parametrize("levels", [50, 10_000])
def test_nested_on_the_wire(levels: int):
    assert "nested too deeply" in outcome(nested_on_the_wire(levels))


# -- sizes that grow: the time a model takes grows as its file does --------------------------------


def relus(numbers, **names) -> list[onnx.NodeProto]:
    return [
        node("Relu", [f"t{i}"], [f"t{i + 1}"], **{k: name(i) for k, name in names.items()})
        for i in numbers
    ]


def chain(n: int, numbers=None, **names) -> onnx.ModelProto:
    made = relus(range(n) if numbers is None else numbers, **names)
    return model(*made, inputs=[value("t0", [1, 3])], outputs=[f"t{n}"])


def many_inputs(n: int, op: str, layers: int = 0, **attributes) -> onnx.ModelProto:
    pools = (
        node("MaxPool", [f"t{i}"], [f"t{i + 1}"], kernel_shape=[3, 3], pads=[1] * 4)
        for i in range(layers)
    )
    return model(
        node(op, [f"x{i}" for i in range(n)], ["t0"], **attributes), *pools,
        inputs=[value(f"x{i}", [1, 1, 8, 8]) for i in range(n)], outputs=[f"t{layers}"],
    )  # fmt: skip


def free_inputs(n: int) -> onnx.ModelProto:
    made = (node("Relu", [f"x{i}"], [f"y{i}"]) for i in range(n))
    return model(
        *made, inputs=[value(f"x{i}", [1, f"d{i}"]) for i in range(n)],
        outputs=[f"y{i}" for i in range(n)],
    )  # fmt: skip


def branches(levels: int) -> onnx.ModelProto:
    inner = body(node("Relu", ["x"], ["q"]))
    for _ in range(levels):
        inner = body(node("If", ["c"], ["q"], then_branch=inner, else_branch=inner))
    last = node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    return model(last, inputs=[value("x", [1, 3]), value("c", [], TensorProto.BOOL)])


def split_and_joined(n: int) -> onnx.ModelProto:
    parts = [f"y{i}" for i in range(n)]
    return model(
        node("Split", ["x"], parts, num_outputs=n, axis=2), node("Concat", parts, ["z"], axis=2),
        conv("z"), inputs=[value("x", [1, 3, n, 8])], init=[KERNEL],
    )  # fmt: skip


def sliced(n: int) -> onnx.ModelProto:
    made = (node("Slice", [f"t{i}", "one", "end", "axis"], [f"t{i + 1}"]) for i in range(n))
    given = [ints("one", 1), ints("end", HUGE), ints("axis", 2)]
    return model(*made, inputs=[value("t0", [1, 3, 2 * n, 8])], outputs=[f"t{n}"], init=given)


def pooled_free(n: int) -> onnx.ModelProto:
    made = (
        node("MaxPool", [f"t{i}"], [f"t{i + 1}"], kernel_shape=[2], strides=[2], ceil_mode=1)
        for i in range(n)
    )
    return model(*made, inputs=[value("t0", [1, 3, "H"])], outputs=[f"t{n}"])


def odd_resize(n: int) -> onnx.ModelProto:
    """No two of the 8192 units of a layer see alike."""
    pools = (
        node("MaxPool", [f"t{i}"], [f"t{i + 1}"], kernel_shape=[3], pads=[1, 1]) for i in range(n)
    )
    return model(
        node("Resize", ["x", "", "", "s"], ["t0"], mode="linear"), *pools,
        inputs=[value("x", [1, 3, 8191])], outputs=[f"t{n}"], init=[ints("s", 1, 3, 8192)],
    )  # fmt: skip


GROWING: dict[str, tuple[Callable[[int], onnx.ModelProto], int, str]] = {
    "inputs of one Concat": (lambda n: many_inputs(n, "Concat", axis=1), 2000, "axis-not-followed"),
    "inputs of one Sum": (lambda n: many_inputs(n, "Sum", 2), 800, ""),
    "layers behind inputs": (lambda n: many_inputs(n, "Sum", n), 60, ""),
    "equal names": (lambda n: chain(n, name=lambda _: "a"), 1500, ""),
    "names that collide": (
        lambda n: chain(n, name=lambda i: "a" if i % 2 else f"a#{i // 2}"), 1500, "",
    ),
    "names like ours": (
        lambda n: chain(n, name=lambda i: f"Relu_{n - i}" if i < n // 2 else ""), 1500, "",
    ),
    "nodes in reversed order": (lambda n: chain(n, reversed(range(n))), 1500, ""),
    "free dimensions": (free_inputs, 400, "free-dimension"),
    "free lengths halved": (pooled_free, 400, "free-dimension"),
    "branches in branches": (branches, amount(6, 8), "branches"),
    "split and joined": (split_and_joined, 1500, ""),
    "slices": (sliced, 600, ""),
    "resized, then pooled": (odd_resize, 6, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_growing(name: str):
    make, n, noted_as = GROWING[name]
    fits = n < 60 or noted_as == "axis-not-followed"  # the latter shows beyond a number only
    made = make(n if fits else amount(n // (8 if noted_as else 4), n))
    assert outcome(made) == "report"
    if noted_as:
        assert noted_as in {d.code for d in cnnscope.analyze(made).diagnostics}


def test_fields_are_given_up_beyond_all_measure(monkeypatch: pytest.MonkeyPatch):
    """As many fields as layers times inputs: from some layer on none is told, and that is said."""
    from cnnscope.analyzer.fields import following as fields

    monkeypatch.setattr(fields, "MAX_SPANS", 2000)
    monkeypatch.setattr(fields, "NODE_SPANS", 0)
    made = many_inputs(10, "Sum", 60)
    report = cnnscope.analyze(made)
    (said,) = [d for d in report.diagnostics if d.code == "fields-not-followed"]
    told = [bool(layer.receptive_field) for layer in report.layers]
    ends_at = next(i for i, layer in enumerate(report.layers) if layer.name == said.layer)
    assert told == [i < ends_at for i in range(len(told))]
    assert 1 < ends_at < 60
    assert report.layers[-1].region([0, 0, 4, 4])["x3"]  # works without the fields
    report.layers[-1].explain()
    assert examine(made, random.Random(0)) == "report"


ATTRIBUTES = [
    ("kernel_shape", 3), ("kernel_shape", "x"), ("kernel_shape", [1.5, 2.0]), ("strides", "ab"),
    ("pads", 2.5), ("auto_pad", 3), ("ceil_mode", "x"), ("channels_last", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given"), ATTRIBUTES)
def test_attributes_of_a_wrong_kind_without_a_schema(name: str, given: object):
    pool = helper.make_node(
        "QLinearAveragePool", ["x", "s", "z", "s", "z"], ["y"], domain="com.microsoft",
        **{"kernel_shape": [2, 2], name: given},
    )  # fmt: skip
    made = model(
        pool, inputs=[value("x", [1, 3, 8, 8], TensorProto.UINT8)],
        init=[scalar("s", 0.5, np.float32), scalar("z", 0, np.uint8)],
    )  # fmt: skip
    assert f"an attribute {name} of the kind" in outcome(made)


@pytest.mark.parametrize("op", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("which", ["x", "w", "r"])
@pytest.mark.parametrize("dims", [(), (5,), (5, 5)])
def test_recurrent_operands_of_too_low_rank(op: str, which: str, dims: tuple[int, ...]):
    gates = {"RNN": 5, "GRU": 15, "LSTM": 20}[op]
    shapes = {"x": (7, 1, 5), "w": (1, gates, 5), "r": (1, gates, 5), which: dims}
    found = outcome(
        model(
            node(op, ["x", "w", "r"], ["y"]), inputs=[value("x", list(shapes["x"]))],
            init=[hollow("w", *shapes["w"]), hollow("r", *shapes["r"])],
        )
    )  # fmt: skip
    assert f"({op})" in found
    assert "axes" in found


def test_normalisation_by_a_whole_tensor():
    given = [hollow(name, 3) for name in ("b", "m", "v")]
    made = model(
        node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"]),
        inputs=[value("x", [1, 3, 8, 8]), value("s", [1, 3, 8, 8])], init=given,
    )  # fmt: skip
    assert "scale has 4 axes" in outcome(made)


# -- files -----------------------------------------------------------------------------------------


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cnnscope.cli", "analyze", *map(str, arguments)],
        capture_output=True, text=True, timeout=300, errors="replace", check=False,
        encoding="utf-8",
    )  # fmt: skip


def refused(*arguments: object) -> str:
    """The one line that the real command says, having exited with 2."""
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("cnnscope: ")
    assert "internal error" not in lines[0]
    assert "Traceback" not in lines[0]
    return lines[0]


TEXT = b'<ir_version: 7, opset_import: ["":10]> g (float[N] X) => (float[N] C) { C = Relu(X) }'
MISTAKEN: dict[str, tuple[bytes, str]] = {
    "empty.onnx": (b"", "empty"),
    "page.onnx": (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "web page"),
    "pointer.onnx": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "model.pt": (b"PK\x03\x04" + bytes(100), "zip"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite"),
    "model.gguf": (b"GGUF" + bytes(100), "GGUF"),
    "model.bz2": (b"BZh91AY" + bytes(100), "bzip2"),
    "model.xz": (b"\xfd7zXZ\0" + bytes(100), "xz"),
    "model.zst": (b"\x28\xb5\x2f\xfd" + bytes(100), "zstd"),
    "model.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "7-Zip"),
    "model.tar": (b"model.onnx".ljust(257, b"\0") + b"ustar\0" + bytes(300), "tar archive"),
    "photo.png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    "photo.jpg": (b"\xff\xd8\xff\xe0" + bytes(100), "picture"),
    "paper.pdf": (b"%PDF-1.4\n" + bytes(100), "PDF"),
    "zoo.parquet": (b"PAR1\x15\x04\x15" + bytes(100), "table, perhaps of a scan"),
    "zoo.jsonl": (b'{"path":"a.onnx","status":"ok"}\n', "perhaps the table of a scan"),
    "program": (b"\x7fELF" + bytes(100), "program"),
    "text.onnx": (TEXT, "onnx's own text"),
    "zeros.onnx": (bytes(10_000), "not an ONNX model"),
    "ones.onnx": (b"\xff" * 10_000, "not an ONNX model"),
    "deep.onnxtxt": (TEXT[:-15] + b"If(X) <b = g () => (c) { c = " * 20_000, "brackets"),
    "groups.onnx": (b"\x08\x0a" + b"\xa3\x06" * 100_000, "no protobuf field"),
    "long.onnx": (b"\x3a" + b"\xff" * 9 + b"\x01", "cut short"),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_other_files(name: str, tmp_path: Path):
    content, expected = MISTAKEN[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(cnnscope.ModelFileError, match=expected):
        cnnscope.analyze(path)


def refused_here(
    path: object, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """As `refused`, without a process of its own."""
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as stop:
        main(["analyze", str(path)])
    said = capfd.readouterr()
    assert (stop.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("cnnscope: ")
    assert "internal error" not in line
    return line


def test_the_command_on_bad_files(
    tmp_path: Path, samples: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    whole = (samples / "lenet5.onnx").read_bytes()
    cut, text = tmp_path / "cut.onnx", tmp_path / "deep.onnxtxt"
    cut.write_bytes(whole[: len(whole) // 2])
    text.write_bytes(MISTAKEN["deep.onnxtxt"][0])
    assert "cut short" in refused(cut)
    for path, expected in (
        (text, "brackets"), (tmp_path, "folder"), ("/dev/zero", "device"),
        (tmp_path / "a\nb\x1b[31m\u202e", "no such file"),
    ):  # fmt: skip
        assert expected in refused_here(path, capfd, monkeypatch)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Root may read everything, so the refusal is the operating system's word, put in its mouth."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "m.onnx"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:
        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(cnnscope.ModelFileError, match="Permission denied"):
        cnnscope.analyze(path)


def outside(location: str, *more: tuple[str, str]) -> bytes:
    tensor = hollow("w", 8)
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), *more):
        tensor.external_data.add(key=key, value=text)
    return model(node("Add", ["x", "w"], ["y"]), init=[tensor]).SerializeToString()


@pytest.mark.parametrize(
    ("location", "more", "expected"),
    [
        ("../w", (), "outside the model's folder"),
        ("/etc/passwd", (), "outside the model's folder"),
        ("link/passwd", (), "a link"),
        ("a/../../w", (), "outside the model's folder"),
        ("C:\\w", (), "outside the model's folder"),
        ("w\0", (), "no file named"),
        ("", (), "no file named"),
        ("../" + "w" * 10**6, (), "outside the model's folder"),
        ("../\n\x1b[31m", (), "outside the model's folder"),
        ("w", (("offset", "-1"),), "no valid place"),
        ("w", (("offset", "x"),), "no valid place"),
        ("w", (("length", "9" * 5000),), "no valid place"),
        ("w", (("location", "/etc/passwd"),), "given twice"),
        ("/etc/passwd", (("location", "w"),), "given twice"),
    ],
)
def test_external_data_refused_before_anything_is_read(
    location: str, more: tuple, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "link").symlink_to("/etc")
    path = tmp_path / "m.onnx"
    path.write_bytes(outside(location, *more))
    monkeypatch.setattr(np, "memmap", None)  # whatever maps it fails in another way
    with pytest.raises(cnnscope.ModelFileError) as caught:
        cnnscope.analyze(path)
    said = str(caught.value)
    assert expected in said
    assert said.isprintable()
    assert len(said) <= MESSAGE_LIMIT


@pytest.mark.parametrize("kind", ["folder", "pipe", "far"])
def test_external_data_that_is_no_file(kind: str, tmp_path: Path):
    """Figures need no weights: a place where none can be is a place where there are none."""
    place = tmp_path / "w"
    more = (("offset", "9" * 400),) if kind == "far" else ()
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    path = tmp_path / "m.onnx"
    path.write_bytes(outside("w", *more))
    assert "weights-missing" in {d.code for d in cnnscope.analyze(path).diagnostics}


# -- names -----------------------------------------------------------------------------------------

NAMES = {
    "markup": "[bold red]x[/bold red]",
    "tags": "<script>alert(1)</script>",
    "lines": "a\nb\r\nc\u2028d",
    "controls": "\x1b[2J\x1b[31m\x07\x00\x7f\x9b31m",
    "bidi": "\u202eabc\u2066",
    "formula": "=HYPERLINK(1)",
    "plus": "+1",
    "at": "@SUM(1)",
    "table": "a|b|c\\|d`e`",
    "long": "n" * 100_000,
    "empty": "",
    "quotes": "'\";--",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_every_format(name: str):
    text = NAMES[name]
    made = model(
        node("Relu", ["x"], [f"t{text}"], name=text),
        node(f"Op{text}", [f"t{text}"], ["y"], name=text, domain=f"d{text}"),
        inputs=[value("x", [1, text or "n", 8, 8])],
    )
    made.producer_name = text
    made.graph.name = text
    assert examine(made, random.Random(0)) == "report"
    report = cnnscope.analyze(made)
    from laid_out import report_csv, report_html, report_json, report_markdown, report_text

    for written in (report_text(report), report_markdown(report), report_html(report)):
        assert "\x1b" not in written
        assert all(c == "\n" or c.isprintable() for c in written)
        assert len(written) < 200_000
        assert "<script>" not in written or written == report_text(report)
    csv.field_size_limit(10**7)  # JSON and CSV have names whole
    cells = list(csv.reader(io.StringIO(report_csv([report]))))
    assert len(cells) == 3
    assert not any(cell[:1] in ("=", "+", "@", "\t", "\r") for row in cells for cell in row)
    assert json.loads(report_json([report]))["layers"][0]["name"].startswith(text)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_errors(name: str):
    text = NAMES[name]
    for made in (
        model(node("Relu", [f"no{text}"], ["y"], name=text)),
        model(node("Conv", ["x", "w"], ["y"], name=text, auto_pad=text or "?"), init=[KERNEL]),
        model(node("Relu", ["x"], ["y"], name=text), outputs=[f"o{text}"]),
        model(node("Relu", [text or "t"], ["y"]), init=[hollow(text or "t", -1)]),
    ):
        said = refusal(made)
        assert said
        assert said.isprintable()
        assert len(said) <= MESSAGE_LIMIT


@pytest.mark.parametrize("old", [b"Relu", b"NAME", b"xx", b"DIM"])
def test_names_that_are_no_text(old: bytes):
    made = model(node("Relu", ["xx"], ["y"], name="NAME"), inputs=[value("xx", ["DIM"])])
    broken = made.SerializeToString().replace(old, b"\xff\xfe\xff\xfe"[: len(old)])
    assert "UTF-8" in outcome(broken)


def test_a_path_that_is_no_text():
    with pytest.raises(cnnscope.ModelFileError) as caught:
        cnnscope.analyze("\udcff\ud800.onnx")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\nb", "a b"), ("a\x1b[31m", "a\\x1b[31m"), ("\ud800", "\\ud800"), ("plain", "plain")],
)
def test_one_line(text: str, expected: str):
    assert one_line(text) == expected


def test_one_line_keeps_both_ends():
    said = one_line("start " + "\x00x" * 10**6 + " end")
    assert said.startswith("start")
    assert said.endswith("end")
    assert len(said) == MESSAGE_LIMIT


# -- cut and flipped -------------------------------------------------------------------------------


def test_cut_at_every_byte():
    whole = model(conv(pads=[1] * 4), node("Relu", ["y"], ["z"]), init=[hollow("w", 3, 3, 3, 3)])
    data = whole.SerializeToString()
    for end in range(len(data)):
        # A cut between two fields of the model can't be seen: then it says what is left.
        with contextlib.suppress(cnnscope.CnnscopeError):
            assert len(cnnscope.analyze(data[:end]).layers) == 2


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "unet"])
def test_cut_samples(name: str, samples: Path):
    data = (samples / f"{name}.onnx").read_bytes()
    dice = random.Random(name)
    for _ in range(15):
        with pytest.raises(cnnscope.CnnscopeError):
            cnnscope.analyze(data[: dice.randrange(len(data) * 9 // 10)])


def test_lint_of_lengths_without_a_common_divisor():
    """Each output reads between two inputs, and no two of them alike: 18 s where listed one by one."""
    before, after = amount(((99_991, 99_989), (100_003, 100_019)),
                           ((999_983, 999_979), (1_000_003, 1_000_033)))  # fmt: skip
    made = model(
        node("Resize", ["x", "", "", "lengths"], ["y"], mode="linear"),
        inputs=[value("x", [1, 1, *before])],
        init=[ints("lengths", 1, 1, *after)],
    )
    with time_limit(amount(1, 10)):
        assert not len(cnnscope.lint(made))


def test_lint_of_places_beyond_64_bits():
    """0.1 and 0.8 aren't what they seem: a crop's step is a fraction whose parts 64 bits don't hold."""
    init = [ints("lengths", 1, 1, 6, 9)]
    init.append(onnx.numpy_helper.from_array(np.float32([0, 0, 0.25, 0.1, 1, 1, 0.8, 0.7]), "box"))
    made = model(
        node("Resize", ["x", "box", "", "lengths"], ["y"], mode="linear",
             coordinate_transformation_mode="tf_crop_and_resize"),
        inputs=[value("x", [1, 1, 16, 12])], init=init, opset=13,
    )  # fmt: skip
    # Rows 3.75 to 12 and columns 1.1 to 7.7, none of the inputs between them skipped: 3..12 and 1..8.
    (unread,) = [x for x in cnnscope.lint(made) if x.code == "CNS105"]
    assert f"{16 * 12 - 10 * 8} of {16 * 12} positions" in unread.message
