"""By how much is the map of a mirrored image off?

Mirroring an image of n positions takes position p to n - 1 - p. If a layer's units lay evenly on it,
unit i of its U units and unit U - 1 - i would then change places. Where unit i's field has its middle at
c(i), the map of the mirrored image is off by::

    (1)   d = (n - 1 - c(i)) - c(U - 1 - i)

input positions, the same for every i where units move on by one step. Two 3x3 convolutions of stride 2 and
padding 1 on n = 192: c(i) = 4i, U = 48, d = 191 - 4*47 = 3, three quarters of a unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.values.dimension import Dim

#: by network input and axis
Displacements = Mapping[tuple[str, int], Fraction]


def displacement(field: ReceptiveField, length: Dim, units: Dim) -> Fraction | None:
    """How far the map is off along one axis, in input positions, (1); None where that isn't known.

    Where the units of a period are off by different amounts, it is the largest of these.
    """
    phases = field.phases
    if phases is None or field.output_axis is None:
        return None
    if not isinstance(length, int) or not isinstance(units, int) or units < 1:
        return None
    found: Fraction = Fraction(0)
    count = units if phases.period is None else min(phases.period, units)
    for unit in range(count):
        one, other = phases.span(unit), phases.span(units - 1 - unit)
        if one is None or other is None:
            continue
        off = length - 1 - Fraction(one[0] + one[1] + other[0] + other[1], 2)
        if abs(off) > abs(found):
            found = off
    return found


def displacements(layer: Layer, lengths: Mapping[tuple[str, int], Dim]) -> Displacements:
    """How far a layer's map is off along each axis of an input that it moves along, where known."""
    shape = layer.output_shape
    found: dict[tuple[str, int], Fraction] = {}
    for field in layer.receptive_field:
        if shape is None or field.output_axis is None or field.output_axis >= len(shape):
            continue
        key = field.input, field.axis
        if key not in lengths:  # free
            continue
        off = displacement(field, lengths[key], shape[field.output_axis])
        if off is not None:
            found[key] = off
    return found


def displacing(
    layers: Sequence[Layer], lengths: Mapping[tuple[str, int], Dim]
) -> tuple[dict[str, Displacements], dict[str, Displacements]]:
    """Of each layer by how much its map is off; and of those that change that, by how much they do.

    Args:
        layers: in running order.
        lengths: of the network inputs' axes.
    """
    by_layer: dict[str, Displacements] = {}
    by_tensor: dict[str, Displacements] = {}
    made: dict[str, Displacements] = {}
    for layer in layers:
        now = by_layer[layer.name] = displacements(layer, lengths)
        if layer.outputs:
            by_tensor[layer.outputs[0].name] = now
        before = [
            by_tensor.get(name, {}) if name not in {key[0] for key in lengths}
            else {key: Fraction(0) for key in lengths if key[0] == name}
            for name in layer.inputs
        ]  # fmt: skip
        own = {}
        for key, off in now.items():
            known = [one[key] for one in before if key in one]
            if known and off not in known:
                own[key] = off - max(known, key=abs)
        if own:
            made[layer.name] = own
    return by_layer, made
