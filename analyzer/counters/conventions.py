"""What would another counter print for this model?

The same exact counts per layer, weighted by the tables of `cnnscope.analyzer.counters.peers`::

    value(layer) = sum of weight * feature(layer)

A total is a `Metric`: a layer whose features aren't known is missing from it, and listed. An
operator that the convention doesn't count contributes 0, and is listed apart: that is the peer's
decision, not our ignorance.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.counters.features import FEATURES
from cnnscope.analyzer.counters.forms import forms, model_situations, situations
from cnnscope.analyzer.counters.peers import CONVENTIONS, Convention, FeatureWeights
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import checked_text
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

#: what a convention says of a layer; None: not known
Counted = Dim | None


@dataclass(frozen=True, eq=False, repr=False)
class ConventionTotals(Answer):
    """A model's figures in one convention.

    Args:
        convention: how it is counted.
        total: the sum over the layers.
        core: cnnscope's own MACs, to compare with.
        layers: by layer name, its figure: a formula where it hangs on a free dimension, None where
            it isn't known.
        uncounted: by layer name, what is missing from its figure.
        not_counted: operators that do arithmetic here and nothing in this convention: how many
            layers of each.
        differs: how what the peer itself prints for this model differs.
        may_differ: how it does if the model's source was written so.
        quantised: some of the products are on integers; they count like those on floats.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
    >>> cnnscope.convention(report, "torch").total.value
    833040
    """

    convention: Convention
    total: Metric
    core: Metric
    layers: Mapping[str, Counted]
    uncounted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    not_counted: Mapping[str, int] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    may_differ: tuple[str, ...] = ()
    quantised: bool = False

    @property
    def name(self) -> str:
        return self.convention.name

    @property
    def unit(self) -> str:
        """``"MACs"`` or ``"FLOPs"``: what one unit is, whatever the peer calls it."""
        return self.convention.unit

    @property
    def ratio(self) -> float | None:
        """The total over cnnscope's own MACs; None where either isn't known, or there are none."""
        if self.total.value is None or not self.core.value:
            return None
        return self.total.value / self.core.value

    def sum(self, layers: Sequence[Layer]) -> Metric:
        """The figure of some of the model's layers together."""
        return _sum([(self.layers[x.name], self.uncounted.get(x.name, {})) for x in layers])

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "name": self.name,
            "unit": self.unit,
            "printed": self.convention.printed,
            "counts": self.convention.counts,
            "source": self.convention.source,
            "total": self.total.to_dict(),
            "not_counted": dict(self.not_counted),
            "differs": list(self.differs),
            "may_differ": list(self.may_differ),
            "layers": [
                {"name": name, "value": value if isinstance(value, int) else None}
                for name, value in self.layers.items()
            ],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer."""
        for layer, value in self.layers.items():
            yield {"name": str(layer), self.name: value if isinstance(value, int) else None}

    def summary(self) -> str:
        return f"{self.name}: {self.total.status}"


def find_convention(name: str) -> Convention:
    """A convention by its name or one of its aliases.

    Raises:
        ValueError: there is none of that name; the message lists those there are.

    >>> find_convention("timm").name
    'fvcore'
    """
    wanted = name.strip().lower()
    known = {key: c for c in CONVENTIONS for key in (c.name, *c.aliases)}
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    names = ", ".join(c.name for c in CONVENTIONS)
    raise ValueError(f"there is no convention {name!r}; {meant}there are: {names}")


def convention(report: Report, name: str) -> ConventionTotals:
    """The model's figures in a convention.

    Args:
        report: what `cnnscope.analyze` gave.
        name: of the convention, or an alias: ``"thop"``, ``"timm"``.

    Raises:
        ValueError: there is no such convention.
    """
    if not isinstance(report, Report):
        raise ArgumentError("convention takes a report that analyze gave")
    try:
        found = find_convention(checked_text(name, "the convention's name"))
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    return _counted(found, report, forms(tuple(report.layers)))


def all_conventions(report: Report) -> list[ConventionTotals]:
    """The model's figures in every convention."""
    known = forms(tuple(report.layers))
    return [_counted(c, report, known) for c in CONVENTIONS]


def _counted(
    convention: Convention, report: Report, known: Sequence[tuple[str, ...]]
) -> ConventionTotals:
    values: dict[str, Counted] = {}
    missing: dict[str, Mapping[str, int]] = {}
    ignored: dict[str, int] = {}
    found = model_situations(tuple(report.layers))
    if report.model.folded:
        found.add("constant")
    for layer, names in zip(report.layers, known, strict=True):
        value, lacking = _count(convention, layer, names)
        values[layer.name] = value
        if lacking:
            missing[layer.name] = lacking
        work = layer.work
        if not lacking and value == 0 and work is not None and work.flops != 0:
            ignored[layer.op] = ignored.get(layer.op, 0) + 1
        found |= {*names, *situations(layer)}
    total = _sum([(value, missing.get(name, {})) for name, value in values.items()])
    differs, may_differ = (
        tuple(text for key, text in listed.items() if key in found)
        for listed in (convention.differs, convention.may_differ)
    )
    return ConventionTotals(
        convention,
        total,
        report.totals.macs,
        values,
        missing,
        ignored,
        differs,
        may_differ,
        "quantised" in found,
    )


def _sum(terms: Sequence[tuple[Counted, Mapping[str, int]]]) -> Metric:
    total: Dim = 0
    missing: dict[str, int] = {}
    counted = 0
    for value, lacking in terms:
        for what, times in lacking.items():
            missing[what] = missing.get(what, 0) + times
        if value is not None:
            total = total + value
            counted += 1
    return Metric.of(total if counted or not terms else None, missing)


def _count(
    convention: Convention, layer: Layer, names: tuple[str, ...]
) -> tuple[Counted, Mapping[str, int]]:
    """A layer's figure, and what is missing from it."""
    if layer.bodies:
        return _count_bodies(convention, layer)
    if layer.work is None:
        return None, layer.uncounted or {layer.op: 1}
    try:
        value = _weighted(convention.always, layer)
        terms = next((convention.terms[n] for n in names if n in convention.terms), None)
        if terms is not None:
            value = value + _weighted(terms, layer)
        elif layer.work.macs == 0:
            value = value + _weighted(convention.otherwise, layer)
    except (Undetermined, ValueError, IndexError, KeyError, TypeError, AssertionError):
        # A feature hangs on a shape that isn't known.
        return None, layer.uncounted or {layer.op: 1}
    return value, layer.uncounted


def _weighted(weights: FeatureWeights, layer: Layer) -> Dim:
    total: Dim = 0
    for feature, weight in weights.items():
        total = total + weight * FEATURES[feature](layer)
    return total


def _count_bodies(convention: Convention, layer: Layer) -> tuple[Counted, Mapping[str, int]]:
    """Control flow: the dearest branch, or the body as often as it runs."""
    totals: dict[str, Dim] = {}
    missing = dict(layer.uncounted)
    for name, body in layer.bodies.items():
        total: Dim = 0
        for inner, names in zip(body, forms(body), strict=True):
            value, lacking = _count(convention, inner, names)
            if value is not None:
                total = total + value
            elif not inner.uncounted:  # else it is missing from the layer already
                missing.update(lacking)
        totals[name] = total
    try:
        if set(totals) == {"body"}:
            return totals["body"] * _trips(layer), missing
        works = {name: _sum_work(body) for name, body in layer.bodies.items()}
        dearest = max(works, key=lambda name: (works[name].macs, works[name].flops))
        return totals[dearest], missing
    except (Undetermined, TypeError, ZeroDivisionError):
        return None, missing or {layer.op: 1}


def _sum_work(layers: Sequence[Layer]) -> Work:
    total = Work()
    for layer in layers:
        total = total + (layer.work or Work())
    return total


def _trips(layer: Layer) -> Dim:
    """How often a body runs: the layer's work over one run's."""
    once = _sum_work(layer.bodies["body"])
    if layer.work is None:
        raise Undetermined("how often a body runs")
    if once.flops == 0:
        return 0  # it only moves data
    return layer.work.flops // once.flops
