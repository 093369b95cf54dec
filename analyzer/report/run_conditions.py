"""What may be asked in a condition of a layer that was run?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.report.conditions import Amount, Fact, Range, Text, fits_text
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_conditions import LAYER_FACTS, fits_name
from cnnscope.analyzer.report.shares import seconds_of

#: what only a run shows
RUN_ONLY = ("time", "time_share", "ran_with", "verified")


def run_facts(run: Execution, layers: Sequence[Layer] = ()) -> Mapping[str, Fact[Layer]]:
    """A layer's facts, with those that the run showed of it."""
    names = [layer.name for layer in layers]
    rows, times, holds = run.rows(names), run.seconds(names), run.judge()
    time = seconds_of(times, run.whole)

    def seconds(layer: Layer) -> Range | None:
        return Range(times[layer.name]) if layer.name in times else _not_timed(layer)

    def share(layer: Layer) -> Range | None:
        if layer.name not in times:
            return _not_timed(layer)
        return Range(times[layer.name] / run.whole) if run.whole else None

    def _not_timed(layer: Layer) -> Range | None:
        # What ran as part of another layer's kernel has no time of its own.
        return Range(None) if layer.name in rows else None

    def ran_with(layer: Layer) -> tuple[str, ...]:
        return (rows[layer.name][1],) if layer.name in rows else ()

    def verified(layer: Layer) -> tuple[str, ...] | None:
        found = holds(layer.name, [value.name for value in layer.outputs if value.name])
        return None if found is None else ("yes", "true") if found else ("no", "false")

    return {
        **LAYER_FACTS,
        "time": Amount(seconds, "seconds", time.whole),
        "time_share": Amount(share, "share"),
        "ran_with": Text(ran_with, fits_name),
        "verified": Text(verified, fits_text),
    }
