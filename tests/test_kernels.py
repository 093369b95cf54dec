"""Is every layer in exactly one kernel of what ONNX Runtime really makes of a model?

Which layers a version of ONNX Runtime fuses is its own affair. What has to hold whatever it does:
each node is in one kernel or in none, those in none aren't needed by a computation that ran, groups
are connected, kernels keep their order, and what was inserted contains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import networkx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cnnscope.analyzer.report.examination import examine
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.engine.weights import find_values
from cnnscope.runtime.profile.kernels import CARRIERS, Assignment, assign_layers

SAMPLES = ["lenet5", "resnet50", "mobilenet_v2", "efficientnet_b0", "googlenet", "vit_b_16"]


@dataclass(frozen=True)
class Rewritten:
    source: onnx.GraphProto
    optimised: onnx.GraphProto
    found: Assignment


def rewrite(model: str | Path | onnx.ModelProto, folder: Path) -> Rewritten:
    """What ONNX Runtime makes of a model on this machine, nothing being run."""
    analysis = examine(model if isinstance(model, onnx.ModelProto) else str(model))
    flat = flat_model(analysis)
    saved = folder / "rewritten.onnx"
    arrays = find_values(analysis.file, flat).arrays
    open_session(flat.proto, CPU_PROVIDER, SessionSettings(optimised=True, rewritten=saved), arrays)
    optimised = onnx.load(str(saved), load_external_data=False).graph
    return Rewritten(flat.proto.graph, optimised, assign_layers(flat.proto.graph, optimised))


def network(graph: onnx.GraphProto) -> networkx.DiGraph[str]:
    producers = {name: node.name for node in graph.node for name in node.output if name}
    found: networkx.DiGraph[str] = networkx.DiGraph()
    found.add_nodes_from(node.name for node in graph.node)
    for node in graph.node:
        found.add_edges_from((producers[n], node.name) for n in node.input if n in producers)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_each_layer_of_a_sample_is_in_one_kernel(samples: Path, tmp_path: Path, name: str) -> None:
    made = rewrite(samples / f"{name}.onnx", tmp_path)
    kernels = made.found.kernels
    assert [(k.name, k.op) for k in kernels] == [(n.name, n.op_type) for n in made.optimised.node]
    inside = [layer for kernel in kernels for layer in kernel.layers]
    everything = [node.name for node in made.source.node]
    assert sorted([*inside, *made.found.unrun]) == sorted(everything)
    # Samples hold nothing that could be left out.
    assert made.found.unrun == ()
    assert all(kernel.inserted == (not kernel.layers) for kernel in kernels)
    edges = network(made.source)
    whole = edges.to_undirected(as_view=True)
    places = {layer: i for i, node in enumerate(made.source.node) for layer in (node.name,)}
    for kernel in kernels:
        assert list(kernel.layers) == sorted(kernel.layers, key=places.__getitem__)
        if kernel.layers:
            assert networkx.is_connected(whole.subgraph(kernel.layers)), kernel
    # Contracting the groups leaves no cycle, and what feeds a kernel ran before it.
    ran = {layer: kernel.index for kernel in kernels for layer in kernel.layers}
    assert all(ran[a] <= ran[b] for a, b in edges.edges)


def test_the_fusions_everybody_knows(samples: Path, tmp_path: Path) -> None:
    made = rewrite(samples / "resnet50.onnx", tmp_path)
    ops = {node.name: node.op_type for node in made.source.node}
    with_weights = [
        k for k in made.found.kernels if any(ops[layer] == "Conv" for layer in k.layers)
    ]  # fmt: skip
    # However much is fused, convolutions aren't with each other, and each takes its normalisation.
    assert len(with_weights) == 53
    for kernel in with_weights:
        assert [ops[layer] for layer in kernel.layers].count("Conv") == 1
        assert "BatchNormalization" in [ops[layer] for layer in kernel.layers]


def test_constants_and_what_nothing_needs_are_in_one_place_too(tmp_path: Path) -> None:
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("Neg", ["one"], ["minus"], name="constant"),
        helper.make_node("Add", ["x", "minus"], ["a"], name="add"),
        helper.make_node("Exp", ["x"], ["unused"], name="unused"),
        helper.make_node("Sqrt", ["a"], ["y"], name="sqrt"),
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y], [one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    found = rewrite(model, tmp_path).found
    inside = [layer for kernel in found.kernels for layer in kernel.layers]
    assert sorted([*inside, *found.unrun]) == ["add", "constant", "sqrt", "unused"]
    owner = {layer: k.name for k in found.kernels for layer in k.layers}
    assert owner["add"] != owner["sqrt"]
    assert owner.get("constant", owner["add"]) == owner["add"]


def test_kernels_in_another_precision_hold_their_layers(tmp_path: Path) -> None:
    """Without half-precision kernels ONNX Runtime goes over to float32, and renames what it makes."""
    half = TensorProto.FLOAT16
    w = helper.make_tensor("w", half, [8, 8, 3, 3], np.ones(576, np.float16))
    chain = [("x", "a", "b"), ("b", "c", "d")]
    nodes = [
        node
        for i, (x, y, z) in enumerate(chain)
        for node in (
            helper.make_node("Conv", [x, "w"], [y], name=f"conv{i}", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [y], [z], name=f"relu{i}"),
        )
    ]
    nodes += [
        helper.make_node("Add", ["d", "b"], ["e"], name="add"),
        helper.make_node("GlobalAveragePool", ["e"], ["y"], name="pool"),
    ]
    x, y = (helper.make_tensor_value_info(n, half, [1, 8, k, k]) for n, k in (("x", 9), ("y", 1)))
    graph = helper.make_graph(nodes, "g", [x], [y], [w])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    kernels = rewrite(model, tmp_path).found.kernels
    assert {k.op for k in kernels if k.inserted} <= CARRIERS
    owner = {layer: k.op for k in kernels for layer in k.layers}
    assert (owner["conv0"], owner["conv1"], owner["pool"]) == ("Conv", "Conv", "GlobalAveragePool")
    assert all(sum("conv" in layer for layer in k.layers) <= 1 for k in kernels)
