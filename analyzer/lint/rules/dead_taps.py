"""CNS205: which weights only ever multiply padding?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.lint.families import WEIGHTED
from cnnscope.analyzer.lint.movement import Look
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, many, percent

_CHEN = (
    "Chen, Papandreou, Schroff, Adam: Rethinking Atrous Convolution for Semantic Image Segmentation "
    "(DeepLabv3), section 3.3. 2017. arXiv:1706.05587"
)


@rule(
    "CNS205",
    "dead-taps",
    "warning",
    Page(
        what="Finds weights of convolutions that only ever multiply padding, because the map is "
        "smaller than the kernel's reach.",
        why="They are stored, loaded and multiplied, and can't change the result. A 3x3 layer on a "
        "map of one position is a 1x1 layer, and so is one with a dilation as large as its map.",
        how="For each tap along an axis: is there an output for which it falls inside the input? "
        "The share of live weights is the product over the axes.",
        example="ResNet-18 at 32 x 32 pixels: in the last stage the map is 1 x 1, and 8 of 9 "
        "weights of each 3x3 kernel are dead. DeepLabv3's branch of rate 36 degenerates likewise "
        "on maps of 28 x 28.",
        todo="Use larger inputs, smaller rates or fewer strides; or store the live taps only.",
        references=(_CHEN,),
    ),
)
def dead_taps(subject: Subject) -> Iterator[Hit]:
    found: list[tuple[Layer, Fraction]] = []
    for layer in subject.layers:
        if layer.kind.family not in WEIGHTED:
            continue
        alive = Fraction(1)
        for look in subject.particulars.borders(layer.name):
            alive *= _alive(look)
        if alive < 1:
            found.append((layer, alive))
    if not found:
        return
    params = total(round(layer.params * (1 - alive)) for layer, alive in found)
    macs = total(round((layer.macs or 0) * (1 - alive)) for layer, alive in found)
    worst = min(alive for _, alive in found)
    yield Hit(
        tuple(layer.name for layer, _ in found),
        f"in {many(len(found), 'convolution')} taps never meet the input: {count(params)} weights have no "
        f"effect, in the worst layer {percent(float(1 - worst))} of them",
        {"params": params, "macs": macs},
    )


def _alive(look: Look) -> Fraction:
    """The share of a window's taps that some output finds inside the input."""
    w, length, units = look.window, look.length, look.units
    plain = all(isinstance(x, int) for x in (w.stride, w.before, w.dilation))
    if not plain or not isinstance(length, int) or not isinstance(units, int) or w.stride < 1:
        return Fraction(1)
    if not units or not length or not w.size or w.outside != "nothing":
        return Fraction(1)
    stride, before, dilation = int(w.stride), int(w.before), int(w.dilation)
    alive = 0
    for tap in range(w.size):
        shift = before - tap * dilation
        first, last = max(0, -(-shift // stride)), min(units - 1, (length - 1 + shift) // stride)
        alive += first <= last
    return Fraction(alive, w.size)
