"""CNS2xx: what does the border do to what is computed?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.fields.border import window_share
from cnnscope.analyzer.fields.pairs import window_pairs
from cnnscope.analyzer.lint.families import LOOKING
from cnnscope.analyzer.lint.movement import KEEPS_ZERO, Look
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.notation import count, many, percent
from cnnscope.analyzer.values.window import Window

_GUIDE = (
    "Dumoulin, Visin: A guide to convolution arithmetic for deep learning. 2016. arXiv:1603.07285"
)
_ISLAM = (
    "Islam, Jia, Bruce: How Much Position Information Do Convolutional Neural Networks Encode? "
    "ICLR 2020. arXiv:2001.08248"
)
_MIND = (
    "Alsallakh, Kokhlikyan, Miglani, Yuan, Reblitz-Richardson: Mind the Pad: CNNs Can Develop Blind "
    "Spots. ICLR 2021. arXiv:2010.02178"
)
_CHEN = (
    "Chen, Papandreou, Schroff, Adam: Rethinking Atrous Convolution for Semantic Image Segmentation "
    "(DeepLabv3), section 3.3. 2017. arXiv:1706.05587"
)
_WU = (
    "Wu, Wang, Zhang, Hou, Hou: Convolution with even-sized kernels and symmetric padding. NeurIPS "
    "2019. arXiv:1903.08385"
)
#: layers whose weights multiply the zeros of the padding
_WEIGHTED = frozenset({"convolution", "deformable convolution"})
#: layers between a normalisation and the convolution whose padding stands beside its values
_PASSED = KEEPS_ZERO | {"padding"}


def _touched(layer: Layer, borders: tuple[Look, ...]) -> float:
    """The share of a layer's units that see padding, zeros of layers of padding before it included;
    0 where not known."""
    inside = Fraction(1)
    for look in borders:
        if not isinstance(look.length, int) or not isinstance(look.units, int):
            return layer.padded_share or 0.0
        try:
            inside *= 1 - window_share(look.window, look.length, look.units)
        except Undetermined:
            return layer.padded_share or 0.0
    return float(1 - inside)


@rule(
    "CNS201",
    "border-touched-units",
    "info",
    Page(
        what="Says when a tenth or more of a network's multiplications meet the zeros of padding.",
        why="Those products are wasted, and units that look beyond the border see statistics that "
        "no inner unit sees: networks tell positions from it and grow blind spots along the edge. "
        "It happens where maps have become small against their kernels.",
        how="Per axis, the pairs of an output and a tap that fall inside the input, against all "
        "pairs; the share inside of a layer is the product over its axes. Summed over "
        "convolutions, weighted by their MACs. Zeros that a layer of padding before the convolution "
        "adds are padding, too (as in all rules of this group).",
        example="A 3x3 convolution with padding 1 on a map of 2 x 2: 16 of 36 taps are inside, 56 % "
        "of its MACs multiply zeros, and every unit touches the border.",
        todo="Use larger inputs, stop reducing the resolution earlier, or leave the padding out "
        "where the map's size needn't be kept.",
        references=(_ISLAM, _MIND),
    ),
)
def border_touched_units(subject: Subject) -> Iterator[Hit]:
    wasted: list[tuple[int, Layer, float]] = []
    for layer in subject.layers:
        if layer.kind.family not in _WEIGHTED or not layer.macs:
            continue
        borders = subject.particulars.borders(layer.name)
        share = _inside(borders)
        if share is not None and share < 1:
            wasted.append((round(layer.macs * (1 - share)), layer, _touched(layer, borders)))
    lost = sum(macs for macs, _, _ in wasted)
    if not subject.macs or lost < subject.macs / 10:
        return
    wasted.sort(key=lambda found: -found[0])
    shown = [(layer.name, touched) for macs, layer, touched in wasted if macs >= lost / 100]
    yield Hit(
        tuple(layer for layer, _ in shown),
        f"{percent(lost / subject.macs)} of all MACs multiply padding; in these layers the border "
        f"touches up to {percent(max(touched for _, touched in shown))} of the units",
        {"macs": lost},
    )


def _inside(looks: tuple[Look, ...]) -> Fraction | None:
    """The share of a layer's taps that lie inside its input."""
    share = Fraction(1)
    for look in looks:
        if not isinstance(look.length, int) or not isinstance(look.units, int):
            return None
        if look.window.outside != "nothing":
            continue  # mirrored or repeated values aren't zeros
        pairs = window_pairs(look.window, look.length, look.units)
        if pairs is None or not pairs[1]:
            return None
        share *= Fraction(*pairs)
    return share


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
        references=(_WU, _GUIDE),
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
        amount = f"{float(abs(largest)):g}"
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'even window')} padded more on one side: the map is shifted by "
            f"{amount} px of the input",
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


@rule(
    "CNS203",
    "full-padding",
    "warning",
    Page(
        what="Finds convolutions and poolings padded by their whole extent less one at both ends.",
        why="The map grows at every such layer, and its outermost units see a single row of the "
        "input and padding besides. Nearly always a mistake in the padding's formula "
        "(`k-1` for `(k-1)/2`); causal layers have it on one side only.",
        how="`before = after = dilation*(kernel-1)`, more than 0, along every axis that has a "
        "kernel. Layers whose surplus is cut off again (causal) are left out.",
        example="A 3x3 convolution with padding 2: 32 x 32 becomes 34 x 34, and the corner units "
        "see one position each.",
        todo="Use `dilation*(kernel-1)/2` on both sides to keep the size.",
        references=(_GUIDE,),
    ),
)
def full_padding(subject: Subject) -> Iterator[Hit]:
    for layer in subject.layers:
        if layer.kind.family not in LOOKING or "causal" in layer.kind.traits:
            continue
        looks = subject.particulars.borders(layer.name)
        wide = [look.window for look in looks if look.window.extent > 1]
        if not wide or any(w.before != w.extent - 1 or w.after != w.extent - 1 for w in wide):
            continue
        grown = _size(look.units for look in looks) - _size(look.length for look in looks)
        yield Hit(
            (layer.name,),
            f"it is padded by {max(int(w.before) for w in wide)} at both ends, so that its map "
            f"grows; {percent(_touched(layer, looks))} of its units touch the border",
            {"pixels": max(grown, 0)},
        )


def _size(lengths: Iterator[object]) -> int:
    return math.prod(n for n in lengths if isinstance(n, int))


@rule(
    "CNS204",
    "padding-after-normalisation",
    "info",
    Page(
        what="Finds convolutions whose zero padding stands beside values that a normalisation has "
        "just scaled and shifted, without an activation between.",
        why="After normalisation with a learned shift, 0 is no neutral value: the padded frame is "
        "an edge that isn't in the data, of another height in each channel. Behind a ReLU it is "
        "at least the value of *nothing found*.",
        how="The layer that gives the convolution's data, identities, casts and layers of padding "
        "passed over, is a normalisation with learned weights; the convolution is padded with zeros.",
        example="`BatchNormalization -> Conv 3x3, padding 1`, as in a pre-activation block whose "
        "ReLU was forgotten.",
        todo="Put the activation between, pad before normalising, or pad with mirrored or "
        "repeated values.",
        references=(_MIND, _ISLAM),
    ),
)
def padding_after_normalisation(subject: Subject) -> Iterator[Hit]:
    found = []
    for layer in subject.layers:
        if layer.kind.family not in _WEIGHTED:
            continue
        borders = subject.particulars.borders(layer.name)
        touched = _touched(layer, borders)
        if not touched or any(look.window.outside != "nothing" for look in borders):
            continue
        source = subject.source(layer, _PASSED)
        if source is not None and source.kind.family == "normalization" and source.params:
            found.append((layer, touched))
    if found:
        share = max(touched for _, touched in found)
        units = sum(_padded_units(layer, touched) for layer, touched in found)
        yield Hit(
            tuple(layer.name for layer, _ in found),
            f"zeros pad normalised values, no activation between, in {many(len(found), 'layer')}; "
            f"that touches up to {percent(share)} of the units",
            {"pixels": units},
        )


def _padded_units(layer: Layer, touched: float) -> int:
    shape = layer.output_shape or ()
    lengths = [n for n in shape[2:] if isinstance(n, int)]
    return round(touched * math.prod(lengths)) if lengths else 0


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
        if layer.kind.family not in _WEIGHTED:
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
