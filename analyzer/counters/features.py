"""What of a layer do other counters weigh: products, elements, rows, cells?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cnnscope.analyzer.counters.forms import given
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.dimension import Dim, Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor


def _operand(layer: Layer, position: int) -> Tensor:
    found = layer.operands[position] if position < len(layer.operands) else None
    if found is None:
        raise Undetermined(f"input {position}")
    return found.tensor


def _work(what: str) -> Callable[[Layer], Dim]:
    def count(layer: Layer) -> Dim:
        found: Dim = getattr(layer.work, what)
        return found

    return count


def _out(layer: Layer) -> Dim:
    return layer.outputs[0].tensor.size


def _taps(layer: Layer) -> Dim:
    kernel = layer.attributes.get("kernel_shape") or layer.kind.kernel
    return product(tuple(kernel)) * _out(layer)  # type: ignore[arg-type]  # a list of integers


def _rows(layer: Layer) -> Dim:
    dims = _operand(layer, 0).dims
    axis = layer.attributes.get("axis", -1)
    assert isinstance(axis, int)
    return product(dims[:axis] + dims[axis + 1 :] if axis != -1 else dims[:-1])


def _affine(layer: Layer) -> Dim:
    batch = _operand(layer, 0).dims[0]
    # Scale and offset come first of what is stored; a fused addition's operand isn't.
    stored = [x.tensor.size for x in layer.operands[1:] if x is not None and x.tensor.constant]
    return batch * sum(stored[:2], start=0)


def _steps(layer: Layer) -> Dim:
    x = _operand(layer, 0).dims
    return x[0] * x[1]


def _cells(layer: Layer) -> Dim:
    # Directions, gates * hidden, hidden; the last two change places where they are packed.
    directions, *square = _operand(layer, 2).dims
    return _steps(layer) * directions * min(square)


def _recurrent_bias(layer: Layer) -> Dim:
    return _steps(layer) * _operand(layer, 3).size if given(layer, 3) else 0


def _size(layer: Layer) -> Dim:
    size = layer.attributes["size"]
    assert isinstance(size, int)
    return size * _out(layer)


#: what weights multiply
FEATURES: Mapping[str, Callable[[Layer], Dim]] = {
    "macs": _work("macs"),
    "bias": _work("bias"),
    "flops": _work("flops"),
    "in": lambda layer: _operand(layer, 0).size,
    "out": _out,
    "taps": _taps,
    "size": _size,
    "rows": _rows,
    "affine": _affine,
    "cells": _cells,
    "recurrent_bias": _recurrent_bias,
    "folds": lambda layer: max(1, len(layer.operands) - 1) * _out(layer),
}
