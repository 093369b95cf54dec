"""Which inputs does each output of an operator read? Reading as a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, overload

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import POINT, Window

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Along:
    """This input axis is read along an output axis, through a window.

    `axis` is the output's axis; several input axes may not share one. `partly` says that an output
    reads only some of the product of what its axes read; which, hangs on all its indices (places
    dealt out to channels).
    """

    axis: int
    window: Window = POINT
    partly: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """Output index `i` of `axis` reads the input indices ``rows[i]``, first and last included.

    `spatial` is False where that only says which channels belong to which group. Where what is read
    hangs on several output axes, the rows are hulls, and `table` has the input index that is read,
    laid out along the output axes from its first part on.
    """

    axis: int
    rows: tuple[Span | None, ...]
    spatial: bool = True
    table: tuple[int, np.ndarray] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole of this input axis.

    `spatial` is True where the operator is one that looks along the axis (global pooling,
    attention, a transform), False where the axis is merely contracted or normalised over.
    """

    spatial: bool = False


@dataclass(frozen=True, slots=True)
class Upto:
    """Output index `i` of `axis` reads input indices 0..i (a scan), or i.. when `reverse`."""

    axis: int
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Only:
    """Every output reads the same indices of this input axis: lo..hi, both included."""

    lo: int
    hi: int


AxisRead = Along | Listed | Whole | Upto | Only

_WHOLE = {spatial: Whole(spatial) for spatial in (False, True)}
_FIRST = Only(0, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """One of several ways an input is read: as by any other read, by some of the units.

    `where` has the first of some output axes and which units along them read this; None: all do.
    """

    reads: tuple[AxisRead, ...]
    where: tuple[int, np.ndarray] | None = None


class Coupled(tuple[AxisRead, ...]):
    """A read per input axis that leaves nothing out, and what is read exactly where the axes hang
    together: what a unit reads is then less than the product of what it reads of each axis.

    Args:
        hull: the read of each axis by itself.
        parts: what is read is the union of these; none: nothing is. None: the steps say it.
        steps: the reads of what lies between, one after another, each with the shape that it gives;
            the last gives the output's.
        vague: the input axes of which some units read less than the hull says of them.
    """

    parts: tuple[Part, ...] | None
    steps: tuple[tuple[tuple[AxisRead, ...] | Flat, Shape], ...]
    vague: frozenset[int]

    def __new__(
        cls,
        hull: Iterable[AxisRead] = (),
        parts: Iterable[Part] | None = None,
        steps: Iterable[tuple[tuple[AxisRead, ...] | Flat, Shape]] = (),
        vague: Iterable[int] = (),
    ) -> Coupled:
        made = super().__new__(cls, hull)
        made.parts = None if parts is None else tuple(parts)
        made.steps = tuple(steps)
        made.vague = frozenset(vague)
        return made


class Flat:
    """The output holds the input's elements in the same row-major order (Reshape and its like)."""

    def __repr__(self) -> str:
        return "FLAT"


class Nothing:
    """The output doesn't depend on this input's elements (Shape reads only the shape)."""

    def __repr__(self) -> str:
        return "NOTHING"


FLAT = Flat()
NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Through:
    """A subgraph that outputs are read through (control flow).

    Args:
        attribute: the attribute that holds the subgraph.
        inputs: per input of the body: the node's input that feeds it and the axis that an
            iteration takes one index of (None: all of it); None where no input feeds it.
        outputs: per output of the node: the body's output behind it and the axis along which
            iterations are stacked (None: the last one's result); None where none is.
        carried: pairs (body output, body input) that the next iteration sees.
        trips: how often the body runs, where that is known.
        most: how often at most, where only that is.
        from_the_end: inputs of the body that iterations take from the last index on.
        to_the_front: outputs of the node that iterations fill from the last index on.
    """

    attribute: str
    inputs: tuple[tuple[int, int | None] | None, ...]
    outputs: tuple[tuple[int, int | None] | None, ...]
    carried: tuple[tuple[int, int], ...] = ()
    trips: int | None = None
    most: int | None = None
    from_the_end: frozenset[int] = frozenset()
    to_the_front: frozenset[int] = frozenset()

    def taken(self, place: int, iteration: int) -> int:
        """The index of the axis of a body's input that an iteration takes."""
        assert self.trips is not None
        return self.trips - 1 - iteration if place in self.from_the_end else iteration

    def filled(self, place: int, iteration: int) -> int:
        """The index of the axis of a node's output that an iteration fills."""
        assert self.trips is not None
        return self.trips - 1 - iteration if place in self.to_the_front else iteration


#: for one input: a read per input axis; or row-major order kept; or nothing; or None: elementwise
#: with numpy's broadcasting
InputRead = tuple[AxisRead, ...] | Flat | Nothing | None
#: for one output: a read per input; inputs left out at the end are read elementwise
OutputReads = Sequence[InputRead]
#: the same for every output; or a dict by output index (outputs left out: every input read whole);
#: or the subgraphs that the outputs come from
Reads = OutputReads | dict[int, OutputReads] | tuple[Through, ...]


@cache
def straight(rank: int) -> tuple[AxisRead, ...]:
    """Every axis read along itself, index by index: the same value each time, so that it can be
    told at a glance."""
    return tuple(Along(axis) for axis in range(rank))


class Beside(Sequence[tuple[AxisRead, ...]]):
    """The reads of inputs that lie one after another along an axis, and are else read index by index.

    A dense block joins all that was before, layer after layer: each read is made when it's asked for.

    Args:
        rank: of all inputs and of the output.
        axis: along which they lie.
        offsets: where each begins.
        even: every other axis is as long as the output's.
    """

    __slots__ = ("axis", "even", "offsets", "rank")

    def __init__(self, rank: int, axis: int, offsets: Sequence[int], even: bool) -> None:
        self.rank, self.axis, self.offsets, self.even = rank, axis, tuple(offsets), even

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, i: int) -> tuple[AxisRead, ...]: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[tuple[AxisRead, ...], ...]: ...
    def __getitem__(
        self, i: int | slice
    ) -> tuple[AxisRead, ...] | tuple[tuple[AxisRead, ...], ...]:
        if isinstance(i, slice):
            return tuple([self[k] for k in range(len(self))[i]])
        reads, offset, axis = straight(self.rank), self.offsets[i], self.axis
        if not offset:
            return reads
        return *reads[:axis], Along(axis, Window(before=offset)), *reads[axis + 1 :]


#: up to so many channels an axis of channels in groups is read by a table
MAX_LISTED = 1 << 12


def repeated(times: int) -> Window:
    """Output ``i`` reads input ``i // times`` alone."""
    step = Fraction(1, times)
    return Window(times, step, step, 1 - step) if times > 1 else POINT


def elementwise(output: Tensor, tensor: Tensor) -> tuple[AxisRead, ...]:
    """The reads of numpy broadcasting: axes matched from the last, length 1 repeated."""
    dims, lengths = tensor.dims, output.dims
    if dims == lengths:
        return straight(len(dims))
    shift = len(lengths) - len(dims)
    own = straight(len(lengths))
    return tuple(
        [
            _FIRST if dim == 1 and lengths[i + shift] != 1 else own[i + shift]
            for i, dim in enumerate(dims)
        ]
    )


def everything(tensor: Tensor, *, spatial: bool = False) -> tuple[AxisRead, ...]:
    """Every output reads all of the input."""
    return (_WHOLE[spatial],) * len(tensor.dims)


def each_whole(*tensors: Tensor | None) -> tuple[InputRead, ...]:
    """Scales, zero points, masks and the like: each is read by every output, where it is given."""
    return tuple(None if t is None else everything(t) for t in tensors)


def nothing_read(outputs: tuple[Tensor, ...], *inputs: Tensor | None) -> OutputReads:
    """The rule of operators whose outputs depend on no input's elements."""
    return tuple(NOTHING for _ in inputs)
