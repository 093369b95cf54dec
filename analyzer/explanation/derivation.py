"""Explaining a layer: which formula, which operands, which source gave each of its numbers?

The passes' results are taken apart again: the operator's rules called with named axes (`formulas`),
the field's last step and its paths (`paths`), the connections (`connections`), one unit's region.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnscope.analyzer.explanation.explanation import (
    AxisFate,
    AxisOrigin,
    Explanation,
    Inside,
    Operand,
    Origin,
    SeenInput,
    StoredOperand,
    Traffic,
    UnitRegion,
)
from cnnscope.analyzer.fields.connections import find_alternatives
from cnnscope.analyzer.fields.extreme_paths import FieldPath, find_paths
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.regions import find_region
from cnnscope.analyzer.fields.seen import Seen, find_seen, unclipped
from cnnscope.analyzer.fields.steps import FieldStep, find_steps
from cnnscope.analyzer.fields.units import moving_axes, whole_unit
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.formulas import (
    Named,
    named_operands,
    rule_keywords,
    rule_of,
    shape_formulas,
    work_formulas,
)
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Nothing, Only, Upto, Whole
from cnnscope.analyzer.passes.costs import BodyWork, Cost, count_costs
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.passes.weights import Path, Weights
from cnnscope.analyzer.values.diagnostics import own_words
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import BITS, Tensor
from cnnscope.analyzer.values.window import Window

ARAUJO = "https://distill.pub/2019/computing-receptive-fields"
FLOPS_RULE = "2 x MACs + every other arithmetic operation once"


@dataclass(frozen=True, slots=True)
class Subject:
    """A layer to be explained, and the passes' results about it.

    Args:
        graph: the main graph.
        shapes: of the graph that its node is in.
        node, cost, reads, kind: its own.
        weights, path: everything stored, and the layer's place in it.
        fields: None for a layer inside a subgraph.
    """

    graph: Graph
    shapes: Shapes
    node: Node
    cost: Cost
    reads: NodeReads
    kind: Kind
    weights: Weights
    path: Path
    fields: Fields | None


def explain_node(subject: Subject, unit: Sequence[int | None] | None = None) -> Explanation:
    """A layer's explanation.

    Args:
        subject: the layer.
        unit: an index per axis of the first output, or one per axis of its field; None: the
            central unit, where the layer has a field.

    Raises:
        ValueError: there's no such unit, or regions can't be told.
    """
    node, shapes, cost = subject.node, subject.shapes, subject.cost
    operands = named_operands(node, shapes.inputs(node), shapes.outputs(node))
    stored = _stored(subject)
    work = _work(subject, operands)
    notes: list[str] = []
    macs, flops = _totals(cost, work)
    places = {name: position for position, name in enumerate(node.inputs)}
    # Weights are an earlier operand than biases; by their size where they come through other nodes.
    learned = [
        x.elements
        for x in sorted(stored, key=lambda x: (places.get(x.name, len(places)), -x.elements))
        if x.role == "parameter"
    ]
    alternatives = None
    if cost.work is not None and learned and not cost.uncounted:
        alternatives = find_alternatives(
            node, shapes, subject.reads, cost.work, learned[0], sum(learned[1:])
        )
        if isinstance(cost.work.macs, FreeDim):
            notes.append("no alternatives: the layer's sizes hang on free dimensions, bind them")
    seen: dict[tuple[str, int], Seen] = {}
    steps: tuple[FieldStep, ...] = ()
    paths: tuple[FieldPath, ...] = ()
    region = None
    tensor = next((name for name in node.outputs if name), None)
    fields = subject.fields
    if fields is None:
        notes.append("a layer inside a subgraph has no receptive field of its own")
        if unit is not None:
            raise ValueError(f"regions of layer {node.name!r} inside a subgraph aren't available")
    elif tensor is not None:
        state = fields.states.get(tensor, {})
        for key in sorted((k for k in state if k in fields.spatial), key=lambda k: k[1]):
            seen[key] = find_seen(
                state[key], _axis_length(shapes, key), shapes.tensors[tensor].shape
            )
        steps = find_steps(subject.graph, shapes, fields, node)
        paths = find_paths(subject.graph, shapes, fields, tensor)
        try:
            region = _region(subject, fields, tensor, unit, bool(seen))
        except ValueError as error:
            if unit is not None:
                raise
            notes.append(f"no region: {own_words(error)}")
    return Explanation(
        layer=node.name,
        op=node.title,
        scope=node.scope,
        kind=subject.kind,
        attributes={
            k: v for k, v in node.attributes.items() if not isinstance(v, Graph | Tensor)
        },
        operands=tuple(
            Operand(
                n.symbol, n.tensor, n.facts.dtype, n.facts.shape,
                "output" if n.output else "constant" if n.facts.constant else "data",
            )
            for n in operands
        ),
        axes=_axes(subject, operands),
        fates=_fates(subject, operands),
        stored=stored,
        work=work,
        inside=_inside(subject),
        macs=macs,
        flops=flops,
        uncounted=cost.uncounted,
        traffic=_traffic(subject, operands),
        bytes_read=cost.bytes_read,
        bytes_written=cost.bytes_written,
        field=seen,
        steps=steps,
        paths=paths,
        region=region,
        alternatives=alternatives,
        sources=_sources(subject, bool(seen)),
        notes=tuple(notes),
    )  # fmt: skip


def _axis_length(shapes: Shapes, key: tuple[str, int]) -> int | None:
    shape = shapes.tensors[key[0]].shape
    length = None if shape is None else shape[key[1]]
    return length if isinstance(length, int) else None


def _work(subject: Subject, operands: Sequence[Named]) -> dict[str, Formula]:
    node, shapes, cost = subject.node, subject.shapes, subject.cost
    if cost.work is None:
        return {}
    keywords = rule_keywords(node)
    for name, costs in cost.bodies.items():
        inner = shapes.bodies[node.index, name].tensors
        keywords[name] = BodyWork(
            costs, tuple(inner.get(o, Tensor()) for o in node.bodies[name].outputs)
        )
    return work_formulas(node, operands, cost.work, keywords)


def _totals(cost: Cost, work: Mapping[str, Formula]) -> tuple[Formula | None, Formula | None]:
    """MACs and FLOPs as sums of the primitive classes."""
    if cost.work is None or cost.uncounted:
        return None, None
    values: dict[str, Dim | str] = {name: f.result for name, f in work.items()}
    products = [name for name in values if name in ("float_macs", "int_macs")]
    others = [name for name in values if name not in products]
    macs = Formula(" + ".join(products) or "0", {p: values[p] for p in products}, cost.work.macs)
    doubled = [f"2*{name}" for name in products]
    flops = Formula(" + ".join([*doubled, *others]) or "0", values, cost.work.flops)
    return macs, flops


def _stored(subject: Subject) -> tuple[StoredOperand, ...]:
    found = []
    for w in subject.weights.by_layer.get(subject.path, ()):
        stored = subject.graph.stored.get(w.name)
        x = stored.tensor if stored is not None else subject.shapes.tensors.get(w.name)
        at = None
        if w.layer != subject.path:
            first = w.layer[0]
            assert isinstance(first, int)
            nodes = subject.graph.nodes
            at = nodes[first].name if first < len(nodes) else None
        found.append(
            StoredOperand(w.name, None if x is None else x.shape, w.elements, w.nbytes, w.role, at)
        )
    return tuple(found)


def _inside(subject: Subject) -> tuple[Inside, ...]:
    node, shapes, cost = subject.node, subject.shapes, subject.cost
    found = []
    for name, costs in cost.bodies.items():
        by_index = {n.index: n for n in node.bodies[name].nodes}
        for index, inner in costs.nodes.items():
            at = by_index[index]
            found.append(
                Inside(name, at.name, at.title, inner.work, inner.bytes_read, inner.bytes_written)
            )
    if node.index in shapes.functions:
        body, inner_shapes = shapes.functions[node.index]
        costs = count_costs(body, inner_shapes)
        for n in body.nodes:
            if n.index in costs.nodes:
                own = costs.nodes[n.index]
                found.append(
                    Inside("function", n.name, n.title, own.work, own.bytes_read, own.bytes_written)
                )
    return tuple(found)


def _traffic(subject: Subject, operands: Sequence[Named]) -> tuple[Traffic, ...]:
    node, shapes = subject.node, subject.shapes
    if subject.cost.bodies:
        return ()  # it is the nodes inside that read and write
    symbols = {(n.tensor, n.output): n.symbol for n in operands}
    read = [n for n in node.inputs if n]
    sides = [(dict.fromkeys(read), False), ([n for n in node.outputs if n], True)]
    found = []
    for names, written in sides:
        for name in names:
            x = shapes.tensors.get(name)
            bits = BITS.get(x.dtype or "") if x is not None else None
            if x is None or bits is None or x.shape is None:
                continue
            symbol = symbols.get((name, written))
            found.append(Traffic(name, symbol, written, x.size, bits, x.nbytes))
    return tuple(found)


# -- axes --------------------------------------------------------------------------------------


def _axes(subject: Subject, operands: Sequence[Named]) -> tuple[AxisOrigin, ...]:
    node = subject.node
    formulas = shape_formulas(node, operands, rule_keywords(node))
    how = subject.shapes.how.get(node.index, "unknown")
    found = []
    for n in operands:
        if not n.output:
            continue
        which = node.outputs.index(n.tensor)
        for axis, length in enumerate(n.facts.shape or ()):
            given = formulas[n.tensor][axis] if n.tensor in formulas else None
            way, formula = "given", None
            textbook = _by_window(subject, operands, which, axis, length)
            if textbook is not None:
                way, formula = "window", textbook
            elif given is not None and given.symbolic:
                carried = given.text in given.values
                way, formula = "carried" if carried else "computed", given
            found.append(AxisOrigin(n.axis(axis), n.tensor, axis, length, way, formula, how))
    return tuple(found)


def _by_window(
    subject: Subject, operands: Sequence[Named], which: int, axis: int, length: Dim
) -> Formula | None:
    """The textbook's formula, where the axis moves over an input's and it comes out exactly."""
    reads = subject.reads.outputs
    if which >= len(reads):
        return None
    by_tensor = {n.tensor: n for n in operands if not n.output}
    for tensor, ways in zip(subject.node.inputs, reads[which], strict=True):
        if not isinstance(ways, tuple) or tensor not in by_tensor:
            continue
        for own, way in enumerate(ways):
            if isinstance(way, Along) and way.axis == axis and way.window.moves:
                n = by_tensor[tensor]
                found = _textbook(n.axis(own), n.facts.dims[own], way.window, length)
                if found is not None:
                    return found
    return None


def _textbook(symbol: str, n: Dim, window: Window, length: Dim) -> Formula | None:
    parts = {
        "before": window.before, "after": window.after, "dilation": window.dilation,
        "kernel": window.size, "stride": window.stride,
    }  # fmt: skip
    whole = {name: value for name, value in parts.items() if isinstance(value, int)}
    if len(whole) < len(parts) or whole["stride"] < 1:
        return None
    for ceil in (False, True):
        if window.output_length(n, ceil=ceil) == length:
            text = f"({symbol} + before + after - (dilation*(kernel - 1) + 1))/stride"
            text = f"{'ceil' if ceil else 'floor'}({text}) + 1"
            return Formula(text, {symbol: n, **whole}, length)
    return None


def _fates(subject: Subject, operands: Sequence[Named]) -> tuple[AxisFate, ...]:
    """What becomes of the axes of what isn't constant."""
    node = subject.node
    reads = subject.reads.outputs[0] if subject.reads.outputs else ()
    outputs = [n for n in operands if n.output and n.tensor == node.outputs[0]]
    found: list[AxisFate] = []
    for n in operands:
        if n.output or n.facts.shape is None or n.facts.constant:
            continue
        which = node.inputs.index(n.tensor)
        ways = reads[which] if which < len(reads) else None
        for axis, length in enumerate(n.facts.shape):
            fate, to = _fate(ways, axis, length)
            if subject.reads.through or node.index in subject.shapes.functions:
                fate, to = "inside", None
            target = None if to is None or not outputs else outputs[0].axis(to)
            found.append(AxisFate(n.axis(axis), length, fate, target))
    return tuple(found)


def _fate(ways: object, axis: int, length: Dim) -> tuple[str, int | None]:
    if isinstance(ways, Flat):
        return "reshaped", None
    if isinstance(ways, Nothing):
        return "unread", None
    if not isinstance(ways, tuple):
        return "unknown", None
    way = ways[axis]
    if isinstance(way, Along):
        return ("carried" if way.window.is_identity else "window"), way.axis
    if isinstance(way, Listed):
        return "grouped", way.axis
    if isinstance(way, Upto):
        return "scanned", way.axis
    if isinstance(way, Only):
        return ("broadcast" if length == 1 else "fixed"), None
    return ("pooled" if isinstance(way, Whole) and way.spatial else "contracted"), None


# -- regions -----------------------------------------------------------------------------------


def _region(
    subject: Subject, fields: Fields, tensor: str, unit: Sequence[int | None] | None, sees: bool
) -> UnitRegion | None:
    shapes = subject.shapes
    shape = shapes.tensors[tensor].shape
    if unit is None:
        if not sees or shape is None:
            return None
        chosen: list[int | None] = [None] * len(shape)
        for axis in moving_axes(fields, tensor):
            length = shape[axis] if 0 <= axis < len(shape) else None
            chosen[axis] = length // 2 if isinstance(length, int) and length else None
    else:
        chosen = whole_unit(fields, tensor, None if shape is None else len(shape), unit)
    found = find_region(subject.graph, shapes, tensor, chosen)
    state = fields.states.get(tensor, {})
    indices = [
        i + d if i is not None and i < 0 and isinstance(d, int) else i
        for i, d in zip(chosen, shape or (), strict=True)
    ]
    seen = []
    for name, ranges in found.items():
        spatial = tuple(axis for axis in range(len(ranges)) if (name, axis) in fields.spatial)
        spans = {
            axis: unclipped(state[name, axis], indices) if (name, axis) in state else None
            for axis in spatial
        }
        lengths_ = tuple(d for d in shapes.tensors[name].shape or () if isinstance(d, int))
        seen.append(SeenInput(name, lengths_, ranges, spatial, spans))
    return UnitRegion(tuple(indices), tuple(seen))


# -- sources -----------------------------------------------------------------------------------


def _sources(subject: Subject, sees: bool) -> tuple[Origin, ...]:
    node, shapes = subject.node, subject.shapes
    found = []
    url = operator_page(node.domain, node.op)
    if url is not None:
        found.append(
            Origin("operator", None, f"{node.title}, version {node.version} of its opset", url)
        )
    operator = rule_of(node)
    how = shapes.how.get(node.index, "unknown")
    if how == "rules" and operator is not None:
        found.append(_rule("shape", operator.infer))
    else:
        said = {
            "function": "its function's body, layer by layer",
            "schema": "the shape inference of its ONNX schema",
            "declared": "what the file declares",
        }.get(how, "not known")
        found.append(Origin("shape", None, said))
    if node.index in shapes.functions:
        found.append(Origin("work", None, "the sum over its function's body"))
    elif operator is not None and operator.work is not None:
        found.append(_rule("work", operator.work))
        if node.bodies:
            found.append(Origin("work", None, "what runs in its subgraphs, layer by layer"))
    elif operator is not None:
        found.append(Origin("work", None, "it moves or reinterprets elements: no arithmetic"))
    found.append(Origin("FLOPs", None, FLOPS_RULE))
    if sees:
        said = "Araujo, Norris & Sim, Computing Receptive Fields of CNNs, Distill 2019"
        if operator is not None and operator.reads is not None:
            found.append(_rule("reads", operator.reads))
        found.append(Origin("field", None, said, ARAUJO))
    return tuple(found)


def _rule(what: str, rule: object) -> Origin:
    """A rule by its name and module, and what that module answers."""
    name = getattr(rule, "__qualname__", type(rule).__qualname__).split(".<locals>", 1)[0]
    module = getattr(rule, "__module__", "") or ""
    try:
        home = inspect.getmodule(rule)
    except TypeError:
        home = None
    said = next(iter((inspect.getdoc(home) or "").splitlines()), "") if home is not None else ""
    return Origin(what, f"{name} in {module}", said)


def operator_page(domain: str, op: str) -> str | None:
    """The page that describes an operator; None for domains without a known one.

    >>> operator_page("ai.onnx.ml", "Scaler")
    'https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html'
    """
    if domain in ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training"):
        short = "" if domain == "ai.onnx" else domain.replace(".", "")
        return f"https://onnx.ai/onnx/operators/onnx_{short}_{op}.html"
    if domain == "com.microsoft":
        page = "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"
        return f"{page}#{domain}.{op}"
    return None
