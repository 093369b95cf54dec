"""Writing elements by index: which updates does an output read, and what is left of the data?

Constant indices are followed exactly, place by place; with indices that only the run can tell, any
update may be anywhere along the axis. Where updates are combined with what is there, that is one
operation each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.index_tables import (
    demand_places,
    demand_tuples,
    positions,
)
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    Coupled,
    InputRead,
    Listed,
    OutputReads,
    Part,
    Whole,
    straight,
)
from cnnscope.analyzer.operators.rules import (
    Outputs,
    demand,
    demand_least_rank,
    demand_rank,
    in_range,
    one_of,
    same,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape, Tensor

#: what a scatter writes where is kept place by place up to this many places
MAX_TABLE = 1 << 18
#: updates of one place that are told apart
MAX_WRITERS = 16


def written(found: np.ndarray, n: int) -> tuple[Span | None, ...]:
    """Data index -> the hull of the rows of a table of positions that write it."""
    rows: list[Span | None] = [None] * n
    for i, row in enumerate(found):
        for position in np.unique(row).tolist():
            known = rows[position]
            rows[position] = (i, i) if known is None else (known[0], i)
    return tuple(rows)


def scatter_elements_output(
    x: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0
) -> Tensor:
    if x.shape is not None:
        along = in_range(axis, x.rank)
        demand_rank(indices, "indices", x.rank)
        demand_places(indices, x.shape[along])
    if indices.shape is not None:
        demand(updates, "updates", *indices.shape)
    return x.of(x.shape)


def scatter_nd_output(x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    """There is an update for every tuple of indices: of what those leave of the data's axes."""
    demand_least_rank(x, "data", 1)
    demand_least_rank(indices, "indices", 1)
    if x.shape is not None and indices.shape is not None:
        depth = indices.shape[-1]
        if isinstance(depth, int):
            if depth > x.rank:
                raise ValueError(f"indices of {depth} axes, data has {x.rank}")
            demand(updates, "updates", *indices.shape[:-1], *x.shape[depth:])
            demand_tuples(indices, x.shape[:depth])
    return x.of(x.shape)


def laid_out(
    places: Sequence[np.ndarray], shape: Shape
) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """Where each update is written, as a flat index, and the lengths of the axes; None where that
    isn't known, is too much, or is outside."""
    lengths = tuple(d for d in shape if isinstance(d, int))
    if len(lengths) < len(shape) or not 0 < math.prod(lengths) <= MAX_TABLE:
        return None
    if not places[0].size or any(length > MAX_PERIOD for length in lengths):
        return None
    if any(((at < 0) | (at >= n)).any() for at, n in zip(places, lengths, strict=True)):
        return None
    return np.ravel_multi_index([at.ravel() for at in places], lengths), lengths


def kept(over: np.ndarray, x: Tensor) -> InputRead:
    """How data is read that is overwritten at some places along its first axes."""
    if not over.any():
        return None
    if over.all():
        return NOTHING
    straight_on = list(straight(x.rank))
    for axis in range(over.ndim):
        lines = np.moveaxis(over, axis, 0).reshape(over.shape[axis], -1)
        gone = np.array([bool(line.all()) for line in lines])
        if gone.any():
            rows = tuple(None if line.all() else (i, i) for i, line in enumerate(lines))
            straight_on[axis] = Listed(axis, rows, spatial=False)
            if (gone == lines.any(axis=1)).all():  # rows of one axis, and nothing else
                return tuple(straight_on)
            break
    return Coupled(straight_on, [Part(straight(x.rank), (0, ~over))])


def sources(targets: np.ndarray, size: int) -> list[np.ndarray]:
    """For places that are written, in some order, which of the writers each is written by, -1 for
    none; as many tables as one place has writers."""
    order = np.argsort(targets, kind="stable")
    target = targets[order]
    first = np.searchsorted(target, target)
    rank = np.arange(len(target)) - first
    tables = []
    for k in range(int(rank.max(initial=-1)) + 1):
        table_ = np.full(size, -1)
        table_[target[rank == k]] = order[rank == k]
        tables.append(table_)
    return tables


def scatter_elements_work(
    outputs: Outputs, x: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none"
) -> Work:
    """One operation per update where it is combined with what is there."""
    kinds = {"add": "add", "mul": "mul", "max": "compare", "min": "compare"}
    return Work(**{kinds[reduction]: updates.size}) if reduction in kinds else Work()


def scatter_elements_reads(
    outputs: Outputs, x: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0,
    reduction: str = "none",
) -> OutputReads:  # fmt: skip
    along = in_range(axis, x.rank)
    n = x.dims[along]
    found = positions(indices, n)
    read: AxisRead = Whole()
    if found is not None and isinstance(n, int):
        rows = np.moveaxis(found, along, 0)
        read = Listed(along, written(rows.reshape(len(rows), -1), n))
    moved: tuple[AxisRead, ...] = tuple(read if i == along else Along(i) for i in range(x.rank))
    if found is None:
        return None, moved, moved
    places: list[np.ndarray] = [*np.indices(found.shape)]
    own = places[along].ravel()
    places[along] = found
    laid = laid_out(places, x.dims)
    if laid is None:
        return None, moved, moved
    targets, lengths = laid
    size = math.prod(lengths)
    tables = sources(targets, size)
    if len(tables) <= MAX_WRITERS:
        parts = []
        for who in tables:
            at = np.where(who < 0, -1, own[who]).reshape(lengths)
            picked = Listed(along, (), table=(0, at))
            parts.append(Part(tuple(picked if i == along else Along(i) for i in range(x.rank))))
        moved = Coupled(moved, parts)
    data: InputRead = None
    if reduction == "none":
        over = np.zeros(size, bool)
        over[targets] = True
        data = kept(over.reshape(lengths), x)
    return data, moved, moved


def scatter_nd_reads(
    outputs: Outputs, x: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none"
) -> OutputReads:
    depth, lead = int(indices.dims[-1]), indices.rank - 1
    reads: list[AxisRead] = [Whole()] * lead
    free = set(range(depth))
    for e in range(lead):
        # An update axis lies along a data axis where it alone decides that coordinate.
        for d in sorted(free):
            n = x.dims[d]
            found = positions(indices, n)
            if found is None or not isinstance(n, int) or not found.size:
                continue
            rows = np.moveaxis(found[..., d], e, 0).reshape(found.shape[e], -1)
            if (rows == rows[:, :1]).all() and len({*rows[:, 0].tolist()}) == len(rows):
                reads[e] = Listed(d, written(rows[:, :1], n))
                free.discard(d)
                break
    rest: list[AxisRead] = [Along(depth + i) for i in range(x.rank - depth)]
    moved: tuple[AxisRead, ...] = (*reads, *rest)
    data: InputRead = None
    given = [positions(indices, x.dims[d]) for d in range(depth)]
    told = [found[..., d] for d, found in enumerate(given) if found is not None]
    laid = laid_out(told, x.dims[:depth]) if len(told) == depth > 0 else None
    if laid is not None:
        targets, lengths = laid
        tables = sources(targets, math.prod(lengths))
        if reduction == "none":
            over = np.zeros(math.prod(lengths), bool)
            over[targets] = True
            data = kept(over.reshape(lengths), x)
        if len(tables) <= MAX_WRITERS:
            moved = Coupled(moved, [
                Part((*writers(who.reshape(lengths), indices), *rest)) for who in tables
            ])  # fmt: skip
    return data, (*reads, Whole()), moved


def writers(who: np.ndarray, indices: Tensor) -> list[AxisRead]:
    """How the axes of updates are read by whom each place is written by, by number; -1: by none."""
    each = np.unravel_index(np.maximum(who, 0), [int(d) for d in indices.dims[:-1]])
    return [Listed(0, (), table=(0, np.where(who < 0, -1, axis))) for axis in each]


def tensor_scatter_output(
    cache: Tensor, update: Tensor, where: Tensor | None = None, *, axis: int = -2,
    mode: str = "linear",
) -> Tensor:  # fmt: skip
    one_of(mode, "mode", "linear", "circular")
    if cache.shape is not None and update.shape is not None:
        along = in_range(axis, cache.rank)
        demand_rank(update, "update", cache.rank)
        if not reaches(cache.shape[along], update.shape[along]):
            raise ValueError(f"{update.shape[along]} places are written of {cache.shape[along]}")
    return same(cache)


def tensor_scatter_reads(
    outputs: Outputs, cache: Tensor, update: Tensor, where: Tensor | None = None, *, axis: int = -2
) -> OutputReads:
    """Without indices the update overwrites the beginning; with them any place of its sample."""
    along = in_range(axis, cache.rank)
    place = Along(along) if where is None else Whole()
    moved = tuple(place if i == along else Along(i) for i in range(update.rank))
    return None, moved, (Along(0),)


define(
    "Scatter",
    "ScatterElements",
    kind="indexing",
    infer=scatter_elements_output,
    work=scatter_elements_work,
    reads=scatter_elements_reads,
)
define(
    "ScatterND",
    kind="indexing",
    infer=scatter_nd_output,
    work=scatter_elements_work,
    reads=scatter_nd_reads,
)
define("TensorScatter", kind="indexing", infer=tensor_scatter_output, reads=tensor_scatter_reads)
