"""What a run takes on a GPU, by its own records: measured, never computed."""

from __future__ import annotations

from cnnscope.analyzer.budgets.quantity import Quantity, define

define(
    Quantity("device_time", "seconds", "time of all kernels of a run on a GPU", None),
    Quantity("host_bound", "part", "part of a run in which a GPU waits for the host", None),
)
