"""How is what a device does recorded, with NVIDIA's CUPTI, and why can't it be where it can't?

`cupti-python` (extra `cuda`) gives CUPTI's activity records as Python objects: one for each kernel, copy,
set and API call, handed over in batches by a thread of CUPTI's own. A `Recorder` keeps of each what a
recording has, and nothing else; it is loaded for CUDA alone, and only when something is recorded.

CUPTI refuses in some places: without the driver's leave, on virtual devices, under WSL. Each of its
states is told in words, so that a profile without records says why it has none.

Sources: the documentation of CUPTI, https://docs.nvidia.com/cupti/ (activity API, ``CUptiResult``), and
the types that cupti-python 13.0.1 comes with.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Final, Self

from cnnscope.analyzer.values.diagnostics import RunError, one_line
from cnnscope.analyzer.values.notation import many

#: bytes that CUPTI is given at a time
_BUFFER: Final = 8 << 20
#: the CUDA that cupti-python 13 is of
_CUDA: Final = "13"
_KINDS: Final = ("CONCURRENT_KERNEL", "MEMCPY", "MEMSET", "RUNTIME", "DRIVER")
#: by the name of CUPTI's result
_WHY: Final = {
    "ERROR_INSUFFICIENT_PRIVILEGES": "the driver doesn't let this user (ERR_NVGPUCTRPERM); an "
    "administrator can: https://developer.nvidia.com/ERR_NVGPUCTRPERM",
    "ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED": "the GPU is a virtual one",
    "ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES": "the GPU is a virtual one whose host "
    "doesn't let it",
    "ERROR_CONFIDENTIAL_COMPUTING_NOT_SUPPORTED": "the GPU computes confidentially",
    "ERROR_CMP_DEVICE_NOT_SUPPORTED": "the GPU is one for mining",
    "ERROR_MIG_DEVICE_NOT_SUPPORTED": "the GPU is divided (MIG)",
    "ERROR_SLI_DEVICE_NOT_SUPPORTED": "the GPU is coupled by SLI",
    "ERROR_WSL_DEVICE_NOT_SUPPORTED": "WSL doesn't support it",
    "ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED": "another profiler is attached",
    "ERROR_NOT_COMPATIBLE": "the driver and CUPTI don't go together",
    "ERROR_OUT_OF_MEMORY": "there is too little memory",
}


class NoRecordsError(RunError):
    """The device's work can't be recorded here; the message says why."""


def load_cupti() -> ModuleType:
    """The module of CUPTI's functions.

    Raises:
        NoRecordsError: it isn't installed, can't be loaded, or isn't for the CUDA that runs.
    """
    import onnxruntime

    built = str(getattr(onnxruntime, "cuda_version", "") or "")
    if built and built.split(".")[0] != _CUDA:
        raise NoRecordsError(
            f"this onnxruntime was built for CUDA {built}, and NVIDIA's CUPTI here is of CUDA {_CUDA}: "
            "they don't go together"
        )
    try:
        return importlib.import_module("cupti.cupti")
    except ModuleNotFoundError:
        raise NoRecordsError(
            "NVIDIA's CUPTI isn't installed: pip install 'cnnscope[cuda]'"
        ) from None
    except Exception as error:  # noqa: BLE001  # what a native module fails with when it is loaded
        said = one_line(str(error), 200) or type(error).__name__
        raise NoRecordsError(f"NVIDIA's CUPTI can't be loaded: {said}") from None


class Recorder:
    """Records what a device does while it is entered.

    >>> with Recorder(load_cupti()) as recorder:  # doctest: +SKIP
    ...     run()
    >>> recorder.tables["kernels"]  # doctest: +SKIP
    """

    def __init__(self, cupti: ModuleType) -> None:
        self._cupti = cupti
        self._enabled: list[int] = []
        self._failed: Exception | None = None
        self._names: dict[str, int] = {}
        self._kinds = {name: int(getattr(cupti.ActivityKind, name)) for name in _KINDS}
        #: the tables of a recording, by their keys in its file
        self.tables: dict[str, list[list[int]]] = {
            key: [] for key in ("kernels", "copies", "sets", "runtime", "driver")
        }

    @property
    def kernel_names(self) -> list[str]:
        """The names that kernels stand for by position."""
        return list(self._names)

    @property
    def callback_names(self) -> Mapping[str, Mapping[str, str]]:
        """The names of the calls that were made, by API and number."""
        cbids = {
            "runtime": self._cupti.runtime_api_trace_cbid,
            "driver": self._cupti.driver_api_trace_cbid,
        }
        named: dict[str, dict[str, str]] = {}
        for key, enumeration in cbids.items():
            named[key] = {}
            for number in dict.fromkeys(row[3] for row in self.tables[key]):
                try:
                    named[key][str(number)] = str(enumeration(number).name)
                except ValueError:  # a call that is newer than the package
                    named[key][str(number)] = f"{key} {number}"
        return named

    def now(self) -> int:
        """CUPTI's clock, in nanoseconds."""
        return int(self._cupti.get_timestamp())

    def __enter__(self) -> Self:
        try:
            self._cupti.activity_register_callbacks(lambda: (_BUFFER, 0), self._take)
            for kind in self._kinds.values():
                self._cupti.activity_enable(kind)
                self._enabled.append(kind)
        except Exception as error:  # noqa: BLE001  # CUPTI's errors, or those of its loader
            self._disable()
            raise NoRecordsError(f"NVIDIA's CUPTI can't record: {self._why(error)}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        dropped = 0
        try:
            self._cupti.activity_flush_all(1)
            dropped = self._dropped()
        except Exception as failure:  # noqa: BLE001  # told below
            self._failed = self._failed or failure
        self._disable()
        if error is not None:
            return
        if self._failed is not None:
            raise NoRecordsError(f"NVIDIA's CUPTI can't record: {self._why(self._failed)}")
        if dropped:
            # Which ones isn't known: every sum over those that are left would be too small.
            raise NoRecordsError(
                f"NVIDIA's CUPTI dropped {many(dropped, 'record')} for want of room"
            )

    def _dropped(self) -> int:
        """How many records CUPTI had no room for."""
        count = ctypes.c_size_t(0)
        self._cupti.activity_get_num_dropped_records(0, 0, ctypes.addressof(count))
        return count.value

    def _disable(self) -> None:
        while self._enabled:
            try:
                self._cupti.activity_disable(self._enabled.pop())
            except Exception as error:  # noqa: BLE001  # the others are to be disabled nevertheless
                self._failed = self._failed or error

    def _take(self, activities: Sequence[object]) -> None:
        """A batch of records, from a thread of CUPTI's, which no exception may reach."""
        try:
            for activity in activities:
                self._take_one(activity)
        except Exception as error:  # noqa: BLE001  # told when recording ends
            self._failed = self._failed or error

    def _take_one(self, it: object) -> None:
        kinds, tables = self._kinds, self.tables
        (kind,) = _numbers(it, "kind")
        if kind == kinds["RUNTIME"]:
            tables["runtime"].append(_numbers(it, *_CALL))
        elif kind == kinds["DRIVER"]:
            tables["driver"].append(_numbers(it, *_CALL))
        elif kind == kinds["CONCURRENT_KERNEL"]:
            name = self._names.setdefault(str(getattr(it, "name", "")), len(self._names))
            *times, stream = _numbers(it, "start", "end", "correlation_id", "stream_id")
            tables["kernels"].append([*times, name, stream])
        elif kind == kinds["MEMCPY"]:
            tables["copies"].append(
                _numbers(it, "start", "end", "correlation_id", "copy_kind", "bytes")
            )
        elif kind == kinds["MEMSET"]:
            tables["sets"].append(_numbers(it, "start", "end", "correlation_id", "bytes"))

    def _why(self, error: Exception) -> str:
        """What CUPTI's result means, or what it says itself."""
        try:
            name = str(self._cupti.Result(getattr(error, "status", None)).name)
        except ValueError:
            return one_line(str(error), 200) or type(error).__name__
        return _WHY.get(name, name)


_CALL: Final = ("start", "end", "correlation_id", "cbid", "thread_id")


def _numbers(activity: object, *fields: str) -> list[int]:
    return [int(getattr(activity, field)) for field in fields]
