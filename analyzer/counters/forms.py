"""What is a layer to another counter's table: which operator, in which form, and in what situation?

Some counters tell apart what ONNX's operators don't (a SiLU from a sigmoid, a 2-D resizing from a
1-D one), and stumble over what isn't an operator of its own (a product that broadcasts). Both are
found in the layer and the layers around it. Operators' names are data here, as they are in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.dimension import Dim, product

_CUSTOM = "com.microsoft::"
_RECURRENT = ("RNN", "GRU", "LSTM", "DynamicQuantizeLSTM")
_RESIZE = ("Resize", "Upsample")
_AVERAGES = ("AveragePool", "ReduceMean")


def forms(layers: Sequence[Layer]) -> list[tuple[str, ...]]:
    """Of each layer, the names it goes by in a table: the most telling first, its operator last.

    ``SiLU``: a Sigmoid whose result is multiplied with its input. ``GELU``: an Erf. ``linear bias``:
    an Add of a stored vector to a product. ``adaptive average``: a mean over all positions that
    keeps its axes, and an average over windows of one element, which is how an adaptive pooling to
    one element and to the input's own size are written. ``Resize linear 2-D``, ``GlobalAveragePool
    2-D`` and ``LSTM without bias`` say the mode, the axes, and what is omitted.
    """
    makers = {value.name: layer for layer in layers for value in layer.outputs if value.name}
    readers: dict[str, list[Layer]] = {}
    for layer in layers:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer)
    return [(*_forms(x, makers, readers), x.op.removeprefix(_CUSTOM)) for x in layers]


def is_form(name: str) -> bool:
    """Whether a name in a table is a form of an operator, not an operator's own."""
    return " " in name or name in ("SiLU", "GELU")


def _forms(
    layer: Layer, makers: Mapping[str, Layer], readers: Mapping[str, list[Layer]]
) -> tuple[str, ...]:
    op = layer.op.removeprefix(_CUSTOM)
    rank = _rank(layer)
    if op == "Sigmoid" and layer.outputs and layer.inputs:
        used = readers.get(layer.outputs[0].name, [])
        if used and all(x.op == "Mul" and layer.inputs[0] in x.inputs for x in used):
            return ("SiLU",)
    elif op == "Erf":
        return ("GELU",)
    elif op == "Add" and _is_bias(layer, makers):
        return ("linear bias",)
    elif op in _RESIZE and rank is not None:
        mode = layer.attributes.get("mode", "nearest")
        return (f"Resize {mode} {rank - 2}-D",)
    elif op in _RECURRENT and not given(layer, 3):
        return (f"{op} without bias",)
    elif rank is not None and op == "GlobalAveragePool":
        return (f"GlobalAveragePool {rank - 2}-D",)
    elif rank is not None and _is_adaptive(layer, rank):
        return (f"adaptive average {rank - 2}-D", "adaptive average")
    return ()


def given(layer: Layer, position: int) -> bool:
    """Whether the layer has that input."""
    return position < len(layer.operands) and layer.operands[position] is not None


def _rank(layer: Layer) -> int | None:
    shape = layer.operands[0].shape if layer.operands and layer.operands[0] else None
    return None if shape is None else len(shape)


def _is_bias(layer: Layer, makers: Mapping[str, Layer]) -> bool:
    if len(layer.inputs) != 2 or len(layer.operands) != 2:
        return False
    for one, other in ((0, 1), (1, 0)):
        vector = layer.operands[other]
        maker = makers.get(layer.inputs[one])
        if vector is None or maker is None:
            continue
        stored = vector.tensor.constant and vector.shape is not None and len(vector.shape) == 1
        if stored and maker.work is not None and maker.work.macs != 0:
            return True
    return False


def _is_adaptive(layer: Layer, rank: int) -> bool:
    if layer.op not in _AVERAGES or rank < 3 or not layer.operands or not layer.operands[0]:
        return False
    if layer.op == "AveragePool":
        taps = layer.attributes.get("kernel_shape")
        return isinstance(taps, Sequence) and set(taps) == {1}
    before, after = layer.operands[0].shape, layer.output_shape
    if before is None or after is None or len(before) != len(after):
        return False
    return before[:2] == after[:2] and before != after and set(after[2:]) == {1}


def situations(layer: Layer) -> set[str]:
    """What a peer may stumble over in a layer.

    ``transposed``, ``grouped``, ``attention`` (a product of two activations, or fused), ``broadcast``
    (the second operand has more batches), ``sequence`` (a matrix product of more than two axes),
    ``recurrent``, ``bidirectional``, ``einsum``, ``resizing``, ``quantised``, ``subgraph``, ``3-D``,
    ``written out`` (what may have been called as a function). ``constant`` is the model's: nodes
    whose result is constant.
    """
    op = layer.op.removeprefix(_CUSTOM)
    found = {what for what, names in _SITUATIONS.items() if op in names}
    if layer.bodies:
        found.add("subgraph")
        for body in layer.bodies.values():
            found |= {what for inner in body for what in situations(inner)}
    if layer.attributes.get("direction") == "bidirectional":
        found.add("bidirectional")
    if "Attention" in op:
        found.add("attention")
    group = layer.attributes.get("group", 1)
    if isinstance(group, int) and group > 1:
        found.add("grouped")
    if layer.work is not None and layer.work.int_macs != 0:
        found.add("quantised")
    shapes = [x.shape for x in layer.operands[:2] if x is not None and x.shape is not None]
    if shapes and len(shapes[0]) == 5 and layer.attributes.get("kernel_shape"):
        found.add("3-D")
    if op == "MatMul" and len(shapes) == 2:
        stored = [x is not None and x.tensor.constant for x in layer.operands[:2]]
        if not any(stored):
            found.add("attention")
        elif len(shapes[0]) > 2:
            found.add("sequence")
        if len(shapes[1]) > 2 and _batches(shapes[1]) != 1 and (
            _batches(shapes[0]) != _batches(shapes[1]) and len(shapes[0]) <= len(shapes[1])
        ):  # fmt: skip
            found.add("broadcast")
    return found


def model_situations(layers: Sequence[Layer]) -> set[str]:
    """What a peer may stumble over that only layers together show.

    ``shared``: layers that use the same weights. ``function``: a product with stored weights that was
    called as a function inside another module, not as a module of its own: exporters that note
    modules give a Linear a scope in which nothing stands but its product, its bias and what arranges
    its operands.
    """
    found = set()
    inside: dict[str, int] = {}
    for layer in layers:
        inside[layer.scope] = inside.get(layer.scope, 0) + (layer.op not in _OF_A_LINEAR)
        if layer.shared_params and layer.macs:
            found.add("shared")
    if any(inside):
        for layer in layers:
            by_itself = layer.scope and not inside[layer.scope]
            if layer.op in ("MatMul", "Gemm") and layer.params and not by_itself:
                found.add("function")
    return found


_OF_A_LINEAR = frozenset({
    "MatMul", "Gemm", "Add", "Transpose", "Reshape", "Cast", "QuantizeLinear", "DequantizeLinear",
})  # fmt: skip


def _batches(shape: tuple[Dim, ...]) -> Dim:
    return product(shape[:-2])


_SITUATIONS: Mapping[str, tuple[str, ...]] = {
    "transposed": ("ConvTranspose", "QLinearConvTranspose", "ConvTransposeWithDynamicPads"),
    "recurrent": _RECURRENT,
    "einsum": ("Einsum",),
    "resizing": _RESIZE,
    "written out": ("Sigmoid", "Add", "Mul", "Relu", "AveragePool", "MaxPool", "Softmax"),
}
