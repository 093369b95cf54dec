"""CNS104: do dilated convolutions leave holes in what a unit sees?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from cnnscope.analyzer.lint.families import LOOKING, POINTWISE
from cnnscope.analyzer.lint.movement import Look
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, many

_WANG = (
    "Wang, Chen, Yuan, Liu, Huang, Hou, Cottrell: Understanding Convolution for Semantic "
    "Segmentation (hybrid dilated convolution). WACV 2018. arXiv:1702.08502"
)
#: layers that move a map about
_SHIFTING = frozenset({"padding", "cropping"})


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
        elif layer.kind.family in LOOKING:
            if ways:
                new = ways[0][1].through(layer, looks)
        elif layer.kind.family in _SHIFTING and ways:
            new = ways[0][1].through(layer, looks)
        elif layer.kind.family in POINTWISE and not looks and ways:
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
    if layer.kind.family in LOOKING | _SHIFTING:
        return True
    axes = {f.output_axis for f in layer.receptive_field if f.output_axis is not None}
    return all(shape[axis] == after[axis] for axis in axes if axis < len(shape))
