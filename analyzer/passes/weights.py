"""What is stored in the model, and in which role?

Every stored tensor has one role, told from the nodes that use it: a *parameter* (learned), a
*buffer* (batch normalisation's running statistics) or a *constant* (shapes, axes, quantisation
scales and zero points, bounds). It is counted where it is stored, once, however it is reshaped or
computed on the way to the layers that use it: the walk goes back from each layer's inputs over the
nodes whose result is constant to what is stored. What a node makes out of nothing but a shape
(zeros, an identity, a range) is computed, not stored, and is nobody's weight; the stored lengths are
constants. Of a sparse tensor the values that are stored count, and
their indices as bytes; what is computed with it is taken as dense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from cnnscope.analyzer.model.graph import Graph, Node, Stored, captures, used_names
from cnnscope.analyzer.operators.definition import Operator, Role, lookup
from cnnscope.analyzer.operators.likeness import Answers
from cnnscope.analyzer.operators.reading import NOTHING
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.stored_roles import NEVER_LEARNED, made_tensor, stored_role
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Shape

_RANK: dict[Role, int] = {"parameter": 0, "affine": 0, "buffer": 1, "constant": 2}

#: which layer: a node's index, then for a node in its subgraph the attribute's name and the index there
Path = tuple[int | str, ...]
Key = tuple[int, str]  # (identity of the graph that stores it, tensor name)
Asked = tuple[str, Role | None]  # a tensor's name, and what it is where it is used; None: anything


@dataclass(frozen=True, slots=True)
class Weight:
    """A stored tensor in its role; `layer` is the path of the first that uses it."""

    name: str
    elements: int
    nbytes: int
    role: Role
    layer: Path
    dtype: str | None = None


@dataclass(frozen=True)
class Weights:
    """Everything stored that is used.

    Args:
        used: in order of first use.
        by_layer: node path to the weights that it uses, in any role.
        unused: stored but read by nothing, not even by a node that is folded: names and bytes.
        unsized: names of those whose bytes aren't known (strings).
        uncounted: names of those of which not even the number of elements is known.
    """

    used: tuple[Weight, ...]
    by_layer: Mapping[Path, tuple[Weight, ...]]
    unused: tuple[tuple[str, int], ...]
    unsized: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


@dataclass
class _Found:
    stored: Stored
    role: Role
    layers: list[Path] = field(default_factory=list)


def find_weights(graph: Graph, shapes: Shapes) -> Weights:
    """What is stored in a model's graph, its subgraphs included, and who uses it."""
    found: dict[Key, _Found] = {}
    _Walk(graph, shapes, None, (), found).run()
    weights: dict[Key, Weight] = {}
    by_layer: dict[Path, list[Weight]] = {}
    unsized = []
    uncounted = []
    for key, entry in found.items():
        stored, layers, nbytes = entry.stored, entry.layers, entry.stored.nbytes
        if nbytes is None:
            unsized.append(key[1])
        if not _counted(stored.tensor.shape):
            uncounted.append(key[1])
        facts = entry.role, layers[0], stored.tensor.dtype
        weights[key] = Weight(key[1], stored.elements, nbytes or 0, *facts)
        for layer in layers if len(layers) == 1 else dict.fromkeys(layers):
            by_layer.setdefault(layer, []).append(weights[key])
    # What only leads to results that nobody needs is used by no layer, but it is read.
    read = set(graph.outputs).union(*[used_names(node) for node in graph.nodes])
    unused = tuple((s.name, s.nbytes or 0) for name, s in graph.stored.items() if name not in read)
    each = {layer: tuple(used) for layer, used in by_layer.items()}
    return Weights(tuple(weights.values()), each, unused, tuple(unsized), tuple(uncounted))


def _counted(shape: Shape | None) -> bool:
    """Is it known how many elements there are?"""
    return shape is not None and {int}.issuperset(map(type, shape))


@dataclass(frozen=True, slots=True)
class _Behind:
    """What a constant tensor is, or is made of.

    Args:
        stored: itself, in its role; None: it is made of others.
        further: what it is made of, to be followed.
        outside: whether that is of the graph around.
    """

    stored: Stored | None = None
    role: Role = "parameter"
    further: Sequence[Asked] = ()
    outside: bool = False


class _Walk:
    """One graph's part of the search; subgraphs look names up in the graphs around them.

    What lies behind a tensor in a role is found once, whichever layers use it: its `_Behind`.
    """

    def __init__(
        self,
        graph: Graph,
        shapes: Shapes,
        outer: _Walk | None,
        path: Path,
        found: dict[Key, _Found],
    ) -> None:
        self.graph, self.shapes, self.outer = graph, shapes, outer
        self.path, self.found = path, found
        self.known: dict[Asked, _Behind] = {}
        self.making: Answers[bool] = Answers(shapes.alike)
        self.repeating: Answers[bool] = Answers(shapes.alike)

    def run(self) -> None:
        for node in self.graph.nodes:
            if self.shapes.folded(node):
                continue
            layer = (*self.path, node.index)
            operator = lookup(node.domain, node.op, node.version)
            used = self.roles(node, operator)
            if used:
                self.use(used, layer)
            if operator is not None:
                self.unpack(node, operator)
                self.attributes(node, operator, layer)
            for attribute, body in node.bodies.items():
                inner = self.shapes.bodies.get((node.index, attribute))
                if inner is not None:
                    _Walk(body, inner, self, (*layer, attribute), self.found).run()
        results = [name for name in self.graph.outputs if self.handed_out(name)]
        self.use([(name, None) for name in results], (*self.path, len(self.graph.nodes)))

    def handed_out(self, name: str) -> bool:
        """Is a result constant?"""
        giver = self.graph.producers.get(name)
        return name in self.graph.stored or (giver is not None and self.shapes.folded(giver))

    def roles(self, node: Node, operator: Operator | None) -> list[Asked]:
        """Each constant input of a node with the role the operator gives it, None for any."""
        given: Mapping[int, Role] = operator.roles if operator else {}
        tensors = self.shapes.tensors
        return [
            (name, given.get(i))
            for i, name in enumerate(node.inputs)
            if name and tensors[name].constant
        ]

    def unpack(self, node: Node, operator: Operator) -> None:
        """Operands that pack several weights into one stored element count as those weights."""
        if operator.elements is None:
            return
        try:
            held = operator.call(operator.elements, self.shapes.inputs(node), dict(node.attributes))
        except TypeError:  # the node lacks an attribute: it was reported when shapes were found
            return
        assert isinstance(held, dict)
        for i, elements in held.items():
            entry = self.found.get((id(self.graph), node.inputs[i]))
            if entry is not None and entry.stored.elements != elements:
                entry.stored = replace(entry.stored, elements=elements)

    def attributes(self, node: Node, operator: Operator, layer: Path) -> None:
        """What operators keep in attributes instead of in stored tensors."""
        for attribute, tensor, role in operator.stored(node.attributes) if operator.stores else ():
            name = f"{node.name}.{attribute}"
            self.found[id(self.graph), name] = _Found(
                made_tensor(name, tensor, node), role, [layer]
            )

    def use(self, used: Sequence[Asked], layer: Path) -> None:
        """Follow a layer's constant tensors back to what is stored. Iterative: chains may be long."""
        seen: set[tuple[int, str, Role]] = set()
        for each in used:
            waiting: list[tuple[_Walk, Asked]] = [(self, each)]
            while waiting:
                walk, asked = waiting.pop()
                name, role = asked
                stored = walk.graph.stored.get(name)
                if stored is not None:  # as most is
                    walk.record(stored, name, walk.told(stored, name, role), layer)
                    continue
                visit = (id(walk), name, role or "parameter")
                if visit in seen:
                    continue
                seen.add(visit)
                behind = walk.known.get(asked)
                if behind is None:
                    behind = walk.known[asked] = walk.behind(name, role)
                if behind.stored is not None:
                    walk.record(behind.stored, name, behind.role, layer)
                further = walk.outer if behind.outside else walk
                if behind.further and further is not None:
                    waiting += [(further, inner) for inner in behind.further]

    def behind(self, name: str, role: Role | None) -> _Behind:
        """What a constant tensor is that isn't stored by its name, or what it is made of."""
        producer = self.graph.producers.get(name)
        if producer is None:
            further = () if name in self.graph.inputs else ((name, role),)
            return _Behind(further=further, outside=True)
        if not any(producer.inputs):
            tensor = self.shapes.tensors[name]
            if tensor.kind != "tensor":
                return _Behind()  # an empty sequence holds nothing
            made = made_tensor(name, tensor, producer)
            return _Behind(made, self.told(made, name, role))
        return _Behind(further=self.ingredients(producer, role))

    def ingredients(self, node: Node, role: Role | None) -> Sequence[Asked]:
        """What a node makes its constant result of, each in its role."""
        operator = lookup(node.domain, node.op, node.version)
        constants = self.roles(node, operator)
        if self.making.of(node, self.makes, node, operator):
            return [(inner, "constant") for inner, _ in constants]
        repeated = self.repeating.of(node, self.repeats, node, constants)
        found: list[Asked] = []
        for inner, own in constants:
            passed = role if own == "parameter" and role is not None else own or role
            if own == "parameter" and role is None:
                # What is quantised is what it was before: a number alone is a constant.
                x = self.shapes.tensors[inner]
                if x.dtype not in NEVER_LEARNED or x.shape == ():
                    passed = None
            found.append((inner, "constant" if repeated else passed))
        for body in node.bodies.values():
            found += [(captured, role) for captured in captures(body)]
        return found

    def makes(self, node: Node, operator: Operator | None) -> bool:
        """Does the node give its tensor out of nothing but a shape?"""
        if operator is None or operator.reads is None or node.bodies:
            return False
        if all(self.shapes.tensors[n].value is not None for n in node.outputs if n) and all(
            self.shapes.tensors[n].dtype in NEVER_LEARNED for n in node.outputs if n
        ):
            return False  # folded shape arithmetic holds nothing: what it came from does
        try:
            reads = operator.call(
                operator.reads,
                (self.shapes.outputs(node), *self.shapes.inputs(node)),
                dict(node.attributes),
            )
        except Exception:  # noqa: BLE001  any failure of the rule: the node is followed, not taken
            return False
        return isinstance(reads, tuple) and bool(reads) and all(r is NOTHING for r in reads)

    def repeats(self, node: Node, constants: Sequence[Asked]) -> bool:
        """Is all that it gives one number over and over, the others being lengths and counts?"""
        if any(role == "parameter" for _, role in constants):
            return False  # integers that stand for weights
        given = [self.shapes.tensors[name] for name in node.inputs if name]
        numbers = [x for x in given if x.dtype not in NEVER_LEARNED]
        return len(numbers) == 1 < len(given) and numbers[0].shape is not None and all(
            n == 1 for n in numbers[0].shape
        )  # fmt: skip

    def told(self, stored: Stored, name: str, role: Role | None) -> Role:
        """The role of what is stored, given what it is where it is used."""
        if role is not None and role != "affine":
            return role
        producer = self.graph.producers.get(name)
        return stored_role(stored, producer is not None and not any(producer.inputs), role)

    def record(self, stored: Stored, name: str, role: Role, layer: Path) -> None:
        """A layer uses what is stored."""
        key = (id(self.graph), name)
        entry = self.found.get(key)
        if entry is None:
            self.found[key] = _Found(stored, role, [layer])
            return
        if _RANK[role] < _RANK[entry.role]:
            entry.role = role
        entry.layers.append(layer)
