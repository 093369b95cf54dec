"""How is a verdict put into words? The limit, the figure, how far they are apart, and why."""

from __future__ import annotations

from fractions import Fraction

from cnnscope.analyzer.budgets.check import Checked
from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import ERRORS, LISTS, PARTIAL
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.notation import (
    count,
    duration,
    many,
    name,
    named_size,
    nbytes,
    percent,
)

#: an upper limit that is kept by more than this share of it could be tighter
_ROOMY = Fraction(1, 5)


_SHOWN = 3


LONGEST_LIMIT = 80


def amount(value: Fraction | None, measure: Measure) -> str:
    """An amount with the unit it is usually read in.

    >>> amount(Fraction(4200000000), "count"), amount(Fraction(1, 80), "seconds")
    ('4.20 G', '12.5 ms')
    """
    if value is None:
        return "?"
    if measure == "seconds":
        return duration(float(value))
    if measure == "part":
        return percent(float(value))
    if measure in ("length", "samples", "version"):
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
    if measure == "part":
        return f"{float(figure):.4%}", f"{float(limit):.4%}"
    return _exactly(figure), _exactly(limit)


def limit_name(verdict: Verdict) -> str:
    """What is limited, as people see it."""
    return name(verdict.limit.name, LONGEST_LIMIT)


def bound_text(verdict: Verdict) -> str:
    """The bound, e.g. ``<= 4.20 G``; a list's operators."""
    if verdict.bound is None:
        return name(verdict.limit.text, 20)
    if verdict.amount is None:
        return name(verdict.asked, 20)
    _, text = both(verdict.figure.shown, verdict.amount, verdict.limit.measure)
    return f"{verdict.bound.comparison} {text}"


def figure_text(verdict: Verdict) -> str:
    """The figure; a lower bound as one."""
    return known_text(verdict.figure, verdict.limit.measure, verdict.amount)


def known_text(figure: Figure, measure: Measure, beside: Fraction | None = None) -> str:
    """What is known of a figure: ``4.09 G``, ``>= 4.09 G``, over a range of sizes ``4.09 G..33.37 G``.

    Args:
        figure: the figure.
        measure: what it is measured in.
        beside: an amount that it has to look different from where it is.
    """
    if figure.spread and figure.low is not None and figure.high is not None:
        ends = (both(x, beside, measure)[0] for x in (figure.low, figure.high))
        return "..".join(dict.fromkeys(ends))
    text, _ = both(figure.shown, beside, measure)
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
    side = "over" if bound.upper == (beyond > 0) else "under"
    far = amount(abs(beyond), verdict.limit.measure)
    if not verdict.amount or verdict.limit.measure == "version":
        return f"{far} {side}"
    share = abs(beyond) / abs(verdict.amount)
    if share > 10:
        return f"{far} {side} ({times(share + 1)} x the limit)"
    part = percent(float(share)) if share >= Fraction(1, 2000) else "< 0.1 %"
    return f"{far} ({part}) {side}"


def times(factor: Fraction) -> str:
    """How many times something is something else.

    >>> times(Fraction(114, 10)), times(Fraction(1814)), times(Fraction(1457152001))
    ('11.4', '1814', '1.46 G')
    """
    if factor < 100:
        return f"{float(factor):.1f}"
    return str(round(factor)) if factor < 10_000 else count(round(factor))


def baseline_text(verdict: Verdict) -> str:
    """What a relative bound is relative to."""
    if verdict.baseline is None:
        return ""
    base = amount(verdict.baseline.shown, verdict.limit.measure)
    return f"{name(verdict.written, 40)}, baseline {base}"


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
    if verdict.state == "new":
        return f"{what} is {figure_text(verdict)}, new: no baseline for {bound_text(verdict)}"
    if verdict.limit.quantity == ERRORS and verdict.state == "exceeds":
        return f"the model contradicts itself: {why(verdict)}"
    said = f"{what} is {figure_text(verdict)}{_at_text(verdict)}, limit {bound_text(verdict)}"
    margin = margin_text(verdict)
    if margin:
        said += f", {margin}"
    base = baseline_text(verdict)
    return f"{said} ({base})" if base else said


def _at_text(verdict: Verdict) -> str:
    """At which of many sizes the figure is the one to worry about: `` (41.3 G at H = 640)``."""
    if verdict.at is None or verdict.state != "exceeds":
        return ""
    figure = verdict.figure
    text, _ = both(figure.shown, verdict.amount, verdict.limit.measure)
    which = "" if figure.low == figure.high else f"{text} "
    return f" ({which}at {name(named_size(verdict.at), 80)})"


def why(verdict: Verdict) -> str:
    """Why it is unknown."""
    return name(verdict.reason or verdict.figure.reason or "it isn't known", 300)


def largest(verdict: Verdict) -> str:
    """The layers that contribute most."""
    if verdict.state == "within" or not verdict.parts or verdict.limit.quantity == ERRORS:
        return ""
    parts = verdict.parts[:_SHOWN]
    if verdict.limit.quantity in LISTS:
        return "at " + ", ".join(name(part.layer) for part in parts)
    measure = verdict.limit.measure
    return "most in " + ", ".join(
        f"{name(part.layer)} {amount(Fraction(part.amount), measure)}" for part in parts
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
        return f"{kept}: a new baseline (cnnscope baseline update) would keep it there"
    return f"{kept}: {amount(verdict.figure.exact, verdict.limit.measure)} would do"


def its_limits(count: int) -> str:
    """
    >>> its_limits(1), its_limits(2), its_limits(3)
    ('its limit', 'both limits', 'all 3 limits')
    """
    return {1: "its limit", 2: "both limits"}.get(count, f"all {count} limits")


def ranges_text(found: Checked) -> str:
    """Over which sizes a model was judged; nothing where it was one."""
    over = found.over
    if over is None:
        return ""
    dims = ", ".join(f"{name(key, 40)} {low}..{high}" for key, (low, high) in over.ranges.items())
    valid = "those that are valid of" if over.valid is None else f"{over.valid:,} valid of"
    return f"judged at {valid} {many(over.sizes, 'size')} ({dims})"


def headline(found: Checked) -> str:
    """What is to be said of a model in a few words."""
    failed = [v for v in found.verdicts if not v.ok]
    over = sum(v.state == "exceeds" for v in failed)
    unknown = sum(v.state == "unknown" for v in failed)
    new = sum(v.state == "new" for v in found.verdicts)
    total = len(found.verdicts)
    if not total:
        return "no limit to judge"
    parts = [f"{over} exceeded"] * bool(over) + [f"{unknown} unknown"] * bool(unknown)
    if parts:
        return f"{' and '.join(parts)} of {many(total, 'limit')}" + (
            f", {new} new: no baseline" if new else ""
        )
    rest = total - new
    if not new:
        return f"within {its_limits(total)}"
    others = many(rest, "other limit") if rest > 1 else "other limit"
    kept = f"within its {others}, " if rest else ""
    needed = "" if found.ok else ", and one is required"
    return f"new: {kept}no baseline for {new}{needed}"


def standing_text(found: Checked) -> str:
    """What is to be said of where a model stands in the baseline; nothing where it is simply there.

    The baseline's own name is shown with all its characters.
    """
    standing = found.standing
    if standing is None or standing.status == "known":
        return ""
    reason = name(standing.reason, 300)
    if standing.status != "new":
        return reason
    asked = ", ".join(
        dict.fromkeys(
            f"{limit_name(v)} {bound_text(v)}" for v in found.verdicts if v.state == "new"
        )
    )
    like = f"; is it {name(standing.other, 80)}, renamed?" if standing.other else ""
    passes = all(v.ok for v in found.verdicts if v.state == "new")
    needed = "not judged" if passes else "not kept, since a baseline is required"
    return f"new, no baseline: {asked} {needed} ({reason}{like})"
