"""What does a model come to? Every total with its name, how it is written, and what is missing from it."""

from __future__ import annotations

from collections.abc import Callable

from cnnscope.analyzer.render.subjects.formulas import pretty
from cnnscope.analyzer.render.subjects.free_sizes import free_metric
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import (
    count,
    middle,
    name,
    nbytes,
)


def metric(found: Metric, write: Callable[[int], str] = count) -> str:
    """A total, as short as a table needs it: ``>=`` before a lower bound, a formula's leading term, ``?``
    for nothing known.

    >>> metric(Metric.of(4_089_184_256)), metric(Metric.of(7, {"MyOp": 2})), metric(Metric.of(None))
    ('4.09 G', '>= 7', '?')
    """
    if found.value is not None:
        return write(found.value)
    if found.known is not None:
        return f">= {write(found.known)}"
    return free_metric(found, write) or "?"


#: every total: its name for people, how it is written, and what exactly it is
MEANINGS: tuple[tuple[str, str, Callable[[int], str], str], ...] = (
    ("params", "parameters", count, "distinct learned weight elements, shared ones once"),
    ("buffers", "buffers", count, "stored running statistics; not learned"),
    ("constants", "constants", count, "stored shapes, axes, scales, zero points"),
    ("macs", "MACs", count,
     "products in convolution, matrix products, attention, recurrence; bias excluded"),
    ("int_macs", "  integer", count, "those of the MACs that are on integers"),
    ("folded_macs", "  folded", count,
     "of nodes whose result is constant: in no total, but in what runs them all the same"),
    ("flops", "FLOPs", count, "2 x MACs + every other arithmetic operation once"),
    ("weight_bytes", "weights", nbytes, "bytes of everything stored that is used"),
    ("peak_activation_bytes", "peak activations", nbytes,
     "most bytes of activations alive at once, in running order"),
    ("traffic_bytes", "traffic", nbytes, "bytes that all layers read plus bytes they write"),
)  # fmt: skip


def total_lines(report: Report) -> list[tuple[str, str, str]]:
    """For each total: its name, its figure with what is missing from it, and what it is."""
    lines = []
    for key, label, write, meaning in MEANINGS:
        found: Metric = getattr(report.totals, key)
        if key in ("int_macs", "folded_macs") and found.known in (0, None):
            continue
        if key in ("buffers", "constants") and found.value == 0:
            continue
        layer = report.totals.peak_layer
        if key == "peak_activation_bytes" and layer:
            meaning = f"{meaning}; at {name(layer)}"
        lines.append((label, total_text(found, write, bind=False), meaning))
    return lines


def total_text(found: Metric, write: Callable[[int], str] = count, *, bind: bool = True) -> str:
    """A total with its status.

    Args:
        bind: name the free lengths that it hangs on, where nothing else says how to bind them.

    >>> total_text(Metric.of(7, {"MyOp": 2}))
    '>= 7 (partial: 2 x MyOp uncounted)'
    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> total_text(Metric.of(2 * FreeDim.named("H")))
    '2·H; bind H with --dim'
    """
    if found.value is not None:
        return write(found.value)
    free, rest = found.free, [*found.lacking.items()]
    missing = ", ".join(f"{times} x {name(key, 60)}" for key, times in rest[:4])
    missing += f", {len(rest) - 4} more" if len(rest) > 4 else ""
    if found.known is not None:
        names = missing or "free dimensions"
        return f">= {write(found.known)} (partial: {names} uncounted)"
    if not free:
        return f"unavailable: {missing} uncounted" if missing else "unavailable"
    text = free_metric(found, write) or "unavailable"
    if found.upper:
        text = f"at most {middle(pretty(found.upper), 80)}"
    text += f"; {missing} uncounted" if missing else ""
    names = ", ".join(name(key, 40) for key in free[:8])
    return f"{text}; bind {names} with --dim" if bind else text
