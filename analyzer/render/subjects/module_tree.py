"""How do modules stand below each other: as a tree with subtotals, what is alike in it told once?

Machines get every module, each with its level and whether there are others in it; people get siblings
that follow each other and are alike as one row for all of them, with one of them below it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby

from cnnscope.analyzer.render.columns import Column, Exact, sorted_rows
from cnnscope.analyzer.report.group import Group, together
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass

_STEP = "  "


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A row of the tree.

    Args:
        group: what its figures are of.
        label: what it is called below what it is in.
        indent: how deep it stands.
    """

    group: Group
    label: str
    indent: int = 0


def lifted(column: Column[Group]) -> Column[Branch]:
    """A group's column, of a row of the tree; modules stand in as deep as they are."""

    def text(row: Branch) -> str:
        return column.text(row.group)

    def exact(row: Branch) -> Exact:
        return column.exact(row.group)

    def order(row: Branch) -> int | float | str | None:
        assert column.order is not None
        return column.order(row.group)

    return Column(
        column.name, column.title, label if column.name == "module" else text, exact, column.right,
        column.importance, column.least, None if column.order is None else order, column.optional,
        label if column.name == "module" else None,
    )  # fmt: skip


def label(row: Branch) -> str:
    """What a row is called, as far in as it stands."""
    return _STEP * row.indent + row.label


#: for machines: where a module stands, and whether its figures are those of others in it
PLACES: tuple[Column[Branch], ...] = (
    Column("level", "level", lambda x: str(x.group.level), lambda x: x.group.level, right=True),
    Column("leaf", "leaf", lambda x: "no" if x.group.children else "yes", lambda x: not x.group.children),
)  # fmt: skip


def tree_columns(columns: Sequence[Column[Group]]) -> tuple[Column[Branch], ...]:
    """The columns of a tree, from those of groups."""
    first, *rest = (lifted(column) for column in columns)
    return (first, *PLACES, *rest)


def tree_rows(
    roots: Sequence[Group], columns: Sequence[Column[Group]], sort: str | None, *, fold: bool
) -> list[Branch]:
    """The modules, each before those in it.

    Args:
        roots: of the first level.
        columns: of groups.
        sort: the column by which those in one module are sorted.
        fold: tell those once that follow each other and are alike.
    """
    return list(_rows(roots, "", 0, lambda groups: sorted_rows(groups, columns, sort, None), fold))


def flat_rows(groups: Sequence[Group]) -> list[Branch]:
    """Modules by themselves, each with its whole path."""
    return [Branch(group, _label(group, "")) for group in groups]


def _rows(
    groups: Sequence[Group],
    above: str,
    indent: int,
    ordered: Callable[[Sequence[Group]], list[Group]],
    fold: bool,
) -> Iterator[Branch]:
    places = {id(group): position for position, group in enumerate(groups)}
    for run in _runs(ordered(groups), fold):
        first = run[0]
        if len(run) == 1:
            yield Branch(first, _label(first, above), indent)
            yield from _rows(first.children, first.name, indent + 1, ordered, fold)
            continue
        names = [_label(group, above) for group in run]
        steps = [places[id(group)] - places[id(first)] for group in run]
        if steps == list(range(len(run))) and len(run) > 2:
            span = f"{names[0]} … {names[-1]}"
        else:
            span = ", ".join(names if len(run) < 5 else [*names[:3], "…"])
        yield Branch(together(run), f"{span} (x{len(run)} alike)", indent)
        yield Branch(first, "each", indent + 1)
        yield from _rows(first.children, first.name, indent + 2, ordered, fold)


def _label(group: Group, above: str) -> str:
    """The steps below the module that it is in."""
    if group.name == above:
        return "(its own layers)" if above else "(top)"
    return name(group.name.removeprefix(f"{above}/") if above else group.name)


def _runs(groups: Sequence[Group], fold: bool) -> Iterator[list[Group]]:
    """Those that follow each other and are alike, where telling them once is shorter; else each."""
    if not fold:
        yield from ([group] for group in groups)
        return
    for _, alike in groupby(groups, lambda group: likeness(group)):
        run = list(alike)
        rows = _count(run[0])
        if len(run) > 1 and rows + 1 < len(run) * rows:
            yield run
        else:
            yield from ([group] for group in run)


def _count(group: Group) -> int:
    return 1 + sum(map(_count, group.children))


def likeness(group: Group) -> Hashable:
    """What modules have in common that are alike: operators, weights and costs of their layers, in the
    modules in it."""
    if group.children:
        return group.module_class, tuple(
            (_label(child, group.name), likeness(child)) for child in group.children
        )
    return group.module_class, tuple(map(_of_layer, group.members))


def _of_layer(layer: Layer) -> Hashable:
    stored = tuple(
        (x.dtype, str(x.shape)) for x in layer.operands if x is not None and x.tensor.constant
    )
    costs = (layer.params, layer.buffers, layer.constants, layer.shared_params, layer.weight_bytes)
    moved = (str(layer.bytes_read), str(layer.bytes_written))
    return layer.op, stored, costs, str(layer.work), tuple(layer.uncounted.items()), moved
