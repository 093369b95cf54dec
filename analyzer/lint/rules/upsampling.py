"""CNS3xx: does upsampling treat every output alike?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import percent

_ODENA = (
    "Odena, Dumoulin, Olah: Deconvolution and Checkerboard Artifacts. Distill, 2016. "
    "https://distill.pub/2016/deconv-checkerboard"
)
_SUGAWARA = (
    "Sugawara, Shiota, Kiya: Checkerboard artifacts free convolutional neural networks. APSIPA "
    "Transactions 2019"
)


@rule(
    "CNS301",
    "uneven-overlap",
    "warning",
    Page(
        what="Finds transposed convolutions whose kernel isn't divisible by their stride.",
        why="Neighbouring outputs are then sums of different numbers of products. The weights can "
        "learn to even that out, and in practice rarely do: a checkerboard remains.",
        how="Output o gets the taps j with `(o + before - j*dilation)` a multiple of the stride: "
        "counted per phase `o mod stride`, along each axis. The numbers differ exactly when the "
        "stride doesn't divide the kernel (dilation 1).",
        example="A 3x3 kernel of stride 2: along an axis outputs get 2 and 1 taps in turn, so 4, 2, "
        "2 and 1 in the plane.",
        todo="Take a kernel that is a multiple of the stride (4 for stride 2), or resize (nearest "
        "or bilinear) and convolve.",
        references=(_ODENA, _SUGAWARA),
    ),
)
def uneven_overlap(subject: Subject) -> Iterator[Hit]:
    for layer in subject.layers:
        phases = _phases(layer)
        if phases and min(min(p) for p in phases) > 0 and any(len(set(p)) > 1 for p in phases):
            most = math.prod(max(p) for p in phases)
            least = math.prod(min(p) for p in phases)
            yield Hit(
                (layer.name,),
                f"a kernel of {_times(layer.kind.kernel)} and a stride of "
                f"{_times(layer.kind.stride)}: outputs are sums of {least} to {most} products per "
                "channel in turn",
                {"pixels": _pixels(layer)},
            )


@rule(
    "CNS302",
    "untouched-outputs",
    "warning",
    Page(
        what="Finds transposed convolutions whose kernel is smaller than their stride, so that "
        "some outputs get nothing but the bias.",
        why="The map has a fixed grid of empty places in it, which later layers have to fill.",
        how="As for CNS301, per phase of the output: a phase without a tap.",
        example="A 2x2 kernel of stride 3: 4 of 9 outputs get a product, the others the bias.",
        todo="Let the kernel be at least as large as the stride.",
        references=(_ODENA,),
    ),
)
def untouched_outputs(subject: Subject) -> Iterator[Hit]:
    for layer in subject.layers:
        phases = _phases(layer)
        if not phases or min(min(p) for p in phases) > 0:
            continue
        filled = Fraction(1)
        for taps in phases:
            filled *= Fraction(sum(1 for n in taps if n), len(taps))
        yield Hit(
            (layer.name,),
            f"a kernel of {_times(layer.kind.kernel)} and a stride of {_times(layer.kind.stride)} "
            f"leave {percent(float(1 - filled))} of the outputs without any input",
            {"pixels": round(_pixels(layer) * (1 - filled))},
        )


def _phases(layer: Layer) -> list[list[int]]:
    """Per axis of a transposed convolution, how many taps the outputs of each phase get."""
    kind = layer.kind
    if kind.family != "transposed convolution":
        return []
    found = []
    for kernel, stride, dilation in zip(kind.kernel, kind.stride, kind.dilation, strict=False):
        if not isinstance(stride, int) or not isinstance(dilation, int) or stride < 1:
            return []
        if stride > 1 << 12:
            return []
        taps = [0] * stride
        for tap in range(kernel):
            taps[tap * dilation % stride] += 1
        found.append(taps)
    return found


def _times(numbers: tuple[object, ...]) -> str:
    return "x".join(str(number) for number in numbers)


def _pixels(layer: Layer) -> int:
    return math.prod(n for n in (layer.output_shape or ())[2:] if isinstance(n, int))
