"""Reading graphs: whatever the spelling, what is computed is what ONNX Runtime computes.

Models are written in ONNX's text form. Functions are compared with `onnx.inliner`, which shares no
code with ours.
"""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

from itertools import pairwise

import networkx
import onnx
import pytest
from onnx import TensorProto, helper, inliner

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.model.graph import Graph, captures
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.values.diagnostics import GraphError

# -- vocabulary --------------------------------------------------------------------------------

HEAD = '<ir_version: 10, opset_import: ["": 18, "local": 1]>'


def parsed(text: str, head: str = HEAD) -> onnx.ModelProto:
    return onnx.parser.parse_model(f"{head} {text}")


def graph(text: str) -> Graph:
    return read_graph(parsed(text))


def ops(found: Graph) -> list[str]:
    return [node.op for node in found.nodes]


def shuffled(model: onnx.ModelProto) -> onnx.ModelProto:
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


CHAIN = "g (float[1,4] x) => (float[1,4] y) { a = Relu(x) b = Neg(a) c = Abs(b) y = Add(a, c) }"


# -- order ---------------------------------------------------------------------------------------


def test_nodes_out_of_order_are_put_in_order() -> None:
    found = read_graph(shuffled(parsed(CHAIN)))
    assert ops(found) == ["Relu", "Neg", "Abs", "Add"]
    assert [node.index for node in found.nodes] == [0, 1, 2, 3]


def test_an_order_that_runs_is_left_alone() -> None:
    text = "g (float[4] x) => (float[4] y) { b = Neg(x) a = Relu(x) y = Add(a, b) }"
    assert ops(graph(text)) == ["Neg", "Relu", "Add"]


def test_a_capture_is_an_edge_of_the_order() -> None:
    text = """g (float[4] x, bool c) => (float[4] y) {
        y = If (c) <then_branch = t () => (float[4] u) { u = Neg(a) },
                    else_branch = e () => (float[4] v) { v = Abs(a) }>
        a = Relu(x) }"""
    found = graph(text)
    assert ops(found) == ["Relu", "If"]
    assert list(found.dag.edges) == [(0, 1)]
    assert captures(found.nodes[1].bodies["then_branch"]) == ["a"]


def test_the_dag_is_networkx() -> None:
    dag = graph(CHAIN).dag
    assert networkx.is_directed_acyclic_graph(dag)
    assert networkx.dag_longest_path_length(dag) == 3
    assert dag.edges[0, 3]["tensors"] == ["a"]


# -- what contradicts itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g (float[4] x) => (float[4] y) { a = Add(x, b) b = Neg(a) y = Relu(b) }", "cycle"),
        ("g (float[4] x) => (float[4] y) { y = Add(x, y) }", "cycle"),
        ("g (float[4] x) => (float[4] y) { y = Add(x, q) }", "'q', which nothing gives"),
        ("g (float[4] x) => (float[4] y) { y = Relu(x) y = Neg(x) }", "given by two nodes"),
        ("g (float[4] x) => (float[4] y) { a = Relu(x) }", "output 'y'"),
        ("g (float[4] x) => (float[4] y) { y = local.f(x) } "
         '<domain: "local", opset_import: ["": 18, "local": 1]> f (a) => (b) { b = local.f(a) }', "itself"),
        ("g (float[4] x) => (float[4] y) { y = local.f(x) } "
         '<domain: "local", opset_import: ["": 18, "local": 1]> f (a) => (b) { b = local.h(a) } '
         '<domain: "local", opset_import: ["": 18, "local": 1]> h (a) => (b) { b = local.f(a) }', "itself"),
    ],
)  # fmt: skip
def test_contradictions_are_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(GraphError, match=said):
        graph(text)


# -- names ---------------------------------------------------------------------------------------


def test_empty_and_duplicate_names_are_told_apart() -> None:
    model = parsed(CHAIN)
    for node, name in zip(model.graph.node, ["n", "n", "", ""], strict=True):
        node.name = name
    names = [node.name for node in read_graph(model).nodes]
    assert len(set(names)) == 4
    assert names[0] == "n"
    assert all(names)
    report = analyze(model)
    assert [report[name].op for name in names] == ["Relu", "Neg", "Abs", "Add"]


def test_a_name_made_up_is_nobody_elses() -> None:
    model = parsed(CHAIN)
    for node, name in zip(model.graph.node, ["n", "n", "n#2", ""], strict=True):
        node.name = name
    names = [node.name for node in read_graph(model).nodes]
    assert len(set(names)) == 4, names


def test_omitted_inputs_and_outputs_are_empty() -> None:
    found = read_graph(_clip())
    assert found.nodes[0].inputs == ("x", "", "m")
    assert captures(found) == []


def _clip() -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in
              (("x", [4]), ("m", []), ("y", [4]))]  # fmt: skip
    node = helper.make_node("Clip", ["x", "", "m"], ["y"])
    made = helper.make_graph([node], "g", values[:2], values[2:])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])


def test_a_weight_also_listed_as_an_input_is_a_weight() -> None:
    text = "g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Mul(x, w) }"
    report = analyze(parsed(text))
    assert [x.name for x in report.inputs] == ["x"]
    assert report.totals.params.value == 2


# -- opsets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", range(1, onnx.defs.onnx_opset_version() + 1))
def test_every_opset_is_read(opset: int) -> None:
    made = parsed(
        "g (float[1,2,8,8] x, float[2,2,3,3] w) => (float[1,2,6,6] y) "
        "{ a = Conv <kernel_shape=[3,3]> (x, w) y = Relu(a) }"
    )
    made.opset_import[0].version = opset
    report = analyze(made)
    assert report.tensors["y"].shape == (1, 2, 6, 6)
    assert report.totals.macs.value == 2 * 2 * 9 * 36


def test_a_missing_opset_import_is_version_1() -> None:
    model = parsed(CHAIN)
    del model.opset_import[:]
    with pytest.raises(GraphError, match="opset"):  # since IR version 3 that is a file cut off
        read_graph(model)
    model.ir_version = 2
    assert {node.version for node in read_graph(model).nodes} == {1}


def test_both_names_of_the_default_domain_are_one() -> None:
    model = parsed(CHAIN)
    model.opset_import[0].domain = "ai.onnx"
    model.graph.node[0].domain = "ai.onnx"
    found = read_graph(model)
    assert {(node.domain, node.version) for node in found.nodes} == {("", 18)}


# -- functions -------------------------------------------------------------------------------------

F = '<domain: "local", opset_import: ["": 18, "local": 1]>'
CALLS = {
    "one": f"g (float[1,2,9] x) => (float[1,2,N] y) {{ y = local.f(x) }} {F} f (a) => (b) {{ c = Relu(a) "
    "b = MaxPool <kernel_shape=[3]> (c) }",
    "attributes": f"g (float[1,2,9] x) => (float[1,2,N] y) {{ a = local.f <k=[2]> (x) y = local.f <k=[3]> (a) }} "
    f"{F} f <k> (a) => (b) {{ b = MaxPool <kernel_shape: ints = @k> (a) }}",
    "defaults": f"g (float[1,6] x) => (float[M,N] y) {{ a = local.f (x) y = local.f <axis=0> (a) }} "
    f"{F} f <axis: int = 1> (a) => (b) {{ b = Concat <axis: int = @axis> (a, a) }}",
    "nested": f"g (float[1,2,9] x) => (float[1,2,N] y) {{ y = local.f <k=[3]> (x) }} "
    f"{F} f <k> (a) => (b) {{ c = local.h <j: ints = @k> (a) b = local.h <j: ints = @k> (c) }} "
    f"{F} h <j> (a) => (b) {{ c = Relu(a) b = MaxPool <kernel_shape: ints = @j> (c) }}",
    "same names inside and out": f"g (float[1,6] x) => (float[M,N] b) {{ c = Neg(x) a = local.f (c) b = Add(a, c) }} "
    f"{F} f (x) => (b) {{ c = Relu(x) a = Neg(c) b = Abs(a) }}",
    "captured": f"g (float[1,6] x, bool q) => (float[M,N] y) {{ y = local.f (x, q) }} "
    f"{F} f (a, q) => (b) {{ c = Concat <axis=1> (a, a) b = If (q) <"
    "then_branch = t () => (u) { u = Neg(c) }, else_branch = e () => (v) { v = Abs(c) }> }",
}  # fmt: skip


@pytest.mark.parametrize("name", list(CALLS))
def test_functions_are_what_the_inliner_makes_of_them(name: str) -> None:
    model = parsed(CALLS[name])
    inlined = onnx.shape_inference.infer_shapes(
        inliner.inline_local_functions(model), data_prop=True
    )
    mine, theirs = read_graph(model), read_graph(inlined)
    carried = [op for op in ops(mine) if op != "Identity"]
    assert carried == [op for op in ops(theirs) if op != "Identity"]
    shape = [d.dim_value for d in inlined.graph.output[0].type.tensor_type.shape.dim]
    last = model.graph.output[0].name
    found = analyze(model).tensors[last].shape
    assert found is not None
    assert all(b in (a, 0) for a, b in zip(found, shape, strict=True)), (found, shape)
    if name != "defaults":  # onnx's inliner leaves a default attribute out: Concat lacks its axis
        assert found == analyze(inlined).tensors[last].shape


def test_an_input_that_a_function_hands_through_is_carried() -> None:
    # onnx's inliner drops such an output, so this one is by hand.
    text = f"g (float[1,6] x) => (float[M,N] y) {{ a, y = local.f (x) }} {F} f (a) => (a, b) "
    report = analyze(parsed(text + "{ b = Concat <axis=1> (a, a) }"))
    assert [report.tensors[n].shape for n in "ay"] == [(1, 6), (1, 12)]


def test_two_calls_keep_their_names_and_scopes_apart() -> None:
    found = graph(CALLS["nested"])
    assert len({node.name for node in found.nodes}) == 4
    assert all(node.scope for node in found.nodes)


def test_an_optional_input_of_a_function_may_be_left_out() -> None:
    text = (
        "g (float[4] x) => (float[4] y) { y = local.f (x) } "
        f"{F} f (a, low) => (b) {{ b = Clip(a, low) }}"
    )
    assert graph(text).nodes[0].inputs == ("x", "")
    assert analyze(parsed(text)).tensors["y"].shape == (4,)


def test_a_long_chain_is_no_problem() -> None:
    names = [f"t{i}" for i in range(3001)]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in ("t0", "t3000")]
    made = helper.make_graph(nodes[::-1], "long", values[:1], values[1:])
    report = analyze(helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)]))
    assert len(report.layers) == 3000
