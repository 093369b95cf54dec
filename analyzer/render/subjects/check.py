"""How does a check look? Per model a line for each limit, then what stands out and what to do.

`outcome` puts the same words into findings, for the reporters of CI services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from cnnscope.analyzer.budgets.figures import ERRORS, LISTS, PARTIAL, QUANTITIES
from cnnscope.analyzer.budgets.quantities import Measure
from cnnscope.analyzer.budgets.verdicts import (
    Check,
    Checked,
    Figure,
    Problem,
    Verdict,
    plain_number,
)
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    Block,
    Document,
    Flow,
    Heading,
    Note,
    Notes,
    Only,
    Section,
    Tone,
    table,
)
from cnnscope.analyzer.report.finding import Case, Finding, Outcome, Rule
from cnnscope.analyzer.values.notation import count, duration, escape, name, nbytes, percent

#: an upper limit that is kept by more than this share of it could be tighter
_ROOMY = Fraction(1, 5)
_SHOWN = 3
_LONGEST = 80
NOT_JUDGED = "budget/not-judged"
_STATES = {"within": "within", "exceeds": "EXCEEDS", "unknown": "unknown"}


# -- numbers ---------------------------------------------------------------------------------------


def amount(value: Fraction | None, measure: Measure) -> str:
    """An amount with the unit it is usually read in.

    >>> amount(Fraction(4200000000), "count"), amount(Fraction(1, 80), "seconds")
    ('4.20 G', '12.5 ms')
    """
    if value is None:
        return "?"
    if measure == "seconds":
        return duration(float(value))
    if measure in ("length", "version"):
        return _exactly(value)
    if value.denominator != 1 and abs(value) < 1000:
        return f"{float(value):.2f}"
    return (nbytes if measure == "bytes" else count)(round(value))


def _exactly(value: Fraction) -> str:
    if value.denominator == 1:
        return f"{value.numerator:,}"
    whole, rest = divmod(round(abs(value) * 1000), 1000)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole:,}.{rest:03d}".rstrip("0").rstrip(".")


def both(figure: Fraction | None, limit: Fraction | None, measure: Measure) -> tuple[str, str]:
    """Two amounts that look different where they are.

    >>> both(Fraction(25_557_032), Fraction(25_560_000), "count")
    ('25,557,032', '25,560,000')
    """
    texts = amount(figure, measure), amount(limit, measure)
    if figure is None or limit is None or figure == limit or texts[0] != texts[1]:
        return texts
    if measure == "seconds":
        return f"{float(figure) * 1000:.6g} ms", f"{float(limit) * 1000:.6g} ms"
    return _exactly(figure), _exactly(limit)


# -- sentences -------------------------------------------------------------------------------------


def limit_name(verdict: Verdict) -> str:
    """What is limited, as people see it."""
    return name(verdict.limit.name, _LONGEST)


def bound_text(verdict: Verdict) -> str:
    """The bound, e.g. ``<= 4.20 G``; a list's operators."""
    if verdict.bound is None or verdict.amount is None:
        return name(verdict.limit.text, 20)
    _, text = both(verdict.figure.shown, verdict.amount, verdict.limit.measure)
    return f"{verdict.bound.comparison} {text}"


def figure_text(verdict: Verdict) -> str:
    """The figure; a lower bound as one."""
    figure = verdict.figure
    text, _ = both(figure.shown, verdict.amount, verdict.limit.measure)
    at_least = figure.value is None and figure.high is None and figure.low is not None
    return f">= {text}" if at_least else text


def margin_text(verdict: Verdict) -> str:
    """How far the figure is from the bound.

    A share is of the bound; none where that is nothing.
    """
    beyond, bound = verdict.beyond, verdict.bound
    if beyond is None or bound is None or not beyond:
        return ""
    if verdict.state == "unknown" and verdict.figure.value is None:
        return ""  # how far a lower bound is below a limit says nothing
    if bound.comparison == "==":
        return f"differs by {amount(abs(beyond), verdict.limit.measure)}"
    share = ""
    if verdict.amount and verdict.limit.measure != "version":
        share = f" ({_share(abs(beyond) / abs(verdict.amount))})"
    over = bound.upper == (beyond > 0)
    return f"{amount(abs(beyond), verdict.limit.measure)}{share} {'over' if over else 'under'}"


def _share(share: Fraction) -> str:
    if share > 10:
        return f"x{float(share + 1):.1f}"
    return percent(float(share)) if share >= Fraction(1, 2000) else "< 0.1 %"


def baseline_text(verdict: Verdict) -> str:
    """What a relative bound is relative to."""
    if verdict.baseline is None:
        return ""
    base = amount(verdict.baseline.shown, verdict.limit.measure)
    return f"{name(verdict.limit.text, 40)}, baseline {base}"


def sentence(verdict: Verdict) -> str:
    """The verdict in a sentence."""
    what = limit_name(verdict)
    if verdict.limit.quantity in LISTS:
        how = "has" if verdict.limit.quantity.endswith("forbid") else "also has"
        if verdict.state == "within":
            return f"{what}: kept"
        return f"{what}: the model {how} {name(verdict.reason)}"
    if verdict.state == "unknown":
        known = "" if verdict.figure.shown is None else f" ({figure_text(verdict)} is known)"
        return f"{what} can't be judged against {bound_text(verdict)}{known}: {why(verdict)}"
    if verdict.limit.quantity == ERRORS and verdict.state == "exceeds":
        return f"the model contradicts itself: {why(verdict)}"
    said = f"{what} is {figure_text(verdict)}, limit {bound_text(verdict)}"
    margin = margin_text(verdict)
    if margin:
        said += f", {margin}"
    base = baseline_text(verdict)
    return f"{said} ({base})" if base else said


def why(verdict: Verdict) -> str:
    """Why it is unknown."""
    return name(verdict.reason or verdict.figure.reason or "it isn't known", 300)


def largest(verdict: Verdict) -> str:
    """The layers that contribute most."""
    if verdict.state == "within" or not verdict.parts or verdict.limit.quantity == ERRORS:
        return ""
    parts = verdict.parts[:_SHOWN]
    if verdict.limit.quantity in LISTS:
        return "at " + ", ".join(name(part.layer, 60) for part in parts)
    measure = verdict.limit.measure
    return "most in " + ", ".join(
        f"{name(part.layer, 60)} {amount(Fraction(part.amount), measure)}" for part in parts
    )


def advice(verdict: Verdict) -> str:
    """A limit that is far away guards nothing: what it could be instead."""
    slack, bound = verdict.slack, verdict.bound
    if slack is None or slack < _ROOMY or bound is None or verdict.figure.exact is None:
        return ""
    if verdict.limit.quantity in (PARTIAL, "opset"):
        return ""
    kept = f"{limit_name(verdict)} is {percent(float(slack))} below its limit"
    if bound.relation != "absolute":
        return f"{kept}: a new baseline (--update-baseline) would keep it there"
    return f"{kept}: {amount(verdict.figure.exact, verdict.limit.measure)} would do"


def headline(found: Checked) -> str:
    """What is to be said of a model in a few words."""
    states = [v for v in found.verdicts if not v.ok]
    over = sum(v.state == "exceeds" for v in states)
    unknown = sum(v.state == "unknown" for v in states)
    total = len(found.verdicts)
    if not total:
        return "no limit to judge"
    if not states:
        return f"within {'its limit' if total == 1 else f'all {total} limits'}"
    parts = [f"{over} exceeded"] * bool(over) + [f"{unknown} unknown"] * bool(unknown)
    return f"{' and '.join(parts)} of {total} limit{'s' * (total != 1)}"


# -- lines -----------------------------------------------------------------------------------------


def _state(verdict: Verdict) -> str:
    tolerated = verdict.state == "unknown" and verdict.tolerated
    return "allowed" if tolerated else _STATES[verdict.state]


COLUMNS: tuple[Column[Verdict], ...] = (
    Column("state", "", _state, lambda v: v.state, importance=9),
    Column("limit", "limit on", limit_name, lambda v: v.limit.name, importance=8, least=16),
    Column("figure", "is", figure_text, lambda v: plain_number(v.figure.shown), True, importance=7),
    Column("bound", "may be", bound_text, lambda v: v.limit.text, importance=6),
    Column("margin", "margin", margin_text, lambda v: plain_number(v.beyond), importance=5),
    Column("baseline", "relative", baseline_text,
           lambda v: None if v.baseline is None else v.limit.text, importance=1, optional=True),
)  # fmt: skip


def remarks(found: Checked) -> Iterator[tuple[str, str]]:
    """What else to say: why something is unknown, which layers weigh most, what could be tighter."""
    for label, proven in found.assumed.items():
        if proven:
            yield "info", f"the batch {name(label, 60)} is free: figures are of one example"
    for verdict in found.verdicts:
        what = limit_name(verdict)
        if verdict.state == "unknown":
            yield ("info" if verdict.tolerated else "warning"), f"{what}: {why(verdict)}"
        if verdict.limit.quantity in (*LISTS, ERRORS) and verdict.state == "exceeds":
            yield "error", sentence(verdict)
        if (base := baseline_text(verdict)) and verdict.state == "exceeds":
            yield "info", f"{what}: {base}"
        if (worst := largest(verdict)) and verdict.state == "exceeds":
            yield "info", f"{what}: {worst}"
    for verdict in found.verdicts:
        if hint := advice(verdict):
            yield "info", hint


def document(found: Check, *, problems: bool = True) -> Document:
    """The check as a document.

    Args:
        problems: on a screen, too, say which models can't be judged; else it is said elsewhere.
    """
    title = "cnnscope check: " + ("all limits kept" if found.ok else "limits not kept")
    parts: list[list[Block]] = []
    for model in found.models:
        tone: Tone = "label" if model.ok else "error"
        notes = Notes(tuple(_note(severity, text) for severity, text in remarks(model)))
        parts.append([
            Heading(name(model.title), headline(model), level=3, tone=tone),
            table(COLUMNS, model.verdicts, tone=_tone),
            notes,
        ])  # fmt: skip
    last = parts[-1] if parts else []
    unjudged = Notes(tuple(map(_unjudged, found.problems)))
    last.append(unjudged if problems else Only(PAGE, (unjudged,)))
    if found.config is not None and any(v.state == "exceeds" for v in found):
        advised = f"Make it smaller, or change the limit in {name(found.config)}."
        last.append(Notes((Note(advised, flow=_FLOW),), listed=False))
    parts = parts or [last]
    page = Section((Only(PAGE, (Heading(title),)),))
    return Document(title, (page, *(Section(tuple(blocks)) for blocks in parts)))


#: a remark may be broken anywhere but between a number and its unit
_FLOW = Flow(rest="  ", units=True, hyphens=True)


def _tone(verdict: Verdict) -> Tone:
    tones: dict[str, Tone] = {"exceeds": "error", "unknown": "warning", "within": ""}
    return tones[verdict.state]


def _note(severity: str, text: str) -> Note:
    if severity == "info":
        return Note(text, severity, tone="dim", lead="dim", flow=_FLOW)
    return Note(text, severity, lead="error" if severity == "error" else "warning", flow=_FLOW)


def _unjudged(problem: Problem) -> Note:
    where = f" ({name(problem.origin)})" if problem.origin else ""
    return Note(
        f"{name(problem.message, 1000)}{where}", "error", name(problem.model), lead="error", flow=_FLOW
    )  # fmt: skip


# -- for CI services -------------------------------------------------------------------------------


def outcome(found: Check) -> Outcome:
    """The check as findings: an error for what is exceeded or unknown, a note where that's allowed."""
    cases = [
        Case(model.model, _case_name(model, v), tuple(_findings(model, v)), sentence(v))
        for model in found.models
        for v in model.verdicts
    ]
    for problem in found.problems:
        message = problem.message + (f" ({problem.origin})" if problem.origin else "")
        finding = Finding(NOT_JUDGED, "error", problem.model, message)
        cases.append(Case(problem.model, "can be judged", (finding,), message))
    return Outcome("check", tuple(cases), tuple(_rules()))


def _case_name(model: Checked, verdict: Verdict) -> str:
    text = verdict.limit.text
    if verdict.bound is not None and text[:1] not in "<>=":
        text = f"{verdict.bound.comparison} {text}"
    at = f" at {model.variant}" if model.variant else ""
    return f"{verdict.limit.name} {text}{at}"


def _findings(model: Checked, verdict: Verdict) -> Iterable[Finding]:
    if verdict.state == "within":
        return
    layers = [part.layer for part in verdict.parts]
    bound = verdict.bound
    worst = largest(verdict)
    hint = worst if verdict.state == "exceeds" else ""
    yield Finding(
        f"budget/{verdict.limit.quantity}",
        "info" if verdict.ok else "error",
        model.model,
        sentence(verdict) + (f" (at {model.variant})" if model.variant else ""),
        layers[0] if layers else None,
        tuple(layers[1:]),
        hint,
        _stake(verdict.figure, verdict),
        f"{verdict.limit.name} {'' if bound is None else bound.comparison} {model.variant}".strip(),
    )


def _stake(figure: Figure, verdict: Verdict) -> dict[str, int]:
    value = figure.exact
    if value is None or value.denominator != 1:
        return {}
    return {verdict.limit.quantity: int(value)}


def _rules() -> Iterator[Rule]:
    meanings = {q.key: q.meaning for q in QUANTITIES.values()} | LISTS
    for key, meaning in meanings.items():
        yield Rule(
            f"budget/{key}", f"{key}-budget", f"A limit on {key}: {escape(meaning)}.",
            severity="error", tags=("budget",),
        )  # fmt: skip
    yield Rule(
        NOT_JUDGED, "not-judged", "A model that a budget names can't be found or read.",
        severity="error", tags=("budget",),
    )  # fmt: skip
