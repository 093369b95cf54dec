"""What does cnnscope say of a model? The facts per layer, the totals, and what is not known.

`Report` is plain data with the questions people ask of it. ``to_dict()`` is the JSON schema
(``schema_version`` 1). Nothing here computes a shape, a cost or a field, and nothing formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.phases import Phases, phases_dict
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    import networkx
    import pandas

    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.groups import Group

SCHEMA_VERSION = 1

Status = Literal["complete", "partial", "unavailable"]
#: for one unit: network input -> per axis, the input indices it sees, as inclusive ranges
Region = dict[str, tuple[tuple[tuple[int, int], ...], ...]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A total that says how far it can be trusted.

    Args:
        value: the exact figure, None unless every term is known.
        known: the sum of the known terms, a lower bound; None when nothing is known.
        status: ``"complete"``, ``"partial"`` (some terms missing) or ``"unavailable"``.
        uncounted: what is missing: operator (or reason) to how many times.
        formula: the figure as a formula in the free dimensions, where it hangs on them.
        upper: what the figure never exceeds, a formula too, where it has none of its own. A bound.

    >>> Metric.of(7).status
    'complete'
    """

    value: int | None
    known: int | None
    status: Status
    uncounted: Mapping[str, int] = field(default_factory=dict)
    formula: str | None = None
    upper: str | None = None

    @classmethod
    def of(cls, known: Dim | None, uncounted: Mapping[str, int] | None = None) -> Metric:
        """The metric of a sum of known terms and a list of missing ones."""
        missing = dict(uncounted or {})
        if known is None:
            return cls(None, None, "unavailable", missing)
        if isinstance(known, FreeDim):
            missing.update({f"free dimension {name}": 1 for name in sorted(known.names)})
            missing.update({f"data: {what}": 1 for what in sorted(known.data)})
            if known.names:
                return cls(None, None, "unavailable", missing, str(known))
            # What hangs on data only (how often a loop runs) leaves a lower bound.
            # Nothing is counted below none: of n - 1, for an n that may be 0, nothing is known.
            least = known.least()
            known_part = None if least is None else max(least, 0)
            return cls(None, known_part, "partial", missing, str(known))
        if missing:
            return cls(None, known, "partial", missing)
        return cls(known, known, "complete")

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "value": self.value,
            "known": self.known,
            "status": self.status,
            "uncounted": dict(self.uncounted),
        }
        if self.formula is not None:
            found["formula"] = self.formula
        if self.upper is not None:
            found["upper"] = self.upper
        return found


@dataclass(frozen=True, slots=True)
class Totals:
    """The model's figures.

    Args:
        params: distinct learned weight elements, shared ones once.
        buffers: stored statistics that aren't learned (batch normalisation's running ones).
        constants: stored shapes, axes, quantisation scales and zero points.
        macs: products in convolutions, matrix products, attention, recurrence and einsum.
        float_macs, int_macs: those on floats and those on integers.
        flops: 2 * macs + every other arithmetic operation once.
        folded_macs, folded_flops: of the nodes whose result is constant, which are no layers: what they
            cost where they are run all the same. Not part of the other totals.
        weight_bytes: bytes of everything stored that is used.
        peak_activation_bytes: the most bytes of activations alive at once, in running order.
        peak_layer: the layer where that is.
        traffic_bytes: bytes every layer reads plus bytes it writes.
    """

    params: Metric
    buffers: Metric
    constants: Metric
    macs: Metric
    float_macs: Metric
    int_macs: Metric
    flops: Metric
    folded_macs: Metric
    folded_flops: Metric
    weight_bytes: Metric
    peak_activation_bytes: Metric
    traffic_bytes: Metric
    peak_layer: str | None = None

    def metrics(self) -> dict[str, Metric]:
        """What the model is and costs, by name, in the order they are shown."""
        apart = ("peak_layer", "folded_macs", "folded_flops")
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in apart
        }

    def to_dict(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = {n: m.to_dict() for n, m in self.metrics().items()}
        found["peak_activation_bytes"]["layer"] = self.peak_layer
        found["folded_macs"] = self.folded_macs.to_dict()
        found["folded_flops"] = self.folded_flops.to_dict()
        return found


@dataclass(frozen=True, slots=True)
class Value:
    """A named tensor: its dtype and shape, None where not known."""

    name: str
    tensor: Tensor

    @property
    def dtype(self) -> str | None:
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        return self.tensor.shape

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name, "dtype": self.dtype, "shape": plain_shape(self.shape),
        }  # fmt: skip
        if self.tensor.kind != "tensor":
            found["kind"] = self.tensor.kind
        return found


def plain_shape(shape: tuple[Dim, ...] | None) -> list[int | str] | None:
    """A shape as JSON has it: free dimensions as their formula, None when the rank isn't known."""
    if shape is None:
        return None
    return [d if isinstance(d, int) else str(d) for d in shape]


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What a unit of a layer sees along one axis of a network input (Distill 2019).

    Args:
        input: the network input.
        axis: its axis, counted from 0.
        output_axis: the layer's axis that moves along it; None where none does.
        size: input elements from the first to the last seen, the maximum over units, before
            clipping at the border; of a global field, the input's whole length. None: not known.
        step: input elements from one unit to the next, where that is one figure for all units:
            unit u then sees from ``start + u*step`` on. None elsewhere, as behind upsampling by a
            transposed convolution.
        start: where unit 0's window begins, i.e. minus the effective padding; None without a step.
        center: the middle of unit 0's window.
        global_: every unit sees the whole axis on some path.
        global_by: the layer that made it so.
        aligned: all paths have the same step and centre, on average over a period; None where the
            units don't move on evenly.
        local_size: the size along paths that don't collapse the axis (leaving out, e.g.,
            squeeze-and-excitation); None where there are none.
        smallest_size: the smallest field over single paths from the input to the layer (Richter et
            al. 2021), each measured as `size` is: before clipping, and where the axis is collapsed
            on the path, what of the input that covers. 1 <= smallest_size <= local_size, and
            <= size. None where a path that may be the smallest can't be followed.
        at_least: where the size isn't known, how much some unit sees at least.
        coverage: the share of the input axis that the size spans, 0 to 1.
        outside_share: the share of units along the axis whose field leaves the input, 0 to 1; None
            where not known.
        mean_step: input elements from one unit to the next on average, a `Fraction` after
            upsampling; None where the units don't move on.
        phases: where each unit along `output_axis` looks on paths that don't collapse the input's
            axis, before clipping: unit ``q*period + r`` sees ``spans[r]`` moved on by ``q*advance``.
            With a `period` of None `spans` has every unit. None where that hangs on several axes
            of the layer, isn't known, or would be a long list without a period. See `span`.
    """

    input: str
    axis: int
    output_axis: int | None
    size: int | None
    step: int | None
    start: int | None
    center: Fraction | None
    global_: bool
    global_by: str | None
    aligned: bool | None
    local_size: int | None
    smallest_size: int | None
    coverage: float | None
    outside_share: float | None = None
    mean_step: int | Fraction | None = None
    phases: Phases | None = None
    at_least: int | None = None

    def span(self, unit: int) -> Span | None:
        """The first and the last input position that a unit along `output_axis` sees, before
        clipping, on paths that don't collapse the input's axis; None: it sees nothing.

        Raises:
            ValueError: where each unit looks isn't said (`phases` is None).

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> report.layers[0].receptive_field[0].span(3)
        (3, 7)
        """
        if self.phases is None:
            raise ValueError("where each unit looks along this axis isn't known or no short list")
        return self.phases.span(unit)

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input,
            "axis": self.axis,
            "output_axis": self.output_axis,
            "size": self.size,
            "step": self.step,
            "start": self.start,
            **phases_dict(self.phases),
            "center": None if self.center is None else _real(self.center),
            "global": self.global_,
            "global_by": self.global_by,
            "aligned": self.aligned,
            "local_size": self.local_size,
            "smallest_size": self.smallest_size,
            "at_least": self.at_least,
            "coverage": self.coverage,
            "outside_share": self.outside_share,
        }


class Source(Protocol):
    """Where a layer came from, for what is put into words or figures only when asked for."""

    def kind(self) -> Kind:
        """What the layer is, in the field's words."""

    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads."""

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What the units of its first output see, in figures."""

    def padded_share(self) -> float | None:
        """The share of those units whose window touches padding."""

    def region(self, unit: Sequence[int | None]) -> Region:
        """The input indices that a unit of the layer's first output sees."""

    def explain(self, unit: Sequence[int | None] | None) -> Explanation:
        """How each of the layer's numbers comes about."""

    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around it, by their path."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One node of the model that computes something, and everything known of it.

    Args:
        index: position among the report's layers.
        name, op, scope: the node's, names made unique; `op` with its domain where it has one.
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
    _source: Source | None = field(default=None, repr=False)

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
        return _number(None if self.work is None or self.uncounted else self.work.macs)

    @property
    def flops(self) -> int | None:
        """2 * macs + every other arithmetic operation; None when not known."""
        return _number(None if self.work is None or self.uncounted else self.work.flops)

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity: FLOPs per byte read or written."""
        flops, read, written = self.flops, _number(self.bytes_read), _number(self.bytes_written)
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
            ValueError: the unit has another number of axes, or lies outside the output.
        """
        if self._source is None:
            raise ValueError(f"regions of layer {self.name!r} inside a subgraph aren't available")
        return self._source.region(unit)

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
            raise ValueError(f"layer {self.name!r} was read from data: it can't be explained")
        return self._source.explain(unit)

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name,
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
            "bytes_read": _number(self.bytes_read),
            "bytes_written": _number(self.bytes_written),
            "intensity": self.intensity,
            "padded_share": self.padded_share,
            "shapes_from": self.how,
            "receptive_field": [f.to_dict() for f in self.receptive_field],
        }
        if self.work is not None and isinstance(self.work.macs, FreeDim):
            found["macs_formula"] = str(self.work.macs)
        if self.bodies:
            found["bodies"] = {
                name: [layer.to_dict() for layer in layers] for name, layers in self.bodies.items()
            }
        return found


def _real(value: Fraction) -> float | int:
    """As JSON writes it: beyond what a float holds, halves don't matter."""
    try:
        return float(value)
    except OverflowError:
        return round(value)


def _number(value: Dim | None) -> int | None:
    return value if isinstance(value, int) else None


def work_dict(work: Work) -> dict[str, int | str]:
    """Primitive counts by name; those hanging on free dimensions as formulas."""
    return {
        name: value if isinstance(value, int) else str(value)
        for name in work.__dataclass_fields__
        for value in (getattr(work, name),)
    }


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the file says of itself."""

    path: str | None
    producer: str
    ir_version: int
    opsets: Mapping[str, int]
    file_bytes: int | None
    weights: str
    nodes: int = 0
    folded: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.path,
            "producer": self.producer,
            "ir_version": self.ir_version,
            "opsets": {name or "ai.onnx": version for name, version in self.opsets.items()},
            "file_bytes": self.file_bytes,
            "weights": self.weights,
            "nodes": self.nodes,
            "folded_nodes": self.folded,
        }


@dataclass(frozen=True, slots=True)
class Input:
    """A network input: as bound, and as the file declares it."""

    name: str
    tensor: Tensor
    declared: Tensor

    @property
    def dtype(self) -> str | None:
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        return self.tensor.shape

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name,
            "dtype": self.dtype,
            "shape": plain_shape(self.shape),
            "declared": plain_shape(self.declared.shape),
        }
        value = self.tensor.value
        if value is not None and value.dtype != object and not self.tensor.constant:
            found["value"] = value.tolist()  # assumed: it was given
        return found


@dataclass(frozen=True, eq=False)
class Report:
    """Everything known of a model.

    Args:
        model: what the file says of itself.
        inputs, outputs: of the main graph; weights also listed as inputs aren't inputs.
        layers: in running order; nodes whose result is constant aren't layers.
        totals: the figures.
        diagnostics: what was noticed.
        tensors: every input and every node output of the main graph, by name.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")  # doctest: +SKIP
    >>> report.totals.params.value  # doctest: +SKIP
    61706
    """

    model: ModelInfo
    inputs: tuple[Input, ...]
    outputs: tuple[Input, ...]
    layers: Layers
    totals: Totals
    diagnostics: tuple[Diagnostic, ...]
    tensors: Mapping[str, Tensor]
    _graph: Callable[[Report], networkx.DiGraph[str]] = field(repr=False, kw_only=True)
    #: free dimensions that were taken for the batch, and for 1; whether each was shown to be it
    batch: Mapping[str, bool] = field(default_factory=dict, kw_only=True)
    #: what running the model showed, where it was run
    execution: Execution | None = field(default=None, repr=False, kw_only=True)
    #: the passes' results it was made from, for `runtime`
    _analysis: object = field(default=None, repr=False, kw_only=True)

    def __getitem__(self, key: str | int) -> Layer:
        """A layer by name, by the name of a tensor it gives, or by index."""
        return self.layers[key]

    @property
    def graph(self) -> networkx.DiGraph[str]:
        """The layers as a networkx DiGraph: nodes are layer names with the layer's facts.

        Node attributes: ``layer`` (the `Layer`), ``op``, ``params``, ``macs``, ``flops``,
        ``shape``; network inputs and outputs are nodes too (``kind`` tells). Edges carry
        ``tensors``, the names that flow along them.
        """
        return self._graph(self)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Where the model contradicts itself, so that no runtime can run it as it is.

        >>> import cnnscope
        >>> cnnscope.analyze("sample_models/lenet5.onnx").errors
        ()
        """
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def batch_axes(self) -> Mapping[str, int]:
        """By input, the axis of its free batch dimension; inputs without one are left out."""
        return {
            x.name: axis
            for x in self.inputs
            for axis, dim in enumerate(x.declared.shape or ())
            if isinstance(dim, FreeDim)
            and not self.batch.keys().isdisjoint((str(dim), f"{x.name}:{axis}"))
        }

    @property
    def complete(self) -> bool:
        """Every total is complete, and there is no error."""
        return not self.errors and all(
            m.status == "complete" for m in self.totals.metrics().values()
        )

    def by_op(self) -> list[Group]:
        """Totals by operator, the one with the most FLOPs first."""
        from cnnscope.analyzer.report.groups import grouped

        return grouped(self, "op")

    def by_kind(self) -> list[Group]:
        """Totals by what a layer is in the field's words, the one with the most FLOPs first."""
        from cnnscope.analyzer.report.groups import grouped

        return grouped(self, "kind")

    def by_module(self, depth: int | None = None) -> list[Group]:
        """Totals by module of the model's source, in running order.

        Args:
            depth: how many steps below the path that all layers share; by default 1.

        Raises:
            ValueError: the depth isn't positive.
        """
        from cnnscope.analyzer.report.groups import grouped

        return grouped(self, "module", depth)

    def by_block(self) -> list[Group]:
        """Totals by block, in running order: a weight layer, its normalisation and activation."""
        from cnnscope.analyzer.report.groups import grouped

        return grouped(self, "block")

    def to_dict(self, *, tensors: bool = False) -> dict[str, object]:
        """The report as JSON-ready data, ``schema_version`` 1.

        Args:
            tensors: also list every tensor of the main graph.
        """
        found: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model.to_dict(),
            "inputs": [x.to_dict() for x in self.inputs],
            "outputs": [x.to_dict() for x in self.outputs],
            "totals": self.totals.to_dict(),
            "by_op": [row.to_dict() for row in self.by_op()],
            "layers": [layer.to_dict() for layer in self.layers],
            "diagnostics": [
                {
                    "code": d.code,
                    "severity": d.severity,
                    "layer": d.layer,
                    "message": d.message,
                    "hint": d.hint,
                }
                for d in self.diagnostics
            ],
        }
        if self.execution is not None:
            found["run"] = self.execution.to_dict()
        if tensors:
            found["tensors"] = {
                name: {
                    "dtype": t.dtype,
                    "shape": plain_shape(t.shape),
                    "constant": t.constant,
                }
                for name, t in self.tensors.items()
            }
        return found

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per layer, as a pandas DataFrame; raises ImportError where pandas isn't there."""
        import pandas

        return pandas.DataFrame([row(layer) for layer in self.layers])

    def _repr_html_(self) -> str:
        from cnnscope.analyzer.render.forms.html import report_html

        return report_html(self)

    def __rich__(self) -> object:
        from cnnscope.analyzer.render.forms.terminal import report_table

        return report_table(self)

    def __str__(self) -> str:
        from cnnscope.analyzer.render.forms.terminal import report_text

        return report_text(self)

    def __repr__(self) -> str:
        return f"<cnnscope.Report of {self.model.path or 'a model in memory'}: {len(self.layers)} layers>"


class Layers(Sequence[Layer]):
    """The layers, by index, by name, or those a condition holds for."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)
        self._by_name: dict[str, Layer] = {}
        for layer in self._layers:
            for value in layer.outputs:
                self._by_name.setdefault(value.name, layer)
        for layer in self._layers:
            self._by_name[layer.name] = layer

    def __getitem__(self, key: int | slice | str) -> Layer:  # type: ignore[override]
        if isinstance(key, str):
            try:
                return self._by_name[key]
            except KeyError:
                import difflib

                close = difflib.get_close_matches(key, self._by_name, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise KeyError(f"no layer or tensor {key!r}{hint}") from None
        return self._layers[key]  # type: ignore[return-value]  # a slice gives a tuple of layers

    def find(self, text: str) -> Layer:
        """A layer as people name it: by name, by a tensor it gives, by index; in subgraphs, too.

        Raises:
            KeyError: there's none; with the closest name there is.
        """
        if text in self._by_name:
            return self._by_name[text]
        if text.lstrip("-").isdecimal() and len(text) < 12 and -len(self) <= int(text) < len(self):
            return self._layers[int(text)]
        waiting = list(self._layers)
        while waiting:
            layer = waiting.pop()
            if layer.name == text or any(value.name == text for value in layer.outputs):
                return layer
            waiting += [inner for body in layer.bodies.values() for inner in body]
        found = self[text]
        assert isinstance(found, Layer)
        return found

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def filter(
        self, condition: Callable[[Layer], bool] | None = None, *, op: str | None = None
    ) -> tuple[Layer, ...]:
        """Layers of an operator, or for which the condition holds."""
        return tuple(
            x for x in self._layers
            if (op is None or x.op == op) and (condition is None or condition(x))
        )  # fmt: skip


def _looking(layer: Layer) -> list[ReceptiveField]:
    """The fields that move along an axis of the layer's output; all of them, where none does."""
    local = [f for f in layer.receptive_field if f.output_axis is not None]
    return local or list(layer.receptive_field)


#: the facts of one flat row, each by itself: a column asks for one
FACTS: Mapping[str, Callable[[Layer], object]] = {
    "name": lambda x: x.name,
    "op": lambda x: x.op,
    "kind": lambda x: x.kind.label,
    "traits": lambda x: list(x.kind.traits),
    "padding": lambda x: x.kind.padding,
    "scope": lambda x: x.scope,
    "output": lambda x: plain_shape(x.output_shape),
    "dtype": lambda x: x.outputs[0].dtype if x.outputs else None,
    "params": lambda x: x.params,
    "macs": lambda x: x.macs,
    "flops": lambda x: x.flops,
    "weight_bytes": lambda x: x.weight_bytes,
    "bytes_read": lambda x: _number(x.bytes_read),
    "bytes_written": lambda x: _number(x.bytes_written),
    "intensity": lambda x: x.intensity,
    "rf_size": lambda x: [f.size for f in _looking(x)],
    "rf_local": lambda x: [f.local_size for f in _looking(x)],
    "rf_step": lambda x: [f.step for f in _looking(x)],
    "rf_mean_step": lambda x: [
        None if f.mean_step is None else str(f.mean_step) for f in _looking(x)
    ],
    "rf_start": lambda x: [f.start for f in _looking(x)],
    "rf_global": lambda x: any(f.global_ for f in _looking(x)),
    "rf_outside": lambda x: [f.outside_share for f in _looking(x)],
    "padded": lambda x: x.padded_share,
}


def row(layer: Layer) -> dict[str, object]:
    """A layer as one flat row: a table's, a CSV file's or a DataFrame's."""
    return {key: fact(layer) for key, fact in FACTS.items()}


def sum_work(layers: Sequence[Layer], what: str) -> Metric:
    """The sum of ``work.macs`` or another count over layers, missing ones listed."""
    total: Dim = 0
    missing: dict[str, int] = {}
    counted = 0
    for layer in layers:
        for op, times in layer.uncounted.items():
            missing[op] = missing.get(op, 0) + times
        if layer.work is not None:
            total = total + getattr(layer.work, what)
            counted += 1
    return Metric.of(total if counted or not layers else None, missing)


def sum_traffic(layers: Sequence[Layer]) -> Metric:
    """Bytes read and written over layers."""
    total: Dim = 0
    missing: dict[str, int] = {}
    for layer in layers:
        for part in (layer.bytes_read, layer.bytes_written):
            if part is not None:
                total = total + part
        if layer.bytes_read is None or layer.bytes_written is None:
            missing[layer.op] = missing.get(layer.op, 0) + 1
    return Metric.of(total, missing)
