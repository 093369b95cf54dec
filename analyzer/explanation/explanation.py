"""How does each number of a layer come about? Formulas, operands put in, results, sources.

Plain data, which `derivation` gathers; ``to_dict()`` is the JSON. Nothing here computes or formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction

from cnnscope.analyzer.explanation.algorithms import Algorithm
from cnnscope.analyzer.explanation.axes import (
    AxisFate,
    AxisOrigin,
    LengthOrigin,
    UnitRegion,
    number_or_formula,
)
from cnnscope.analyzer.explanation.effective_reach import EffectiveReach
from cnnscope.analyzer.fields.connections import Alternatives
from cnnscope.analyzer.fields.extreme_paths import FieldPath
from cnnscope.analyzer.fields.seen import Seen
from cnnscope.analyzer.fields.steps import FieldStep
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.tensor import plain_shape


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
            "shape": plain_shape(self.shape), "role": self.role,
        }  # fmt: skip


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
            "name": self.name, "shape": plain_shape(self.shape), "elements": self.elements,
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
            "body": self.body, "layer": self.layer, "op": self.op, "macs": number_or_formula(self.macs),
            "flops": number_or_formula(self.flops), "bytes_read": number_or_formula(self.bytes_read),
            "bytes_written": number_or_formula(self.bytes_written),
        }  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Answer):
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
        algorithms: of a convolution whose kernel is no point, ways of computing it.
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
    algorithms: tuple[Algorithm, ...] = ()
    sources: tuple[LengthOrigin, ...] = ()
    notes: tuple[str, ...] = ()
    _effective: Callable[[], EffectiveReach | None] | None = None

    @property
    def effective(self) -> EffectiveReach | None:
        """How far what the region's unit really hangs on reaches; None where it can't be told. It is
        worked out when it is asked for."""
        return None if self._effective is None else self._effective()

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
            "bytes_read": number_or_formula(self.bytes_read),
            "bytes_written": number_or_formula(self.bytes_written),
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
            "effective": None if (reach := self.effective) is None else reach.to_dict(),
            "alternatives": None if self.alternatives is None else self.alternatives.to_dict(),
            "algorithms": [x.to_dict() for x in self.algorithms],
            "sources": [x.to_dict() for x in self.sources],
            "notes": list(self.notes),
        }  # fmt: skip

    def records(self) -> Iterator[dict[str, object]]:
        """One for each figure that has a formula: what it is, its formula, and what that comes to."""
        formulas: dict[str, Formula | None] = {
            "macs": self.macs,
            "flops": self.flops,
            "intensity": self.intensity,
            **self.work,
        }
        for what, formula in formulas.items():
            if formula is not None:
                found = formula.result
                exact: int | Fraction | None = found if isinstance(found, int) else None
                if what == "intensity":
                    exact = Fraction(str(found))
                yield {
                    "what": what,
                    "formula": formula.text,
                    "with_numbers": formula.numbers,
                    "result": exact,
                    "result_formula": str(found) if exact is None else None,
                }

    def summary(self) -> str:
        return f"of {name(self.layer, 120)} ({name(self.op, 60)})"


def _jsonable(value: object) -> object:
    """An attribute as strict JSON has it: what isn't a finite number is text."""
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return str(value)
