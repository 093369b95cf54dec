"""CNS401, CNS402 and CNS405: where does the cost lie, and what waits for memory?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnscope.analyzer.lint.references import VGG
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total, traffic
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, many, percent, ratio

_NIN = "Lin, Chen, Yan: Network In Network, section 3.2. ICLR 2014. arXiv:1312.4400"
_ROOFLINE = (
    "Williams, Waterman, Patterson: Roofline: An Insightful Visual Performance Model for Multicore "
    "Architectures. Communications of the ACM 52(4), 2009"
)
#: layers between a map and the fully connected layer that reads it
_TO_THE_HEAD = frozenset({
    "data movement", "dropout", "identity", "activation", "conversion", "quantization",
})  # fmt: skip


@rule(
    "CNS401",
    "dominant-layer",
    "info",
    Page(
        what="Names a layer that holds half of the model's parameters, or does half of its MACs.",
        why="Whatever is done about the model's size or speed, this layer decides it; and a budget "
        "spent in one place is rarely meant to be.",
        how="A layer's parameters and MACs against the model's totals, in models of at least four "
        "layers with weights. The share is `heavy` in the configuration, 0.5 by default.",
        example="VGG-16: the first fully connected layer holds 102.8 M of 138.4 M parameters, "
        "74 %.",
        todo="Shrink it (fewer channels, a global pooling before it, a low-rank pair in its "
        "place), or leave it, knowing that it is the one to quantise first.",
        references=(VGG,),
    ),
)
def dominant_layer(subject: Subject) -> Iterator[Hit]:
    weighted = [layer for layer in subject.layers if layer.params and layer.macs]
    if len(weighted) < 4:
        return
    for layer in subject.layers:
        said, stake = [], {}
        if subject.params and layer.params >= subject.options.heavy * subject.params:
            said.append(f"{percent(layer.params / subject.params)} of the parameters")
            stake["params"] = layer.params
        if subject.macs and layer.macs and layer.macs >= subject.options.heavy * subject.macs:
            said.append(f"{percent(layer.macs / subject.macs)} of the MACs")
            stake["macs"] = layer.macs
        if said:
            yield Hit((layer.name,), f"this one layer has {' and '.join(said)}", stake)


@rule(
    "CNS402",
    "flattened-head",
    "info",
    Page(
        what="Finds a fully connected layer that reads a whole map, position by position, where a "
        "global average pooling before it would do.",
        why="Its weights grow with the number of positions. They tie the network to one input "
        "size, overfit, and are most of the parameters of AlexNet and VGG.",
        how="The layer's data is followed back over reshaping, activations and dropout to a map "
        "with P > 1 positions whose elements it reads all. With the map averaged first it would "
        "hold 1/P of its weights: that is what would be saved.",
        example="VGG-16's first fully connected layer reads 512 x 7 x 7: 25,088 x 4,096 weights, "
        "100.7 M of which the average over 49 positions would save.",
        todo="Average over the positions before it and fine-tune.",
        references=(_NIN,),
    ),
)
def flattened_head(subject: Subject) -> Iterator[Hit]:
    for layer in subject.layers:
        if layer.kind.form != "fully connected" or not layer.params:
            continue
        width = subject.particulars.contracted(layer.name)
        found = _map_before(subject, layer, width) if width else None
        if found is None or width is None:
            continue
        positions, shape = found
        weights = layer.params // width * width  # biases stay
        saved = weights - weights // positions
        yield Hit(
            (layer.name,),
            f"it reads a map of {shape} position by position; averaged over the {positions} "
            f"positions first it would need {count(saved)} fewer weights",
            {"params": saved},
        )


def _map_before(subject: Subject, layer: Layer, width: int) -> tuple[int, str] | None:
    """The map that a layer reads all of: how many positions, and its shape."""
    name = subject.data(layer)
    for _ in range(16):
        giver = subject.givers.get(name)
        if giver is None:
            return None
        seen = subject.particulars.seen(name).values()
        shape = subject.report.tensors[name].shape or ()
        axes = {x.output_axis for x in seen if x.output_axis is not None}
        rest = [n for n in shape[1:] if isinstance(n, int)]
        # Where the first axis moves along the input it is a sequence, which isn't flattened.
        if axes and min(axes) > 0 and len(rest) == len(shape) - 1 and max(axes) < len(shape):
            positions = math.prod(n for a in axes if isinstance(n := shape[a], int))
            if len(shape) > 2 and positions > 1 and math.prod(rest) == width:
                return positions, " x ".join(str(n) for n in rest)
        if giver.kind.family not in _TO_THE_HEAD:
            return None
        name = subject.data(giver)
    return None


@rule(
    "CNS405",
    "memory-bound",
    "info",
    Page(
        what="Says which layers with MACs move so many bytes for them that they wait for memory, "
        "where they make half of the traffic of all such layers.",
        why="Below the machine's ridge point a layer's time is its bytes over the bandwidth; "
        "fewer MACs don't make it faster. Depthwise convolutions and fully connected layers at "
        "batch 1 are the usual ones.",
        how="FLOPs per byte read or written (weights too), against the option `ridge`: peak "
        "FLOP/s over bytes/s of the machine. 10 by default, the low end of what is built (a "
        "server CPU, or a GPU in float32); tensor cores have 100 and more. `cnnscope profile` "
        "measures the machine at hand.",
        example="A depthwise 3x3 layer in float32 on 112 x 112 x 32: 18 FLOPs per output of 4 "
        "bytes read and 4 written, 2.2 FLOPs per byte.",
        todo="Fuse it with its neighbours, use a larger batch for fully connected layers, or a "
        "smaller dtype; don't look for speed in its MACs.",
        references=(_ROOFLINE,),
    ),
)
def memory_bound(subject: Subject) -> Iterator[Hit]:
    ridge = subject.options.ridge
    slow, moved, everything = [], 0, 0
    for layer in subject.layers:
        moves = traffic(layer)
        if not layer.macs or not moves or layer.intensity is None or layer.bodies:
            continue
        everything += moves
        if layer.intensity < ridge:
            slow.append(layer)
            moved += moves
    if not slow or not subject.macs or moved < everything / 2:
        return
    macs = total(layer.macs for layer in slow)
    yield Hit(
        tuple(layer.name for layer in slow),
        f"{percent(moved / everything)} of the bytes that layers with MACs move, at fewer than "
        f"{ratio(ridge)} FLOPs per byte, are those of {many(len(slow), 'layer')} with "
        f"{percent(macs / subject.macs)} of the MACs",
        {"bytes": moved, "macs": macs},
    )
