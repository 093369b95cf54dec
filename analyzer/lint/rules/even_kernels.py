"""CNS202: do windows of an even extent shift the map?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.lint.families import LOOKING
from cnnscope.analyzer.lint.references import GUIDE
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import decimal, many
from cnnscope.analyzer.values.window import Window

_WU = (
    "Wu, Wang, Zhang, Hou, Hou: Convolution with even-sized kernels and symmetric padding. NeurIPS "
    "2019. arXiv:1903.08385"
)


@rule(
    "CNS202",
    "even-kernel-shift",
    "warning",
    Page(
        what="Finds windows of an even extent that are padded more on one side, so that each such "
        "layer shifts its map by half a position.",
        why="Half a position is half a step of the network's input there: several layers add up to "
        "whole objects in the last stages. Features are then compared with labels, boxes and "
        "other branches at the wrong place.",
        how="A unit of stride s stands for s positions, whose middle is `(s-1)/2`; its window's "
        "middle is `(e-1)/2 - before`. The difference times the step of the layer's input is the "
        "shift in pixels; along the way from the input to the output shifts add up. Layers with "
        "odd extents, symmetric padding or none, and causal ones are left out.",
        example="A 4x4 convolution of stride 1 with TensorFlow's SAME padding (1 before, 2 after) "
        "looks half a position to the right and down.",
        todo="Use an odd kernel, or alternate the side of the padding from layer to layer.",
        references=(_WU, GUIDE),
    ),
)
def even_kernel_shift(subject: Subject) -> Iterator[Hit]:
    found: list[Layer] = []
    shifts: dict[str, Fraction] = {}
    largest = Fraction(0)
    for layer in subject.layers:
        names = [v.name for v in layer.operands if v is not None and not v.tensor.constant]
        shift = max((shifts.get(name, Fraction(0)) for name in names), key=abs, default=Fraction(0))
        own = _shift(subject, layer)
        if own:
            found.append(layer)
            shift += own
        for value in layer.outputs:
            shifts[value.name] = shift
        largest = max(largest, shift, key=abs)
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'even window')} padded more on one side: the map is shifted by "
            f"{decimal(abs(largest))} px of the input",
            {"pixels": math.ceil(abs(largest))},
        )


def _shift(subject: Subject, layer: Layer) -> Fraction:
    """By how many pixels a layer with an even window and one-sided padding shifts its map."""
    if layer.kind.family not in LOOKING:
        return Fraction(0)
    if "causal" in layer.kind.traits:
        return Fraction(0)
    worst = Fraction(0)
    for look in subject.particulars.borders(layer.name):
        w = look.window
        if not all(isinstance(x, int) for x in (w.stride, w.before, w.after, w.dilation)):
            continue
        extent = int(w.extent)
        if extent % 2 or w.before == w.after or _causal(w, extent):
            continue
        own = Fraction(extent - 1, 2) - int(w.before) - Fraction(int(w.stride) - 1, 2)
        steps = [
            abs(Fraction(seen.mean_step))
            for seen in subject.particulars.seen(subject.data(layer)).values()
            if seen.output_axis == look.axis and seen.mean_step is not None
        ]
        own *= max(steps, default=Fraction(1))
        worst = max(worst, own, key=abs)
    return worst


def _causal(window: Window, extent: int) -> bool:
    """All of the padding of one more than the last position is before the input."""
    return window.before == extent - 1 > 1 and window.after == 0
