"""Everything cnnscope knows of a model without running it: ``analyze()``, the pipeline.

open -> Graph -> shapes -> costs, weights, memory, fields -> Report. Each step is a pass over the
one before; this module only connects them and gathers what they say per layer.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO, TYPE_CHECKING

import onnx

from cnnscope.analyzer.fields.batch import Batch, find_batch
from cnnscope.analyzer.fields.border import outside_share, padded_share
from cnnscope.analyzer.fields.following import Fields, Key, Paths, Unfollowed, find_fields
from cnnscope.analyzer.fields.regions import find_region
from cnnscope.analyzer.fields.seen import find_seen
from cnnscope.analyzer.fields.units import moving_axes, whole_unit
from cnnscope.analyzer.layers.channels import data_input
from cnnscope.analyzer.layers.kinds import BORDERED, Kind, find_kind
from cnnscope.analyzer.layers.patterns import find_patterns
from cnnscope.analyzer.model.binding import batch_candidates, bind_inputs, fitted_values
from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.tensors import VALUE_LIMIT
from cnnscope.analyzer.operators import families as _operators  # noqa: F401  (registers every operator)
from cnnscope.analyzer.operators.guests import guest_notes
from cnnscope.analyzer.passes.costs import Cost, Costs, count_costs, count_folded
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.memory import Liveness, find_liveness
from cnnscope.analyzer.passes.reads import NodeReads, find_reads
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.passes.weights import Path, Weight, Weights, find_weights
from cnnscope.analyzer.report.comparison import Comparison, compared
from cnnscope.analyzer.report.report import (
    Input,
    Layer,
    Layers,
    Metric,
    ModelInfo,
    ReceptiveField,
    Region,
    Report,
    Totals,
    Value,
    sum_traffic,
    sum_work,
)
from cnnscope.analyzer.values.arguments import (
    checked_dims,
    checked_several,
    checked_shapes,
    checked_values,
)
from cnnscope.analyzer.values.diagnostics import Diagnostic, GraphError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Shape, Tensor

if TYPE_CHECKING:
    import networkx
    import numpy as np

    from cnnscope.analyzer.difference.difference import Difference
    from cnnscope.analyzer.difference.stages import Side
    from cnnscope.analyzer.explanation.explanation import Explanation

Source = str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes]


def analyze(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> Report:
    """Sizes, parameters, work, memory and receptive fields of every layer, computed, not measured.

    Args:
        model: a path, the file's bytes, an open binary file, or an `onnx.ModelProto`. Weights are
            never read; external data need not exist.
        shapes: input name to its shape, for inputs with free dimensions; None leaves an axis free,
            the batch too.
        dims: name of a free dimension to its length. A free dimension that every operator only
            carries along is the batch and becomes 1 (`Report.batch`).
        values: input name to its value (a number, lists of them or an array), for inputs that sizes
            hang on: how many are kept, to which shape. What follows from it is taken as known.

    Returns:
        The `Report`. A node that contradicts what it is given costs only what hangs on it, and is
        among the report's `errors`.

    Raises:
        ModelFileError: the model can't be read.
        GraphError: it can, but is no graph: a cycle, a tensor that nothing gives.
        LimitError: it stands for more than can be analysed.
        BindingError: `shapes`, `dims` or `values` don't fit its inputs.

    >>> import cnnscope
    >>> report = cnnscope.analyze("resnet50.onnx")  # doctest: +SKIP
    >>> report.totals.macs.value  # doctest: +SKIP
    4089184256
    """
    given, bound, told = checked_shapes(shapes), checked_dims(dims), checked_values(values)
    with _collector_resting():
        try:
            return _report(examine(model, shapes=given, dims=bound, values=told))
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Without Python's cycle collector, which would look again and again at all that is kept.

    A report is made of objects that stay, and few of them in cycles; looking for garbage among them
    takes a third of the time, and more per layer the larger the model is.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # All that was made is kept, so it may pass for old at once: the collector's first
                # look after its rest would be at every object of the report.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@dataclass(frozen=True, eq=False)
class Analysis:
    """The results of every pass, for what needs more than a `Report` says (running the model)."""

    file: ModelFile
    graph: Graph
    shapes: Shapes
    costs: Costs
    weights: Weights
    liveness: Liveness
    fields: Fields
    notes: Sequence[Diagnostic]
    batch: Mapping[str, Batch]


def examine(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> Analysis:
    """Every pass over a model, its arguments and errors those of `analyze`."""
    file = open_model(model)
    graph = read_graph(file.model)
    shapes, dims = shapes or {}, dims or {}
    told = fitted_values(graph.inputs, values, shapes, VALUE_LIMIT) if values else {}
    if told:
        shapes = {**{name: array.shape for name, array in told.items()}, **shapes}

    def bound(taken: Mapping[str, bool]) -> tuple[dict[str, Tensor], list[Diagnostic]]:
        found, notes = bind_inputs(graph.inputs, shapes, dims, taken)
        for name, array in told.items():
            found[name] = replace(
                found[name], shape=array.shape, dtype=found[name].dtype or str(array.dtype)
            ).with_value(array)
        return found, [*notes, *_assumed(told)]

    inputs, notes = bound({})
    guests: list[Diagnostic] = []
    token = guest_notes.set(guests)
    try:
        batch = find_batch(graph, inputs, batch_candidates(graph.inputs, shapes, dims))
        taken = {label: x.state == "proven" for label, x in batch.items() if x.state != "refuted"}
        if taken:
            inputs, notes = bound(taken)
        found = infer_shapes(graph, inputs)
        found.origin.read = file.read
        return Analysis(
            file, graph, found, count_costs(graph, found), find_weights(graph, found),
            find_liveness(graph, found), find_fields(graph, found), (*notes, *guests), batch,
        )  # fmt: skip
    finally:
        guest_notes.reset(token)


def _assumed(values: Mapping[str, np.ndarray]) -> list[Diagnostic]:
    """Which values were given: everything that hangs on them holds for those only."""
    return [
        Diagnostic("given-value", "info", None,
                   f"input {name} is taken to be {_shown(array)}: what hangs on it holds for that only")
        for name, array in values.items()
    ]  # fmt: skip


def _shown(array: np.ndarray) -> str:
    items = [str(item) for item in array.ravel().tolist()[:8]]
    text = ", ".join(items) + (", ..." if array.size > len(items) else "")
    return text if array.size == 1 else f"[{text}]"


def _report(analysis: Analysis) -> Report:
    file, graph, found, weights = analysis.file, analysis.graph, analysis.shapes, analysis.weights
    layers = _Gathering(graph, found, analysis.costs, weights, analysis.fields).layers()
    notes = [
        *analysis.notes, *_branches(layers), *found.diagnostics, *analysis.costs.diagnostics,
        *analysis.fields.diagnostics, *_notes(file, weights),
    ]  # fmt: skip
    return Report(
        model=_model_info(file, graph, found),
        inputs=tuple(Input(n, found.tensors[n], graph.inputs[n]) for n in graph.inputs),
        outputs=tuple(
            Input(n, found.tensors[n], graph.declared.get(n, Tensor())) for n in graph.outputs
        ),
        layers=Layers(layers),
        totals=_totals(analysis, layers),
        diagnostics=tuple(dict.fromkeys(notes)),
        tensors={
            name: found.tensors[name]
            for name in (*graph.inputs, *(o for n in graph.nodes for o in n.outputs if o))
        },
        batch={
            label: x.state == "proven"
            for label, x in analysis.batch.items()
            if x.state != "refuted"
        },
        _graph=_network,
        _analysis=analysis,
    )


def compare(
    models: Sequence[Source | Report],
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> Comparison:
    """Several models side by side, and as ratios to the first.

    Args:
        models: what `analyze` takes, or reports that it gave.
        shapes, dims, values: for those still to be analysed, as `analyze` takes them.

    Returns:
        The `Comparison`; printed, it is a table.

    Raises:
        ValueError: there is no model.
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> print(cnnscope.compare(["resnet50.onnx", "mobilenet_v2.onnx"]))  # doctest: +SKIP
    """
    reports = []
    for model in checked_several(models, "models"):
        if not isinstance(model, Report):
            model = analyze(model, shapes=shapes, dims=dims, values=values)  # type: ignore[arg-type]  # it says so
        reports.append(model)
    return compared(reports)


def diff(
    before: Source | Report,
    after: Source | Report,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    weights: bool = True,
) -> Difference:
    """What differs between two models, layers matched by name and by structure.

    Args:
        before, after: what `analyze` takes, or reports that it gave.
        shapes, dims, values: for those still to be analysed, as `analyze` takes them.
        weights: compare the numbers stored, too; they are read piece by piece, never whole.

    Returns:
        The `Difference`; printed, it is a table of what changed.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> lenet = "sample_models/lenet5.onnx"
    >>> cnnscope.diff(lenet, lenet).same
    True
    """
    # Loaded when first asked for: most reports are never compared.
    from cnnscope.analyzer.difference.diffing import find_difference

    sides = [
        x if isinstance(x, Report) else analyze(x, shapes=shapes, dims=dims, values=values)
        for x in (before, after)
    ]
    with _collector_resting():
        return find_difference(*(_side(report, weights) for report in sides))


def _side(report: Report, read: bool) -> Side:
    """A report together with what is stored in its model, where the model is at hand."""
    from cnnscope.analyzer.difference.constants import main_level
    from cnnscope.analyzer.difference.stages import side_of

    known = report._analysis
    level = None
    if isinstance(known, Analysis):
        level = main_level(known.file, known.graph, known.shapes, known.weights, read=read)
    return side_of(report, level, read=read)


def _model_info(file: ModelFile, graph: Graph, shapes: Shapes) -> ModelInfo:
    proto = file.model
    producer = f"{proto.producer_name} {proto.producer_version}".strip()
    folded = sum(1 for node in graph.nodes if shapes.folded(node))
    return ModelInfo(
        file.path, producer, int(proto.ir_version), dict(graph.opsets), file.file_bytes,
        file.weights, len(graph.nodes), folded,
    )  # fmt: skip


def _notes(file: ModelFile, weights: Weights) -> list[Diagnostic]:
    notes = []
    known = onnx.defs.onnx_opset_version()
    versions = [
        *file.model.opset_import,
        *(v for f in file.model.functions for v in f.opset_import),
    ]
    newest = max((v.version for v in versions if v.domain in ("", "ai.onnx")), default=0)
    if newest > known:
        notes.append(
            Diagnostic("newer-opset", "warning", None,
                       f"the model is written for opset {newest}; onnx {onnx.__version__}, which is "
                       f"installed, knows {known}: operators are taken as they were then",
                       "a newer onnx may know what has changed")
        )  # fmt: skip
    if file.missing:
        shown = ", ".join(file.missing[:3]) + (", ..." if len(file.missing) > 3 else "")
        notes.append(
            Diagnostic("weights-missing", "info", None,
                       f"external data isn't there, or too short ({shown}): every figure here "
                       "is known without it")
        )  # fmt: skip
    if weights.unused:
        names = ", ".join(name for name, _ in weights.unused[:3])
        more = ", ..." if len(weights.unused) > 3 else ""
        notes.append(
            Diagnostic("unused-weights", "info", None,
                       f"{len(weights.unused)} stored tensors are read by nothing and not counted: "
                       f"{names}{more}", "removing them makes the file smaller")
        )  # fmt: skip
    return notes


def _branches(layers: Sequence[Layer]) -> list[Diagnostic]:
    """Where one of several subgraphs runs: what each would cost."""
    notes = []
    for layer in layers:
        if len(layer.bodies) < 2:
            continue
        costs = []
        for name, body in layer.bodies.items():
            macs = sum_work(body, "macs")
            known = f"{macs.known} MACs" if macs.known is not None else "MACs not known"
            costs.append(f"{name} {'at least ' if macs.status == 'partial' else ''}{known}")
        notes.append(
            Diagnostic("branches", "info", layer.name,
                       f"{layer.op} runs one of its subgraphs: {', '.join(costs)}",
                       "the larger one is in the total")
        )  # fmt: skip
    return notes


def _totals(analysis: Analysis, layers: Sequence[Layer]) -> Totals:
    graph, weights, liveness = analysis.graph, analysis.weights, analysis.liveness
    folded = count_folded(graph, analysis.shapes)
    folded_work = folded.work
    # A constant made by the graph whose size isn't known may be of any role.
    uncounted = {"constant of unknown size": len(weights.uncounted)} if weights.uncounted else {}

    def elements(role: str) -> Metric:
        return Metric.of(sum(w.elements for w in weights.used if w.role == role), uncounted)

    unsized = {"constant of unknown bytes": len(weights.unsized)} if weights.unsized else {}
    where = liveness.node
    return Totals(
        params=elements("parameter"),
        buffers=elements("buffer"),
        constants=elements("constant"),
        macs=sum_work(layers, "macs"),
        float_macs=sum_work(layers, "float_macs"),
        int_macs=sum_work(layers, "int_macs"),
        flops=sum_work(layers, "flops"),
        folded_macs=Metric.of(folded_work.macs, folded.uncounted),
        folded_flops=Metric.of(folded_work.flops, folded.uncounted),
        weight_bytes=Metric.of(sum(w.nbytes for w in weights.used), unsized),
        peak_activation_bytes=replace(
            Metric.of(
                None if liveness.free else liveness.peak,
                {f"free dimension {name}": 1 for name in sorted(liveness.free)}
                | {**liveness.unsized},
            ),
            formula=liveness.formula,
            upper=liveness.upper,
        ),
        traffic_bytes=sum_traffic(layers),
        peak_layer=None if where is None or liveness.free else graph.nodes[where].name,
    )


class _Gathering:
    """The passes' results, layer by layer."""

    def __init__(
        self, graph: Graph, shapes: Shapes, costs: Costs, weights: Weights, fields: Fields
    ) -> None:
        self.graph, self.shapes, self.costs = graph, shapes, costs
        self.weights, self.fields = weights, fields
        # What many layers share is made once: the fields of tensors whose units see the same (a
        # state stands for what all of them see), and tensors named by all that read them.
        self._fields_of: dict[tuple[int, Shape | None], tuple[ReceptiveField, ...]] = {}
        self._values: dict[tuple[int, str], Value] = {}
        self._shares: dict[tuple[int, int, Kind], float | None] = {}

    def __getstate__(self) -> dict[str, object]:
        # What is kept by the identity of objects means nothing to their copies.
        return {**self.__dict__, "_fields_of": {}, "_values": {}, "_shares": {}}

    def layers(self) -> list[Layer]:
        nodes = [node for node in self.graph.nodes if not self.shapes.folded(node)]
        around = _Around(self, nodes, self.shapes, self.graph.outputs, top=True)
        costs = self.costs.nodes
        return [
            self.layer(i, node, costs[node.index], (node.index,), around)
            for i, node in enumerate(nodes)
        ]

    def moving_axes(self, tensor: str) -> frozenset[int]:
        """The tensor's axes that move along a spatial axis of an input."""
        return frozenset(moving_axes(self.fields, tensor))

    def layer(self, index: int, node: Node, cost: Cost, path: Path, around: _Around) -> Layer:
        shapes = around.shapes
        bodies = {}
        for name, body in node.bodies.items():
            inner = shapes.bodies.get((node.index, name))
            if inner is not None and name in cost.bodies:
                inside = [n for n in body.nodes if not inner.folded(n)]
                within = _Around(self, inside, inner, body.outputs, top=False)
                bodies[name] = tuple(
                    self.layer(
                        i, n, cost.bodies[name].nodes[n.index], (*path, name, n.index), within
                    )
                    for i, n in enumerate(inside)
                )
        own = _stored_at(self.weights.by_layer.get(path, ()), path)
        attributes = dict(node.attributes)
        for name in node.bodies:
            del attributes[name]
        return Layer(
            index=index,
            name=node.name,
            op=node.title,
            scope=node.scope,
            inputs=node.inputs,
            outputs=tuple([self.value(name, shapes) for name in node.outputs if name]),
            attributes=attributes,
            params=own["parameter"] + _inner(bodies, "params"),
            buffers=own["buffer"] + _inner(bodies, "buffers"),
            constants=own["constant"] + _inner(bodies, "constants"),
            shared_params=own["shared"],
            weight_bytes=own["bytes"] + _inner(bodies, "weight_bytes"),
            work=cost.work,
            uncounted=cost.uncounted,
            bytes_read=cost.bytes_read,
            bytes_written=cost.bytes_written,
            how=shapes.how.get(node.index, "unknown"),
            bodies=bodies,
            _source=_Source(self, node, cost, path, around),
        )

    def receptive_field(self, tensor: str) -> tuple[ReceptiveField, ...]:
        state, shape = self.fields.states.get(tensor), self.shapes.tensors[tensor].shape
        if not state or isinstance(state, Unfollowed):
            return ()
        known = self._fields_of.get((id(state), shape))
        if known is None:
            spatial = sorted((k for k in state if k in self.fields.spatial), key=lambda k: k[1])
            known = self._fields_of[id(state), shape] = tuple(
                [receptive_field(k, state[k], self.shapes.tensors[k[0]], shape) for k in spatial]
            )
        return known

    def padded_share(
        self, node: Node, shapes: Shapes, reads: NodeReads, kind: Kind
    ) -> float | None:
        """The share of the node's units whose window touches padding."""
        # Of an operator that nobody says what it is, only its reads can tell.
        if kind.family not in BORDERED and kind.family != "other":
            return 0.0
        number = shapes.alike.get(node.index)
        if number is None:
            return _padded_share(node, shapes, reads, kind)
        key = id(shapes), number, kind
        if key not in self._shares:
            self._shares[key] = _padded_share(node, shapes, reads, kind)
        return self._shares[key]

    def value(self, name: str, shapes: Shapes) -> Value:
        """A tensor with its name."""
        known = self._values.get((id(shapes), name))
        if known is None:
            known = self._values[id(shapes), name] = Value(name, shapes.tensors[name])
        return known


class _Around:
    """The layers of one graph, and what each of them is in view of the others.

    Args:
        nodes: those that are layers.
        outputs: tensors that are read from outside.
        top: it is the main graph, whose tensors have receptive fields.
    """

    def __init__(
        self,
        model: _Gathering,
        nodes: Sequence[Node],
        shapes: Shapes,
        outputs: Sequence[str],
        *,
        top: bool,
    ) -> None:
        self.model, self.nodes, self.shapes, self.outputs = model, nodes, shapes, outputs
        self.top = top

    @cached_property
    def reads(self) -> dict[int, NodeReads]:
        """What each node reads, by its index."""
        # What the fields' pass went through it also knows the reads of.
        known = self.model.fields.reads if self.top else {}
        return {n.index: known.get(n.index) or find_reads(n, self.shapes) for n in self.nodes}

    @cached_property
    def kinds(self) -> dict[int, Kind]:
        """What each node is, alone and together with its neighbours."""
        shapes, kinds = self.shapes, dict[int, Kind]()
        classes: dict[int, Kind] = {}
        for node in self.nodes:
            number = shapes.alike.get(node.index, -1)
            if number in classes:
                kinds[node.index] = classes[number]
                continue
            asked: list[Node] = []

            def moving(node: Node = node, asked: list[Node] = asked) -> frozenset[int]:
                asked.append(node)
                return self.model.moving_axes(node.outputs[0]) if self.top else frozenset()

            kind = kinds[node.index] = find_kind(node, shapes, self.reads[node.index], moving)
            if number >= 0 and not asked:  # where it lies in the network didn't matter
                classes[number] = kind
        outputs = frozenset(self.outputs)
        kinds.update(find_patterns(self.nodes, shapes, self.reads, kinds, outputs))
        return kinds


class _Source:
    """What a layer can be asked for later."""

    __slots__ = ("around", "cost", "model", "node", "path")

    def __init__(
        self, model: _Gathering, node: Node, cost: Cost, path: Path, around: _Around
    ) -> None:
        self.model, self.node, self.cost = model, node, cost
        self.path, self.around = path, around

    @property
    def shapes(self) -> Shapes:
        """The facts of the tensors around the node."""
        return self.around.shapes

    def kind(self) -> Kind:
        """What the layer is, in the field's words."""
        return self.around.kinds[self.node.index]

    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads."""
        value = self.model.value
        return tuple([value(name, self.shapes) if name else None for name in self.node.inputs])

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What the units of its first output see, in figures."""
        tensor = next((name for name in self.node.outputs if name), "")
        return self.model.receptive_field(tensor) if self.around.top and tensor else ()

    def padded_share(self) -> float | None:
        """The share of those units whose window touches padding."""
        reads = self.around.reads[self.node.index]
        return self.model.padded_share(self.node, self.shapes, reads, self.kind())

    def region(self, unit: Sequence[int | None]) -> Region:
        """The input indices that a unit sees."""
        if not self.around.top:
            name = self.node.name
            raise ValueError(f"regions of layer {name!r} inside a subgraph aren't available")
        tensor = next((name for name in self.node.outputs if name), "")
        if not tensor:
            raise ValueError(f"layer {self.node.name!r} has no output, so no units")
        shape = self.shapes.tensors[tensor].shape
        whole = whole_unit(self.model.fields, tensor, None if shape is None else len(shape), unit)
        return find_region(self.model.graph, self.shapes, tensor, whole)

    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around the node, by path."""
        return self.node.modules

    def explain(self, unit: Sequence[int | None] | None) -> Explanation:
        """How each number comes about."""
        # Loaded when first asked for: most reports are never asked.
        from cnnscope.analyzer.explanation.derivation import Subject, explain_node

        model = self.model
        return explain_node(
            Subject(
                model.graph, self.shapes, self.node, self.cost,
                self.around.reads[self.node.index], self.kind(),
                model.weights, self.path, model.fields if self.around.top else None,
            ),
            unit,
        )  # fmt: skip


def _padded_share(node: Node, shapes: Shapes, reads: NodeReads, kind: Kind) -> float | None:
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


def _inner(bodies: Mapping[str, Sequence[Layer]], what: str) -> int:
    if not bodies:
        return 0
    return sum(getattr(layer, what) for layers in bodies.values() for layer in layers)


def _stored_at(used: Sequence[Weight], path: Path) -> dict[str, int]:
    """Elements by role, and bytes, of the weights counted at a layer; and the learned ones that it
    shares with an earlier layer, where they are counted."""
    found = {"parameter": 0, "buffer": 0, "constant": 0, "shared": 0, "bytes": 0}
    for weight in used:
        if weight.layer == path:
            found[weight.role] += weight.elements
            found["bytes"] += weight.nbytes
        elif weight.role == "parameter":
            found["shared"] += weight.elements
    return found


def receptive_field(key: Key, paths: Paths, source: Tensor, units: Shape | None) -> ReceptiveField:
    """What the terms come to, as one row for people and machines."""
    length: Dim | None = source.shape[key[1]] if source.shape is not None else None
    whole = length if isinstance(length, int) else None
    found = find_seen(paths, whole, units)
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
        outside_share=outside_share(paths, units, length),
    )


def _network(report: Report) -> networkx.DiGraph[str]:
    """The report's layers as a networkx DiGraph."""
    import networkx

    network: networkx.DiGraph[str] = networkx.DiGraph()
    givers: dict[str, str] = {}
    for x in report.inputs:
        network.add_node(x.name, kind="input", shape=x.shape, dtype=x.dtype)
        givers[x.name] = x.name
    for layer in report.layers:
        name = layer.name if layer.name not in network else f"{layer.name} ({layer.op})"
        network.add_node(
            name, kind="layer", layer=layer, op=layer.op, params=layer.params, macs=layer.macs,
            flops=layer.flops, shape=layer.output_shape, bytes_read=layer.bytes_read,
            bytes_written=layer.bytes_written, receptive_field=layer.receptive_field,
        )  # fmt: skip
        for tensor in layer.inputs:
            if tensor in givers:
                _join(network, givers[tensor], name, tensor)
        for value in layer.outputs:
            givers[value.name] = name
    for x in report.outputs:
        if x.name in givers:
            end = x.name if x.name not in network else f"{x.name} (output)"
            network.add_node(end, kind="output", shape=x.shape, dtype=x.dtype)
            _join(network, givers[x.name], end, x.name)
    return network


def _join(network: networkx.DiGraph[str], a: str, b: str, tensor: str) -> None:
    if network.has_edge(a, b):
        network.edges[a, b]["tensors"].append(tensor)
    else:
        network.add_edge(a, b, tensors=[tensor])
