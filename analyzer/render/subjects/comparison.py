"""How does a comparison look? A row per figure and a column per model, each with its ratio.

The ratios are to the first model, so it stands in every table that a narrow screen needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import DATA, PAGE, SCREEN, Document, Heading, Only, Section
from cnnscope.analyzer.render.subjects.totals import MEANINGS, metric
from cnnscope.analyzer.render.tables import Table, table, text_table
from cnnscope.analyzer.report.comparison import Comparison, Ratio
from cnnscope.analyzer.values.notation import count, name, ratio

_WRITERS: dict[str, tuple[str, Callable[[int], str]]] = {
    key: (label, write) for key, label, write, _ in MEANINGS
} | {"receptive_field": ("receptive field", str), "layers": ("layers", count)}
_BOUNDS = {"exact": "", "at least": ">= ", "at most": "<= "}


def ratio_text(found: Ratio | None) -> str:
    """A ratio to the first model.

    >>> ratio_text(Ratio(0.3412)), ratio_text(Ratio(2.0, "at least")), ratio_text(None)
    ('x0.341', '>= x2', '')
    """
    return "" if found is None else f"{_BOUNDS[found.bound]}x{ratio(found.value)}"


def document(found: Comparison, *, rows: bool = True) -> Document:
    """The comparison as a document; without rows for machines where it only goes with others."""
    names = [name(text) for text in found.names]
    people = (
        Only(SCREEN, (_table(names, [_figures(found, i, aligned=True) for i in range(len(names))], found),)),
        Only(PAGE, (
            Heading("Comparison"),
            _table(names, [_figures(found, i) for i in range(len(names))], found),
        )),
    )  # fmt: skip
    facts = found.records() if rows else []
    machines = tuple(table([_fact(key) for key in row], facts) for row in facts[:1])
    return Document("Comparison", (Section((*people, Only(DATA, machines))),))


def _table(names: Sequence[str], figures: Sequence[Sequence[str]], found: Comparison) -> Table:
    """A row per figure: its label, and what it is in each model."""
    labels = [_WRITERS[row.key][0].strip() for row in found.rows]
    rows = list(zip(labels, *figures, strict=True))
    return text_table(["", *names], [False, *(True for _ in names)], rows, "split")


def _figures(found: Comparison, model: int, *, aligned: bool = False) -> list[str]:
    """One model's figures, each with its ratio to the first model's behind it."""
    figures = [metric(row.figures[model], _WRITERS[row.key][1]) for row in found.rows]
    if model == 0:
        return figures
    ratios = [ratio_text(row.ratios[model]) for row in found.rows]
    room = max(map(len, ratios))
    if not aligned or not room:
        return [f"{a} {b}".strip() for a, b in zip(figures, ratios, strict=True)]
    return [f"{a}  {b:<{room}}" for a, b in zip(figures, ratios, strict=True)]


def _fact(key: str) -> Column[Mapping[str, object]]:
    def exact(row: Mapping[str, object]) -> Exact:
        return row[key]  # type: ignore[return-value]  # a row holds plain facts

    return Column(key, key, lambda row: str(exact(row)), exact)
