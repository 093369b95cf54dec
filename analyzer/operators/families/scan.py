"""What does Scan give, and what work is it?

The body's work times the length of the axis that is scanned.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.bodies import Body, BodyWork, Subgraph, either, variable
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.operators.rules import counted, in_range
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import agree
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


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
    states = [variable(x) for x in inputs[:count]]
    slices: list[Tensor] = []
    trips: Dim | None = None
    for k, x in enumerate(inputs[count:]):
        axis = _axis(scan_input_axes, k, x.rank)
        length = x.dims[axis]
        if trips is not None and not agree(trips, length):
            raise ValueError(f"scan inputs have the lengths {trips} and {length}")
        trips = length if trips is None else trips
        slices.append(x.of((*x.dims[:axis], *x.dims[axis + 1 :])))
    results = body(*states, *slices)
    final = [
        either(before, variable(after), f"{node_name} state {k}")
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
