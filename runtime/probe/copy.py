"""How is a model rewritten so that a NaN shows what its tensors hang on?

The nodes in running order, each by its rule in `rules` or `skeletons`. Whether a tensor
hangs on the network's inputs is found on the way, not taken from the analysis: everything computed
from one that does, but for what looks only at a shape. Branches whose condition is known and loops
of a known number of iterations are written out. What can't be rewritten is left out, with
everything behind it, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import onnx

from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.passes.reads import find_reads
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.flat import since_version
from cnnscope.runtime.probe import averages as _averages  # noqa: F401  (declares the table)
from cnnscope.runtime.probe import products as _products  # noqa: F401  (likewise, as those below)
from cnnscope.runtime.probe import rearranging as _rearranging  # noqa: F401
from cnnscope.runtime.probe import rules as _rules  # noqa: F401
from cnnscope.runtime.probe import skeletons as _skeletons  # noqa: F401
from cnnscope.runtime.probe.construction import CannotProbe, Copy
from cnnscope.runtime.probe.node_facts import SHAPE_ONLY, CannotWrite
from cnnscope.runtime.probe.rule import REASONS, RULES
from cnnscope.runtime.probe.scope import ProbeScope
from cnnscope.runtime.probe.site import Site

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Analysis

#: operands of which no element is part of the result: a type's example, how often to drop in training
UNREAD: Final = {"CastLike": (1,), "Dropout": (1, 2)}

#: a loop is written out up to this many iterations
MAX_TRIPS: Final = 64


@dataclass(frozen=True, eq=False)
class ProbeCopy:
    """The rewritten model, before its outputs are chosen.

    Args:
        copy: its nodes.
        names: tensors of the model that are in it, by what they are called there.
        missing: tensors that hang on the inputs and aren't, with the reason.
    """

    copy: Copy
    names: Mapping[str, str]
    missing: Mapping[str, str]

    def whole(self, tensor: str, axes: Iterable[int] | None = None) -> str:
        """What holds a tensor of the model with every slice of these axes, of all if not said."""
        return self.copy.whole(self.names[tensor], axes)


def write_probe(analysis: Analysis) -> ProbeCopy:
    """The copy of a model's main graph."""
    graph, shapes = analysis.graph, analysis.shapes
    copy = Copy(graph.opsets, analysis.file)
    protos = _stored(analysis.file.model.graph)
    scope = ProbeScope(copy, graph, shapes, protos)
    for name in graph.inputs:
        x = shapes.tensors[name]
        if x.kind != "tensor" or x.dtype == "string":
            scope.missing[name] = f"a {x.dtype or 'tensor' if x.kind == 'tensor' else x.kind} input"
        elif x.shape is None or not all(isinstance(d, int) for d in x.shape):
            scope.missing[name] = "its shape isn't known"
        else:
            scope.names[name] = name
    _write(scope)
    return ProbeCopy(copy, scope.names, scope.missing)


def _stored(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in graph.initializer}


def _write(scope: ProbeScope) -> None:
    for node in scope.graph.nodes:
        if not scope.shapes.folded(node):
            _write_node(scope, node)


def _write_node(scope: ProbeScope, node: Node) -> None:
    if node.op in SHAPE_ONLY and not node.domain:
        return
    hangs = False
    for name in used_names(node):
        holder = scope.holder(name)
        if name in holder.missing:
            _leave_out(scope, node, _behind(holder.missing[name], name))
            return
        hangs = hangs or name in holder.names
    if not hangs:
        return
    scope.copy.replacing = node.name
    try:
        _replace(scope, node)
    except CannotWrite as reason:
        _leave_out(scope, node, f"{node.title} {node.path!r}: {reason}")


def _replace(scope: ProbeScope, node: Node) -> None:
    rule = RULES.get((node.domain, node.op))
    if rule is not None:
        _same_opset(scope, node)
        site = Site(scope, node)
        rule(site)
        left = [i for i in site.left if i not in UNREAD.get(node.op, ())]
        if left:
            # A copy without them would be blind to what hangs on them.
            raise CannotProbe(f"its operand {node.inputs[left[0]]} is computed from the input")
    elif (node.domain, node.op) in REASONS:
        raise CannotProbe(REASONS[node.domain, node.op])
    elif node.index in scope.shapes.functions:
        body, inner = scope.shapes.functions[node.index]
        within = ProbeScope(scope.copy, body, inner, {}, scope)
        for name in body.inputs:
            _bind(within, name, _look(scope, name))
        _write(within)
        for name in filter(None, node.outputs):
            _bind(scope, name, _look(within, name))
    elif node.bodies:
        _write_bodies(scope, node)
    else:
        raise CannotProbe("no replacement is declared for it")


def _same_opset(scope: ProbeScope, node: Node) -> None:
    version = scope.copy.opsets.setdefault(node.domain, node.version)
    if version == node.version:
        return
    since = [since_version(node, v) for v in (version, node.version)]
    if since[0] != since[1]:
        raise CannotProbe("it is of another opset than the model")


def _leave_out(scope: ProbeScope, node: Node, reason: str) -> None:
    for name in filter(None, node.outputs):
        scope.names.pop(name, None)
        scope.missing[name] = reason


def _behind(reason: str, name: str) -> str:
    return reason if reason.startswith("behind ") else f"behind {name}: {reason}"


# -- what a name stands for ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bound:
    """A tensor: in the copy, a constant of it, or missing for a reason."""

    kind: Literal["data", "true", "missing"]
    text: str


def _look(scope: ProbeScope, name: str) -> _Bound:
    holder = scope.holder(name)
    if name in holder.names:
        return _Bound("data", holder.names[name])
    if name in holder.missing:
        return _Bound("missing", holder.missing[name])
    try:
        return _Bound("true", scope.true_value(name))
    except CannotProbe as reason:
        return _Bound("missing", str(reason))


def _bind(scope: ProbeScope, name: str, bound: _Bound) -> None:
    target = {"data": scope.names, "true": scope.true, "missing": scope.missing}[bound.kind]
    target[name] = bound.text


# -- control flow --------------------------------------------------------------------------------


def _write_bodies(scope: ProbeScope, node: Node) -> None:
    through = find_reads(node, scope.shapes).through
    if len(through) != 1:
        raise CannotProbe("which branch runs isn't known beforehand")
    (way,) = through
    _Unrolled(scope, node, way).run()


class _Unrolled:
    """A subgraph written out as often as it runs."""

    def __init__(self, scope: ProbeScope, node: Node, way: Through) -> None:
        self.scope, self.node, self.way = scope, node, way
        self.body: Graph = node.bodies[way.attribute]
        inner = scope.shapes.bodies.get((node.index, way.attribute))
        directions = node.attributes.get("scan_input_directions", ())
        outwards = node.attributes.get("scan_output_directions", ())
        if inner is None:
            raise CannotProbe("its body isn't known")
        if any(directions if isinstance(directions, tuple) else ()) or any(
            outwards if isinstance(outwards, tuple) else ()
        ):
            raise CannotProbe("it scans backwards")
        self.inner = inner
        (proto,) = (a.g for a in node.proto.attribute if a.name == way.attribute)
        self.protos = _stored(proto)
        self.carried = {into: out for out, into in way.carried}

    def run(self) -> None:
        way, scope = self.way, self.scope
        once = not way.carried and all(end is None or end[1] is None for end in way.outputs)
        trips = 1 if once else way.trips
        if trips is None:
            raise CannotProbe("how often its body runs isn't known beforehand")
        if trips > MAX_TRIPS:
            raise CannotProbe(f"its body runs more than {MAX_TRIPS} times")
        state = {into: self.entering(into) for into in self.carried}
        stacks: dict[int, list[_Bound]] = {}
        last: dict[int, _Bound] = {}
        for k in range(trips):
            inside = ProbeScope(scope.copy, self.body, self.inner, self.protos, scope)
            for i, name in enumerate(self.body.inputs):
                _bind(inside, name, state[i] if i in state else self.given(i, k))
            _write(inside)
            last = {which: _look(inside, name) for which, name in enumerate(self.body.outputs)}
            state = {into: last[out] for into, out in self.carried.items()}
            for target in way.outputs:
                if target is not None and target[1] is not None:
                    stacks.setdefault(target[0], []).append(last[target[0]])
        for name, target in zip(self.node.outputs, way.outputs, strict=False):
            if name and target is not None:
                _bind(scope, name, self.result(name, target, stacks, state, last))

    def entering(self, into: int) -> _Bound:
        source = self.way.inputs[into]
        assert source is not None
        return _look(self.scope, self.node.inputs[source[0]])

    def given(self, i: int, k: int) -> _Bound:
        """What the body's input `i` is in iteration `k`."""
        copy, source = self.scope.copy, self.way.inputs[i] if i < len(self.way.inputs) else None
        if source is None:  # a Loop's own: which iteration it is, and that it goes on
            # Some exporters declare it with an axis, and then it has one.
            shape = self.inner.tensors[list(self.body.inputs)[i]].shape or ()
            lengths = tuple(d for d in shape if isinstance(d, int))
            value = np.full(lengths, k, np.int64) if i == 0 else np.full(lengths, True)
            return _Bound("true", copy.store(value))
        which, axis = source
        whole = _look(self.scope, self.node.inputs[which])
        if axis is None or whole.kind == "missing":
            return whole
        index = copy.store(np.array(k, np.int64))
        return _Bound(whole.kind, copy.add("Gather", [copy.whole(whole.text), index], axis=axis))

    def result(
        self, name: str, target: tuple[int, int | None], stacks: Mapping[int, list[_Bound]],
        state: Mapping[int, _Bound], last: Mapping[int, _Bound],
    ) -> _Bound:  # fmt: skip
        """What one of the node's outputs is, after the last iteration."""
        which, axis = target
        if axis is None:
            into = next((into for into, out in self.carried.items() if out == which), None)
            return last[which] if into is None else state[into]
        parts = stacks.get(which, [])
        missing = next((part for part in parts if part.kind == "missing"), None)
        if missing is not None or not parts:
            return missing or _Bound("missing", "its body never runs")
        kinds = {part.kind for part in parts}
        copy = self.scope.copy
        if len(kinds) > 1:
            raise CannotProbe(f"only some iterations of {name} hang on the input")
        laid = [copy.over("Unsqueeze", copy.whole(part.text), [axis]) for part in parts]
        return _Bound(parts[0].kind, copy.add("Concat", laid, axis=axis))
