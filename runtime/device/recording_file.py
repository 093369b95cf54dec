"""How is a recording written to a file and read back?

As JSON, gzipped where the file's name ends in ``.gz``; beside ``NAME.json.gz`` lies the graph that ran,
``NAME.optimised.onnx``. The keys are those of `Recording`'s tables, ``runtime`` and ``driver`` for the
two kinds of calls, ``marks_ns``, ``ort_profile`` for the events of ONNX Runtime's profile of these
runs, ``latency_us`` and ``latency_profiled_us``, and what else is known of the measurement under
``facts``. What is read may be damaged or made up: either it is a recording, or one line says what of
it is not.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import numpy as np

from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.report.json_values import is_vast
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.runtime.device.recording import (
    API,
    DRIVER,
    END,
    LATEST,
    NAME,
    RUNTIME,
    START,
    Recording,
    Table,
    table,
)
from cnnscope.runtime.engine.trace import Event, events_in

#: bytes of JSON that are read at most
LARGEST: Final = 512 << 20
_CALLS: Final = {"runtime": RUNTIME, "driver": DRIVER}
_COLUMNS: Final = {"kernels": 5, "copies": 5, "sets": 4}
_MICROSECONDS: Final = LATEST // 1000
_GRAPH: Final = ".optimised.onnx"


def graph_path(path: Path) -> Path:
    """Where the graph that ran lies beside a recording.

    >>> graph_path(Path("a/resnet50.json.gz")).as_posix()
    'a/resnet50.optimised.onnx'
    """
    stem = path.name.removesuffix(".gz").removesuffix(".json")
    return path.with_name(f"{stem}{_GRAPH}")


def read_recording(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        RunError: it can't be read, or isn't one.
    """
    shown = shown_name(str(path), 200)
    try:
        found = json.loads(_text(path))
    except FileNotFoundError:
        raise RunError(f"recording {shown}: there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        said = getattr(error, "strerror", None) or "it is damaged, or no gzip file"
        raise RunError(f"recording {shown} can't be read: {said}") from None
    except RecursionError:
        raise RunError(f"recording {shown} can't be read: it nests too deeply") from None
    except ValueError as error:
        said = str(error) if isinstance(error, _TooLargeError) else "it is no JSON"
        raise RunError(f"recording {shown} can't be read: {said}") from None
    if not isinstance(found, dict):
        raise RunError(f"recording {shown}: it is no object with kernels, calls and marks")
    try:
        return _recording(found)
    except _DamageError as error:
        raise RunError(f"recording {shown}: {error}") from None


def recording_of(found: Mapping[str, object]) -> Recording:
    """The recording with the contents of a file.

    Raises:
        RunError: it isn't one.
    """
    try:
        return _recording(found)
    except _DamageError as error:
        raise RunError(f"what was recorded can't be used: {error}") from None


def write_recording(recording: Recording, path: Path) -> None:
    """Write it, so that `read_recording` reads the same.

    Raises:
        OSError: it can't be written.
    """
    names = recording.callback_names
    written: dict[str, object] = {
        "model": recording.model,
        "batch": recording.batch,
        "latency_us": _micro(recording.latency),
        "latency_profiled_us": _micro(recording.latency_profiled),
        "marks_ns": recording.marks.tolist(),
        "kernels": recording.kernels.tolist(),
        "copies": recording.copies.tolist(),
        "sets": recording.sets.tolist(),
        **{
            key: recording.calls[recording.calls[:, API] == api, :API].tolist()
            for key, api in _CALLS.items()
        },
        "ort_profile": list(recording.profile),
        "kernel_names": list(recording.kernel_names),
        "callback_names": {
            key: {str(i): said for (of, i), said in names.items() if of == api}
            for key, api in _CALLS.items()
        },
        "facts": dict(recording.facts),
    }
    text = json.dumps(written, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def _micro(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e6


class _TooLargeError(ValueError):
    pass


class _DamageError(Exception):
    """What of it isn't as in a recording."""


def _text(path: Path) -> bytes:
    with open_regular(path) as file:
        start = file.read(2)
        file.seek(0)
        source: IO[bytes] = (
            io.BufferedReader(gzip.GzipFile(fileobj=file)) if start == b"\x1f\x8b" else file
        )
        found = source.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise _TooLargeError(f"it holds more than {LARGEST >> 20} MiB")
    if is_vast(found):
        raise _TooLargeError("it holds more values than any recording")
    return found


def _recording(found: Mapping[str, object]) -> Recording:
    tables = {key: _table(found, key, count) for key, count in _COLUMNS.items()}
    apis = [np.insert(_table(found, key, API), API, api, axis=1) for key, api in _CALLS.items()]
    calls: Table = np.concatenate(apis)
    names = _texts(found, "kernel_names")
    for key, records in (*tables.items(), ("runtime and driver", calls)):
        if (records[:, END] < records[:, START]).any():
            raise _DamageError(f"a record of its {key} ends before it starts")
    if (tables["kernels"][:, NAME] >= len(names)).any():
        raise _DamageError("a kernel's name is not in kernel_names")
    marks = _table(found, "marks_ns", 4)
    if not len(marks):
        raise _DamageError("it holds no run")
    if (marks[:, -1] < marks[:, 0]).any() or (marks[1:, 0] < marks[:-1, -1]).any():
        raise _DamageError("its runs overlap, or end before they begin")
    profile, spans, events = _profile(found, len(marks))
    run = np.searchsorted(spans[:, 0], [e.start for e in events], "right") - 1
    inside = [
        (int(r), e) for r, e in zip(run, events, strict=True)
        if r >= 0 and e.start <= spans[r].sum()
    ]  # fmt: skip
    inside.sort(key=lambda x: (x[1].start, -x[1].microseconds))
    recording = Recording(
        model=_text_of(found, "model"),
        batch=_batch(found),
        calls=calls,
        marks=marks,
        spans=spans,
        kernel_names=names,
        callback_names=_callbacks(found),
        events=tuple(e for _, e in inside),
        event_runs=np.array([r for r, _ in inside], np.int64),
        profile=profile,
        latency=_seconds(found, "latency_us"),
        latency_profiled=_seconds(found, "latency_profiled_us"),
        facts=_object(found, "facts"),
        **tables,
    )
    _check_sums(recording)
    return recording


def _check_sums(recording: Recording) -> None:
    """All sums of times and bytes stay in 64 bits; made-up records might not."""
    for records in (recording.kernels, recording.copies, recording.sets):
        columns = records.astype(np.float64)
        spent = (columns[:, END] - columns[:, START]).sum()
        if max(spent, columns[:, 3:].sum(axis=0).max(initial=0)) >= LATEST:
            raise _DamageError("its times or sizes are too large to be any")


def _table(found: Mapping[str, object], key: str, columns: int) -> Table:
    if key not in found:
        raise _DamageError(f"it has no {key}")
    try:
        return table(found[key], columns)
    except (ValueError, OverflowError) as error:
        raise _DamageError(f"its {key} can't be read: {error}") from None


def _profile(
    found: Mapping[str, object], runs: int
) -> tuple[tuple[Mapping[str, object], ...], Table, list[Event]]:
    """ONNX Runtime's events, the runs' spans in order, and the nodes'."""
    entries = found.get("ort_profile")
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise _DamageError("it has no ort_profile, the events of ONNX Runtime's profile")
    try:
        events = list(events_in(entries))
        spans = table(
            sorted([e["ts"], e["dur"]] for e in entries if e.get("name") == "model_run"), 2
        )
        whole = all(_is_event(e) for e in events)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        whole = False
    if not whole or (spans >= _MICROSECONDS).any():
        raise _DamageError("its ort_profile has an event that ONNX Runtime doesn't write")
    if len(spans) != runs:
        raise _DamageError(f"it has marks of {runs} runs, and {len(spans)} in its ort_profile")
    return tuple(entries), spans, events


def _is_event(event: Event) -> bool:
    return (
        0 <= event.start < _MICROSECONDS
        and 0 <= event.microseconds < _MICROSECONDS
        and all(
            type(length) is int and length >= 0
            for _, shape in (*event.inputs, *event.outputs)
            for length in shape
        )
    )


def _texts(found: Mapping[str, object], key: str) -> tuple[str, ...]:
    listed = found.get(key)
    if not isinstance(listed, list) or not all(isinstance(x, str) for x in listed):
        raise _DamageError(f"its {key} are no list of names")
    return tuple(listed)


def _callbacks(found: Mapping[str, object]) -> dict[tuple[int, int], str]:
    named = _object(found, "callback_names")
    return {
        (api, int(number)): said
        for key, api in _CALLS.items()
        for number, said in _object(named, key).items()
        if isinstance(said, str) and number.isascii() and number.isdecimal() and len(number) < 10
    }


def _object(found: Mapping[str, object], key: str) -> dict[str, object]:
    value = found.get(key)
    return dict(value) if isinstance(value, dict) else {}


def _text_of(found: Mapping[str, object], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) and value else None


def _batch(found: Mapping[str, object]) -> int | None:
    value = found.get("batch") or None
    if value is not None and (type(value) is not int or not 0 < value < LATEST):
        raise _DamageError("its batch is no length")
    return value


def _seconds(found: Mapping[str, object], key: str) -> float | None:
    value = found.get(key)
    if value is None:
        return None
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not known or not 0 < value < LATEST:  # type: ignore[operator]  # a number, of any length
        raise _DamageError(f"its {key} is no time")
    return float(value) / 1e6  # type: ignore[arg-type]
