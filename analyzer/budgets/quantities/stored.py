"""What is stored: learned weights, running statistics, their bytes, and the file's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import Quantity, define
from cnnscope.analyzer.budgets.totals import figure_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report


def _total(name: str) -> Callable[[Report], Sequence[Figure]]:
    return lambda report: (figure_of(getattr(report.totals, name)),)


def _stored(name: str) -> Callable[[Report, Sequence[Layer]], Sequence[Figure]]:
    return lambda _, layers: (Figure.exactly(sum(getattr(x, name) for x in layers)),)


def _of(name: str) -> Callable[[Layer], int | None]:
    return lambda layer: getattr(layer, name)


def _file_size(report: Report) -> Sequence[Figure]:
    size = report.model.file_bytes
    return (
        Figure.unknown("the model isn't from a file") if size is None else Figure.exactly(size),
    )


define(
    Quantity("params", "count", "learned weight elements", _total("params"),
             _stored("params"), _of("params"), words=("params", "parameters")),
    Quantity("buffers", "count", "running statistics", _total("buffers"),
             _stored("buffers"), _of("buffers")),
    Quantity("weights", "bytes", "bytes of everything stored that is used",
             _total("weight_bytes"), _stored("weight_bytes"), _of("weight_bytes")),
    Quantity("file_size", "bytes", "bytes of the model's file, external data apart", _file_size),
)  # fmt: skip
