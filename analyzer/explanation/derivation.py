"""Explaining a layer: which formula, which operands, which source gave each of its numbers?

The passes' results are taken apart again: the operator's rules called with named axes (`formulas`),
the field's last step and its paths (`paths`), the connections (`connections`), one unit's region.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.explanation.axes import SeenInput, UnitRegion
from cnnscope.analyzer.explanation.axis_derivation import (
    ExplainedNode,
    axis_fates,
    axis_origins,
)
from cnnscope.analyzer.explanation.explanation import (
    Explanation,
    Inside,
    Operand,
    StoredOperand,
    Traffic,
)
from cnnscope.analyzer.explanation.other_ways import find_other_ways
from cnnscope.analyzer.explanation.sources import sources
from cnnscope.analyzer.fields.extreme_paths import FieldPath
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.seen import Seen, unclipped
from cnnscope.analyzer.fields.steps import FieldStep, find_steps
from cnnscope.analyzer.fields.units import central_unit, whole_unit
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.formulas import (
    Named,
    named_operands,
    rule_keywords,
    work_formulas,
)
from cnnscope.analyzer.passes.costs import BodyWork, Cost, count_costs
from cnnscope.analyzer.values.diagnostics import own_words
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import BITS, Tensor


def explain_node(subject: ExplainedNode, unit: Sequence[int | None] | None = None) -> Explanation:
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
    alternatives, algorithms = find_other_ways(subject, stored)
    learned = any(x.role == "parameter" for x in stored) and not cost.uncounted
    if learned and cost.work is not None and isinstance(cost.work.macs, FreeDim):
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
            raise ValueError(f"regions of layer {node.path!r} inside a subgraph aren't available")
    elif tensor is not None:
        state = fields.states.get(tensor, {})
        for key in sorted((k for k in state if k in fields.spatial), key=lambda k: k[1]):
            seen[key] = subject.alone.seen(state[key], key, shapes.tensors[tensor].shape)
        steps = find_steps(subject.alone, node)
        paths = subject.paths.of(tensor)
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
        axes=axis_origins(subject, operands),
        fates=axis_fates(subject, operands),
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
        algorithms=algorithms,
        sources=sources(subject, bool(seen)),
        notes=tuple(notes),
    )  # fmt: skip


def _work(subject: ExplainedNode, operands: Sequence[Named]) -> dict[str, Formula]:
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


def _stored(subject: ExplainedNode) -> tuple[StoredOperand, ...]:
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


def _inside(subject: ExplainedNode) -> tuple[Inside, ...]:
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


def _traffic(subject: ExplainedNode, operands: Sequence[Named]) -> tuple[Traffic, ...]:
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


# -- regions -----------------------------------------------------------------------------------


def _region(
    subject: ExplainedNode,
    fields: Fields,
    tensor: str,
    unit: Sequence[int | None] | None,
    sees: bool,
) -> UnitRegion | None:
    shapes = subject.shapes
    shape = shapes.tensors[tensor].shape
    if unit is None:
        if not sees or shape is None:
            return None
        chosen = central_unit(fields, tensor, shape)
    else:
        chosen = whole_unit(fields, tensor, None if shape is None else len(shape), unit)
    found = subject.regions.of(tensor, [chosen])[0]
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
