"""CNS102 and CNS103: does the network see what it should, and is what it sees worth seeing?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.lint.references import DISTILL
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import percent

_RICHTER = (
    "Richter, Byttner, Krumnack, Wiedenroth, Schallner, Shenk: (Input) Size Matters for CNN "
    "Classifiers. ICANN 2021"
)
_SHOULD = (
    "Richter, Shenk, Byttner, Arpteg, Huss: Should You Go Deeper? Optimizing Convolutional Neural "
    "Network Architectures without Training by Receptive Field Analysis. ICMLA 2021. "
    "arXiv:2106.12307"
)


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
    suits: dict[InputAxis, int] = {}
    convolutions = 0
    for layer in subject.layers:
        if layer.kind.family != "convolution" or not any(k > 1 for k in layer.kind.kernel):
            continue
        convolutions += 1
        if layer.shared_params and not layer.params:
            continue  # the same weights are at work elsewhere: the head of a pyramid's levels
        fields: dict[InputAxis, tuple[int, int]] = {}
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
        references=(DISTILL, "Brendel, Bethge: Approximating CNNs with Bag-of-local-Features "
                    "models works surprisingly well on ImageNet (BagNet). ICLR 2019"),
    ),
)  # fmt: skip
def small_receptive_field(subject: Subject) -> Iterator[Hit]:
    widest: dict[InputAxis, int] = {}
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
