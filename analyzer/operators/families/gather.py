"""Picking elements by index: which indices of the data does an output read?

Constant indices are followed exactly: output i reads ``indices[i]`` (a table, or a shifted window
where they are evenly spaced), as the hull where several output axes share one data axis. Indices
that only the run can tell may pick any: the axis is read whole. None of it is arithmetic.
"""

from __future__ import annotations

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.index_tables import (
    demand_places,
    demand_tuples,
    positions,
    table,
)
from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Only, OutputReads, Whole
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, in_range
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Tensor


def gather_output(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    if x.shape is None or indices.shape is None:
        return x.of(None)
    along = in_range(axis, x.rank)
    demand_places(indices, x.dims[along])
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
            if i != along and not reaches(length, n):
                raise ValueError(f"axis {i} of indices is {n} long, of the data {length}")
        demand_places(indices, x.shape[along])
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
    ranks = [tensor.rank for tensor in (x, indices) if tensor.shape is not None]
    if not 0 <= batch_dims < min(ranks, default=batch_dims + 1):
        raise ValueError(f"batch_dims is {batch_dims}: it counts axes that data and indices share")
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
    demand_tuples(indices, x.dims[batch_dims : batch_dims + depth])
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


define("Gather", kind="indexing", infer=gather_output, reads=gather_reads)
define("GatherElements", kind="indexing", infer=gather_elements_output, reads=gather_elements_reads)
define("GatherND", kind="indexing", infer=gather_nd_output, reads=gather_nd_reads)
