"""CNS201, CNS203 and CNS204: how much meets the zeros of padding, and what do these stand beside?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from cnnscope.analyzer.fields.border import window_share
from cnnscope.analyzer.fields.pairs import window_pairs
from cnnscope.analyzer.lint.families import LOOKING, WEIGHTED
from cnnscope.analyzer.lint.movement import KEEPS_ZERO, Look
from cnnscope.analyzer.lint.references import GUIDE, MIND_THE_PAD
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.notation import many, percent

_ISLAM = (
    "Islam, Jia, Bruce: How Much Position Information Do Convolutional Neural Networks Encode? "
    "ICLR 2020. arXiv:2001.08248"
)
#: layers between a normalisation and the convolution whose padding stands beside its values
_PASSED = KEEPS_ZERO | {"padding"}


def _touched(layer: Layer, borders: tuple[Look, ...]) -> float | None:
    """The share of a layer's units that see padding, zeros of layers of padding before it included;
    None where it isn't known."""
    inside = Fraction(1)
    for look in borders:
        if not isinstance(look.length, int) or not isinstance(look.units, int):
            return layer.padded_share
        try:
            inside *= 1 - window_share(look.window, look.length, look.units)
        except Undetermined:
            return layer.padded_share
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
        references=(_ISLAM, MIND_THE_PAD),
    ),
)
def border_touched_units(subject: Subject) -> Iterator[Hit]:
    wasted: list[tuple[int, Layer, float | None]] = []
    for layer in subject.layers:
        if layer.kind.family not in WEIGHTED or not layer.macs:
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
    most = _most(touched for _, touched in shown)
    reach = (
        "" if most is None else f"; in these layers the border touches up to {most} of the units"
    )
    yield Hit(
        tuple(layer for layer, _ in shown),
        f"{percent(lost / subject.macs)} of all MACs multiply padding{reach}",
        {"macs": lost},
    )


def _most(shares: Iterable[float | None]) -> str | None:
    """The largest share, as it is written; None where one isn't known."""
    known = list(shares)
    largest = max((x for x in known if x is not None), default=None)
    return None if largest is None or None in known else percent(largest)


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
        references=(GUIDE,),
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
        after, before = _size(look.units for look in looks), _size(look.length for look in looks)
        most = _most([_touched(layer, looks)])
        reach = "" if most is None else f"; {most} of its units touch the border"
        yield Hit(
            (layer.name,),
            f"it is padded by {max(int(w.before) for w in wide)} at both ends, so that its map "
            f"grows{reach}",
            {} if after is None or before is None else {"pixels": max(after - before, 0)},
        )


def _size(lengths: Iterable[object]) -> int | None:
    """The number of positions; None where a length isn't known."""
    size = 1
    for length in lengths:
        if not isinstance(length, int):
            return None
        size *= length
    return size


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
        references=(MIND_THE_PAD, _ISLAM),
    ),
)
def padding_after_normalisation(subject: Subject) -> Iterator[Hit]:
    found = []
    for layer in subject.layers:
        if layer.kind.family not in WEIGHTED:
            continue
        borders = subject.particulars.borders(layer.name)
        touched = _touched(layer, borders)
        padded = any(map(_padded, borders)) if touched is None else touched > 0
        if not padded or any(look.window.outside != "nothing" for look in borders):
            continue
        source = subject.source(layer, _PASSED)
        if source is not None and source.kind.family == "normalization" and source.params:
            found.append((layer, touched))
    if found:
        most = _most(touched for _, touched in found)
        reach = "" if most is None else f"; that touches up to {most} of the units"
        units = total(_padded_units(layer, touched) for layer, touched in found)
        yield Hit(
            tuple(layer.name for layer, _ in found),
            f"zeros pad normalised values, no activation between, in "
            f"{many(len(found), 'layer')}{reach}",
            {"pixels": units},
        )


def _padded(look: Look) -> bool:
    """Is there padding that some unit sees, however long the axis is?"""
    w = look.window
    first = isinstance(w.before, int) and w.before > 0
    return first or (isinstance(w.after, int) and w.after > 0 and w.stride == 1)


def _padded_units(layer: Layer, touched: float | None) -> int | None:
    size = _size((layer.output_shape or ())[2:])
    return None if size is None or touched is None else round(touched * size)
