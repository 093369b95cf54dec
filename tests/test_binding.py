"""Which input a shape without a name is for."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import pytest
from onnx import TensorProto, helper

from cnnscope.analyzer.model.binding import named_shapes
from cnnscope.analyzer.values.diagnostics import BindingError


def sum_of(*inputs: str) -> onnx.ModelProto:
    """The sum of the inputs; of none, a constant."""
    value = helper.make_tensor_value_info
    node = (
        helper.make_node("Sum", inputs, ["y"])
        if inputs
        else helper.make_node("Constant", [], ["y"], value_float=1.0)
    )
    declared = [value(name, TensorProto.FLOAT, [None, 3]) for name in inputs]
    graph = helper.make_graph([node], "g", declared, [value("y", TensorProto.FLOAT, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("inputs", "given", "named"),
    [
        (["x"], {None: (2, 3)}, {"x": (2, 3)}),
        (["x"], {None: (2, 3), "x": (4, 3)}, {"x": (4, 3)}),
        (["x", "z"], {"z": (2, 3)}, {"z": (2, 3)}),
        (["x", "z"], {None: (2, 3)}, "--shape needs an input's name: the model has x, z"),
        ([], {None: (2, 3)}, "--shape needs an input's name: the model has no input"),
    ],
)
def test_a_shape_without_a_name_is_the_only_inputs(
    inputs: list[str],
    given: dict[str | None, Sequence[int | None]],
    named: dict[str, Sequence[int]] | str,
) -> None:
    if isinstance(named, dict):
        assert named_shapes(sum_of(*inputs), given, "--shape") == named
        return
    with pytest.raises(BindingError) as error:
        named_shapes(sum_of(*inputs), given, "--shape")
    assert str(error.value) == named
