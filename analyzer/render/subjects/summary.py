"""What does a reviewer of a change have to know of a check? One table: what changed, and why it matters.

A row for each model that changed, that is new, or that doesn't keep its limits, changed ones first; those
of which nothing is to be said are one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cnnscope.analyzer.budgets.check import Check, Checked
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.quantity import ERRORS
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.subjects.changes import signed
from cnnscope.analyzer.render.subjects.since import changes_of, figures_text, moved_text
from cnnscope.analyzer.render.subjects.verdicts import (
    amount,
    bound_text,
    figure_text,
    its_limits,
    largest,
    limit_name,
    margin_text,
    sentence,
    why,
)
from cnnscope.analyzer.render.tables import Table, table
from cnnscope.analyzer.values.notation import name, nbytes
from cnnscope.analyzer.values.plain_class import dataclass

#: so many figures, verdicts, and layers of one model are told in its row
_FIGURES: Final = 3
_VERDICTS: Final = 3
_LAYERS: Final = 3
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table; lines of a cell are apart by line ends."""

    state: str
    model: str
    changed: str
    matters: str
    rank: int = 0


def _unparted(text: str) -> str:
    """The text with each number kept beside its unit, and each sign beside its word, where lines break."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text.replace(" -> ", " → "))


_UNIT: Final = re.compile(
    r"(?<=\d) (?=(?:[kMGTP]?B|[KMGTP]iB|[kMGTP]|%|[mun]?s|min)(?![\w]))|(?<=[<>=]) (?=[\d+-])"
    r"|(?<=^[^\w\s]) "
)

COLUMNS: tuple[Column[Line], ...] = (
    Column("state", "", lambda x: _unparted(x.state), lambda x: x.state, importance=1),
    Column("model", "model", lambda x: x.model, lambda x: x.model, importance=1),
    Column(
        "changed", "what changed", lambda x: _unparted(x.changed), lambda x: x.changed, importance=1
    ),
    Column(
        "matters",
        "why it matters",
        lambda x: _unparted(x.matters),
        lambda x: x.matters,
        importance=1,
    ),
)


def summary_table(found: Check) -> Table | None:
    """The table; None where there is nothing to be said of any model."""
    lines = [_problem(x.model, x.message) for x in found.problems]
    lines += [_line(x) for x in found.models if is_told(x)]
    lines += [
        Line("🗑️ gone", name(x, _LONGEST), "removed", "no limit holds any more", 99)
        for x in found.removed
    ]
    if not lines:
        return None
    return table(COLUMNS, sorted(lines, key=lambda x: x.rank))


def is_told(model: Checked) -> bool:
    """There is something to say of it: it changed, is new, or doesn't keep its limits."""
    changed = model.since is not None and model.since.status != "same"
    rewritten = model.standing is not None and bool(model.standing.rewritten)
    return not model.ok or changed or rewritten or model.new


def opening(found: Check) -> str:
    """How many models there are, and what became of them, in a sentence."""
    total = len(found.models) + len(found.problems)
    bad = sum(not x.ok for x in found.models)
    counts = [
        (bad, "breaks a limit", "break a limit"),
        (len(found.problems), "can't be judged", "can't be judged"),
    ]
    said = " and ".join(f"{n} {one if n == 1 else more}" for n, one, more in counts if n)
    models = f"{total} model{'s' * (total != 1)}"
    first = (
        f"Of {models} {said}"
        if said
        else f"{models} within {'its' if total == 1 else 'their'} limits"
    )
    if said and total == 1:
        first = f"The model {said.removeprefix('1 ')}"
    elif bad == total:
        first = f"All {total} models break a limit"
    became = [x.since.status for x in found.models if x.since is not None]
    words = {"changed": "changed", "renamed": "under another name", "new": "new"}
    parts = [f"{became.count(key)} {word}" for key, word in words.items() if became.count(key)]  # type: ignore[arg-type]  # its words
    parts += [f"{len(found.removed)} gone"] * bool(found.removed)
    if not parts:
        return f"{first}."
    origin = f"since {_commit(found.since)}" if found.since else "since the baseline"
    if total == 1 and not found.removed:
        word = {"changed": "changed", "renamed": "has another name", "new": "is new"}[became[0]]
        return f"{first}; it {word} {origin}."
    return f"{first}; {origin} {', '.join(parts)}."


def _commit(ref: str) -> str:
    """A commit as people tell it from others: ten digits do."""
    return ref[:10] if re.fullmatch(r"[0-9a-f]{40,64}", ref) else name(ref, 40)


def closing(found: Check) -> str:
    """One sentence on all of which there is nothing to say; nothing where there are none."""
    rest = [x for x in found.models if not is_told(x)]
    if not rest:
        return ""
    many = f"{len(rest)} model{'s' * (len(rest) != 1)}"
    if all(x.since is not None for x in rest):
        return f"{many} unchanged, within {'their' if len(rest) > 1 else 'its'} limits."
    return f"{many} within {'their' if len(rest) > 1 else 'its'} limits."


def rewritten_text(found: Check) -> str:
    """That what the models are held against isn't what it was: a reviewer has to look at that, too."""
    if not found.rewritten or found.since is None:
        return ""
    files = " and ".join(name(x, _LONGEST) for x in found.rewritten)
    were = "were" if len(found.rewritten) > 1 else "was"
    return f"Since {_commit(found.since)} {files} {were} changed, too: limits may be others."


def _problem(model: str, message: str) -> Line:
    return Line("❌ can't be judged", name(model, _LONGEST), "", name(message, 300), -1)


def _line(model: Checked) -> Line:
    since = model.since
    changed = since is not None and since.status != "same"
    title = name(model.title, _LONGEST)
    if since is not None and since.other:
        title += f"\nwas {name(since.other, _LONGEST)}"
    state = _state(model)
    rank = (0 if changed else len(_RANKS)) + next(i for i, x in enumerate(_RANKS) if x in state)
    changes = "\n".join(_changes(model)) or "nothing"
    return Line(state, title, changes, "\n".join(_matters(model)), rank)


#: what is worst comes first
_RANKS: Final = ("exceeds", "no baseline", "unknown", "within", "new")


def _state(model: Checked) -> str:
    states = {verdict.state for verdict in model.verdicts if not verdict.ok}
    if "exceeds" in states:
        return "❌ exceeds"
    if states:
        return "❌ no baseline" if states == {"new"} else "❔ unknown"
    if model.new or (model.since is not None and model.since.status == "new"):
        return "🆕 new"
    return "✅ within"


def _changes(model: Checked) -> Iterator[str]:
    """What changed in a model, a line each."""
    since = model.since
    if since is None:
        yield "not compared with anything earlier"
    elif since.status == "unknown":
        yield f"not known: {name(since.reason, 200)}"
    elif since.status == "new":
        yield f"new: {figures_text(model.figures)}"
    else:
        yield from changes_of(since, _FIGURES)
    if model.standing is not None:
        for moved in model.standing.rewritten[:_FIGURES]:
            yield f"the baseline itself: {moved_text(moved)}"


def _matters(model: Checked) -> Iterator[str]:
    """Why it matters: limits that aren't kept, and the layers that did it; else how near they are."""
    broken = sorted((v for v in model.verdicts if not v.ok), key=lambda v: v.state)
    told = list(_broken(model, broken))
    yield from told[:_VERDICTS]
    left = len(told) - _VERDICTS
    if left > 0:
        yield f"{left} more limit{'s' * (left != 1)} not kept"
    if broken:
        return
    kept = [v for v in model.verdicts if v.state == "within"]
    if kept:
        yield f"within {its_limits(len(kept))}"
        near = [v for v in kept if v.slack is not None and v.limit.measure != "version"]
        closest = min(near, key=lambda v: v.slack or 0, default=None)
        if closest is not None and len(kept) > 1:
            margin = margin_text(closest) or "exactly that"
            yield f"closest: {limit_name(closest)} {bound_text(closest)}, {margin}"
    for verdict in model.verdicts:
        if verdict.state == "new":
            yield f"{limit_name(verdict)} {bound_text(verdict)}: new, no baseline"
        elif verdict.state == "unknown":
            yield f"{limit_name(verdict)} {bound_text(verdict)}: unknown, which is allowed ({why(verdict)})"


def _broken(model: Checked, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What isn't kept: of each bound how far it is crossed; of a reason what is unknown for it."""
    unknown: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        if verdict.state == "unknown":
            unknown.setdefault(why(verdict), {})[f"{limit_name(verdict)} {bound_text(verdict)}"] = (
                None
            )
        elif verdict.state == "new":
            why_new = "no baseline, and one is required"
            unknown.setdefault(why_new, {})[f"{limit_name(verdict)} {bound_text(verdict)}"] = None
        else:
            by = made_by(model, verdict)
            yield _crossed(verdict) + (f"\n{by}" if by else "")
    for reason, limits in unknown.items():
        yield f"{', '.join(limits)} can't be judged: {reason}"


def _crossed(verdict: Verdict) -> str:
    """``macs 75.94 M: 34.45 M (83 %) over 41.49 M (+5 % of 39.52 M)``."""
    margin = margin_text(verdict)
    if verdict.bound is None or not margin or verdict.limit.quantity == ERRORS:
        return sentence(verdict)
    bound = bound_text(verdict).removeprefix(f"{verdict.bound.comparison} ")
    base = ""
    if verdict.baseline is not None:
        shown = amount(verdict.baseline.shown, verdict.limit.measure)
        base = f" ({name(verdict.written, 40)} of {shown})"
    return f"{limit_name(verdict)} {figure_text(verdict)}: {margin} {bound}{base}"


def made_by(model: Checked, verdict: Verdict) -> str:
    """The layers that made the figure cross its limit: those that grew, else those that are largest."""
    if verdict.state != "exceeds":
        return ""
    upper = verdict.bound is not None and verdict.bound.upper
    whole = verdict.limit.scope == WHOLE  # of a part it may be layers of others that grew most
    grown = [] if model.since is None else model.since.made_by(verdict.limit.quantity)
    if not (grown and upper and whole):
        return largest(verdict)
    write: Callable[[int], str] | None = None
    if verdict.limit.quantity == "traffic":
        write = nbytes
    shown = _shown([(x.layer.name, n) for x, n in grown[:_LAYERS]], write)
    more = f" and {len(grown) - _LAYERS} more" if len(grown) > _LAYERS else ""
    what = " parameters" if verdict.limit.quantity == "weights" else ""
    return f"made by {shown}{what}{more}"


def _shown(layers: Sequence[tuple[str, int]], write: Callable[[int], str] | None) -> str:
    return ", ".join(
        f"{name(layer, _LONGEST)} {signed(n) if write is None else signed(n, write)}"
        for layer, n in layers
    )
