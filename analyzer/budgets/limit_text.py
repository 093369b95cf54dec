"""Which limit does a text stand for?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, get_args

from cnnscope.analyzer.budgets.bounds import parse_bounds
from cnnscope.analyzer.budgets.limit import WHOLE, Limit, Scope, ScopeKind
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import LISTS, PARTIAL
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.report.layer_conditions import check_kind
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.near_names import near_names, what_there_is


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
        raise ValueError(f"there is no quantity {quantity!r}{_meant(quantity, scope)}")
    if scope.kind != "model" and found.of_layers is None:
        raise ValueError(f"{quantity} is of the whole model, not of a {scope.kind}")
    check_scope(scope, quantity)
    bounds = parse_bounds(given, found.measure, found.default, found.words)
    if quantity == PARTIAL and any(b.relation != "absolute" for b in bounds):
        raise ValueError(f"{PARTIAL} is how many terms may be missing: write a number")
    return Limit(quantity, found.measure, str(given), bounds, (), scope, origin, allow_unknown)


def limit_among(limit: Limit, choice: Choice) -> Limit:
    """A limit on the layers that are meant, no others.

    Raises:
        ValueError: it is on what only the whole model has.
    """
    quantity = QUANTITIES.get(limit.quantity)
    if quantity is None or quantity.of_layers is None:
        raise ValueError(f"{limit.quantity} is of the whole model, not of some of its layers")
    return replace(limit, scope=replace(limit.scope, among=choice))


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
    return what_there_is(key, known)


def _meant(quantity: str, scope: Scope) -> str:
    """What is said of a quantity that there isn't: what was meant, or all that can be limited there."""
    if scope.kind != "model":
        known = {key: x.meaning for key, x in QUANTITIES.items() if x.of_layers is not None}
        close = near_names(quantity, known)
        meant = [f"{scope.kind}.{scope.pattern}.{key}" for key in close]
        return f"; did you mean {' or '.join(meant)}?" if meant else what_there_is(quantity, known)
    head, dot, rest = quantity.partition(".")
    kinds = [kind for kind in get_args(ScopeKind) if kind != "model"]
    if dot and rest.rpartition(".")[2] in QUANTITIES and (close := near_names(head, kinds)):
        return f"; did you mean {close[0]}.{rest}?"
    said = suggestion(quantity)
    if "did you mean" in said:
        return said
    return what_there_is(quantity, {k: x.meaning for k, x in QUANTITIES.items()} | LISTS)


def check_scope(scope: Scope, quantity: str = "macs") -> None:
    """Raises ValueError where a kind is one that no layer can be of."""
    if scope.kind == "model":
        return
    if not scope.pattern:
        raise ValueError(f"which {scope.kind}? Write {scope.kind}.NAME.{quantity}")
    if scope.kind == "kind":
        check_kind(scope.pattern)


def split_key(key: str) -> tuple[str, Scope]:
    """A quantity and what it is on, from a limit's name on one line.

    >>> split_key("module.layer4.params")
    ('params', Scope(kind='module', pattern='layer4', among=None))
    """
    for kind in get_args(ScopeKind):
        if key.startswith(f"{kind}.") and kind != "model":
            pattern, _, quantity = key.removeprefix(f"{kind}.").rpartition(".")
            return quantity, Scope(kind, pattern)
    return key, WHOLE


def limit_on(key: str, given: object) -> Limit:
    """A limit by its name on one line and an amount, as Python's callers give them.

    Raises:
        ArgumentError: it is none.
    """
    try:
        quantity, scope = split_key(key)
        return make_limit(quantity, given, scope)
    except ValueError as error:
        raise ArgumentError(str(error)) from None


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
