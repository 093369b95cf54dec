"""CNS105 and CNS106: which positions does no window read, between them or behind the last?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.lint.families import LOOKING, POINTWISE
from cnnscope.analyzer.lint.movement import Look
from cnnscope.analyzer.lint.references import GUIDE
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, many, percent
from cnnscope.analyzer.values.notation import name as shown

#: windows gone through at a time
_ROWS = 1 << 12


@rule(
    "CNS105",
    "unread-positions",
    "warning",
    Page(
        what="Finds windows whose stride is larger than their kernel, or shares a factor with their "
        "dilation, so that positions between them are read by nothing; and resizes that give "
        "positions no weight.",
        why="A 1x1 convolution of stride 2 computes its input for nothing at three places of four. "
        "Where no other layer reads them, they are lost; beside another branch the shortcut still "
        "carries a quarter of what it could. Halving by a linear resize without antialiasing whose "
        "places fall on every other pixel (`asymmetric`) is the same subsampling.",
        how="The positions that all windows read together, along each axis, against all there are "
        "up to the last one read. Where another layer reads the rest (a shortcut), nothing "
        "is lost to the network, and the finding is information. Layers that work position by "
        "position are looked through, both ways: what they read counts as far as their own "
        "result is read.",
        example="The shortcuts of ResNet-50's stages 2 to 4 are 1x1 convolutions of stride 2: "
        "each reads a quarter of the map before it.",
        todo="Let the kernel be at least the stride: put the stride into the 3x3 convolution "
        "(ResNet v1.5), or average over 2x2 before a 1x1 shortcut (ResNet-D). Let a resize that "
        "shrinks be antialiased, or pool.",
        references=(
            "He, Zhang, Zhang, Zhang, Xie, Li: Bag of Tricks for Image Classification with "
            "Convolutional Neural Networks. CVPR 2019. arXiv:1812.01187",
        ),
    ),
)
def unread_positions(subject: Subject) -> Iterator[Hit]:
    beside: list[Layer] = []
    whole: dict[str, bool] = {}
    spared = 0
    for layer in subject.layers:
        between, all_of_them = _unread(subject, layer)[:2]
        if not between:
            continue
        if any(_read_whole(subject, name, whole) for name in _copies(subject, layer)):
            beside.append(layer)
            spared += between
            continue
        yield Hit(
            (layer.name,),
            f"its windows skip {count(between)} of {count(all_of_them)} positions, which nothing "
            "else reads",
            {"pixels": between},
        )
    if beside:
        yield Hit(
            tuple(layer.name for layer in beside),
            f"{many(len(beside), 'strided shortcut')} with positions skipped that only the other branch "
            "reads",
            {"pixels": spared},
            "averaging before the stride (ResNet-D) lets the shortcut see all of them",
            "info",
            "shortcuts",
        )


def _copies(subject: Subject, layer: Layer) -> Iterator[str]:
    """The tensor that a layer works on, and those that it is made of position by position."""
    name = subject.data(layer)
    while name:
        yield name
        giver = subject.givers.get(name)
        if giver is None or not _position_by_position(subject, giver):
            return
        name = subject.data(giver)


def _read_whole(subject: Subject, tensor: str, known: dict[str, bool]) -> bool:
    """No position of a tensor is left out by all that read it.

    Layers that work position by position read what is read of their result.
    """
    waiting = [tensor]
    while waiting:
        name = waiting[-1]
        if name in known:
            waiting.pop()
            continue
        readers = subject.readers.get(name, ())
        through = [x.outputs[0].name for x in readers if _position_by_position(subject, x)]
        unknown = [inner for inner in through if inner not in known]
        if unknown and name not in subject.ends:
            waiting += unknown
            continue
        known[name] = (
            name in subject.ends
            or any(known[inner] for inner in through)
            or any(
                not _position_by_position(subject, x) and not _unread(subject, x)[0]
                for x in readers
            )
        )
    return known[tensor]


def _position_by_position(subject: Subject, layer: Layer) -> bool:
    """What a layer makes of each position of its one data operand stands at the same position."""
    data = [v for v in layer.operands if v is not None and not v.tensor.constant]
    return (
        layer.kind.family in POINTWISE - {"data movement"}
        and len(data) == len(layer.outputs) == 1
        and subject.particulars.pointwise(layer.name)
    )


@rule(
    "CNS106",
    "dropped-border",
    "info",
    Page(
        what="Finds rows and columns at the far end that no window reaches, because the length "
        "isn't a multiple of the stride.",
        why="They are computed and thrown away, and what is seen there is lost. In a decoder the "
        "lost row has to be made up by cropping or an output size of its own.",
        how="A window reads up to position `(n_out - 1)*s - p + e - 1`; what lies behind it is "
        "dropped, but for the gap that a stride larger than the kernel leaves anyway (CNS105). "
        "Layers beside another one that reads all of the tensor are left out, and rows that a "
        "layer of padding has just added. It is a warning from 5 % of the layer's input on; "
        "layers that lose less are one finding.",
        example="A 2x2 max pooling of stride 2 on a map of 7 x 7: the last row and column, 13 of 49 "
        "positions, are dropped.",
        todo="Choose an input size that the product of the strides divides, or pad or round up "
        "(`ceil_mode`) there.",
        references=(GUIDE,),
    ),
)
def dropped_border(subject: Subject) -> Iterator[Hit]:
    little: list[tuple[float, int, Layer, str]] = []
    for layer in subject.layers:
        _, _, dropped, rows = _unread(subject, layer)
        tensor = subject.data(layer)
        others = [x for x in subject.readers.get(tensor, ()) if x is not layer]
        if not dropped or any(not _unread(subject, x)[2] for x in others):
            continue
        before = subject.givers.get(tensor)
        if before is not None and before.kind.family == "padding":
            added = {x.output_axis: _added(x) for x in subject.particulars.looks(before.name)}
            if all(n <= added.get(axis, 0) for axis, n, _ in rows):
                continue  # what is dropped is padding
        everything = math.prod(
            look.length
            for look in subject.particulars.looks(layer.name)
            if isinstance(look.length, int)
        )
        share = dropped / everything
        lines = " and ".join(f"{n} of {length} along axis {axis}" for axis, n, length in rows)
        if share < 0.05:
            little.append((share, dropped, layer, lines))
            continue
        yield Hit(
            (layer.name,),
            f"no window reaches the last positions of its input: {lines}, {percent(share)} of it",
            {"pixels": dropped},
            severity="warning",
        )
    if little:
        share, _, worst, lines = max(little, key=lambda found: found[0])
        most = f"{lines}, {percent(share)} of it"
        yield Hit(
            tuple(layer.name for _, _, layer, _ in little),
            f"no window reaches the last positions of its input: {most}"
            if len(little) == 1
            else f"in {len(little)} layers no window reaches the last positions of the input; at most "
            f"({shown(worst.name)}) {most}",
            {"pixels": sum(dropped for _, dropped, _, _ in little)},
            subject="little",
        )


def _added(look: Look) -> int:
    """How much a layer of padding adds behind the last position."""
    if not isinstance(look.units, int) or not isinstance(look.length, int):
        return 0
    return look.units - look.length - int(look.window.before)


def _unread(subject: Subject, layer: Layer) -> tuple[int, int, int, list[tuple[int, int, int]]]:
    """Positions that no window reads: between them, of how many; and behind the last.

    The last item says, per axis, how many rows are behind it, of how many.
    """
    if layer.kind.family not in LOOKING | {"resize"}:
        return 0, 0, 0, []
    read = whole = kept = 1
    rows = []
    for look in subject.particulars.looks(layer.name):
        window, length, units = look.window, look.length, look.units
        if not isinstance(length, int) or not isinstance(units, int) or not length or not units:
            return 0, 0, 0, []
        if layer.kind.family == "resize":
            read, whole, kept = read * _sampled(look, units, length), whole * length, kept * length
            continue
        if window.outside != "nothing":
            return 0, 0, 0, []
        if not all(isinstance(x, int) for x in (window.stride, window.before, window.dilation)):
            return 0, 0, 0, []
        reached, last = _positions(look, units, length)
        gap = max(int(window.stride) - int(window.extent), 0)
        if window.size > 1:
            gap = max(gap, math.gcd(int(window.stride), int(window.dilation)) - 1)
        last = min(last + gap, length)
        read, whole, kept = read * reached, whole * length, kept * last
        if last < length:
            rows.append((look.axis, length - last, length))
    return kept - read, kept, whole - kept, rows


#: so many positions of an axis are listed
_MOST_POSITIONS = 1 << 24


def _sampled(look: Look, units: int, length: int) -> int:
    """How many positions a resize gives a weight."""
    if max(length, units) > _MOST_POSITIONS:
        return length  # too many to be listed: nothing is claimed to be unread
    marks = np.zeros(length + 1, bool)
    for lo in range(0, units, _ROWS):
        marks[positions(look.window, range(lo, min(lo + _ROWS, units)), length)] = True
    return int(marks[:length].sum())


def _positions(look: Look, units: int, length: int) -> tuple[int, int]:
    """How many positions are read along an axis, and how many there are up to the last of them."""
    window = look.window
    stride, before = int(window.stride), int(window.before)
    dilation = int(window.dilation)
    last = min((units - 1) * stride - before + (window.size - 1) * dilation, length - 1)
    if dilation == 1 and 1 <= stride <= window.size:
        return last + 1, last + 1  # they overlap or touch
    if max(length, units * window.size) > _MOST_POSITIONS:
        return last + 1, last + 1  # too many to be listed: nothing is claimed to be unread
    marks = np.zeros(length, bool)
    firsts = np.arange(units) * stride - before
    for tap in range(window.size):
        at = firsts + tap * dilation
        marks[at[(at >= 0) & (at < length)]] = True
    return int(marks.sum()), int(np.flatnonzero(marks)[-1]) + 1 if marks.any() else 0
