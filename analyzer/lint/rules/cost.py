"""CNS4xx: is there a cheaper way to do the same?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from cnnscope.analyzer.lint.rule import Hit, Page, Subject, many, rule, total, traffic
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, percent, ratio

_VGG = (
    "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, "
    "section 2.3. ICLR 2015. arXiv:1409.1556"
)
_INCEPTION = (
    "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer "
    "Vision, section 3.1. CVPR 2016. arXiv:1512.00567"
)
_MOBILENETS = (
    "Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
    "Applications. 2017. arXiv:1704.04861"
)
_NIN = "Lin, Chen, Yan: Network In Network, section 3.2. ICLR 2014. arXiv:1312.4400"
_ROOFLINE = (
    "Williams, Waterman, Patterson: Roofline: An Insightful Visual Performance Model for Multicore "
    "Architectures. Communications of the ACM 52(4), 2009"
)
_NVIDIA = (
    "NVIDIA: Deep Learning Performance Documentation, Tensor Core requirements. "
    "https://docs.nvidia.com/deeplearning/performance/dl-performance-matrix-multiplication/index.html"
)

#: layers between a map and the fully connected layer that reads it
_TO_THE_HEAD = frozenset({
    "data movement", "dropout", "identity", "activation", "conversion", "quantization",
})  # fmt: skip
#: channels up to which a layer is taken for one that reads an image
_IMAGE = 4
#: multiples that tensor cores work in (16 bytes), by dtype; and in what they compute
_MULTIPLES = {"float16": 8, "bfloat16": 8, "int8": 16, "uint8": 16}
_TF32 = 4
_TENSOR_CORES = frozenset({"cuda", "tensorrt", "nvtensorrtrtx"})


@dataclass(frozen=True, slots=True)
class _Dense:
    """A dense convolution: every output channel reads every input channel through a kernel."""

    layer: Layer
    macs: int
    taps: int
    inputs: int
    outputs: int


def _dense(subject: Subject) -> Iterator[_Dense]:
    for layer in subject.layers:
        kind, macs, shape = layer.kind, layer.macs, layer.output_shape
        if kind.family != "convolution" or kind.form != "standard" or not macs or not shape:
            continue
        lengths = [n for n in shape if isinstance(n, int)]
        if len(lengths) != len(shape):
            continue
        outputs = subject.particulars.output_channels(layer.name)
        inputs, taps = subject.particulars.contracted(layer.name), math.prod(kind.kernel)
        # Each output element is a sum over the kernel and all input channels, nothing else.
        if inputs and outputs and taps and macs == math.prod(lengths) * taps * inputs:
            yield _Dense(layer, macs, taps, inputs, outputs)


@rule(
    "CNS401",
    "dominant-layer",
    "info",
    Page(
        what="Names a layer that holds half of the model's parameters, or does half of its MACs.",
        why="Whatever is done about the model's size or speed, this layer decides it; and a budget "
        "spent in one place is rarely meant to be.",
        how="A layer's parameters and MACs against the model's totals, in models of at least four "
        "layers with weights. The share is `heavy` in the configuration, 0.5 by default.",
        example="VGG-16: the first fully connected layer holds 102.8 M of 138.4 M parameters, "
        "74 %.",
        todo="Shrink it (fewer channels, a global pooling before it, a low-rank pair in its "
        "place), or leave it, knowing that it is the one to quantise first.",
        references=(_VGG,),
    ),
)
def dominant_layer(subject: Subject) -> Iterator[Hit]:
    weighted = [layer for layer in subject.layers if layer.params and layer.macs]
    if len(weighted) < 4:
        return
    for layer in subject.layers:
        said, stake = [], {}
        if subject.params and layer.params >= subject.options.heavy * subject.params:
            said.append(f"{percent(layer.params / subject.params)} of the parameters")
            stake["params"] = layer.params
        if subject.macs and layer.macs and layer.macs >= subject.options.heavy * subject.macs:
            said.append(f"{percent(layer.macs / subject.macs)} of the MACs")
            stake["macs"] = layer.macs
        if said:
            yield Hit((layer.name,), f"this one layer has {' and '.join(said)}", stake)


@rule(
    "CNS402",
    "flattened-head",
    "info",
    Page(
        what="Finds a fully connected layer that reads a whole map, position by position, where a "
        "global average pooling before it would do.",
        why="Its weights grow with the number of positions. They tie the network to one input "
        "size, overfit, and are most of the parameters of AlexNet and VGG.",
        how="The layer's data is followed back over reshaping, activations and dropout to a map "
        "with P > 1 positions whose elements it reads all. With the map averaged first it would "
        "hold 1/P of its weights: that is what would be saved.",
        example="VGG-16's first fully connected layer reads 512 x 7 x 7: 25,088 x 4,096 weights, "
        "100.7 M of which the average over 49 positions would save.",
        todo="Average over the positions before it and fine-tune.",
        references=(_NIN,),
    ),
)
def flattened_head(subject: Subject) -> Iterator[Hit]:
    for layer in subject.layers:
        if layer.kind.form != "fully connected" or not layer.params:
            continue
        width = subject.particulars.contracted(layer.name)
        found = _map_before(subject, layer, width) if width else None
        if found is None or width is None:
            continue
        positions, shape = found
        weights = layer.params // width * width  # biases stay
        saved = weights - weights // positions
        yield Hit(
            (layer.name,),
            f"it reads a map of {shape} position by position; averaged over the {positions} "
            f"positions first it would need {count(saved)} fewer weights",
            {"params": saved},
        )


def _map_before(subject: Subject, layer: Layer, width: int) -> tuple[int, str] | None:
    """The map that a layer reads all of: how many positions, and its shape."""
    name = subject.data(layer)
    for _ in range(16):
        giver = subject.givers.get(name)
        if giver is None:
            return None
        seen = subject.particulars.seen(name).values()
        shape = subject.report.tensors[name].shape or ()
        axes = {x.output_axis for x in seen if x.output_axis is not None}
        rest = [n for n in shape[1:] if isinstance(n, int)]
        # Where the first axis moves along the input it is a sequence, which isn't flattened.
        if axes and min(axes) > 0 and len(rest) == len(shape) - 1 and max(axes) < len(shape):
            positions = math.prod(n for a in axes if isinstance(n := shape[a], int))
            if len(shape) > 2 and positions > 1 and math.prod(rest) == width:
                return positions, " x ".join(str(n) for n in rest)
        if giver.kind.family not in _TO_THE_HEAD:
            return None
        name = subject.data(giver)
    return None


@rule(
    "CNS403",
    "large-dense-kernel",
    "info",
    Page(
        what="Finds dense convolutions of 5x5 and more whose field a stack of 3x3 layers would "
        "have for fewer MACs.",
        why="n layers of 3x3 see as much as one of (2n+1)x(2n+1), with fewer weights and n "
        "activations instead of one.",
        how="The stack is counted in full: the first of its `n = (k-1)/2` layers goes from C_in to "
        "C_out channels, the others from C_out to C_out, all at the layer's output size, "
        "`3^r * C_out * (C_in + (n-1)*C_out)` per position for r axes. A stem, with its three "
        "input channels, comes out dearer that way and isn't reported. The saving has to be 1 % of "
        "the model's MACs.",
        example="5x5 from 64 to 64 channels: 102,400 MACs per position, two layers of 3x3 need "
        "73,728, 28 % less.",
        todo="Stack 3x3 layers, or make the large kernel depthwise.",
        references=(_VGG, _INCEPTION),
    ),
)
def large_dense_kernel(subject: Subject) -> Iterator[Hit]:
    found: list[tuple[int, Layer]] = []
    for dense in _dense(subject):
        kernel = set(dense.layer.kind.kernel)
        size = max(kernel)
        if len(kernel) > 1 or size < 5 or not size % 2 or "dilated" in dense.layer.kind.traits:
            continue
        layers, rank = (size - 1) // 2, len(dense.layer.kind.kernel)
        if rank < 2:
            continue  # along one axis n layers of 3 taps need more than one of 2n + 1
        share = Fraction(3**rank, dense.taps) * (
            1 + Fraction((layers - 1) * dense.outputs, dense.inputs)
        )
        if share < 1:
            found.append((int(dense.macs * (1 - share)), dense.layer))
    saved = sum(macs for macs, _ in found)
    if found and subject.macs and saved >= subject.macs / 100:
        yield Hit(
            tuple(layer.name for _, layer in found),
            f"stacks of 3x3 in place of {many(len(found), 'larger dense kernel')} would save "
            f"{percent(saved / subject.macs)} of the MACs",
            {"macs": saved},
        )


@rule(
    "CNS404",
    "dense-convolution",
    "info",
    Page(
        what="Says how much depthwise-separable convolutions in place of the dense ones would "
        "save, where that is half of the model's MACs or more.",
        why="A dense convolution looks at neighbours and mixes channels at once; done one after "
        "the other it takes `1/C_out + 1/k` of the work (k taps). Accuracy usually drops a little, "
        "and on machines that wait for memory less time is saved than MACs.",
        how="For each dense convolution with k > 1 taps: MACs `* (1 - 1/C_out - 1/k)`, weights "
        "`k*C_in*C_out - (k*C_in + C_in*C_out)`. One finding for the whole model.",
        example="VGG-16: 88 % of its MACs.",
        todo="Consider it when designing for small devices; it needs training anew.",
        references=(_MOBILENETS, "Chollet: Xception: Deep Learning with Depthwise Separable "
                    "Convolutions. CVPR 2017. arXiv:1610.02357"),
    ),
)  # fmt: skip
def dense_convolution(subject: Subject) -> Iterator[Hit]:
    found, macs, params = [], Fraction(0), 0
    for dense in _dense(subject):
        share = Fraction(1, dense.outputs) + Fraction(1, dense.taps)
        if dense.taps > 1 and share < 1:
            found.append(dense.layer)
            macs += dense.macs * (1 - share)
            weights = dense.taps * dense.inputs * dense.outputs
            if dense.layer.params >= weights:  # else they are counted at another layer, or computed
                params += weights - dense.inputs * (dense.taps + dense.outputs)
    if found and subject.macs and macs >= subject.macs / 2:
        yield Hit(
            tuple(layer.name for layer in found),
            f"as depthwise-separable pairs {many(len(found), 'dense convolution')} would need "
            f"{percent(float(macs) / subject.macs)} fewer of the model's MACs",
            {"macs": int(macs), "params": max(params, 0)},
        )


@rule(
    "CNS405",
    "memory-bound",
    "info",
    Page(
        what="Says which layers with MACs move so many bytes for them that they wait for memory, "
        "where they make half of the traffic of all such layers.",
        why="Below the machine's ridge point a layer's time is its bytes over the bandwidth; "
        "fewer MACs don't make it faster. Depthwise convolutions and fully connected layers at "
        "batch 1 are the usual ones.",
        how="FLOPs per byte read or written (weights too), against the option `ridge`: peak "
        "FLOP/s over bytes/s of the machine. 10 by default, the low end of what is built (a "
        "server CPU, or a GPU in float32); tensor cores have 100 and more. `cnnscope profile` "
        "measures the machine at hand.",
        example="A depthwise 3x3 layer in float32 on 112 x 112 x 32: 18 FLOPs per output of 4 "
        "bytes read and 4 written, 2.2 FLOPs per byte.",
        todo="Fuse it with its neighbours, use a larger batch for fully connected layers, or a "
        "smaller dtype; don't look for speed in its MACs.",
        references=(_ROOFLINE,),
    ),
)
def memory_bound(subject: Subject) -> Iterator[Hit]:
    ridge = subject.options.ridge
    slow, moved, everything = [], 0, 0
    for layer in subject.layers:
        moves = traffic(layer)
        if not layer.macs or not moves or layer.intensity is None or layer.bodies:
            continue
        everything += moves
        if layer.intensity < ridge:
            slow.append(layer)
            moved += moves
    if not slow or not subject.macs or moved < everything / 2:
        return
    macs = total(layer.macs for layer in slow)
    yield Hit(
        tuple(layer.name for layer in slow),
        f"{percent(moved / everything)} of the bytes that layers with MACs move, at fewer than "
        f"{ratio(ridge)} FLOPs per byte, are those of {many(len(slow), 'layer')} with "
        f"{percent(macs / subject.macs)} of the MACs",
        {"bytes": moved, "macs": macs},
    )


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
