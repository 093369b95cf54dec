"""Which nodes are alike, so that one answer serves them all?

Networks repeat themselves: a hundred blocks of the same few layers, each activation as large as the
one before. A rule is a pure function of its operator, the attributes and what is known of the
tensors, so nodes that agree in all of these get the same answer from every rule. They form a
*class*; a pass asks the rule once per class and hands the same value out again, which saves the
time of asking and the memory of each further copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, ParamSpec, TypeVar

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import OURS, Operator
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.elements import FreeRatio
from cnnscope.analyzer.values.tensor import Tensor

T = TypeVar("T")
P = ParamSpec("P")

#: values of up to so many elements are compared number by number
SHORT = 16

#: what two nodes have to agree in, before their outputs are known
Key = tuple[object, ...]


def likeness(node: Node, operator: Operator, inputs: tuple[Tensor | None, ...]) -> Key | None:
    """What makes a node like another; None for one that is like no other.

    That is one with subgraphs (they see the tensors around them), and one whose rules of work and reads
    take its name or aren't known to be pure (a plugin's). Where what is given is called after the node
    (`called_after`), it is like no other either. Without inputs, constants whose attributes are read as
    one are alike.
    """
    if node.bodies or not operator.anonymous or operator.source != OURS:
        return None
    if not inputs:
        if operator.random or not node.attributes:
            return None
        return node.op, node.domain, node.version, len(node.outputs), id(node.attributes)
    if operator.places and any(
        x is not None and x.constant and x.value is None
        for x in (inputs[i] for i in operator.places if i < len(inputs))
    ):
        return None  # what it reads hangs on more numbers than are compared here
    facts: list[object] = []
    for x in inputs:
        if x is None:
            facts.append(None)
        elif x.kind != "tensor":
            return None
        elif (value := x.value) is None:
            facts.append((x.dtype, x.shape, x.constant, x.bounds))
        else:
            # Long values are compared by identity: equal ones are rarely stored twice.
            told: object = id(value)
            if value.size <= SHORT:
                told = value.tobytes() if value.dtype != object else tuple(value.ravel().tolist())
            facts.append((x.dtype, x.shape, x.constant, told))
    names, given = node.inputs, node.outputs
    several = len(names) > 1 and len(set(names)) < len(names)
    key: Key = (
        node.op, node.domain, node.version,
        tuple([names.index(name) for name in names]) if several else None,  # given twice, read once
        tuple([bool(name) for name in given]) if "" in given else len(given),
        tuple(facts),
    )  # fmt: skip
    attributes = node.attributes
    if attributes:
        types = tuple([_type(value) for value in attributes.values()])  # 1 == 1.0
        key = (*key, tuple(attributes.items()), types)
    return key


def called_after(node: Node, outputs: tuple[Tensor, ...]) -> bool:
    """May a length or a number be called after the node, so that no other node's is the same?"""
    for x in outputs:
        if x.kind != "tensor":
            return True
        told: list[object] = list(x.shape or ())
        if x.value is not None and x.value.dtype == object:
            told += x.value.ravel().tolist()
        for item in told:
            if isinstance(item, FreeRatio):
                item = item.top
            if isinstance(item, FreeDim):
                for monomial in item.factors:
                    for atom in monomial:
                        if node.name in atom.text or atom.is_short:
                            return True
    return False


def _type(value: object) -> type:
    """What an attribute is, or what it is a tuple of."""
    return type(value[0]) if isinstance(value, tuple) and value else type(value)


class Answers(Generic[T]):
    """One pass's answers, each found once per class.

    Args:
        alike: node index to the number of its class; a node that isn't in it is like no other.
    """

    __slots__ = ("_alike", "_known")

    def __init__(self, alike: Mapping[int, int]) -> None:
        self._alike = alike
        self._known: dict[int, T] = {}

    def of(self, node: Node, find: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer for a node: that of a node like it, or what `find` says."""
        number = self._alike.get(node.index)
        if number is None:
            return find(*args, **kwargs)
        if number not in self._known:
            self._known[number] = find(*args, **kwargs)
        return self._known[number]
