"""Which ways of writing a node mean the same, where ONNX's schemas don't say it?

Schemas tell attributes' defaults; what an omitted operand stands for, what an older version did
before there was an attribute for it, and which operands change nothing but the shape are here, a line
an operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.operators.spelling import spell
from cnnscope.analyzer.values.tensor import Tensor

_Inputs = Sequence[Tensor | None]
_Given = Mapping[str, object]


def _rank(inputs: _Inputs) -> int | None:
    x = inputs[0] if inputs else None
    return None if x is None or x.shape is None else len(x.shape)


def over_rows(given: _Given, inputs: _Inputs, version: int) -> dict[str, object]:
    """Before opset 13 all axes from one on: the same as that axis where the others have length 1."""
    rank, axis = _rank(inputs), given.get("axis")
    if version >= 13 or rank is None or not isinstance(axis, int):
        return {}
    x = inputs[0]
    assert x is not None
    first = axis % rank if rank else 0
    over = [i for i in range(first, rank) if x.dims[i] != 1] or [first]
    return {"axis": over[0] if len(over) == 1 else tuple(over)}


def every_axis(given: _Given, inputs: _Inputs, version: int) -> dict[str, object]:
    """A reduction without axes takes them all, or none where it's told so; their order is nothing."""
    rank, axes = _rank(inputs), given.get("axes")
    if rank is None:
        return {}
    if isinstance(axes, tuple) and axes:
        return {"axes": tuple(sorted(axis % rank if rank else axis for axis in axes))}
    if axes is None or axes == ():
        whole = () if given.get("noop_with_empty_axes") else tuple(range(rank))
    else:
        return {}
    return {"axes": whole, "noop_with_empty_axes": 0}


def every_one(given: _Given, inputs: _Inputs, version: int) -> dict[str, object]:
    """Without axes, all that have length 1."""
    rank, axes = _rank(inputs), given.get("axes")
    if rank is None:
        return {}
    if isinstance(axes, tuple) and axes:
        return {"axes": tuple(sorted(axis % rank if rank else axis for axis in axes))}
    x = inputs[0]
    assert x is not None
    return {} if axes is not None else {"axes": tuple(i for i in range(rank) if x.dims[i] == 1)}


def first_axes(given: _Given, inputs: _Inputs, version: int) -> dict[str, object]:
    """Without axes, as many as there are starts, from the first on."""
    starts, axes = given.get("starts"), given.get("axes")
    if axes is not None or not isinstance(starts, tuple):
        return {}
    return {"axes": tuple(range(len(starts)))}


def interpolation(given: _Given, inputs: _Inputs, version: int) -> dict[str, object]:
    """Version 20 renamed the modes."""
    renamed = {"bilinear": "linear", "bicubic": "cubic"}
    mode = given.get("mode")
    return {"mode": renamed.get(mode, mode)} if isinstance(mode, str) else {}


spell(
    "Add", "Mul", "And", "Or", "Xor", "Equal", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Max", "Min",
    "Sum", "Mean", commutes=True,
)  # fmt: skip
spell("Reshape", shaping=("shape",))
spell("Squeeze", settings=every_one)
spell("Unsqueeze", axes_of_output=True)
spell("Expand", shaping=("shape",))
spell("ConstantOfShape", shaping=("input",))
spell("Split", shaping=("split", "num_outputs"))
spell("Slice", implied={"steps": 1}, settings=first_axes)
spell("Pad", implied={"constant_value": 0.0})
spell("Dropout", implied={"training_mode": False, "is_test": 1})
spell("BatchNormalization", implied={"is_test": 1, "spatial": 1})
spell("RoiAlign", implied={"coordinate_transformation_mode": "output_half_pixel"})
# Before version 11 there was one way of placing samples.
spell("Resize", implied={"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})
spell("Upsample", successor="Resize",
      implied={"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})  # fmt: skip
spell("Scatter", successor="ScatterElements")
spell("DFT", implied={"axis": -2})
spell("OneHot", axes_of_output=True)
spell("Softmax", "LogSoftmax", "Hardmax", settings=over_rows)
spell("GridSample", settings=interpolation)
spell(
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", settings=every_axis,
)  # fmt: skip
