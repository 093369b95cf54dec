"""What does a scan say of where a model comes from, and of what it costs in all?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cnnscope.analyzer.fleet.row_values import (
    LIST_LIMIT,
    counts,
    metric_columns,
    plain_integer,
    plain_lengths,
    plain_text,
    texts,
)
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.dimension import FreeDim


def origin_columns(report: Report) -> dict[str, object]:
    """What the file says of itself, its operators, inputs and outputs."""
    model, analysis = report.model, report._analysis
    assert isinstance(analysis, Analysis)
    layers = [node for node in analysis.graph.nodes if not analysis.shapes.folded(node)]
    domains = {name: version for name, version in model.opsets.items() if name}
    return {
        "producer": plain_text(model.producer),
        "ir_version": plain_integer(model.ir_version),
        "opset": plain_integer(model.opsets.get("")),
        "domains": counts(domains),
        "nodes": model.nodes,
        "layers": len(layers),
        "operators": counts(Counter(node.title for node in layers)),
        "body_operators": counts(Counter(_in_bodies(report, layers))),
        "inputs": _tensors(report.inputs),
        "outputs": _tensors(report.outputs),
        "free_dims": texts(_free(report.inputs)),
        "diagnostics": sorted({x.code for x in report.diagnostics}),
    }


def _in_bodies(report: Report, nodes: Sequence[Node]) -> Iterator[str]:
    """The operators of layers in subgraphs; a layer is made when it is asked for, and few nodes have any."""
    for i, node in enumerate(nodes):
        waiting = [report.layers[i]] if node.bodies else []
        while waiting:
            for inner in (x for body in waiting.pop().bodies.values() for x in body):
                waiting.append(inner)
                yield inner.op


def total_columns(report: Report) -> dict[str, object]:
    """The totals with their status, and what they lack."""
    totals = report.totals
    metrics = totals.metrics()
    row: dict[str, object] = {}
    for name, metric in metrics.items():
        row |= metric_columns(name, metric)
    peak = totals.peak_layer
    row["peak_layer"] = None if peak is None else plain_text(str(peak))
    row["uncounted"] = counts(_lacking(metrics))
    return row


def _lacking(metrics: Mapping[str, Metric]) -> dict[str, int]:
    """What some total lacks, as often as the one that lacks it most often does."""
    found: dict[str, int] = {}
    for metric in metrics.values():
        for what, times in metric.lacking.items():
            found[what] = max(times, found.get(what, 0))
    return found


def _tensors(values: Iterable[Input]) -> list[dict[str, object]]:
    return [
        {"name": plain_text(x.name), "dtype": x.dtype, "shape": plain_lengths(x.shape)}
        for x in list(values)[:LIST_LIMIT]
    ]


def _free(inputs: Iterable[Input]) -> list[str]:
    """The free dimensions of the inputs, as they are bound by name."""
    dims = (dim for x in inputs for dim in x.shape or () if isinstance(dim, FreeDim))
    return list(dict.fromkeys(name for dim in dims for name in sorted(dim.names)))
