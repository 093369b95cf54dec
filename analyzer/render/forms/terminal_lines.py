"""What is a line in a terminal? Runs of text, each with a style, no longer than the width.

Lines are handed to rich as finished segments: nothing is wrapped, nothing in a name is taken for
markup, and a thousand layers take milliseconds.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rich.cells import chop_cells

from cnnscope.analyzer.render.document import Flow
from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from rich.segment import Segment

#: a line: runs of text, each with the name of a style
Line = list[tuple[str, str]]

GAP = "  "
_AT_ONCE = 256
_STYLES = {
    "heading": "bold", "rule": "dim", "dim": "dim", "label": "bold", "op": "cyan", "good": "green",
    "bad": "bold red", "warning": "yellow", "error": "bold red", "info": "dim", "": "none",
}  # fmt: skip


def segments(lines: Iterable[Line]) -> Iterator[Segment]:
    """Lines as rich takes them, finished."""
    from rich.segment import Segment  # most text is read by no terminal
    from rich.style import Style

    styles = {key: Style.parse(text) for key, text in _STYLES.items()}
    for line in lines:
        for text, style in line:
            yield Segment(text, styles[style])
        yield Segment.line()


def text_of(lines: Iterable[Line]) -> str:
    """Lines as plain text, none of which a CI runner takes for a command."""
    return without_commands("\n".join(map(_plain, lines)))


def pieces_of(lines: Iterable[Line]) -> Iterator[str]:
    """The same, some lines at a time, each with its end."""
    waiting = map(_plain, lines)
    while some := list(islice(waiting, _AT_ONCE)):
        yield without_commands("\n".join([*some, ""]))


def _plain(line: Line) -> str:
    return "".join([text for text, _ in line]).rstrip()


def broken(text: str, width: int) -> list[str]:
    """A text in lines that fit."""
    return flowing(text, width, Flow())


def flowing(text: str, width: int, flow: Flow) -> list[str]:
    """A text in lines, broken as its flow says."""
    room = max(1, width if flow.most is None else min(width, flow.most))
    if flow.units:  # textwrap takes ASCII blanks for blanks only
        text = re.sub(r"(?<=\d) (?=[%a-zA-Z]{1,3}\b|%)", "\u00a0", text)
    first, rest = flow.first, flow.rest
    if flow.even:
        parts = _filled(text, max(1, room - max(len(first), len(rest))), Flow())
        parts = [(rest if i else first) + part for i, part in enumerate(parts)]
    else:
        parts = _filled(text, room, flow)
    return [part.replace("\u00a0", " ") for part in parts] if flow.units else parts


def _filled(text: str, width: int, flow: Flow) -> list[str]:
    wrapper = textwrap.TextWrapper(
        width, initial_indent=flow.first, subsequent_indent=flow.rest,
        break_on_hyphens=flow.hyphens,
    )  # fmt: skip
    parts = wrapper.wrap(text) or [flow.first]
    if text.isascii():
        return parts
    return [piece for part in parts for piece in chop_cells(part, width)]
