"""Which models are to be checked, each at which sizes and against which limits?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final, TypeAlias

from cnnscope.analyzer.budgets.check import Problem
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.settings import ConfigError, LimitKey, ModelSettings, Settings
from cnnscope.analyzer.model.own_sizes import Sizes
from cnnscope.analyzer.model.piped import Piped
from cnnscope.analyzer.model.remote import Remote, remote_of
from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.length_texts import lengths_text
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.gates.model_paths import PathError, Search
from cnnscope.runtime.gates.places import Given, Place, own_sizes

GivenShapes: TypeAlias = Mapping[str | None, Sequence[int | None]]
#: models times entries that one configuration may ask for
_MOST_JOBS: Final = 20_000


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check.

    Args:
        models: paths, or whatever else `analyze` takes, or reports; none: those of the settings.
        settings: the configuration.
        limits: in place of the settings' with the same key, for every model.
        shapes, dims, values: in place of the settings', for every model.
        baseline: in place of the settings'.
        allow_unknown: tolerate everything that can't be judged.
        update: the figures are wanted for a new baseline: relative limits aren't judged.
        anywhere: the settings' paths may lead out of their folder.
        require_baseline: a model that the baseline doesn't know keeps no relative limit.
        since: a branch, tag or commit: what became of each model since then is told.
        choice: the layers that the limits given are on, no others; the settings' limits aren't judged.
        ranges, free: several lengths of free dimensions, and what the file fixes and is opened, likewise.
    """

    models: Sequence[Given] = ()
    settings: Settings = field(default_factory=Settings)
    limits: Sequence[Limit] = ()
    shapes: GivenShapes | None = None
    dims: Mapping[str, int] | None = None
    baseline: str | None = None
    allow_unknown: bool = False
    update: bool = False
    anywhere: bool = False
    values: Mapping[str, object] | None = None
    require_baseline: bool = False
    since: str | None = None
    choice: Choice | None = None
    ranges: Mapping[str, Sequence[int]] | None = None
    free: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One model and its budget."""

    model: str
    source: Given
    limits: tuple[Limit, ...]
    sizes: Sizes = field(default_factory=Sizes)

    @property
    def variant(self) -> str:
        """The sizes that are given, in words."""
        sizes = [
            f"{'' if name is None else f'{name}='}{'x'.join('?' if n is None else str(n) for n in x)}"
            for name, x in sorted(self.sizes.shapes.items(), key=lambda pair: pair[0] or "")
        ]
        several = {name: lengths_text(x) for name, x in self.sizes.ranges.items()}
        told = {**self.sizes.dims, **several, **self.sizes.values}
        return ", ".join([*sizes, *(f"{name}={n}" for name, n in sorted(told.items()))])


def plan(request: CheckRequest) -> tuple[list[Job], list[Problem]]:
    """The models to judge with their limits, and the patterns that no file matches.

    Raises:
        ConfigError: there is no model, or a model has no limit.
    """
    settings = request.settings
    places: list[Place] = []
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
                        places.append(Place(shown_path(file), file, entry))
            if len(places) > _MOST_JOBS:
                raise ConfigError([f"more than {_MOST_JOBS} models to check: write fewer entries"])
    for given in request.models:
        model = (remote_of(given) if isinstance(given, str) else None) or given
        name, path = _named(model)
        own: list[ModelSettings | None] = []
        if path is not None:
            own += [
                entry for entry in settings.models
                if any(search.fits(pattern, path) for pattern in entry.patterns)
            ]  # fmt: skip
        places += [Place(name, model, entry) for entry in own or [None]]
    asked = Sizes(
        request.shapes or {}, request.dims or {}, request.values or {}, request.ranges or {}, request.free
    )  # fmt: skip
    sized, unmet = own_sizes(places, asked, partly=bool(request.models))
    problems += unmet
    jobs = _each_once([_job(request, place, *sizes) for place, *sizes in sized])
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
        place = "" if isinstance(source, (str, os.PathLike, Remote)) else id(source)
        limits = tuple(replace(limit, origin="") for limit in job.limits)
        kept.setdefault((job.model, place, job.variant, job.sizes.free, limits), job)
    return list(kept.values())


def shown_path(path: Path) -> str:
    """The path as seen from the working directory, where it lies below it."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _named(model: Given) -> tuple[str, Path | None]:
    path = model.model.path if isinstance(model, Report) else model
    if isinstance(path, Remote):
        return path.name, None
    if isinstance(path, str) and is_far(path):
        return path, None
    if isinstance(path, (str, os.PathLike)):
        return os.fsdecode(path), Path(os.fsdecode(path))
    return (model.name if isinstance(model, Piped) else "model in memory"), None


def _job(request: CheckRequest, place: Place, own: Sizes, asked: Sizes) -> Job:
    """A model's job.

    Args:
        request: what to check.
        place: the model, and its entry.
        own, asked: the entry's and the request's sizes, as far as the model has what they are of.
    """
    settings, entry = request.settings, place.entry
    limits: dict[LimitKey, Limit] = {limit.key: limit for limit in settings.limits}
    allowed = settings.allow_unknown
    if entry is not None:
        limits = {key: limit for key, limit in limits.items() if key not in entry.without}
        limits.update((limit.key, limit) for limit in entry.limits)
        allowed = allowed if entry.allow_unknown is None else entry.allow_unknown
    if request.choice is not None:  # what is on the model isn't on some of its layers
        limits = {}
    limits.update((limit.key, limit) for limit in request.limits)
    return Job(
        place.name,
        place.source,
        tuple(_allowing(limit, allowed) for limit in limits.values()),
        own.under(asked),
    )


def _allowing(limit: Limit, allowed: bool | tuple[str, ...]) -> Limit:
    tolerant = allowed if isinstance(allowed, bool) else limit.quantity in allowed
    return replace(limit, allow_unknown=tolerant)


def is_relative(limit: Limit) -> bool:
    return any(bound.relation != "absolute" for bound in limit.bounds)
