"""Is a tensor another one with its border spelt out: what a padding would say in one node?

PyTorch writes ``padding_mode="circular"`` as a Concat of the tensor's last rows, the tensor and its
first rows; mirrored and repeated borders come as flips, gathers and expansions. Whatever the operators,
what is read is a table along one axis: row ``i`` of the output is row ``table[i]`` of the source. Where
it holds all of the source in order, and around it what wrapping, mirroring or repeating the ends gives,
it is a `Window` with that border, and all that holds of such a padding holds of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.fields.boxes import Indices, border_positions
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.reading import Along, AxisRead, Beside, Listed, Nothing, Only
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

#: so many nodes are gone back through, from a part to what it is a part of
MAX_NODES_BACK = 8
#: rows of a table, and places in it where the source may begin that are looked at
MAX_ROWS, MAX_PLACES = 1 << 22, 8


@dataclass(frozen=True, slots=True)
class Border:
    """The tensor that has been given a border, and how it is read."""

    source: str
    read: tuple[AxisRead, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """A tensor's rows along an axis as rows of another; axis None: it is that tensor."""

    source: str
    axis: int | None = None
    table: Indices | None = None


def spelt_border(
    node: Node,
    output: Tensor,
    per_input: Sequence[KnownRead],
    graph: Graph,
    shapes: Shapes,
    reads: Mapping[int, NodeReads],
) -> Border | None:
    """The border that one of a node's outputs spells out, if that is what it does.

    Args:
        output, per_input: the output, and what it reads of each input.
        reads: of the nodes before.
    """
    for rows in _assembled(node, output, per_input, graph, shapes, reads, MAX_NODES_BACK):
        if rows.axis is None or rows.table is None:
            continue
        shape = shapes.tensors[rows.source].shape
        length = None if shape is None else shape[rows.axis]
        if shape is None or not isinstance(length, int):
            continue
        window = _window(rows.table, length)
        if window is not None:
            read = [Along(axis) for axis in range(len(shape))]
            read[rows.axis] = Along(rows.axis, window)
            return Border(rows.source, tuple(read))
    return None


def _window(table: Indices, length: int) -> Window | None:
    """The table as all of the source in order, with a border around."""
    if not 0 < length <= len(table):
        return None
    for before in np.flatnonzero(table[: len(table) - length + 1] == 0)[:MAX_PLACES].tolist():
        if not np.array_equal(table[before : before + length], np.arange(length)):
            continue
        after = len(table) - length - before
        for outside in ("wrap", "reflect", "edge"):
            window = Window(before=before, after=after, outside=outside)
            if np.array_equal(
                border_positions(np.arange(len(table)) - before, window, length), table
            ):
                return window if before or after else Window()
    return None


def _assembled(
    node: Node,
    output: Tensor,
    per_input: Sequence[KnownRead],
    graph: Graph,
    shapes: Shapes,
    reads: Mapping[int, NodeReads],
    steps: int,
    axis: int | None = None,
) -> Iterator[_Rows]:
    """An output's rows as those of what all of its inputs are made of, the nearest first.

    Of an output that is its input as it is, `axis` says which rows are asked for.
    """
    laid: list[tuple[int, list[_Rows]]] = []
    given = [i for i, name in enumerate(node.inputs) if name and not shapes.tensors[name].constant]
    if not isinstance(per_input, Beside):
        given = [i for i in given if not isinstance(per_input[i], Nothing)]
    if not given or steps <= 0:
        return
    common: set[str] | None = None  # what all parts so far are made of
    for i in given:
        name, read = node.inputs[i], per_input[i]
        x = shapes.tensors[name]
        way = _moved(read, x, output, axis)
        if way is None or (axis is not None and way[0] != axis):
            return
        axis, table = way
        if len(given) == 1:
            first, local = 0, table
        else:  # laid onto a stretch of the output, row by row
            along = read[axis] if isinstance(read, tuple) else None
            length = x.dims[axis]
            if (
                not isinstance(along, Along)
                or (along.window.size, along.window.stride) != (1, 1)
                or not isinstance(along.window.before, int)
                or not isinstance(length, int)
                or length > MAX_ROWS
            ):
                return
            first, local = along.window.before, np.arange(length)
        if local is None:
            return
        chain = [
            _Rows(rows.source, axis, local if rows.table is None else rows.table[local])
            for rows in _back(name, axis, graph, shapes, reads, steps - 1)
        ]
        sources = {rows.source for rows in chain}
        common = sources if common is None else common & sources
        if not common:
            return
        laid.append((first, chain))
    laid.sort(key=lambda part: part[0])
    ends = 0
    for first, chain in laid:
        own = chain[0].table
        if first != ends or own is None:
            return
        ends += len(own)
    assert axis is not None
    if output.dims[axis] != ends:
        return
    for rows in max(
        (chain for _, chain in laid), key=lambda c: 0 if c[0].table is None else len(c[0].table)
    ):
        same = [next((r for r in chain if r.source == rows.source), None) for _, chain in laid]
        tables = [r.table for r in same if r is not None and r.table is not None]
        if len(tables) == len(laid):
            yield _Rows(rows.source, axis, np.concatenate(tables))


def _back(
    name: str, axis: int, graph: Graph, shapes: Shapes, reads: Mapping[int, NodeReads], steps: int
) -> list[_Rows]:
    """What a tensor's rows along an axis are rows of: of itself, and of the tensors before it."""
    chain = [_Rows(name)]
    node = graph.producers.get(name)
    if node is None or steps <= 0 or node.index not in reads or not reads[node.index].outputs:
        return chain
    per_input = reads[node.index].outputs[node.outputs.index(name)]
    for rows in _assembled(node, shapes.tensors[name], per_input, graph, shapes, reads, 1, axis):
        if rows.axis != axis or rows.table is None:
            continue
        chain.append(rows)
        for further in _back(rows.source, axis, graph, shapes, reads, steps - 1)[1:]:
            if further.table is not None:
                chain.append(_Rows(further.source, axis, further.table[rows.table]))
        break
    return chain


def _moved(
    read: KnownRead, x: Tensor, output: Tensor, asked: int | None
) -> tuple[int, Indices | None] | None:
    """The only axis along which rows are picked, and which; None where it is another kind of read."""
    if not isinstance(read, tuple) or x.shape is None or output.shape is None:
        return None
    if not len(x.shape) == len(output.shape) == len(read):
        return None
    found = None
    for axis, way in enumerate(read):
        length, count = x.shape[axis], output.shape[axis]
        straight = isinstance(way, Along) and way.axis == axis and way.window.is_identity
        if straight and length == count:
            continue
        if found is not None or not isinstance(count, int) or count > MAX_ROWS:
            return None
        found = axis, _table(way, axis, length, count)
    if found is None and asked is not None:
        length = output.shape[asked]
        if isinstance(length, int) and length <= MAX_ROWS:
            return asked, np.arange(length)
    return found


def _table(way: object, axis: int, length: object, count: int) -> Indices | None:
    """The row that each output row is, where it is one."""
    if not isinstance(length, int):
        return None
    rows: Indices
    if isinstance(way, Only) and way.lo == way.hi:
        rows = np.full(count, way.lo)
    elif isinstance(way, Listed) and way.axis == axis and way.spatial and way.table is None:
        if any(row is None or row[0] != row[1] for row in way.rows):
            return None
        rows = np.array([row[0] for row in way.rows if row is not None], np.intp)
    elif isinstance(way, Along) and way.axis == axis and way.window.size == 1:
        window = way.window
        if not isinstance(window.stride, int) or not isinstance(window.before, int):
            return None
        rows = np.arange(count) * window.stride - window.before
        if window.outside != "nothing":
            rows = border_positions(rows, window, length)
    else:
        return None
    return rows if ((rows >= 0) & (rows < length)).all() else None
