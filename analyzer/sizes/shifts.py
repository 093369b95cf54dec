"""Does a network shift with its input: by which shifts, where, and what keeps it from it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from fractions import Fraction

from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.meant_layers import meant_layers
from cnnscope.analyzer.sizes.mirroring import displacing
from cnnscope.analyzer.sizes.motion import Lost, Motion
from cnnscope.analyzer.sizes.motions import Limit, find_motions
from cnnscope.analyzer.sizes.shift_proof import ShiftProof
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

#: what takes all of a map's moving along, as against some shifts or some units
_FINAL = frozenset({"position", "whole", "dense", "speed", "unfollowed"})


@dataclass(frozen=True, slots=True)
class AxisShift:
    """How a layer's map moves when the inputs are shifted along one axis.

    Args:
        axis: the inputs' axis, its index among `Shifts.axes`.
        output_axis: the axis of the map that moves; None where none does.
        period, advance: shifting the inputs by `advance` positions moves the map by `period` units,
            exactly; None where no shift is said to.
        units: how many units the axis has (of a Reshape's result, the part of it that moves).
        div: of such a part, how many neighbouring elements move as one.
        interior: the first and the last unit for which that holds, as long as the unit where it comes from
            and the one where it goes to are both among them: nothing that they see meets padding or a
            border. None where there is no such unit, or its end isn't known.
        free_interior: as `interior`, where the end is a formula of free lengths.
        mirror: by how many input positions the map of the mirrored input is off.
        cause: why it doesn't move, and since which layer; None where it does.
    """

    axis: int
    output_axis: int | None = None
    period: int | None = None
    advance: int | None = None
    units: Dim | None = None
    div: int = 1
    interior: tuple[int, int] | None = None
    free_interior: tuple[int, str] | None = None
    mirror: Fraction | None = None
    cause: Lost | None = None

    @property
    def mirror_units(self) -> Fraction | None:
        """By how many units of the map."""
        if self.mirror is None or not self.advance or not self.period:
            return None
        return self.mirror * self.period / abs(self.advance)

    def to_dict(self) -> dict[str, object]:
        return {
            "axis": self.axis,
            "output_axis": self.output_axis,
            "period": self.period,
            "advance": self.advance,
            "units": self.units if isinstance(self.units, int | None) else str(self.units),
            "interior": _listed(self.interior or self.free_interior),
            "mirror": None if self.mirror is None else float(self.mirror),
            "mirror_units": None if self.mirror_units is None else float(self.mirror_units),
            "cause": None if self.cause is None else {
                "kind": self.cause.cause, "layer": self.cause.layer, "why": self.cause.why,
            },
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerShift:
    """How a layer's map moves: an entry for each axis of the inputs on which it hangs."""

    layer: str
    op: str
    axes: tuple[AxisShift, ...]

    def to_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "op": self.op, "axes": [x.to_dict() for x in self.axes]}


@dataclass(frozen=True, slots=True)
class ShiftAxis:
    """An axis along which inputs are shifted, several inputs of that length together.

    Args:
        inputs: names of inputs to the axis of each.
        length: of the axis.
        limits: what layers take of the moving along, in running order.
    """

    inputs: Mapping[str, int]
    length: Dim
    limits: tuple[Limit, ...]

    @property
    def end(self) -> Limit | None:
        """The first layer from which on a map doesn't move at all."""
        return next((x for x in self.limits if x.cause in _FINAL), None)

    def to_dict(self) -> dict[str, object]:
        return {
            "inputs": dict(self.inputs),
            "length": self.length if isinstance(self.length, int) else str(self.length),
            "limits": [
                {"kind": x.cause, "layer": x.layer, "why": x.why, "advance": x.advance}
                for x in self.limits
            ],
        }


@dataclass(frozen=True, eq=False, repr=False)
class Shifts(Listing[LayerShift]):
    """How a network's maps move when its inputs are shifted, layer by layer.

    Args:
        model: its path; None for one in memory.
        axes: along which inputs can be shifted.
        layers: in running order.
        displacing: of layers that displace the map of a mirrored input, by how many input positions, for
            each of the axes along which they do.
        proof: what runs showed; None where none were asked for.
    """

    model: str | None
    axes: tuple[ShiftAxis, ...]
    layers: tuple[LayerShift, ...]
    displacing: Mapping[str, Mapping[int, Fraction]] = field(default_factory=dict)
    proof: ShiftProof | None = None

    @property
    def items(self) -> tuple[LayerShift, ...]:
        return self.layers

    def layer(self, name: str) -> LayerShift:
        """One layer's.

        Raises:
            KeyError: there is no such layer.
        """
        for one in self.layers:
            if one.layer == name:
                return one
        raise KeyError(f"no layer {name!r}")

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope shift``."""
        found: dict[str, object] = {
            "schema_version": 1,
            "model": self.model,
            "axes": [axis.to_dict() for axis in self.axes],
            "layers": [layer.to_dict() for layer in self.layers],
            "displacing": [
                {"layer": name, "axis": axis, "pixels": float(off)}
                for name, by_axis in self.displacing.items()
                for axis, off in by_axis.items()
            ],
        }
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found

    def records(self) -> Iterable[dict[str, object]]:
        """One for each layer and axis."""
        for layer in self.layers:
            for one in layer.axes:
                measured = None if self.proof is None else self.proof.of(layer.layer, one.axis)
                first, last = one.interior or (None, None)
                yield {
                    "layer": layer.layer,
                    "op": layer.op,
                    "axis": one.axis,
                    "output_axis": one.output_axis,
                    "period": one.period,
                    "advance": one.advance,
                    "first": first,
                    "last": last,
                    "mirror": None if one.mirror is None else float(one.mirror),
                    "cause": None if one.cause is None else one.cause.cause,
                    "since": None if one.cause is None else one.cause.layer,
                    **({} if measured is None else {
                        "error": measured.error, "border": measured.border,
                        "aliasing": measured.aliasing,
                    }),
                }  # fmt: skip

    def summary(self) -> str:
        return f"{many(len(self.layers), 'layer')}, {many(len(self.axes), 'axis', 'axes')}"


def find_shifts(analysis: Analysis, layers: Sequence[str] = ()) -> Shifts:
    """How a network's maps move.

    Args:
        analysis: of the network.
        layers: which layers are wanted, as `analyze` takes them; none: all.

    Raises:
        KeyError: there is no such layer.
    """
    report = report_of(analysis)
    wanted = {x.name for text in layers for x in meant_layers(report.layers, text)}
    lengths: dict[tuple[str, int], Dim] = {
        key: analysis.shapes.tensors[key[0]].dims[key[1]] for key in sorted(analysis.fields.spatial)
    }
    off, made = displacing(report.layers, lengths)
    axes: list[ShiftAxis] = []
    rows: dict[str, list[AxisShift]] = {}
    by_layer: dict[str, dict[int, Fraction]] = {}
    for at, shifted in enumerate(shifted_together(lengths)):
        found = find_motions(analysis.graph, analysis.shapes, analysis.fields.reads, shifted)
        keys = list(shifted.items())
        axes.append(ShiftAxis(shifted, lengths[keys[0]], tuple(found.limits)))
        for layer in report.layers:
            if not layer.outputs:
                continue
            here = [off[layer.name][key] for key in keys if key in off[layer.name]]
            own = [made[layer.name][key] for key in keys if key in made.get(layer.name, {})]
            if own:
                by_layer.setdefault(layer.name, {})[at] = max(own, key=abs)
            row = _axis_shift(
                at, found.of.get(layer.outputs[0].name), max(here, key=abs, default=None)
            )
            if row is not None and (not wanted or layer.name in wanted):
                rows.setdefault(layer.name, []).append(row)
    shown = tuple(
        LayerShift(x.name, x.op, tuple(rows[x.name])) for x in report.layers if x.name in rows
    )
    return Shifts(analysis.file.path, tuple(axes), shown, by_layer)


def shifted_together(lengths: Mapping[tuple[str, int], Dim]) -> list[dict[str, int]]:
    """The axes along which inputs are shifted: the same axis of inputs of one length is one.

    >>> shifted_together({("a", 2): 8, ("a", 3): 8, ("b", 2): 8})
    [{'a': 2, 'b': 2}, {'a': 3}]
    """
    found: dict[tuple[int, Dim], dict[str, int]] = {}
    for (name, axis), length in lengths.items():
        found.setdefault((axis, length), {})[name] = axis
    return list(found.values())


def _axis_shift(at: int, motion: Motion, mirror: Fraction | None) -> AxisShift | None:
    if motion is None:
        return None
    if isinstance(motion, Lost):
        return AxisShift(at, mirror=mirror, cause=motion)
    first, last = motion.first, motion.last
    interior = (first, last) if isinstance(last, int) and first <= last else None
    free = None if last is None or isinstance(last, int) else (first, str(last))
    return AxisShift(
        at,
        motion.axis,
        motion.period,
        motion.advance,
        motion.length,
        motion.div,
        interior,
        free,
        mirror,
    )


def _listed(span: tuple[int, int | str] | None) -> list[int | str] | None:
    return None if span is None else list(span)
