"""CNS406: do the channels fill tensor cores?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import many, percent

_NVIDIA = (
    "NVIDIA: Deep Learning Performance Documentation, Tensor Core requirements. "
    "https://docs.nvidia.com/deeplearning/performance/dl-performance-matrix-multiplication/index.html"
)
#: channels up to which a layer is taken for one that reads an image
_IMAGE = 4
#: multiples that tensor cores work in (16 bytes), by dtype; and in what they compute
_MULTIPLES = {"float16": 8, "bfloat16": 8, "int8": 16, "uint8": 16}
_TF32 = 4
_TENSOR_CORES = frozenset({"cuda", "tensorrt", "nvtensorrtrtx"})


@rule(
    "CNS406",
    "tensor-core-channels",
    "info",
    Page(
        what="Finds layers in half precision or 8-bit integers whose channels aren't multiples of "
        "what tensor cores work in.",
        why="The matrix units take 16 bytes at a time: 8 channels in float16 and bfloat16, 16 in "
        "int8. Other widths are padded, or run on slower kernels.",
        how="Input and output channels of dense convolutions and fully connected layers, by the "
        "dtype of their data, or of their stored weights where that is 8-bit (QDQ). The work "
        "added by rounding both up is what is at stake; it has to be 1 % of the model's MACs. "
        "With `--provider cuda` it is a warning, and float32 is looked at, too (TF32, multiples of "
        "4), as information. Up to four input channels (images) are left out: libraries have kernels for "
        "these.",
        example="A float16 pointwise convolution from 100 to 100 channels runs as one of 104 to "
        "104: 8 % more work.",
        todo="Round widths up to the multiple: the work is done anyway.",
        references=(_NVIDIA,),
    ),
)
def tensor_core_channels(subject: Subject) -> Iterator[Hit]:
    stored: dict[str, set[str | None]] = {}
    for holding in subject.particulars.holdings:
        if holding.tensor.shape is not None and len(holding.tensor.shape) > 1:
            for name in holding.layers:
                stored.setdefault(name, set()).add(holding.tensor.dtype)
    found: list[tuple[int, Layer, int]] = []
    for layer in subject.layers:
        multiple = _multiple(subject, layer, stored.get(layer.name, set()))
        inputs = subject.particulars.contracted(layer.name)
        dense = layer.kind.form in ("standard", "pointwise", "fully connected")
        if not multiple or not inputs or not layer.macs or not dense or inputs <= _IMAGE:
            continue
        outputs = _channels_out(layer)
        if not outputs:
            continue
        rounded = _up(inputs, multiple) * _up(outputs, multiple)
        added = layer.macs * rounded // (inputs * outputs) - layer.macs
        if added:
            found.append((added, layer, multiple))
    added = sum(macs for macs, _, _ in found)
    if not found or not subject.macs or added < subject.macs / 100:
        return
    multiples = sorted({multiple for _, _, multiple in found})
    yield Hit(
        tuple(layer.name for _, layer, _ in sorted(found, key=lambda entry: -entry[0])),
        f"channels of {many(len(found), 'layer')} aren't multiples of "
        f"{' or '.join(map(str, multiples))}: rounded up they do {percent(added / subject.macs)} "
        "more work",
        {"macs": added},
        severity="warning" if _on_tensor_cores(subject) and multiples != [_TF32] else None,
    )


def _multiple(subject: Subject, layer: Layer, stored: set[str | None]) -> int | None:
    """What a layer's channels should be multiples of; None where that doesn't matter."""
    for dtype in ("int8", "uint8"):
        if dtype in stored:
            return _MULTIPLES[dtype]
    dtypes = {v.dtype for v in layer.operands if v is not None and not v.tensor.constant}
    multiples = [_MULTIPLES[dtype] for dtype in dtypes if dtype in _MULTIPLES]
    if multiples:
        return max(multiples)
    return _TF32 if "float32" in dtypes and _on_tensor_cores(subject) else None


def _on_tensor_cores(subject: Subject) -> bool:
    """A provider was named whose machines have them."""
    return any(
        name.lower().removesuffix("executionprovider") in _TENSOR_CORES
        for name in subject.options.providers
    )


def _channels_out(layer: Layer) -> int | None:
    shape = layer.output_shape
    if not shape or not all(isinstance(n, int) for n in shape):
        return None
    moving = {f.output_axis for f in layer.receptive_field if f.output_axis is not None}
    if layer.kind.family == "convolution":
        rest = [n for axis, n in enumerate(shape) if axis and axis not in moving]
        found = math.prod(n for n in rest if isinstance(n, int)) if moving else shape[1]
    else:
        found = shape[-1]
    return found if isinstance(found, int) else None


def _up(channels: int, multiple: int) -> int:
    return -(-channels // multiple) * multiple
