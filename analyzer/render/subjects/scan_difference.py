"""What is said of the difference of two scans: how many models became what, and which changed most?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cnnscope.analyzer.fleet.figure_columns import FIGURES
from cnnscope.analyzer.fleet.model_change import STATUSES, ChangeStatus, FigureChange, ModelChange
from cnnscope.analyzer.fleet.scan_difference import ScanDifference, became_text
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Flow,
    Heading,
    Note,
    Notes,
    Only,
    Section,
)
from cnnscope.analyzer.render.subjects.changes import signed, signed_percent
from cnnscope.analyzer.render.subjects.scan_summary import figure_name, figure_text
from cnnscope.analyzer.render.tables import Table, table, text_table
from cnnscope.analyzer.values.notation import count, escape, many, name, nbytes

#: bytes of Markdown: a comment on GitHub takes them
_BUDGET: Final = 60_000
#: changes of each status that are shown unless all are asked for, and figures of one model
_SHOWN: Final = 12
_FIGURES: Final = 3
#: of which the sums over all models are shown
_TOTALS: Final = ("file_bytes", "params", "macs", "flops", "weight_bytes", "traffic_bytes")
_TITLES: Final[dict[ChangeStatus, str]] = {
    "failing": "failing now", "mended": "mended", "changed": "changed", "gone": "gone", "new": "new",
    "moved": "moved: the same graph elsewhere",
}  # fmt: skip
#: what is told of a model of which all figures are new, or gone
_USUAL: Final = ("params", "macs", "file_bytes")
_ASPECTS: Final = {
    "status": "status", "error_kind": "fault", "opset": "opset", "ir_version": "IR version",
    "producer": "producer",
    "quantised": "quantised", "weights": "weights", "inputs": "inputs", "outputs": "outputs",
    "free_dims": "free dimensions", "lint_codes": "lint", "within_limits": "within limits",
}  # fmt: skip
_MEASURES: Final = {x.name: x.measure for x in FIGURES}
_FLOW: Final = Flow(rest="  ", units=True)


def document(found: ScanDifference, *, everything: bool = False) -> Document:
    """The difference as a document, which as Markdown fits a comment on GitHub.

    Args:
        everything: every model that isn't as it was, not the largest changes alone.
    """
    title = f"{name(found.before)} -> {name(found.after)}"
    notes = tuple(Note(x, tone="dim", flow=_FLOW) for x in _remarks(found))
    head: list[Block] = [
        Only(SCREEN, (Heading(title, flow=_FLOW),)),
        Only(PAGE, (Heading(f"Models: {title.replace(' -> ', ' → ')}", level=3),)),
        Notes((Note(_verdict(found), flow=_FLOW),), listed=False),
    ]
    sections = [Section(tuple(head)), Section((_totals(found),))]
    for status in STATUSES:
        total = found.counts[status]
        if not total:
            continue
        shown = found.largest(status, total if everything else _SHOWN)
        blocks: list[Block] = [_models(status, shown)]
        left = total - len(shown)
        if left:
            said = f"{many(left, 'more model')}: --all shows {'it' if left == 1 else 'them'}"
            blocks.append(Notes((Note(said, tone="dim"),), listed=False))
        sections.append(Section(tuple(blocks), f"{_TITLES[status]} ({total:,})"))
    if notes:
        sections.append(Section((Notes(notes),)))
    return Document(title, tuple(sections), limit=_BUDGET)


def _verdict(found: ScanDifference) -> str:
    if found.same:
        return f"all {many(found.models[1], 'model')} are as they were"
    return became_text(found.counts)


def _remarks(found: ScanDifference) -> Iterator[str]:
    if found.graphs:
        has = "has" if found.graphs == 1 else "have"
        yield f"{many(found.graphs, 'model')} at the same place {has} another graph"
    one, other = (", ".join(map(escape, sorted(x))) for x in found.versions)
    if one != other:
        yield f"the rows are from other versions of cnnscope: {one or 'none'} -> {other or 'none'}"
    if found.reanalysed:
        has = "has" if found.reanalysed == 1 else "have"
        yield f"{many(found.reanalysed, 'model')} {has} the same graph and other figures"


def _totals(found: ScanDifference) -> Table:
    one, other = found.models
    rows = [("models", f"{one:,}", f"{other:,}", _delta(one, other), _share(one, other))]
    for x in found.totals:
        if x.figure in _TOTALS and (x.before or x.after):
            write = nbytes if _MEASURES[x.figure] == "bytes" else count
            change = signed(x.after - x.before, write) if x.after != x.before else ""
            told = (write(x.before), write(x.after), change, _share(x.before, x.after))
            rows.append((figure_name(x.figure), *told))
    return text_table(("in all", "before", "after", "change", ""), (False, *(True,) * 4), rows)


def _delta(one: int, other: int) -> str:
    return f"{other - one:+,}" if one != other else ""


def _share(one: int, other: int) -> str:
    return signed_percent(other / one - 1) if one else ""


def _models(status: ChangeStatus, shown: list[ModelChange]) -> Table:
    columns: tuple[Column[ModelChange], ...] = (
        Column("model", "model", lambda x: name(x.path), lambda x: x.path, importance=100, least=24,
               names=lambda x: x.path),
        Column("what", _HEADS[status], _what, _what, importance=90, least=24),
    )  # fmt: skip
    return table(columns, shown, "below")


_HEADS: Final[dict[ChangeStatus, str]] = {
    "failing": "because", "mended": "it was", "changed": "what changed", "gone": "it had", "new": "it has",
    "moved": "it was",
}  # fmt: skip


def _what(x: ModelChange) -> str:
    if x.status == "moved":
        return name(x.before or "")
    if x.error is not None and not x.figures:
        return name(x.error)
    if x.status in ("gone", "new"):
        known = {c.figure: c.before if c.after is None else c.after for c in x.figures}
        told = [(key, known.get(key)) for key in _USUAL]
        return ", ".join(
            f"{figure_name(key)} {figure_text(n, _MEASURES[key])}"
            for key, n in told
            if n is not None
        )
    figures = [c for c in x.figures if not _unasked(c)]
    texts = [_figure(c) for c in _largest(figures)]
    left = len(figures) - len(texts)
    texts += [f"{many(left, 'more figure')}"] if left > 0 else []
    texts += [_aspect(key, *pair) for key, pair in (x.aspects or {}).items()]
    graph = ["another graph"] if x.graph else []
    return "; ".join([*texts, *graph])


def _unasked(change: FigureChange) -> bool:
    """Whether that is lint's, of which one of the scans asked nothing: it is said once, of its codes."""
    return change.figure.startswith("lint_") and None in (change.before, change.after)


def _largest(figures: Sequence[FigureChange]) -> list[FigureChange]:
    """The figures that changed most; equal ratios in the order of the columns."""

    def far(change: FigureChange) -> float:
        ratio = change.ratio
        if ratio is None:
            return float("inf")
        return max(ratio, 1 / ratio) if ratio else float("inf")

    told: dict[tuple[int | None, int | None], FigureChange] = {}
    for change in figures:  # all MACs may be on floats: one figure under two names
        told.setdefault((change.before, change.after), change)
    weighty = [c for c in told.values() if not c.figure.startswith("lint_")] or [*told.values()]
    return sorted(weighty, key=far, reverse=True)[:_FIGURES]


def _figure(change: FigureChange) -> str:
    one, other = (
        "?" if value is None else figure_text(value, _MEASURES[change.figure])
        for value in (change.before, change.after)
    )
    ratio = change.ratio
    if ratio is None or change.before is None:
        times = ""
    elif ratio >= 2:
        times = f" ({ratio:.3g} x)"
    else:
        times = f" ({signed_percent(ratio - 1)})"
    return f"{figure_name(change.figure)} {one} -> {other}{times}"


def _aspect(key: str, one: object, other: object) -> str:
    told = _ASPECTS.get(key, key)
    if isinstance(one, list) or isinstance(other, list):
        before, after = (set(map(str, x)) if isinstance(x, list) else set() for x in (one, other))
        if key == "lint_codes":
            if one is None or other is None:
                return "lint is asked now" if one is None else "lint isn't asked any more"
            parts = [f"+{escape(x)}" for x in sorted(after - before)]
            parts += [f"-{escape(x)}" for x in sorted(before - after)]
            return f"lint {' '.join(parts[:4])}"
        return f"other {told}"
    return f"{told} {name(_plain(one), 40)} -> {name(_plain(other), 40)}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
