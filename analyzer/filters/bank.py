"""Which numbers are a layer's filters, and how exactly are they stored?

Whatever an operator's layout, the numbers are brought to ``(filters, input channels of each, *kernel)``,
float32, or float64 where they are stored so: integers with their scale and zero point put in, transposed
convolutions' axes exchanged, the groups one behind another. A matrix product's matrices have no kernel.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.filter_banks import FilterBank
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.places import weights_of
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass

#: of each float type, the bits behind the point, and the exponent of two of its least positive number
_FLOATS: Final[dict[str, tuple[int, int]]] = {
    "float64": (52, -1074), "float32": (23, -149), "float16": (10, -24), "bfloat16": (7, -133),
    "float8_e4m3fn": (3, -9), "float8_e4m3fnuz": (3, -10), "float8_e5m2": (2, -16),
    "float8_e5m2fnuz": (2, -17), "float4_e2m1fn": (1, -1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rounding:
    """By how much the stored numbers may differ from those meant.

    Args:
        relative: spacing of the type's numbers, over their size.
        absolute: half of a step that is the same everywhere: of a scale, or of a type's least numbers.
    """

    relative: float = 0.0
    absolute: float = 0.0

    def of_norms(self, norms: np.ndarray, count: int) -> np.ndarray:
        """The norms of what rounding may have put into `count` numbers of these norms; by Weyl's inequality
        it moves no singular value by more. A little is added for what double precision makes."""
        return np.asarray((self.relative + 1e-14) * norms + self.absolute * math.sqrt(count))


@dataclass(frozen=True, eq=False)
class Bank:
    """A layer's filters as numbers.

    Args:
        numbers: (filters, input channels of each, *kernel).
        groups: of how many groups the filters are, one behind another.
        dtype: the stored numbers'.
        rounding: theirs.
    """

    numbers: np.ndarray
    groups: int
    dtype: str
    rounding: Rounding

    @property
    def kernel(self) -> tuple[int, ...]:
        """The kernel's lengths; empty for a matrix."""
        return tuple(int(n) for n in self.numbers.shape[2:])


def bank_of(node: Node, shapes: Shapes) -> FilterBank | None:
    """Where a node's filters are; None where it has none that are stored."""
    operator = lookup(node.domain, node.op, node.version)
    if operator is None or operator.filters is None:
        return None
    try:
        found = operator.call(operator.filters, shapes.inputs(node), dict(node.attributes))
    except (TypeError, ValueError, IndexError):  # the node isn't as its operator wants it
        return None
    if not isinstance(found, FilterBank) or found.operand >= len(node.inputs):
        return None
    weights = shapes.inputs(node)[found.operand]
    return found if weights is not None and weights.constant and weights.shape else None


def bank_shape(place: FilterBank, dims: tuple[int, ...]) -> tuple[int, ...]:
    """Filters, input channels of each, kernel, by the shape of the stored weights."""
    if place.output < 0:
        if len(dims) == 1:
            return 1, dims[0]
        return math.prod(dims[:-2]) * dims[place.output], dims[place.input]
    if place.output == 0:
        return dims
    return dims[1] * place.groups, dims[0] // place.groups, *dims[2:]


def read_bank(node: Node, shapes: Shapes, place: FilterBank) -> Bank:
    """The filters' numbers, mapped where they can be.

    Raises:
        ModelFileError: they can't be read or worked out.
    """
    name = node.inputs[place.operand]
    stored, rounding = _source(name, shapes)
    array = weights_of(name, shapes)
    if array is None or array.dtype.kind not in "fiubV" or array.ndim == 0:
        raise ModelFileError(f"its weights {name!r} can't be told from what is stored")
    floating = array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
    numbers = _arranged(floating, place)
    scale, zero = (_each(node, shapes, which, len(numbers)) for which in (place.scale, place.zero))
    if zero is not None:
        numbers = numbers - zero.reshape(-1, *[1] * (numbers.ndim - 1))
    if scale is not None:
        numbers = numbers * scale.reshape(-1, *[1] * (numbers.ndim - 1))
    if stored not in _FLOATS and place.operand and (place.scale or place.zero) is not None:
        step = 1.0 if scale is None else float(np.max(np.abs(scale), initial=0))
        rounding = Rounding(absolute=step / 2)
    return Bank(numbers, _groups(place, array.shape), stored, rounding)


def _groups(place: FilterBank, dims: tuple[int, ...]) -> int:
    return max(1, math.prod(dims[:-2])) if place.output < 0 else place.groups


def _arranged(array: np.ndarray, place: FilterBank) -> np.ndarray:
    """The numbers by filter, input channel and kernel."""
    dims = array.shape
    if place.output < 0:
        if array.ndim == 1:
            return array.reshape(1, -1)
        upright = array if place.output == -2 else np.swapaxes(array, -1, -2)
        return upright.reshape(math.prod(upright.shape[:-1]), upright.shape[-1])
    if place.output == 0:
        return array
    split = array.reshape(place.groups, dims[0] // place.groups, *dims[1:])
    return np.swapaxes(split, 1, 2).reshape(bank_shape(place, dims))


def _each(node: Node, shapes: Shapes, which: int | None, filters: int) -> np.ndarray | None:
    """A scale or zero point for each filter; None where there is none."""
    name = "" if which is None or which >= len(node.inputs) else node.inputs[which]
    if not name:
        return None
    found = weights_of(name, shapes)
    if found is None or not found.size or filters % found.size:
        raise ModelFileError(f"the scale or zero point {name!r} of its weights can't be told")
    return np.resize(found.astype(np.float32).reshape(-1), filters)


def _source(name: str, shapes: Shapes) -> tuple[str, Rounding]:
    """What a constant is made from: the type that it is stored in, and by how much that rounds."""
    step: float | None = None
    while True:
        graph = shapes.origin.graph
        node = None if graph is None else graph.producers.get(name)
        if node is None and graph is not None and name not in graph.stored:
            if shapes.origin.outer is None:
                break
            shapes = shapes.origin.outer
            continue
        if node is None or not any(node.inputs):
            break
        operator = lookup(node.domain, node.op, node.version)
        if operator is not None and operator.kind == "quantization" and len(node.inputs) > 1:
            scale = weights_of(node.inputs[1], shapes)
            if scale is not None:
                step = float(np.max(np.abs(scale.astype(np.float64)), initial=0))
        name = node.inputs[0]
    tensor = shapes.tensors.get(name)
    dtype = (tensor.dtype if tensor is not None else None) or "float32"
    if dtype not in _FLOATS:
        return dtype, Rounding(absolute=0.5 if step is None else step / 2)
    bits, least = _FLOATS[dtype]
    return dtype, Rounding(2.0**-bits, (1 if step is None else step) * 2.0 ** (least - 1))
