"""How does each number of a layer come about? Formulas, operands put in, results, sources.

Plain data, which `derivation` gathers; ``to_dict()`` is the JSON. Nothing here computes or formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from cnnscope.analyzer.fields.connections import Alternatives
from cnnscope.analyzer.fields.extreme_paths import FieldPath
from cnnscope.analyzer.fields.seen import Seen
from cnnscope.analyzer.fields.steps import FieldStep
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.shown import Shown


@dataclass(frozen=True, slots=True)
class Operand:
    """An input or output of the layer, by the name that formulas have for it.

    Args:
        symbol: the operator's own name for it.
        tensor, dtype, shape: of the model.
        role: ``"data"``, ``"constant"`` or ``"output"``.
    """

    symbol: str
    tensor: str
    dtype: str | None
    shape: tuple[Dim, ...] | None
    role: str

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol, "tensor": self.tensor, "dtype": self.dtype,
            "shape": _plain(self.shape), "role": self.role,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AxisOrigin:
    """Where the length of an output's axis comes from.

    Args:
        symbol: the axis, as formulas have it (``Y[2]``).
        tensor, axis: the output and its axis.
        length: how long it is.
        way: ``"window"`` (moves over an input's axis), ``"carried"`` (an input's axis as it is),
            ``"computed"`` (by the operator's rule), ``"given"`` (a number without a formula).
        formula: None where it is given.
        source: what a given length is known from: rules, function, schema, declared, unknown.
    """

    symbol: str
    tensor: str
    axis: int
    length: Dim
    way: str
    formula: Formula | None
    source: str

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "tensor": self.tensor,
            "axis": self.axis,
            "length": self.length if isinstance(self.length, int) else str(self.length),
            "way": self.way,
            "formula": None if self.formula is None else self.formula.to_dict(),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class AxisFate:
    """What becomes of an input's axis in the first output.

    Args:
        symbol: the axis, as formulas have it (``X[1]``).
        length: how long it is.
        fate: ``"carried"``, ``"window"``, ``"contracted"`` (summed or normalised over, all of it
            read), ``"pooled"`` (all of it looked at), ``"grouped"`` (each output reads a list),
            ``"broadcast"``, ``"fixed"``, ``"scanned"``, ``"reshaped"``, ``"unread"``, ``"inside"`` (a
            subgraph or a function's body reads it), ``"unknown"``.
        to: the output axis that moves along it.
    """

    symbol: str
    length: Dim
    fate: str
    to: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "length": self.length if isinstance(self.length, int) else str(self.length),
            "fate": self.fate,
            "to": self.to,
        }


@dataclass(frozen=True, slots=True)
class StoredOperand:
    """A stored tensor that the layer uses.

    Args:
        name, shape, elements, nbytes, role: of the tensor, role as in `Totals`.
        counted_at: the earlier layer where it is counted; None: here.
    """

    name: str
    shape: tuple[Dim, ...] | None
    elements: int
    nbytes: int
    role: str
    counted_at: str | None

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name, "shape": _plain(self.shape), "elements": self.elements,
            "bytes": self.nbytes, "role": self.role, "counted_at": self.counted_at,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of one tensor that is read or written: elements times bits, over 8, rounded up."""

    tensor: str
    symbol: str | None
    written: bool
    elements: Dim
    bits: int
    nbytes: Dim

    def to_dict(self) -> dict[str, object]:
        return {
            "tensor": self.tensor,
            "symbol": self.symbol,
            "written": self.written,
            "elements": self.elements if isinstance(self.elements, int) else str(self.elements),
            "bits": self.bits,
            "bytes": self.nbytes if isinstance(self.nbytes, int) else str(self.nbytes),
        }


@dataclass(frozen=True, slots=True)
class Inside:
    """A layer within the layer's subgraph or function body: the work is their sum, and where it is a
    subgraph the traffic too. All figures are those of one run."""

    body: str
    layer: str
    op: str
    work: Work | None
    bytes_read: Dim | None = None
    bytes_written: Dim | None = None

    @property
    def macs(self) -> Dim | None:
        """Multiply-accumulates of one run; None when not known."""
        return None if self.work is None else self.work.macs

    @property
    def flops(self) -> Dim | None:
        """FLOPs of one run; None when not known."""
        return None if self.work is None else self.work.flops

    def to_dict(self) -> dict[str, object]:
        return {
            "body": self.body, "layer": self.layer, "op": self.op, "macs": _number(self.macs),
            "flops": _number(self.flops), "bytes_read": _number(self.bytes_read),
            "bytes_written": _number(self.bytes_written),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """What a figure rests on.

    Args:
        what: ``"operator"``, ``"shape"``, ``"work"``, ``"FLOPs"``, ``"field"``, ...
        rule: the function that says so, if it is one.
        said: its module's one-line question, or the convention in words.
        url: where to read on.
    """

    what: str
    rule: str | None
    said: str
    url: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {"what": self.what, "rule": self.rule, "said": self.said, "url": self.url}


@dataclass(frozen=True, slots=True)
class SeenInput:
    """What a unit sees of one network input.

    Args:
        input, shape: which.
        ranges: per axis, the indices seen, as inclusive ranges.
        spatial: the axes that some layer looks along.
        unclipped: per spatial axis, the first and last position of its window before clipping,
            along the paths that move with the unit; None where none does.
    """

    input: str
    shape: tuple[int, ...]
    ranges: tuple[tuple[tuple[int, int], ...], ...]
    spatial: tuple[int, ...]
    unclipped: Mapping[int, tuple[int, int] | None]

    def count(self, axis: int) -> int:
        """How many indices of an axis are seen."""
        return sum(hi - lo + 1 for lo, hi in self.ranges[axis])

    @property
    def share(self) -> Fraction:
        """Of the spatial axes' positions, the share inside the product of what is seen per axis."""
        found = Fraction(1)
        for axis in self.spatial:
            found *= Fraction(self.count(axis), self.shape[axis] or 1)
        return found

    def outside(self, axis: int) -> Fraction | None:
        """The share of the unclipped window that lies beyond the input's ends, in padding."""
        span = self.unclipped.get(axis)
        if span is None:
            return None
        inside = max(0, min(span[1], self.shape[axis] - 1) - max(span[0], 0) + 1)
        return 1 - Fraction(inside, span[1] - span[0] + 1)

    def to_dict(self) -> dict[str, object]:
        def share(axis: int) -> float | None:
            found = self.outside(axis)
            return None if found is None else float(found)

        return {
            "input": self.input,
            "shape": list(self.shape),
            "ranges": [[list(r) for r in axis] for axis in self.ranges],
            "spatial_axes": list(self.spatial),
            "share": float(self.share),
            "unclipped": {
                str(a): None if s is None else list(s) for a, s in self.unclipped.items()
            },
            "outside": {str(a): share(a) for a in self.spatial},
        }


@dataclass(frozen=True, slots=True)
class UnitRegion:
    """What one unit of the first output sees; None in `unit` stands for all of an axis."""

    unit: tuple[int | None, ...]
    inputs: tuple[SeenInput, ...]

    def to_dict(self) -> dict[str, object]:
        return {"unit": list(self.unit), "inputs": [x.to_dict() for x in self.inputs]}


@dataclass(frozen=True, eq=False)
class Explanation(Shown):
    """A layer's numbers, each with how it comes about.

    Args:
        layer, op, scope, kind: which layer, and what it is.
        attributes: those that are numbers, texts or lists of them.
        operands: inputs and outputs with their symbols.
        axes: of each output, where each axis' length comes from.
        fates: of each input that isn't constant, what becomes of each axis.
        stored: weights and constants used.
        work: by primitive class that isn't 0, the formula; in the order of `Work`.
        inside: of a subgraph or function body, its layers.
        macs, flops: how they follow; None where not known.
        uncounted: what isn't in the work.
        traffic: bytes read and written, tensor by tensor; of a layer with subgraphs, `inside` has them.
        bytes_read, bytes_written, intensity: as `Layer` has them.
        field: network input and axis to what the layer sees of it.
        steps: what each of its inputs brings to that.
        paths: the largest and the smallest path to it.
        region: of one unit.
        alternatives: of a layer that is one matrix of weights.
        sources: what it all rests on.
        notes: why a part is missing.
    """

    layer: str
    op: str
    scope: str
    kind: Kind
    attributes: Mapping[str, object]
    operands: tuple[Operand, ...]
    axes: tuple[AxisOrigin, ...]
    fates: tuple[AxisFate, ...]
    stored: tuple[StoredOperand, ...]
    work: Mapping[str, Formula]
    inside: tuple[Inside, ...]
    macs: Formula | None
    flops: Formula | None
    uncounted: Mapping[str, int]
    traffic: tuple[Traffic, ...]
    bytes_read: Dim | None
    bytes_written: Dim | None
    field: Mapping[tuple[str, int], Seen] = field(default_factory=dict)
    steps: tuple[FieldStep, ...] = ()
    paths: tuple[FieldPath, ...] = ()
    region: UnitRegion | None = None
    alternatives: Alternatives | None = None
    sources: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        """Learned elements the layer uses, shared ones included."""
        return sum(x.elements for x in self.stored if x.role == "parameter")

    @property
    def intensity(self) -> Formula | None:
        """FLOPs per byte read or written."""
        read, written = self.bytes_read, self.bytes_written
        flops = None if self.flops is None else self.flops.result
        if not (isinstance(flops, int) and isinstance(read, int) and isinstance(written, int)):
            return None
        if not read + written:
            return None
        values: dict[str, Dim | str] = {"FLOPs": flops, "read": read, "written": written}
        return Formula("FLOPs/(read + written)", values, str(Fraction(flops, read + written)))

    def to_dict(self) -> dict[str, object]:
        """JSON-ready data."""
        return {
            "layer": self.layer,
            "op": self.op,
            "scope": self.scope,
            "kind": self.kind.label,
            "attributes": {k: _jsonable(v) for k, v in self.attributes.items()},
            "operands": [x.to_dict() for x in self.operands],
            "output_axes": [x.to_dict() for x in self.axes],
            "input_axes": [x.to_dict() for x in self.fates],
            "stored": [x.to_dict() for x in self.stored],
            "work": {name: f.to_dict() for name, f in self.work.items()},
            "inside": [x.to_dict() for x in self.inside],
            "macs": None if self.macs is None else self.macs.to_dict(),
            "flops": None if self.flops is None else self.flops.to_dict(),
            "uncounted": dict(self.uncounted),
            "traffic": [x.to_dict() for x in self.traffic],
            "bytes_read": _number(self.bytes_read),
            "bytes_written": _number(self.bytes_written),
            "intensity": None
            if self.intensity is None
            else {**self.intensity.to_dict(), "value": float(Fraction(str(self.intensity.result)))},
            "receptive_field": [
                {"input": key[0], "axis": key[1], **seen.to_dict()}
                for key, seen in self.field.items()
            ],
            "steps": [x.to_dict() for x in self.steps],
            "paths": [x.to_dict() for x in self.paths],
            "region": None if self.region is None else self.region.to_dict(),
            "alternatives": None if self.alternatives is None else self.alternatives.to_dict(),
            "sources": [x.to_dict() for x in self.sources],
            "notes": list(self.notes),
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<cnnscope.Explanation of {self.layer} ({self.op})>"


def _plain(shape: tuple[Dim, ...] | None) -> list[int | str] | None:
    return None if shape is None else [d if isinstance(d, int) else str(d) for d in shape]


def _number(value: Dim | None) -> int | str | None:
    return str(value) if isinstance(value, FreeDim) else value


def _jsonable(value: object) -> object:
    """An attribute as strict JSON has it: what isn't a finite number is text."""
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return str(value)
