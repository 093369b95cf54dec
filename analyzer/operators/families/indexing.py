"""Picking elements by index: which indices of the data does an output read?

Constant indices are followed exactly: output i reads ``indices[i]`` (a table, or a shifted window
where they are evenly spaced), as the hull where several output axes share one data axis. Indices
that only the run can tell may pick any: the axis is read whole. Nothing here is arithmetic but
searching (TopK, Unique, NonZero), counted in comparisons::

    TopK, k of n in order   n - k + (k-1)*ceil(log2(n - k + 2))    tournament, Knuth 5.3.3 (6)
    Unique of n             n*ceil(log2 n) - 2**ceil(log2 n) + 1   merge sort, Knuth 5.3.1
    NonZero                 1 per element
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    Coupled,
    InputRead,
    Listed,
    Only,
    OutputReads,
    Part,
    Whole,
    everything,
    straight,
)
from cnnscope.analyzer.operators.rules import (
    Outputs,
    demand,
    demand_least_rank,
    demand_rank,
    flag,
    in_range,
    same,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import Window

#: what a scatter writes where is kept place by place up to this many places
MAX_TABLE = 1 << 18
#: updates of one place that are told apart
MAX_WRITERS = 16


def positions(indices: Tensor, n: Dim) -> np.ndarray | None:
    """Constant indices counted from the front, or None."""
    try:
        found = np.array(indices.numbers, dtype=np.int64).reshape(indices.value.shape)  # type: ignore[union-attr]
    except Undetermined:
        return None
    if isinstance(n, int):
        return np.where(found < 0, found + n, found)
    return None if (found < 0).any() else found


def table(found: np.ndarray, first: int) -> AxisRead:
    """How an axis is read at positions that are laid out along output axes from `first` on.

    One input axis is read along one output axis: the one that tells the positions best apart, the
    hull over the others. What single units read, the table keeps.
    """
    if found.size == 0:
        return Only(0, -1)
    if found.min() == found.max():
        return Only(int(found.min()), int(found.min()))
    best: tuple[int, list[Span], int] | None = None
    for axis in range(found.ndim):
        rows = np.moveaxis(found, axis, 0).reshape(found.shape[axis], -1)
        spans = [(int(row.min()), int(row.max())) for row in rows]
        width = sum(hi - lo for lo, hi in spans) * found.size // len(spans)
        if best is None or width < best[0]:
            best = width, spans, axis
    assert best is not None
    _, spans, axis = best
    steps = {b[0] - a[0] for a, b in itertools.pairwise(spans)}
    if len(steps) == 1 and steps != {0} and all(lo == hi for lo, hi in spans):
        return Along(first + axis, Window(stride=steps.pop(), before=-spans[0][0]))
    kept = (first, found) if found.ndim > 1 else None
    return Listed(first + axis, tuple(spans), table=kept)


# -- Gather -------------------------------------------------------------------------------------


def gather_output(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    if x.shape is None or indices.shape is None:
        return x.of(None)
    along = in_range(axis, x.rank)
    return x.of((*x.dims[:along], *indices.dims, *x.dims[along + 1 :]))


def gather_reads(outputs: Outputs, x: Tensor, indices: Tensor, *, axis: int = 0) -> OutputReads:
    along = in_range(axis, x.rank)
    found = positions(indices, x.dims[along])
    picked = Whole() if found is None else table(found, along)
    after = indices.rank - 1
    data = tuple(
        picked if i == along else Along(i if i < along else i + after) for i in range(x.rank)
    )
    return data, tuple(Along(along + i) for i in range(indices.rank))


def gather_elements_output(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    if x.shape is not None:
        along = in_range(axis, x.rank)
        demand_rank(indices, "indices", x.rank)
        for i, (n, length) in enumerate(zip(indices.shape or (), x.shape, strict=False)):
            longer = isinstance(n, int) and isinstance(length, int) and n > length
            if i != along and longer:
                raise ValueError(f"axis {i} of indices is {n} long, of the data {length}")
    return x.of(indices.shape)


def gather_elements_reads(
    outputs: Outputs, x: Tensor, indices: Tensor, *, axis: int = 0
) -> OutputReads:
    along = in_range(axis, x.rank)
    found = positions(indices, x.dims[along])
    picked: AxisRead = Whole()
    if found is not None:
        rows = np.moveaxis(found, along, 0).reshape(found.shape[along], -1)
        spans = tuple((int(row.min()), int(row.max())) for row in rows)
        picked = Listed(along, spans, table=(0, found))
    data = tuple(picked if i == along else Along(i) for i in range(x.rank))
    return data, tuple(Along(i) for i in range(indices.rank))


def gather_nd_output(x: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    if x.shape is None or indices.shape is None:
        return x.of(None)
    depth = indices.dims[-1]
    if not isinstance(depth, int):
        return x.of(None)
    if batch_dims + depth > x.rank:
        raise ValueError(f"indices of {depth} axes after {batch_dims}, data has {x.rank}")
    rows, batches = product(indices.dims[:-1]), product(x.dims[:batch_dims])
    if isinstance(rows, int) and isinstance(batches, int) and batches and rows % batches:
        raise ValueError(f"{rows} indices for {batches} batches of data")
    return x.of((*indices.dims[:-1], *x.dims[batch_dims + depth :]))


def gather_nd_reads(
    outputs: Outputs, x: Tensor, indices: Tensor, *, batch_dims: int = 0
) -> OutputReads:
    depth, lead = int(indices.dims[-1]), indices.rank - 1
    data: list[AxisRead] = [Along(i) for i in range(batch_dims)]
    taken: set[int] = set(range(batch_dims))
    for k in range(depth):
        axis = batch_dims + k
        found = positions(indices, x.dims[axis])
        read: AxisRead = Whole()
        if found is not None and found.size:
            read = table(found[..., k], 0)
            # Several data axes may not be read along one output axis: then all rows are the hull.
            if isinstance(read, Along | Listed) and read.axis in taken:
                places = found[..., k]
                free = [axis for axis in range(lead) if axis not in taken]
                span = int(places.min()), int(places.max())
                read = Only(*span)
                if free:
                    rows = np.moveaxis(places, free[0], 0).reshape(places.shape[free[0]], -1)
                    spans = [(int(row.min()), int(row.max())) for row in rows]
                    read = Listed(free[0], tuple(spans), table=(0, places))
                    taken.add(free[0])
                elif lead:
                    read = Listed(lead - 1, (span,) * places.shape[-1], table=(0, places))
            elif isinstance(read, Along | Listed):
                taken.add(read.axis)
        data.append(read)
    data += [Along(lead + i) for i in range(x.rank - batch_dims - depth)]
    return tuple(data), (*(Along(i) for i in range(lead)), Whole())


# -- Scatter ------------------------------------------------------------------------------------


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
        in_range(axis, x.rank)
        demand_rank(indices, "indices", x.rank)
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


def tensor_scatter_reads(
    outputs: Outputs, cache: Tensor, update: Tensor, where: Tensor | None = None, *, axis: int = -2
) -> OutputReads:
    """Without indices the update overwrites the beginning; with them any place of its sample."""
    along = in_range(axis, cache.rank)
    place = Along(along) if where is None else Whole()
    moved = tuple(place if i == along else Along(i) for i in range(update.rank))
    return None, moved, (Along(0),)


# -- searching ----------------------------------------------------------------------------------


def one_hot_output(
    indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1, node_name: str = ""
) -> Tensor:
    if indices.shape is None:
        return values.of(None)
    along = in_range(axis, indices.rank + 1)
    n: Dim = FreeDim.from_data(f"{node_name} depth")
    if depth.value is not None:  # of any numeric type
        n = depth.only_length
    return values.of((*indices.dims[:along], n, *indices.dims[along:]))


def one_hot_reads(
    outputs: Outputs, indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1
) -> OutputReads:
    along = in_range(axis, indices.rank + 1)
    return (
        tuple(Along(i + (i >= along)) for i in range(indices.rank)),
        NOTHING,
        everything(values),
    )


def top_k_output(
    x: Tensor, count: Tensor | None = None, *, k: int | None = None, axis: int = -1,
    node_name: str = "",
) -> Outputs:  # fmt: skip
    if x.shape is None:
        return x.of(None), x.of(None, "int64")
    along = in_range(axis, x.rank)
    n: Dim = FreeDim.from_data(f"{node_name} k")
    if count is None:
        n = k or 0
    elif count.value is not None:
        n = count.only_length
    length = x.dims[along]
    if isinstance(n, int) and isinstance(length, int) and n > length:
        raise ValueError(f"the largest {n} of {length} elements")
    shape = (*x.dims[:along], n, *x.dims[along + 1 :])
    return x.of(shape), x.of(shape, "int64")


def top_k_work(outputs: Outputs, x: Tensor, count: Tensor | None = None, *, axis: int = -1) -> Work:
    along = in_range(axis, x.rank)
    n, k = x.dims[along], outputs[0].dims[along]
    others = product(dim for i, dim in enumerate(x.dims) if i != along)
    if k == 0:
        return Work()
    if k == 1:
        return Work(compare=others * (n - 1))
    n, k = int(n), int(k)  # a logarithm needs numbers: what to bind is named
    return Work(compare=others * (n - k + (k - 1) * (n - k + 1).bit_length()))


def top_k_reads(
    outputs: Outputs, x: Tensor, count: Tensor | None = None, *, axis: int = -1
) -> OutputReads:
    along = in_range(axis, x.rank)
    return tuple(Whole() if i == along else Along(i) for i in range(x.rank)), NOTHING


def non_zero_output(x: Tensor, *, node_name: str = "") -> Tensor:
    """A column of coordinates per element found; a scalar counts as one axis, as it is executed."""
    count: Dim = FreeDim.from_data(f"{node_name} count")
    rank: Dim = FreeDim.from_data(f"{node_name} rank") if x.shape is None else max(x.rank, 1)
    return x.of((rank, count), "int64")


def non_zero_work(outputs: Outputs, x: Tensor) -> Work:
    return Work(compare=x.size)


def whole_reads(outputs: Outputs, *inputs: Tensor | None) -> OutputReads:
    reads: list[InputRead] = [NOTHING if x is None else everything(x) for x in inputs]
    return tuple(reads)


def unique_output(x: Tensor, *, axis: int | None = None, node_name: str = "") -> Outputs:
    count: Dim = FreeDim.from_data(f"{node_name} count")
    if x.shape is None:
        places = [x.of((count,), "int64"), x.of(None, "int64"), x.of((count,), "int64")]
        return (x.of(None if axis is not None else (count,)), *places)
    along = None if axis is None else in_range(axis, x.rank)
    n = x.size if along is None else x.dims[along]
    shape = (count,) if along is None else (*x.dims[:along], count, *x.dims[along + 1 :])
    counted = x.of((count,), "int64")
    return x.of(shape), counted, x.of((n,), "int64"), counted


def unique_work(outputs: Outputs, x: Tensor, *, axis: int | None = None) -> Work:
    n = int(x.size if axis is None else x.dims[in_range(axis, x.rank)])
    if n == 0:
        return Work()
    levels = (n - 1).bit_length()
    return Work(compare=(n * levels - 2**levels + 1) * (x.size // n))


def suppressed_output(
    boxes: Tensor, scores: Tensor, most: Tensor | None = None, iou: Tensor | None = None,
    threshold: Tensor | None = None, *, center_point_box: int = 0, node_name: str = "",
) -> Tensor:  # fmt: skip
    """Rows of (batch, class, box); none where `max_output_boxes_per_class` is 0, its default."""
    flag(center_point_box, "center_point_box")
    demand(boxes, "boxes", None, None, 4)
    batch, count, _ = boxes.shape or (None, None, None)
    demand(scores, "scores", batch, None, count)
    none = most is None or (most.value is not None and most.only_number == 0)
    return Tensor("int64", (0 if none else FreeDim.from_data(f"{node_name} count"), 3))


def suppressed_work(
    outputs: Outputs, boxes: Tensor, scores: Tensor, *rest: Tensor | None, node_name: str = ""
) -> Work:
    """How many pairs of boxes are compared hangs on which survive."""
    if outputs[0].dims[0] == 0:
        return Work()
    raise Undetermined("how many boxes are compared", data=(f"{node_name} count",))


define("Gather", kind="indexing", infer=gather_output, reads=gather_reads)
define("GatherElements", kind="indexing", infer=gather_elements_output, reads=gather_elements_reads)
define("GatherND", kind="indexing", infer=gather_nd_output, reads=gather_nd_reads)
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
define("TensorScatter", kind="indexing", infer=same, reads=tensor_scatter_reads)
define("OneHot", kind="indexing", infer=one_hot_output, reads=one_hot_reads)
define("TopK", kind="selection", infer=top_k_output, work=top_k_work, reads=top_k_reads)
define("NonZero", kind="selection", infer=non_zero_output, work=non_zero_work, reads=whole_reads)
define("Unique", kind="selection", infer=unique_output, work=unique_work, reads=whole_reads)
define(
    "NonMaxSuppression",
    kind="selection",
    infer=suppressed_output,
    work=suppressed_work,
    reads=whole_reads,
)
