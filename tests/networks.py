"""Networks by hand in a few lines: nodes in order, inputs and stored tensors by shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node whose inputs are the words of a text; it is named after what it gives."""
    domain = attributes.pop("domain", "")
    name = attributes.pop("name", output)
    return helper.make_node(
        op, inputs.split(), output.split(), name=name, domain=domain, **attributes
    )


def refusal(model: onnx.ModelProto | bytes) -> str:
    """Why the model can't be: its first error, which names a node, or what it isn't read for; "":
    nothing is wrong with it."""
    import cnnscope

    try:
        report = cnnscope.analyze(model)
    except cnnscope.CnnscopeError as error:
        return str(error)
    if not report.errors:
        return ""
    assert not report.complete
    assert all(error.layer and error.severity == "error" for error in report.errors)
    return report.errors[0].message


def network(
    *nodes: onnx.NodeProto,
    opset: int = 21,
    fill: float = 1.0,
    outputs: str = "",
    **shapes: Any,
) -> onnx.ModelProto:
    """A model: tensors named x... are inputs of the shape given, all others are stored.

    A tuple stands for float32 of that shape, filled with one number; an array for itself.
    """
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
        if name.startswith("x")
    ]
    stored = [
        numpy_helper.from_array(
            np.full(value, fill, np.float32) if isinstance(value, tuple) else np.asarray(value),
            name,
        )
        for name, value in shapes.items()
        if not name.startswith("x")
    ]
    names = outputs.split() or [nodes[-1].output[0]]
    ends = []
    for name in names:
        end = onnx.ValueInfoProto(name=name)
        ends.append(end)
    graph = helper.make_graph(list(nodes), "by hand", inputs, ends, stored)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)
