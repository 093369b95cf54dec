"""What does each layer cost, in running order; or each group of layers?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

from cnnscope.analyzer.charts.chart import Chart, Row, model_name, modules_of
from cnnscope.analyzer.report.column_names import resolved
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.group import Group
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report

By = Literal["layer", "op", "kind", "module", "block"]

#: what a layer may be measured by; None: it isn't known
METRICS: Final[Mapping[str, Callable[[Layer], int | None]]] = {
    "macs": lambda x: x.macs,
    "flops": lambda x: x.flops,
    "params": lambda x: x.params,
    "weight_bytes": lambda x: x.weight_bytes,
    "traffic_bytes": lambda x: x.traffic_bytes,
}
#: of groups, those that `Group` adds up
OF_GROUPS: Final = ("macs", "flops", "params", "traffic_bytes")
#: what the metrics are called
WORDS: Final = {
    "macs": "MACs", "flops": "FLOPs", "params": "parameters", "weight_bytes": "bytes of weights",
    "traffic_bytes": "bytes read and written", "seconds": "time",
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class CostChart(Chart):
    """Rows: of layers ``index``, ``layer``, ``module``, ``family``, and the metric; of groups ``group``,
    ``layers``, and the metric.

    Args:
        metric: the column that is drawn.
        by: what a row is of.
    """

    metric: str
    by: By


def chart(report: Report, metric: str = "macs", *, by: By = "layer") -> CostChart:
    """The costs of a model.

    Args:
        metric: one of `METRICS`; ``"seconds"`` where the report has a profile.
        by: a row for each layer, or for each operator, kind, module or block.

    Raises:
        ValueError: there is no such metric, or it isn't added up over groups; no such grouping.

    >>> import cnnscope
    >>> chart(cnnscope.analyze("sample_models/lenet5.onnx")).rows[0]["macs"]
    117600
    """
    times = {} if report.execution is None else _times(report)
    known = [*METRICS, *(["seconds"] if times else [])] if by == "layer" else OF_GROUPS
    key = resolved(metric, known, "metric")
    if by == "layer":
        rows = _of_layers(report, key, times)
    else:
        from cnnscope.analyzer.report.groups import grouped

        rows = [_of_group(group, key) for group in grouped(report, by)]
    what = WORDS[key][0].upper() + WORDS[key][1:]
    return CostChart(f"{what} by {by}: {model_name(report)}", tuple(rows), key, by)


def _times(report: Report) -> dict[str, float]:
    assert report.execution is not None
    return report.execution.seconds([layer.name for layer in report.layers])


def _of_layers(report: Report, key: str, times: Mapping[str, float]) -> list[Row]:
    return [
        {
            "index": index,
            "layer": layer.path,
            "module": module,
            "family": layer.kind.family,
            key: times.get(layer.name) if key == "seconds" else METRICS[key](layer),
        }
        for index, (layer, module) in enumerate(zip(report.layers, modules_of(report), strict=True))
    ]


def _of_group(group: Group, key: str) -> Row:
    found = group.params if key == "params" else getattr(group, key).value
    return {"group": group.name, "layers": group.layers, key: found}
