"""Control flow: what do If, Loop and Scan give, and how often does their body run?

If: the branch that runs hangs on data; sizes that both branches agree on are known, and the larger
branch's work counts (both are shown). A condition known beforehand decides. Loop and Scan: the
body's work times the trip count, a number where it is constant, else a named unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.operators.rules import counted, in_range
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


def _decided(cond: Tensor | None) -> bool | None:
    """The condition's value, if it is known beforehand."""
    if cond is None or cond.value is None or cond.value.dtype == object or cond.value.size != 1:
        return None
    return bool(cond.value.ravel()[0])


def _variable(x: Tensor) -> Tensor:
    """A tensor as the body sees it in any iteration: not a constant, no fixed value."""
    return replace(x, constant=False, value=None)


def _holds_the_same(a: Tensor, b: Tensor) -> bool:
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
                   and x.kind == y.kind and _holds_the_same(x, y))
        for x, y in pairs
    )  # fmt: skip


def _either(a: Tensor, b: Tensor, what: str) -> Tensor:
    """What is known of a tensor that is one of two."""
    if a.kind != b.kind:
        return Tensor(a.dtype if a.dtype == b.dtype else None)
    dtype = a.dtype if a.dtype == b.dtype else None
    element = a.element
    if a.kind != "tensor":
        if _holds_the_same(a, b):
            return Tensor(dtype, None, kind=a.kind, element=element, length=a.length, runs=a.runs)
        if 0 in (a.length, b.length):  # what all elements share, is what those of the other share
            element = b.element if a.length == 0 else a.element
            return Tensor(dtype, None, kind=a.kind, element=element)
    if a.element is not None and b.element is not None:
        element = _either(a.element, b.element, what)
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return Tensor(dtype, None, kind=a.kind, element=element)
    dims: list[Dim] = [
        p if p == q else FreeDim.from_data(f"{what} axis {axis}")
        for axis, (p, q) in enumerate(zip(a.shape, b.shape, strict=True))
    ]
    return Tensor(dtype, tuple(dims), kind=a.kind, element=element)


# -- If ------------------------------------------------------------------------------------------


def if_output(
    cond: Tensor, *, then_branch: Body, else_branch: Body, node_name: str
) -> tuple[Tensor, ...]:
    decided = _decided(cond)
    if decided is not None:
        return then_branch() if decided else else_branch()
    then, other = then_branch(), else_branch()
    # A branch that contradicts the sizes found can't be the one that runs: exporters leave
    # both ways of a check on the rank.
    if then_branch.refused != else_branch.refused:
        (then_branch if then_branch.refused else else_branch).withdraw()
        return other if then_branch.refused else then
    return tuple(
        _either(_variable(a), _variable(b), f"{node_name} output {k}")
        for k, (a, b) in enumerate(zip(then, other, strict=True))
    )


def if_work(
    outputs: tuple[Tensor, ...],
    cond: Tensor,
    *,
    then_branch: BodyWork | None = None,
    else_branch: BodyWork | None = None,
) -> Work:
    # Only the branches that can run were applied.
    possible = [branch.work for branch in (then_branch, else_branch) if branch is not None]
    return max(possible, key=lambda work: (work.macs, work.flops))


def if_reads(
    outputs: tuple[Tensor, ...], cond: Tensor, *, then_branch: Subgraph, else_branch: Subgraph
) -> tuple[Through, ...]:
    behind = tuple((k, None) for k in range(len(outputs)))
    branches = {"then_branch": then_branch, "else_branch": else_branch}
    return tuple(
        Through(name, (), behind) for name, branch in branches.items() if branch.outputs is not None
    )


define("If", kind="control flow", infer=if_output, work=if_work, reads=if_reads)


# -- Loop ----------------------------------------------------------------------------------------


def _trips(limit: Tensor | None, cond: Tensor | None, goes_on: Tensor | None, what: str) -> Dim:
    """How often a Loop runs: its limit, where no condition can end it before."""
    endless = cond is None or _decided(cond) is True
    if _decided(cond) is False:
        return 0
    bounded = limit is not None and limit.value is not None
    if endless and bounded and goes_on is not None and _decided(goes_on) is True:
        assert limit is not None
        trips = limit.only_length
        return max(trips, 0) if isinstance(trips, int) else trips
    if endless and goes_on is not None and _decided(goes_on) is False:
        return 1
    return FreeDim.from_data(f"trips of {what}")


def _single(dtype: str, body: Body, place: int, outside: Tensor | None) -> Tensor:
    """The iteration number or the condition, as a Loop's body is given it.

    A scalar, says ONNX; a body that declares one axis is given one axis of length 1 by ONNX
    Runtime, and exporters write such bodies. Where the body declares no shape, it is written for
    what the loop is given from outside.
    """
    declared = body.declared[place].shape if place < len(body.declared) else None
    if declared is None and outside is not None:
        declared = outside.shape
    return Tensor(dtype, (1,) if declared is not None and len(declared) == 1 else ())


def loop_output(
    limit: Tensor | None,
    cond: Tensor | None = None,
    *carried: Tensor,
    body: Body,
    output_count: int,
    node_name: str,
) -> tuple[Tensor, ...]:
    states = [_variable(x) for x in carried]
    iteration, going = _single("int64", body, 0, limit), _single("bool", body, 1, cond)
    if cond is None or _decided(cond) is True:
        import numpy as np

        # The body may hand its condition through: then it stays what it was.
        going = going.with_value(np.full(going.shape or (), True))
    results: tuple[Tensor, ...] = ()
    for _ in range(3):  # shapes that change from one iteration to the next become unknown
        results = body(iteration, going, *states)
        settled = True
        for k, (before, after) in enumerate(zip(list(states), results[1:], strict=False)):
            merged = _either(before, _variable(after), f"{node_name} carried {k}")
            same = merged.shape == before.shape and merged.dtype == before.dtype
            if not same or not _holds_the_same(merged, before):
                states[k], settled = merged, False
        if settled:
            break
    trips = _trips(limit, cond, results[0] if results else None, node_name)
    stacked = [
        x.of(None if x.shape is None else (trips, *x.shape)) for x in results[1 + len(states) :]
    ]
    final = states
    if trips == 1:
        # Its one iteration is number 0, and what was said of any is said of that one.
        body.withdraw()
        results = body(_numbered(iteration, 0), going, *[_variable(x) for x in carried])
        final = [_variable(x) for x in results[1 : 1 + len(states)]]
        stacked = [
            x.of(None if x.shape is None else (1, *x.shape)) for x in results[1 + len(states) :]
        ]
    elif isinstance(trips, int) and 1 < trips <= _FOLLOWED and any(map(_unsettled, states)):
        final = _followed(body, trips, (iteration, going), [_variable(x) for x in carried])
    return (*final, *stacked)


#: iterations of a loop that are gone through one by one, where its state grows
_FOLLOWED = 32


def _unsettled(x: Tensor) -> bool:
    """Isn't it known what it is, apart from the free dimensions of the inputs?"""
    if x.kind == "sequence":
        return True
    return x.shape is None or any(isinstance(d, FreeDim) and d.data for d in x.shape)


def _numbered(number: Tensor, iteration: int) -> Tensor:
    import numpy as np

    return number.with_value(np.full(number.shape or (), iteration, np.int64))


def _followed(
    body: Body, trips: int, given: tuple[Tensor, Tensor], states: list[Tensor]
) -> list[Tensor]:
    """The state after so many iterations, each with its number known."""
    number, going = given
    for i in range(trips):
        results = body.tried(_numbered(number, i), going, *states)
        states = [_variable(x) for x in results[1 : 1 + len(states)]]
    return states


def loop_work(
    outputs: tuple[Tensor, ...],
    limit: Tensor | None,
    cond: Tensor | None = None,
    *carried: Tensor,
    body: BodyWork,
    node_name: str,
) -> Work:
    goes_on = body.outputs[0] if body.outputs else None
    return body.work * _trips(limit, cond, goes_on, node_name)


def loop_reads(
    outputs: tuple[Tensor, ...],
    limit: Tensor | None,
    cond: Tensor | None = None,
    *carried: Tensor,
    body: Subgraph,
    node_name: str,
) -> tuple[Through, ...]:
    count = len(carried)
    goes_on = body.outputs[0] if body.outputs else None
    trips = _trips(limit, cond, goes_on, node_name)
    most = None if limit is None or limit.value is None else limit.only_length
    return (
        Through(
            "body",
            (None, None, *((2 + k, None) for k in range(count))),
            (
                *((1 + k, None) for k in range(count)),
                *((1 + k, 0) for k in range(count, body.output_count - 1)),
            ),
            tuple((1 + k, 2 + k) for k in range(count)),
            trips if isinstance(trips, int) else None,
            most if isinstance(most, int) else None,
        ),
    )


define("Loop", kind="control flow", infer=loop_output, work=loop_work, reads=loop_reads)


# -- Scan ----------------------------------------------------------------------------------------


def _axis(axes: tuple[int, ...] | None, k: int, rank: int) -> int:
    if axes and k >= len(axes):
        raise ValueError(f"{len(axes)} axes for more inputs or outputs of a Scan")
    return in_range(axes[k] if axes else 0, rank)


def scan_output(
    *inputs: Tensor,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: tuple[int, ...] | None = None,
    scan_output_axes: tuple[int, ...] | None = None,
    node_name: str,
) -> tuple[Tensor, ...]:
    if not 1 <= counted(num_scan_inputs, "num_scan_inputs") <= len(inputs):
        raise ValueError(f"num_scan_inputs is {num_scan_inputs} of {len(inputs)} inputs")
    count = len(inputs) - num_scan_inputs
    states = [_variable(x) for x in inputs[:count]]
    slices: list[Tensor] = []
    trips: Dim | None = None
    for k, x in enumerate(inputs[count:]):
        axis = _axis(scan_input_axes, k, x.rank)
        length = x.dims[axis]
        if isinstance(trips, int) and isinstance(length, int) and trips != length:
            raise ValueError(f"scan inputs have the lengths {trips} and {length}")
        trips = length if trips is None else trips
        slices.append(x.of((*x.dims[:axis], *x.dims[axis + 1 :])))
    results = body(*states, *slices)
    final = [
        _either(before, _variable(after), f"{node_name} state {k}")
        for k, (before, after) in enumerate(zip(states, results, strict=False))
    ]
    assert trips is not None
    stacked = []
    for k, x in enumerate(results[count:]):
        if x.shape is None:
            stacked.append(x.of(None))
            continue
        axis = _axis(scan_output_axes, k, len(x.shape) + 1)
        stacked.append(x.of((*x.shape[:axis], trips, *x.shape[axis:])))
    return (*final, *stacked)


def scan_work(
    outputs: tuple[Tensor, ...],
    *inputs: Tensor,
    body: BodyWork,
    num_scan_inputs: int,
    scan_input_axes: tuple[int, ...] | None = None,
) -> Work:
    first = inputs[len(inputs) - num_scan_inputs]
    return body.work * first.dims[_axis(scan_input_axes, 0, first.rank)]


def _scan_trips(inputs: tuple[Tensor, ...], count: int, axes: tuple[int, ...] | None) -> int | None:
    first = inputs[count]
    trips = first.dims[_axis(axes, 0, first.rank)]
    return trips if isinstance(trips, int) else None


def scan_reads(
    outputs: tuple[Tensor, ...],
    *inputs: Tensor,
    body: Subgraph,
    num_scan_inputs: int,
    scan_input_axes: tuple[int, ...] | None = None,
    scan_output_axes: tuple[int, ...] | None = None,
    scan_input_directions: tuple[int, ...] | None = None,
    scan_output_directions: tuple[int, ...] | None = None,
) -> tuple[Through, ...]:
    count = len(inputs) - num_scan_inputs
    taken = [
        (count + k, _axis(scan_input_axes, k, inputs[count + k].rank))
        for k in range(num_scan_inputs)
    ]
    stacked = [
        (k, _axis(scan_output_axes, k - count, outputs[k].rank))
        for k in range(count, body.output_count)
    ]
    return (
        Through(
            "body",
            (*((k, None) for k in range(count)), *taken),
            (*((k, None) for k in range(count)), *stacked),
            tuple((k, k) for k in range(count)),
            _scan_trips(inputs, count, scan_input_axes),
            from_the_end=_flipped(count, scan_input_directions),
            to_the_front=_flipped(count, scan_output_directions),
        ),
    )


def _flipped(first: int, directions: tuple[int, ...] | None) -> frozenset[int]:
    return frozenset(first + k for k, backwards in enumerate(directions or ()) if backwards)


def scan8_output(
    lens: Tensor | None, *inputs: Tensor, body: Body, num_scan_inputs: int, node_name: str
) -> tuple[Tensor, ...]:
    # Opset 8: every input has a leading batch axis that the body doesn't see.
    if not inputs:
        raise ValueError("a Scan of no inputs")
    batch = inputs[0].dims[0]
    bare = [x.of(x.dims[1:]) for x in inputs]
    found = scan_output(*bare, body=body, num_scan_inputs=num_scan_inputs, node_name=node_name)
    return tuple(x.of(None if x.shape is None else (batch, *x.shape)) for x in found)


def scan8_work(
    outputs: tuple[Tensor, ...],
    lens: Tensor | None,
    *inputs: Tensor,
    body: BodyWork,
    num_scan_inputs: int,
) -> Work:
    first = inputs[len(inputs) - num_scan_inputs]
    return body.work * (first.dims[0] * first.dims[1])


define("Scan", kind="control flow", infer=scan8_output, work=scan8_work, since=8)
define("Scan", kind="control flow", infer=scan_output, work=scan_work, reads=scan_reads, since=9)
