"""What do a layer's receptive field and its padding come to, in figures?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cnnscope.analyzer.fields.border import outside_share, padded_share
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State, Unfollowed
from cnnscope.analyzer.fields.seen import Extent, extent, find_seen
from cnnscope.analyzer.layers.channels import data_input
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Shape, Tensor


def padded_share_of(node: Node, shapes: Shapes, reads: NodeReads, kind: Kind) -> float | None:
    """The share of the node's units whose window touches padding."""
    inputs, outputs = shapes.inputs(node), shapes.outputs(node)
    if not inputs or not outputs:  # of an unknown operator even that may be
        return None
    data, output = data_input(inputs), outputs[0]
    x = inputs[data]
    if x is None or x.shape is None or output.shape is None or not reads.outputs:
        return None
    if kind.rank is not None and not kind.kernel and kind.form != "global":
        return None  # its taps lie where its data says
    return padded_share(reads.outputs[0][data], x.shape, output.shape)


def extents(
    state: State | None, spatial: Collection[InputAxis], tensors: Mapping[str, Tensor]
) -> list[Extent]:
    """How much is seen of each spatial axis of the inputs."""
    if not state or isinstance(state, Unfollowed):
        return []
    return [
        extent(paths, tensors[key[0]].known_length(key[1]))
        for key, paths in state.items()
        if key in spatial
    ]


def receptive_field(
    key: InputAxis,
    paths: Paths,
    source: Tensor,
    units: Shape | None,
    known: KnownFields | None = None,
) -> ReceptiveField:
    """What the terms come to, as one row for people and machines."""
    length: Dim | None = source.shape[key[1]] if source.shape is not None else None
    whole = source.known_length(key[1])
    found = find_seen(paths, whole, units, known)
    return ReceptiveField(
        input=key[0],
        axis=key[1],
        output_axis=found.output_axis,
        size=found.size,
        step=found.step,
        start=found.start,
        mean_step=found.mean_step,
        phases=found.phases,
        center=found.center,
        global_=found.global_,
        global_by=found.global_by,
        # Where no step is, none can differ.
        aligned=None
        if paths.aligned and found.output_axis is not None and found.mean_step is None
        else paths.aligned,
        local_size=found.local_size,
        smallest_size=found.smallest_size,
        at_least=found.at_least,
        coverage=None
        if found.size is None or not whole
        else 1.0
        if found.size >= whole
        else found.size / whole,
        outside_share=outside_share(paths, units, length, known),
    )
