"""What is said of a scan's summary: figures, what stands out, what failed, and what models are made of?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.fleet.distribution import Distribution
from cnnscope.analyzer.fleet.failures import Failure
from cnnscope.analyzer.fleet.summary import Outlier, ScanSummary, status_text
from cnnscope.analyzer.fleet.tally import Tallied, Tally
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Fold,
    Heading,
    Note,
    Notes,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.answer import for_people
from cnnscope.analyzer.render.subjects.verdicts import amount, times
from cnnscope.analyzer.render.tables import table, text_table
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.notation import count, many, name, nbytes, percent

#: of each figure what it is called
FIGURE_NAMES: Final = {
    "file_bytes": "file", "nodes": "nodes", "layers": "layers", "params": "params",
    "buffers": "buffers", "constants": "constants",
    "macs": "MACs", "float_macs": "float MACs", "int_macs": "int MACs", "flops": "FLOPs",
    "weight_bytes": "weights", "peak_activation_bytes": "peak act.", "traffic_bytes": "traffic",
    "rf_d": "field, depth", "rf_h": "field, height", "rf_w": "field, width", "rf_l": "field, length",
    "lint_errors": "lint errors", "lint_warnings": "lint warnings", "lint_infos": "lint infos",
}  # fmt: skip
#: shown though every model has 0 of it
_ALWAYS: Final = {"params", "macs", "flops"}
#: of each tally what it is called
_TALLY_NAMES: Final = {
    "opset": "opset", "ir_version": "IR version", "producer": "producer", "operators": "operators",
    "body_operators": "in subgraphs",
    "uncounted": "not covered", "weight_dtypes": "dtypes", "quantised": "quantised", "weights": "weights",
    "domains": "domains", "diagnostics": "noticed", "lint_codes": "lint", "exceeded": "limits not kept",
    "cnnscope_version": "cnnscope",
}  # fmt: skip
#: things that are named on one line, outliers and failures that are shown
_THINGS, _OUTLIERS, _FAILURES = 6, 12, 10
_HEAD = 15


def figure_name(figure: str) -> str:
    """What a scan's figure is called.

    >>> figure_name("macs"), figure_name("zebras_seen")
    ('MACs', 'zebras seen')
    """
    return FIGURE_NAMES.get(figure, name(figure.replace("_", " ")))


def document(found: ScanSummary) -> Document:
    """The summary as a document. A page has everything behind what stands on a screen, folded away."""
    title = f"{name(found.source)}: {many(found.models, 'model')}".replace(
        str(found.models), f"{found.models:,}"
    )
    shown = [x for x in found.figures if x.most or x.name in _ALWAYS]
    figures = table(FIGURES, shown, recorded=found.figures)
    sections = [
        Section((Heading(title), for_people(Pairs(tuple(_head(found)), aside=_HEAD)))),
        Section((figures,)),
    ]
    for said, blocks in (
        ("far from the others", list(_far(found))),
        ("what failed", list(failure_blocks(found.failures, found.other_failures))),
        ("what they are made of", list(_made_of(found))),
    ):
        if blocks:
            sections.append(Section((Only((*SCREEN, *PAGE), tuple(blocks)),), said))
    return Document(title, tuple(sections))


def _head(found: ScanSummary) -> Iterator[Pair]:
    failed = found.statuses.get("error", 0)
    share = f" ({percent(failed / found.models)})" if failed else ""
    yield Pair("models", status_text(found.statuses) + share, "bad" if failed else "")
    none = [
        figure_name(x.name)
        for x in found.figures
        if x.known and not x.most and x.name not in _ALWAYS
    ]
    if none:
        yield Pair("none of", ", ".join(none))
    if found.graphs:
        alike = f"; {found.shared:,} models share theirs with another" if found.shared else ""
        yield Pair("graphs", f"{found.graphs:,} different{alike}")


# -- figures -----------------------------------------------------------------------------------


def _text(which: str) -> Callable[[Distribution], str]:
    def text(x: Distribution) -> str:
        return figure_text(_value(x, which), x.column.measure)

    return text


def _value(x: Distribution, which: str) -> int | None:
    return {"min": x.least, "max": x.most, "sum": x.total}.get(which, x.quantiles.get(which))


def figure_text(value: int | None, measure: Measure) -> str:
    """A figure as people read it.

    >>> figure_text(4_089_184_256, "count"), figure_text(None, "bytes"), figure_text(427, "length")
    ('4.09 G', '-', '427')
    """
    if value is None:
        return "-"
    if measure == "length":
        return f"{value:,}"
    return nbytes(value) if measure == "bytes" else count(value)


def _number(which: str, title: str, importance: int) -> Column[Distribution]:
    return Column(which, title, _text(which), lambda x: _value(x, which), True, importance)


def _out(x: Distribution) -> str:
    return f"{x.below + x.above:,}" if x.low is not None else "?"


FIGURES: tuple[Column[Distribution], ...] = (
    Column("figure", "", lambda x: figure_name(x.name), lambda x: x.name, importance=100),
    Column("known", "known of", lambda x: f"{x.known:,}", lambda x: x.known, True, 60),
    Column("missing", "missing", lambda x: f"{x.missing:,}" if x.missing else "", lambda x: x.missing,
           True, 50),
    _number("min", "least", 80),
    _number("p25", "p25", 20),
    _number("median", "median", 95),
    _number("p75", "p75", 20),
    _number("p90", "p90", 70),
    _number("p99", "p99", 75),
    _number("max", "most", 90),
    _number("sum", "in all", 85),
    Column("far_out", "far out", _out, lambda x: None if x.low is None else x.below + x.above, True, 30),
)  # fmt: skip


# -- what stands out ---------------------------------------------------------------------------


def _ratio(x: Outlier) -> str:
    if x.ratio is None:
        return "-"
    if x.ratio >= 1:
        return f"{times(Fraction(x.ratio))} x"
    return f"1/{times(Fraction(1 / x.ratio))}" if x.ratio else "0 x"


def _far(found: ScanSummary) -> Iterator[Block]:
    if not found.outliers:
        return
    measures = {x.name: x.column.measure for x in found.figures}

    def value(x: Outlier) -> str:
        return figure_text(x.value, measures[x.figure])

    columns: tuple[Column[Outlier], ...] = (
        Column("figure", "figure", lambda x: figure_name(x.figure), lambda x: x.figure, importance=90),
        Column("value", "is", value, lambda x: x.value, True, 95),
        Column("ratio", "of the median", _ratio, lambda x: x.ratio, True, 80),
        Column("model", "model", lambda x: name(x.path), lambda x: x.path, importance=100, least=24,
               names=lambda x: x.path),
    )  # fmt: skip
    # The first of every figure before the second of any.
    order: dict[str, int] = {}
    ranked = []
    known: set[tuple[str, int]] = set()  # all MACs may be on floats: one figure under two names
    for x in found.outliers:
        if (x.path, x.value) not in known:
            known.add((x.path, x.value))
            order[x.figure] = order.get(x.figure, -1) + 1
            ranked.append((order[x.figure], x))
    told = [x for _, x in sorted(ranked, key=lambda pair: pair[0])]
    yield table(columns, told[:_OUTLIERS], "shorten")
    total = sum(x.below + x.above for x in found.figures)
    yield Notes((Note(
        f"{len(told[:_OUTLIERS])} of {total:,} figures that are far out by Tukey's rule: on logarithms, three"
        " interquartile ranges (a factor of 2 each at least) beyond a quartile", tone="dim",
    ),), listed=False)  # fmt: skip


# -- what failed -------------------------------------------------------------------------------

_FAILED: tuple[Column[Failure], ...] = (
    Column("models", "models", lambda x: f"{x.models:,}", lambda x: x.models, True, 100),
    Column("kind", "kind", lambda x: name(x.kind, 20), lambda x: x.kind, importance=90),
    Column("pattern", "what is said", lambda x: name(x.pattern), lambda x: x.pattern, importance=95,
           least=40),
    Column("example", "for example", lambda x: name(x.example), lambda x: x.example, importance=80,
           least=16, names=lambda x: x.example),
)  # fmt: skip


def failure_blocks(failures: Sequence[Failure], others: int = 0) -> Iterator[Block]:
    """What failed and why; `others` failed in ways that aren't told apart."""
    if not failures:
        return
    yield table(_FAILED, failures[:_FAILURES], "below")
    left = sum(x.models for x in failures[_FAILURES:]) + others
    if left:
        said = f"{many(left, 'more model')} failed in other ways (--format json has them)"
        yield Notes((Note(said, tone="dim"),), listed=False)


# -- what they are made of ---------------------------------------------------------------------


def _made_of(found: ScanSummary) -> Iterator[Block]:
    told = [(column, x) for column, x in found.tallies.items() if x.entries]
    pairs = tuple(
        Pair(_TALLY_NAMES.get(column, name(column)), _things(x, found.reported))
        for column, x in told
    )
    if pairs:
        yield Pairs(pairs, aside=_HEAD)
    for column, x in told:
        if len(x.entries) > _THINGS:
            title = _TALLY_NAMES.get(column, name(column))
            yield Only(PAGE, (Fold(f"all of {title}", (_whole(x),), title),))


def _things(tally: Tally, models: int) -> str:
    shown = [f"{_thing(x, 40)} {percent(x.models / models)}" for x in tally.entries[:_THINGS]]
    left = len(tally.entries) - len(shown)
    more = [f"{left:,} more"] if left else []
    beyond = [f"others in {many(tally.others, 'model')}"] if tally.others else []
    return ", ".join([*shown, *more, *beyond])


def _thing(x: Tallied, most: int) -> str:
    """What it is called; an exporter may have left its own name empty."""
    return name(x.name, most) or "none"


def _whole(tally: Tally) -> Block:
    rows: Sequence[Tallied] = tally.entries[:200]
    in_bytes = tally.column == "weight_dtypes"
    return text_table(
        ("", "models", "bytes" if in_bytes else "in all"),
        (False, True, True),
        [(_thing(x, 80), f"{x.models:,}", amount(Fraction(x.amount), "bytes" if in_bytes else "count"))
         for x in rows],
    )  # fmt: skip
