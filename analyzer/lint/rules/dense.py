"""CNS403 and CNS404: which convolutions cost more than others that see as much?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.lint.references import VGG
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import many, percent
from cnnscope.analyzer.values.plain_class import dataclass

_INCEPTION = (
    "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer "
    "Vision, section 3.1. CVPR 2016. arXiv:1512.00567"
)
_MOBILENETS = (
    "Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
    "Applications. 2017. arXiv:1704.04861"
)


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
        references=(VGG, _INCEPTION),
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
