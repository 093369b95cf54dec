"""What becomes of what is seen where the iterations of a loop begin and end?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.fields.digits import EVERYTHING, ITERATION, Digits
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State
from cnnscope.analyzer.fields.terms import Term, gathered
from cnnscope.analyzer.model.graph import Node


def one_iteration(state: State, axis: int | None) -> State:
    """A loop body's view of an input of which each iteration takes one index along an axis."""
    if axis is None:
        return state

    def put(digits: Digits) -> Digits:
        return tuple(
            d._replace(axis=ITERATION if d.axis == axis else d.axis - (d.axis > axis))
            for d in digits
        )

    return _mapped(state, put)


def moving_along(state: State, axis: int) -> set[InputAxis]:
    """The input axes that a tensor's axis moves along."""
    return {
        key for key, paths in state.items()
        if any(d.axis == axis for term in paths.terms for d in term.digits)
    }  # fmt: skip


def stacked_along(state: State, axis: int) -> State:
    """What an output sees that stacks what each iteration gives along an axis."""

    def put(digits: Digits) -> Digits:
        return tuple(
            d._replace(axis=axis if d.axis == ITERATION else d.axis + (d.axis >= axis))
            for d in digits
        )

    return _mapped(state, put)


def _mapped(state: State, put: Callable[[Digits], Digits]) -> State:
    def mapped(terms: Sequence[Term]) -> tuple[Term, ...]:
        return tuple(term._replace(digits=put(term.digits)) for term in terms)

    return {
        key: paths._replace(
            terms=mapped(paths.terms),
            single=None if paths.single is None else mapped(paths.single),
        )
        for key, paths in state.items()
    }


def spread_iterations(state: State, node: Node) -> State:
    """After the loop, or in the next iteration: what any iteration saw."""

    def spread(terms: Sequence[Term]) -> tuple[Term, ...]:
        return gathered([
            Term((), EVERYTHING, node.name, True)
            if any(d.axis == ITERATION for d in term.digits) else term
            for term in terms
        ])  # fmt: skip

    return {
        key: paths._replace(
            terms=spread(paths.terms),
            single=None if paths.single is None else spread(paths.single),
        )
        for key, paths in state.items()
    }


def all_of(state: State, node: Node) -> State:
    """All of every input axis of which anything is seen, by that node."""
    return {
        key: Paths((Term((), EVERYTHING, node.name, True),), p.aligned, p.known)
        for key, p in state.items()
    }
