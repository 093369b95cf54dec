"""CNS508: is what is quantised also computed on integers?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.lint.families import LINEAR
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import many

_QDQ = (
    "ONNX Runtime: Quantize ONNX models, QDQ format. "
    "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html"
)
_TRT = (
    "NVIDIA TensorRT: Working with quantized types, Q/DQ placement recommendations. "
    "https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html"
)
_QUIET = frozenset({"data movement", "identity", "dropout"})


@rule(
    "CNS508",
    "dangling-quantization",
    "warning",
    Page(
        what="Finds layers with MACs that run in floating point because only one of their operands "
        "is dequantised, and quantise-dequantise pairs that no quantised layer uses.",
        why="Runtimes run a layer in integers only when its data and its weights both come from a "
        "dequantisation. With one of them missing, the other's rounding costs accuracy, its "
        "nodes cost time, and nothing is gained.",
        how="An operand is quantised if it comes, over changes of shape only, from a layer that "
        "turns integers into floats, or is made from weights stored as 8-bit integers. A layer of "
        "matrix products is dangling if its operands of two axes and more are partly so; biases "
        "don't count. Layers whose weights alone are quantised (weight-only quantisation) are "
        "left out when the model quantises no activations at all.",
        example="A static quantisation that skipped a layer's weights: `Quantize -> Dequantize -> "
        "Conv` with float weights.",
        todo="Quantise the other operand, too, or take the pair away.",
        references=(_QDQ, _TRT),
    ),
)
def dangling_quantization(subject: Subject) -> Iterator[Hit]:
    pairs = [x for x in subject.layers if _turns(x, "float")]
    if not pairs:
        return
    narrow: dict[str, set[str]] = {}
    for holding in subject.particulars.holdings:
        shape = holding.tensor.shape
        if shape is not None and len(shape) > 1 and holding.tensor.dtype in _NARROW:
            for user in holding.layers:
                narrow.setdefault(user, set()).add(holding.name)
    found = []
    for layer in subject.layers:
        if layer.kind.family not in LINEAR or not layer.macs:
            continue
        quantised: list[bool] = []
        for value in layer.operands:
            if value is None or value.shape is None or len(value.shape) < 2:
                continue
            if value.dtype is None or "float" not in value.dtype:
                quantised = []
                break
            if value.tensor.constant:
                quantised.append(bool(narrow.get(layer.name)))
            else:
                quantised.append(_dequantised(subject, value.name))
        if True in quantised and False in quantised:
            found.append(layer)
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'layer')} with one operand dequantised and another in floating point: "
            "no way to run in integers",
            {"macs": total(layer.macs for layer in found)},
        )


_NARROW = frozenset({"int8", "uint8", "int4", "uint4", "int16", "uint16"})


def _turns(layer: Layer, into: str) -> bool:
    """A quantising layer that gives floats (or, else, takes them)."""
    if layer.kind.family != "quantization" or not layer.outputs:
        return False
    return (into in (layer.outputs[0].dtype or "")) and "int" in (
        (layer.operands[0].dtype or "") if layer.operands and layer.operands[0] else ""
    )


def _dequantised(subject: Subject, tensor: str) -> bool:
    giver = subject.givers.get(tensor)
    while giver is not None and giver.kind.family in _QUIET:
        giver = subject.givers.get(subject.data(giver))
    return giver is not None and _turns(giver, "float")
