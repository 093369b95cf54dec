"""What did each kernel have to compute and to move?

The layers it contains say what: their MACs and FLOPs together, and the bytes of the tensors that
enter or leave the group. A tensor that goes from one fused layer to another stays inside the kernel
and isn't counted. For a kernel that ONNX Runtime inserted, the bytes are those of the tensors it
was seen to read and write.

Kernels that ran inside an If, a Loop or a Scan have rows, too, by the node of the subgraph that their
name tells: all runs of each together. What they are part of has their time and work in its own row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model.graph import used_names
from cnnscope.analyzer.passes.costs import Cost
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.machine import Ceilings, Unrun
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.tensor import BITS
from cnnscope.runtime.engine.providers import short_name
from cnnscope.runtime.profile.ceilings import PRODUCTS
from cnnscope.runtime.profile.kernels import shortened

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Graph, Node
    from cnnscope.analyzer.passes.costs import Costs
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.values.dimension import Dim
    from cnnscope.runtime.engine.flat import FlatModel
    from cnnscope.runtime.engine.trace import Facts
    from cnnscope.runtime.profile.kernel_events import KernelTime
    from cnnscope.runtime.profile.kernels import Assignment, Kernel


class Groups:
    """What groups of a model's nodes cost together."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.nodes = {node.name: node for node in analysis.graph.nodes}
        self.readers: dict[str, set[str]] = {}
        for node in analysis.graph.nodes:
            for name in used_names(node):
                self.readers.setdefault(name, set()).add(node.name)

    def work(self, layers: Sequence[str]) -> tuple[int, int] | None:
        """MACs and FLOPs; None where one isn't known."""
        macs = flops = 0
        for cost in self._costs(layers):
            if cost.work is None or cost.uncounted:
                return None
            if not (isinstance(cost.work.macs, int) and isinstance(cost.work.flops, int)):
                return None
            macs, flops = macs + cost.work.macs, flops + cost.work.flops
        return macs, flops

    def moved(self, layers: Sequence[str]) -> int | None:
        """Bytes that enter the group or leave it; None where a tensor's size isn't known."""
        costs = self._costs(layers)
        if len(layers) == 1 and costs:
            read, written = costs[0].bytes_read, costs[0].bytes_written
            if isinstance(read, int) and isinstance(written, int):
                return read + written
            return None
        members = set(layers)
        outputs = set(self.analysis.graph.outputs)
        made = {name for layer in layers for name in self.nodes[layer].outputs if name}
        read_names = {n for layer in layers for n in used_names(self.nodes[layer])} - made
        leaving = {n for n in made if n in outputs or self.readers.get(n, set()) - members}
        return self._bytes(read_names | leaving)

    def computing(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers without those of a known result, unless there are no others.

        What a kernel reads may have been worked out before the run, by nodes that count as part of
        it (they say what had to be read) but did not run in it.
        """
        nodes = [self.nodes[x] for x in layers]
        found = [x for x in nodes if not self.analysis.shapes.folded(x)]
        return tuple(x.name for x in found or nodes)

    def _bytes(self, names: set[str]) -> int | None:
        total = 0
        for name in names:
            tensor = self.analysis.shapes.tensors.get(name)
            try:
                size = None if tensor is None else tensor.nbytes
            except Undetermined:
                return None
            if not isinstance(size, int):
                return None
            total += size
        return total

    def _costs(self, layers: Sequence[str]) -> list[Cost]:
        # Nodes whose result is known beforehand cost nothing and have no entry.
        found = self.analysis.costs.nodes
        return [found[i] for layer in layers if (i := self.nodes[layer].index) in found]


def make_rows(
    analysis: Analysis, assignment: Assignment, times: Sequence[KernelTime],
    inside: Sequence[KernelTime] = (),
) -> tuple[Row, ...]:  # fmt: skip
    """A row for each kernel, in running order, then those that ran in subgraphs.

    Args:
        analysis: of the model.
        assignment: which layers each kernel contains.
        times: one for each kernel.
        inside: the kernels that ran in subgraphs.
    """
    groups = Groups(analysis)
    whole = sum(time.seconds for time in times if time.seconds is not None)
    rows = [
        _row(kernel, time, groups, whole)
        for kernel, time in zip(assignment.kernels, times, strict=True)
    ]
    bodies = dict(_in_bodies(analysis.graph, analysis.costs))
    for time in inside:
        if time.within is not None:
            ran_in = rows[time.within]
            known = groups.nodes.get(ran_in.name)
            outer = ran_in.name if known is None else known.name
            rows.append(_inner_row(len(rows), time, bodies, whole, outer))
    return tuple(rows)


def _in_bodies(graph: Graph, costs: Costs) -> Iterator[tuple[str, tuple[Node, Cost]]]:
    """The nodes of subgraphs by name, and what each costs in one run of its subgraph."""
    for node in graph.nodes:
        cost = costs.nodes.get(node.index)
        for attribute, inner in cost.bodies.items() if cost is not None else ():
            body = node.bodies.get(attribute)
            if body is not None:
                for each in body.nodes:
                    if each.index in inner.nodes:
                        yield each.name, (each, inner.nodes[each.index])
                yield from _in_bodies(body, inner)


def _inner_row(
    index: int, time: KernelTime, bodies: Mapping[str, tuple[Node, Cost]], whole: float, outer: str
) -> Row:
    """A kernel of a subgraph, with all its runs; its node's work, where its name tells the node."""
    known = next((bodies[name] for name in shortened(time.name) if name in bodies), None)
    macs = flops = moved = None
    if known is not None and time.calls == int(time.calls):
        cost, calls = known[1], int(time.calls)
        if cost.work is not None and not cost.uncounted:
            macs, flops = _times(cost.work.macs, calls), _times(cost.work.flops, calls)
        if isinstance(cost.bytes_read, int) and isinstance(cost.bytes_written, int):
            moved = (cost.bytes_read + cost.bytes_written) * calls
    return Row(
        index=index,
        name=time.name or time.op,
        op=time.op,
        provider=short_name(time.provider) if time.provider else "unknown",
        layers=() if known is None else (known[0].name,),
        ops=() if known is None else (known[0].title,),
        inserted=known is None,
        seconds=time.seconds,
        median=time.median,
        share=time.seconds / whole if time.seconds is not None and whole else None,
        dtype=_dtype((*time.inputs, *time.outputs)),
        macs=macs,
        flops=flops,
        bytes=moved,
        within=outer,
        calls=time.calls,
    )


def _times(count: Dim, calls: int) -> int | None:
    return count * calls if isinstance(count, int) else None


def _row(kernel: Kernel, time: KernelTime, groups: Groups, whole: float) -> Row:
    if kernel.inserted:
        macs, flops = 0, 0
        moved = _seen_bytes((*time.inputs, *time.outputs))
    else:
        work = groups.work(kernel.layers)
        macs, flops = work if work is not None else (None, None)  # type: ignore[assignment]
        moved = groups.moved(kernel.layers)
    layers = groups.computing(kernel.layers)
    return Row(
        index=kernel.index,
        name=kernel.name or kernel.op,
        op=kernel.op,
        provider=short_name(time.provider) if time.provider else "unknown",
        layers=layers,
        ops=tuple(groups.nodes[layer].title for layer in layers),
        inserted=kernel.inserted,
        seconds=time.seconds,
        median=time.median,
        share=time.seconds / whole if time.seconds is not None and whole else None,
        dtype=_dtype((*time.inputs, *time.outputs)),
        macs=macs,
        flops=flops,
        bytes=moved,
    )


#: of what is looked up or moved, the numbers; not the indices
_INDEX: Final = ("int32", "int64", "bool", "string")


def _dtype(facts: Sequence[Facts]) -> str | None:
    """What a kernel computes in: the dtype of the first thing it reads or gives that is no index."""
    listed = [dtype for dtype, _ in facts]
    return next((d for d in listed if d not in _INDEX), listed[0] if listed else None)


def _seen_bytes(facts: Sequence[Facts]) -> int | None:
    total = 0
    for dtype, shape in facts:
        bits = BITS.get(dtype)
        if bits is None:
            return None
        count = 1
        for length in shape:
            count *= length
        total += -(-count * bits // 8)
    return total if facts else None


def dtypes_of(rows: Sequence[Row]) -> list[str]:
    """The dtypes of which a ceiling is wanted: those that matrix products were computed in."""
    return list(dict.fromkeys(r.dtype for r in rows if r.macs and r.dtype in PRODUCTS))


def total(rows: Sequence[Row]) -> float:
    """The sum of the rows' seconds; those of subgraphs are part of others."""
    return sum(row.seconds for row in rows if row.seconds is not None and row.within is None)


def without_profiler(
    rows: Sequence[Row], times: Sequence[KernelTime], ceilings: Ceilings
) -> tuple[Row, ...]:
    """The rows with what the profiler adds to each taken off, as far as there is so much.

    A kernel that runs others inside it has all that the profiler does for those in its time.

    Args:
        rows: as seen.
        times: one for each.
        ceilings: what the profiler adds.
    """
    less = []
    for row, time in zip(rows, times, strict=True):
        added = (ceilings.profiler or 0.0) * time.calls + time.inner * (
            ceilings.profiler_run or 0.0
        )
        seconds = None if row.seconds is None else max(row.seconds - added, 0.0)
        median = None if row.median is None else max(row.median - added, 0.0)
        less.append(replace(row, seconds=seconds, median=median))
    _hold_inside(less, rows, times)
    whole = total(less)
    return tuple(
        replace(row, share=row.seconds / whole if row.seconds is not None and whole else None)
        for row in less
    )


def _hold_inside(less: list[Row], rows: Sequence[Row], times: Sequence[KernelTime]) -> None:
    """What a kernel runs inside it takes no longer than it does."""
    inside: dict[int, float] = {}
    for row, time in zip(less, times, strict=True):
        if time.within is not None:
            inside[time.within] = inside.get(time.within, 0.0) + (row.seconds or 0.0)
    for position, seconds in inside.items():
        seen = rows[position].seconds
        if seen is not None:
            held = max(less[position].seconds or 0.0, min(seconds, seen))
            less[position] = replace(less[position], seconds=held)


def without_work(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, what their layers had to compute and move not being known."""
    return tuple(
        row if row.inserted else replace(row, macs=None, flops=None, bytes=None) for row in rows
    )


def with_bounds(rows: Sequence[Row], ceilings: Ceilings) -> tuple[Row, ...]:
    """The rows with what bounds them."""
    found = []
    for row in rows:
        if row.macs is None or row.flops is None or row.bytes is None:
            found.append(row)
            continue
        work = row.arithmetic, row.macs, row.flops, row.bytes
        found.append(replace(row, bound=ceilings.bound(*work), roofline=ceilings.roofline(*work)))
    return tuple(found)


def find_unrun(analysis: Analysis, flat: FlatModel, rows: Sequence[Row]) -> tuple[Unrun, ...]:
    """The nodes that are in no row, and why.

    Args:
        analysis: of the model.
        flat: the model that ran.
        rows: the kernels.
    """
    needed = _needed(analysis)
    ran = {layer for row in rows for layer in row.layers}
    found = []
    for node in analysis.graph.nodes:
        if node.name in ran:
            continue
        if not node.inputs or node.name in flat.constants:
            reason = "a stored constant"
        elif not any(o in needed for o in node.outputs):
            reason = "no output needs it"
        elif analysis.shapes.folded(node):
            reason = "constant: worked out before the run"
        else:
            reason = "left out by ONNX Runtime, which found another way to the same values"
        found.append(Unrun(node.name, reason))
    return tuple(found)


def _needed(analysis: Analysis) -> set[str]:
    """The tensors that some output follows from."""
    needed = set(analysis.graph.outputs)
    for node in reversed(analysis.graph.nodes):
        if any(name in needed for name in node.outputs):
            needed.update(used_names(node))
    return needed
