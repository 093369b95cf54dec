"""Do models keep their budgets? `check`: limits found or given, models analysed, verdicts.

The limits come from a configuration (`config`), from arguments, or both; the earlier figures that
relative ones need from a baseline file, a model, or a commit; latencies from running the model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.budgets.baselines import (
    LARGEST,
    Baseline,
    BaselineError,
    NotInCommitError,
    baseline_dict,
    is_json,
    lfs_pointer,
    model_key,
    read_baseline,
)
from cnnscope.analyzer.budgets.config import find_config, read_config
from cnnscope.analyzer.budgets.figures import LATENCIES
from cnnscope.analyzer.budgets.judging import judge_report, make_limit, model_figures
from cnnscope.analyzer.budgets.settings import (
    ConfigError,
    LatencySettings,
    LimitKey,
    ModelSettings,
    Settings,
    parse_tolerance,
)
from cnnscope.analyzer.budgets.verdicts import Check, Checked, Figure, Figures, Limit, Problem
from cnnscope.analyzer.model.binding import named_shapes
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import (
    checked_dims,
    checked_mapping,
    checked_shapes,
    checked_values,
)
from cnnscope.analyzer.values.diagnostics import (
    ArgumentError,
    CnnscopeError,
    one_line,
)
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.gates.model_paths import PathError, Search

if TYPE_CHECKING:
    from cnnscope.analyzer.report.latency import Latency

Shapes: TypeAlias = Mapping[str | None, Sequence[int | None]]
Given: TypeAlias = Source | Report

#: seconds after which a run of a model is given up
_PATIENCE: Final = 600.0
_GIT: Final = "git:"
#: so many runs, and the slowest is beyond the 99th percentile with 95 % confidence
_MANY: Final = 299
#: models times entries that one configuration may ask for
_MOST_JOBS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """What to check.

    Args:
        models: paths, or whatever else `analyze` takes, or reports; none: those of the settings.
        settings: the configuration.
        limits: in place of the settings' with the same key, for every model.
        shapes, dims, values: in place of the settings', for every model.
        baseline: in place of the settings'.
        allow_unknown: tolerate everything that can't be judged.
        update: where to write the figures as a new baseline; relative limits aren't judged then.
        anywhere: the settings' paths may lead out of their folder.
    """

    models: Sequence[Given] = ()
    settings: Settings = field(default_factory=Settings)
    limits: Sequence[Limit] = ()
    shapes: Shapes | None = None
    dims: Mapping[str, int] | None = None
    baseline: str | None = None
    allow_unknown: bool = False
    update: bool = False
    anywhere: bool = False
    values: Mapping[str, object] | None = None


def check(
    models: Given | Sequence[Given] | None = None,
    limits: Mapping[str, object] | None = None,
    *,
    config: str | os.PathLike[str] | None = None,
    baseline: str | os.PathLike[str] | None = None,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    allow_unknown: bool = False,
    tolerance: str | None = None,
    anywhere: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Check:
    """Hold models against a budget.

    Args:
        models: a path, anything else that `analyze` takes, a report, or a list of these; None:
            those that the configuration names.
        limits: quantity to limit, e.g. ``{"macs": "4.2 G", "receptive_field": ">= 224"}``; a limit
            on a part has its name in front, ``"module.layer4.params"``.
        config: a cnnscope.toml or pyproject.toml. Without it, and without limits, the nearest one
            upwards from the working directory.
        baseline: a file, a model or ``"git:REF:path"``, for limits such as ``"+2 %"``.
        shapes, dims, values: as `analyze` takes them, for every model.
        allow_unknown: that a limit can't be judged is no failure.
        tolerance: of latencies, a share such as ``"5 %"``.
        anywhere: the configuration's paths may lead out of its folder.
        progress: told what is being done.

    Returns:
        The `Check`. A model that can't be read is one of its problems, and no exception.

    Raises:
        ConfigError: the configuration can't be used, or there is no limit.
        BaselineError: the baseline can't be read.
        ValueError: a limit can't be understood.

    >>> import cnnscope
    >>> check = cnnscope.check("sample_models/lenet5.onnx", limits={"macs": "500 k"})
    >>> check.ok, check["macs"].figure.exact
    (True, Fraction(416520, 1))
    """
    wanted = "a dict from quantities to limits, such as {'macs': '4.2 G'},"
    wishes = {} if limits is None else checked_mapping(limits, "limits", wanted)
    bound, lengths = checked_shapes(shapes), checked_dims(dims)
    told = {name: array.tolist() for name, array in checked_values(values).items()}
    settings = Settings()
    if config is not None:
        settings = read_config(Path(config))
    elif limits is None:
        found = find_config(Path.cwd())
        if found is None:
            raise ConfigError(["no limits: give some, or write a cnnscope.toml"])
        settings = read_config(found)
    if tolerance is not None:
        latency = replace(settings.latency, tolerance=parse_tolerance(tolerance))
        settings = replace(settings, latency=latency)
    several = isinstance(models, Sequence) and not isinstance(models, (str, bytes, bytearray))
    given: Sequence[Given] = () if models is None else list(models) if several else [models]  # type: ignore[list-item, arg-type]  # as just asked
    return run_check(
        Request(
            given,
            settings,
            [_limit(key, text) for key, text in wishes.items()],
            dict(bound.items()) or None,
            lengths or None,
            None if baseline is None else os.fspath(baseline),
            allow_unknown,
            anywhere=anywhere,
            values=told or None,
        ),
        progress,
    )


def _limit(key: str, text: object) -> Limit:
    from cnnscope.analyzer.budgets.judging import split_key

    try:
        quantity, scope = split_key(key)
        return make_limit(quantity, text, scope)
    except ValueError as error:
        raise ArgumentError(str(error)) from None


# -- what to check ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One model and its budget."""

    model: str
    source: Given
    limits: tuple[Limit, ...]
    shapes: Shapes
    dims: Mapping[str, int]
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """The sizes that are given, in words."""
        sizes = [
            f"{'' if name is None else f'{name}='}{'x'.join('?' if n is None else str(n) for n in x)}"
            for name, x in sorted(self.shapes.items(), key=lambda pair: pair[0] or "")
        ]
        told = {**self.dims, **self.values}
        return ", ".join([*sizes, *(f"{name}={n}" for name, n in sorted(told.items()))])


def run_check(request: Request, progress: Callable[[str], None] | None = None) -> Check:
    """`check`, of a request: models that can't be judged don't hide the others.

    Raises:
        ConfigError: there is nothing to check, or no limit.
        BaselineError: the baseline can't be read.
    """
    say = progress or say_nothing
    jobs, problems = plan(request)
    known = _Known()
    baseline = _Baselines(request, [job.model for job in jobs])
    done: list[Checked] = []
    for job in jobs:
        say(job.model)
        try:
            done.append(_checked(job, request, baseline, say, known))
        except BaselineError:
            raise
        except CnnscopeError as error:
            problems.append(Problem(job.model, _without(str(error), job.model)))
        except MemoryError:
            problems.append(Problem(job.model, "out of memory"))
        except Exception as error:  # noqa: BLE001  # one model's fault must not hide the others
            said = f"internal error: {type(error).__name__}: {error}; please report it"
            problems.append(Problem(job.model, one_line(said, 300)))
    path = request.settings.path
    return Check(
        tuple(done), tuple(problems), None if path is None else _shown(path), baseline.source
    )


def _without(said: str, model: str) -> str:
    return said.removeprefix(f"{model}: ")


def plan(request: Request) -> tuple[list[Job], list[Problem]]:
    """The models to judge with their limits, and the patterns that no file matches.

    Raises:
        ConfigError: there is no model, or a model has no limit.
    """
    settings = request.settings
    jobs: list[Job] = []
    problems: list[Problem] = []
    search = Search(settings.folder, anywhere=request.anywhere)
    if not request.models:
        found: dict[str, list[Path]] = {}  # a pattern may stand in many entries
        for entry in settings.models:
            judged: set[Path] = set()  # a file that fits two patterns of one entry is one model
            for pattern in entry.patterns:
                try:
                    if pattern not in found:
                        found[pattern] = search.files(pattern)
                except PathError as error:
                    problems.append(Problem(pattern, str(error), entry.origin))
                    continue
                if not found[pattern]:
                    problems.append(Problem(pattern, "no file matches this path", entry.origin))
                for file in found[pattern]:
                    if file.resolve() not in judged:
                        judged.add(file.resolve())
                        jobs.append(_job(request, _shown(file), file, entry))
            if len(jobs) > _MOST_JOBS:
                raise ConfigError([f"more than {_MOST_JOBS} models to check: write fewer entries"])
    for model in request.models:
        name, path = _named(model)
        own: list[ModelSettings | None] = []
        if path is not None:
            own += [
                entry for entry in settings.models
                if any(search.fits(pattern, path) for pattern in entry.patterns)
            ]  # fmt: skip
        jobs += [_job(request, name, model, entry) for entry in own or [None]]
    jobs = _each_once(jobs)
    problems = list(dict.fromkeys(problems))
    if not jobs and not problems:
        where = (
            f"{settings.path.name} names none"
            if settings.path
            else "name one, or write a cnnscope.toml"
        )
        raise ConfigError([f"no model to check: {where}"])
    for job in jobs:
        if not job.limits and not request.update:
            hint = "give --limit, or write a cnnscope.toml"
            if settings.path is not None:
                hint = f"{settings.path.name} has none for it"
            raise ConfigError([f"{job.model}: no limits: {hint}"])
    return jobs, problems


def _each_once(jobs: Sequence[Job]) -> list[Job]:
    """The jobs without those that say of a model what an earlier one has said."""
    kept: dict[tuple[object, ...], Job] = {}
    for job in jobs:
        source = job.source
        place = "" if isinstance(source, (str, os.PathLike)) else id(source)
        limits = tuple(replace(limit, origin="") for limit in job.limits)
        kept.setdefault((job.model, place, job.variant, limits), job)
    return list(kept.values())


def _shown(path: Path) -> str:
    """The path as seen from the working directory, where it lies below it."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _named(model: Given) -> tuple[str, Path | None]:
    path = model.model.path if isinstance(model, Report) else model
    if isinstance(path, (str, os.PathLike)):
        return os.fsdecode(path), Path(os.fsdecode(path))
    return "model in memory", None


def _job(request: Request, name: str, source: Given, entry: ModelSettings | None) -> Job:
    settings = request.settings
    limits: dict[LimitKey, Limit] = {limit.key: limit for limit in settings.limits}
    allowed = settings.allow_unknown
    if entry is not None:
        limits = {key: limit for key, limit in limits.items() if key not in entry.without}
        limits.update((limit.key, limit) for limit in entry.limits)
        allowed = allowed if entry.allow_unknown is None else entry.allow_unknown
    limits.update((limit.key, limit) for limit in request.limits)
    return Job(
        name,
        source,
        tuple(_allowing(limit, allowed) for limit in limits.values()),
        request.shapes or (entry.shapes if entry is not None else {}),
        {**(entry.dims if entry is not None else {}), **(request.dims or {})},
        {**(entry.values if entry is not None else {}), **(request.values or {})},
    )


def _allowing(limit: Limit, allowed: bool | tuple[str, ...]) -> Limit:
    tolerant = allowed if isinstance(allowed, bool) else limit.quantity in allowed
    return replace(limit, allow_unknown=tolerant)


# -- one model -------------------------------------------------------------------------------------


def _checked(
    job: Job, request: Request, baseline: _Baselines, say: Callable[[str], None], known: _Known
) -> Checked:
    report = job.source if isinstance(job.source, Report) else known.report(job)
    limits = job.limits
    measured = _measured(job, report, request.settings.latency, say)
    figures = model_figures(report, limits, measured)
    if request.update:
        limits = tuple(_absolute_only(limits))
    earlier = baseline.of(job) if any(map(_is_relative, limits)) else None
    verdicts = judge_report(
        report, limits, measured=measured, baseline=earlier,
        no_baseline=baseline.why_none(), allow_unknown=request.allow_unknown,
    )  # fmt: skip
    return Checked(job.model, verdicts, figures, report, job.variant)


class _Known:
    """The report of the model that was last analysed: entries of one file follow each other often."""

    def __init__(self) -> None:
        self._of: tuple[str, str] | None = None
        self._report: Report | None = None

    def report(self, job: Job) -> Report:
        if not isinstance(job.source, (str, os.PathLike)):
            return _analysed(job)
        key = os.path.realpath(job.source), job.variant
        if self._report is None or self._of != key:
            self._report = None  # so that two are never held
            self._of, self._report = key, _analysed(job)
        return self._report


def _is_relative(limit: Limit) -> bool:
    return any(bound.relation != "absolute" for bound in limit.bounds)


def _absolute_only(limits: Sequence[Limit]) -> Iterator[Limit]:
    for limit in limits:
        bounds = tuple(b for b in limit.bounds if b.relation == "absolute")
        if bounds or limit.patterns:
            yield replace(limit, bounds=bounds)


def _analysed(job: Job) -> Report:
    assert not isinstance(job.source, Report)
    shapes = named_shapes(job.source, job.shapes)
    return analyze(job.source, shapes=shapes, dims=job.dims, values=job.values)


def _measured(
    job: Job, report: Report, how: LatencySettings, say: Callable[[str], None]
) -> dict[str, Figure]:
    wanted = {limit.quantity for limit in job.limits} & set(LATENCIES)
    if not wanted:
        return {}
    from cnnscope.runtime.engine.child import run_in_child
    from cnnscope.runtime.engine.job import Request as Base
    from cnnscope.runtime.profile.profiling import Request as Profiling
    from cnnscope.runtime.profile.profiling import Timed, sendable

    base = Base(job.source, job.shapes, job.dims, how.provider, values=job.values)
    asked = Profiling(base, threads=how.threads, seconds=how.seconds)
    if "latency_p99" in wanted:  # half of the runs may turn out to be a warm-up
        asked = replace(asked, fewest=2 * _MANY)
    try:
        timed = run_in_child(
            "cnnscope.runtime.profile.profiling:latency_here",
            sendable(asked),
            timeout=_PATIENCE,
            progress=lambda said: say(f"{job.model}: {said}"),
        )
    except CnnscopeError as error:
        why = f"it can't be run here: {_without(str(error), job.model)}"
        return dict.fromkeys(wanted, Figure.unknown(why))
    assert isinstance(timed, Timed)
    return {key: latency_figure(timed.latency, key, how.tolerance) for key in wanted}


def latency_figure(found: Latency, key: str, tolerance: Fraction) -> Figure:
    """A measured time as an interval.

    The median of steady runs lies within the tolerance, or within the measurement's own uncertainty
    where that is more. Runs that aren't steady say no more than that it lies between the fastest
    and the slowest of them. The 99th percentile lies above the 90th that was measured, and below
    the slowest run once there are so many that one of them is beyond it with 95 % confidence:
    ``0.99**n <= 0.05``, n = 299.

    Args:
        found: the measurement.
        key: ``"latency_p50"`` or ``"latency_p99"``.
        tolerance: a share of the time.
    """
    least, most = _nanoseconds(found.least), _nanoseconds(found.most)
    why = "too close to the limit to be told from noise"
    if found.noise is not None:
        why = f"the runs differ too much to say ({found.noise})"
    if key == "latency_p99":
        value = _nanoseconds(found.p99)
        runs = found.runs - found.warmup
        low = min(_nanoseconds(found.p90), value * (1 - tolerance))
        if runs < _MANY:
            why = f"{runs} runs say too little of it; {_MANY} would do (seconds, under [latency])"
            return Figure(low, None, why, value)
        return Figure(low, max(most, value * (1 + tolerance)), why, value)
    value = _nanoseconds(found.p50)
    if found.noise is not None:
        return Figure(least, most, why, value)
    share = max(tolerance, Fraction(found.uncertainty or 0) / 2)
    return Figure(value * (1 - share), value * (1 + share), why, value)


def _nanoseconds(seconds: float) -> Fraction:
    """No clock says more."""
    return Fraction(round(seconds * 10**9), 10**9)


# -- the baseline ----------------------------------------------------------------------------------


class _Baselines:
    """The earlier figures of each model, read when the first relative limit needs them."""

    def __init__(self, request: Request, models: Sequence[str]) -> None:
        self.request = request
        self.several = len(set(models)) > 1
        self.source = request.baseline
        self.folder = Path()
        if self.source is None and request.settings.baseline is not None:
            self.source = request.settings.baseline
            self.source = _from_folder(self.source, request.settings.folder)
        self._read: Baseline | None = None

    def why_none(self) -> str:
        if self.source is None:
            return "it is relative to a baseline, and none is given"
        return f"the baseline {self.source} has no such model"

    def of(self, job: Job) -> Figures | None:
        if self.source is None:
            return None
        if self.source.startswith(_GIT):
            ref, _, path = self.source.removeprefix(_GIT).partition(":")
            if not path:  # each model as it was
                try:
                    earlier = self.at(ref, Path(job.model))
                except NotInCommitError:  # a new one
                    return None
                return self.of_model(earlier, job)
            if path.endswith(".json"):
                return self.of_file(job, Path(path), lambda: self.at(ref, Path(path)))
            return self.of_model(self.at(ref, Path(path)), job)
        path = self.source
        data = self.head(Path(path))
        if path.endswith(".json") or is_json(data):
            return self.of_file(job, Path(path), lambda: self.whole(Path(path)))
        if lfs_pointer(data) is not None:
            raise BaselineError(f"{path}: a Git LFS pointer: run git lfs pull")
        return self.of_model(path, job)

    def at(self, ref: str, path: Path) -> bytes:
        from cnnscope.runtime.gates.git import file_at

        return file_at(ref, path)

    def whole(self, path: Path) -> bytes:
        if path.stat().st_size > LARGEST:
            raise BaselineError(f"{path}: too large for a baseline")
        return path.read_bytes()

    def head(self, path: Path) -> bytes:
        try:
            with open_regular(path) as file:
                return file.read(1024)
        except OSError as error:
            hint = ""
            if isinstance(error, FileNotFoundError) and path.suffix == ".json":
                hint = "; --update-baseline writes it"
            said = f"{path}: the baseline can't be read: {error.strerror or error}{hint}"
            raise BaselineError(said) from None

    def of_file(self, job: Job, path: Path, read: Callable[[], bytes]) -> Figures | None:
        if self._read is None:
            assert self.source is not None
            self._read = read_baseline(read(), self.source)
        found = self._read
        if found.single and self.several:  # one model's figures are no measure for all of them
            found = replace(found, single=False)
        return found.figures_for(model_key(job.model, path.parent), job.variant)

    def of_model(self, source: Source, job: Job) -> Figures:
        try:
            shapes = named_shapes(source, job.shapes)
            earlier = analyze(source, shapes=shapes, dims=job.dims, values=job.values)
        except CnnscopeError as error:
            raise BaselineError(f"the baseline {self.source}: {error}") from None
        measured: dict[str, Figure] = {}
        if any(x.quantity in LATENCIES and _is_relative(x) for x in job.limits):
            then = replace(job, source=source, model=f"the baseline {self.source}")
            measured = _measured(then, earlier, self.request.settings.latency, say_nothing)
        return model_figures(earlier, job.limits, measured)


def _from_folder(source: str, folder: Path) -> str:
    """A baseline as a configuration in a folder has it, as seen from the working directory."""
    if not source.startswith(_GIT):
        return _shown(folder / source)
    ref, colon, path = source.removeprefix(_GIT).partition(":")
    return f"{_GIT}{ref}:{_shown(folder / path)}" if colon and path else source


def baseline_text(done: Check, path: Path) -> str:
    """The figures of all models of a check as a baseline file at a path has them."""
    return json.dumps(baseline_dict(done.models, path.parent), indent=1, allow_nan=False) + "\n"
