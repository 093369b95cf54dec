"""Which columns are there, what is in them for people and for machines, and which rows are shown?

A `Column` is one fact of a row, whatever the row is: a layer, an operator's totals, an operator
that is covered. Renderers know columns and rows, not layers.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

from cnnscope.analyzer.fields.border import combined_share
from cnnscope.analyzer.report.groups import By, Group
from cnnscope.analyzer.report.layer import Layer, plain_shape
from cnnscope.analyzer.report.layers import FACTS
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import (
    alike,
    count,
    escape,
    middle,
    name,
    nbytes,
    percent,
    ratio,
    shape,
)

if TYPE_CHECKING:
    from cnnscope.analyzer.operators.coverage import Coverage

Row = TypeVar("Row")
#: what a machine format holds; text is apart from numbers because only text can be a formula
Exact = int | float | str | bool | Sequence[object] | None


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One fact of a row.

    Args:
        name: what it is called in `--columns`, `--sort` and CSV.
        title: its heading for people.
        text: the fact for people, escaped.
        exact: the fact for machines; None: not known.
        right: numbers stand right.
        importance: the least important is the first to go where there's no room.
        least: the fewest characters it may be shortened to; None: it is never shortened.
        order: what rows are sorted by, largest first for numbers; None: what `exact` gives.
        optional: left out, unless asked for, where no row has it.
    """

    name: str
    title: str
    text: Callable[[Row], str]
    exact: Callable[[Row], Exact]
    right: bool = False
    importance: int = 0
    least: int | None = None
    order: Callable[[Row], int | float | str | None] | None = None
    optional: bool = False


# -- layers -----------------------------------------------------------------------------------


def _fact(key: str) -> Callable[[Layer], Exact]:
    return FACTS[key]  # type: ignore[return-value]  # a row holds plain facts


def _counted(key: str, write: Callable[[int], str] = count) -> Callable[[Layer], str]:
    def text(layer: Layer) -> str:
        value = getattr(layer, key)
        return write(value) if isinstance(value, int) else "?"

    return text


def _largest(key: str) -> Callable[[Layer | Group], int | None]:
    def order(layer: Layer | Group) -> int | None:
        sizes = [x for f in layer.receptive_field if isinstance(x := getattr(f, key), int)]
        return max(sizes, default=None)

    return order


def _largest_step(layer: Layer) -> int | float | None:
    steps = [f.mean_step for f in layer.receptive_field if f.mean_step is not None]
    step = max(steps, default=None)
    return float(step) if isinstance(step, Fraction) else step


def _traffic(layer: Layer) -> int | None:
    read, written = layer.bytes_read, layer.bytes_written
    return read + written if isinstance(read, int) and isinstance(written, int) else None


def field_size(field: ReceptiveField) -> str:
    """The size of a field along one axis; a global one with the size of its other paths; ``>= 31``
    behind what isn't followed."""
    size = "?" if field.size is None else str(field.size)
    if field.size is None and field.at_least:
        size = f">= {field.at_least}"
    if not field.global_:
        return size
    return "all" if field.local_size is None else f"all ({field.local_size})"


def per_axis(layer: Layer | Group, text: Callable[[ReceptiveField], str]) -> str:
    """A fact per axis as one text, network inputs apart: ``427``, ``1x427`` or ``27, 9``."""
    groups: dict[str, list[str]] = {}
    for field in layer.receptive_field:
        groups.setdefault(field.input, []).append(text(field))
    texts = [_join(axes) for axes in groups.values()]
    return ", ".join(dict.fromkeys(texts)) or "-"


def _join(axes: list[str]) -> str:
    sizes = [axis.removeprefix("all (").removesuffix(")") for axis in axes]
    if len(set(axes)) > 1 and all(axis.startswith("all (") for axis in axes):
        return f"all ({alike(sizes)})"
    return alike(axes)


def _step(field: ReceptiveField) -> str:
    """``~`` stands before an average: the units' own steps differ."""
    if field.step is not None:
        return str(field.step)
    return "-" if field.mean_step is None else f"~{field.mean_step}"


def _start(field: ReceptiveField) -> str:
    return "-" if field.start is None else str(field.start)


def _share(share: float | None) -> str:
    return "?" if share is None else percent(share)


def _most_outside(layer: Layer) -> float | None:
    shares = [f.outside_share for f in layer.receptive_field if f.outside_share is not None]
    return max(shares, default=None)


LAYER_COLUMNS: tuple[Column[Layer], ...] = (
    Column("index", "#", lambda x: str(x.index), lambda x: x.index, right=True),
    Column("name", "layer", lambda x: name(x.name), _fact("name"), importance=100, least=20),
    Column("op", "op", lambda x: name(x.op, 60), _fact("op"), importance=90, least=11),
    Column("kind", "kind", lambda x: x.kind.label, _fact("kind"), importance=10, least=12),
    Column("traits", "traits", lambda x: ", ".join(x.kind.traits) or "-", _fact("traits")),
    Column("padding", "padding", lambda x: x.kind.padding or "-", _fact("padding")),
    Column("scope", "scope", lambda x: name(x.scope) or "-", _fact("scope"), least=8),
    Column("output", "output", lambda x: shape(plain_shape(x.output_shape)), _fact("output"),
           importance=80, least=14),
    Column("dtype", "dtype", lambda x: x.outputs[0].dtype or "?" if x.outputs else "-",
           _fact("dtype")),
    Column("params", "params", _counted("params"), _fact("params"), right=True, importance=70),
    Column("macs", "MACs", _counted("macs"), _fact("macs"), right=True, importance=60),
    Column("flops", "FLOPs", _counted("flops"), _fact("flops"), right=True, importance=45),
    Column("weight_bytes", "weights", _counted("weight_bytes", nbytes), _fact("weight_bytes"),
           right=True),
    Column("bytes_read", "read", _counted("bytes_read", nbytes), _fact("bytes_read"), right=True,
           importance=30),
    Column("bytes_written", "written", _counted("bytes_written", nbytes), _fact("bytes_written"),
           right=True, importance=25),
    Column("intensity", "FLOP/B", lambda x: ratio(x.intensity), _fact("intensity"), right=True,
           importance=20),
    Column("rf_size", "field", lambda x: per_axis(x, field_size), _fact("rf_size"), right=True,
           importance=50, order=_largest("size")),
    Column("rf_local", "local", lambda x: per_axis(x, lambda f: str(f.local_size or "-")),
           _fact("rf_local"), right=True, order=_largest("local_size")),
    Column("rf_step", "step", lambda x: per_axis(x, _step), _fact("rf_step"), right=True,
           importance=40, order=_largest_step),
    Column("rf_start", "start", lambda x: per_axis(x, _start), _fact("rf_start"), right=True,
           order=_largest("start")),
    Column("rf_mean_step", "mean step",
           lambda x: per_axis(x, lambda f: "-" if f.mean_step is None else str(f.mean_step)),
           _fact("rf_mean_step"), right=True, order=_largest_step),
    Column("rf_global", "global", lambda x: "yes" if FACTS["rf_global"](x) else "no",
           _fact("rf_global")),
    Column("rf_outside", "outside", lambda x: per_axis(x, lambda f: _share(f.outside_share)),
           _fact("rf_outside"), right=True, order=_most_outside),
    Column("padded", "padded", lambda x: _share(x.padded_share), _fact("padded"), right=True),
)  # fmt: skip

# -- groups of layers, and operators ------------------------------------------------------------


def metric(found: Metric, write: Callable[[int], str] = count) -> str:
    """A total, as short as a table needs it: ``>=`` before a lower bound, ``?`` for nothing known.

    >>> metric(Metric.of(4_089_184_256)), metric(Metric.of(7, {"MyOp": 2})), metric(Metric.of(None))
    ('4.09 G', '>= 7', '?')
    """
    if found.value is not None:
        return write(found.value)
    return "?" if found.known is None else f">= {write(found.known)}"


def _total(key: str, write: Callable[[int], str] = count) -> Callable[[Group], str]:
    return lambda totals: metric(getattr(totals, key), write)


def _known(key: str) -> Callable[[Group], Exact]:
    return lambda totals: getattr(totals, key).known


def _status(key: str) -> Callable[[Group], Exact]:
    return lambda totals: getattr(totals, key).status


_FIGURES: tuple[Column[Group], ...] = (
    Column("layers", "layers", lambda x: str(x.layers), lambda x: x.layers, right=True,
           importance=90),
    Column("params", "params", lambda x: count(x.params), lambda x: x.params, right=True,
           importance=80),
    Column("macs", "MACs", _total("macs"), _known("macs"), right=True, importance=70),
    Column("macs_status", "", _status("macs"), _status("macs")),  # type: ignore[arg-type]
    Column("flops", "FLOPs", _total("flops"), _known("flops"), right=True, importance=60),
    Column("flops_status", "", _status("flops"), _status("flops")),  # type: ignore[arg-type]
    Column("traffic_bytes", "traffic", _total("traffic_bytes", nbytes), _known("traffic_bytes"),
           right=True, importance=50),
    Column("traffic_bytes_status", "", _status("traffic_bytes"),  # type: ignore[arg-type]
           _status("traffic_bytes")),
)  # fmt: skip


def _class(group: Group) -> str:
    return name((group.module_class or "-").rpartition(".")[2], 40)


#: a block's parts, as short as a table needs them
_SHORT = {
    "convolution": "conv", "normalization": "norm", "activation": "act", "arithmetic": "arith",
    "quantization": "quant", "fully connected": "linear", "conversion": "cast",
}  # fmt: skip


def _parts(group: Group) -> str:
    parts = (group.consists or "-").split(" + ")
    words = ((word, part) for part in parts for word in [part.split(" ")[-1]])
    return " + ".join(
        _SHORT.get(part) or part.removesuffix(word) + _SHORT.get(word, word) for word, part in words
    )


#: of a block: what it is made of, and what it comes to
_PARTS: tuple[Column[Group], ...] = (
    Column("consists", "consists of", _parts, lambda x: x.consists,
           importance=95, least=14),
    Column("output", "output", lambda x: shape(plain_shape(x.output_shape)),
           lambda x: plain_shape(x.output_shape), importance=85, least=12),
)  # fmt: skip
_ENDS: tuple[Column[Group], ...] = (
    Column("rf_size", "field", lambda x: per_axis(x, field_size),
           lambda x: [f.size for f in x.receptive_field], right=True, importance=55,
           order=_largest("size")),
)  # fmt: skip
_MODULE: Column[Group] = Column(
    "module", "module", lambda x: name(x.name) or "(top)", lambda x: x.name, importance=100, least=16
)  # fmt: skip
_BLOCK: Column[Group] = Column(
    "block", "block", lambda x: name(x.name), lambda x: x.name, importance=100, least=20
)  # fmt: skip

#: the columns of each grouping
GROUP_COLUMNS: dict[By, tuple[Column[Group], ...]] = {
    "op": (
        Column("op", "op", lambda x: name(x.name, 60), lambda x: x.name, importance=100, least=8),
        *_FIGURES,
    ),
    "kind": (
        Column("kind", "kind", lambda x: name(x.name, 60), lambda x: x.name, importance=100,
               least=12),
        *_FIGURES,
    ),
    "module": (
        _MODULE,
        Column("class", "class", _class, lambda x: x.module_class, importance=40, least=8,
               optional=True),
        *_FIGURES,
    ),
    "block": (_BLOCK, *_PARTS, *_FIGURES, *_ENDS),
}  # fmt: skip

COVERAGE_COLUMNS: tuple[Column[Coverage], ...] = (
    Column("domain", "domain", lambda x: escape(x.domain), lambda x: x.domain, importance=80),
    Column("op", "operator", lambda x: escape(x.op), lambda x: x.op, importance=100, least=12),
    Column("how", "covered by", lambda x: x.how, lambda x: x.how, importance=90),
    Column("versions", "opset versions", lambda x: ", ".join(map(str, x.versions)) or "-",
           lambda x: list(x.versions), importance=70, least=12),
    Column("rules_since", "rules since", lambda x: ", ".join(map(str, x.rules_since)) or "-",
           lambda x: list(x.rules_since)),
    Column("source", "source", lambda x: escape(x.source), lambda x: x.source, importance=60),
)  # fmt: skip

# -- choosing ---------------------------------------------------------------------------------

#: other words for columns
ALIASES = {
    "layer": "name", "shape": "output", "rf": "rf_size", "field": "rf_size", "step": "rf_step",
    "start": "rf_start", "local": "rf_local", "read": "bytes_read", "written": "bytes_written",
    "weights": "weight_bytes", "traffic": "traffic_bytes", "type": "dtype",
    "outside": "rf_outside", "bytes": "traffic_bytes", "parts": "consists",
}  # fmt: skip


def default_columns(
    columns: Iterable[Column[Row]], rows: Sequence[Row] | None = None
) -> list[Column[Row]]:
    """The columns people see unless they ask for others, given the rows they are for."""
    return [
        column for column in columns
        if column.importance and not (
            column.optional and rows is not None
            and all(column.exact(row) is None for row in rows)
        )
    ]  # fmt: skip


def chosen_columns(columns: Sequence[Column[Row]], names: Sequence[str]) -> list[Column[Row]]:
    """The columns asked for, in that order.

    Raises:
        ValueError: there is no such column; the message lists those there are.
    """
    known = {column.name: column for column in columns}
    return [known[_resolved(wanted, known, "column")] for wanted in names]


def _resolved(wanted: str, known: Mapping[str, object], what: str) -> str:
    key = wanted.strip().lower().replace("-", "_")
    key = key if key in known else ALIASES.get(key, key)
    if key in known:
        return key
    close = difflib.get_close_matches(key, [*known, *ALIASES], 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"there is no {what} {wanted!r}; {meant}there are: {', '.join(known)}")


def sorted_rows(
    rows: Sequence[Row], columns: Sequence[Column[Row]], key: str | None, top: int | None
) -> list[Row]:
    """The rows by a column, numbers from the largest, what isn't known last; the first so many.

    Raises:
        ValueError: there is no such column to sort by.
    """
    found = list(rows)
    if key is not None and _is_traffic(key, columns):
        found.sort(key=lambda x: _descending(_traffic(x)))  # type: ignore[arg-type]  # layers
    elif key is not None:
        known = {column.name: column for column in columns if not column.name.endswith("_status")}
        column = known[_resolved(key, known, "sort key")]
        order = column.order or column.exact
        rising = column.name == "index"
        found.sort(key=lambda x: _descending(order(x), rising))
    return found if top is None else found[:top]


def _is_traffic(key: str, columns: Sequence[object]) -> bool:
    return key == "bytes" and any(getattr(c, "name", "") == "bytes_read" for c in columns)


def _descending(value: object, rising: bool = False) -> tuple[bool, object]:
    if value is None:
        return (True, 0)
    if isinstance(value, int | float):
        return (False, value if rising else -value)
    return (False, value if isinstance(value, str) else str(value))


# -- the lines around a table -----------------------------------------------------------------

#: every total: its name for people, how it is written, and what exactly it is
MEANINGS: tuple[tuple[str, str, Callable[[int], str], str], ...] = (
    ("params", "parameters", count, "distinct learned weight elements, shared ones once"),
    ("buffers", "buffers", count, "stored running statistics; not learned"),
    ("constants", "constants", count, "stored shapes, axes, scales, zero points"),
    ("macs", "MACs", count,
     "products in convolution, matrix products, attention, recurrence; bias excluded"),
    ("int_macs", "  integer", count, "those of the MACs that are on integers"),
    ("folded_macs", "  folded", count,
     "of nodes whose result is constant: in no total, but in what runs them all the same"),
    ("flops", "FLOPs", count, "2 x MACs + every other arithmetic operation once"),
    ("weight_bytes", "weights", nbytes, "bytes of everything stored that is used"),
    ("peak_activation_bytes", "peak activations", nbytes,
     "most bytes of activations alive at once, in running order"),
    ("traffic_bytes", "traffic", nbytes, "bytes that all layers read plus bytes they write"),
)  # fmt: skip


def total_lines(report: Report) -> list[tuple[str, str, str]]:
    """For each total: its name, its figure with what is missing from it, and what it is."""
    lines = []
    for key, label, write, meaning in MEANINGS:
        found: Metric = getattr(report.totals, key)
        if key in ("int_macs", "folded_macs") and found.known in (0, None):
            continue
        if key in ("buffers", "constants") and found.value == 0:
            continue
        layer = report.totals.peak_layer
        if key == "peak_activation_bytes" and layer:
            meaning = f"{meaning}; at {name(layer, 60)}"
        lines.append((label, total_text(found, write), meaning))
    return lines


#: how a total names a free dimension among what it lacks
_FREE = "free dimension "


def total_text(found: Metric, write: Callable[[int], str] = count) -> str:
    """A total with its status.

    >>> total_text(Metric.of(7, {"MyOp": 2}))
    '>= 7 (partial: 2 x MyOp uncounted)'
    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> total_text(Metric.of(2 * FreeDim.named("H")))
    'unavailable: 2*H; bind H with --dim'
    """
    if found.value is not None:
        return write(found.value)
    free = [key for key in found.uncounted if key.startswith(_FREE)]
    rest = [(key, times) for key, times in found.uncounted.items() if not key.startswith(_FREE)]
    missing = ", ".join(f"{times} x {name(key, 60)}" for key, times in rest[:4])
    missing += f", {len(rest) - 4} more" if len(rest) > 4 else ""
    if found.known is not None:
        names = missing or "free dimensions"
        return f">= {write(found.known)} (partial: {names} uncounted)"
    text = "unavailable"
    if free:
        names = ", ".join(name(key.removeprefix(_FREE), 40) for key in free[:8])
        formula = f"{name(found.formula, 80)}; " if found.formula else ""
        if found.upper:
            formula = f"at most {name(found.upper, 80)}; "
        text += f": {formula}bind {names} with --dim"
    if missing:
        text += f"; {missing} uncounted" if free else f": {missing} uncounted"
    return text


def title(report: Report) -> str:
    """The model in one line: its file, layers, opsets and weights."""
    model = report.model
    opsets = ", ".join(f"{name(d or 'ai.onnx', 40)} {v}" for d, v in model.opsets.items())
    weights = {"none": "no weights stored", "missing": "weights not present"}.get(
        model.weights, f"weights {name(model.weights, 40)}"
    )
    path = name(model.path or "model in memory", 120)
    return f"{path}: {len(report.layers)} layers, {opsets}, {weights}"


def ends(report: Report) -> list[tuple[str, str]]:
    """The model's inputs and outputs, each in one line."""
    found = [("input", x) for x in report.inputs] + [("output", x) for x in report.outputs]
    return [
        (kind, f"{name(x.name, 60)}  {middle(shape(plain_shape(x.shape)), 80)} {x.dtype or '?'}")
        for kind, x in found
    ]


def field_lines(report: Report) -> list[str]:
    """What the model's outputs see of its inputs, one line per output and input."""
    lines = []
    for output in report.outputs[:4]:
        try:
            layer = report.layers[output.name]
        except KeyError:
            continue  # an output that is an input or a constant
        by_input: dict[str, list[ReceptiveField]] = {}
        for field in layer.receptive_field:
            by_input.setdefault(field.input, []).append(field)
        for source, fields in by_input.items():
            size = _join([field_size(f) for f in fields])
            shares = [f.coverage for f in fields if f.coverage is not None]
            text = f"{name(output.name, 40)} sees {size} of {name(source, 40)}"
            if shares and len(shares) == len(fields):
                text += f" ({alike([percent(share) for share in shares])} of each axis)"
            outside = combined_share([f.outside_share for f in fields])
            if outside and any(f.output_axis is not None for f in fields):
                text += f", {percent(outside)} of its units see beyond the border"
            makers = dict.fromkeys(f.global_by for f in fields if f.global_ and f.global_by)
            if makers:
                text += ", global by " + ", ".join(name(x, 60) for x in list(makers)[:2])
            lines.append(text)
    return lines


def diagnostic_lines(report: Report, each: int = 3) -> list[tuple[str, str]]:
    """Severity and text of the diagnostics, gravest first; of each code the first few."""
    groups: dict[tuple[int, str, str], list[str]] = {}
    grave = {"error": 0, "warning": 1, "info": 2}
    for found in report.diagnostics:
        named = not found.layer or found.layer in found.message
        where = "" if named else f"{name(found.layer or '', 60)}: "
        hint = f" ({name(found.hint, 300)})" if found.hint else ""
        text = f"{where}{name(found.message, 400)}{hint}"
        key = (grave.get(found.severity, 3), found.severity, found.code)
        groups.setdefault(key, []).append(text)
    lines = []
    for (_, severity, code), texts in sorted(groups.items(), key=lambda item: item[0][0]):
        lines += [(severity, f"{code}: {text}") for text in texts[:each]]
        if len(texts) > each:
            lines.append((severity, f"{code}: ... and {len(texts) - each} more"))
    return lines
