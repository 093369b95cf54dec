"""Containers and strings: what is known of the elements."""

from __future__ import annotations

import random

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper
from single_node import assert_shapes, case, operator

import cnnscope
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor

A, B = Tensor("float32", (2, 3)), Tensor("float32", (2, 5))


def call(op, *inputs, **attributes):
    found = operator(case(op))
    return found.call(found.infer, inputs, {"node_name": "node", **attributes})


def test_elements_that_differ():
    both = call("SequenceConstruct", A, B)
    assert (both.kind, both.length, both.element.shape[0]) == ("sequence", 2, 2)
    assert isinstance(both.element.shape[1], FreeDim)
    assert call("ConcatFromSequence", both, axis=1).shape == (2, 8)
    with pytest.raises(ValueError, match="differ in a length that isn't joined"):
        call("ConcatFromSequence", both, axis=0)
    assert call("SequenceLength", both).numbers == [2]


def test_split_and_join():
    parts = call("SplitToSequence", Tensor("float32", (6, 3)))
    assert (parts.length, parts.element.shape) == (6, (1, 3))
    assert call("ConcatFromSequence", parts, axis=0).shape == (6, 3)
    grown = call("SequenceInsert", parts, Tensor("float32", (1, 3)))
    assert (grown.length, call("SequenceErase", grown).length) == (7, 6)
    assert call("SequenceAt", parts, Tensor("int64", ())).shape == (1, 3)
    assert call("SequenceInsert", call("SequenceEmpty"), A).element.shape == (2, 3)


def place(at):
    return Tensor("int64", (), True, np.array(at))


def test_each_element_keeps_its_length():
    split = Tensor("int64", (3,), True, np.array([3, 5, 2]))
    parts = call("SplitToSequence", Tensor("float32", (10, 4)), split)
    at = [call("SequenceAt", parts, place(i)).shape[0] for i in (0, 1, 2, -1, -3)]
    assert at == [3, 5, 2, 2, 3]
    assert parts.nbytes == 10 * 4 * 4
    fewer = call("SequenceErase", parts, place(-2))
    assert [x.shape for x, _ in fewer.runs] == [(3, 4), (2, 4)]
    assert call("ConcatFromSequence", fewer, axis=0).shape == (5, 4)
    more = call("SequenceInsert", fewer, Tensor("float32", (7, 4)), place(1))
    assert call("SequenceAt", more, place(1)).shape == (7, 4)
    # where nobody knows which one is meant, what all share is known
    anyone = call("SequenceAt", parts, Tensor("int64", ()))
    assert (isinstance(anyone.shape[0], FreeDim), anyone.shape[1]) == (True, 4)
    with pytest.raises(ValueError, match="position 3 of a sequence of 3"):
        call("SequenceAt", parts, place(3))


def test_many_elements_are_kept_in_runs():
    rest = call("SplitToSequence", Tensor("float32", (1000, 4)), place(3))
    assert [(x.shape, n) for x, n in rest.runs] == [((3, 4), 333), ((1, 4), 1)]
    assert call("SequenceAt", rest, place(-1)).shape == (1, 4)
    assert call("SequenceAt", rest, place(332)).shape == (3, 4)
    lengths = np.arange(1, 101)
    split = Tensor("int64", (100,), True, lengths)
    many = call("SplitToSequence", Tensor("float32", (int(lengths.sum()), 4)), split)
    assert (many.runs, many.length) == (None, 100)
    assert isinstance(call("SequenceAt", many, place(0)).shape[0], FreeDim)


def test_the_case_of_two_parts(cases):
    report = cnnscope.analyze(cases / "splittoseq_list.onnx")
    assert report["at"].outputs[0].shape == (1, 7, 7, 7)
    # x and its parts: 10*7*7 floats each
    assert report.totals.peak_activation_bytes.value == 2 * 4 * 490


def chain(seed):
    """Sequences made, taken apart and joined at random."""
    dice = random.Random(seed)
    nodes, stored, tensors, sequences = [], [], ["x"], []

    def number(value):
        stored.append(numpy_helper.from_array(np.array(value, np.int64), f"n{len(stored)}"))
        return stored[-1].name

    def add(op, inputs, into, **attributes):
        name = f"t{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        into.append(name)

    for _ in range(dice.randint(3, 9)):
        op = dice.choice(
            ("Split", "Construct", "Insert", "Erase", "At", "Concat", "Length", "Empty")
        )
        if op == "Split":
            split = [number(dice.choice([1, 2, 3, [2, 4], [1, 2, 3], [6]]))]
            if dice.random() < 0.2:
                split = []
            keep = {} if split else {"keepdims": dice.randint(0, 1)}
            add(
                "SplitToSequence",
                [dice.choice(tensors), *split],
                sequences,
                axis=dice.choice([0, 1, -1]),
                **keep,
            )
        elif op == "Construct":
            add("SequenceConstruct", dice.choices(tensors, k=dice.randint(1, 3)), sequences)
        elif op == "Empty":
            add("SequenceEmpty", [], sequences)
        elif not sequences:
            continue
        elif op == "Insert":
            at = [number(dice.randint(-3, 3))] if dice.random() < 0.7 else []
            add("SequenceInsert", [dice.choice(sequences), dice.choice(tensors), *at], sequences)
        elif op == "Erase":
            at = [number(dice.randint(-3, 3))] if dice.random() < 0.7 else []
            add("SequenceErase", [dice.choice(sequences), *at], sequences)
        elif op == "At":
            add("SequenceAt", [dice.choice(sequences), number(dice.randint(-3, 2))], tensors)
        elif op == "Concat":
            add(
                "ConcatFromSequence",
                [dice.choice(sequences)],
                tensors,
                axis=dice.choice([0, 1, -1]),
                new_axis=int(dice.random() < 0.2),
            )
        else:
            add("SequenceLength", [dice.choice(sequences)], [])
    outputs = [n.output[0] for n in nodes if n.output[0] not in sequences]
    outputs = outputs or ["l"]
    if outputs == ["l"]:
        if not sequences:
            return None
        nodes.append(helper.make_node("SequenceLength", [sequences[-1]], ["l"], name="l"))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [6, 6])],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        stored,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_random_chains_against_onnx_runtime():
    """Every length is known, and what ONNX Runtime refuses we refuse."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    refused = ran = 0
    for seed in range(amount(150, 5000)):
        model = chain(seed)
        if model is None:
            continue
        report = cnnscope.analyze(model)
        try:
            session = ort.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            results = session.run(None, {"x": np.zeros((6, 6), np.float32)})
        except Exception:  # noqa: BLE001  # ONNX Runtime raises types of its own
            results = None
        assert bool(report.errors) == (results is None), (seed, report.errors)
        refused += results is None
        for output, actual in zip(report.outputs, results or (), strict=results is not None):
            assert output.shape == actual.shape, (seed, output.name)
            ran += 1
    assert ran > amount(50, 1500)
    assert refused > amount(20, 1000)


def test_optionals():
    assert call("OptionalGetElement", call("Optional", A)).shape == (2, 3)
    assert not call("OptionalHasElement").value


def test_strings():
    words = np.array(["a b", "c"], object)
    assert_shapes(case("StringConcat", words, words))
    assert_shapes(case("RegexFullMatch", words, pattern="a.*"))
    assert call("StringSplit", Tensor("string", (2,)))[0].shape[0] == 2


@pytest.mark.parametrize(("trips", "expected"), [(3, 3), (40, None), (None, None)])
def test_a_sequence_that_grows_in_a_loop(trips, expected):
    """A loop that is followed knows how many elements there are; of one that isn't, nobody says none."""
    text = f"""
        <ir_version: 9, opset_import: ["" : 18]>
        g ({"int64 n, " if trips is None else ""}float[2,3] x) => (l, y)
        {"<int64 n = {" + str(trips) + "}>" if trips else ""} {{
            s = SequenceEmpty <dtype=1> ()
            f = Loop <body = b (int64 i, bool c, seq(float) q) => (bool d, seq(float) r) {{
                d = Identity(c) r = SequenceInsert(q, x)
            }}> (n, , s)
            l = SequenceLength(f)
            y = ConcatFromSequence <axis=0> (f)
        }}"""
    report = cnnscope.analyze(onnx.parser.parse_model(text))
    lengths = report.tensors["l"].value
    assert (None if lengths is None else lengths.item()) == expected
    rows, columns = report.tensors["y"].shape
    assert columns == 3
    assert rows == 2 * expected if expected else isinstance(rows, FreeDim)
