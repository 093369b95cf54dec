"""How does a document look in HTML? As a fragment for a notebook, and as a page of its own.

Both are plain: no scripts, nothing loaded from elsewhere, every text escaped. What is right in a
fragment, where there is no style sheet, is said in place; the rest is the page's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as quoted
from typing import Final

from cnnscope.analyzer.render.document import (
    Block,
    Derivation,
    Document,
    Figures,
    Fold,
    Heading,
    Note,
    Notes,
    Pairs,
    Picture,
    Prose,
)
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.tables import Table, Tone
from cnnscope.analyzer.values.notation import many

LONGEST: Final = 500
"""Rows of a table in a notebook."""

_SCROLLED: Final = "overflow:auto;max-height:32em;margin:.4em 0"
#: what stays in sight while the rest is scrolled hides what goes under it: in the notebook's own colour
_STAYS: Final = "background:var(--jp-layout-color0,var(--vscode-editor-background,Canvas))"
#: letters of a cell that isn't broken into lines; columns with longer ones are as wide at least
_UNBROKEN: Final = 56
_WIDE: Final = 8  # columns of a table whose first one stays
#: readable on white and on black
_COLOURS: Final = {
    "error": "color:#d43d3d", "bad": "color:#d43d3d", "warning": "color:#b8730a", "good": "color:#2c9150",
    "dim": "opacity:.75", "info": "opacity:.75",
}  # fmt: skip
#: a drawing keeps its places in notebooks, too, which give such text the font around it
_DRAWN: Final = "font-family:ui-monospace,monospace;line-height:1.1;white-space:pre;overflow-x:auto"
_STYLE: Final = """\
:root{color-scheme:light dark}
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:80em;padding:1em}
h1,h2,h3,h4{line-height:1.2;overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:.92em;font-variant-numeric:tabular-nums}
main+main{border-top:2px solid #8884;margin-top:2em;padding-top:1em}
th,td{border-bottom:1px solid #8884;padding:.2em .6em;vertical-align:top}
thead th{border-bottom-width:2px}
.scroll{overflow-x:auto;margin:1em 0}
li,p{overflow-wrap:anywhere}
.formula{font-family:ui-monospace,monospace}
@media(max-width:40em){body{font-size:14px;padding:.5em}th,td{padding:.15em .35em}}
"""


def page(documents: Sequence[Document]) -> str:
    """Documents as one page, complete, readable on a phone."""
    title = documents[0].title if len(documents) == 1 else f"{len(documents)} results"
    bodies = "\n".join(f"<main>\n{_body(document, None)}\n</main>" for document in documents)
    return without_commands(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{quoted(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n"
        f"<body>\n{bodies}\n</body>\n</html>\n",
        colon="&#58;", sign="&#35;",
    )  # fmt: skip


def fragment(document: Document, longest: int = LONGEST) -> str:
    """The document as a notebook shows it; of each table at most *longest* rows."""
    body = f"<div>{_body(document, longest)}</div>"
    return without_commands(body, colon="&#58;", sign="&#35;")


def _body(document: Document, longest: int | None) -> str:
    parts: list[str] = []
    for section in document.of("html"):
        if section.title:
            level = section.level or 4
            parts.append(f"<h{level}>{quoted(_capital(section.title))}</h{level}>")
        parts += (_block(block, longest) for block in section.blocks)
    return "\n".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _block(block: Block, longest: int | None) -> str:
    match block:
        case Heading():
            said = f": <span{_class(block.tone)}>{quoted(block.said)}</span>" if block.said else ""
            return f"<h{block.level}>{quoted(block.text)}{said}</h{block.level}>"
        case Table():
            return _table(block, longest)
        case Pairs():
            return _grid(
                block.titles or (),
                [[_head(x.head), _cell(x.text, tone=x.tone)] for x in block.rows],
            )
        case Figures():
            rows = [[_head(n.strip()), _cell(x, True), _cell(m)] for n, x, m in block.rows]
            return _grid(block.titles, rows, right=(False, True))
        case Notes():
            return _listed(map(_note, block.rows), block.listed)
        case Prose():
            return _listed(map(_prose, block.texts), block.listed)
        case Derivation():
            rows = [
                [
                    _head(x.label),
                    *(
                        _cell(text, tone="formula")
                        for text in (x.formula, x.numbers)
                    ),
                    _cell(f"{x.sign} {x.result}".removeprefix("= "), True),
                ]
                for x in block.rows
            ]  # fmt: skip
            return _grid(
                ("", "formula", "numbers", "result"), rows, right=(False, False, False, True)
            )
        case Picture():
            return f'<pre style="{_DRAWN}">{quoted(chr(10).join(block.lines))}</pre>'
        case Fold():
            inner = "\n".join(_block(x, longest) for x in block.blocks)
            return f"<details><summary>{quoted(block.summary)}</summary>\n{inner}\n</details>"
        case _:
            raise AssertionError("a form gets no block that is another's")


def _note(note: Note) -> str:
    severity = f"{quoted(note.severity)}: " if note.severity else ""
    about = f"<b>{quoted(note.about)}</b>: " if note.about else ""
    tone = note.severity if note.severity in ("error", "warning", "info") else note.tone
    return f"<span{_class(tone)}>{severity}{about}{quoted(note.text)}</span>"


def _prose(text: str) -> str:
    """Markdown of cnnscope's own pages: code, and links' texts."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", quoted(text.replace("\\|", "|")))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def _listed(items: Iterable[str], listed: bool) -> str:
    if not listed:
        return "\n".join(f"<p>{item}</p>" for item in items)
    return "<ul>\n" + "\n".join(f"<li>{item}</li>" for item in items) + "\n</ul>"


def _table(table: Table, longest: int | None) -> str:
    columns = table.seen
    texts = [[c.text(row) for c in columns] for row in table.rows[:longest]]
    hows = [""] * len(columns)
    if longest is not None:
        hows = [_width(max(map(len, cells), default=0)) for cells in zip(*texts, strict=True)]
        if hows and len(hows) > _WIDE:
            hows[0] += f";position:sticky;left:0;{_STAYS}"
    rows = []
    for row, line in zip(table.rows, texts, strict=False):
        tone = "" if table.tone is None else table.tone(row)
        cells = [
            f"<td>{_prose(text)}</td>" if c.name in table.prose else _cell(text, c.right, tone, how)
            for c, text, how in zip(columns, line, hows or [""] * len(columns), strict=True)
        ]
        rows.append(cells)
    left = len(table.rows) - len(rows)
    more = [table.more] * bool(table.more) + [many(left, "more row")] * bool(left)
    said = "".join(f"\n<p>... {quoted(text)}</p>" for text in more)
    titles, right = [c.title for c in columns], [c.right for c in columns]
    return _grid(titles, rows, longest is not None, right) + said


def _width(letters: int) -> str:
    """How a column with texts of so many letters is laid out."""
    if letters <= _UNBROKEN:
        return ";white-space:nowrap"
    return f";min-width:{_UNBROKEN // 2}em;overflow-wrap:anywhere"


def _grid(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    scrolled: bool = False,
    right: Sequence[bool] = (),
) -> str:
    """Rows of finished cells under titles, each on its column's side; `right` says which are numbers."""
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    sides = [*right, *[False] * (len(titles) - len(right))]
    stays = f";position:sticky;top:0;z-index:1;{_STAYS}" if scrolled else ""
    named = "".join(_head(title, side, stays) for title, side in zip(titles, sides, strict=True))
    head = f"<thead><tr>{named}</tr></thead>\n" if titles else ""
    how = f' style="{_SCROLLED}"' if scrolled else ""
    return f'<div class="scroll"{how}><table style="margin:0">{head}<tbody>\n{body}\n</tbody></table></div>'


def _head(text: str, right: bool = False, how: str = "") -> str:
    return f'<th style="text-align:{"right" if right else "left"}{how}">{quoted(text)}</th>'


def _cell(text: str, right: bool = False, tone: Tone | str = "", how: str = "") -> str:
    # A number isn't parted from its unit, in a notebook either, which has no style sheet of ours.
    style = "text-align:right;white-space:nowrap" if right else "text-align:left"
    inside = text.lstrip(" ")  # blanks before it are how far in it stands
    blanks = "&nbsp;" * (len(text) - len(inside))
    lines = "<br>".join(map(quoted, inside.split("\n")))
    how = how.replace(";white-space:nowrap", "") if right else how
    colour = f";{_COLOURS[tone]}" if tone in _COLOURS else ""
    named = f' class="{tone}"' if tone else ""
    return f'<td style="{style}{how}{colour}"{named}>{blanks}{lines}</td>'


def _class(tone: str) -> str:
    colour = f' style="{_COLOURS[tone]}"' if tone in _COLOURS else ""
    return f' class="{tone}"{colour}' if tone else ""
