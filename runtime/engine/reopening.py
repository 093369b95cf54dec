"""How is a length that the file fixes opened again, so that a model can be bound to another?

A copy of the model is written in which the axes of its inputs have other lengths. What else the file
says of lengths goes: the shapes declared of outputs and of tensors in between follow from the inputs.
A Reshape to a stored shape, of something that hangs on such an axis, names the old length where it
carries the axis along at the front: it is told to keep what is left over (-1), or the axis of what it
reads (0).

Whether the copy is the model at another length isn't known: for a batch, `batch_reopened` asks the analysis
whether every operator takes the examples of the batch one by one, and says which one doesn't.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import onnx
from onnx import TensorProto, numpy_helper

from cnnscope.analyzer.fields.batch import find_batch
from cnnscope.analyzer.model.binding import bind_inputs, show
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.values.diagnostics import BindingError

#: what a batch that was opened is called
BATCH: Final = "batch"
_RESHAPED: Final = "_reopened"


def reopened(
    model: onnx.ModelProto, axes: Mapping[str, Mapping[int, int | str]]
) -> onnx.ModelProto:
    """A copy of the model whose inputs have other lengths.

    Args:
        model: without its large tensors, or with them.
        axes: input name to axis to its length, or the name under which it is free.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    old: dict[str, int] = {}
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        for axis, length in axes.get(value.name, {}).items():
            if axis == 0 and dims[axis].HasField("dim_value"):
                old[value.name] = dims[axis].dim_value
            dims[axis].Clear()
            if isinstance(length, int):
                dims[axis].dim_value = length
            else:
                dims[axis].dim_param = length
    for value in graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    _open_reshapes(graph, old)
    return copy


def _open_reshapes(graph: onnx.GraphProto, old: Mapping[str, int]) -> None:
    """Reshapes to a stored shape of what hangs on an opened first axis, told to carry it along."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            stored[node.output[0]] = node.attribute[0].t
    length: dict[str, int] = dict(old)  # by tensor that hangs on it
    for node in graph.node:
        known = next((length[name] for name in node.input if name in length), None)
        if known is None:
            continue
        length.update(dict.fromkeys((name for name in node.output if name), known))
        target = stored.get(node.input[1]) if len(node.input) > 1 else None
        if node.op_type != "Reshape" or target is None or node.input[0] not in length:
            continue
        shape = _numbers(target)
        keeps = any(a.name == "allowzero" and a.i for a in node.attribute)
        if not shape or shape[0] != known or (-1 in shape and keeps):
            continue
        shape[0] = 0 if -1 in shape else -1
        changed = graph.initializer.add()
        name = f"{node.output[0]}{_RESHAPED}"
        changed.CopyFrom(onnx.helper.make_tensor(name, TensorProto.INT64, [len(shape)], shape))
        node.input[1] = name


def _numbers(tensor: TensorProto) -> list[int] | None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.data_type != TensorProto.INT64:
        return None
    return [int(n) for n in numpy_helper.to_array(tensor).ravel()]


def batch_reopened(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model whose file fixes the batch, with the batch free, shown to be one.

    Raises:
        BindingError: the examples of a batch aren't taken one by one; it names the node.
    """
    axes: dict[str, Mapping[int, int | str]] = {}
    lengths = set()
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].HasField("dim_value"):
            axes[value.name] = {0: BATCH}
            lengths.add(dims[0].dim_value)
    if not axes or len(lengths) > 1:
        raise BindingError(
            "the batch can't be opened: the inputs' first axes differ, or there are none"
        )
    copy = reopened(model, axes)
    graph = read_graph(copy)
    inputs, _ = bind_inputs(graph.inputs, {}, {}, {})
    found = find_batch(graph, inputs, {BATCH: True})[BATCH]
    if found.state != "proven":
        shapes = ", ".join(f"{name} ({show(x.shape)})" for name, x in graph.inputs.items())
        raise BindingError(f"the batch of {shapes} is fixed by the model: {found.why}")
    return copy
