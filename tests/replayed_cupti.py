"""CUPTI's activity API, and a session, as a recording has them: what was recorded happens again.

It has the functions, enumerations and fields of cupti-python 13.0.1 that are used, and no more.
"""

from __future__ import annotations

import ctypes
import enum
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cnnscope.runtime.engine.sessions import Ready, SessionSettings

WARM = 3


class ActivityKind(enum.IntEnum):
    MEMCPY = 1
    MEMSET = 2
    DRIVER = 4
    RUNTIME = 5
    CONCURRENT_KERNEL = 10


class Result(enum.IntEnum):
    ERROR_NOT_INITIALIZED = 15
    ERROR_INSUFFICIENT_PRIVILEGES = 35
    ERROR_WSL_DEVICE_NOT_SUPPORTED = 45


class CuptiError(Exception):
    """As cupti-python's cuptiError: it has CUPTI's status."""

    def __init__(self, status: int) -> None:
        super().__init__(Result(status).name)
        self.status = status


class Replay:
    """A GPU, CUPTI on it and ONNX Runtime's sessions, all saying what a recording says.

    Args:
        path: of the recording.
        refusing: CUPTI's result for being asked to record; None where it does.
    """

    ActivityKind, Result = ActivityKind, Result

    def __init__(self, path: Path, refusing: Result | None = None) -> None:
        self.found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        self.graph = path.with_name(path.name.replace(".json.gz", ".optimised.onnx"))
        self.refusing = refusing
        self.enabled: set[int] = set()
        self.completed: Callable[[list[Any]], None] = lambda found: None
        self.runs = 0  # that were made while recording
        self.kernels_seen = 0
        self.dropped = 0  # records that there was no room for

    # -- CUPTI ---------------------------------------------------------------------------------------

    def activity_register_callbacks(
        self, requested: Callable[[], tuple[int, int]], completed: Callable[[list[Any]], None]
    ) -> None:
        assert requested()[0] >= 1 << 20
        self.completed = completed

    def activity_enable(self, kind: int) -> None:
        if self.refusing is not None:
            raise CuptiError(self.refusing)
        self.enabled.add(kind)
        self.runs, self.asked = 0, 0

    def activity_disable(self, kind: int) -> None:
        self.enabled.remove(kind)

    def get_timestamp(self) -> int:
        """The next of the marks, before and after each run."""
        run, after = divmod(self.asked, 2)
        self.asked += 1
        return int(self.found["marks_ns"][run][3 if after else 0])

    def runtime_api_trace_cbid(self, number: int) -> Any:
        return SimpleNamespace(name=self.found["callback_names"]["runtime"][str(number)])

    def driver_api_trace_cbid(self, number: int) -> Any:
        if str(number) not in self.found["callback_names"]["driver"]:
            raise ValueError(number)
        return SimpleNamespace(name=self.found["callback_names"]["driver"][str(number)])

    def activity_flush_all(self, flag: int) -> None:
        """All that happened in the runs that were made, in batches, as a thread of CUPTI's does."""
        assert flag == 1
        end = self.found["marks_ns"][self.runs - 1][3]
        kinds = {
            "kernels": (ActivityKind.CONCURRENT_KERNEL, ("correlation_id", "name", "stream_id")),
            "copies": (ActivityKind.MEMCPY, ("correlation_id", "copy_kind", "bytes")),
            "sets": (ActivityKind.MEMSET, ("correlation_id", "bytes")),
            "runtime": (ActivityKind.RUNTIME, ("correlation_id", "cbid", "thread_id")),
            "driver": (ActivityKind.DRIVER, ("correlation_id", "cbid", "thread_id")),
        }
        for key, (kind, fields) in kinds.items():
            if kind not in self.enabled:
                continue
            batch = []
            for row in self.found[key]:
                if row[0] <= end:
                    facts = dict(zip(("start", "end", *fields), row, strict=True))
                    if key == "kernels":
                        facts["name"] = self.found["kernel_names"][row[3]]
                    batch.append(SimpleNamespace(kind=int(kind), **facts))
            self.completed(batch[::2])
            self.completed(batch[1::2])

    def activity_get_num_dropped_records(self, context: int, stream: int, dropped: int) -> None:
        """Of all, into the place that `dropped` is the address of, as the C function does."""
        assert (context, stream) == (0, 0)
        ctypes.c_size_t.from_address(dropped).value = self.dropped

    # -- ONNX Runtime --------------------------------------------------------------------------------

    def open_session(
        self, model: object, provider: object, settings: SessionSettings, weights: object = None
    ) -> Any:
        if settings.rewritten is not None:
            shutil.copy(self.graph, settings.rewritten)

        def run() -> None:
            if self.enabled:
                self.runs += 1

        return SimpleNamespace(
            ready=lambda feeds, device: Ready(run, True, 0.0),
            end_profile=lambda: self.write(settings),
            assigned={"CUDAExecutionProvider": 12},
        )

    def write(self, settings: SessionSettings) -> Path:
        """ONNX Runtime's profile: of warm runs first, then what was recorded."""
        assert settings.profile is not None
        path = settings.profile.with_suffix(".json")
        events = self.found["ort_profile"]
        first = min((e["ts"] for e in events if e["name"] == "model_run"), default=0)
        session = [e for e in events if e["ts"] < first]
        warm = [
            {
                "cat": "Session",
                "name": "model_run",
                "ts": max(first - 100, 0) + 10 * i,
                "dur": 5,
                "args": {},
            }
            for i in range(WARM)
        ]
        entries = [*session, *warm, *(e for e in events if e["ts"] >= first)]
        path.write_text("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n")
        return path
