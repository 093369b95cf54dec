"""What could stand in a layer's place, and by which algorithms could it be computed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnscope.analyzer.explanation.algorithms import Algorithm, find_algorithms
from cnnscope.analyzer.explanation.axis_derivation import ExplainedNode
from cnnscope.analyzer.explanation.explanation import StoredOperand
from cnnscope.analyzer.fields.connections import Alternatives, find_alternatives
from cnnscope.analyzer.fields.units import moving_axes
from cnnscope.analyzer.layers.kinds import unshared_axes
from cnnscope.analyzer.layers.placing import find_placing
from cnnscope.analyzer.layers.repeated_weights import period_along


def find_other_ways(
    subject: ExplainedNode, stored: Sequence[StoredOperand]
) -> tuple[Alternatives | None, tuple[Algorithm, ...]]:
    """A layer's alternatives and algorithms; none where it is no matrix of stored weights.

    Args:
        stored: what it uses of the file.
    """
    node, shapes, cost = subject.node, subject.shapes, subject.cost
    learned = _learned(subject, stored)
    if cost.work is None or not learned or cost.uncounted:
        return None, ()
    placing = find_placing(node, shapes, subject.reads)
    convolution = placing is not None and subject.kind.family == "convolution"
    rotation = math.prod(min(2, n) for n in placing.outputs) if placing and convolution else 1
    weights, biases = learned[0], sum(learned[1:])
    found = find_alternatives(
        node, shapes, subject.reads, cost.work, weights, biases, _kernels(subject), rotation
    )
    if found is None:
        return None, ()
    return found, find_algorithms(placing, subject.kind, found.forms[0].macs)


def _learned(subject: ExplainedNode, stored: Sequence[StoredOperand]) -> list[int]:
    """Elements of weights, then of biases."""
    places = {name: position for position, name in enumerate(subject.node.inputs)}
    # Weights are an earlier operand than biases; by their size where they come through other nodes.
    return [
        x.elements
        for x in sorted(stored, key=lambda x: (places.get(x.name, len(places)), -x.elements))
        if x.role == "parameter"
    ]


def _kernels(subject: ExplainedNode) -> int:
    """How many kernels the layer's positions have between them."""
    node, shapes, fields = subject.node, subject.shapes, subject.fields
    if subject.kind.form not in ("locally connected", "tiled convolution") or fields is None:
        return 1
    output = shapes.outputs(node)[0]
    moving = frozenset(moving_axes(fields, node.outputs[0]))
    found = 1
    for name, read in zip(node.inputs, subject.reads.outputs[0], strict=True):
        weights = shapes.tensors.get(name)
        if weights is not None and weights.constant:
            for axis in unshared_axes(read, output, moving):
                length = weights.dims[axis]
                found *= period_along(name, axis, shapes) or (
                    length if isinstance(length, int) else 1
                )
    return found
