"""What is said of costs over ranges of lengths: between which figures do they lie?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Document,
    Heading,
    Note,
    Notes,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.intervals import Interval, Intervals, size_text
from cnnscope.analyzer.values.notation import count, escape, many, name, nbytes


def document(found: Intervals) -> Document:
    """The intervals as a document: a row for each total and each length of an output."""
    title = f"{name(found.model or 'the model in memory')}: what it costs over {many(found.sizes, 'size')}"
    ranges = ", ".join(
        f"{name(label)} from {low} to {high}" for label, (low, high) in found.ranges.items()
    )
    facts = [Pair("over", ranges)]
    if found.bound:
        facts.append(
            Pair("at", ", ".join(f"{name(label)} = {n}" for label, n in found.bound.items()))
        )
    if found.valid is not None:
        facts.append(Pair("valid", f"{found.valid:,} of {found.sizes:,}"))
    people = (*SCREEN, *PAGE)
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
    return Document(
        title,
        (
            Section((Heading(title), Only(people, (Pairs(tuple(facts), aside=14),)))),
            Section((table(_COLUMNS, rows),)),
            Section((Only(people, (Notes(tuple(notes)),)),)),
        ),
    )


def _figure(row: Interval, value: int | None) -> str:
    if value is None:
        return "?"
    return nbytes(value) if row.name.endswith("_bytes") else count(value)


def _at(size: Mapping[str, int] | None) -> str:
    return "-" if size is None else escape(size_text(size))


_COLUMNS: tuple[Column[Interval], ...] = (
    Column("name", "figure", lambda x: name(x.name).replace("_", " "), lambda x: x.name, importance=100),
    Column("least", "least", lambda x: _figure(x, x.least), lambda x: x.least, right=True, importance=95),
    Column("least_at", "at", lambda x: _at(x.least_at),
           lambda x: None if x.least_at is None else size_text(x.least_at), importance=50),
    Column("most", "most", lambda x: _figure(x, x.most), lambda x: x.most, right=True, importance=95),
    Column("most_at", "at", lambda x: _at(x.most_at),
           lambda x: None if x.most_at is None else size_text(x.most_at), importance=50),
)  # fmt: skip
