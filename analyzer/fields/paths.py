"""Along which paths do the units of a tensor see the inputs' axes?

For every tensor, network input and input axis a few terms (`terms`) are kept, whose union a unit
sees. "All paths" is the union of all terms; "local" leaves the collapsed ones out
(squeeze-and-excitation multiplies a global term onto a local one). Beside the union stand the single
paths from the input, of which one is the smallest (`smallest`).
"""

from __future__ import annotations

from typing import NamedTuple

from cnnscope.analyzer.fields.digits import Digit
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.tensor import Tensor

InputAxis = tuple[str, int]  # network input, axis


class Paths(NamedTuple):
    """What the units of a tensor see of one input axis: the union of the terms.

    Args:
        terms: along all paths.
        aligned: no paths were joined that differ in step or centre.
        known: every term is.
        single: the single paths that may turn out the smallest; None: the terms are those.
    """

    terms: tuple[Term, ...]
    aligned: bool = True
    known: bool = True
    single: tuple[Term, ...] | None = None

    @property
    def ways(self) -> tuple[Term, ...]:
        """The single paths that may turn out the smallest."""
        return self.terms if self.single is None else self.single


State = dict[InputAxis, Paths]
NONE: State = {}


class Unfollowed(State):
    """The state of a tensor behind the point where following the fields was given up.

    It has every axis of every input, as one of which nothing is known, not even whether it is seen;
    whoever shows it may leave them out.
    """


def initial_state(name: str, x: Tensor) -> State:
    """What the elements of a network input see: themselves."""
    itself = Field()
    return {
        (name, axis): Paths((Term((Digit(axis, 1, None, itself),)),))
        for axis in range(len(x.shape or ()))
    }


def settled(paths: Paths) -> bool:
    """Does every term hang on the unit in a way of its own? Those that came to hang on it alike, two
    parts of a Concat behind one convolution, still have to be put together."""
    terms = paths.terms
    return len(terms) < 2 or len({t.places for t in terms}) == len(terms)


def all_settled(state: State) -> bool:
    """Does every term, of every input axis?"""
    return all(map(settled, state.values()))
