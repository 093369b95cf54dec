"""Does a model keep its limits? What can be said: *within*, *exceeds*, or *unknown*.

A figure is known as an interval: a complete total is one number, a partial one a lower bound, a
measured time as far as the measurement goes. A bound is kept where the whole interval keeps it,
crossed where all of it crosses, and nothing is known of it otherwise::

    figure <= bound   within: high <= bound   exceeds: low > bound   else unknown
    figure >= bound   within: low >= bound    exceeds: high < bound  else unknown

Nothing here computes a figure or reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.budgets.quantities import Bound, Measure
from cnnscope.analyzer.values.shown import Shown

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report

State = Literal["within", "exceeds", "unknown"]
#: a limit on the whole model, or on the layers of a kind, of a module, or on each layer of a name
ScopeKind = Literal["model", "kind", "module", "layer"]

CHECK_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a model a limit is on.

    Args:
        kind: ``"model"``; the layers of a ``"kind"`` or a ``"module"`` together; each ``"layer"``.
        pattern: which kind, module or layers; ``*`` stands for anything.
    """

    kind: ScopeKind = "model"
    pattern: str = ""

    def to_dict(self) -> dict[str, str] | None:
        """As JSON has it; None for the whole model."""
        return None if self.kind == "model" else {"kind": self.kind, "pattern": self.pattern}


WHOLE = Scope()


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of a budget.

    Args:
        quantity: what is limited, e.g. ``"macs"`` or ``"operators.forbid"``.
        measure: what that is measured in.
        text: the limit as it was written.
        bounds: what may not be crossed; none for a list of operators.
        patterns: the operators of such a list.
        scope: what of the model it is on.
        origin: where it was written: ``"cnnscope.toml:12"``, ``"--limit"``, or ``""``.
        allow_unknown: that it can't be judged is no failure.
    """

    quantity: str
    measure: Measure
    text: str
    bounds: tuple[Bound, ...] = ()
    patterns: tuple[str, ...] = ()
    scope: Scope = WHOLE
    origin: str = ""
    allow_unknown: bool = False

    @property
    def key(self) -> tuple[Scope, str]:
        """A later limit with the same key takes the place of this one."""
        return self.scope, self.quantity

    @property
    def name(self) -> str:
        """``"macs"``, or ``"macs of module layer4"``."""
        if self.scope.kind == "model":
            return self.quantity
        return f"{self.quantity} of {self.scope.kind} {self.scope.pattern}"


@dataclass(frozen=True, slots=True)
class Figure:
    """What is known of a quantity: it lies from `low` to `high`, both included.

    Args:
        low: None: nothing is known, not even that.
        high: None: there may be any amount more.
        reason: why it isn't known exactly, or ``""``.
        value: the one to show where the two differ, e.g. a measured median.
        uncounted: what is missing from a partial total: operator to how many times.
    """

    low: Fraction | None
    high: Fraction | None
    reason: str = ""
    value: Fraction | None = None
    uncounted: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def exactly(cls, value: int | Fraction) -> Figure:
        """A figure that is known.

        >>> Figure.exactly(3).exact
        Fraction(3, 1)
        """
        return cls(Fraction(value), Fraction(value), value=Fraction(value))

    @classmethod
    def unknown(cls, reason: str) -> Figure:
        """A figure of which nothing is known."""
        return cls(None, None, reason)

    @property
    def exact(self) -> Fraction | None:
        """The figure, where it is known exactly."""
        return self.low if self.low == self.high else None

    @property
    def shown(self) -> Fraction | None:
        """The figure to show: the value, or a lower bound; None where nothing is known."""
        return self.low if self.value is None else self.value

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "value": plain_number(self.exact if self.value is None else self.value),
            "low": plain_number(self.low),
            "high": plain_number(self.high),
            "reason": self.reason,
        }
        if self.uncounted:
            found["uncounted"] = dict(self.uncounted)
        return found


def plain_number(value: Fraction | None) -> int | str | None:
    """A number as JSON has it exactly: an integer, else a decimal or a fraction as text.

    >>> plain_number(Fraction(3)), plain_number(Fraction(5, 2)), plain_number(Fraction(1, 3))
    (3, '2.5', '1/3')
    """
    if value is None or value.denominator == 1:
        return None if value is None else value.numerator
    digits = 0
    scaled = value
    while scaled.denominator != 1:
        scaled, digits = scaled * 10, digits + 1
        if digits > 40:  # a decimal without an end, or too long to be read
            return str(value)
    text = str(abs(scaled.numerator)).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def judge(figure: Figure, bound: Bound, amount: Fraction) -> State:
    """Whether a figure keeps a bound, as far as can be said.

    Args:
        figure: what is known.
        bound: whose comparison counts.
        amount: the bound's amount, the baseline counted in.

    >>> partial = Figure(Fraction(5), None)
    >>> three = Fraction(3)
    >>> judge(partial, Bound("<=", three), three), judge(partial, Bound(">=", three), three)
    ('exceeds', 'within')
    >>> judge(partial, Bound("<=", Fraction(9)), Fraction(9))
    'unknown'
    """
    low, high = figure.low, figure.high
    kept, crossed = {
        "<=": (high is not None and high <= amount, low is not None and low > amount),
        "<": (high is not None and high < amount, low is not None and low >= amount),
        ">=": (low is not None and low >= amount, high is not None and high < amount),
        ">": (low is not None and low > amount, high is not None and high <= amount),
        "==": (
            low == high == amount,
            (low is not None and low > amount) or (high is not None and high < amount),
        ),
    }[bound.comparison]
    return "within" if kept else "exceeds" if crossed else "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """What one layer contributes to a figure."""

    layer: str
    amount: int

    def to_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "amount": self.amount}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one bound.

    Args:
        limit: what was asked.
        state: ``"within"``, ``"exceeds"`` or ``"unknown"``.
        figure: what is known.
        bound: the bound; None for a list of operators.
        amount: the bound's amount, the baseline counted in; None where that isn't known.
        baseline: the baseline's figure, for a relative bound.
        reason: why it is unknown, or ``""``.
        tolerated: it is unknown, and that is allowed.
        parts: the layers that contribute most, the largest first.
    """

    limit: Limit
    state: State
    figure: Figure
    bound: Bound | None = None
    amount: Fraction | None = None
    baseline: Figure | None = None
    reason: str = ""
    tolerated: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def ok(self) -> bool:
        """It is within, or unknown and that's allowed."""
        return self.state == "within" or (self.state == "unknown" and self.tolerated)

    @property
    def beyond(self) -> Fraction | None:
        """How far the figure is beyond the bound; negative: how far it keeps away from it."""
        figure = self.figure.shown
        if self.amount is None or figure is None or self.bound is None:
            return None
        if self.bound.comparison == "==":
            return abs(figure - self.amount)
        return figure - self.amount if self.bound.upper else self.amount - figure

    @property
    def slack(self) -> Fraction | None:
        """How far below an upper bound a figure that keeps it is, as a share of the bound."""
        beyond = self.beyond
        if self.state != "within" or beyond is None or not self.amount or self.bound is None:
            return None
        return -beyond / self.amount if self.bound.upper else None

    def to_dict(self) -> dict[str, object]:
        limit, bound = self.limit, self.bound
        return {
            "quantity": limit.quantity,
            "scope": limit.scope.to_dict(),
            "state": self.state,
            "ok": self.ok,
            "figure": self.figure.to_dict(),
            "limit": {
                "text": limit.text,
                "origin": limit.origin,
                "comparison": None if bound is None else bound.comparison,
                "relation": None if bound is None else bound.relation,
                "amount": plain_number(self.amount),
                "operators": list(limit.patterns),
            },
            "beyond": plain_number(self.beyond),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "reason": self.reason,
            "worst": [part.to_dict() for part in self.parts],
        }


#: a model's figures: by quantity, and by quantity within a scope; several where there are axes
Figures = Mapping[tuple[Scope, str], Sequence[Figure]]


def figures_list(figures: Figures) -> list[dict[str, object]]:
    """Figures as JSON has them."""
    return [
        {
            "quantity": quantity,
            "scope": scope.to_dict(),
            "values": [figure.to_dict() for figure in values],
        }
        for (scope, quantity), values in figures.items()
    ]


@dataclass(frozen=True, eq=False)
class Checked:
    """One model's verdicts.

    Args:
        model: its path, or what else to call it.
        verdicts: in the order of the limits.
        figures: every figure of the model, for use as a baseline.
        report: what they come from.
        variant: the sizes it was judged at, where some were given: ``"input=1x3x256x256"``.
    """

    model: str
    verdicts: tuple[Verdict, ...]
    figures: Figures
    report: Report | None = field(default=None, repr=False)
    variant: str = ""

    @property
    def title(self) -> str:
        """The model, with the sizes that were given."""
        return f"{self.model} ({self.variant})" if self.variant else self.model

    @property
    def assumed(self) -> Mapping[str, bool]:
        """Free dimensions that were taken for the batch, and for 1; was each shown to be it?"""
        return {} if self.report is None else self.report.batch

    @property
    def ok(self) -> bool:
        """Nothing is exceeded, and nothing unknown that had to be known."""
        return all(verdict.ok for verdict in self.verdicts)

    def to_dict(self) -> dict[str, object]:
        return {
            "model": self.model,
            "variant": self.variant,
            "ok": self.ok,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "figures": figures_list(self.figures),
            "assumed": [
                {"dimension": label, "length": 1, "proven": proven}
                for label, proven in self.assumed.items()
            ],
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """A model that couldn't be judged at all, or a pattern that no file matches."""

    model: str
    message: str
    origin: str = ""

    def to_dict(self) -> dict[str, object]:
        return {"model": self.model, "message": self.message, "origin": self.origin}


@dataclass(frozen=True, eq=False)
class Check(Shown):
    """What a budget has to say of the models it is for.

    Args:
        models: those that could be judged.
        problems: what stood in the way of judging others.
        config: the file the limits are from, or None.
        baseline: what relative limits are relative to, or None.

    >>> import cnnscope
    >>> check = cnnscope.check("sample_models/lenet5.onnx", limits={"params": "60 k"})
    >>> check.ok, check.models[0].verdicts[0].state, int(check.models[0].verdicts[0].beyond)
    (False, 'exceeds', 1706)
    """

    models: tuple[Checked, ...]
    problems: tuple[Problem, ...] = ()
    config: str | None = None
    baseline: str | None = None

    @property
    def ok(self) -> bool:
        """Every model could be judged, and keeps its limits."""
        return not self.problems and all(model.ok for model in self.models)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all models."""
        return tuple(verdict for model in self.models for verdict in model.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, quantity: str) -> Verdict:
        """The verdict on a limit, by its name: ``check["macs"]``, ``check["macs of module head"]``.

        Raises:
            KeyError: there is no such limit.
        """
        for verdict in self.verdicts:
            if verdict.limit.name == quantity:
                return verdict
        raise KeyError(f"no limit on {quantity!r}")

    def to_dict(self) -> dict[str, object]:
        return {
            "schema_version": CHECK_SCHEMA_VERSION,
            "ok": self.ok,
            "config": self.config,
            "baseline": self.baseline,
            "models": [model.to_dict() for model in self.models],
            "problems": [problem.to_dict() for problem in self.problems],
        }

    def __repr__(self) -> str:
        return f"<cnnscope.Check of {len(self.models)} models: {'ok' if self.ok else 'NOT ok'}>"
