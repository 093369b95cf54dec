"""Weights behind which nothing that is read stays unseen: what an impulse reaches is not 0, however faint.

All taps are positive and all biases 0: of an image of zeros with one impulse every map is 0 but where the
impulse reached it. No ReLU cuts it off, and beside zeros no rounding swallows it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

#: inputs of BatchNormalization that scale, and that are divided by
SCALES = (1, 4)


def with_visible_weights(path: Path, seed: int = 0) -> onnx.ModelProto:
    """A copy of a model whose file may lack its weights: averages with random positive shares.

    Examples: a filter of 1 x 1 x 3 is as [0.2, 0.5, 0.3]; a vector is 0, or 1 where it is a scale.
    """
    model = onnx.load(path, load_external_data=False)
    scales = {
        node.input[at]
        for node in model.graph.node
        if node.op_type == "BatchNormalization"
        for at in SCALES
    }
    draw = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        shape = tuple(tensor.dims)
        if len(shape) > 1:
            taps = draw.uniform(0.5, 1.5, shape)
            value = taps / taps.sum(axis=tuple(range(1, len(shape))), keepdims=True)
        else:
            value = np.full(shape, tensor.name in scales)
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float32), tensor.name))
    return model
