"""How does a report look in Markdown? Tables in GitHub's dialect, every name escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cnnscope.analyzer.render.columns import (
    GROUP_COLUMNS,
    Column,
    chosen_columns,
    default_columns,
    diagnostic_lines,
    ends,
    field_lines,
    sorted_rows,
    title,
    total_lines,
)
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    group_with_convention,
    layer_columns,
    total_line,
)
from cnnscope.analyzer.report.groups import By, grouped
from cnnscope.analyzer.report.report import Report

if TYPE_CHECKING:
    from cnnscope.analyzer.counters.conventions import ConventionTotals

Row = TypeVar("Row")


def report_markdown(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    top: int | None = None,
    by: By | None = None,
    depth: int | None = None,
    convention: str | None = None,
) -> str:
    """The report as Markdown: a heading, the table, totals and findings."""
    parts = [f"## {plain(title(report))}", _list(f"{kind}: {text}" for kind, text in ends(report))]
    counted = counted_as(report, convention)
    if by is not None:
        groups = grouped(report, by, depth)
        parts.append(
            _table(groups, group_with_convention(GROUP_COLUMNS[by], counted), columns, sort, top)
        )
    else:
        layers = tuple(report.layers)
        parts.append(_table(layers, layer_columns(report, counted), columns, sort, top))
    totals = [(name.strip(), text, meaning) for name, text, meaning in total_lines(report)]
    totals += [total_line(counted)] if counted is not None else []
    parts.append(grid(("total", "figure", "meaning"), (False, True, False), totals))
    parts.append(_list(f"receptive field: {text}" for text in field_lines(report)))
    parts.append(_list(f"{severity}: {text}" for severity, text in diagnostic_lines(report)))
    return "\n\n".join(part for part in parts if part) + "\n"


def conventions_markdown(report: Report, rows: Sequence[ConventionTotals]) -> str:
    """The model's figures in several conventions, and what to know about them."""
    from cnnscope.analyzer.render.subjects.conventions import TOTAL_COLUMNS, remarks

    parts = [
        f"## {plain(title(report))}", markdown_table(rows, default_columns(TOTAL_COLUMNS, rows))
    ]  # fmt: skip
    for heading, lines in remarks(rows):
        parts += [f"{plain(heading.capitalize())}:", _list(f"{who}: {text}" for who, text in lines)]
    return "\n\n".join(parts) + "\n"


def markdown_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    """Rows as a Markdown table."""
    return grid(
        [c.title for c in columns], [c.right for c in columns],
        [[c.text(row) for c in columns] for row in rows],
    )  # fmt: skip


def _table(
    rows: Sequence[Row],
    columns: tuple[Column[Row], ...],
    names: Sequence[str] | None,
    sort: str | None,
    top: int | None,
) -> str:
    kept = sorted_rows(rows, columns, sort, top)
    chosen = default_columns(columns, kept) if names is None else chosen_columns(columns, names)
    text = markdown_table(kept, chosen)
    left = len(rows) - len(kept)
    return text + (f"\n\n{left} more rows not shown" if left else "")


def grid(titles: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    """Cells as a table, those of the columns marked so to the right."""
    lines = [_row(titles), _row(["---:" if r else "---" for r in right], raw=True)]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: Sequence[str], raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else plain(cell) for cell in cells) + " |"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {plain(text)}" for text in texts)


def plain(text: str) -> str:
    r"""Text in which nothing is Markdown or HTML, and nothing becomes a link.

    GitHub makes links of addresses, e-mail addresses, mentions, issues and commits wherever they
    stand in text, escaped or not. Those of Markdown's own end at a comment; those of GitHub leave out
    code. So a word that holds one is code, with comments in it, which no reader sees.

    >>> print(plain("a|b <i> *c*"))
    a\|b &lt;i&gt; \*c\*
    >>> print(plain("by @all"))
    by <code><!-- -->\@<!-- -->all</code>
    """
    if _LINKED.search(text) is None:
        return _escaped(text)
    return "".join(map(_word, re.split(r"(\s+|[|<>&])", text)))


#: what GitHub or GitLab makes a link, a mention or a reference of; also what mail programs do
_LINKED = re.compile(
    r"://|(?<![0-9a-z])(?:mailto|xmpp|tel|data|javascript|file):|www\.|[\w.+-]@|@[\w-]|[#!$%&~^]\d|(?<![0-9a-z])GH-\d"
    r"|(?<![0-9a-z_])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}(?![0-9a-z_])"
    r"|\.(?:com|net|org|edu|gov|biz|info|name|pro|web|shop|aero|asia|coop|museum|xxx|[a-z]{2})(?![\w-])",
    re.IGNORECASE,
)


def _word(word: str) -> str:
    """A word as code where a part of it would become a link."""
    if _LINKED.search(word) is None:
        return _escaped(word)
    pieces = map(_escaped, re.split(r"([@.:])", word))
    return f"<code>{'<!-- -->'.join(pieces)}</code>"


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#!$@])", r"\\\1", text)
