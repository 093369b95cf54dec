"""What did a device do during some runs, by its own records?

CUPTI, NVIDIA's interface for tools, writes down every kernel, copy and set that a device ran, with
the number (the correlation) of the call that asked for it, and the calls themselves. ONNX Runtime's
profile says which node the host was at. A `Recording` holds both for the same runs, nothing worked
out: `attribution` joins them. Times are nanoseconds of CUPTI's clock; ONNX Runtime's events are in
microseconds of a clock of their own.

Each table is an array with a record a line:

- `kernels`: start, end, correlation, index into `kernel_names`, stream
- `copies`: start, end, correlation, kind (`CUpti_ActivityMemcpyKind`), bytes
- `sets`: start, end, correlation, bytes
- `calls`: start, end, correlation, callback, thread, and which API it is of (`RUNTIME`, `DRIVER`)
- `marks`, of each run: CUPTI's clock before it, `perf_counter_ns` before and after, CUPTI's clock after
- `spans`, of each run: ts and dur of ONNX Runtime's event of the whole of it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.trace import Event

Table = npt.NDArray[np.int64]

RUNTIME, DRIVER = 0, 1
#: columns
START, END, CORRELATION, NAME, STREAM = range(5)
KIND, BYTES = 3, 4
SET_BYTES: Final = 3
CALLBACK, THREAD, API = 3, 4, 5


@dataclass(frozen=True, eq=False)
class Recording:
    """The records of some consecutive runs of a model.

    Args:
        model: the model's file, by name; None where that isn't said.
        batch: the length of the batch; None for the model as it is.
        kernels, copies, sets, calls, marks, spans: as above.
        kernel_names: as the device's driver has them.
        callback_names: of calls, by API and callback.
        events: of the nodes that ran, in the order of their beginnings within each run.
        event_runs: the run that each of them is of.
        profile: all that ONNX Runtime wrote, to be written down again.
        latency, latency_profiled: seconds of a whole run, the median: undisturbed, and with ONNX
            Runtime's profile on.
        facts: what else is known of the measurement, in words and numbers, by name.
    """

    model: str | None
    batch: int | None
    kernels: Table
    copies: Table
    sets: Table
    calls: Table
    marks: Table
    spans: Table
    kernel_names: tuple[str, ...]
    callback_names: Mapping[tuple[int, int], str]
    events: tuple[Event, ...]
    event_runs: Table
    profile: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    latency: float | None = None
    latency_profiled: float | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs it is of."""
        return len(self.marks)


def table(rows: object, columns: int) -> Table:
    """Records as an array, a record a line.

    Raises:
        ValueError: they aren't whole numbers, so many each, that can be times or sizes.
    """
    if not isinstance(rows, list):
        raise ValueError("no list")
    if not rows:
        return np.empty((0, columns), np.int64)
    try:
        found = np.asarray(rows)
    except ValueError:  # records of different lengths
        raise ValueError(f"not {columns} numbers in each") from None
    if found.ndim != 2 or found.shape[1] != columns:
        raise ValueError(f"not {columns} numbers in each")
    if found.dtype.kind not in "iu" or int(found.min()) < 0 or int(found.max()) >= LATEST:
        raise ValueError("a number in it is no time, count or size")
    return found.astype(np.int64)


#: no time or size is as large: all sums of a recording stay below 2**63
LATEST: Final = 1 << 62
