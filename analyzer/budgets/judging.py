"""Does a report keep its limits?

A limit on a kind or a module is on what its layers come to together; one on layers is on each of
them. What can be limited is in `figures.QUANTITIES`; what follows from a figure and a bound is
`verdicts.judge`'s to say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final, get_args

from cnnscope.analyzer.budgets.figures import (
    ALLOW,
    ERRORS,
    LISTS,
    PARTIAL,
    QUANTITIES,
    SIZED,
    free_lengths,
    missing_terms,
)
from cnnscope.analyzer.budgets.quantities import Bound, parse_bounds
from cnnscope.analyzer.budgets.verdicts import (
    WHOLE,
    Figure,
    Figures,
    Limit,
    Part,
    Scope,
    ScopeKind,
    State,
    Verdict,
    judge,
)
from cnnscope.analyzer.layers.kinds import COMPLETE
from cnnscope.analyzer.operators.definition import Family
from cnnscope.analyzer.report.groups import module_paths
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report

#: how many of the layers that contribute most are named
_NAMED: Final = 5


def make_limit(
    quantity: str, given: object, scope: Scope = WHOLE, origin: str = "", *,
    allow_unknown: bool = False,
) -> Limit:  # fmt: skip
    """A limit from how it was written.

    Args:
        quantity: a key of `QUANTITIES` or `LISTS`.
        given: an amount with or without a comparison; of a list, operators' names.
        scope, origin, allow_unknown: as `Limit` has them.

    Raises:
        ValueError: there is no such quantity, it can't be limited there, or the text is no limit.

    >>> make_limit("macs", "4.2 G").bounds[0].amount
    Fraction(4200000000, 1)
    """
    if quantity in LISTS:
        return _operators_limit(quantity, given, scope, origin, allow_unknown)
    found = QUANTITIES.get(quantity)
    if found is None:
        raise ValueError(f"there is no quantity {quantity!r}{suggestion(quantity)}")
    if scope.kind != "model" and found.of_layers is None:
        raise ValueError(f"{quantity} is of the whole model, not of a {scope.kind}")
    check_scope(scope)
    bounds = parse_bounds(given, found.measure, found.default, found.words)
    if quantity == PARTIAL and any(b.relation != "absolute" for b in bounds):
        raise ValueError(f"{PARTIAL} is how many terms may be missing: write a number")
    return Limit(quantity, found.measure, str(given), bounds, (), scope, origin, allow_unknown)


def _operators_limit(
    quantity: str, given: object, scope: Scope, origin: str, allow_unknown: bool
) -> Limit:
    if scope.kind != "model":
        raise ValueError(f"{quantity} is of the whole model, not of a {scope.kind}")
    names = [part.strip() for part in given.split(",")] if isinstance(given, str) else given
    if not isinstance(names, (list, tuple)) or not all(isinstance(x, str) and x for x in names):
        raise ValueError(f"{quantity} is a list of operators' names")
    for given_name in names:
        check_operator(given_name)
    return Limit(
        quantity, "count", ", ".join(names), (), tuple(names), scope, origin, allow_unknown
    )


def check_operator(text: str) -> None:
    """Raises ValueError where a name is nearly that of one of ONNX's operators.

    A slip in a list of forbidden operators would never be noticed: nothing has that name. Names of
    other domains, patterns, and what is like no operator of today are taken as they are.
    """
    plain = text.removeprefix("ai.onnx::")
    if "::" in plain or any(c in plain for c in "*?["):
        return
    import onnx

    if onnx.defs.has(plain):
        return
    known = {x.name.lower(): x.name for x in onnx.defs.get_all_schemas() if not x.domain}
    close = difflib.get_close_matches(plain.lower(), known, 1, 0.75)
    if close:
        raise ValueError(f"ONNX has no operator {text!r}; did you mean {known[close[0]]}?")


def suggestion(key: str, known: Iterable[str] = (*QUANTITIES, *LISTS)) -> str:
    """``"; did you mean macs?"``, where something is close to what was written."""
    known = list(known)
    lowered = key.lower().replace("-", "_")
    for near in known:  # weight_bytes, peak_activation_bytes: as reports call them
        if lowered in (near, f"{near}_bytes", f"{near.removesuffix('s')}_bytes"):
            return f"; did you mean {near}?"
    close = difflib.get_close_matches(lowered, known, 1, 0.6)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


def check_scope(scope: Scope) -> None:
    """Raises ValueError where a kind is one that no layer can be of."""
    if scope.kind == "model":
        return
    if not scope.pattern:
        raise ValueError(f"which {scope.kind}?")
    if scope.kind != "kind" or any(c in scope.pattern for c in "*?["):
        return
    ends = (*get_args(Family), *COMPLETE)
    if not any(scope.pattern == end or scope.pattern.endswith(f" {end}") for end in ends):
        words = scope.pattern.split()
        tails = [" ".join(words[-n:]) for n in (1, 2, 3)]
        close = [x for tail in tails for x in difflib.get_close_matches(tail, ends, 1, 0.7)]
        meant = f"; did you mean one that ends in {close[0]!r}?" if close else ""
        raise ValueError(f"no layer is of the kind {scope.pattern!r}{meant}")


def split_key(key: str) -> tuple[str, Scope]:
    """A quantity and what it is on, from a limit's name on one line.

    >>> split_key("module.layer4.params")
    ('params', Scope(kind='module', pattern='layer4'))
    """
    for kind in get_args(ScopeKind):
        if key.startswith(f"{kind}.") and kind != "model":
            pattern, _, quantity = key.removeprefix(f"{kind}.").rpartition(".")
            return quantity, Scope(kind, pattern)
    return key, WHOLE


_OPTION: Final = re.compile(
    r"(?P<key>[^<>=]+?)\s*(?P<how><=|>=|==|<|>|=)\s*(?P<rest>.*)", re.DOTALL
)


def parse_limit(text: str, origin: str = "--limit") -> Limit:
    """A limit on one line, as the command line has it.

    Args:
        text: ``"macs=4.2 G"``, ``"receptive_field>=224"``, ``"module.layer4.params=15 M"``.
        origin: where it was written.

    Raises:
        ValueError: it is no limit.

    >>> parse_limit("receptive_field>=224").bounds[0].comparison
    '>='
    """
    found = _OPTION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no limit: write one such as macs=4.2G")
    key, how, rest = found["key"].strip(), found["how"], found["rest"].strip()
    key, scope = split_key(key)
    if key in LISTS and how != "=":
        raise ValueError(f"{key} is a list of operators' names: {key}=Loop,Scan")
    given = rest if how == "=" else f"{how}{rest}"
    return make_limit(key, given, scope, origin)


# -- judging ---------------------------------------------------------------------------------------


def model_figures(
    report: Report, limits: Sequence[Limit], measured: Mapping[str, Figure]
) -> dict[tuple[Scope, str], Sequence[Figure]]:
    """Every figure of the whole model, and those of the parts that limits are on."""
    found: dict[tuple[Scope, str], Sequence[Figure]] = {}
    for key, quantity in QUANTITIES.items():
        if quantity.figures is not None:
            found[WHOLE, key] = _unless_open(report, key, quantity.figures(report))
        elif key in measured:
            found[WHOLE, key] = (measured[key],)
    paths = module_paths(report.layers) if any(x.scope.kind == "module" for x in limits) else []
    for limit in limits:
        if limit.scope.kind in ("kind", "module"):
            of_layers = QUANTITIES[limit.quantity].of_layers
            layers = scoped_layers(report, limit.scope, paths)
            if of_layers is not None and layers is not None:
                found[limit.key] = _unless_open(report, limit.quantity, of_layers(report, layers))
    return found


def _unless_open(report: Report, key: str, figures: Sequence[Figure]) -> Sequence[Figure]:
    """The figures; unknown where they hang on a length that nobody gave and that may be no batch."""
    invented = [label for label, proven in report.batch.items() if not proven]
    if not invented or key not in SIZED:
        return figures
    why = (
        f"it hangs on {', '.join(invented)}, which is free and looks like a batch, but couldn't be "
        "shown to be one: give a length (--dim NAME=LENGTH; in Python dims)"
    )
    return [Figure(None, None, why, uncounted=figure.uncounted) for figure in figures]


def scoped_layers(
    report: Report, scope: Scope, paths: Sequence[tuple[str, ...]]
) -> list[Layer] | None:
    """The layers a limit is on; None where the pattern fits nothing that it should fit.

    A kind of layer that a model has none of comes to nothing. A module or a layer that isn't there
    was renamed or misspelt, and a limit on it would never be crossed again.
    """
    layers = list(report.layers)
    pattern = scope.pattern
    if scope.kind == "model":
        return layers
    if scope.kind == "kind":
        return [x for x in layers if fnmatchcase(x.kind.label, pattern)]
    if scope.kind == "layer":
        return [x for x in layers if x.name == pattern or fnmatchcase(x.name, pattern)] or None
    steps = tuple(step for step in pattern.split("/") if step)
    return [x for x, path in zip(layers, paths, strict=True) if _is_in(path, steps)] or None


def _is_in(path: Sequence[str], steps: Sequence[str]) -> bool:
    """The path begins with the steps, of which ``*`` stands for one and ``**`` for any number."""
    if not steps:
        return True
    if steps[0] == "**":
        return any(_is_in(path[i:], steps[1:]) for i in range(len(path) + 1))
    if not path:
        return False
    same = path[0] == steps[0] or fnmatchcase(path[0], steps[0])
    return same and _is_in(path[1:], steps[1:])


def judge_report(
    report: Report,
    limits: Sequence[Limit],
    *,
    measured: Mapping[str, Figure] | None = None,
    baseline: Figures | None = None,
    no_baseline: str = "there is no baseline",
    allow_unknown: bool = False,
) -> tuple[Verdict, ...]:
    """What is to be said of each limit.

    Args:
        report: the model's.
        limits: its budget.
        measured: figures that had to be measured, by quantity.
        baseline: an earlier model's figures, for relative limits.
        no_baseline: why there are none for this model.
        allow_unknown: tolerate everything that can't be judged.
    """
    figures = model_figures(report, limits, measured or {})
    tolerable = _tolerable(limits)
    found: list[Verdict] = []
    for limit in limits:
        if limit.quantity in LISTS:
            found.append(_judge_operators(report, limit))
        elif limit.scope.kind == "layer":
            found += _judge_layers(report, limit)
        else:
            found += _judge_total(report, limit, figures, baseline, no_baseline)
    if report.errors and not any(limit.quantity == ERRORS for limit in limits):
        # What no runtime can run keeps no limit, however small it is.
        found += _judge_total(report, make_limit(ERRORS, 0), figures, None, "")
    few = missing_terms(report) <= tolerable if tolerable is not None else False
    return tuple(
        replace(v, tolerated=allow_unknown or v.limit.allow_unknown or (few and _is_partial(v)))
        if v.state == "unknown" else v
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
    figures: Figures,
    baseline: Figures | None,
    no_baseline: str,
) -> list[Verdict]:
    own = figures.get(limit.key)
    if own is None:
        return [_nothing_there(report, limit)]
    found = []
    for bound in limit.bounds:
        if bound.relation == "absolute":
            found.append(_worst([_verdict(limit, bound, figure, None) for figure in own]))
        elif baseline is None or limit.key not in baseline:
            why = no_baseline if baseline is None else f"the baseline has no {limit.name}"
            found.append(Verdict(limit, "unknown", own[0], bound, reason=why))
        else:
            old = baseline[limit.key]
            if len(old) != len(own):
                why = f"the baseline has {limit.name} along {len(old)} axes, not {len(own)}"
                found.append(Verdict(limit, "unknown", own[0], bound, reason=why))
                continue
            pairs = zip(own, old, strict=True)
            found.append(_worst([_verdict(limit, bound, new, base) for new, base in pairs]))
    parts = _parts(report, limit)
    if limit.quantity == ERRORS:
        said = "; ".join(x.message for x in report.errors[:_NAMED])
        found = [replace(v, reason=said) for v in found]
    return [replace(v, parts=parts) if v.state != "within" else v for v in found]


def _verdict(limit: Limit, bound: Bound, figure: Figure, base: Figure | None) -> Verdict:
    if base is None or (base.exact is not None):
        amount = bound.against(None if base is None else base.exact)
        assert amount is not None
        state = judge(figure, bound, amount)
    else:
        # The bound moves with a baseline of which only an interval is known: it is kept or crossed
        # where both ends say so.
        amount = bound.against(base.value)
        ends = [bound.against(end) for end in (base.low, base.high)]
        states: set[State] = {
            "unknown" if end is None else judge(figure, bound, end) for end in ends
        }
        # Between two ends that an equal bound crosses on either side may be where it is kept.
        sure = len(states) == 1 and (bound.comparison != "==" or states == {"within"})
        state = states.pop() if sure else "unknown"
    reason = figure.reason if state == "unknown" else ""
    if state == "unknown" and not reason:
        reason = f"of the baseline, {base.reason}" if base is not None and base.reason else ""
    return Verdict(limit, state, figure, bound, amount, base, reason)


def _worst(found: Sequence[Verdict]) -> Verdict:
    """Of one bound's verdicts along several axes the one to worry about."""
    order: dict[State, int] = {"exceeds": 2, "unknown": 1, "within": 0}

    def badness(verdict: Verdict) -> tuple[int, Fraction]:
        beyond = verdict.beyond
        return order[verdict.state], Fraction(-(10**60)) if beyond is None else beyond

    return max(found, key=badness)


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


def _judge_layers(report: Report, limit: Limit) -> list[Verdict]:
    """Each layer by itself; the worst one speaks for all."""
    layers = scoped_layers(report, limit.scope, ())
    if layers is None:
        return [_nothing_there(report, limit)]
    of_layers = QUANTITIES[limit.quantity].of_layers
    assert of_layers is not None
    found = []
    for bound in limit.bounds:
        if bound.relation != "absolute":
            why = "limits on layers are absolute: names may change from one model to the next"
            found.append(Verdict(limit, "unknown", Figure.unknown(why), bound, reason=why))
            continue
        each = [
            replace(_worst([_verdict(limit, bound, f, None)
                            for f in _unless_open(report, limit.quantity, of_layers(report, [x]))]),
                    parts=_parts_of([x], limit))
            for x in layers
        ]  # fmt: skip
        worst = _worst(each)
        crossed = [v for v in each if v.state == worst.state and v.state != "within"]
        crossed.sort(key=lambda v: v.beyond or 0, reverse=True)
        parts = tuple(part for v in crossed[:_NAMED] for part in v.parts)
        found.append(replace(worst, parts=parts))
    return found


def _parts(report: Report, limit: Limit) -> tuple[Part, ...]:
    if limit.quantity == "peak_activation" and report.totals.peak_layer is not None:
        peak = report.totals.peak_activation_bytes.known
        return () if peak is None else (Part(report.totals.peak_layer, peak),)
    if limit.quantity == ERRORS:
        return tuple(Part(x.layer or "", 1) for x in report.errors[:_NAMED])
    if limit.quantity == PARTIAL:
        missing = [x for x in report.layers if x.uncounted]
        return tuple(Part(x.name, sum(x.uncounted.values())) for x in missing[:_NAMED])
    paths = module_paths(report.layers) if limit.scope.kind == "module" else []
    return _parts_of(scoped_layers(report, limit.scope, paths) or [], limit)


def _parts_of(layers: Sequence[Layer], limit: Limit) -> tuple[Part, ...]:
    of_layer = QUANTITIES[limit.quantity].of_layer
    if of_layer is None:
        return ()
    amounts = [(layer.name, of_layer(layer)) for layer in layers]
    known = [Part(name, amount) for name, amount in amounts if amount]
    return tuple(sorted(known, key=lambda part: -part.amount)[:_NAMED])


def _judge_operators(report: Report, limit: Limit) -> Verdict:
    def named(layer: Layer) -> bool:
        return any(fnmatchcase(layer.op, p.removeprefix("ai.onnx::")) for p in limit.patterns)

    wanted = limit.quantity == ALLOW
    odd = [x for x in _every(report.layers) if named(x) != wanted]
    state: State = "exceeds" if odd else "within"
    ops: dict[str, int] = {}
    for layer in odd:
        ops[layer.op] = ops.get(layer.op, 0) + 1
    reason = ", ".join(f"{op} x{n}" if n > 1 else op for op, n in ops.items())
    parts = tuple(Part(x.name, 1) for x in odd[:_NAMED])
    return Verdict(limit, state, Figure.exactly(len(odd)), None, None, None, reason, parts=parts)


def _every(layers: Iterable[Layer]) -> Iterable[Layer]:
    """The layers and those of their subgraphs."""
    waiting = list(layers)[::-1]
    while waiting:
        layer = waiting.pop()
        yield layer
        waiting += [inner for body in layer.bodies.values() for inner in body][::-1]
