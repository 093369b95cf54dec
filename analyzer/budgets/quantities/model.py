"""What is said of the model as a whole: its layers, its opset, what is missing or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import ERRORS, PARTIAL, Quantity, define
from cnnscope.analyzer.budgets.totals import missing_terms
from cnnscope.analyzer.budgets.verdicts import Contribution
from cnnscope.analyzer.report.report import Report


def _opset(report: Report) -> Sequence[Figure]:
    version = report.model.opsets.get("", report.model.opsets.get("ai.onnx"))
    if version is None:
        return (Figure.unknown("the model imports no version of ONNX's own operators"),)
    return (Figure.exactly(version),)


def _partial(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(missing_terms(report)),)


def _errors(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(len(report.errors)),)


def _count(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(len(report.layers)),)


def _missing(report: Report) -> Sequence[Contribution]:
    return [Contribution(x.name, sum(x.uncounted.values())) for x in report.layers if x.uncounted]


def _wrong(report: Report) -> Sequence[Contribution]:
    return [Contribution(x.layer or "", 1) for x in report.errors]


define(
    Quantity("layers", "count", "layers", _count,
             lambda _, layers: (Figure.exactly(len(layers)),)),
    Quantity("opset", "version", "version of ONNX's own operators", _opset, default=None),
    Quantity(PARTIAL, "count", "terms that a total may lack", _partial, parts=_missing),
    Quantity(ERRORS, "count", "nodes that contradict the model", _errors, parts=_wrong),
)  # fmt: skip
