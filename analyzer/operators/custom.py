"""How does an operator that cnnscope doesn't know get its rules?

By `register`, with the same three rules that cnnscope's own operators have (`analyzer.operators.definition`).
A program calls it, or a plugin that `analyzer.operators.plugins` loads.

Rules from outside are checked: what they are when they are registered, what they give whenever they
are asked. A rule that breaks costs its node the answer that it owed, and a diagnostic says which
rule and why; nothing is guessed in its place. Whose rules hold::

    cnnscope's own       unless a program registers others with ``replace=True``; a plugin can't,
                         since what a model costs may not depend on whether one was loaded before
    a program's          before a plugin's; registering again replaces, as a notebook's cell does
    a plugin's           the first one's, by name, where several define the same operator
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import get_args

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.answers import (
    RuleFailed,
    checked_outputs,
    checked_reads,
    checked_work,
)
from cnnscope.analyzer.operators.definition import (
    OURS,
    Family,
    Operator,
    Role,
    definitions,
    redefine,
)
from cnnscope.analyzer.operators.guests import (
    Written,
    guest_notes,
    is_the_programs,
    kept_quiet,
    wrote,
)
from cnnscope.analyzer.operators.reading import Reads
from cnnscope.analyzer.operators.rules import Rule
from cnnscope.analyzer.values.diagnostics import ArgumentError, Diagnostic, on_purpose
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.tensor import Tensor

#: the source of the operators that the running program registered itself
REGISTERED = "registered"

_HERE = str(Path(__file__).resolve().parent.parent)

#: the plugin that is being loaded, and where to note what can't be done for it
current_plugin: ContextVar[tuple[str, list[Diagnostic]] | None] = ContextVar(
    "current_plugin", default=None
)


def register(
    domain: str,
    name: str,
    *,
    infer: Rule,
    work: Rule | None = None,
    reads: Rule | None = None,
    since: int = 1,
    random: bool = False,
    roles: Mapping[int, Role] | None = None,
    kind: Family = "other",
    replace: bool = False,
) -> None:
    """Give an operator its rules, so that models with it are analysed like any other.

    A rule takes the operator's inputs by position (None where omitted) and its attributes by
    keyword, those that its signature names after a ``*``; `work` and `reads` get the tuple of
    outputs before the inputs. Every rule may raise `Undetermined` for what can't be known yet;
    `infer` raises ValueError for what can't be, which becomes an error among the diagnostics.

    Args:
        domain: the operator's domain; ``""`` or ``"ai.onnx"`` for ONNX's own.
        name: the operator's type, the ``op_type`` of its nodes.
        infer: inputs and attributes to the output `Tensor`, or to a tuple of them.
        work: outputs, inputs and attributes to `Work`, exact counts of arithmetic operations;
            None: it does none.
        reads: outputs, inputs and attributes to what every output reads: a tuple with one answer
            per input, which is a tuple of one `Along`, `Whole`, `Only`, `Listed` or `Upto` per
            axis, or `FLAT`, or `NOTHING`; None: elementwise with numpy's broadcasting.
        since: the version of the domain from which these rules hold.
        random: the result differs from run to run, so that it is never constant.
        roles: what a stored tensor is, by the input that it is given to: ``"buffer"`` (statistics
            that aren't learned), ``"constant"`` (scales, bounds, initial states) or ``"affine"``
            (weights, unless filled with one number). Inputs left out take learned weights.
        kind: what sort of operation it is, in the field's words, e.g. ``"convolution"``.
        replace: let the rules hold in place of cnnscope's own, from `since` on.

    Raises:
        TypeError: a rule isn't callable, or can't be called as described; a name isn't a string.
        ValueError: cnnscope has rules of its own for it and `replace` isn't given; an empty name.

    >>> import cnnscope
    >>> def shuffled(x, *, groups):
    ...     if x.dims[1] % groups:
    ...         raise ValueError(f"{x.dims[1]} channels don't make {groups} groups")
    ...     return x.of(x.dims)
    >>> def all_channels(outputs, x):
    ...     return ((cnnscope.Along(0), cnnscope.Whole(), cnnscope.Along(2), cnnscope.Along(3)),)
    >>> cnnscope.register("my.domain", "ShuffleChannels", infer=shuffled, reads=all_channels)
    """
    named: tuple[tuple[str, object], ...] = (("domain", domain), ("name", name))
    for what, text in named:
        if not isinstance(text, str):
            raise ArgumentError(f"register: {what} is {text!r}, a string is wanted")
    domain = "" if domain == "ai.onnx" else domain
    title = f"{domain}::{name}" if domain else name
    if not name:
        raise ArgumentError("register: the operator's name is empty")
    if type(since) is not int or since < 1:
        raise ArgumentError(f"register {title}: since is {since!r}, a version from 1 on is wanted")
    if kind not in get_args(Family):
        raise ArgumentError(
            f"register {title}: {kind!r} is no kind; one of {', '.join(get_args(Family))}"
        )
    if roles is not None and not isinstance(roles, Mapping):
        raise ArgumentError(
            f"register {title}: roles is {roles!r}; e.g. {{1: 'constant'}} is wanted"
        )
    for k, role in (roles or {}).items():
        if type(k) is not int or role not in get_args(Role):
            raise ArgumentError(
                f"register {title}: roles has {k!r}: {role!r}; e.g. 1: 'constant' is wanted"
            )
    for answer, given in (
        ("infer", infer),
        ("work", work),
        ("reads", reads),
    ):
        if given is not None or answer == "infer":
            _check_signature(title, answer, given)
    plugin = current_plugin.get()
    guest = "" if plugin is None else plugin[0]
    operator = Operator(
        name=name,
        domain=domain,
        since=since,
        infer=_asked(infer, "infer", checked_outputs, guest),
        work=None if work is None else _asked(work, "work", checked_work, guest),
        reads=_elementwise if reads is None else _asked(reads, "reads", checked_reads, guest),
        random=random,
        roles=dict(roles or {}),
        kind=kind,
        source=guest or REGISTERED,
    )
    if plugin is None:
        _enter(operator, title, replace)
    else:
        _enter_plugins(operator, title, plugin[1])


def _enter(operator: Operator, title: str, replace: bool) -> None:
    """Let a program's rules hold."""
    known = definitions(operator.domain, operator.name)
    if not replace and any(other.source == OURS for other in known):
        raise ArgumentError(
            f"register {title}: cnnscope has rules of its own for it; replace=True puts these in "
            "their place"
        )
    kept = [
        other for other in known
        if (other.source == OURS and other.since < operator.since)
        or (other.source == REGISTERED and other.since != operator.since)
    ]  # fmt: skip
    redefine(operator.domain, operator.name, [*kept, operator])


def _enter_plugins(operator: Operator, title: str, notes: list[Diagnostic]) -> None:
    """Let a plugin's rules hold, or note why they don't."""
    known = definitions(operator.domain, operator.name)
    sources = {other.source for other in known} - {operator.source}
    if REGISTERED in sources:
        return  # the program has said what it wants
    if sources:
        (other,) = sources
        hint = (
            "a program can put its own in their place: register(..., replace=True)"
            if other == OURS
            else "uninstall one of them, or register the rules that you want yourself"
        )
        notes.append(
            Diagnostic("plugin-conflict", "warning", None,
                       f"the plugin {operator.source} defines {title}, for which {other} has rules: "
                       f"{other}'s are used", hint)
        )  # fmt: skip
        return
    if any(other.since == operator.since for other in known):
        raise ArgumentError(f"{title} since {operator.since} is registered twice")
    redefine(operator.domain, operator.name, [*known, operator])


def _elementwise(outputs: tuple[Tensor, ...], *inputs: Tensor | None) -> Reads:
    """What stands in for a `reads` rule, where it can."""
    try:
        return checked_reads((), (outputs, *inputs))
    except RuleFailed as fault:
        raise RuleFailed(f"its default reads rule, elementwise, gave {fault}") from None


# -- asking rules from outside --------------------------------------------------------------------


def _check_signature(title: str, answer: str, rule: object) -> None:
    """Raise TypeError where a rule can't be one, or would never be given its attributes."""
    if not callable(rule):
        raise ArgumentError(f"register {title}: {answer} is {rule!r}, a function is wanted")
    try:
        parameters = inspect.signature(rule).parameters.values()
    except (ValueError, TypeError):
        raise ArgumentError(
            f"register {title}: {answer} has no signature that tells its attributes"
        ) from None
    for p in parameters:
        by_position = p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        if by_position and p.default is not p.empty and p.default is not None:
            raise ArgumentError(
                f"register {title}: {answer} takes {p.name}={p.default!r} by position, as an "
                "input: attributes stand after a *"
            )


def _asked(
    rule: Rule, answer: str, check: Callable[[object, tuple[object, ...]], object], guest: str
) -> Rule:
    """The rule, with its answer checked and its faults told apart from the model's.

    What a guest's, a plugin's, writes is kept away; a program may print what it likes.
    """

    def call(positional: tuple[object, ...], keyword: dict[str, object]) -> object:
        if not guest:
            return rule(*positional, **keyword)
        written = Written()
        try:
            with kept_quiet() as written:
                return rule(*positional, **keyword)
        finally:
            notes = guest_notes.get()
            if written.anything and notes is not None:
                notes.append(wrote(guest))

    @functools.wraps(rule)
    def asked(*positional: object, **keyword: object) -> object:
        try:
            given = call(positional, keyword)
        except Undetermined:
            raise
        except BaseException as error:
            if is_the_programs(error):
                raise
            if answer == "infer" and isinstance(error, ValueError) and on_purpose(error):
                raise  # what the rule says of the model
            import logging  # here: hardly anything is ever logged

            logging.getLogger("cnnscope").debug("the %s rule failed", answer, exc_info=error)
            said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
            raise RuleFailed(f"its {answer} rule raised {said[:300]}{_place(error)}") from error
        try:
            return check(given, positional)
        except RuleFailed as fault:
            raise RuleFailed(f"its {answer} rule gave {fault}{_home(rule)}") from None

    return asked


def _place(error: BaseException) -> str:
    """Where a rule broke, as far as it is the rule's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if Path(frame.filename).parent != Path(_HERE):
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


def _home(rule: Rule) -> str:
    """Where a rule is written."""
    code = getattr(inspect.unwrap(rule), "__code__", None)
    if code is None:
        return ""
    return f" ({Path(code.co_filename).name}, line {code.co_firstlineno})"


def failure(node: Node, fault: RuleFailed) -> Diagnostic:
    """A broken rule from outside, as its author wants to hear of it."""
    return Diagnostic("rule-failed", "warning", node.name, f"{node.title}: {fault}",
                      "what hangs on it is not known; the fault is the rule's, not the model's")  # fmt: skip
