"""CNS101: do the branches of a join look at the same places?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.lint.evidence import Grid
from cnnscope.analyzer.lint.references import DISTILL
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import decimal, percent


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
        references=(DISTILL,),
    ),
)
def misaligned_branches(subject: Subject) -> Iterator[Hit]:
    causal = any("causal" in layer.kind.traits for layer in subject.layers)
    for layer in subject.layers:
        worst: tuple[Fraction, InputAxis, Fraction] | None = None
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
                f"it joins branches whose middles are {decimal(offset)} px of {place[0]} apart, "
                f"{percent(float(share))} of a unit's step",
                {"pixels": math.ceil(offset)},
                severity=None if share >= 1 else "info",
            )


def _unaligned(subject: Subject, layer: Layer) -> list[InputAxis]:
    """The axes along which the paths to a layer that joins several don't line up."""
    joined = [v for v in layer.operands if v is not None and not v.tensor.constant]
    if len(joined) < 2 or not layer.outputs:
        return []
    return subject.particulars.unaligned(layer.outputs[0].name)


def _joined(subject: Subject, layer: Layer, place: InputAxis) -> list[Grid]:
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
