"""Whose profile is shown, one or two, and where is it from: a run, or a file in which one was saved?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import PROFILE, By, Running
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import ask_for_runtime, read_report, run_in_own_child
from cnnscope.runtime.commands.sources import Source, source_of
from cnnscope.runtime.commands.usual import sized
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.report.measurement import Profile

#: what a saved profile has near its beginning, and no model in JSON
_MARK: Final = b'"latencies"'
_NEAR: Final = 1 << 16


@dataclass(frozen=True)
class Profiling(Running):
    """What `cnnscope profile` was asked for."""

    batches: tuple[int, ...]
    threads: int
    seconds: float
    sort: str | None
    top: int | None
    trace: Path | None
    recording: Path | None
    record: Path | None
    dtype: str | None
    tf32: bool
    by: By | None = None
    depth: int | None = None
    layers: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    until: Fraction | None = None
    other: str | None = None


def profiled(request: Profiling, source: Source) -> Profile | None:
    """A model's profile, run or from a recording; None, and a line on standard error, where there is none."""
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.profile.job import ProfileJob

    base = ModelJob(
        source, *sized(source, request.shapes, request.dims), request.provider, request.inputs,
        request.seed, verbose=request.verbose, values=request.values,
    )  # fmt: skip
    recording = None if request.recording is None else str(request.recording)
    record = None if request.record is None else str(request.record)
    job = ProfileJob(
        base, request.batches, request.threads, request.seconds, recording=recording, record=record,
        dtype=request.dtype, tf32=request.tf32,
    )  # fmt: skip
    return run_in_own_child(Profile, source, PROFILE, job, request.timeout, verbose=request.verbose)


def saved_profile(path: str) -> Profile | None:
    """The profile that was saved in a JSON file; None for any other file.

    Raises:
        Misuse: it can't be read, though it looks like one.
    """
    from cnnscope.analyzer.report.loading import load_profile
    from cnnscope.analyzer.values.diagnostics import ReportFileError

    if not path.lower().endswith(".json"):
        return None
    try:
        with Path(path).open("rb") as file:
            if _MARK not in file.read(_NEAR):
                return None
        return load_profile(path)
    except OSError:
        return None  # what reads models says it
    except ReportFileError as error:
        raise Misuse(str(error)) from None


def check_nothing_is_run(request: Profiling, why: str) -> None:
    """Options of running don't go with what was run before.

    Raises:
        Misuse: there is one.
    """
    given = {
        "--shape": request.shapes, "--dim": request.dims, "--value": request.values,
        "--input": request.inputs, "--batch": request.batches, "--threads": request.threads,
        "--provider": request.provider != "auto", "--record": request.record,
        "--dtype": request.dtype, "--tf32": request.tf32,
    }  # fmt: skip
    wrong = [option for option, value in given.items() if value]
    if wrong:
        raise Misuse(f"{wrong[0]} doesn't go with {why}")


def side_by_side(request: Profiling, other: str) -> int:
    """Two profiles, each run or read."""
    from cnnscope.analyzer.render.subjects import profile_comparison as render
    from cnnscope.analyzer.report.profile_comparison import ProfileComparison

    given = {
        "--from-recording": request.recording, "--record": request.record, "--trace": request.trace,
        "--by": request.by, "--depth": request.depth, "--layer": request.layers,
        "--only": request.only, "--until": request.until,
    }  # fmt: skip
    wrong = [option for option, value in given.items() if value]
    if wrong:
        raise Misuse(f"{wrong[0]} doesn't go with two profiles")
    try:
        render.check_sort(request.sort)
    except ValueError as error:
        raise Misuse(str(error)) from None
    saved = [saved_profile(path) for path in (request.model, other)]
    check_output(request.output, [request.model, other])
    if any(found is None for found in saved):
        ask_for_runtime()
    else:
        check_nothing_is_run(request, "saved profiles: nothing is run")
    sides, sources = [], []
    for path, found in zip((request.model, other), saved, strict=True):
        source = None if found is not None else source_of(path)
        side = found if source is None else profiled(request, source)
        if side is None:
            return BAD
        sources.append(source)
        sides.append(side)
    pair = ProfileComparison(sides[0], sides[1], _renamed(request, sources, sides))
    result = Result(
        lambda: [render.document(pair, request.sort, request.top)], pair.to_dict, rows=True
    )
    emit(result, request.format, request.output)
    return FINE


def _renamed(
    request: Profiling, sources: Sequence[Source | None], sides: Sequence[Profile]
) -> Mapping[str, str]:
    """Which layers the second side calls otherwise: as `diff` matches two models, where both are at hand."""
    from cnnscope.analyzer.analysis import diff
    from cnnscope.analyzer.difference.timed_layers import renamed_between, renamed_in

    reports = [
        None if source is None else read_report(source, request.shapes, request.dims)
        for source in sources
    ]
    if reports[0] is None or reports[1] is None:
        return renamed_between(sides[0], sides[1])
    return renamed_in(diff(reports[0], reports[1]))
