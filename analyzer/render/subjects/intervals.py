"""What is said of costs over ranges of lengths: between which figures do they lie?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer, model_name, size_text
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.costs_over import Interval
from cnnscope.analyzer.sizes.intervals import Intervals
from cnnscope.analyzer.values.notation import count, escape, many, name, named_size, nbytes


def document(found: Intervals) -> Document:
    """The intervals as a document: a row for each total and each length of an output."""
    title = f"{model_name(found.model)}: what it costs over {many(found.sizes, 'size')}"
    ranges = ", ".join(
        f"{name(label)} from {low} to {high}" for label, (low, high) in found.ranges.items()
    )
    facts = [Pair("over", ranges)]
    if found.bound:
        facts.append(Pair("at", size_text(found.bound)))
    if found.valid is not None:
        facts.append(Pair("valid", f"{found.valid:,} of {found.sizes:,}"))
    rows = (*found.totals, *found.outputs)
    notes = [
        Note(f"{escape(row.name)} isn't known: {escape(row.why)}", tone="dim")
        for row in rows
        if row.why
    ]
    notes.append(
        Note("both ends included; where no size stands beside an end, it is a bound, which no size need have",
             tone="dim")
    )  # fmt: skip
    return answer(title, facts, [table(_COLUMNS, rows)], notes=notes)


def _figure(row: Interval, value: int | None) -> str:
    if value is None:
        return "?"
    return nbytes(value) if row.name.endswith("_bytes") else count(value)


def _at(size: Mapping[str, int] | None) -> str:
    return "-" if size is None else size_text(size)


_COLUMNS: tuple[Column[Interval], ...] = (
    Column("name", "figure", lambda x: name(x.name).replace("_", " "), lambda x: x.name, importance=100),
    Column("least", "least", lambda x: _figure(x, x.least), lambda x: x.least, right=True, importance=95),
    Column("least_at", "at", lambda x: _at(x.least_at),
           lambda x: None if x.least_at is None else named_size(x.least_at), importance=50),
    Column("most", "most", lambda x: _figure(x, x.most), lambda x: x.most, right=True, importance=95),
    Column("most_at", "at", lambda x: _at(x.most_at),
           lambda x: None if x.most_at is None else named_size(x.most_at), importance=50),
)  # fmt: skip
