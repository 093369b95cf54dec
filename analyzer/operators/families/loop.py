"""What does Loop give, and how often does its body run?

The body's work times the trip count, a number where it is constant, else a named unknown.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.bodies import (
    Body,
    BodyWork,
    Subgraph,
    decision,
    either,
    holds_the_same,
    variable,
)
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def _trips(limit: Tensor | None, cond: Tensor | None, goes_on: Tensor | None, what: str) -> Dim:
    """How often a Loop runs: its limit, where no condition can end it before."""
    endless = cond is None or decision(cond) is True
    if decision(cond) is False:
        return 0
    bounded = limit is not None and limit.value is not None
    if endless and bounded and goes_on is not None and decision(goes_on) is True:
        assert limit is not None
        trips = limit.only_length
        return max(trips, 0) if isinstance(trips, int) else trips
    if endless and goes_on is not None and decision(goes_on) is False:
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
    states = [variable(x) for x in carried]
    iteration, going = _single("int64", body, 0, limit), _single("bool", body, 1, cond)
    if cond is None or decision(cond) is True:
        import numpy as np

        # The body may hand its condition through: then it stays what it was.
        going = going.with_value(np.full(going.shape or (), True))
    results: tuple[Tensor, ...] = ()
    for _ in range(3):  # shapes that change from one iteration to the next become unknown
        results = body(iteration, going, *states)
        settled = True
        for k, (before, after) in enumerate(zip(list(states), results[1:], strict=False)):
            merged = either(before, variable(after), f"{node_name} carried {k}")
            same = merged.shape == before.shape and merged.dtype == before.dtype
            if not same or not holds_the_same(merged, before):
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
        results = body(_numbered(iteration, 0), going, *[variable(x) for x in carried])
        final = [variable(x) for x in results[1 : 1 + len(states)]]
        stacked = [
            x.of(None if x.shape is None else (1, *x.shape)) for x in results[1 + len(states) :]
        ]
    elif isinstance(trips, int) and 1 < trips <= _FOLLOWED and any(map(_unsettled, states)):
        final = _followed(body, trips, (iteration, going), [variable(x) for x in carried])
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
        states = [variable(x) for x in results[1 : 1 + len(states)]]
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
