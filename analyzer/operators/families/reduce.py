"""Reductions along axes and running sums: what is left, and how much work is folding n into one?

Work per output that folds n elements (m outputs), each sum being n - 1 additions::

    Sum n-1 add        Mean + 1 div       Prod n-1 mul        Max, Min, ArgMax, ArgMin n-1 compare
    L1 n |x| + sum     SumSquare n mul + sum                  L2 that + 1 sqrt
    LogSum sum + 1 log                    LogSumExp max n-1, x - m: n add, n exp, sum, log, + m

CumSum and CumProd make n - 1 steps along the axis, one fewer where the first output is the neutral
element (exclusive). A reduction reads its axes whole, and on purpose: a global pool is exported as
one. Without axes everything is reduced, or nothing (`noop_with_empty_axes`).
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import Family, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Upto,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import (
    Outputs,
    Rule,
    demand_least_rank,
    demand_rank,
    demand_single,
    flag,
    in_range,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, product
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor

Axes = tuple[int, ...] | None


def place(axis: int, rank: int) -> int:
    """An axis counted from the front; a scalar has one that may be named."""
    return in_range(axis, max(rank, 1))


def reduced(x: Tensor, given: Tensor | None, axes: Axes, noop: int) -> set[int]:
    """The axes that are folded; raises `Undetermined` where only the run can tell."""
    named = axes or () if given is None else () if given.dims == (0,) else given.numbers
    if not named:
        return set() if noop == 1 else set(range(x.rank))
    return {place(axis, x.rank) for axis in named}


def unread(given: Tensor | None) -> bool:
    """Are axes given that only the run can tell?"""
    return given is not None and given.value is None and given.shape != (0,)


def left(x: Tensor, gone: set[int], keepdims: int) -> tuple[Dim, ...]:
    if keepdims == 1:
        return tuple(1 if i in gone else dim for i, dim in enumerate(x.dims))
    return tuple(dim for i, dim in enumerate(x.dims) if i not in gone)


def reduce_output(
    x: Tensor, given: Tensor | None = None, *, axes: Axes = None, keepdims: int = 1,
    noop_with_empty_axes: int = 0, node_name: str = "",
) -> Tensor:  # fmt: skip
    if x.shape is None:
        return x.of(None)
    demand_rank(given, "axes", 1)
    if given is not None and unread(given):
        # The rank at least, where it is known how many axes go.
        count = given.dims[0] if given.rank else 1
        rank = x.rank if keepdims == 1 else x.rank - count
        if not isinstance(rank, int):
            return x.of(None)
        return x.of(tuple(FreeDim.from_data(f"{node_name} axis {i}") for i in range(rank)))
    return x.of(left(x, reduced(x, given, axes, noop_with_empty_axes), keepdims))


def reduce_reads(
    outputs: Outputs, x: Tensor, given: Tensor | None = None, *, axes: Axes = None,
    keepdims: int = 1, noop_with_empty_axes: int = 0,
) -> OutputReads:  # fmt: skip
    if unread(given):
        return everything(x, spatial=True), NOTHING
    return along_others(x, reduced(x, given, axes, noop_with_empty_axes), keepdims), NOTHING


def along_others(x: Tensor, gone: set[int], keepdims: int) -> InputRead:
    """Whole along the axes that are folded, point by point along the others."""
    kept = [i for i in range(x.rank) if keepdims == 1 or i not in gone]
    return tuple(Whole(spatial=True) if i in gone else Along(kept.index(i)) for i in range(x.rank))


def folding(
    step: str, per_element: dict[str, int] | None = None, per_output: dict[str, int] | None = None
) -> Rule:
    """Work of a reduction: n - 1 steps, and what each element and each result takes beside."""

    def work(outputs: Outputs, x: Tensor, given: Tensor | None = None) -> Work:
        size, count = x.size, outputs[0].size
        if size == 0:
            return Work()
        return (
            Work(**{step: size - count})
            + Work(**(per_element or {})) * size
            + Work(**(per_output or {})) * count
        )

    return work


def log_sum_exp_work(outputs: Outputs, x: Tensor, given: Tensor | None = None) -> Work:
    size, count = x.size, outputs[0].size
    return Work(compare=size - count, add=2 * size, exp=size + count)


def arg_output(x: Tensor, *, axis: int = 0, keepdims: int = 1) -> Tensor:
    if x.shape is None:
        return x.of(None, "int64")
    return x.of(left(x, {place(axis, x.rank)}, keepdims), "int64")


def arg_reads(outputs: Outputs, x: Tensor, *, axis: int = 0, keepdims: int = 1) -> OutputReads:
    return (along_others(x, {place(axis, x.rank)}, keepdims),)


# -- running sums -------------------------------------------------------------------------------


def running(step: str) -> Rule:
    def work(outputs: Outputs, x: Tensor, axis: Tensor, *, exclusive: int = 0) -> Work:
        along = place(axis.only_number, x.rank)
        n = x.dims[along]
        steps = n - 1 - (exclusive and 1)
        if isinstance(n, int):
            steps = max(steps, 0)
        others = product(dim for i, dim in enumerate(x.dims) if i != along)
        return Work(**{step: others * steps})

    return work


def running_reads(
    outputs: Outputs, x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0
) -> OutputReads:
    if axis.value is None:
        return everything(x), NOTHING
    along = place(axis.only_number, x.rank)
    n = x.dims[along]
    scan: AxisRead = Upto(along, reverse=bool(reverse))
    # All but itself: the first has nothing to read. (A free axis is given one index too many.)
    if exclusive and isinstance(n, int) and n <= MAX_PERIOD:
        spans = [(i + 1, n - 1) if reverse else (0, i - 1) for i in range(n)]
        scan = Listed(along, tuple(s if s[0] <= s[1] else None for s in spans))
    return tuple(scan if i == along else Along(i) for i in range(x.rank)), NOTHING


def running_output(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    flag(exclusive, "exclusive")
    flag(reverse, "reverse")
    demand_single(axis, "axis")
    demand_least_rank(x, "input", 1)
    if x.shape is not None and axis.value is not None:
        in_range(axis.only_number, x.rank)
    return x.of(x.shape)


REDUCTIONS: dict[str, Rule] = {
    "ReduceSum": folding("add"),
    "ReduceMean": folding("add", per_output={"div": 1}),
    "ReduceProd": folding("mul"),
    "ReduceMax": folding("compare"),
    "ReduceMin": folding("compare"),
    "ReduceL1": folding("add", {"compare": 1}),
    "ReduceL2": folding("add", {"mul": 1}, {"sqrt": 1}),
    "ReduceSumSquare": folding("add", {"mul": 1}),
    "ReduceLogSum": folding("add", per_output={"exp": 1}),
    "ReduceLogSumExp": log_sum_exp_work,
}

#: what a reduction over space is a pooling of
POOLS: dict[str, Family] = {"ReduceMean": "mean reduction", "ReduceMax": "max reduction"}

for _name, _work in REDUCTIONS.items():
    define(
        _name,
        kind=POOLS.get(_name, "reduction"),
        infer=reduce_output,
        work=_work,
        reads=reduce_reads,
    )
define(
    "ArgMax", "ArgMin", kind="reduction", infer=arg_output, work=folding("compare"), reads=arg_reads
)
define("CumSum", kind="scan", infer=running_output, work=running("add"), reads=running_reads)
define("CumProd", kind="scan", infer=running_output, work=running("mul"), reads=running_reads)
