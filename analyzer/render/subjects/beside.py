"""How does another counter's figure stand beside a report's own: in which column, in which line?

What is here needs no convention loaded: most reports are shown without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.render.subjects.totals import metric, total_text
from cnnscope.analyzer.report.group import Group
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.shares import Additive
from cnnscope.analyzer.values.notation import count, duration, name, percent

if TYPE_CHECKING:
    from cnnscope.analyzer.counters.conventions import ConventionTotals
    from cnnscope.analyzer.report.execution import Execution

Row = TypeVar("Row")
Value = TypeVar("Value")

#: after which column a convention's own stands
_BESIDE = "flops"


def counted_as(report: Report, wanted: str | None) -> ConventionTotals | None:
    """The report's figures in the convention asked for; None where none is.

    Raises:
        ValueError: there is no such convention.
    """
    if wanted is None:
        return None
    from cnnscope.analyzer.counters.conventions import convention

    return convention(report, wanted)


def uncounted(wanted: str | None) -> ConventionTotals | None:
    """A convention's figures before there is a model: nothing; None where none is asked for.

    Raises:
        ValueError: there is no such convention.
    """
    if wanted is None:
        return None
    from cnnscope.analyzer.counters.conventions import ConventionTotals, find_convention

    return ConventionTotals(find_convention(wanted), Metric.of(0), Metric.of(0), {})


def label(totals: ConventionTotals) -> str:
    """What the figure is called where it stands beside cnnscope's own: ``thop MACs``."""
    return f"{totals.name} {totals.unit}"


def with_convention(
    columns: tuple[Column[Layer], ...], totals: ConventionTotals | None
) -> tuple[Column[Layer], ...]:
    """A layer's columns, with the convention's figure after the FLOPs."""
    if totals is None:
        return columns

    def value(layer: Layer) -> int | None:
        found = totals.layers[layer.name]
        whole = isinstance(found, int) and layer.name not in totals.uncounted
        return found if whole else None  # type: ignore[return-value]  # an int

    def text(layer: Layer) -> str:
        found = value(layer)
        return "?" if found is None else count(found)

    return _beside(columns, Column("convention", label(totals), text, value, True, 48))


def layer_columns(
    report: Report, totals: ConventionTotals | None = None
) -> tuple[Column[Layer], ...]:
    """The columns of a report's layers: with a convention's figure, and with times, if it has any."""
    columns = with_convention(LAYER_COLUMNS, totals)
    if report.execution is None:
        return columns
    return with_execution(columns, report.execution, [layer.name for layer in report.layers])


def with_execution(
    columns: tuple[Column[Layer], ...], run: Execution, layers: Sequence[str] = ()
) -> tuple[Column[Layer], ...]:
    """A layer's columns, with what running the model showed after the operator."""
    rows = run.rows(layers)
    holds = run.judge()
    places = {layer: position for position, layer in enumerate(layers)}

    def seconds(layer: Layer) -> float | None:
        row, first = rows.get(layer.name, (None, ""))
        return row.seconds if row is not None and first == layer.name else None

    def time(layer: Layer) -> str:
        row, first = rows.get(layer.name, (None, ""))
        if row is None:
            return "-"
        return duration(row.seconds) if first == layer.name else f"in #{places[first]}"

    def ran_with(layer: Layer) -> str | None:
        return rows[layer.name][1] if layer.name in rows else None

    def share(layer: Layer) -> float | None:
        return rows[layer.name][0].share if seconds(layer) is not None else None

    def verified(layer: Layer) -> bool | None:
        return holds(layer.name, [value.name for value in layer.outputs if value.name])

    added: tuple[Column[Layer], ...] = (
        Column("time", "time", time, seconds, right=True, importance=95),
        Column("time_share", "of time", lambda x: _text(share(x), percent), share, right=True,
               importance=58),
        Column("ran_with", "ran with", lambda x: _text(ran_with(x), name), ran_with),
        Column("verified", "verified", lambda x: {True: "yes", False: "NO", None: "?"}[verified(x)],
               verified, importance=85),
    )  # fmt: skip
    names = [column.name for column in columns]
    position = names.index("op") + 1
    # Where its kernel's other layers are said by number, numbers have to be seen.
    shown = tuple(replace(c, importance=97) if c.name == "index" else c for c in columns)
    return (*shown[:position], *added, *shown[position:])


def _text(value: Value | None, write: Callable[[Value], str]) -> str:
    return "-" if value is None else write(value)


def group_with_convention(
    columns: tuple[Column[Group], ...], totals: ConventionTotals | None
) -> tuple[Column[Group], ...]:
    """A group's columns, with the convention's figure after the FLOPs."""
    if totals is None:
        return columns
    counted: Column[Group] = Column(
        "convention", label(totals), lambda group: metric(totals.sum(group.members)),
        lambda group: totals.sum(group.members).known, True, 65,
    )  # fmt: skip
    status: Column[Group] = Column(
        "convention_status", "", lambda group: totals.sum(group.members).status,
        lambda group: totals.sum(group.members).status,
    )  # fmt: skip
    return _beside(columns, counted, status)


def group_with_time(
    columns: tuple[Column[Group], ...], time: Additive
) -> tuple[Column[Group], ...]:
    """A group's columns, with what its layers took, and which part of all kernels' time that is."""

    def seconds(group: Group) -> int | float | None:
        # Layers that ran in kernels of others have no time of their own, which isn't a time of 0.
        if all(time.of_layer(layer) is None for layer in group.members):
            return None
        return time.of_layers(group.members).value

    def share(group: Group) -> float | None:
        whole, own = time.of_model, seconds(group)
        return own / whole.value if own is not None and whole is not None and whole.value else None

    added: tuple[Column[Group], ...] = (
        Column("time", "time", lambda x: _text(seconds(x), duration), seconds, right=True, importance=93),
        Column("time_share", "of time",
               lambda x: _text(share(x), lambda part: f"{100 * part:.1f} %"), share, right=True,
               importance=58),
    )  # fmt: skip
    return (columns[0], *added, *columns[1:])


def _beside(columns: tuple[Column[Row], ...], *added: Column[Row]) -> tuple[Column[Row], ...]:
    names = [column.name for column in columns]
    after = f"{_BESIDE}_status" if f"{_BESIDE}_status" in names else _BESIDE
    position = names.index(after) + 1
    return (*columns[:position], *added, *columns[position:])


def total_line(totals: ConventionTotals) -> tuple[str, str, str]:
    """The total in a convention as a line among a report's totals."""
    return label(totals), total_text(totals.total), totals.convention.counts
