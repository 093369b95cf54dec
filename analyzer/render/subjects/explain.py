"""How does an explanation look, in a terminal and in Markdown? Its blocks, laid out to a width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from cnnscope.analyzer.explanation.explanation import Explanation
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.forms.markdown import grid, plain
from cnnscope.analyzer.render.forms.terminal import Line, broken, fitted, segments, text_of
from cnnscope.analyzer.render.subjects.explanation import (
    Block,
    Derivation,
    Derived,
    Picture,
    Said,
    Section,
    Table,
    heading,
    sections,
)

WIDTH = 100
_INDENT = "  "
_GAP = "  "
_LEAST = 12  # cells that a text in a table keeps


@dataclass(frozen=True, slots=True)
class Shown:
    """An explanation laid out anew for the width it's shown in: a rich renderable."""

    explanation: Explanation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from segments(explanation_lines(self.explanation, options.max_width))


def explanation_table(explanation: Explanation) -> Shown:
    """The explanation as something rich can print."""
    return Shown(explanation)


def explanation_text(explanation: Explanation, width: int = WIDTH) -> str:
    """The explanation as plain text, no line longer than the width."""
    return text_of(explanation_lines(explanation, width))


def explanation_json(explanation: Explanation) -> str:
    """The explanation as strict JSON."""
    return dumped(explanation.to_dict())


def explanation_lines(explanation: Explanation, width: int) -> list[Line]:
    """The whole explanation, laid out."""
    room = max(width, 1)
    lines: list[Line] = [[(p, "heading")] for p in broken(heading(explanation), room, room)]
    for section in sections(explanation):
        lines += [[], [(fitted(section.title, width), "heading")]]
        lines += _section(section, width)
    return lines


def _section(section: Section, width: int) -> Iterator[Line]:
    heads = [b.head for b in section.blocks if isinstance(b, Said)]
    beside = max((cell_len(h) for h in heads), default=0)
    hanging = beside if beside <= 16 else 0
    for block in section.blocks:
        for line in _block(block, max(width - len(_INDENT), 1), hanging):
            yield [(_INDENT, ""), *line]


def _block(block: Block, width: int, hanging: int) -> list[Line]:
    if isinstance(block, Derivation):
        return _derivation(block.rows, width)
    if isinstance(block, Table):
        return _table(block, width)
    if isinstance(block, Picture):
        return [[(fitted(line, width), "op")] for line in block.lines]
    return _said(block, width, hanging)


def _said(said: Said, width: int, hanging: int) -> list[Line]:
    """The head, and the text beside it; below it where the head is long."""
    if hanging and hanging + len(_GAP) < width // 2:
        blank = " " * (hanging - cell_len(said.head))
        room = width - hanging - len(_GAP)
        first, *rest = broken(said.text, room, room)
        lines: list[Line] = [[(said.head + blank + _GAP, "label"), (first, "")]]
        return [*lines, *([(" " * hanging + _GAP, ""), (part, "")] for part in rest)]
    head = fitted(f"{said.head}:", width)
    if cell_len(head) + 1 + cell_len(said.text) <= width:
        return [[(head, "label"), (f" {said.text}", "")]]
    room = max(width - len(_INDENT), 1)
    return [[(head, "label")], *([(_INDENT, ""), (p, "")] for p in broken(said.text, room, room))]


def _derivation(rows: Sequence[Derived], width: int) -> list[Line]:
    """Label = formula = numbers = (or ≈) result in columns; a line for each where there's no room."""
    label = max(cell_len(row.label) for row in rows)
    result = max(cell_len(row.result) for row in rows)
    formula = max(cell_len(row.formula) for row in rows)
    numbers = max(cell_len(row.numbers) for row in rows)
    columns = [n for n in (formula, numbers) if n]
    if label + sum(n + 3 for n in columns) + 3 + result <= width:
        return [_in_columns(row, label, formula, numbers, result) for row in rows]
    lines: list[Line] = []
    for row in rows:
        lines += _stacked(row, min(label, width // 3), result, width)
    return lines


def _in_columns(row: Derived, label: int, formula: int, numbers: int, result: int) -> Line:
    line: Line = [(_padded(row.label, label), "label")]
    for text, size, style in ((row.formula, formula, ""), (row.numbers, numbers, "dim")):
        if size:
            line += [((" = " if text else "   ") + _padded(text, size), style)]
    return [
        *line,
        (f" {row.sign} ", ""),
        (" " * (result - cell_len(row.result)) + row.result, "label"),
    ]


def _stacked(row: Derived, label: int, result: int, width: int) -> list[Line]:
    room = max(width - label - 3, 1)
    head = _padded(fitted(row.label, label), label)
    lines: list[Line] = []
    for text, style in ((row.formula, ""), (row.numbers, "dim")):
        for position, part in enumerate(_cut(text, room) if text else ()):
            sign = " = " if position == 0 else "   "
            lines.append([(head if not lines else " " * label, "label"), (sign + part, style)])
    if not lines:
        return [[(head, "label"), (f" {row.sign} ", ""), (fitted(row.result, room), "label")]]
    used = sum(cell_len(text) for text, _ in lines[-1])
    told = fitted(row.result, room)
    if used + 3 + max(result, cell_len(told)) <= width:
        lines[-1].append((f" {row.sign} ", ""))
        lines[-1].append((told, "label"))
    else:
        lines.append([(" " * label, ""), (f" {row.sign} ", ""), (told, "label")])
    return lines


def _cut(text: str, room: int) -> list[str]:
    """A formula in parts that fit, cut after an operator where there is one."""
    parts = [""]
    for piece in re.findall(r"[^·+/ ]*[·+/ ]?", text):
        if parts[-1] and cell_len(parts[-1] + piece.rstrip()) > room:
            parts.append("")
        parts[-1] += piece
    return [cut for part in parts if part.strip() for cut in broken(part.strip(), room, room)]


def _padded(text: str, size: int) -> str:
    return text + " " * (size - cell_len(text))


def _table(table: Table, width: int) -> list[Line]:
    """Columns, the widest texts shortened where there's no room; row by row where there's none."""
    shown = [i for i, t in enumerate(table.titles) if t or any(row[i] for row in table.rows)]
    sizes = {
        i: max(cell_len(text) for text in (table.titles[i], *(row[i] for row in table.rows)))
        for i in shown
    }
    over = sum(sizes.values()) + len(_GAP) * (len(shown) - 1) - width
    while over > 0:
        spare = [i for i in shown if not table.right[i] and sizes[i] > _LEAST]
        if not spare:
            return _row_by_row(table, shown, width)
        sizes[max(spare, key=lambda i: sizes[i])] -= 1
        over -= 1
    lines = [_cells(table.titles, table, shown, sizes, "dim")]
    return lines + [_cells(row, table, shown, sizes, "") for row in table.rows]


def _row_by_row(table: Table, shown: Sequence[int], width: int) -> list[Line]:
    lines: list[Line] = []
    for row in table.rows:
        told = ", ".join(f"{table.titles[i]} {row[i]}".strip() for i in shown if row[i])
        first, *rest = broken(told, width, max(width - len(_INDENT), 1))
        lines += [[(first, "")], *([(_INDENT, ""), (part, "")] for part in rest)]
    return lines


def _cells(
    row: Sequence[str], table: Table, shown: Sequence[int], sizes: dict[int, int], style: str
) -> Line:
    texts = []
    for i in shown:
        text = fitted(row[i], sizes[i])
        blank = " " * (sizes[i] - cell_len(text))
        texts.append(blank + text if table.right[i] else text + blank)
    return [(_GAP.join(texts).rstrip(), style)]


# -- Markdown ------------------------------------------------------------------------------------


def explanation_markdown(explanation: Explanation) -> str:
    """The explanation as Markdown: headings, tables, every name escaped."""
    parts = [f"## {plain(heading(explanation))}"]
    for section in sections(explanation):
        parts.append(f"### {section.title.capitalize()}")
        listed: list[str] = []
        for block in section.blocks:
            if isinstance(block, Said):
                listed.append(f"- {plain(block.head)}: {plain(block.text)}")
                continue
            if listed:
                parts.append("\n".join(listed))
                listed = []
            parts.append(_markdown(block))
        if listed:
            parts.append("\n".join(listed))
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Derivation):
        titles = ("", "formula", "numbers", "result")
        rows = [
            (row.label, row.formula, row.numbers, f"{row.sign} {row.result}".removeprefix("= "))
            for row in block.rows
        ]
        return grid(titles, (False, False, False, True), rows)
    if isinstance(block, Table):
        return grid(block.titles, block.right, block.rows)
    assert isinstance(block, Picture)
    return "\n".join(["```text", *block.lines, "```"])
