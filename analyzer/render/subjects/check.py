"""How does a check look? Per model a line for each limit, then what stands out and what to do.

`outcome` puts the same words into findings, for the reporters of CI services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnscope.analyzer.budgets.check import Check, Checked, Problem
from cnnscope.analyzer.budgets.figure import Figure, plain_number
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import ERRORS, LISTS
from cnnscope.analyzer.budgets.verdicts import Verdict
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
from cnnscope.analyzer.render.subjects.since import changes_of
from cnnscope.analyzer.render.subjects.summary import (
    closing,
    is_told,
    made_by,
    opening,
    rewritten_text,
    summary_table,
)
from cnnscope.analyzer.render.subjects.verdicts import (
    advice,
    baseline_text,
    bound_text,
    figure_text,
    headline,
    limit_name,
    margin_text,
    ranges_text,
    sentence,
    standing_text,
    why,
)
from cnnscope.analyzer.render.tables import Tone, table
from cnnscope.analyzer.report.finding import Case, Finding, Outcome, ReportedRule
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import escape, name

NOT_JUDGED = "budget/not-judged"
NEW_MODEL = "budget/new-model"
_STATES = {"within": "within", "exceeds": "EXCEEDS", "unknown": "unknown", "new": "new"}


def _state(verdict: Verdict) -> str:
    tolerated = verdict.state == "unknown" and verdict.tolerated
    return "allowed" if tolerated else _STATES[verdict.state]


COLUMNS: tuple[Column[Verdict], ...] = (
    Column("state", "", _state, lambda v: v.state, importance=9),
    Column("limit", "limit on", limit_name, lambda v: v.limit.name, importance=8, least=16,
           names=lambda v: v.limit.name),
    Column("figure", "is", figure_text, lambda v: plain_number(v.figure.shown), True, importance=7),
    Column("bound", "may be", bound_text, lambda v: v.written, importance=6),
    Column("margin", "margin", margin_text, lambda v: plain_number(v.beyond), importance=5),
    Column("baseline", "relative", baseline_text,
           lambda v: None if v.baseline is None else v.written, importance=1, optional=True),
)  # fmt: skip


def remarks(found: Checked) -> Iterator[tuple[str, str]]:
    """What else to say: why something is unknown, which layers weigh most, what could be tighter."""
    for label, proven in found.assumed.items():
        if proven:
            yield "info", f"the batch {name(label, 60)} is free: figures are of one example"
    if ranges := ranges_text(found):
        yield "info", ranges
    since = found.since
    if since is not None and since.status in ("changed", "renamed"):
        for said in changes_of(since):
            yield "info", f"changed: {said}"
    if standing := standing_text(found):
        yield ("info" if _passes(found) else "error"), standing
    for verdict in found.verdicts:
        what = limit_name(verdict)
        if verdict.state == "unknown":
            yield ("info" if verdict.tolerated else "warning"), f"{what}: {why(verdict)}"
        if verdict.state == "exceeds" and (
            verdict.limit.quantity in (*LISTS, ERRORS) or verdict.at is not None
        ):
            yield "error", sentence(verdict)
        told = verdict.at is not None  # in the sentence
        if (base := baseline_text(verdict)) and verdict.state == "exceeds" and not told:
            yield "info", f"{what}: {base}"
        if worst := made_by(found, verdict):
            yield "info", f"{what}: {worst}"
    for verdict in found.verdicts:
        if hint := advice(verdict):
            yield "info", hint


def document(found: Check, *, problems: bool = True) -> Document:
    """The check as a document. A page has one table of what a reviewer has to know, and every limit of
    every model folded away below; as Markdown it fits a comment on GitHub.

    Args:
        problems: on a screen, too, say which models can't be judged; else it is said elsewhere.
    """
    title = "cnnscope check: " + ("all limits kept" if found.ok else "limits not kept")
    gone: list[Block] = [Notes((_removed(found),), listed=False)] if found.removed else []
    unjudged = Notes(tuple(map(_unjudged, found.problems)))
    # What is told in a row of the table comes first below it, too: a comment has no room for everything.
    order = sorted(found.models, key=lambda model: (not is_told(model), model.ok))
    details = [*gone, unjudged, *(block for model in order for block in _model(model))]
    page: list[Block] = [Heading(title)]
    if len(found.models) == 1 and found.models[0].since is None and not found.problems:
        page += details  # one model, and nothing earlier: its limits are what there is to say
    else:
        page += _for_reviewers(found, details)
    parts = [*map(_model, found.models), *([gone] if gone else [])] or [[]]
    if rewritten := rewritten_text(found):
        told = Note(rewritten, "info", tone="dim", lead="dim", flow=_FLOW)
        parts[-1].append(Notes((told,), listed=False))
    if problems:
        parts[-1].append(unjudged)
    advice: tuple[Block, ...] = ()
    if found.config is not None and any(v.state == "exceeds" for v in found):
        advised = f"Make it smaller, or change the limit in {name(found.config)}."
        advice = (Notes((Note(advised, flow=_FLOW),), listed=False),)
    return Document(
        title,
        (
            Section((Only(PAGE, (*page, *advice)),)),
            *(Section((Only(SCREEN, tuple(blocks)),)) for blocks in parts[:-1]),
            Section((Only(SCREEN, (*parts[-1], *advice)),)),
        ),
        limit=COMMENT,
    )


def _for_reviewers(found: Check, details: Sequence[Block]) -> Iterator[Block]:
    """One table of what there is to say, and the rest folded away."""
    rows = summary_table(found)
    yield Notes((Note(opening(found)),), listed=False)
    if rows is not None:
        yield rows
    sentences = (closing(found), rewritten_text(found))
    yield Notes(tuple(Note(x) for x in sentences if x), listed=False)
    many = len(found.models)
    summary = f"Every limit of {'the model' if many == 1 else f'{many} models'}"
    summary = summary if many else "What can't be judged"
    yield Fold(summary, tuple(x for x in details if not isinstance(x, Notes) or x.rows), "models")


def _model(model: Checked) -> list[Block]:
    """Every limit of a model, and what else there is to say of it."""
    tone: Tone = "label" if model.ok else "error"
    notes = Notes(tuple(_note(severity, text) for severity, text in remarks(model)))
    return [
        Heading(name(model.title), headline(model), level=3, tone=tone),
        table(COLUMNS, model.verdicts, tone=state_tone),
        notes,
    ]


#: bytes of Markdown: a comment on GitHub has 65,536 characters, and there are other things in it
COMMENT = 60_000
_MOST_REMOVED = 5
#: a remark may be broken anywhere but between a number and its unit
_FLOW = Flow(rest="  ", units=True, hyphens=True)


def state_tone(verdict: Verdict) -> Tone:
    """How a verdict's row is coloured."""
    tones: dict[str, Tone] = {"exceeds": "error", "unknown": "warning", "within": "", "new": ""}
    return tones[verdict.state]


def _note(severity: str, text: str) -> Note:
    if severity == "info":
        return Note(text, severity, tone="dim", lead="dim", flow=_FLOW)
    return Note(text, severity, lead="error" if severity == "error" else "warning", flow=_FLOW)


def _removed(found: Check) -> Note:
    """Models that the baseline still has: nothing holds them any more."""
    many = len(found.removed) > 1
    shown = ", ".join(name(x, 80) for x in found.removed[:_MOST_REMOVED])
    left = len(found.removed) - _MOST_REMOVED
    more = f" and {left} more" if left > 0 else ""
    return Note(
        f"the baseline has figures of {shown}{more}, {'which are no files' if many else 'which is no file'}"
        " any more (cnnscope baseline update --prune takes them out)", "info", tone="dim", lead="dim",
        flow=_FLOW,
    )  # fmt: skip


def _unjudged(problem: Problem) -> Note:
    where = f" ({name(problem.origin)})" if problem.origin else ""
    return Note(
        f"{name(problem.message, 1000)}{where}", "error", name(problem.model), lead="error", flow=_FLOW
    )  # fmt: skip


# -- for CI services -------------------------------------------------------------------------------


def outcome(found: Check) -> Outcome:
    """The check as findings: an error for what is exceeded or unknown, a note where that's allowed."""
    cases = [case for model in found.models for case in _cases(model)]
    for problem in found.problems:
        finding = Finding(NOT_JUDGED, "error", problem.model, problem.said)
        cases.append(Case(problem.model, "can be judged", (finding,), problem.said))
    return Outcome("check", tuple(cases), tuple(budget_rules()))


def _cases(model: Checked) -> Iterator[Case]:
    at = f" at {model.variant}" if model.variant else ""
    if model.new:
        said = f"{standing_text(model)}{f' (at {model.variant})' if model.variant else ''}"
        severity: Severity = "info" if _passes(model) else "error"
        finding = Finding(
            NEW_MODEL, severity, model.model, said, subject=f"new {model.variant}".strip()
        )
        yield Case(model.model, f"is in the baseline{at}", (finding,), said)
    for verdict in model.verdicts:
        skipped = sentence(verdict) if verdict.state == "new" else ""
        asked = f"{verdict.limit.name} {verdict.asked}{at}"
        yield Case(model.model, asked, tuple(_findings(model, verdict)), sentence(verdict), skipped)


def _passes(model: Checked) -> bool:
    """That it is new is no failure."""
    return all(verdict.ok for verdict in model.verdicts if verdict.state == "new")


def _findings(model: Checked, verdict: Verdict) -> Iterable[Finding]:
    if verdict.state in ("within", "new"):  # of what is new, that is said once
        return ()
    return (finding_of(model.model, verdict, model.variant, made_by(model, verdict)),)


def finding_of(model: str, verdict: Verdict, variant: str = "", hint: str = "") -> Finding:
    """A verdict that isn't *within* as a finding.

    Args:
        model: the model's path.
        verdict: what is to be said of a limit.
        variant: the sizes it was judged at.
        hint: what it is made by.
    """
    layers = [part.layer for part in verdict.parts]
    bound = verdict.bound
    # Of two bounds of one limit each has a name of its own, which no amount is in.
    asked: str = "" if bound is None else bound.comparison
    if bound is not None and bound.relation != "absolute":
        asked = f"{asked} {bound.relation}"
    return Finding(
        f"budget/{verdict.limit.quantity}",
        "info" if verdict.ok else "error",
        model,
        sentence(verdict) + (f" (at {variant})" if variant else ""),
        layers[0] if layers else None,
        tuple(layers[1:]),
        hint,
        _stake(verdict.figure, verdict),
        " ".join(filter(None, (verdict.limit.name, asked, variant))),
    )


def _stake(figure: Figure, verdict: Verdict) -> dict[str, int]:
    value = figure.exact
    if value is None or value.denominator != 1:
        return {}
    return {verdict.limit.quantity: int(value)}


def budget_rules() -> Iterator[ReportedRule]:
    """The rules that findings of a check may name."""
    meanings = {q.key: q.meaning for q in QUANTITIES.values()} | LISTS
    for key, meaning in meanings.items():
        yield ReportedRule(
            f"budget/{key}", f"{key}-budget", f"A limit on {key}: {escape(meaning)}.",
            severity="error", tags=("budget",),
        )  # fmt: skip
    yield ReportedRule(
        NEW_MODEL, "new-model", "The baseline has no figures of a model that limits compare with them.",
        severity="info", tags=("budget",),
    )  # fmt: skip
    yield ReportedRule(
        NOT_JUDGED, "not-judged", "A model that a budget names can't be found or read.",
        severity="error", tags=("budget",),
    )  # fmt: skip
