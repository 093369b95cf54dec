"""What may a rule ask of a node's subgraph, and what is known of a tensor that is one of two?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor


class Body(Protocol):
    """A subgraph that can be applied to inputs."""

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]: ...

    @property
    def declared(self) -> Sequence[Tensor]:
        """Its inputs, as the file declares them."""

    @property
    def refused(self) -> bool:
        """A node inside contradicted itself, when it was last applied."""

    def tried(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """As a call, with nothing kept of it."""

    def withdraw(self) -> None:
        """Take back what the last application found."""


class BodyWork(Protocol):
    """A subgraph's work per run, and the outputs of its last inference."""

    @property
    def work(self) -> Work: ...

    @property
    def outputs(self) -> tuple[Tensor, ...]: ...


class Subgraph(Protocol):
    """A subgraph's ends; its outputs' facts where it can run."""

    @property
    def output_count(self) -> int: ...

    @property
    def outputs(self) -> Sequence[Tensor] | None: ...


def decision(cond: Tensor | None) -> bool | None:
    """The condition's value, if it is known beforehand."""
    if cond is None or cond.value is None or cond.value.dtype == object or cond.value.size != 1:
        return None
    return bool(cond.value.ravel()[0])


def variable(x: Tensor) -> Tensor:
    """A tensor as the body sees it in any iteration: not a constant, no fixed value."""
    return replace(x, constant=False, value=None)


def holds_the_same(a: Tensor, b: Tensor) -> bool:
    """Is as much known of what two containers hold?"""
    if a.kind == "tensor" or a is b:
        return True
    if a.length != b.length or (a.runs is None) != (b.runs is None):
        return False
    pairs = [(a.element, b.element)]
    if a.runs is not None and b.runs is not None:
        if [count for _, count in a.runs] != [count for _, count in b.runs]:
            return False
        pairs += [(x, y) for (x, _), (y, _) in zip(a.runs, b.runs, strict=True)]
    return all(
        x is y or (x is not None and y is not None and (x.dtype, x.shape) == (y.dtype, y.shape)
                   and x.kind == y.kind and holds_the_same(x, y))
        for x, y in pairs
    )  # fmt: skip


def either(a: Tensor, b: Tensor, what: str) -> Tensor:
    """What is known of a tensor that is one of two."""
    if a.kind != b.kind:
        return Tensor(a.dtype if a.dtype == b.dtype else None)
    dtype = a.dtype if a.dtype == b.dtype else None
    element = a.element
    if a.kind != "tensor":
        if holds_the_same(a, b):
            return Tensor(dtype, None, kind=a.kind, element=element, length=a.length, runs=a.runs)
        if 0 in (a.length, b.length):  # what all elements share, is what those of the other share
            element = b.element if a.length == 0 else a.element
            return Tensor(dtype, None, kind=a.kind, element=element)
    if a.element is not None and b.element is not None:
        element = either(a.element, b.element, what)
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return Tensor(dtype, None, kind=a.kind, element=element)
    dims: list[Dim] = [
        p if p == q else FreeDim.from_data(f"{what} axis {axis}")
        for axis, (p, q) in enumerate(zip(a.shape, b.shape, strict=True))
    ]
    return Tensor(dtype, tuple(dims), kind=a.kind, element=element)
