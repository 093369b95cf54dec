"""What work is each node, and what does it read and write?

Each operator's `work` rule applied to the shapes found, subgraphs and schema functions summed. A
node without a rule is *uncounted*, never zero; what its body leaves uncounted is passed on.

What a node with a subgraph moves is what the nodes inside move, as often as they run: the operator's
rule says how often, by what it makes of a body's work, which carries the body's bytes along. So a
loop's traffic is that of the same nodes written out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field

from cnnscope.analyzer.model.graph import Graph, Node, captures
from cnnscope.analyzer.operators.answers import RuleFailed
from cnnscope.analyzer.operators.custom import failure
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.likeness import Answers
from cnnscope.analyzer.operators.work import NO_WORK, Work, counts
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Cost:
    """One node's work and traffic.

    Args:
        work: its counts, the known part where something is uncounted; None where nothing is known.
        uncounted: operators (or reasons) that aren't in it, and how often.
        bytes_read: of its distinct inputs, weights included; with subgraphs, of the nodes inside.
        bytes_written: of its outputs; with subgraphs, of the nodes inside.
        bodies: its subgraphs' own costs, by attribute name.
        diagnostics: why a rule from outside gave nothing.
    """

    work: Work | None
    uncounted: Mapping[str, int] = field(default_factory=dict)
    bytes_read: Dim | None = None
    bytes_written: Dim | None = None
    bodies: Mapping[str, Costs] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a graph's nodes by index; nodes whose result is known beforehand cost nothing."""

    nodes: Mapping[int, Cost]

    @property
    def work(self) -> Work:
        """The sum of what is known."""
        total = NO_WORK
        for cost in self.nodes.values():
            if cost.work is not None:
                total = total + cost.work
        return total

    @property
    def uncounted(self) -> Counter[str]:
        """What isn't in the sum."""
        missing: Counter[str] = Counter()
        for cost in self.nodes.values():
            missing.update(cost.uncounted)
        return missing

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What was noticed, in subgraphs too."""
        found: list[Diagnostic] = []
        for cost in self.nodes.values():
            found += cost.diagnostics
            for body in cost.bodies.values():
                found += body.diagnostics
        return found


@dataclass(frozen=True, slots=True)
class _Run(Work):
    """The work of a subgraph, with the bytes that its nodes read and write; None: not known."""

    read: Dim | None = field(default=0, kw_only=True)
    written: Dim | None = field(default=0, kw_only=True)

    def __mul__(self, times: Dim) -> _Run:
        read, written = (None if n is None else n * times for n in (self.read, self.written))
        return _Run(*[count * times for count in counts(self)], read=read, written=written)


class BodyWork:
    """A subgraph's work, for the rule of the operator that runs it."""

    def __init__(self, costs: Costs, outputs: tuple[Tensor, ...]) -> None:
        self.costs = costs
        self.outputs = outputs

    @property
    def work(self) -> Work:
        """One run of the body, the known part."""
        nodes = self.costs.nodes.values()
        return _Run(
            *counts(self.costs.work),
            read=_total(cost.bytes_read for cost in nodes),
            written=_total(cost.bytes_written for cost in nodes),
        )


def count_costs(graph: Graph, shapes: Shapes) -> Costs:
    """The costs of every node that is a layer."""
    answers: Answers[Cost] = Answers(shapes.alike)
    return Costs(
        {
            node.index: answers.of(node, _cost, node, shapes)
            for node in graph.nodes
            if not shapes.folded(node)
        }
    )


def count_folded(graph: Graph, shapes: Shapes) -> Costs:
    """The costs of the nodes that are no layers: what they cost where they are run all the same."""
    answers: Answers[Cost] = Answers(shapes.alike)
    return Costs(
        {
            node.index: answers.of(node, _cost, node, shapes)
            for node in graph.nodes
            if node.inputs and shapes.folded(node)
        }
    )


def _cost(node: Node, shapes: Shapes) -> Cost:
    # A branch that can't run reads nothing.
    runs = [body for name, body in node.bodies.items() if (node.index, name) in shapes.bodies]
    names = [n for n in node.inputs if n]
    for body in runs:
        names += captures(body)
    read = _bytes([shapes.tensors[n] for n in dict.fromkeys(names) if n in shapes.tensors])
    written = _bytes([shapes.tensors[n] for n in node.outputs if n])
    if node.index in shapes.refused:
        return Cost(None, {node.title: 1}, read, None)
    if node.index in shapes.functions:
        body_costs = count_costs(*shapes.functions[node.index])
        notes = tuple(body_costs.diagnostics)
        return Cost(body_costs.work, body_costs.uncounted, read, written, diagnostics=notes)
    operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        return Cost(None, {node.title: 1}, read, written)
    if operator.stores and read is not None:
        inner_bytes = _bytes([x for _, x, _ in operator.stored(node.attributes)])
        read = None if inner_bytes is None else read + inner_bytes
    bodies = {
        name: count_costs(body, shapes.bodies[node.index, name])
        for name, body in node.bodies.items()
        if (node.index, name) in shapes.bodies
    }
    missing: dict[str, int] = {}
    for costs in bodies.values():
        missing = dict(Counter(missing) + costs.uncounted)
    if operator.work is None:
        return Cost(NO_WORK, missing, read, written, bodies)
    keywords = {k: v for k, v in node.attributes.items() if k not in node.bodies}
    for name, costs in bodies.items():
        inner = shapes.bodies[node.index, name].tensors
        keywords[name] = BodyWork(
            costs, tuple(inner.get(o, Tensor()) for o in node.bodies[name].outputs)
        )
    keywords["opset"] = node.version
    keywords["output_count"] = len(node.outputs)
    keywords["node_name"] = node.name
    try:
        found = operator.call(operator.work, (shapes.outputs(node), *shapes.inputs(node)), keywords)
        assert isinstance(found, Work)
        if isinstance(found, _Run):
            read, written = found.read, found.written
            found = Work(*counts(found))
        return Cost(found, missing, read, written, bodies)
    except Undetermined as unknown:
        reason = unknown.reason
        if not unknown.names and not unknown.data:
            blamed = (shapes.behind[name] for name in node.inputs if name in shapes.behind)
            reason = next((f"behind {title}" for title in blamed), reason)
        what = f"{node.title} ({reason})" if reason else node.title
        missing[what] = missing.get(what, 0) + 1
    except RuleFailed as fault:
        missing[node.title] = missing.get(node.title, 0) + 1
        return Cost(None, missing, read, written, bodies, (failure(node, fault),))
    except (
        ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError, ArithmeticError,
    ):  # fmt: skip
        # A rule that stumbles over half-known shapes leaves its node uncounted, and says so.
        missing[node.title] = missing.get(node.title, 0) + 1
    return Cost(None, missing, read, written, bodies)


def _total(sizes: Iterable[Dim | None]) -> Dim | None:
    total: Dim = 0
    for size in sizes:
        if size is None:
            return None
        total = total + size
    return total


def _bytes(tensors: list[Tensor]) -> Dim | None:
    """Bytes of the tensors' elements; None where one isn't known. Containers count their elements."""
    total: Dim = 0
    for x in tensors:
        try:
            total = total + x.nbytes
        except Undetermined:
            return None
    return total
