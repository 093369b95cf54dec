"""What is said of one layer: its tensors, its work, what its units see?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.seen import Extent
from cnnscope.analyzer.fields.units import plain_units
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.report.fact_source import FactSource, Value
from cnnscope.analyzer.report.receptive_field import ReceptiveField, Region, plain_number
from cnnscope.analyzer.report.tensor_record import attribute_record, tensor_record
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.node_name import shown_name
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Shown

if TYPE_CHECKING:
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.fields.effective import Counting
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.effective_finding import EffectiveUnit


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Layer(Shown):
    """One node of the model that computes something, and everything known of it.

    Args:
        index: position among the report's layers.
        name, op, scope: the node's, names as in the file, made unique; `op` with its domain where it has one.
        inputs: names of the tensors it reads, ``""`` where one is omitted.
        outputs: what it gives.
        attributes: as plain Python.
        params, buffers, constants: stored elements counted here; shared ones at their first layer.
        shared_params: elements it uses that are counted at an earlier layer.
        weight_bytes: bytes of those counted here.
        work: exact primitive counts, None when not known.
        uncounted: why not: the operator, or what is missing.
        bytes_read, bytes_written: of its inputs (weights too) and outputs; None when not known.
        how: where its shapes come from: rules, function, schema, declared, unknown.
        bodies: layers of its subgraphs (If, Loop, Scan), by attribute name.
    """

    index: int
    name: str
    op: str
    scope: str
    inputs: tuple[str, ...]
    outputs: tuple[Value, ...]
    attributes: Mapping[str, object]
    params: int
    buffers: int
    constants: int
    shared_params: int
    weight_bytes: int
    work: Work | None
    uncounted: Mapping[str, int]
    bytes_read: Dim | None
    bytes_written: Dim | None
    how: str
    bodies: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    _source: FactSource | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """What people know it by: its name, or its module's path where the name is a machine's."""
        return shown_name(self.name)

    @property
    def kind(self) -> Kind:
        """What it is in the field's words."""
        return Kind() if self._source is None else self._source.kind()

    @property
    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads, weights included; None where one is omitted."""
        return () if self._source is None else self._source.operands()

    @property
    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """Of its first output, one entry per network input and spatial axis."""
        return () if self._source is None else self._source.receptive_field()

    def extents(self) -> Sequence[Extent]:
        """How much the units of the first output see, without where: quicker than `receptive_field`."""
        return () if self._source is None else self._source.extents()

    def sees_as(self, other: Layer) -> bool:
        """Do the units of both first outputs see the same, of inputs of the same names?"""
        one, two = self._source, other._source
        if one is not None and two is not None and one.sees() == two.sees():
            return True
        return self.receptive_field == other.receptive_field

    @property
    def padded_share(self) -> float | None:
        """The share of the units of its first output whose window touches padding, 0 to 1; None
        where not known."""
        return None if self._source is None else self._source.padded_share()

    @property
    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around it, by their path, where the exporter noted them."""
        return {} if self._source is None else self._source.modules()

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates; None when not known or hanging on a free dimension."""
        return plain_number(None if self.work is None or self.uncounted else self.work.macs)

    @property
    def flops(self) -> int | None:
        """2 * macs + every other arithmetic operation; None when not known."""
        return plain_number(None if self.work is None or self.uncounted else self.work.flops)

    @property
    def formulas(self) -> dict[str, str]:
        """The figures that hang on free lengths and are None for that, as formulas, by their names. Of
        work that isn't counted in full there is none: it would be a bound."""
        work = None if self.uncounted else self.work
        figures = {
            "macs": None if work is None else work.macs,
            "flops": None if work is None else work.flops,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
        }
        return {key: str(x) for key, x in figures.items() if isinstance(x, FreeDim)}

    @property
    def traffic_bytes(self) -> int | None:
        """Bytes read and written; None when not known or hanging on a free dimension."""
        if self.bytes_read is None or self.bytes_written is None:
            return None
        return plain_number(self.bytes_read + self.bytes_written)

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity: FLOPs per byte read or written."""
        flops, read, written = (
            self.flops,
            plain_number(self.bytes_read),
            plain_number(self.bytes_written),
        )
        if flops is None or read is None or written is None or not read + written:
            return None
        return flops / (read + written)

    @property
    def output_shape(self) -> tuple[Dim, ...] | None:
        """The first output's shape."""
        return self.outputs[0].shape if self.outputs else None

    def region(self, unit: Sequence[int | None]) -> Region:
        """Which input indices a unit of the first output sees, clipped at every border on the way.

        Args:
            unit: an index per axis of the output, or one per axis of its receptive field; None
                stands for all of an axis.

        Returns:
            For each network input it depends on, per axis, the indices as inclusive ranges.

        Raises:
            ValueError: the unit isn't a row of whole numbers, has another number of axes, or lies outside
                the output.
        """
        return self.regions([unit])[0]

    def regions(self, units: Iterable[Sequence[int | None]]) -> list[Region]:
        """What `region` gives, of many units at once."""
        if self._source is None:
            raise ValueError(f"regions of layer {self.path!r} inside a subgraph aren't available")
        return self._source.regions(plain_units(units))

    def effective_field(
        self, unit: Sequence[int | None] | None = None, *, input: str | None = None,  # noqa: A002
        counting: Counting = "uniform",
    ) -> EffectiveField:  # fmt: skip
        """How much of what a unit of the first output could see it hangs on.

        Args:
            unit: an index per axis of the output, or one per axis of its receptive field, None
                standing for all of an axis; by default the central unit, all its channels together.
            input: the network input; by default the first one that layers look along.
            counting: ``"uniform"``: each operator's taps sum to 1 and each addend of a join counts
                1, as the squared derivatives of a network with He's random weights do on average;
                ``"paths"``: every path from an input position counts 1.

        Raises:
            ValueError: there is no such unit or input, or it can't be told: a size or what a layer
                reads isn't known, or a subgraph lies on the way.

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/resnet50.onnx")
        >>> report["/conv1/Conv"].effective_field().side(0.95)
        7
        """
        return self.effective_unit(unit, input).field(counting)

    def effective_unit(
        self, unit: Sequence[int | None] | None, source: str | None
    ) -> EffectiveUnit:
        """The unit that `effective_field` means, before it is told what hangs on it."""
        if self._source is None:
            raise ValueError(
                f"effective fields of layer {self.path!r} inside a subgraph aren't available"
            )
        return self._source.effective_unit(None if unit is None else plain_units([unit])[0], source)

    def explain(self, unit: Sequence[int | None] | None = None) -> Explanation:
        """How each of the layer's numbers comes about: formulas, operands, sources.

        Args:
            unit: whose region is shown: an index per axis of the first output, or one per axis of
                its receptive field; None: the central one.

        Raises:
            ValueError: there is no such unit.

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> print(report.layers[0].explain().macs.result)
        117600
        """
        if self._source is None:
            raise ValueError(f"layer {self.path!r} was read from data: it can't be explained")
        return self._source.explain(None if unit is None else plain_units([unit])[0])

    def to_dict(self, *, within: bool = False) -> dict[str, object]:
        """As JSON has it.

        Args:
            within: it is in a subgraph, where not all that it reads is what layers give.
        """
        found: dict[str, object] = {
            "name": self.name,
            "path": self.path,
            "op": self.op,
            "kind": self.kind.to_dict(),
            "scope": self.scope,
            "inputs": list(self.inputs),
            "outputs": [value.to_dict() for value in self.outputs],
            "params": self.params,
            "buffers": self.buffers,
            "constants": self.constants,
            "shared_params": self.shared_params,
            "weight_bytes": self.weight_bytes,
            "macs": self.macs,
            "flops": self.flops,
            "work": None if self.work is None else work_dict(self.work),
            "uncounted": dict(self.uncounted),
            "bytes_read": plain_number(self.bytes_read),
            "bytes_written": plain_number(self.bytes_written),
            "intensity": self.intensity,
            "padded_share": self.padded_share,
            "shapes_from": self.how,
            "receptive_field": [f.to_dict() for f in self.receptive_field],
        }
        found.update({f"{key}_formula": text for key, text in self.formulas.items()})
        # What is known is often given by no layer: it is stored, or nodes compute it that are none.
        operands = [
            x
            for x in self.operands
            if x is not None and (within or x.tensor.constant or x.tensor.value is not None)
        ]
        if operands:
            known = {x.name: {"name": x.name, **tensor_record(x.tensor)} for x in operands}
            found["operands"] = list(known.values())
        if self.attributes:
            found["attributes"] = {k: attribute_record(x) for k, x in self.attributes.items()}
        modules = self.modules
        if modules:
            found["modules"] = dict(modules)
        if self.bodies:
            found["bodies"] = {
                name: [layer.to_dict(within=True) for layer in layers]
                for name, layers in self.bodies.items()
            }
        return found

    def __repr__(self) -> str:
        return f"<cnnscope.Layer {name(self.name, 120)} ({name(self.op, 60)})>"


def work_dict(work: Work) -> dict[str, int | str]:
    """Primitive counts by name; those hanging on free dimensions as formulas."""
    return {
        name: value if isinstance(value, int) else str(value)
        for name in work.__dataclass_fields__
        for value in (getattr(work, name),)
    }
