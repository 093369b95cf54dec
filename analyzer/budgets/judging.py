"""Does a report keep its limits?

A limit on a kind or a module is on what its layers come to together; one on layers is on each of
them. What can be limited is in `quantities`; what follows from a figure and a bound is
`verdicts.judge`'s to say.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.budgets.figure import Figure, Figures
from cnnscope.analyzer.budgets.figures import ModelFigures
from cnnscope.analyzer.budgets.holding import held, worst
from cnnscope.analyzer.budgets.limit import Limit, ScopeKind
from cnnscope.analyzer.budgets.limit_text import make_limit
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import ALLOW, ERRORS, LISTS, PARTIAL
from cnnscope.analyzer.budgets.scopes import scoped_layers
from cnnscope.analyzer.budgets.standing import NO_BASELINE, Standing
from cnnscope.analyzer.budgets.verdicts import Contribution, Verdict, VerdictState
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import free_lengths
from cnnscope.analyzer.report.module_paths import module_paths
from cnnscope.analyzer.report.report import Report

#: how many of the layers that contribute most are named
_NAMED: Final = 5


def judge_report(
    report: Report,
    limits: Sequence[Limit],
    *,
    figures: ModelFigures | None = None,
    measured: Mapping[str, Figure] | None = None,
    baseline: Standing | Figures | None = None,
    allow_unknown: bool = False,
    require_baseline: bool = False,
) -> tuple[Verdict, ...]:
    """What is to be said of each limit.

    Args:
        report: the model's.
        limits: its budget.
        figures: the model's, where they are at hand already.
        measured: figures that had to be measured, by quantity; of no use beside `figures`.
        baseline: where the model stands in the baseline, or simply its earlier figures, for relative
            limits.
        allow_unknown: tolerate everything that can't be judged.
        require_baseline: a model that is new doesn't keep limits that are relative.
    """
    if not isinstance(baseline, Standing):
        baseline = NO_BASELINE if baseline is None else Standing("known", baseline)
    if figures is None:
        figures = ModelFigures(report, limits, measured or {})
    tolerable = _tolerable(limits)
    found: list[Verdict] = []
    for limit in limits:
        if limit.quantity in LISTS:
            found.append(_judge_operators(report, limit))
        elif limit.scope.kind == "layer":
            found += _judge_layers(report, limit, figures)
        else:
            found += _judge_total(report, limit, figures, baseline)
    if report.errors and not any(limit.quantity == ERRORS for limit in limits):
        # What no runtime can run keeps no limit, however small it is.
        found += _judge_total(report, make_limit(ERRORS, 0), figures, baseline)
    few = figures.missing_terms() <= tolerable if tolerable is not None else False
    return tuple(
        replace(v, tolerated=allow_unknown or v.limit.allow_unknown or (few and _is_partial(v)))
        if v.state == "unknown"
        else replace(v, tolerated=not require_baseline) if v.state == "new" else v
        for v in found
    )  # fmt: skip


def _is_partial(verdict: Verdict) -> bool:
    """It is unknown only because terms are missing from a total.

    One that hangs on a free dimension isn't of that sort: all of it moves with that length.
    """
    missing = verdict.figure.uncounted
    return bool(missing) and not free_lengths(missing) and verdict.amount is not None


def _tolerable(limits: Sequence[Limit]) -> Fraction | None:
    for limit in limits:
        if limit.quantity == PARTIAL:
            return max((b.amount for b in limit.bounds if b.upper), default=None)
    return None


def _judge_total(
    report: Report,
    limit: Limit,
    figures: ModelFigures,
    standing: Standing,
) -> list[Verdict]:
    own = figures.get(limit.key)
    if own is None:
        return [_nothing_there(report, limit)]
    found = []
    baseline = standing.figures
    for bound in limit.bounds:
        if bound.relation == "absolute":
            found.append(worst([held(limit, bound, figure, None) for figure in own]))
        elif baseline is None:
            state: VerdictState = "new" if standing.status == "new" else "unknown"
            found.append(Verdict(limit, state, own[0], bound, reason=standing.reason))
        elif limit.key not in baseline:
            why = f"the baseline has no {limit.name}: write it anew (cnnscope check --update-baseline)"
            found.append(Verdict(limit, "unknown", own[0], bound, reason=why))
        else:
            old = baseline[limit.key]
            if len(old) != len(own):
                why = f"the baseline has {limit.name} along {len(old)} axes, not {len(own)}"
                found.append(Verdict(limit, "unknown", own[0], bound, reason=why))
                continue
            pairs = zip(own, old, strict=True)
            found.append(worst([held(limit, bound, new, base) for new, base in pairs]))
    if limit.quantity == ERRORS:
        said = "; ".join(x.message for x in report.errors[:_NAMED])
        found = [replace(v, reason=said) for v in found]
    told = ("exceeds", "unknown")
    return [
        replace(v, parts=_parts(_at(report, figures, v), limit)) if v.state in told else v
        for v in found
    ]


def _at(report: Report, figures: ModelFigures, verdict: Verdict) -> Report:
    """The analysis of the size that a verdict is about, where it is about one of several."""
    size = verdict.at
    found = None if size is None or figures.over is None else figures.over.at(size)
    return report if found is None else found


def _nothing_there(report: Report, limit: Limit) -> Verdict:
    if limit.scope.kind == "model":  # what had to be measured, and wasn't
        reason = "it wasn't measured"
    elif limit.scope.kind == "module":
        known = dict.fromkeys(
            "/".join(p[: i + 1]) for p in module_paths(report.layers) for i in range(len(p))
        )
        reason = _no_such("module", limit.scope.pattern.strip("/"), known)
    else:
        reason = _no_such("layer", limit.scope.pattern, [x.name for x in report.layers])
    return Verdict(limit, "unknown", Figure.unknown(reason), limit.bounds[0], reason=reason)


def _no_such(what: ScopeKind, pattern: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(pattern, list(known)[:2000], 1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"no {what} is named {pattern!r}{meant}"


def _judge_layers(report: Report, limit: Limit, figures: ModelFigures) -> list[Verdict]:
    """Each layer by itself; the worst one speaks for all."""
    layers = scoped_layers(report, limit.scope, ())
    if layers is None:
        return [_nothing_there(report, limit)]
    quantity = QUANTITIES[limit.quantity]
    found = []
    for bound in limit.bounds:
        if bound.relation != "absolute":
            why = "limits on layers are absolute: names may change from one model to the next"
            found.append(Verdict(limit, "unknown", Figure.unknown(why), bound, reason=why))
            continue
        each = []
        for x in layers:
            own = worst([held(limit, bound, f, None) for f in figures.of_layers(quantity, [x])])
            at = _at(report, figures, own)
            same = [x] if at is report else [y for y in at.layers if y.name == x.name]
            each.append(replace(own, parts=_parts_of(same, limit)))
        said = worst(each)
        crossed = [v for v in each if v.state == said.state and v.state != "within"]
        crossed.sort(key=lambda v: v.beyond or 0, reverse=True)
        parts = tuple(part for v in crossed[:_NAMED] for part in v.parts)
        found.append(replace(said, parts=parts))
    return found


def _parts(report: Report, limit: Limit) -> tuple[Contribution, ...]:
    named = QUANTITIES[limit.quantity].parts
    if named is not None:
        return tuple(_known_parts(lambda: named(report))[:_NAMED])
    paths = module_paths(report.layers) if limit.scope.kind == "module" else []
    return _parts_of(scoped_layers(report, limit.scope, paths) or [], limit)


def _known_parts(ask: Callable[[], Sequence[Contribution]]) -> Sequence[Contribution]:
    """The parts; none where they can't be worked out: the figure itself says why."""
    try:
        return ask()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # the verdict stands without them
        return ()


def _parts_of(layers: Sequence[Layer], limit: Limit) -> tuple[Contribution, ...]:
    of_layer = QUANTITIES[limit.quantity].of_layer
    if of_layer is None:
        return ()
    known = _known_parts(
        lambda: [Contribution(x.name, amount) for x in layers for amount in [of_layer(x)] if amount]
    )
    return tuple(sorted(known, key=lambda part: -part.amount)[:_NAMED])


def _judge_operators(report: Report, limit: Limit) -> Verdict:
    def named(layer: Layer) -> bool:
        return any(fnmatchcase(layer.op, p.removeprefix("ai.onnx::")) for p in limit.patterns)

    wanted = limit.quantity == ALLOW
    odd = [x for x in _every(report.layers) if named(x) != wanted]
    state: VerdictState = "exceeds" if odd else "within"
    ops: dict[str, int] = {}
    for layer in odd:
        ops[layer.op] = ops.get(layer.op, 0) + 1
    reason = ", ".join(f"{op} x{n}" if n > 1 else op for op, n in ops.items())
    parts = tuple(Contribution(x.name, 1) for x in odd[:_NAMED])
    return Verdict(limit, state, Figure.exactly(len(odd)), None, None, None, reason, parts=parts)


def _every(layers: Iterable[Layer]) -> Iterable[Layer]:
    """The layers and those of their subgraphs."""
    waiting = list(layers)[::-1]
    while waiting:
        layer = waiting.pop()
        yield layer
        waiting += [inner for body in layer.bodies.values() for inner in body][::-1]
