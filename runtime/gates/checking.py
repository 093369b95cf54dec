"""Do models keep their budgets? `check`: limits found or given, models analysed, verdicts.

The limits come from a configuration (`config`), from arguments, or both; the earlier figures that
relative ones need from a baseline file, a model, or a commit; latencies from running the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.budgets.baselines import (
    BaselineError,
)
from cnnscope.analyzer.budgets.check import Check, Checked, Problem
from cnnscope.analyzer.budgets.config import find_config, read_config
from cnnscope.analyzer.budgets.defaults import Defaults, sized
from cnnscope.analyzer.budgets.figures import ModelFigures
from cnnscope.analyzer.budgets.judging import judge_report
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.limit_text import limit_on
from cnnscope.analyzer.budgets.settings import (
    ConfigError,
    Settings,
    parse_tolerance,
)
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import (
    checked_mapping,
    checked_ranges,
    checked_shapes,
    checked_texts,
    checked_values,
)
from cnnscope.analyzer.values.diagnostics import (
    ArgumentError,
    CnnscopeError,
    one_line,
)
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.gates.analysed import analysed
from cnnscope.runtime.gates.commit import Commit
from cnnscope.runtime.gates.earlier import Earlier
from cnnscope.runtime.gates.history import History
from cnnscope.runtime.gates.jobs import CheckRequest, Job, is_relative, plan, shown_path
from cnnscope.runtime.gates.latencies import measured_figures, without_model
from cnnscope.runtime.gates.model_paths import Search
from cnnscope.runtime.gates.places import Given

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.costs_over import CostsOver


def check(
    models: Given | Sequence[Given] | None = None,
    limits: Mapping[str, object] | None = None,
    *,
    config: str | os.PathLike[str] | None = None,
    baseline: str | os.PathLike[str] | None = None,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int | range | Sequence[int]] | None = None,
    values: Mapping[str, object] | None = None,
    allow_unknown: bool = False,
    tolerance: str | None = None,
    anywhere: bool = False,
    require_baseline: bool = False,
    since: str | None = None,
    free: str | Sequence[str] = (),
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
        shapes, dims, values: as `analyze` takes them, for every model. Several lengths of a dimension, as
            `intervals` takes them (``{"H,W": range(224, 641)}``): a limit is kept where it is at all valid
            sizes among them.
        allow_unknown: that a limit can't be judged is no failure.
        tolerance: of latencies, a share such as ``"5 %"``.
        anywhere: the configuration's paths may lead out of its folder.
        require_baseline: a model that the baseline doesn't know keeps no relative limit.
        since: a branch, tag or commit of the models' repository: what became of each since then.
        free: axes that the file fixes and that `dims` are to give lengths, such as ``"HxW"``.
        progress: told what is being done.

    Returns:
        The `Check`. A model that can't be read is one of its problems, and no exception.

    Raises:
        ConfigError: the configuration can't be used, or there is no limit.
        BaselineError: the baseline can't be read, or there is no such commit.
        ValueError: a limit can't be understood.

    >>> import cnnscope
    >>> check = cnnscope.check("sample_models/lenet5.onnx", limits={"macs": "500 k"})
    >>> check.ok, check["macs"].figure.exact
    (True, Fraction(416520, 1))
    """
    wanted = "a dict from quantities to limits, such as {'macs': '4.2 G'},"
    wishes = {} if limits is None else checked_mapping(limits, "limits", wanted)
    bound, (lengths, ranges) = checked_shapes(shapes), checked_ranges(dims)
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
        CheckRequest(
            given,
            settings,
            [limit_on(key, text) for key, text in wishes.items()],
            dict(bound.items()) or None,
            lengths or None,
            None if baseline is None else os.fspath(baseline),
            allow_unknown,
            anywhere=anywhere,
            values=told or None,
            require_baseline=require_baseline,
            since=since,
            ranges=ranges or None,
            free=checked_texts(free, "free"),
        ),
        progress,
    )


def run_check(request: CheckRequest, progress: Callable[[str], None] | None = None) -> Check:
    """`check`, of a request: models that can't be judged don't hide the others.

    Raises:
        ConfigError: there is nothing to check, or no limit.
        BaselineError: the baseline can't be read.
    """
    say = progress or say_nothing
    jobs, problems = plan(request)
    known = _Known()
    names = [job.model for job in jobs]
    commit = None if request.since is None else Commit(request.since, names, _place(request, jobs))
    gone = [] if commit is None else commit.gone  # there is such a commit
    baseline = Earlier(request, names, commit)
    relative = any(is_relative(limit) for job in jobs for limit in job.limits)
    if commit is None and baseline.ref is not None and relative and not request.update:
        commit = baseline.commit = Commit(baseline.ref, names, _place(request, jobs))
    history = History(
        commit, alone=len(jobs) == 1, same=commit is not None and commit is baseline.commit
    )
    done: list[Checked] = []
    for job in jobs:
        say(job.model)
        try:
            done.append(_checked(job, request, baseline, history, say, known))
        except BaselineError:
            raise
        except CnnscopeError as error:
            problems.append(Problem(job.model, without_model(str(error), job.model)))
        except MemoryError:
            problems.append(Problem(job.model, "out of memory"))
        except Exception as error:  # noqa: BLE001  # one model's fault must not hide the others
            said = f"internal error: {type(error).__name__}: {error}; please report it"
            problems.append(Problem(job.model, one_line(said, 300)))
    path = request.settings.path
    rests_on = [] if path is None else [shown_path(path)]
    rests_on += baseline.files
    return Check(
        tuple(done), tuple(problems), None if path is None else shown_path(path), baseline.source,
        tuple(dict.fromkeys([*baseline.removed, *_removed(request, gone, done)])),
        None if commit is None else commit.ref,
        () if commit is None else tuple(filter(commit.rewritten, rests_on)),
    )  # fmt: skip


def _place(request: CheckRequest, jobs: Sequence[Job]) -> Path:
    """Somewhere in the models' repository."""
    if request.settings.path is not None or not jobs:
        return request.settings.folder
    return Path(jobs[0].model).parent


def _removed(request: CheckRequest, gone: Sequence[str], done: Sequence[Checked]) -> list[str]:
    """Of a commit's files that aren't there any more those that the configuration means."""
    if request.models or not gone:
        return []
    search = Search(request.settings.folder, anywhere=request.anywhere)
    patterns = [pattern for entry in request.settings.models for pattern in entry.patterns]
    known = {x.since.other for x in done if x.since is not None}
    fit = (x for x in gone if any(search.fits(pattern, Path(x)) for pattern in patterns))
    return [name for name in fit if name not in known]


def _checked(
    job: Job,
    request: CheckRequest,
    baseline: Earlier,
    history: History,
    say: Callable[[str], None],
    known: _Known,
) -> Checked:
    job = _with_defaults(job, request.settings.defaults)
    report, over = known.analysed(job)
    limits = job.limits
    if request.choice is not None:
        try:
            request.choice.of_layers(report.layers)
        except ValueError as error:  # no layer fits, or a share is asked for of what isn't known
            raise ArgumentError(str(error)) from None
    measured = measured_figures(
        job, request.settings.latency, say, allow_unknown=request.allow_unknown
    )
    figures = ModelFigures(report, limits, measured, over)
    if request.update:
        limits = tuple(_absolute_only(limits))
    required = request.require_baseline or request.settings.require_baseline
    standing = None
    if any(map(is_relative, limits)):
        standing = baseline.of(job, report, figures)
        if required and standing.status == "renamed":
            # What it might have been is no entry of its own.
            standing = replace(standing, status="new", figures=None)
    verdicts = judge_report(
        report, limits, figures=figures, baseline=standing,
        allow_unknown=request.allow_unknown, require_baseline=required,
    )  # fmt: skip
    since = None if request.update else history.of(job, report, figures, standing)
    return Checked(job.model, verdicts, figures, report, job.variant, standing, since, over)


def _with_defaults(job: Job, usual: Defaults) -> Job:
    """The job with what fits of the defaults; a report has its sizes, and a stream is read once."""
    if not isinstance(job.source, (str, os.PathLike, bytes)):
        return job
    sizes = job.sizes
    if sizes.ranges:  # a shape doesn't go with them
        usual = replace(usual, shapes={})
    shapes, dims = sized(
        usual, job.source, sizes.shapes, {**dict.fromkeys(sizes.measured, 0), **sizes.dims}
    )
    own = {name: n for name, n in dims.items() if name in sizes.dims or name not in sizes.measured}
    return replace(job, sizes=replace(sizes, shapes=shapes, dims=own))


class _Known:
    """The report of the model that was last analysed: entries of one file follow each other often."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._found: tuple[Report, CostsOver | None] | None = None

    def analysed(self, job: Job) -> tuple[Report, CostsOver | None]:
        if not isinstance(job.source, (str, os.PathLike)):
            return analysed(job.source, job.sizes)
        key = os.path.realpath(job.source), job.variant, job.sizes.free
        if self._found is None or self._of != key:
            self._found = None  # so that two are never held
            self._of, self._found = key, analysed(job.source, job.sizes)
        return self._found


def _absolute_only(limits: Sequence[Limit]) -> Iterator[Limit]:
    for limit in limits:
        bounds = tuple(b for b in limit.bounds if b.relation == "absolute")
        if bounds or limit.patterns:
            yield replace(limit, bounds=bounds)
