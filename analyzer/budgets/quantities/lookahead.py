"""How many samples ahead of its own hop has an audio model to be given before a unit can be?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import Quantity, define
from cnnscope.analyzer.budgets.verdicts import Contribution
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.report import Report


def _look_ahead(report: Report) -> Sequence[Figure]:
    """The largest of all outputs; unknown where one sees the whole signal, or isn't followed."""
    from cnnscope.analyzer.streaming.asking import streaming_of

    analysis = report._analysis
    if not isinstance(analysis, Analysis):
        return (Figure.unknown("the report was read back from data: its model is needed"),)
    found = streaming_of(analysis, None, None)
    for output in found.outputs:
        if not output.streamable:
            by = "" if output.blocked_by is None else f" ({output.blocked_by})"
            return (Figure.unknown(f"{output.output}: {output.reason}{by}"),)
    if found.look_ahead is None:
        return (Figure.unknown("no output sees the time axis"),)
    return (Figure.exactly(Fraction(found.look_ahead)),)


def _looking(report: Report) -> Sequence[Contribution]:
    """The layers that look ahead, those first that look furthest."""
    from cnnscope.analyzer.streaming.asking import streaming_of

    analysis = report._analysis
    if not isinstance(analysis, Analysis):
        return ()
    layers = [x for x in streaming_of(analysis, None, None).layers if x.added > 0]
    return [Contribution(x.name, x.added) for x in sorted(layers, key=lambda x: -x.added)]


define(
    Quantity("lookahead", "samples", "samples that have to come before a unit can be given",
             _look_ahead, parts=_looking),
)  # fmt: skip
