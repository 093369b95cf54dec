"""Which elements does ONNX Runtime's own interpolation weigh, along one axis?

The node itself is run on unit impulses, one for each input index of the axis, with the other axes
left at length 1: output `o` hangs on input `i` where the impulse at `i` shows at `o`. Weights below
`ROUNDING` are no weights but the rounding of a coordinate computed in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.probe.construction import CannotProbe

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Node

ROUNDING: Final = 1e-5

#: by axis, for every output index the input indices with a weight
Taps = dict[int, list[list[int]]]


def neighbours(
    node: Node, opset: int, shape: tuple[int, ...], values: Sequence[np.ndarray | None]
) -> Taps:
    """What an interpolating resize weighs, as `axis_weights` has it, without how much."""
    found = axis_weights(node, opset, shape, values)
    return {
        axis: [np.flatnonzero(np.abs(row) > ROUNDING).tolist() for row in weights]
        for axis, weights in found.items()
    }


def axis_weights(
    node: Node, opset: int, shape: tuple[int, ...], values: Sequence[np.ndarray | None]
) -> dict[int, np.ndarray]:
    """How much of each input index is in each output index of a resize, for the axes that it changes.

    Args:
        node: the operator call.
        opset: its opset.
        shape: of its input.
        values: of all its inputs, where known.

    Returns:
        By axis, outputs by inputs.

    Raises:
        CannotProbe: the axes can't be resized one by one.
    """
    scales, sizes, roi, axes = _arguments(node, opset, values)
    rank = len(shape)
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise CannotProbe("its scales follow from one another")
    places = [a % rank for a in axes] if axes is not None else list(range(rank))
    found: dict[int, np.ndarray] = {}
    for k, axis in enumerate(places):
        scale = None if scales is None else float(scales[k])
        size = None if sizes is None else int(sizes[k])
        uncropped = roi is None or (roi[k], roi[k + len(places)]) == (0, 1)
        if uncropped and (scale == 1 or size == shape[axis]):
            continue
        part = None if roi is None else (float(roi[k]), float(roi[k + len(places)]))
        found[axis] = _weights(node, opset, rank, axis, shape[axis], scale, size, part)
    return found


def _arguments(
    node: Node, opset: int, values: Sequence[np.ndarray | None]
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None, tuple[int, ...] | None]:
    """Scales or sizes, the part of the input, and the axes these are of."""
    scales = sizes = roi = None
    given = node.attributes.get("scales")
    if isinstance(given, tuple):
        scales = np.array(given, np.float32)
    elif len(values) == 2:
        scales = values[1]
    elif len(values) > 2:
        roi, scales = values[1], values[2]
        sizes = values[3] if len(values) > 3 else None
    scales = None if scales is None or not scales.size else scales
    if node.attributes.get("coordinate_transformation_mode") != "tf_crop_and_resize":
        roi = None
    if scales is None and sizes is None:
        raise CannotProbe("its scales aren't known beforehand")
    axes = node.attributes.get("axes")
    return scales, sizes, roi, tuple(axes) if isinstance(axes, tuple) else None


def _weights(
    node: Node, opset: int, rank: int, axis: int, length: int, scale: float | None,
    size: int | None, part: tuple[float, float] | None,
) -> np.ndarray:  # fmt: skip
    """Outputs by inputs: how much of each input is in each output along one axis."""
    across = 1 if axis == 0 else 0  # the impulses stand side by side along another axis
    shape = [1] * rank
    shape[axis], shape[across] = length, length
    x = np.moveaxis(np.eye(length, dtype=np.float32).reshape([length, length] + [1] * (rank - 2)),
                    (0, 1), (across, axis))  # fmt: skip
    stored: list[TensorProto] = []
    inputs = ["x"]
    if "scales" not in node.attributes:
        whole = [0.0] * rank + [1.0] * rank
        if part is not None:
            whole[axis], whole[rank + axis] = part
        wanted_scales = [1.0] * rank
        wanted_sizes = list(shape)
        if scale is not None:
            wanted_scales[axis] = scale
        elif size is not None:
            wanted_sizes[axis] = size
        if len(node.inputs) > 2:
            inputs.append(_named(stored, np.array(whole, np.float32), "roi"))
        if scale is not None:
            inputs.append(_named(stored, np.array(wanted_scales, np.float32), "scales"))
        else:
            # Opset 11 and 12 want an empty tensor where the scales aren't given.
            inputs.append(_named(stored, np.zeros(0, np.float32), "scales") if opset < 13 else "")
            inputs.append(_named(stored, np.array(wanted_sizes, np.int64), "sizes"))
    call = helper.make_node(node.op, inputs, ["y"])
    for a in node.proto.attribute:
        if a.name not in ("axes", "scales"):
            call.attribute.append(a)
        elif a.name == "scales":
            one = [1.0] * rank
            one[axis] = scale if scale is not None else 1.0
            call.attribute.append(helper.make_attribute("scales", one))
    graph = helper.make_graph(
        [call], "impulses", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name="y")], stored,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    session = open_session(model, CPU_PROVIDER, SessionSettings(threads=1))
    (y,) = session.run(None, {"x": np.ascontiguousarray(x)})
    found = np.moveaxis(y, (axis, across), (0, 1))
    return np.asarray(found.reshape(found.shape[0], length))


def _named(stored: list[TensorProto], array: np.ndarray, name: str) -> str:
    stored.append(numpy_helper.from_array(array, name))
    return name
