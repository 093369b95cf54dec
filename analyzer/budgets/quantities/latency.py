"""How long a run takes: measured, never computed."""

from __future__ import annotations

from cnnscope.analyzer.budgets.quantity import Quantity, define

define(
    Quantity("latency_p50", "seconds", "median time of a run", None),
    Quantity("latency_p99", "seconds", "99th percentile of the times of runs", None),
)
