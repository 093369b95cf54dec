"""CNS107: does the map of a mirrored image lie elsewhere than the mirrored map?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.lint.references import MIND_THE_PAD
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.sizes.mirroring import displacements, displacing
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import decimal

_HUANG = (
    "Huang, Zhu, Guo, Huang: The Devil Is in the Details: Delving into Unbiased Data Processing for Human "
    "Pose Estimation. CVPR 2020. arXiv:1911.07524"
)


@rule(
    "CNS107",
    "mirror-displacement",
    "info",
    Page(
        what="Names the strided layers for which the map of a mirrored image isn't the mirrored map, but "
        "lies some pixels beside it, where a map is among the network's outputs.",
        why="Averaging what a network gives of an image and of its mirror image, as is usual for heatmaps, "
        "then joins maps that don't fit; training with mirrored images teaches it two answers for one place.",
        how="From the middles of what units see: of U units on an input of n positions, unit i's mirrored "
        "middle (n - 1 - c(i)) against that of unit U - 1 - i. Reported are layers that take steps and "
        "change this, if it isn't 0 in one of the network's outputs that still moves along the axis. Silent "
        "about layers without steps (causal convolutions look to one side on purpose), about networks that "
        "give no map, and where lengths are free.",
        example="Two 3x3 convolutions of stride 2 and padding 1 on 192 pixels: the 48 units have their "
        "middles at 0, 4, ..., 188, the mirrored ones at 191, ..., 3: 3 pixels beside, 0.75 of a unit.",
        todo="Use an input one pixel longer than a multiple of the steps (193), kernels of even width, or "
        "move the map of the mirrored image by that much before it is averaged.",
        references=(_HUANG, MIND_THE_PAD),
    ),
)
def mirror_displacement(subject: Subject) -> Iterator[Hit]:
    lengths: dict[tuple[str, int], Dim] = {
        (x.name, axis): length
        for x in subject.report.inputs
        for axis, length in enumerate(x.shape or ())
        if isinstance(length, int)
    }
    outputs = {x.name for x in subject.report.outputs}
    ends = [x for x in subject.layers if x.outputs and x.outputs[0].name in outputs]
    off: dict[tuple[str, int], Fraction] = {}
    for layer in ends:
        for key, by in displacements(layer, lengths).items():
            if by and _moves_on(layer, key):
                off[key] = max(off.get(key, by), by, key=abs)
    if not off:
        return
    _, made = displacing(subject.layers, lengths)
    found: dict[str, Fraction] = {}
    for layer in subject.layers:
        own = [by for key, by in made.get(layer.name, {}).items() if key in off]
        if own and _steps(subject, layer):
            found[layer.name] = max(own, key=abs)
    if not found:
        return
    most = max(off.values(), key=abs)
    yield Hit(
        tuple(found),
        f"the map of a mirrored image lies {decimal(abs(most))} pixels beside the mirrored map",
        {"pixels": -(-abs(most).numerator // most.denominator)},
    )


def _moves_on(layer: Layer, key: tuple[str, int]) -> bool:
    """It has several units along an axis."""
    shape = layer.output_shape or ()
    for field in layer.receptive_field:
        if (field.input, field.axis) == key and field.output_axis is not None:
            length = shape[field.output_axis]
            return isinstance(length, int) and length > 1
    return False


def _steps(subject: Subject, layer: Layer) -> bool:
    return any(abs(look.window.stride) != 1 for look in subject.particulars.looks(layer.name))
