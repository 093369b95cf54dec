"""How does a difference look? What differs on the whole, in groups, then layer by layer.

The Markdown fits a comment on a pull request: a table of the totals and a list of the groups, the
layers folded away below, all of it under the length that GitHub takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from cnnscope.analyzer.difference.difference import Difference, opset_text
from cnnscope.analyzer.difference.entries import EndDifference, LayerDifference, TotalDifference
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Flow,
    Fold,
    Heading,
    Note,
    Notes,
    Only,
    Section,
)
from cnnscope.analyzer.render.subjects.changes import (
    change_text,
    group_text,
    signed,
    signed_percent,
    what_changed,
)
from cnnscope.analyzer.render.subjects.totals import MEANINGS, metric
from cnnscope.analyzer.render.tables import Table, table, text_table
from cnnscope.analyzer.report.comparison import compared
from cnnscope.analyzer.values.notation import count, many, name, nbytes

GITHUB_LIMIT = 65_536
"""Characters that a comment on GitHub may have."""
_BUDGET = 60_000  # bytes of it that are used: there may be other things in the comment
_FLOW = Flow(rest="  ", units=True, even=True)
_INNER = Flow("  ", "    ", units=True, even=True)
_LEAST = 16  # cells that a text in a table keeps
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


def document(found: Difference, *, everything: bool = False) -> Document:
    """The difference as a document. A page fits a comment: short, the layers folded away.

    Args:
        everything: every layer, unchanged ones and what only follows from others too.
    """
    one, other = _names(found)
    return Document(
        f"{one} → {other}",
        (
            Section((
                Only(SCREEN, (Heading(f"{one} -> {other}", flow=_FLOW),)),
                Only(PAGE, (Heading(f"Model difference: {one} → {other}", level=3),)),
                Notes((Note(verdict(found), flow=_FLOW),), listed=False),
                Only(PAGE, tuple(_on_page(found, everything=everything))),
            )),
            *(
                Section((Only(SCREEN, tuple(blocks)),), title)
                for title, blocks in _on_screen(found, everything=everything)
            ),
        ),
        limit=_BUDGET,
    )  # fmt: skip


def _on_screen(found: Difference, *, everything: bool) -> Iterator[tuple[str, list[Block]]]:
    """The parts that a screen has one after the other, with their titles."""
    ends = Notes(tuple(Note(text, flow=_FLOW) for text in _ends(found)))
    yield "", [_totals(found.totals), ends]
    if found.groups:
        shown = found.groups if everything else found.groups[:_GROUPS]
        told = tuple(Note(group_text(group), flow=_INNER) for group in shown)
        yield "what differs", [Notes(told), *_more(len(found.groups) - len(shown), "groups")]
    # What is the same in many layers is in one line above.
    often = {x for group in found.groups if group.kind == "changed" and group.count > _OFTEN
             for x in group.layers}  # fmt: skip
    rows = [
        x for x in found.layers
        if everything or (is_shown(x) and (x.moved or x.layer.name not in often))
    ]  # fmt: skip
    if rows:
        kept = rows if everything else rows[:_ROWS]
        layers = _layers(kept, everything=everything)
        yield "", [layers, *_more(len(rows) - len(kept), "layer")]
    notes = tuple(Note(text, tone="dim", flow=_FLOW) for text in remarks(found))
    if notes:
        yield "", [Notes(notes)]


def _more(left: int, what: str) -> list[Block]:
    said = Note(
        f"{many(left, f'more {what}')}: --all shows {'it' if left == 1 else 'them'}",
        tone="dim",
        flow=Flow("  ", "    "),
    )
    return [Notes((said,))] if left > 0 else []


def _on_page(found: Difference, *, everything: bool) -> Iterator[Block]:
    """What a comment has: the totals that changed, a list of the groups, layers folded away."""
    totals = [total for total in found.totals if everything or _delta(total, count)[0]]
    if totals:
        yield _totals(totals)
    ends = list(_ends(found))
    groups = [group_text(group) for group in found.groups]
    facts = [*ends[:_GROUPS], *groups[:_GROUPS]]
    yield Notes(tuple(map(Note, facts)))
    left = len(ends) + len(groups) - len(facts)
    if left:
        yield Notes(
            (Note(f"{many(left, 'more kind', 'more kinds')} of difference not shown"),),
            listed=False,
        )
    yield Notes(tuple(map(Note, remarks(found))))
    rows = [x for x in found.layers if everything or x.status not in ("same", "renamed")]
    if rows:
        layers = _layers(rows, everything=everything)
        yield Fold(many(len(rows), "layer"), (layers,), "layers")


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
            f", as far as weights can be compared (those of {many(unknown, 'layer')} can't)"
            if unknown
            else ""
        )
        if found.opsets:
            return f"{versions}; nothing else differs in {many(total, 'layer')}{weights}"
        return f"no difference in {many(total, 'layer')}{weights}"
    counts = []
    for status, n in found.counts.items():
        if n:
            text = f"{n} {_STATUS.get(status, status)}"
            also = found.also["moved"] if status == "moved" else 0
            counts.append(text + (f" ({also} more moved and changed)" if also else ""))
    if found.also["moved"] and not found.counts["moved"]:
        counts.append(f"{found.also['moved']} of them moved")
    told = f"{many(total, 'layer')}: {', '.join(counts)}"
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


def _totals(totals: Sequence[TotalDifference]) -> Table:
    rows: list[tuple[str, ...]] = []
    for total in totals:
        title, write = _TITLES[total.key]
        rows.append(
            (title, metric(total.before, write), metric(total.after, write), *_delta(total, write))
        )
    titles = ("", "before", "after", "change", "")
    return text_table(titles, (False, True, True, True, True), rows, "below", _LEAST)


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


def _layers(layers: Sequence[LayerDifference], *, everything: bool) -> Table:
    def what(x: LayerDifference) -> str:
        return what_changed(x, everything=everything)

    return table(
        (*_COLUMNS, Column("what", "what", what, what, importance=1, least=_LEAST)), layers, "below"
    )


def _cell(delta: int | None) -> str:
    return "?" if delta is None else signed(delta) if delta else ""


_COLUMNS: tuple[Column[LayerDifference], ...] = (
    Column("status", "status", lambda x: f"{_MARKS[x.status]} {x.status}", lambda x: x.status,
           importance=1, least=_LEAST),
    Column("layer", "layer", lambda x: name(title(x)), title, importance=1, least=_LEAST, names=title,
           beside=lambda x: x.layer.op.rpartition("::")[2]),
    Column("op", "op", lambda x: name(x.layer.op, 40), lambda x: x.layer.op, importance=1,
           least=24),
    Column("params", "parameters", lambda x: _cell(x.delta("params")), lambda x: x.delta("params"),
           True, importance=1),
    Column("macs", "MACs", lambda x: _cell(x.delta("macs")), lambda x: x.delta("macs"), True,
           importance=1),
)  # fmt: skip


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
        yield f"{many(len(weights.moved) - _GROUPS, 'more weight')} moved"


def _layers_of(count: int) -> str:
    return f"{many(count, 'layer')} {'differs' if count == 1 else 'differ'}"
