"""Everything cnnscope knows of a model without running it: ``analyze()``, the pipeline.

open -> Graph -> shapes -> costs, weights, memory, fields -> Report. Each step is a pass over the
one before; this module only connects them and gathers what they say per layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING

import onnx

from cnnscope.analyzer import operators as _operators  # noqa: F401  (registers every operator)
from cnnscope.analyzer.binding import bind_inputs
from cnnscope.analyzer.costs import Cost, Costs, count_costs
from cnnscope.analyzer.diagnostics import Diagnostic
from cnnscope.analyzer.digits import Everything, Reach, width
from cnnscope.analyzer.dimension import Dim
from cnnscope.analyzer.fields import Fields, Key, Paths, find_fields
from cnnscope.analyzer.graph import Graph, Node, read_graph
from cnnscope.analyzer.kinds import find_kind
from cnnscope.analyzer.memory import Liveness, find_liveness
from cnnscope.analyzer.model_file import ModelFile, open_model
from cnnscope.analyzer.reads import find_reads
from cnnscope.analyzer.regions import find_region
from cnnscope.analyzer.report import (
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
from cnnscope.analyzer.shapes import Shapes, infer_shapes
from cnnscope.analyzer.tensor import Tensor
from cnnscope.analyzer.weights import Path, Weight, Weights, find_weights

if TYPE_CHECKING:
    import networkx

Source = str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes]


def analyze(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Report:
    """Sizes, parameters, work, memory and receptive fields of every layer, computed, not measured.

    Args:
        model: a path, the file's bytes, an open binary file, or an `onnx.ModelProto`. Weights are
            never read; external data need not exist.
        shapes: input name to its shape, for inputs with free dimensions; None leaves an axis free.
        dims: name of a free dimension to its length. A free batch dimension becomes 1.

    Returns:
        The `Report`.

    Raises:
        ModelFileError: the model can't be read.
        GraphError: it can, but contradicts itself.
        BindingError: `shapes` or `dims` don't fit its inputs.

    >>> import cnnscope
    >>> report = cnnscope.analyze("resnet50.onnx")  # doctest: +SKIP
    >>> report.totals.macs.value  # doctest: +SKIP
    4089184256
    """
    return _report(examine(model, shapes=shapes, dims=dims))


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


def examine(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Analysis:
    """Every pass over a model, its arguments and errors those of `analyze`."""
    file = open_model(model)
    graph = read_graph(file.model)
    inputs, notes = bind_inputs(graph.inputs, shapes or {}, dims or {})
    found = infer_shapes(graph, inputs)
    return Analysis(
        file, graph, found, count_costs(graph, found), find_weights(graph, found),
        find_liveness(graph, found), find_fields(graph, found), tuple(notes),
    )  # fmt: skip


def _report(analysis: Analysis) -> Report:
    file, graph, found, weights = analysis.file, analysis.graph, analysis.shapes, analysis.weights
    layers = _Gathering(graph, found, analysis.costs, weights, analysis.fields).layers()
    notes = [
        *analysis.notes, *_branches(layers), *found.diagnostics, *analysis.fields.diagnostics,
        *_notes(file, weights),
    ]  # fmt: skip
    return Report(
        model=_model_info(file, graph, found),
        inputs=tuple(Input(n, found.tensors[n], graph.inputs[n]) for n in graph.inputs),
        outputs=tuple(
            Input(n, found.tensors[n], graph.declared.get(n, Tensor())) for n in graph.outputs
        ),
        layers=Layers(layers),
        totals=_totals(graph, layers, weights, analysis.liveness),
        diagnostics=tuple(dict.fromkeys(notes)),
        tensors={
            name: found.tensors[name]
            for name in (*graph.inputs, *(o for n in graph.nodes for o in n.outputs if o))
        },
        _graph=_network,
        _analysis=analysis,
    )


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


def _totals(graph: Graph, layers: Sequence[Layer], weights: Weights, liveness: Liveness) -> Totals:
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
        weight_bytes=Metric.of(sum(w.nbytes for w in weights.used), unsized),
        peak_activation_bytes=Metric.of(
            None if liveness.free else liveness.peak,
            {f"free dimension {name}": 1 for name in sorted(liveness.free)} | {**liveness.unsized},
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

    def layers(self) -> list[Layer]:
        nodes = [node for node in self.graph.nodes if not self.shapes.folded(node)]
        return [
            self.layer(i, node, self.shapes, self.costs.nodes[node.index], (node.index,), top=True)
            for i, node in enumerate(nodes)
        ]

    def layer(
        self, index: int, node: Node, shapes: Shapes, cost: Cost, path: Path, top: bool
    ) -> Layer:
        bodies = {}
        for name, body in node.bodies.items():
            inner = shapes.bodies.get((node.index, name))
            if inner is not None and name in cost.bodies:
                inside = [n for n in body.nodes if not inner.folded(n)]
                bodies[name] = tuple(
                    self.layer(
                        i, n, inner, cost.bodies[name].nodes[n.index], (*path, name, n.index), False
                    )
                    for i, n in enumerate(inside)
                )
        used = self.weights.by_layer.get(path, ())
        own = [w for w in used if w.layer == path]
        shown = tuple(Value(name, shapes.tensors[name]) for name in node.outputs if name)
        # What the fields' pass went through it also knows the reads of.
        known = self.fields.reads.get(node.index) if top else None
        reads = known or find_reads(node, shapes)
        return Layer(
            index=index,
            name=node.name,
            op=node.title,
            scope=node.scope,
            kind=find_kind(node, shapes, reads),
            inputs=node.inputs,
            operands=tuple(Value(n, shapes.tensors[n]) if n else None for n in node.inputs),
            outputs=shown,
            attributes={k: v for k, v in node.attributes.items() if not isinstance(v, Graph)},
            params=_elements(own, "parameter") + _inner(bodies, "params"),
            buffers=_elements(own, "buffer") + _inner(bodies, "buffers"),
            constants=_elements(own, "constant") + _inner(bodies, "constants"),
            shared_params=_elements([w for w in used if w.layer != path], "parameter"),
            weight_bytes=sum(w.nbytes for w in own) + _inner(bodies, "weight_bytes"),
            work=cost.work,
            uncounted=cost.uncounted,
            bytes_read=cost.bytes_read,
            bytes_written=cost.bytes_written,
            receptive_field=self.receptive_field(shown[0].name) if top and shown else (),
            how=shapes.how.get(node.index, "unknown"),
            bodies=bodies,
            _source=_Source(self.graph, self.shapes, self.fields, shown[0].name)
            if top and shown
            else None,
        )

    def receptive_field(self, tensor: str) -> tuple[ReceptiveField, ...]:
        state = self.fields.states.get(tensor, {})
        return tuple(
            _receptive_field(key, paths, self.shapes.tensors[key[0]])
            for key, paths in sorted(state.items(), key=lambda item: item[0][1])
            if key in self.fields.spatial
        )


class _Source:
    """What a layer can be asked for later."""

    def __init__(self, graph: Graph, shapes: Shapes, fields: Fields, tensor: str) -> None:
        self.graph, self.shapes, self.fields, self.tensor = graph, shapes, fields, tensor

    def region(self, unit: Sequence[int | None]) -> Region:
        """The input indices that a unit sees."""
        shape = self.shapes.tensors[self.tensor].shape
        whole: list[int | None] = list(unit)
        if shape is not None and len(unit) != len(shape):
            axes = self._moving_axes()
            if len(unit) != len(axes):
                raise ValueError(
                    f"{self.tensor!r} has {len(shape)} axes, {len(axes)} of them spatial: "
                    f"a unit of {len(unit)} indices fits neither"
                )
            whole = [None] * len(shape)
            for axis, index in zip(axes, unit, strict=True):
                whole[axis] = index
        return find_region(self.graph, self.shapes, self.tensor, whole)

    def _moving_axes(self) -> list[int]:
        """The tensor's axes that move along a spatial axis of an input."""
        axes = {
            digit.axis
            for key, paths in self.fields.states.get(self.tensor, {}).items()
            if key in self.fields.spatial
            for term in paths.terms
            for digit in term.digits
        }
        return sorted(axes)


def _inner(bodies: Mapping[str, Sequence[Layer]], what: str) -> int:
    return sum(getattr(layer, what) for layers in bodies.values() for layer in layers)


def _elements(weights: Sequence[Weight], role: str) -> int:
    return sum(w.elements for w in weights if w.role == role)


def _receptive_field(key: Key, paths: Paths, source: Tensor) -> ReceptiveField:
    """What the terms come to, as one row for people and machines."""
    length: Dim | None = source.shape[key[1]] if source.shape is not None else None
    whole = length if isinstance(length, int) else None
    moving = [term for term in paths.terms if term.digits]
    fixed = [term for term in paths.terms if not term.digits]
    local = max((width(term.digits) for term in moving), default=None)
    least = [width(t.small) for t in moving]
    least += [t.small_size for t in fixed if t.small_size is not None]
    sees_all = [t for t in fixed if t.whole or _covers(t.fixed, whole)]
    sizes = [local] if local is not None else []
    if sees_all:
        size = whole
        reaches = [_within(t.fixed, whole) for t in fixed]
        if not moving and None not in reaches:  # e.g. rows that a stride left over aren't seen
            size = max(r for r in reaches if r is not None)
    else:
        sizes += [s for s in (_within(t.fixed, whole) for t in fixed) if s is not None]
        size = max(sizes, default=None)
    if not paths.known:
        size = None
    # The first unit's window, along the paths that move with it where there are any.
    main = max(moving, key=lambda term: width(term.digits), default=None)
    start, center, fine = None, None, None
    if main is not None:
        fine = min(main.digits, key=lambda digit: abs(Fraction(digit.field.step)))
        first = [digit.field.span(0) for digit in main.digits]
        if all(span is not None for span in first):
            start = sum(span[0] for span in first if span is not None)
            center = sum((Fraction(sum(s), 2) for s in first if s is not None), Fraction(0))
    elif fixed and isinstance(fixed[0].fixed, tuple):
        start = fixed[0].fixed[0]
    return ReceptiveField(
        input=key[0],
        axis=key[1],
        output_axis=fine.axis if fine else None,
        size=size,
        step=fine.field.step if fine else None,
        start=start,
        center=center,
        global_=bool(sees_all),
        global_by=next((t.by for t in sees_all if t.by), None),
        aligned=paths.aligned,
        local_size=local,
        smallest_size=min(least, default=None),
        coverage=None if size is None or not whole else min(size / whole, 1.0),
    )


def _covers(reach: Reach, length: int | None) -> bool:
    if isinstance(reach, Everything):
        return True
    return reach is not None and length is not None and reach[0] <= 0 and reach[1] >= length - 1


def _within(reach: Reach, length: int | None) -> int | None:
    """How much of an input axis a fixed reach covers."""
    if reach is None:
        return 0
    if isinstance(reach, Everything):
        return length
    if length is None:
        return reach[1] - reach[0] + 1
    return max(min(reach[1], length - 1) - max(reach[0], 0) + 1, 0)


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
