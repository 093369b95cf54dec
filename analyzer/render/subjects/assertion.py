"""How does a test say that a model breaks its limits? Every verdict, and the layers to look at.

What is exceeded comes first, then what is unknown, then what is kept; below the first two stand the
layers that contribute most, each with its share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from cnnscope.analyzer.budgets.check import Checked
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.subjects.totals import MEANINGS, metric
from cnnscope.analyzer.render.subjects.verdicts import amount, headline, sentence
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import name, percent, shape
from cnnscope.analyzer.values.tensor import plain_shape

_ORDER = ("exceeds", "unknown", "new", "within")
_WORDS = {"exceeds": "EXCEEDS", "unknown": "UNKNOWN", "new": "new    ", "within": "within "}
_INDENT = " " * 9
_LONGEST = 60
_SUMMED = ("params", "macs", "flops", "weight_bytes", "peak_activation_bytes")


def assertion_text(found: Checked) -> str:
    """What an AssertionError says of a model that doesn't keep its limits."""
    lines = [f"{name(found.model)}: {headline(found)}"]
    for verdict in sorted(found.verdicts, key=lambda v: _ORDER.index(v.state)):
        allowed = ", which is allowed" if verdict.ok and verdict.state == "unknown" else ""
        lines.append(f"{_WORDS[verdict.state]}  {sentence(verdict)}{allowed}")
        if not verdict.ok:
            lines += _layers(verdict, found.report)
    return without_commands("\n".join(lines))


def _layers(verdict: Verdict, report: Report | None) -> Iterator[str]:
    too_little = verdict.bound is not None and verdict.bound.comparison in (">=", ">")
    rows = [_row(part.layer, part.amount, verdict, report) for part in verdict.parts]
    if not rows or (too_little and verdict.state == "exceeds"):
        return  # the largest layers aren't why it is too small
    yield f"{_INDENT}{_heading(verdict)}:"
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for layer, figure, share, what in rows:
        cells = (layer.ljust(widths[0]), figure.rjust(widths[1]), share.rjust(widths[2]), what)
        yield f"{_INDENT}  {'  '.join(cell for cell in cells if cell.strip())}".rstrip()


def _heading(verdict: Verdict) -> str:
    if verdict.bound is None:
        return "these layers"
    if not _is_sum(verdict):
        return "it is largest at"
    return "most is in" if verdict.state == "exceeds" else "of what is known, most is in"


def _row(
    layer: str, own: int, verdict: Verdict, report: Report | None
) -> tuple[str, str, str, str]:
    written = amount(Fraction(own), verdict.limit.measure) if verdict.bound is not None else ""
    return name(layer), written, _share(own, verdict), _what(layer, report)


def _share(own: int, verdict: Verdict) -> str:
    """Of what the limit is on."""
    whole = verdict.figure.shown
    if not whole or not _is_sum(verdict):
        return ""
    at_most = "<= " if verdict.figure.exact is None else ""  # of a lower bound
    return f"{at_most}{percent(float(Fraction(own) / whole))}"


def _is_sum(verdict: Verdict) -> bool:
    """The figure is what several layers come to together."""
    limit = verdict.limit
    found = QUANTITIES.get(limit.quantity)
    summed = found is not None and found.of_layer is not None and found.measure != "length"
    return summed and limit.scope.kind != "layer"


def _what(layer: str, report: Report | None) -> str:
    found = None if report is None else _named(layer, report.layers)
    if found is None:
        return ""
    return f"{name(found.kind.label, _LONGEST)}, output {shape(plain_shape(found.output_shape))}"


def _named(layer: str, layers: Sequence[Layer]) -> Layer | None:
    return next((x for x in layers if x.name == layer), None)


def totals_line(report: Report) -> str:
    """What a model comes to, in one line."""
    written = {key: (label, write) for key, label, write, _ in MEANINGS}
    totals = []
    for key in _SUMMED:
        label, write = written[key]
        totals.append(f"{metric(getattr(report.totals, key), write)} {label}")
    return without_commands(
        f"{name(report.model.path or 'a model in memory')}: {', '.join(totals)}"
    )
