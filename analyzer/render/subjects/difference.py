"""How does a difference look? What differs on the whole, in groups, then layer by layer.

The Markdown fits a comment on a pull request: a table of the totals and a list of the groups, the
layers folded away below, all of it under the length that GitHub takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cnnscope.analyzer.difference.difference import (
    Difference,
    EndDifference,
    LayerDifference,
    TotalDifference,
    opset_text,
)
from cnnscope.analyzer.render.columns import MEANINGS, metric
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.forms.markdown import grid, plain
from cnnscope.analyzer.render.forms.terminal import Line, broken, fitted, segments, text_of
from cnnscope.analyzer.render.subjects.changes import (
    change_text,
    group_text,
    signed,
    signed_percent,
    what_changed,
)
from cnnscope.analyzer.report.comparison import compared
from cnnscope.analyzer.values.notation import count, name, nbytes

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

GITHUB_LIMIT = 65_536
"""Characters that a comment on GitHub may have."""
_BUDGET = 60_000  # bytes of it that are used: there may be other things in the comment
_GAP = "  "
_LEAST = 16  # cells that a text in a table keeps
_BESIDE = 40  # cells that a long text needs to go on in its own column
_GROUPS = 20  # lines of groups, unless all are asked for
_ROWS = 40  # rows of layers, likewise
_OFTEN = 3  # layers changed in the same way, from which on they are shown as one
_BOUNDS = {"exact": "", "at least": ">= ", "at most": "<= "}
_TITLES: dict[str, tuple[str, Callable[[int], str]]] = {
    key: (label.strip(), write) for key, label, write, _ in MEANINGS
} | {
    "receptive_field": ("receptive field", str), "layers": ("layers", count),
    "file_bytes": ("file size", nbytes),
}  # fmt: skip
_STATUS = {
    "same": "the same", "folded": "folded into others", "unfolded": "split out of others",
}  # fmt: skip
_FOLLOWED = {
    "shape": "shape", "dtype": "dtype", "macs": "MACs", "flops": "FLOPs",
    "memory": "bytes moved", "field": "receptive field",
}  # fmt: skip
_MARKS = {
    "same": " ", "renamed": "~", "moved": "^", "changed": "*", "folded": "<", "unfolded": ">",
    "removed": "-", "added": "+",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows below a heading; cells are finished text, names in them escaped."""

    titles: tuple[str, ...]
    right: tuple[bool, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines as rich takes them."""

    found: Difference
    everything: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from segments(
            difference_lines(self.found, options.max_width, everything=self.everything)
        )


def table(found: Difference, *, everything: bool = False) -> Lines:
    """The difference as something rich can print."""
    return Lines(found, everything)


def difference_text(found: Difference, width: int = 100, *, everything: bool = False) -> str:
    """The difference as plain text, no line longer than the width."""
    return text_of(difference_lines(found, width, everything=everything))


def difference_json(found: Difference) -> str:
    """The difference as JSON, every layer in it."""
    return dumped(found.to_dict())


def difference_lines(
    found: Difference, width: int = 100, *, everything: bool = False
) -> list[Line]:
    """The whole difference, laid out.

    Args:
        width: the most cells a line may take.
        everything: every layer, unchanged ones and what only follows from others too.
    """
    one, other = _names(found)
    lines = [*_told(f"{one} -> {other}", width, "heading"), *_told(verdict(found), width), []]
    lines += _laid_out(_totals(found), width)
    for text in _ends(found):
        lines += _told(text, width)
    groups = [group_text(group) for group in found.groups]
    if groups:
        lines += [[], [("what differs", "heading")]]
        shown = groups if everything else groups[:_GROUPS]
        for text in shown:
            lines += _told(text, width, indent="  ")
        lines += _more(len(groups) - len(shown), "groups")
    # What is the same in many layers is in one line above.
    often = {x for group in found.groups if group.kind == "changed" and group.count > _OFTEN
             for x in group.layers}  # fmt: skip
    rows = [
        x for x in found.layers
        if everything or (is_shown(x) and (x.moved or x.layer.name not in often))
    ]  # fmt: skip
    if rows:
        kept = rows if everything else rows[:_ROWS]
        lines += [[], *_laid_out(_layers(kept, everything=everything), width)]
        lines += _more(len(rows) - len(kept), "layers")
    notes = list(remarks(found))
    if notes:
        lines += [[], *(line for text in notes for line in _told(text, width, "dim"))]
    return lines


def _told(text: str, width: int, style: str = "", indent: str = "") -> list[Line]:
    """A sentence, broken to fit; what hangs over is indented."""
    room = max(1, width - len(indent))
    first, *rest = _broken(text, room, max(1, room - 2))
    return [[(indent + first, style)], *([(f"{indent}  {part}", style)] for part in rest)]


def _broken(text: str, first: int, rest: int) -> list[str]:
    """Likewise in parts; a number isn't parted from its unit."""
    whole = re.sub(r"(?<=\d) (?=[%a-zA-Z]{1,3}\b|%)", "\u00a0", text)
    return [part.replace("\u00a0", " ") for part in broken(whole, first, rest)]


def _more(left: int, what: str) -> list[Line]:
    return [[(f"  {left} more {what}: --all shows them", "dim")]] if left > 0 else []


def _names(found: Difference) -> tuple[str, str]:
    one, other = compared([found.before, found.after]).names
    return name(one), name(other)


def verdict(found: Difference) -> str:
    """How many layers there are of each status, in one line."""
    total = len(found.layers)
    versions = opset_text([(name(x), one, other) for x, one, other in found.opsets])
    if found.same:
        unknown = found.weights.unknown if found.weights.asked else 0
        weights = (
            f", as far as weights can be compared ({unknown} layers' can't)" if unknown else ""
        )
        if found.opsets:
            return f"{versions}; nothing else differs in {total} layers{weights}"
        return f"no difference in {total} layers{weights}"
    counts = []
    for status, n in found.counts.items():
        if n:
            text = f"{n} {_STATUS.get(status, status)}"
            also = found.also["moved"] if status == "moved" else 0
            counts.append(text + (f" ({also} more moved and changed)" if also else ""))
    if found.also["moved"] and not found.counts["moved"]:
        counts.append(f"{found.also['moved']} of them moved")
    told = f"{total} layers: {', '.join(counts)}"
    return f"{told}; {versions}" if found.opsets else told


def is_shown(x: LayerDifference) -> bool:
    """Something became of the layer itself: not only of layers before it, and not only its name."""
    if x.status in ("added", "removed", "folded", "unfolded"):
        return False  # they are in groups
    return x.own or x.moved


def title(x: LayerDifference) -> str:
    """The layer's name, behind those of the layers whose subgraphs it is in."""
    return "/".join([*x.path[::2], x.layer.name]) if _nested(x) else x.layer.name


def _nested(x: LayerDifference) -> bool:
    return bool(x.path) and not x.layer.name.startswith(x.path[-2])


# -- parts -----------------------------------------------------------------------------------------


def _totals(found: Difference) -> _Table:
    rows: list[tuple[str, ...]] = []
    for total in found.totals:
        title, write = _TITLES[total.key]
        rows.append(
            (title, metric(total.before, write), metric(total.after, write), *_delta(total, write))
        )
    return _Table(("", "before", "after", "change", ""), (False, True, True, True, True), rows)


def _delta(total: TotalDifference, write: Callable[[int], str]) -> tuple[str, str]:
    if not total.changed:
        return "", ""
    if total.delta is None:
        return "not known", ""
    text = _BOUNDS[total.bound] + signed(total.delta, write)
    return text, signed_percent(total.share)


def _ends(found: Difference) -> Iterator[str]:
    for end in found.ends:
        if end.status != "same":
            yield _end(end)


def _end(end: EndDifference) -> str:
    shown = end.after or end.before
    assert shown is not None
    text = f"{end.role} {name(shown.name, 80)} {end.status}"
    if end.changes:
        text += f": {'; '.join(map(change_text, end.changes))}"
    if end.before is not None and end.after is not None and end.before.name != end.after.name:
        text += f", was {name(end.before.name, 80)}"
    return text


def _layers(layers: Sequence[LayerDifference], *, everything: bool) -> _Table:
    rows: list[tuple[str, ...]] = []
    for x in layers:
        what = what_changed(x, everything=everything)
        rows.append((
            f"{_MARKS[x.status]} {x.status}", name(title(x), 60), name(x.layer.op, 40),
            _cell(x.delta("params")), _cell(x.delta("macs")), what,
        ))  # fmt: skip
    titles = ("status", "layer", "op", "parameters", "MACs", "what")
    return _Table(titles, (False, False, False, True, True, False), rows)


def _cell(delta: int | None) -> str:
    return "?" if delta is None else signed(delta) if delta else ""


def remarks(found: Difference) -> Iterator[str]:
    """What follows from other changes, and what is known of the weights."""
    took = [
        x for x in found.layers
        if x.holds and x.status == "changed" and not x.own and not x.moved
    ]  # fmt: skip
    if took:
        yield (
            f"{_layers_of(len(took))} by what was folded: parameters, weights"
            f" ({signed(sum(x.delta('params') or 0 for x in took))} parameters)"
        )
    followed = [
        x for x in found.layers
        if x.status == "changed" and not x.own and not x.holds and not x.moved
    ]  # fmt: skip
    if followed:
        aspects = Counter(a for x in followed for a in x.aspects)
        shown = ", ".join(f"{word} ({aspects[a]})" for a, word in _FOLLOWED.items() if aspects[a])
        yield f"{_layers_of(len(followed))} only by what follows from others: {shown}"
    renamed = found.counts["renamed"]
    if renamed:
        only = (
            "1 layer has another name and is"
            if renamed == 1
            else f"{renamed} layers have other names and are"
        )
        yield f"{only} else the same"
    if found.dims:
        shown = ", ".join(f"{name(one, 40)} -> {name(other, 40)}" for one, other in found.dims[:8])
        yield f"free dimensions have other names and are else the same: {shown}"
    weights = found.weights
    if not weights.asked:
        yield "the numbers stored as weights were not compared"
    elif weights.same or weights.changed or weights.unknown:
        counts = (
            (weights.same, "the same"),
            (weights.changed, "changed"),
            (weights.unknown, "not known"),
        )
        parts = [f"{n} {word}" for n, word in counts if n]
        reason = f" ({name(weights.reason)})" if weights.reason and weights.unknown else ""
        yield f"weights by layer: {', '.join(parts)}{reason}"
    for tensor, one, other in weights.moved[:_GROUPS]:
        yield f"weights {name(tensor, 60)} moved from {name(one, 60)} to {name(other, 60)}"
    if len(weights.moved) > _GROUPS:
        yield f"{len(weights.moved) - _GROUPS} more weights moved"


def _layers_of(count: int) -> str:
    return "1 layer differs" if count == 1 else f"{count} layers differ"


def _laid_out(found: _Table, width: int) -> list[Line]:
    """Columns, names in them shortened to fit; row by row where there's no room for that."""
    sizes = [
        max(cell_len(row[k]) for row in (found.titles, *found.rows))
        for k in range(len(found.titles))
    ]
    least = [
        size if right else min(size, _LEAST) for size, right in zip(sizes, found.right, strict=True)
    ]
    over = sum(sizes) + len(_GAP) * (len(sizes) - 1) - width
    if not found.right[-1] and sizes[-1] - over < min(sizes[-1], _BESIDE):
        # Too little is left for the last column: its texts go below their rows.
        others = _Table(found.titles[:-1], found.right[:-1], [row[:-1] for row in found.rows])
        head, *laid_out = _laid_out(others, width)
        if laid_out and laid_out[0][0][1] == "rule":  # in columns
            lines = [head, laid_out[0]]
            for line, row in zip(laid_out[1:], found.rows, strict=True):
                lines += [line, *(_told(row[-1], width, indent="    ") if row[-1] else ())]
            return lines
    while over > 0:
        spare = [k for k, size in enumerate(sizes) if size > least[k]]
        if not spare:
            return [line for row in found.rows for line in _told(_in_a_row(found, row), width)]
        sizes[max(spare, key=lambda k: sizes[k])] -= 1
        over -= 1
    dashes = _GAP.join("-" * size for size in sizes)
    lines = [[(text, "heading")] for text in _cells(found, found.titles, sizes)]
    lines.append([(dashes, "rule")])
    return lines + [[(text, "")] for row in found.rows for text in _cells(found, row, sizes)]


def _cells(found: _Table, row: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    """A row's lines. Of its last column, if that is a text, what doesn't fit goes on below."""
    last = len(row) - 1
    below: list[str] = []
    cells = []
    for k, (text, size) in enumerate(zip(row, sizes, strict=True)):
        if k == last and not found.right[k]:
            shown, *below = _broken(text, max(1, size), max(1, size))
        else:
            shown = fitted(text, size)
        space = " " * (size - cell_len(shown))
        cells.append(space + shown if found.right[k] else shown + space)
    yield _GAP.join(cells).rstrip()
    indent = " " * (sum(sizes[:last]) + len(_GAP) * last)
    yield from (indent + text for text in below)


def _in_a_row(found: _Table, row: Sequence[str]) -> str:
    """A row as a sentence, for want of columns."""
    head, *cells = (
        f"{title} {text}" if title and found.right[k] else text
        for k, (title, text) in enumerate(zip(found.titles, row, strict=True))
    )
    told = [text for text, cell in zip(cells, row[1:], strict=True) if cell]
    return f"{head}: {', '.join(told)}" if told else head


# -- Markdown --------------------------------------------------------------------------------------


def difference_markdown(found: Difference, *, everything: bool = False) -> str:
    """The difference as Markdown fit for a comment: short, details folded away."""
    one, other = _names(found)
    totals = _totals(found)
    if not everything:
        totals = _Table(totals.titles, totals.right, [row for row in totals.rows if row[3]])
    parts = [f"### Model difference: {plain(one)} → {plain(other)}", plain(verdict(found))]
    if totals.rows:
        parts.append(grid(totals.titles, totals.right, totals.rows))
    ends = list(_ends(found))
    groups = [group_text(group) for group in found.groups]
    facts = [*ends[:_GROUPS], *groups[:_GROUPS]]
    if facts:
        parts.append("\n".join(f"- {plain(text)}" for text in facts))
    left = len(ends) + len(groups) - len(facts)
    if left:
        parts.append(f"{left} more kinds of difference not shown")
    notes = [plain(text) for text in remarks(found)]
    if notes:
        parts.append("\n".join(f"- {text}" for text in notes))
    rows = [x for x in found.layers if everything or x.status not in ("same", "renamed")]
    used = sum(len(part.encode()) + 2 for part in parts)
    if rows:
        parts.append(_details(rows, _BUDGET - used, everything=everything))
    return "\n\n".join(parts) + "\n"


def _details(rows: Sequence[LayerDifference], room: int, *, everything: bool) -> str:
    """Layers as a table that is folded away, as many as there's room for."""
    shown = _layers(rows, everything=everything)
    head = f"<details><summary>{len(rows)} layers</summary>\n\n"
    lines = grid(shown.titles, shown.right, shown.rows).split("\n")
    kept = []
    room -= len(head) + 80
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    body = "\n".join(kept)
    if len(kept) <= 2:  # nothing but the heading
        body, left = "", len(rows)
    more = f"\n\n{left} more layers not shown" if left else ""
    return f"{head}{body}{more}\n\n</details>"
