"""What shape and dtype has every tensor?

One walk over the nodes in running order, each operator's `infer` rule applied to what is known of
its inputs. Where a shape hangs on values (Shape, Gather, Concat feeding Reshape), small values are
folded by `onnx.reference`. An operator without rules is analysed through its schema's function
body, then by the schema's own inference, then taken at the file's word; what stays unknown gets a
diagnostic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.model.graph import Graph, Node, captures, quoted
from cnnscope.analyzer.operators.answers import RuleFailed
from cnnscope.analyzer.operators.arithmetic import reckoner
from cnnscope.analyzer.operators.bounding import bounded
from cnnscope.analyzer.operators.custom import failure
from cnnscope.analyzer.operators.definition import OURS, lookup
from cnnscope.analyzer.operators.likeness import called_after, likeness
from cnnscope.analyzer.operators.plugins import load_plugins
from cnnscope.analyzer.passes.declared import beside_declared, filled_in
from cnnscope.analyzer.passes.demands import (
    Contradiction,
    check_shape,
    missing_operands,
    schema_demands,
    schema_of,
    unfit_arguments,
    unfit_types,
)
from cnnscope.analyzer.passes.facts import NOT_TOLD, BodyAllowance, How, Shapes
from cnnscope.analyzer.passes.fallback import (
    ASKED,
    function_body,
    schema_inference,
    schema_objection,
)
from cnnscope.analyzer.passes.folding import fold, known_in_part
from cnnscope.analyzer.passes.node_notes import (
    note_data,
    note_lost_rank,
    note_undetermined,
    place_of,
    refuse,
)
from cnnscope.analyzer.values.conditions import inside_subgraph, noted
from cnnscope.analyzer.values.diagnostics import (
    STUMBLED,
    Diagnostic,
    GraphError,
    LimitError,
    own_words,
)
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.tensor import Tensor


class Body:
    """A subgraph that a control-flow rule can apply: ``body(*inputs)`` gives its outputs.

    Args:
        graph: the subgraph.
        outer: what is known around it; what is noticed inside is added there.
        key: the node's index and the attribute that holds it.

    After a call, `refused` says whether a node inside can't be; `withdraw` takes back whatever was
    found, for a branch that can't be the one that runs.
    """

    def __init__(self, graph: Graph, outer: Shapes, key: tuple[int, str]) -> None:
        self.graph = graph
        self.refused = False
        self._outer = outer
        self._key = key
        self._said = len(outer.diagnostics), len(outer.diagnostics)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.graph.inputs, inputs, strict=False))
        for name, declared in self.graph.inputs.items():
            given[name] = filled_in(given.get(name, NOT_TOLD), declared)
        outer = self._outer
        if outer._allowance is not None:
            outer._allowance.spend(1 + len(self.graph.nodes))
        seen = {n: outer.tensors[n] for n in captures(self.graph) if n in outer.tensors}
        with inside_subgraph():
            shapes = infer_shapes(self.graph, given, seen, outer._allowance)
        shapes.origin.outer = outer
        outer.bodies[self._key] = shapes
        before = len(outer.diagnostics)
        outer.diagnostics.extend(shapes.diagnostics)
        self._said = before, len(outer.diagnostics)
        self.refused = any(d.severity == "error" for d in shapes.diagnostics)
        for name in self.graph.outputs:
            if name not in shapes.tensors:
                raise ValueError(f"its subgraph's output {quoted(name)} is given by no node")
        return tuple(shapes.tensors[name] for name in self.graph.outputs)

    def tried(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """As a call, with nothing kept of it."""
        outer = self._outer
        known, said = outer.bodies.get(self._key), len(outer.diagnostics)
        try:
            return self(*inputs)
        finally:
            del outer.diagnostics[said:]
            if known is not None:
                outer.bodies[self._key] = known

    @property
    def declared(self) -> Sequence[Tensor]:
        """Its inputs, as the file declares them."""
        return tuple(self.graph.inputs.values())

    def withdraw(self) -> None:
        """As if the last call hadn't been."""
        del self._outer.bodies[self._key]
        del self._outer.diagnostics[slice(*self._said)]

    @property
    def captured(self) -> tuple[Tensor, ...]:
        """What the body reads from the graphs around it."""
        return tuple(
            self._outer.tensors[name]
            for name in captures(self.graph)
            if name in self._outer.tensors
        )


def infer_shapes(
    graph: Graph,
    inputs: Mapping[str, Tensor],
    outer: Mapping[str, Tensor] | None = None,
    allowance: BodyAllowance | None = None,
    *,
    while_valid: bool = False,
) -> Shapes:
    """Shapes, dtypes and small values of every tensor of a graph.

    Args:
        graph: the graph.
        inputs: its inputs, free dimensions bound as far as they are.
        outer: for a subgraph, the tensors visible around it.
        allowance: for a subgraph, what is left of the whole model's.
        while_valid: nothing is wanted of a graph with a node that contradicts itself: what follows it costs
            more than all before it, since rules don't tell of what isn't known.

    Raises:
        GraphError: a node reads what nothing gives, or there is too much of something; or, where it is to
            be valid, a node contradicts itself.
    """
    shapes = Shapes(
        {**(outer or {}), **inputs},
        _allowance=BodyAllowance(graph) if allowance is None else allowance,
    )
    tensors = shapes.tensors
    for stored in graph.stored.values():
        tensors[stored.name] = stored.tensor
    doubtful = shapes._doubtful
    taken = noted.get()
    for node in graph.nodes:
        if taken is not None:
            taken.by = node.path
        try:
            outputs = _node_outputs(graph, node, shapes)
        except Contradiction as error:
            if while_valid:
                raise GraphError(f"{place_of(node)}: {error}") from None
            outputs = refuse(node, error, shapes)
        note_data(node, outputs, shapes)
        behind_error = bool(doubtful) and not doubtful.isdisjoint(node.inputs)
        for i, name in enumerate(node.outputs):
            if name:
                x = outputs[i] if i < len(outputs) else NOT_TOLD
                if x.shape is None and (behind_error or node.index in shapes.refused):
                    # What the file declares was written for a model that runs.
                    tensors[name] = x
                    doubtful.add(name)
                    continue
                declared = graph.declared.get(name)
                tensors[name] = x
                if declared is not None:
                    tensors[name] = beside_declared(x, declared, node, shapes)
                if x.shape is None and tensors[name].shape is None and x.kind == "tensor":
                    note_lost_rank(node, name, shapes)
                if tensors[name] is not x:  # the file knows more of this one than of its like
                    shapes.alike.pop(node.index, None)
    shapes._classes.clear()
    shapes._values.clear()
    shapes._objections.clear()
    shapes.origin.graph = graph
    return shapes


def _node_outputs(graph: Graph, node: Node, shapes: Shapes) -> tuple[Tensor, ...]:
    try:
        inputs = tuple([shapes.tensors[name] if name else None for name in node.inputs])
    except KeyError as missing:  # a capture that the graph around doesn't show
        raise GraphError(
            f"{place_of(node)} reads {quoted(str(missing.args[0]))}, which nothing gives"
        ) from None
    operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        shapes.diagnostics.extend(load_plugins())
        operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        return _without_rules(graph, node, inputs, shapes)
    key = likeness(node, operator, inputs)
    if key is not None and (known := shapes._classes.get(key)) is not None:
        shapes.how[node.index] = "rules"
        shapes.alike[node.index], outputs = known
        return outputs
    lacks = missing_operands(node, operator)
    if lacks:
        raise Contradiction(f"it lacks {lacks}")
    if operator.source == OURS:
        demands = schema_demands(node.domain, node.op, node.version)
        wrong = unfit_types(node, inputs, demands)
        if wrong:
            raise Contradiction(wrong)
        if demands.known is not None and not demands.known.issuperset(node.attributes):
            odd = sorted(node.attributes.keys() - demands.known)
            raise Contradiction(f"{node.title} has no attribute {quoted(odd[0])} at this opset")
    keywords: dict[str, object] = dict(node.attributes)
    bodies = node.bodies
    for name, body in bodies.items():
        keywords[name] = Body(body, shapes, (node.index, name))
    keywords["opset"] = node.version
    keywords["output_count"] = len(node.outputs)
    keywords["node_name"] = node.name
    shapes.how[node.index] = "rules"
    try:
        result = operator.call(operator.infer, inputs, keywords)
    except LimitError as error:
        raise LimitError(f"{place_of(node)}: {error}") from None
    except Undetermined as unknown:
        if all(x is None or x.shape is not None for x in inputs):
            note_undetermined(node, unknown, shapes)
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    except RuleFailed as fault:
        shapes.diagnostics.append(failure(node, fault))
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        # Rules raise ValueError for what can't be: the model contradicts itself there.
        raise Contradiction(own_words(error)) from None
    except (TypeError, IndexError, KeyError, AttributeError, AssertionError) as error:
        lacks = unfit_arguments(operator.infer, inputs, keywords)
        if lacks:
            raise Contradiction(f"it lacks {lacks}") from None
        import logging  # here: hardly anything is ever logged

        logging.getLogger("cnnscope").debug("the rule of %s failed", node.title, exc_info=error)
        shapes.diagnostics.append(
            Diagnostic("rule-failed", "warning", node.name,
                       f"{node.title}: its rule failed on this node: {STUMBLED}, or the rule is wrong",
                       "please report it with the model's graph")
        )  # fmt: skip
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    if operator.source == OURS and operator.kind in ASKED and not bodies:
        objection = schema_objection(node, inputs, operator.kind, shapes._objections)
        if objection:
            raise Contradiction(objection)
    outputs = result if isinstance(result, tuple) else (result,)
    for k, x in enumerate(outputs):
        if not isinstance(x, Tensor):  # e.g. a Constant whose value is a graph
            raise Contradiction("it has an attribute of a wrong kind")
        check_shape(x, k)
    if operator.source != OURS and any(node.outputs[len(outputs) :]):
        short = RuleFailed(f"its infer rule gave {len(outputs)} of {len(node.outputs)} outputs")
        shapes.diagnostics.append(failure(node, short))
    constant = told = not operator.random
    for each in inputs if constant else ():
        if each is not None:
            # What is made of sizes alone (the lengths that Shape gives) is as constant as what is stored.
            constant = constant and each.is_known
            told = told and each.value is not None
    if bodies and constant:
        constant = all(
            x.is_known for name in bodies for x in Body(bodies[name], shapes, (0, "")).captured
        )
    if told and inputs:
        outputs = fold(node, inputs, outputs, shapes)
    elif not told and inputs and (rule := reckoner(node.domain, node.op)) and rule.joins:
        outputs = fold(node, known_in_part(node, inputs), outputs, shapes)
        key = None  # what it joins is called after its inputs
    if inputs and not operator.random:
        outputs = bounded(node.domain, node.op, node.attributes, inputs, outputs)
    if constant:
        outputs = tuple([x.as_constant() for x in outputs])
    if told:
        shapes.room.keep([x.value for x in outputs])
    if key is not None and not called_after(node, outputs):
        shapes.alike[node.index] = number = len(shapes._classes)
        shapes._classes[key] = number, outputs
    return outputs


# -- operators without rules ---------------------------------------------------------------------


def _without_rules(
    graph: Graph,
    node: Node,
    inputs: tuple[Tensor | None, ...],
    shapes: Shapes,
    quiet: bool = False,
) -> tuple[Tensor, ...]:
    schema = schema_of(node.domain, node.op, node.version)
    if schema is not None and not quiet:
        body = function_body(graph, schema, node, inputs)
        if body is not None:
            given = {name: x for name, x in zip(node.inputs, inputs, strict=True) if name and x}
            shapes.room.expand(len(body.nodes))
            inner = infer_shapes(body, given, allowance=BodyAllowance(body, shapes.room))
            shapes.functions[node.index] = (body, inner)
            shapes.diagnostics.extend(inner.diagnostics)
            shapes.how[node.index] = "function"
            return tuple(inner.tensors.get(name, NOT_TOLD) for name in body.outputs)
    outputs: tuple[Tensor, ...] = ()
    how: How = "unknown"
    if schema is not None:
        outputs = schema_inference(schema, node, inputs)
        if any(x.shape is not None or x.dtype is not None or x.kind != "tensor" for x in outputs):
            how = "schema"
    if how == "unknown" and any(
        name in graph.declared and graph.declared[name].shape is not None for name in node.outputs
    ):
        how = "declared"
    shapes.how[node.index] = how if not quiet else "rules"
    if schema is None and not quiet:
        taken = (
            "its declared output shapes are taken"
            if how == "declared"
            else "its outputs are unknown"
        )
        shapes.diagnostics.append(
            Diagnostic("unknown-operator", "warning", node.name,
                       f"operator {node.title} isn't known: its work isn't counted, {taken}",
                       "cnnscope.register gives it rules; `cnnscope operators` shows what is covered")
        )  # fmt: skip
    if all(x is None or x.is_known for x in inputs) and inputs:
        outputs = tuple([x.as_constant() for x in outputs])
    return outputs
