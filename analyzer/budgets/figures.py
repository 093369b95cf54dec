"""Which figures of a report can be limited, and how far is each of them known?

`QUANTITIES` is the table: what a quantity is called in budgets, what it is measured in, and where in
a `Report` it is found, for the whole model and for some of its layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.budgets.quantities import Comparison, Measure
from cnnscope.analyzer.budgets.verdicts import Figure
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import sum_traffic, sum_work
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report

#: those that are measured by running the model
LATENCIES: Final = ("latency_p50", "latency_p99")
#: what a total calls a dimension without a length
_FREE: Final = "free dimension "
FORBID, ALLOW, PARTIAL = "operators.forbid", "operators.allow", "max_partial"
#: holds of every model, unless a limit of its own says otherwise
ERRORS: Final = "errors"
#: those that hang on how long the inputs are
SIZED: Final = frozenset({"macs", "int_macs", "float_macs", "flops", "peak_activation", "traffic"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that can be limited.

    Args:
        key: its name in budgets.
        measure: what it is measured in.
        meaning: what it is, in a few words.
        figures: the model's; one, or one per axis of an input, each of which has to keep a limit.
        of_layers: what some of a report's layers come to; None: it is the whole model's only.
        of_layer: one layer's part, for saying which contribute most.
        default: the comparison of a limit that has none; None: it needs one.
        words: names that may follow a count: ``GMACs``.
    """

    key: str
    measure: Measure
    meaning: str
    figures: Callable[[Report], Sequence[Figure]] | None
    of_layers: Callable[[Report, Sequence[Layer]], Sequence[Figure]] | None = None
    of_layer: Callable[[Layer], int | None] | None = None
    default: Comparison | None = "<="
    words: tuple[str, ...] = ()


def figure_of(metric: Metric) -> Figure:
    """A total as an interval: a partial one is a lower bound.

    >>> figure_of(Metric.of(5, {"MyOp": 2})).high is None
    True
    """
    if metric.value is not None:
        return Figure.exactly(metric.value)
    known = None if metric.known is None else Fraction(metric.known)
    return Figure(known, None, _why_partial(metric), uncounted=metric.uncounted)


def free_lengths(uncounted: Iterable[str]) -> list[str]:
    """The free dimensions among what is missing from a total."""
    return [x.removeprefix(_FREE) for x in uncounted if x.startswith(_FREE)]


def _why_partial(metric: Metric) -> str:
    free = free_lengths(metric.uncounted)
    if free:
        several = "s" if len(free) > 1 else ""
        named = " ".join(f"--dim {name}=LENGTH" for name in free)
        return (
            f"it depends on the free dimension{several} {', '.join(free)}: give a length ({named}; "
            "in Python dims)"
        )
    missing = ", ".join(f"{what} x{n}" if n > 1 else what for what, n in metric.uncounted.items())
    because = "nothing of it is known" if metric.known is None else "only part of it is known"
    return f"{because}; missing: {missing}" if missing else because


def _total(name: str) -> Callable[[Report], Sequence[Figure]]:
    return lambda report: (figure_of(getattr(report.totals, name)),)


def _stored(name: str) -> Callable[[Report, Sequence[Layer]], Sequence[Figure]]:
    return lambda _, layers: (Figure.exactly(sum(getattr(x, name) for x in layers)),)


def _worked(name: str) -> Callable[[Report, Sequence[Layer]], Sequence[Figure]]:
    return lambda _, layers: (figure_of(sum_work(layers, name)),)


def _of(name: str) -> Callable[[Layer], int | None]:
    return lambda layer: getattr(layer, name)


def _work_of(name: str) -> Callable[[Layer], int | None]:
    def part(layer: Layer) -> int | None:
        found = None if layer.work is None else getattr(layer.work, name)
        return found if isinstance(found, int) else None

    return part


def _traffic_of(layer: Layer) -> int | None:
    read, written = layer.bytes_read, layer.bytes_written
    return read + written if isinstance(read, int) and isinstance(written, int) else None


def _widest(report: Report, layers: Iterable[Layer]) -> Sequence[Figure]:
    """Per axis of an input the largest field of these layers, along paths that collapse no axis."""
    largest: dict[tuple[str, int], int] = {}
    unknown: dict[tuple[str, int], str] = {}
    # What is behind an operator that nobody knows may see anything. A pooling over an axis of free
    # length sees all of it: its paths don't count here, however long that is.
    strangers = {layer.name for layer in report.layers if layer.uncounted}
    for layer in layers:
        for field in layer.receptive_field:
            axis = (field.input, field.axis)
            collapsed = field.global_ and field.global_by not in strangers
            if field.size is None and not collapsed:
                unknown.setdefault(axis, layer.name)
            for size in (field.local_size, field.at_least):
                if size is not None:
                    largest[axis] = max(largest.get(axis, 0), size)
    found = []
    for axis in sorted({*largest, *unknown}):  # an earlier model's stand in the same order
        most = Fraction(largest[axis]) if axis in largest else None
        if axis in unknown:
            why = f"what {unknown[axis]} sees along axis {axis[1]} of {axis[0]} isn't known"
            found.append(Figure(most, None, why))
        elif most is not None:
            found.append(Figure.exactly(most))
    return found or (Figure.unknown("no layer has a receptive field along an axis"),)


def _field_of(layer: Layer) -> int | None:
    sizes = [f.local_size for f in layer.receptive_field if f.local_size is not None]
    return max(sizes, default=None)


def _opset(report: Report) -> Sequence[Figure]:
    version = report.model.opsets.get("", report.model.opsets.get("ai.onnx"))
    if version is None:
        return (Figure.unknown("the model imports no version of ONNX's own operators"),)
    return (Figure.exactly(version),)


def _file_size(report: Report) -> Sequence[Figure]:
    size = report.model.file_bytes
    return (
        Figure.unknown("the model isn't from a file") if size is None else Figure.exactly(size),
    )


def _partial(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(missing_terms(report)),)


def missing_terms(report: Report) -> int:
    """How many terms the total that lacks most of them lacks."""
    metrics = report.totals.metrics().values()
    return max((sum(m.uncounted.values()) for m in metrics), default=0)


def _errors(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(len(report.errors)),)


def _count(report: Report) -> Sequence[Figure]:
    return (Figure.exactly(len(report.layers)),)


QUANTITIES: Final[dict[str, Quantity]] = {
    q.key: q
    for q in (
        Quantity("params", "count", "learned weight elements", _total("params"),
                 _stored("params"), _of("params"), words=("params", "parameters")),
        Quantity("buffers", "count", "running statistics", _total("buffers"),
                 _stored("buffers"), _of("buffers")),
        Quantity("macs", "count", "multiply-accumulates", _total("macs"),
                 _worked("macs"), _work_of("macs"), words=("macs", "mac")),
        Quantity("int_macs", "count", "those on integers", _total("int_macs"),
                 _worked("int_macs"), _work_of("int_macs"), words=("macs", "mac")),
        Quantity("float_macs", "count", "those on floats", _total("float_macs"),
                 _worked("float_macs"), _work_of("float_macs"), words=("macs", "mac")),
        Quantity("flops", "count", "2 x MACs and every other operation", _total("flops"),
                 _worked("flops"), _work_of("flops"), words=("flops", "flop")),
        Quantity("layers", "count", "layers", _count,
                 lambda _, layers: (Figure.exactly(len(layers)),)),
        Quantity("weights", "bytes", "bytes of everything stored that is used",
                 _total("weight_bytes"), _stored("weight_bytes"), _of("weight_bytes")),
        Quantity("peak_activation", "bytes", "most bytes of activations alive at once",
                 _total("peak_activation_bytes")),
        Quantity("traffic", "bytes", "bytes that layers read and write", _total("traffic_bytes"),
                 lambda _, layers: (figure_of(sum_traffic(layers)),), _traffic_of),
        Quantity("file_size", "bytes", "bytes of the model's file, external data apart", _file_size),
        Quantity("receptive_field", "length", "input elements a unit sees along each axis",
                 lambda report: _widest(report, report.layers), _widest, _field_of, default=None),
        Quantity("opset", "version", "version of ONNX's own operators", _opset, default=None),
        Quantity(PARTIAL, "count", "terms that a total may lack", _partial),
        Quantity(ERRORS, "count", "nodes that contradict the model", _errors),
        Quantity("latency_p50", "seconds", "median time of a run", None),
        Quantity("latency_p99", "seconds", "99th percentile of the times of runs", None),
    )
}  # fmt: skip
LISTS: Final = {
    FORBID: "operators that the model may not have",
    ALLOW: "operators that the model may have, and no others",
}
