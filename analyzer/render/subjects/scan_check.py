"""What is said of a scan that was held against limits: how many models keep each, and which don't?

`outcome` puts the same words into findings, for the reporters of CI services: one for each model that is told
one by one, and one for each limit with the number of models that keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.fleet.scan_check import CheckedRow, LimitTally, ScanCheck
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Heading,
    Note,
    Notes,
    Only,
    Section,
)
from cnnscope.analyzer.render.subjects.check import NOT_JUDGED, budget_rules, finding_of
from cnnscope.analyzer.render.subjects.scan_summary import failure_blocks
from cnnscope.analyzer.render.subjects.verdicts import sentence
from cnnscope.analyzer.render.tables import Tone, table
from cnnscope.analyzer.report.finding import Case, Finding, Outcome
from cnnscope.analyzer.values.notation import escape, many, name

#: bytes of Markdown: a comment on GitHub takes them
_BUDGET: Final = 60_000
#: models that are shown
_SHOWN: Final = 20


def document(found: ScanCheck) -> Document:
    """The check as a document."""
    verdict = "all limits kept" if found.ok else "limits not kept"
    title = f"{name(found.source)}: {found.models:,} models, {verdict}"
    if found.models == 1:
        title = f"{name(found.source)}: 1 model, {verdict}"
    tone: Tone = "heading" if found.ok else "error"
    limits = table(_LIMITS, found.limits, "shorten", tone=_tone)
    sections = [Section((Heading(title, tone=tone),)), Section((limits,))]
    if found.baseline is not None:
        said = Note(f"relative to {name(found.baseline)}", tone="dim")
        sections.append(Section((Notes((said,), listed=False),)))
    shown = found.rows[:_SHOWN]
    if shown:
        blocks: list[Block] = [table(_ROWS, shown, "below", tone=_row_tone)]
        bad = found.failing + sum(row.ok for row in found.rows)
        if bad > len(shown):
            rest = "them" if bad <= found.most else f"the {found.most:,} worst"
            more = f"{bad - len(shown):,} more (--format json has {rest})"
            blocks.append(Notes((Note(more, tone="dim"),), listed=False))
        heading = "not within their limits" if found.failing else "not judged"
        sections.append(Section((Only((*SCREEN, *PAGE), tuple(blocks)),), heading))
    failed = tuple(failure_blocks(found.failures))
    if failed:
        heading = f"no report, or one that contradicts itself ({found.unread:,}): no limit is kept"
        sections.append(Section((Only((*SCREEN, *PAGE), failed),), heading))
    return Document(title, tuple(sections), limit=_BUDGET)


def _tone(x: LimitTally) -> Tone:
    return "error" if x.exceeds else "warning" if x.unknown else ""


def _row_tone(x: CheckedRow) -> Tone:
    return "" if x.ok else "error" if any(v.state == "exceeds" for v in x.verdicts) else "warning"


def _amount(number: int) -> str:
    return f"{number:,}" if number else ""


def _limit(x: LimitTally) -> str:
    return name(
        f"{x.limit.name} {x.asked}" if x.bound is not None else f"{x.limit.name} {x.limit.text}", 60
    )


_LIMITS: tuple[Column[LimitTally], ...] = (
    Column("limit", "limit", _limit, _limit, importance=100, least=16),
    Column("within", "within", lambda x: f"{x.within:,}", lambda x: x.within, True, 90),
    Column("exceeds", "EXCEEDS", lambda x: _amount(x.exceeds), lambda x: x.exceeds, True, 95),
    Column("unknown", "unknown", lambda x: _amount(x.unknown), lambda x: x.unknown, True, 85),
    Column("new", "new", lambda x: _amount(x.new), lambda x: x.new or None, True, 80, optional=True),
)  # fmt: skip


def _said(x: CheckedRow) -> str:
    return "; ".join(sentence(v) for v in x.verdicts)


_ROWS: tuple[Column[CheckedRow], ...] = (
    Column("model", "model", lambda x: name(x.path), lambda x: x.path, importance=100, least=24,
           names=lambda x: x.path),
    Column("said", "what is said", _said, _said, importance=90, least=24),
)  # fmt: skip


# -- for CI services -------------------------------------------------------------------------------


def outcome(found: ScanCheck) -> Outcome:
    """The check as findings; what is left out of them is one finding more."""
    return Outcome("check", tuple(_cases(found)), tuple(budget_rules()))


def _cases(found: ScanCheck) -> Iterator[Case]:
    for row in found.rows:
        for verdict in row.verdicts:
            asked = f"{verdict.limit.name} {verdict.asked}"
            if verdict.state == "new" and verdict.ok:
                yield Case(row.path, asked, said=sentence(verdict), skipped=sentence(verdict))
            else:
                yield Case(row.path, asked, (finding_of(row.path, verdict),), sentence(verdict))
    for path, said in found.broken:
        finding = Finding(NOT_JUDGED, "error", path, said)
        yield Case(path, "can be judged", (finding,), escape(said))
    for limit in found.limits:
        told = f"{limit.within:,} of {limit.models:,} models are within"
        yield Case(found.source, _limit(limit), said=told)
    if found.left_out:
        said = f"{many(found.left_out, 'more model')} not within their limits, or without a report"
        left = Finding(NOT_JUDGED, "error", found.source, said, subject="left out")
        yield Case(found.source, "every other model", (left,), said)
