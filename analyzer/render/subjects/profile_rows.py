"""Which rows of a profile are shown: kernels, those of some layers, or what groups of layers took?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.render.columns import sort_key, sorted_rows
from cnnscope.analyzer.render.document import DATA, PAGE, SCREEN, Block, Flow, Note, Notes, Only
from cnnscope.analyzer.render.subjects.kernel_rows import ROW_COLUMNS
from cnnscope.analyzer.render.subjects.selection import Selection, check_selection, selected
from cnnscope.analyzer.render.subjects.shares import with_shares
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.choosing import EVERY, Choice
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.group import By
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.run_conditions import run_facts
from cnnscope.analyzer.report.shares import reaching, shares_of
from cnnscope.analyzer.values.notation import duration, many, name, percent
from cnnscope.analyzer.values.plain_class import dataclass

_SLOWEST: Final = "time"
#: the figures of kernels that add up, and what people call them
_ADDITIVE: Final[Mapping[str, tuple[Callable[[Row], int | float | None], str]]] = {
    "time": (lambda x: x.seconds, "time"),
    "macs": (lambda x: x.macs, "MACs"),
    "flops": (lambda x: x.flops, "FLOPs"),
    "bytes": (lambda x: x.bytes, "bytes"),
}


@dataclass(frozen=True, slots=True)
class ProfileSelection:
    """What of a profile is shown.

    Args:
        sort, top, until: as a report's `Selection` has them, of kernels or of groups.
        by, depth: a row per operator, kind, module or block of the report's layers.
        choice: which layers.
        report: the model's analysis, which groups and choices are of; None: neither is asked for.
    """

    sort: str | None = None
    top: int | None = None
    until: Fraction | None = None
    by: By | None = None
    depth: int | None = None
    choice: Choice = EVERY
    report: Report | None = None


ALL_ROWS: Final = ProfileSelection()


def check_sort(key: str | None) -> None:
    """Is there such a column to sort kernels by?

    Raises:
        ValueError: there is not.
    """
    sort_key(key, ROW_COLUMNS)


def check_rows(shown: ProfileSelection) -> None:
    """Before anything is run: are there such columns, and such layers?

    Raises:
        ValueError: there is no such column to sort by, or what it has doesn't add up.
    """
    if shown.by is not None:
        sort = shown.sort or (None if shown.by == "module" else _SLOWEST)
        check_selection(Selection(None, sort, shown.top, shown.by, shown.depth), run=True)
    key = _SLOWEST if shown.by is not None else sort_key(shown.sort or _SLOWEST, ROW_COLUMNS)
    if shown.until is not None and key not in _ADDITIVE:
        raise ValueError(
            f"--until goes with --sort of a figure that adds up: {', '.join(_ADDITIVE)}"
        )


def row_blocks(found: Profile, shown: ProfileSelection = ALL_ROWS) -> tuple[Block, ...]:
    """The table of kernels, or of groups, and what is said below it.

    Raises:
        ValueError: no layer fits a pattern, or a part of a total is asked for that isn't known.
    """
    if shown.by is not None and shown.report is not None:
        sort = shown.sort
        if sort is None and (shown.by != "module" or shown.until is not None):
            sort = _SLOWEST
        ran = replace(shown.report, execution=Execution(found))
        wanted = Selection(
            None, sort, shown.top, shown.by, shown.depth, None, shown.choice, shown.until
        )
        return selected(ran, wanted).blocks
    rows, said = _chosen(found, shown)
    return (*_kernels(found, rows, shown), *said)


def _kernels(found: Profile, rows: Sequence[Row], shown: ProfileSelection) -> tuple[Block, ...]:
    ordered = sorted_rows(rows, ROW_COLUMNS, shown.sort or _SLOWEST, None)
    key = sort_key(shown.sort or _SLOWEST, ROW_COLUMNS) or _SLOWEST
    columns, most, reached = ROW_COLUMNS, len(ordered), ""
    why_not = ""
    if key in _ADDITIVE:
        value, title = _ADDITIVE[key]
        whole, why_not = _whole(found, key)
        if why_not and shown.until is not None:
            raise ValueError(f"--until: {why_not}")
        # What runs inside another kernel is part of that one.
        parts = [None if row.within is not None else value(row) for row in ordered]
        shares = shares_of(parts, whole)
        known = "share" if key == _SLOWEST else ""
        columns = with_shares(
            columns, key, ordered, shares, known=known, absent="-",
            importance=94 if shown.sort or shown.until else 60,
        )  # fmt: skip
        most = most if shown.until is None else reaching(shares, shown.until)
        most = most if shown.top is None else min(most, shown.top)
        if shown.until is not None and most and (part := shares[most - 1].running) is not None:
            reached = f"; those shown come to {percent(float(part))} of the {title}"
    kept = ordered[: most if shown.top is None else min(most, shown.top)]
    left = len(rows) - len(kept)
    blocks: list[Block] = [Only((*PAGE, *SCREEN), (table(columns, kept),))]
    if shown.sort or shown.until:
        blocks.append(Only(DATA, (table(columns, kept),)))
    else:  # machines get the order of running, in which there is no sum of shares so far
        blocks.append(Only(DATA, (table(ROW_COLUMNS, rows[: shown.top]),)))
    if left:
        more = f"{many(left, 'more kernel')} not shown{reached}"
        blocks.append(Only(SCREEN, (Notes((Note(f"... {more}", flow=Flow("  ", "  ")),)),)))
        blocks.append(Only(PAGE, (Notes((Note(more),), listed=False),)))
    if why_not and shown.sort:
        blocks.append(Only((*PAGE, *SCREEN), (Notes((Note(why_not, "note", tone="dim"),)),)))
    return tuple(blocks)


def _whole(found: Profile, key: str) -> tuple[int | float | None, str]:
    """What all kernels come to; None, and why, where that isn't known."""
    if key == _SLOWEST:
        whole = found.kernel_seconds
        return whole, "" if whole else "no kernel was timed"
    value, title = _ADDITIVE[key]
    values = [value(row) for row in found.outer]
    missing = values.count(None)
    if missing:
        return None, f"no share of the {title} is known: of {many(missing, 'kernel')} they aren't"
    return math.fsum(x for x in values if x is not None), ""


def _chosen(found: Profile, shown: ProfileSelection) -> tuple[Sequence[Row], tuple[Block, ...]]:
    """The kernels in which one of the chosen layers is, and what is said of the others."""
    if not shown.choice or shown.report is None:
        return found.rows, ()
    layers = shown.report.layers
    chosen = shown.choice.of_layers(layers, run_facts(Execution(found), layers))
    names = {layer.name for layer in chosen}
    kept = {row.name for row in found.outer if not names.isdisjoint(row.layers)}
    rows = [row for row in found.rows if (row.within or row.name) in kept]
    seconds = math.fsum(row.seconds or 0.0 for row in rows if row.within is None)
    whole = found.kernel_seconds
    share = f" ({percent(seconds / whole)})" if whole else ""
    said = [
        Note(
            f"{many(len(rows), 'kernel')} with {many(len(chosen), 'chosen layer')} "
            f"({name(str(shown.choice), 80)}): {duration(seconds)}{share}",
            "chosen",
        )
    ]
    said += [
        Note(f"{many(n, 'layer')} left out, of which that isn't known: {name(text)}", "note")
        for text, n in chosen.unknown.items()
    ]
    if not chosen:
        said = [Note(name(chosen.hint or "no layer is left", 300))]
    return rows, (Only((*PAGE, *SCREEN), (Notes(tuple(said)),)),)
