"""How does a report come back from the JSON that it was written as?

Nothing in the file is executed or opened: it is read as JSON, and each value as what `Report.to_dict` writes
in its place, or refused in one line that says where.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.report.json_values import WrongDataError, entries, is_vast
from cnnscope.analyzer.report.loaded import ReportReader
from cnnscope.analyzer.report.measurement import PROFILE_SCHEMA_VERSION, Profile
from cnnscope.analyzer.report.readings import ALIASES, SPECIAL
from cnnscope.analyzer.report.report import SCHEMA_VERSION, Report
from cnnscope.analyzer.report.typed_data import Reader
from cnnscope.analyzer.values.collector import collector_resting
from cnnscope.analyzer.values.diagnostics import ReportFileError

#: bytes of a file; a report of a network of a hundred thousand layers has as many
LARGEST = 1 << 28


def load(source: str | os.PathLike[str] | bytes | IO[bytes]) -> Report | list[Report]:
    """What ``cnnscope analyze --format json`` wrote, or ``json.dumps(report.to_dict())``, as a report again.

    It is shown, compared, checked, grouped and written as the report was. What only the model itself
    can answer (`Layer.region`, `Layer.explain`, `lint`, what its weights are) it says so of.

    Args:
        source: a path, the bytes, or an open binary file.

    Returns:
        The `Report`; a list of them where several models were written.

    Raises:
        ReportFileError: it can't be read, is no report, or one of another ``schema_version``.

    >>> import cnnscope, json
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
    >>> loaded = cnnscope.load(json.dumps(report.to_dict()).encode())
    >>> loaded.to_dict() == report.to_dict()
    True
    """
    name, data = _read(source)
    with collector_resting():
        return _reports(name, data)


def _reports(name: str, data: bytes) -> Report | list[Report]:
    if is_vast(data):
        raise ReportFileError(f"{name}: more values than any report has")
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except RecursionError:
        raise ReportFileError(f"{name}: nested too deeply to be a report") from None
    except ValueError:
        raise ReportFileError(f"{name}: no JSON that can be read") from None
    try:
        if not isinstance(found, list):
            return _report(found)
        if not found:
            raise WrongDataError("an empty list")
        return [_report(each) for each in found]
    except RecursionError:
        raise ReportFileError(f"{name}: nested too deeply to be a report") from None
    except WrongDataError as error:
        raise ReportFileError(f"{name}: no report that can be read: {error}") from None


def load_profile(source: str | os.PathLike[str] | bytes | IO[bytes]) -> Profile:
    """What ``cnnscope profile --format json`` wrote, or ``json.dumps(profile.to_dict())``, as a profile.

    Args:
        source: a path, the bytes, or an open binary file.

    Raises:
        ReportFileError: it can't be read, is no profile, or one of another ``schema_version``.
    """
    name, data = _read(source)
    try:
        record = entries(json.loads(data.decode("utf-8-sig"), parse_constant=_no_number))
        if "latencies" not in record or "rows" not in record:
            raise WrongDataError("what `cnnscope profile --format json` writes is wanted")
        if record.get("schema_version") != PROFILE_SCHEMA_VERSION:
            raise WrongDataError(f"this cnnscope reads schema_version {PROFILE_SCHEMA_VERSION}")
        found = Reader(SPECIAL, ALIASES).read(Profile, record)
    except WrongDataError as error:
        raise ReportFileError(f"{name}: no profile that can be read: {error}") from None
    except RecursionError:
        raise ReportFileError(f"{name}: nested too deeply to be a profile") from None
    except ValueError:
        raise ReportFileError(f"{name}: no JSON that can be read") from None
    assert isinstance(found, Profile)
    return found


def _report(data: object) -> Report:
    record = entries(data)
    if "layers" not in record or "totals" not in record:
        raise WrongDataError("what `cnnscope analyze --format json` writes is wanted")
    version = record.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise WrongDataError(
            f"it has schema_version {version!r:.20}, and this cnnscope reads {SCHEMA_VERSION}; "
            "write it anew"
        )
    return ReportReader(record).report()


def _read(source: str | os.PathLike[str] | bytes | IO[bytes]) -> tuple[str, bytes]:
    """What to call it, and what is in it."""
    if isinstance(source, bytes | bytearray):
        return "the report", _bounded("the report", lambda most: bytes(source[:most]))
    if not isinstance(source, str | os.PathLike):
        name = str(getattr(source, "name", "the report"))
        return name, _bounded(name, source.read)
    name = os.fspath(source)
    try:
        with open_regular(Path(name)) as file:
            return name, _bounded(name, file.read)
    except (OSError, ValueError) as error:  # a path with a zero byte
        said = getattr(error, "strerror", None) or str(error)
        raise ReportFileError(f"{name}: {said}") from None


def _bounded(name: str, read: Callable[[int], bytes]) -> bytes:
    data = read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ReportFileError(f"{name}: more than {LARGEST >> 20} MiB, no report is as large")
    return data


def _no_number(word: str) -> float:
    raise ValueError(word)
