"""CNS1xx: does the network see what it should, where it should, and all of it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.lint.evidence import Grid, Look
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, many, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, percent
from cnnscope.analyzer.values.notation import name as shown

_DISTILL = (
    "Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks. Distill, "
    "2019. https://distill.pub/2019/computing-receptive-fields"
)
_RICHTER = (
    "Richter, Byttner, Krumnack, Wiedenroth, Schallner, Shenk: (Input) Size Matters for CNN "
    "Classifiers. ICANN 2021"
)
_SHOULD = (
    "Richter, Shenk, Byttner, Arpteg, Huss: Should You Go Deeper? Optimizing Convolutional Neural "
    "Network Architectures without Training by Receptive Field Analysis. ICMLA 2021. "
    "arXiv:2106.12307"
)
_WANG = (
    "Wang, Chen, Yuan, Liu, Huang, Hou, Cottrell: Understanding Convolution for Semantic "
    "Segmentation (hybrid dilated convolution). WACV 2018. arXiv:1702.08502"
)

#: layers that look at neighbours and whose job that is
_LOOKING = frozenset({
    "convolution", "max pooling", "average pooling", "Lp pooling", "deformable convolution",
})  # fmt: skip
#: windows gone through at a time
_ROWS = 1 << 12
#: layers whose units take what is at their own place
_POINTWISE = frozenset({
    "normalization", "activation", "elementwise arithmetic", "logic", "conversion", "identity",
    "dropout", "quantization", "data movement",
})  # fmt: skip

#: layers that move a map about
_SHIFTING = frozenset({"padding", "cropping"})

Place = tuple[str, int]  # a network input's axis


# -- joins -----------------------------------------------------------------------------------------


@rule(
    "CNS101",
    "misaligned-branches",
    "warning",
    Page(
        what="Finds additions and concatenations whose operands look at different places: the "
        "middles of their receptive fields are apart.",
        why="What is added up belongs to neighbouring places of the input instead of the same one. "
        "The network has to learn the shift, edges are blurred, and boxes and masks come out with "
        "an offset. The usual cause is a pooling or an even kernel on one branch only, or padding "
        "on one side.",
        how="Each operand's units lie about a line `c + u*S` on each input axis (S: the step, c: "
        "the middle of unit 0's field, averaged over the phases that upsampling makes). The "
        "offset of a join is the largest difference between two operands' c. It is a warning from "
        "a whole step of the join on, or where the steps differ; below that, information. "
        "In networks with causal layers, branches whose fields all end (or all begin) at the same "
        "place are meant so; equal fields that are merely shifted (space to depth, merging of "
        "patches) are, too.",
        example="A 3x3 convolution of stride 2 and padding 1 (field 3, centre 0) concatenated with "
        "a 2x2 max pooling of stride 2 (field 2, centre 1/2): the offset is half a pixel.",
        todo="Give both branches the same centre: an odd kernel with `(k-1)/2` padding on both "
        "sides has it, a 2x2 pooling of stride 2 beside it hasn't. For upsampling by 2, "
        "`half_pixel` bilinear resizing keeps centres, nearest with asymmetric coordinates "
        "doesn't.",
        references=(_DISTILL,),
    ),
)
def misaligned_branches(subject: Subject) -> Iterator[Hit]:
    causal = any("causal" in layer.kind.traits for layer in subject.layers)
    for layer in subject.layers:
        worst: tuple[Fraction, Place, Fraction] | None = None
        steps_differ: dict[str, list[int]] = {}
        for place in _unaligned(subject, layer):
            grids = _joined(subject, layer, place)
            if len(grids) < 2:
                continue
            if len({Fraction(grid.step) for grid in grids}) > 1:
                steps = sorted({abs(Fraction(grid.step)) for grid in grids})
                told = " and ".join(map(str, steps))
                steps_differ.setdefault(f"their units are {told} px apart", []).append(place[1])
                continue
            same = [len({getattr(grid, what) for grid in grids}) == 1 for what in ("start", "end")]
            equal = len({grid.end - grid.start for grid in grids}) == 1
            if (causal and any(same)) or equal:
                continue
            middles = [grid.center for grid in grids]
            offset = max(middles) - min(middles)
            if offset and (worst is None or offset > worst[0]):
                worst = offset, place, Fraction(grids[0].step)
        if steps_differ:
            ways = (
                f"along ax{'e' if len(axes) > 1 else 'i'}s {' and '.join(map(str, axes))} {told}"
                for told, axes in steps_differ.items()
            )
            yield Hit((layer.name,), f"it joins branches of different strides: {'; '.join(ways)}")
        elif worst is not None:
            offset, place, step = worst
            share = offset / abs(step)
            yield Hit(
                (layer.name,),
                f"it joins branches whose middles are {_mixed(offset)} px of {place[0]} apart, "
                f"{percent(float(share))} of a unit's step",
                {"pixels": math.ceil(offset)},
                severity=None if share >= 1 else "info",
            )


def _unaligned(subject: Subject, layer: Layer) -> list[Place]:
    """The axes along which the paths to a layer that joins several don't line up."""
    joined = [v for v in layer.operands if v is not None and not v.tensor.constant]
    if len(joined) < 2 or not layer.outputs:
        return []
    return subject.particulars.unaligned(layer.outputs[0].name)


def _joined(subject: Subject, layer: Layer, place: Place) -> list[Grid]:
    """Where the operands' units lie, if this is where they meet."""
    grids = []
    for value in layer.operands:
        if value is None or value.tensor.constant:
            continue
        if place in subject.particulars.unaligned(value.name):
            return []  # it was misaligned before: that join is the one to mend
        grid = subject.particulars.grids(value.name).get(place)
        if grid is not None:
            grids.append(grid)
    return grids


def _mixed(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


# -- how much is seen ------------------------------------------------------------------------------


@rule(
    "CNS102",
    "unproductive-layers",
    "warning",
    Page(
        what="Finds convolutions that can't add context: along every path, what reaches them "
        "already covers the whole input.",
        why="A layer whose incoming units all see the whole image has nothing new to integrate. In "
        "trained networks such layers barely change what a probe can read off, they cost as much "
        "as the others, and leaving them out costs little accuracy.",
        how="For each convolution with a kernel larger than one point, the smallest receptive "
        "field over the single paths to the tensor it reads (but for those that see all of the "
        "input, as through squeeze-and-excitation) is compared with the input's length. It is "
        "unproductive when the field is larger along every axis. Layers that share their weights "
        "with an earlier one are left out (the head of a feature pyramid). The input size from which all of "
        "them are productive is the largest such field.",
        example="A ResNet-50 made for 224 x 224 pixels and used on 32 x 32: its last stages see "
        "more than 32 pixels even along the shortcuts.",
        todo="Enlarge the input to the size named, reduce early strides (as CIFAR variants of "
        "ResNet do), or take the layers away and spend their cost elsewhere.",
        references=(_SHOULD, _RICHTER),
    ),
)
def unproductive_layers(subject: Subject) -> Iterator[Hit]:
    found: list[Layer] = []
    suits: dict[Place, int] = {}
    convolutions = 0
    for layer in subject.layers:
        if layer.kind.family != "convolution" or not any(k > 1 for k in layer.kind.kernel):
            continue
        convolutions += 1
        if layer.shared_params and not layer.params:
            continue  # the same weights are at work elsewhere: the head of a pyramid's levels
        fields: dict[Place, tuple[int, int]] = {}
        for place, seen in subject.particulars.seen(subject.data(layer)).items():
            length = subject.particulars.length(place)
            if seen.smallest_local is None or length is None or seen.output_axis is None:
                continue
            fields[place] = seen.smallest_local, length
        if fields and all(size > length for size, length in fields.values()):
            found.append(layer)
            for place, (size, _) in fields.items():
                suits[place] = max(suits.get(place, 0), size)
    if not found:
        return
    macs, params = total(x.macs for x in found), total(x.params for x in found)
    sizes = " x ".join(str(size) for _, size in sorted(suits.items()))
    yield Hit(
        tuple(layer.name for layer in found),
        f"{len(found)} of {convolutions} convolutions get units that see the whole input already",
        {"macs": macs, "params": params},
        f"from an input of {sizes} on all of them have something to add; at this size they could "
        "go",
    )


@rule(
    "CNS103",
    "small-receptive-field",
    "info",
    Page(
        what="Says when no unit sees more than half of the input before everything is averaged, "
        "or at the output.",
        why="A detector or segmenter can't use context it never sees, and a classifier whose units "
        "see small patches only averages votes of patches. Where texture is all that counts "
        "(denoising, super-resolution) this is as it should be.",
        how="The widest field along paths that don't collapse the axis, over all layers, as a "
        "share of the input's length. Networks in which a layer on the way to an output sees the "
        "whole input through attention or a fully connected layer are left out; those that see it "
        "by a global pooling alone are judged by what is pooled.",
        example="The sample model U-Net at 572 x 572: no unit sees more than 204 x 204 pixels, 36 % of "
        "the width.",
        todo="Add depth, stride or dilation, or train and run on smaller inputs, if the task needs "
        "context; else ignore this rule for the model.",
        references=(_DISTILL, "Brendel, Bethge: Approximating CNNs with Bag-of-local-Features "
                    "models works surprisingly well on ImageNet (BagNet). ICLR 2019"),
    ),
)  # fmt: skip
def small_receptive_field(subject: Subject) -> Iterator[Hit]:
    widest: dict[Place, int] = {}
    convolved = False
    for layer in subject.layers:
        convolved |= layer.kind.family == "convolution" and any(k > 1 for k in layer.kind.kernel)
        if layer.outputs and _widens(subject, layer):
            for place, seen in subject.particulars.seen(layer.outputs[0].name).items():
                if seen.local_size is not None:
                    widest[place] = max(widest.get(place, 0), seen.local_size)
    if not convolved or not widest or _sees_otherwise(subject):
        return
    shares: dict[str, float] = {}
    for (name, axis), size in widest.items():
        length = subject.particulars.length((name, axis))
        if length is not None and length > 1:
            shares[name] = max(shares.get(name, 0.0), size / length)
    for name, share in shares.items():
        if share >= 0.5:
            continue
        axes = sorted(place for place in widest if place[0] == name)
        sizes = " x ".join(str(widest[place]) for place in axes)
        lengths = " x ".join(str(subject.particulars.length(place)) for place in axes)
        yield Hit(
            (),
            f"no unit sees more than {sizes} of the {lengths} positions of {name}, "
            f"at most {percent(share)} along an axis",
            {"pixels": math.prod(widest[place] for place in axes)},
            subject=name,
        )


def _widens(subject: Subject, layer: Layer) -> bool:
    """A layer behind which units may see more: it looks at neighbours, or lays maps together."""
    if layer.kind.family == "data movement":
        return sum(v is not None and not v.tensor.constant for v in layer.operands) > 1
    return bool(subject.particulars.looks(layer.name))


def _sees_otherwise(subject: Subject) -> bool:
    """Something on the way to an output sees the whole input, by other means than a pooling."""
    for output in subject.report.outputs:
        layer = subject.givers.get(output.name)
        for field in () if layer is None else layer.receptive_field:
            if field.size is None:
                return True
            if field.global_ and field.global_by is not None:
                by = next((x for x in subject.layers if x.name == field.global_by), None)
                if by is None or by.kind.form != "global":
                    return True
    # What a global pooling sees may be everything already, by attention before it.
    return any(
        layer.kind.form != "global"
        and layer.name in subject.particulars.leading
        and subject.particulars.overlooks(layer.name)
        for layer in subject.layers
    )


# -- holes -----------------------------------------------------------------------------------------


class _Taps:
    """The positions of a stage's input that one unit reads, and through which dilated layers.

    Along each axis they are a bit mask from the lowest position on.
    """

    def __init__(
        self,
        axes: Mapping[int, tuple[int, int]] | None = None,
        dilated: frozenset[str] = frozenset(),
    ) -> None:
        self.axes = dict(axes or {})
        self.dilated = dilated

    def through(self, layer: Layer, looks: Sequence[Look]) -> _Taps | None:
        """Behind a window; None where a new stage begins."""
        axes = dict(self.axes)
        dilated = self.dilated
        for look in looks:
            window = look.window
            if window.stride != 1 or look.axis != look.output_axis:
                return None
            if not isinstance(window.dilation, int) or not isinstance(window.before, int):
                return None
            mask, low = axes.get(look.axis, (1, 0))
            new = 0
            if mask.bit_length() + int(window.extent) > 1 << 14:
                return None
            for tap in range(window.size):
                new |= mask << (tap * window.dilation)
            axes[look.axis] = new, low - window.before
            if window.dilation > 1 and window.size > 1:
                dilated |= {layer.name}
        return _Taps(axes, dilated)

    def union(self, other: _Taps) -> _Taps:
        """What one unit reads along either way."""
        axes = dict(self.axes)
        for axis in {*self.axes, *other.axes}:
            (a, low_a), (b, low_b) = self.axes.get(axis, (1, 0)), other.axes.get(axis, (1, 0))
            low = min(low_a, low_b)
            axes[axis] = a << (low_a - low) | b << (low_b - low), low
        return _Taps(axes, self.dilated | other.dilated)

    @property
    def seen(self) -> int:
        """How many positions, all axes together."""
        return math.prod(mask.bit_count() for mask, _ in self.axes.values())

    @property
    def hull(self) -> int:
        """How many lie between the first and the last."""
        return math.prod(
            mask.bit_length() - ((mask & -mask).bit_length() - 1) for mask, _ in self.axes.values()
        )


@rule(
    "CNS104",
    "dilation-gridding",
    "warning",
    Page(
        what="Finds runs of dilated convolutions that leave holes: positions within a unit's view "
        "that none of its paths reads.",
        why="Neighbouring units are then computed from disjoint sets of positions, which shows as "
        "a grid in what the network gives, and small things fall through.",
        how="Within a stage (layers that keep the resolution) the positions that a unit reads of "
        "the stage's input are worked out exactly, as a set: through a window it is the sum of "
        "both sets, at a join their union. A stage with two dilated layers or more is reported if "
        "at its end the set has holes. Undilated layers of the same stage count, wherever they "
        "stand: they fill holes.",
        example="Two 3x3 convolutions of dilation 2 after a stride: of 9 x 9 positions a unit "
        "reads 5 x 5. With dilations 1 and 2 it would read 7 x 7 of 7 x 7.",
        todo="Choose rates without a common factor, such as 1, 2, 5 (hybrid dilated convolution), "
        "or put an undilated convolution into the stage.",
        references=(_WANG,),
    ),
)
def dilation_gridding(subject: Subject) -> Iterator[Hit]:
    if not any("dilated" in layer.kind.traits for layer in subject.layers):
        return
    states: dict[str, _Taps] = {}
    reported: set[frozenset[str]] = set()
    for layer in subject.layers:
        ways = [
            (value.name, states.get(value.name, _Taps()))
            for value in layer.operands
            if value is not None
            and not value.tensor.constant
            and _alike(subject, value.name, layer)
        ]
        looks = subject.particulars.looks(layer.name)
        new: _Taps | None = None
        source = subject.particulars.bordered(layer.outputs[0].name) if layer.outputs else None
        if source is not None:
            new = states.get(source, _Taps())
        elif layer.kind.family in _LOOKING:
            if ways:
                new = ways[0][1].through(layer, looks)
        elif layer.kind.family in _SHIFTING and ways:
            new = ways[0][1].through(layer, looks)
        elif layer.kind.family in _POINTWISE and not looks and ways:
            new = ways[0][1]
            for _, other in ways[1:]:
                new = new.union(other)
        for value in layer.outputs[:1]:
            if new is not None:
                states[value.name] = new
        ended = [value.name for value in layer.outputs if value.name in subject.ends]
        closing = [states[name] for name in ended if name in states]
        if new is None:
            read = [value.name for value in layer.operands if value is not None]
            closing += [states[name] for name in read if name in states]
        for state in closing:
            if len(state.dilated) < 2 or state.seen == state.hull or state.dilated in reported:
                continue
            reported.add(state.dilated)
            names = tuple(x.name for x in subject.layers if x.name in state.dilated)
            yield Hit(
                names,
                f"through {many(len(names), 'dilated convolution')} a unit reads {count(state.seen)} of "
                f"the {count(state.hull)} positions that it spans",
                {"pixels": state.hull - state.seen},
            )


def _alike(subject: Subject, tensor: str, layer: Layer) -> bool:
    """A tensor has its layer's rank, and its lengths along the axes that move."""
    shape, after = subject.report.tensors[tensor].shape, layer.output_shape
    if shape is None or after is None or len(shape) != len(after):
        return False
    if layer.kind.family in _LOOKING | _SHIFTING:
        return True
    axes = {f.output_axis for f in layer.receptive_field if f.output_axis is not None}
    return all(shape[axis] == after[axis] for axis in axes if axis < len(shape))


# -- what is left out ------------------------------------------------------------------------------


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
        layer.kind.family in _POINTWISE - {"data movement"}
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
        references=(
            "Dumoulin, Visin: A guide to convolution arithmetic for deep learning. 2016. "
            "arXiv:1603.07285",
        ),
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
    if layer.kind.family not in _LOOKING | {"resize"}:
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
