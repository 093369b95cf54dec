"""The peak that ONNX Runtime's allocator reports is the predicted one, for nets small enough to add up.

`expected` is what a person adds up; `measured` shares nothing with it but the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.report.verification import MemoryCheck
from cnnscope.runtime.engine.job import runtime_version
from cnnscope.runtime.engine.library import FIRST_WITH_MEMORY, release
from cnnscope.runtime.engine.trace import Event, dtype_of
from cnnscope.runtime.verify import memory_check
from cnnscope.runtime.verify.verifying import verify

K = 4 * 256  # bytes of 256 float32
told = pytest.mark.skipif(
    release(runtime_version()) < FIRST_WITH_MEMORY,
    reason="this ONNX Runtime doesn't tell how much memory is in use",
)


def memory(nodes: list[onnx.NodeProto], *outputs: str, **stored: Any) -> MemoryCheck:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [256])],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in stored.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return verify(model, provider="cpu", probes=0).memory


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], name=output, **attributes)


@told
def test_a_chain_that_may_not_write_in_place() -> None:
    """Transpose never does: two tensors are alive at a time."""
    nodes = [node("Transpose", "x", "a"), node("Transpose", "a", "b"), node("Transpose", "b", "c")]
    found = memory(nodes, "c")
    assert found.predicted_bytes == found.explained_bytes == found.measured_bytes == 2 * K
    assert (found.in_place, found.ratio, found.reason) == (0, 1.0, None)


@told
def test_a_chain_in_place() -> None:
    """Of a, b, c one buffer is enough: the analysis, which shares nothing, says two."""
    nodes = [node("Softmax", "x", "s"), node("Relu", "s", "a"), node("Relu", "a", "b"),
             node("Concat", "b b", "c", axis=0)]  # fmt: skip
    found = memory(nodes, "c")
    assert found.in_place == 2
    assert found.predicted_bytes == found.explained_bytes == found.measured_bytes == 3 * K


@told
def test_a_tensor_kept_for_a_later_join() -> None:
    """At the Add: s, kept since the beginning, and both ends of the last Softmax."""
    nodes = [node("Softmax", "x", "s"), node("Softmax", "s", "a"), node("Softmax", "a", "b"),
             node("Concat", "s b", "c", axis=0)]  # fmt: skip
    found = memory(nodes, "c")
    assert found.predicted_bytes == found.measured_bytes == 4 * K
    assert (found.predicted_layer, found.measured_layer) == ("c", "c")


@told
def test_constants_that_the_graph_computes() -> None:
    """w is a weight to the analysis; ONNX Runtime computes it in every run."""
    nodes = [node("Softmax", "k", "w"), node("Softmax", "x", "a"), node("Mul", "a w", "y")]
    found = memory(nodes, "y", k=np.ones(256))
    assert found.constants == 1
    assert found.predicted_bytes == 2 * K
    assert found.measured_bytes == found.explained_bytes == 3 * K


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("1.27.2", "ONNX Runtime 1.27.2 reports no memory, 1.28 and later do"),
        ("1.28.0", "ONNX Runtime reports no memory of this provider"),
    ],
)
def test_without_figures_there_is_a_reason(
    version: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnscope.analyzer.report.examination import examine

    graph = helper.make_graph(
        [node("Relu", "x", "y")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [256])],
        [onnx.ValueInfoProto(name="y")],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17)]
    analysis = examine(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    event = Event("y", "Relu", "X", (), (("float32", (256,)),), 1, None, None, K)
    monkeypatch.setattr(memory_check, "runtime_version", lambda: version)
    found = memory_check.check_memory(analysis, [event])
    assert found.measured_bytes is None
    assert found.ratio is None
    assert found.reason == reason


@pytest.mark.parametrize(
    ("described", "dtype"),
    [("tensor(double)", "float64"), ("tensor(int8)", "int8"), ("seq(tensor(float))", None)],
)
def test_types_as_onnx_runtime_writes_them(described: str, dtype: str | None) -> None:
    assert dtype_of(described) == dtype
