"""Which rows of a report are shown, with which columns, and what is to be said of that choice?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from cnnscope.analyzer.render.columns import Column, Row, chosen_columns, sort_key, sorted_rows
from cnnscope.analyzer.render.document import Block
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    group_with_convention,
    group_with_time,
    layer_columns,
    uncounted,
    with_convention,
    with_execution,
)
from cnnscope.analyzer.render.subjects.groups import GROUP_COLUMNS
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.render.subjects.module_tree import (
    Branch,
    flat_rows,
    tree_columns,
    tree_rows,
)
from cnnscope.analyzer.render.subjects.selection_said import Listed, blocks_of, of_no_layer
from cnnscope.analyzer.render.subjects.shares import SHARES, with_shares
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.choosing import EVERY, Choice, Chosen
from cnnscope.analyzer.report.conditions import Fact
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.group import By, Group, of_these
from cnnscope.analyzer.report.groups import grouped
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_conditions import LAYER_FACTS
from cnnscope.analyzer.report.module_groups import leaves, module_tree
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.run_conditions import run_facts
from cnnscope.analyzer.report.shares import ADDITIVE, Additive, reaching, seconds_of, shares_of
from cnnscope.analyzer.values.notation import many, percent
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a report is shown.

    Args:
        columns: those asked for; None: as many of the usual ones as fit.
        sort: the column to sort by.
        top: only so many rows.
        by: a row per operator, kind, module or block instead of one per layer.
        depth: of modules, how many steps below the path that all layers share.
        convention: show the work as this counter counts it, too.
        choice: which layers.
        until: of rows sorted by a figure that adds up, as many as come to this part of the total.
    """

    columns: tuple[str, ...] | None = None
    sort: str | None = None
    top: int | None = None
    by: By | None = None
    depth: int | None = None
    convention: str | None = None
    choice: Choice = EVERY
    until: Fraction | None = None


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection comes to.

    Args:
        blocks: the table, and what is said below it.
        chosen: the layers, where they were chosen; None: all.
    """

    blocks: tuple[Block, ...]
    chosen: Chosen | None


def selected(report: Report, shown: Selection) -> Selected:
    """The rows of a report that are shown.

    Raises:
        ValueError: there is no such column, sort key or convention; no layer fits a pattern; or a part of
            a total is asked for that isn't known.
    """
    counted = counted_as(report, shown.convention)
    chosen = _chosen(report, shown.choice)
    layers = tuple(report.layers) if chosen is None else chosen.layers
    figures = figures_of(report)
    if shown.by is None:
        listed = _listed(
            layers, layer_columns(report, counted), shown, figures, report.layers,
            lambda figure, layer: figure.of_layers([layer]).value,
        )  # fmt: skip
    else:
        columns = group_with_convention(GROUP_COLUMNS[shown.by], counted)
        if report.execution is not None:
            columns = group_with_time(columns, figures["time"])
        if shown.by == "module":
            kept = None if chosen is None else chosen.layers
            tree = module_tree(report, 1 if shown.depth is None else shown.depth, kept)
            listed = _modules(report, tree, columns, shown, figures)
        else:
            groups = grouped(report, shown.by, shown.depth)
            listed = _listed(
                groups if chosen is None else of_these(groups, chosen), columns, shown, figures,
                report.layers, lambda figure, group: figure.of_layers(group.members).value,
            )  # fmt: skip
    apart = () if shown.by is None else of_no_layer(report, figures)
    return Selected((*blocks_of(listed, chosen), *apart), chosen)


def check_selection(shown: Selection, *, run: bool = False) -> None:
    """Before there is a report: are there such columns?

    Args:
        run: the report will have what running the model showed.

    Raises:
        ValueError: there is no such column, sort key or convention.
    """
    counted = uncounted(shown.convention)
    figures = dict(ADDITIVE)
    if run:
        figures["time"] = seconds_of({}, None)
    if shown.by is not None:
        groups = group_with_convention(GROUP_COLUMNS[shown.by], counted)
        groups = group_with_time(groups, figures["time"]) if run else groups
        if shown.by == "module":
            _listed((), tree_columns(groups), shown, figures, None, lambda figure, row: None)
        else:
            _listed((), groups, shown, figures, None, lambda figure, row: None)
        return
    columns = with_convention(LAYER_COLUMNS, counted)
    columns = with_execution(columns, Execution()) if run else columns
    _listed((), columns, shown, figures, None, lambda figure, row: None)


def figures_of(report: Report) -> Mapping[str, Additive]:
    """The figures of a report that add up, by column."""
    run = report.execution
    if run is None:
        return ADDITIVE
    names = [layer.name for layer in report.layers]
    return {**ADDITIVE, "time": seconds_of(run.seconds(names), run.whole)}


def facts_of(report: Report) -> Mapping[str, Fact[Layer]]:
    """What may be asked of the report's layers."""
    run = report.execution
    return LAYER_FACTS if run is None else run_facts(run, report.layers)


def _chosen(report: Report, choice: Choice) -> Chosen | None:
    return choice.of_layers(report.layers, facts_of(report)) if choice else None


# -- rows ----------------------------------------------------------------------------------------------


def _listed(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    shown: Selection,
    figures: Mapping[str, Additive],
    layers: Sequence[Layer] | None,
    value: Callable[[Additive, Row], int | float | None],
    *,
    tree: Sequence[Row] | None = None,
) -> Listed:
    """The rows as a table.

    Args:
        layers: the whole model's; None: there is none yet.
        value: of a row.
        tree: the rows are a tree's, in their order; these are all of them, for machines.
    """
    key = sort_key(shown.sort, columns)
    figure = figures.get(key or "")
    ordered = sorted_rows(rows, columns, shown.sort, None) if tree is None else list(rows)
    why_not, reached = "", ""
    if figure is None:
        _check_shares(shown, figures, columns)
    else:
        whole: int | float | None = None
        try:
            whole = None if layers is None else figure.whole(layers)
        except ValueError as error:
            if shown.until is not None:
                raise ValueError(f"--until: {error}") from None
            why_not = str(error)
        every = [*ordered, *(tree or ())]
        shares = shares_of([value(figure, row) for row in every], whole)
        columns = with_shares(columns, figure.key, every, shares, running=tree is None)
        most = len(ordered) if shown.until is None else reaching(shares, shown.until)
        most = most if shown.top is None else min(most, shown.top)
        if 0 < most < len(ordered) and (part := shares[most - 1].running) is not None:
            reached = f"; those shown come to {percent(float(part))} of the {figure.title}"
        ordered = ordered[:most]
    kept = ordered if shown.top is None else ordered[: shown.top]
    left = len(rows) - len(kept)
    more = f"{many(left, 'more row')} not shown{reached}" if left else ""
    if shown.columns is None:
        return Listed(table(columns, kept, more=more, recorded=tree), why_not)
    wanted = chosen_columns(columns, shown.columns)
    return Listed(table(wanted, kept, "grow", chosen=True, more=more, recorded=tree), why_not)


def _modules(
    report: Report,
    tree: Sequence[Group],
    columns: tuple[Column[Group], ...],
    shown: Selection,
    figures: Mapping[str, Additive],
) -> Listed:
    """Modules as a tree; as a list where they are sorted and there's one level, or not all are shown."""

    def value(figure: Additive, row: Branch) -> int | float | None:
        return figure.of_layers(row.group.members).value

    some = shown.top is not None or shown.until is not None
    deep = any(group.children for group in tree)
    if some or (shown.sort is not None and not deep):
        order = {id(layer): i for i, layer in enumerate(report.layers)}
        flat = sorted(leaves(tree), key=lambda group: order[id(group.members[0])])
        return _listed(flat_rows(flat), tree_columns(columns), shown, figures, report.layers, value)
    # Times of modules that are alike differ.
    rows = tree_rows(tree, columns, shown.sort, fold=report.execution is None)
    every = tree_rows(tree, columns, shown.sort, fold=False)
    return _listed(rows, tree_columns(columns), shown, figures, report.layers, value, tree=every)


def _check_shares(
    shown: Selection, figures: Mapping[str, Additive], columns: Sequence[Column[Row]]
) -> None:
    """Raises ValueError where shares are asked for of what doesn't add up."""
    names = [column.name for column in columns]
    known = ", ".join(key for key in figures if key in names)
    if shown.until is not None:
        raise ValueError(f"--until goes with --sort of a figure that adds up: {known}")
    asked = {x.strip().lower() for x in shown.columns or ()} - {*names}
    for word in SHARES:
        if word in asked:
            raise ValueError(
                f"the column {word} goes with --sort of a figure that adds up: {known}"
            )
