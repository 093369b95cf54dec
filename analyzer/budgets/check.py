"""What does a check say of its models?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from cnnscope.analyzer.budgets.figure import Figures, figures_list
from cnnscope.analyzer.budgets.since import Since
from cnnscope.analyzer.budgets.sketch import Sketch
from cnnscope.analyzer.budgets.standing import Standing
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.sizes.costs_over import CostsOver

CHECK_SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class Checked:
    """One model's verdicts.

    Args:
        model: its path, or what else to call it.
        verdicts: in the order of the limits.
        figures: every figure of the model, for use as a baseline.
        report: what they come from.
        variant: the sizes it was judged at, where some were given: ``"input=1x3x256x256"``.
        standing: where it stands in the baseline; None: none of its limits is relative.
        since: what became of it; None: there is nothing to compare it with.
        over: the range of sizes that it was judged over; None: it was one size.
    """

    model: str
    verdicts: tuple[Verdict, ...]
    figures: Figures
    report: Report | None = field(default=None, repr=False)
    variant: str = ""
    standing: Standing | None = None
    since: Since | None = None
    over: CostsOver | None = field(default=None, repr=False)

    @property
    def new(self) -> bool:
        """The baseline doesn't know it, and a limit is relative to that."""
        return any(verdict.state == "new" for verdict in self.verdicts)

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
            "ranges": None if self.over is None else {
                "dims": {name: list(ends) for name, ends in self.over.ranges.items()},
                "sizes": self.over.sizes,
                "valid": self.over.valid,
            },
            "ok": self.ok,
            "baseline": None if self.standing is None else self.standing.to_dict(),
            "since": None if self.since is None else self.since.to_dict(),
            **({} if self.report is None else {"graph": Sketch.of(self.report).to_dict()}),
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "figures": figures_list(self.figures),
            "assumed": [
                {"dimension": label, "length": 1, "proven": proven}
                for label, proven in self.assumed.items()
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """A model that couldn't be judged at all, or a pattern that no file matches."""

    model: str
    message: str
    origin: str = ""

    @property
    def said(self) -> str:
        """The message, and which line of the configuration it is about."""
        return f"{self.message} ({self.origin})" if self.origin else self.message

    def to_dict(self) -> dict[str, object]:
        return {"model": self.model, "message": self.message, "origin": self.origin}


@dataclass(frozen=True, eq=False, repr=False)
class Check(Answer):
    """What a budget has to say of the models it is for.

    Args:
        models: those that could be judged.
        problems: what stood in the way of judging others.
        config: the file the limits are from, or None.
        baseline: what relative limits are relative to, or None.
        removed: models that the baseline has figures of, or that were there at the commit, and that are
            no file any more.
        since: the commit that models are compared with, or None.
        rewritten: of the configuration and the baseline those that were others at that commit.

    >>> import cnnscope
    >>> check = cnnscope.check("sample_models/lenet5.onnx", limits={"params": "60 k"})
    >>> check.ok, check.models[0].verdicts[0].state, int(check.models[0].verdicts[0].beyond)
    (False, 'exceeds', 1706)
    """

    models: tuple[Checked, ...]
    problems: tuple[Problem, ...] = ()
    config: str | None = None
    baseline: str | None = None
    removed: tuple[str, ...] = ()
    since: str | None = None
    rewritten: tuple[str, ...] = ()

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
            "since": self.since,
            "removed": list(self.removed),
            "rewritten": list(self.rewritten),
            "models": [model.to_dict() for model in self.models],
            "problems": [problem.to_dict() for problem in self.problems],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each verdict."""
        for model in self.models:
            for verdict in model.verdicts:
                for record in verdict.records():
                    yield {"model": model.model, "variant": model.variant, **record}

    def summary(self) -> str:
        what = many(len(self.models), "model")
        if len(self.models) == 1:
            what = name(self.models[0].title, 120)
        return f"of {what}: {'ok' if self.ok else 'NOT ok'}"
