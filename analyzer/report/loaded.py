"""How does the data of a report become the report again?

Every value is read as what its class says (`typed_data`); here stands what JSON has otherwise than the
classes have it: operands that layers above give, lengths that are formulas, names that a path goes with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.json_values import (
    WrongDataError,
    elements,
    entries,
    listing,
    text,
)
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.loaded_layer import LoadedLayer
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.metric import Totals
from cnnscope.analyzer.report.model_info import ModelInfo
from cnnscope.analyzer.report.network import whole_network
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.readings import ALIASES, NODES, SPECIAL
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.tensor_record import attribute_of, tensor_of
from cnnscope.analyzer.report.typed_data import Reader
from cnnscope.analyzer.report.verification import Verification
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.formula_table import FormulaTable
from cnnscope.analyzer.values.node_name import NodeName, shown_name
from cnnscope.analyzer.values.tensor import Tensor

T = TypeVar("T")
#: of what nothing is known
_NOTHING = Tensor()
#: what a layer's figures are made of anew, or stands elsewhere
_OTHERWISE = ("index", "outputs", "attributes", "bytes_read", "bytes_written", "bodies")


class ReportReader:
    """Reads the data of one report.

    Args:
        data: what `Report.to_dict` gave.
    """

    def __init__(self, data: object) -> None:
        self.record = entries(data)
        self.names = dict(_paths(self.record.get("layers")))
        special = {**SPECIAL, FreeDim: lambda reader, data: self.formula(data)}
        self.reader = Reader(special, ALIASES, lambda name: self.names.get(name, name), NODES)
        # What every layer has, looked up once.
        self._shape = self.reader.reading(tuple[Dim, ...] | None)
        self._kind = self.reader.reading(Kind)
        self._fields = self.reader.reading(tuple[ReceptiveField, ...])
        self._share = self.reader.reading(float | None)
        self._classes = self.reader.reading(Mapping[str, str])
        self._count = self.reader.reading(int | None)
        self.formulas = self._formulas() if "formulas" in self.record else {}
        self.model: ModelInfo = self._at("model", lambda x: self.reader.read(ModelInfo, x))

    def report(self) -> Report:
        """The report.

        Raises:
            WrongDataError: the data isn't a report's.
        """
        inputs = self._each("inputs", self._end)
        outputs = self._each("outputs", self._end)
        given = {x.name: x.tensor for x in inputs}
        layers = self._at("layers", lambda x: self._layers(x, given))
        return Report(
            model=replace(
                self.model,
                opsets={"" if k == "ai.onnx" else k: n for k, n in self.model.opsets.items()},
            ),
            inputs=inputs,
            outputs=outputs,
            layers=Layers(layers),
            totals=self._at("totals", self._totals),
            diagnostics=self._each("diagnostics", self._diagnostic),
            tensors=self._tensors() if "tensors" in self.record else given,
            batch=self._at("batch", lambda x: self.reader.read(Mapping[str, bool], x), default={}),
            execution=self._at("run", self._execution) if "run" in self.record else None,
            _graph=whole_network,
        )

    def _at(
        self,
        member: str,
        read: Callable[[object], T],
        record: Mapping[str, object] | None = None,
        *,
        default: T | None = None,
    ) -> T:
        """What a member is; without a default it has to be there."""
        record = self.record if record is None else record
        if member not in record:
            if default is None:
                raise WrongDataError(f"{member!r:.60} is missing")
            return default
        try:
            return read(record[member])
        except WrongDataError as error:
            error.where.append(member[:60])
            raise

    def _each(
        self,
        member: str,
        read: Callable[[object], T],
        record: Mapping[str, object] | None = None,
        *,
        needed: bool = True,
    ) -> tuple[T, ...]:
        """What is in the list that a member is."""
        default: tuple[T, ...] | None = None if needed else ()
        return self._at(member, lambda data: listing(read)(data), record, default=default)

    # -- its parts ---------------------------------------------------------------------------------

    def _end(self, data: object) -> Input:
        entry = entries(data)
        tensor = self._value(entry).tensor
        declared = Tensor(tensor.dtype, self.shape(entry.get("declared")))
        return Input(text(entry.get("name")), tensor, declared)

    def _value(self, data: object) -> Value:
        entry = entries(data)
        return Value(text(entry.get("name")), tensor_of(entry, self.shape))

    def _layers(self, data: object, around: dict[str, Tensor]) -> tuple[Layer, ...]:
        """The layers of one graph, in running order.

        Args:
            data: theirs.
            around: the tensors there are before them; theirs are added.
        """
        found = []
        for i, part in enumerate(elements(data)):
            try:
                layer = self._layer(i, entries(part), around)
            except WrongDataError as error:
                error.where.append(i)
                raise
            around.update((x.name, x.tensor) for x in layer.outputs)
            found.append(layer)
        return tuple(found)

    def _layer(self, index: int, entry: dict[str, object], around: dict[str, Tensor]) -> Layer:
        at = self._at
        figures = self.reader.members(Layer, entry, _OTHERWISE)
        name = figures.pop("name")
        name = self.names.get(name, name)
        stored = {
            x.name: x.tensor for x in self._each("operands", self._value, entry, needed=False)
        }

        def known(name: str) -> Tensor:
            return stored[name] if name in stored else around.get(name, _NOTHING)

        outputs = self._each("outputs", self._value, entry)
        fields: tuple[ReceptiveField, ...] = at("receptive_field", self._fields, entry)
        _check_axes(fields, outputs, known)
        bodies = entries(entry.get("bodies", {}))
        attributes = entries(entry.get("attributes", {}))
        return Layer(
            index=index,
            name=name,
            outputs=outputs,
            attributes={
                key: at(key, lambda x: attribute_of(x, self.shape), attributes)
                for key in attributes
            },
            bytes_read=self._bytes(entry, "bytes_read"),
            bytes_written=self._bytes(entry, "bytes_written"),
            bodies={
                key: at(key, lambda x: self._layers(x, {**around, **stored}), bodies)
                for key in bodies
            },
            _source=LoadedLayer(
                shown_name(name),
                self.model.path,
                at("kind", self._kind, entry),
                tuple([Value(x, known(x)) if x else None for x in figures["inputs"]]),
                fields,
                at("padded_share", self._share, entry),
                at("modules", self._classes, entry, default={}),
            ),
            **figures,
        )

    def _bytes(self, entry: dict[str, object], member: str) -> Dim | None:
        formula = f"{member}_formula"
        if formula in entry:
            return self._at(formula, self.formula, entry)
        known: int | None = self._at(member, self._count, entry)
        return known

    def _totals(self, data: object) -> Totals:
        totals: Totals = self.reader.read(Totals, data)
        peak = entries(entries(data)["peak_activation_bytes"]).get("layer")
        return replace(totals, peak_layer=None if peak is None else self._node(text(peak)))

    def _diagnostic(self, data: object) -> Diagnostic:
        found: Diagnostic = self.reader.read(Diagnostic, data)
        path = entries(data).get("path")
        if found.layer is None or path is None:
            return found
        return replace(found, layer=NodeName(str(found.layer), text(path)))

    def _execution(self, data: object) -> Execution:
        read = self.reader.read
        return Execution(
            self._at("profile", lambda x: read(Profile | None, x), entries(data)),
            self._at("verification", lambda x: read(Verification | None, x), entries(data)),
        )

    def _tensors(self) -> dict[str, Tensor]:
        record = entries(self.record["tensors"])
        return {name: self._at(name, lambda x: tensor_of(x, self.shape), record) for name in record}

    # -- lengths and names -------------------------------------------------------------------------

    def _formulas(self) -> dict[str, FreeDim]:
        def read(data: object) -> dict[str, FreeDim]:
            table: FormulaTable = self.reader.read(FormulaTable, data)
            try:
                return table.read()
            except WrongDataError:
                raise
            except ValueError as error:
                raise WrongDataError(str(error)) from None

        return self._at("formulas", read)

    def formula(self, data: object) -> FreeDim:
        """A length that is free, by its text."""
        name = text(data)
        return self.formulas[name] if name in self.formulas else FreeDim.named(name)

    def shape(self, data: object) -> tuple[Dim, ...] | None:
        """A tensor's shape."""
        found: tuple[Dim, ...] | None = self._shape(data)
        return found

    def _node(self, name: str) -> str:
        return self.names.get(name, name)


def _check_axes(
    fields: Sequence[ReceptiveField], outputs: Sequence[Value], tensor: Callable[[str], Tensor]
) -> None:
    """The axes that fields are said along are the layer's and its inputs'."""
    shape = outputs[0].shape if outputs else None
    for found in fields:
        source = tensor(found.input).shape
        for axis, lengths in ((found.axis, source), (found.output_axis, shape)):
            if axis is not None and lengths is not None and axis >= len(lengths):
                raise WrongDataError(f"a field along an axis {axis!s:.40} that isn't there")


def _paths(layers: object) -> Iterator[tuple[str, NodeName]]:
    """The paths of nodes whose names are a machine's, by those names; of layers in bodies, too."""
    waiting = [layers]
    while waiting:
        part = waiting.pop()
        for entry in part if isinstance(part, list) else ():
            if not isinstance(entry, dict):
                continue
            name, path, bodies = entry.get("name"), entry.get("path"), entry.get("bodies")
            if isinstance(name, str) and isinstance(path, str) and name != path:
                yield name, NodeName(name, path)
            waiting += bodies.values() if isinstance(bodies, dict) else ()
