"""What were a model's figures before: in a baseline's file, in an earlier model, at a commit?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cnnscope.analyzer.budgets.baselines import (
    LARGEST,
    Baseline,
    BaselineError,
    NotInCommitError,
    is_json,
    lfs_pointer,
    model_key,
    read_baseline,
)
from cnnscope.analyzer.budgets.figure import Figure, Figures
from cnnscope.analyzer.budgets.figures import ModelFigures
from cnnscope.analyzer.budgets.quantity import MEASURED
from cnnscope.analyzer.budgets.recognition import renamed_reason, standing_in
from cnnscope.analyzer.budgets.since import moved_figures
from cnnscope.analyzer.budgets.sketch import Sketch
from cnnscope.analyzer.budgets.standing import NO_BASELINE, Standing
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.gates.analysed import analysed_before
from cnnscope.runtime.gates.commit import Commit
from cnnscope.runtime.gates.git import file_at
from cnnscope.runtime.gates.jobs import CheckRequest, Job, is_relative, shown_path
from cnnscope.runtime.gates.latencies import measured_figures

_GIT: Final = "git:"


class Earlier:
    """The earlier figures of each model, read when the first relative limit needs them."""

    def __init__(
        self, request: CheckRequest, models: Sequence[str], since: Commit | None = None
    ) -> None:
        self.request = request
        self.since = since
        self._then: Baseline | None = None
        self.models = tuple(dict.fromkeys(models))
        self.several = len(self.models) > 1
        self.source = request.baseline
        if self.source is None and request.settings.baseline is not None:
            self.source = request.settings.baseline
            self.source = from_folder(self.source, request.settings.folder)
        self._read: Baseline | None = None
        self._gone: list[str] = []
        #: the commit at which each model is held against itself
        self.commit = since if since is not None and since.ref == self.ref else None
        #: what the models that were judged are called in the baseline
        self.met: set[str] = set()

    def of(self, job: Job, report: Report, figures: Figures) -> Standing:
        """Where a model stands.

        Raises:
            BaselineError: the baseline isn't there, or can't be read: that is no verdict on a model.
        """
        if self.source is None:
            return NO_BASELINE
        if self.source.startswith(_GIT):
            ref, _, path = self.source.removeprefix(_GIT).partition(":")
            if not path:  # each model as it was
                return self.of_commit(ref, job, report)
            if path.endswith(".json"):
                read = lambda: file_at(ref, Path(path))  # noqa: E731  # read when it is needed
                return self.of_file(job, Path(path), read, report, figures)
            return self.of_model(file_at(ref, Path(path)), job)
        path = self.source
        data = _head(Path(path))
        if path.endswith(".json") or is_json(data):
            return self.of_file(job, Path(path), lambda: _whole(Path(path)), report, figures)
        if lfs_pointer(data) is not None:
            raise BaselineError(f"{path}: a Git LFS pointer: run git lfs pull")
        return self.of_model(path, job)

    def of_commit(self, ref: str, job: Job, report: Report) -> Standing:
        """A model as it was at a commit; one that is new there may be another that has gone."""
        path = Path(job.model)
        commit = self.commit = self.commit or Commit(ref, self.models, path.parent)
        try:
            return self.of_model(commit.file(path), job)
        except NotInCommitError:
            pass
        none = f"the baseline {self.source} has no such model"
        found = commit.renamed(job.model, report)
        if found is None:
            return Standing("new", reason=none)
        other, data = found
        said = renamed_reason(none, other)
        return replace(self.of_model(data, job), status="renamed", other=other, reason=said)

    def of_file(
        self, job: Job, path: Path, read: Callable[[], bytes], report: Report, figures: Figures
    ) -> Standing:
        if self._read is None:
            assert self.source is not None
            self._read = read_baseline(read(), self.source)
            self._gone = self.gone_from(self._read, path.parent)
        found = self._read
        if found.single and self.several:  # one model's figures are no measure for all of them
            found = replace(found, single=False)
        key = model_key(job.model, path.parent)
        standing = standing_in(found, key, job.variant, Sketch.of(report), figures, self._gone)
        self.met.add(standing.other or key)
        return (
            standing
            if self.since is None
            else self.held_to(standing, key, job, path, report, figures)
        )

    def held_to(
        self, standing: Standing, key: str, job: Job, path: Path, report: Report, figures: Figures
    ) -> Standing:
        """The same, with what became of the baseline's own figures since a commit."""
        commit, then = self.since, self._then
        assert commit is not None
        if then is None:
            then = Baseline(str(self.source), {})
            with contextlib.suppress(BaselineError):  # there was none, or none that could be read
                then = read_baseline(commit.file(path), f"{self.source} at {commit.ref}")
            self._then = then
        if standing.status == "new":
            taken = f"taken out of the baseline {self.source} since {commit.ref}"
            if then.variants(key):
                return Standing("missing", None, "", f"its figures were {taken}")
            gone = self.gone_from(then, path.parent)
            was = standing_in(then, key, job.variant, Sketch.of(report), figures, gone).other
            if was:
                said = f"it looks like {was}, which has gone, and whose figures were {taken}"
                return Standing("missing", None, was, said)
        earlier = then.figures_for(key, job.variant, ())
        if standing.status != "known" or earlier is None or standing.figures is None:
            return standing
        return replace(standing, rewritten=moved_figures(earlier, standing.figures, job.limits))

    def gone_from(self, baseline: Baseline, folder: Path) -> list[str]:
        """The models of a baseline in a folder that are no file any more, and none that is checked."""
        checked = {model_key(model, folder) for model in self.models}
        return [
            name for name in baseline.names if name not in checked and not (folder / name).exists()
        ]

    @property
    def ref(self) -> str | None:
        """The commit, where each model is held against itself at one."""
        whole = self.source is not None and self.source.startswith(_GIT)
        ref, _, path = (self.source or "").removeprefix(_GIT).partition(":")
        return ref if whole and not path else None

    @property
    def files(self) -> list[str]:
        """The file in the working tree that it is, if it is one."""
        return [] if self.source is None or self.source.startswith(_GIT) else [self.source]

    @property
    def removed(self) -> tuple[str, ...]:
        """The models of a baseline's file that are no file any more, and that no other model is.

        Where none of its models is where it says, it is another folder's: nothing is known then.
        """
        if self._read is None or self._read.single or not self.met & set(self._read.names):
            return ()
        return tuple(name for name in self._gone if name not in self.met)

    def of_model(self, source: Source, job: Job) -> Standing:
        """A model beside an earlier one."""
        try:
            earlier, over = analysed_before(source, job.sizes)
        except CnnscopeError as error:
            raise BaselineError(f"the baseline {self.source}: {error}") from None
        measured: dict[str, Figure] = {}
        if any(x.quantity in MEASURED and is_relative(x) for x in job.limits):
            then = replace(job, source=source, model=f"the baseline {self.source}")
            latency = self.request.settings.latency
            measured = measured_figures(then, latency, say_nothing, allow_unknown=True)
        figures = ModelFigures(earlier, job.limits, measured, over)
        return Standing("known", figures, report=earlier)


def from_folder(source: str, folder: Path) -> str:
    """A baseline as a configuration in a folder has it, as seen from the working directory."""
    if not source.startswith(_GIT):
        return shown_path(folder / source)
    ref, colon, path = source.removeprefix(_GIT).partition(":")
    return f"{_GIT}{ref}:{shown_path(folder / path)}" if colon and path else source


def baseline_bytes(source: str) -> tuple[bytes, Path | None]:
    """What a baseline's file holds, and its folder; None: it is a commit's.

    Args:
        source: a path, or ``git:REF:path``.

    Raises:
        BaselineError: it can't be read.
    """
    if not source.startswith(_GIT):
        _head(Path(source))
        return _whole(Path(source)), Path(source).parent
    ref, _, path = source.removeprefix(_GIT).partition(":")
    if not path:
        raise BaselineError(f"{source}: each model as it was, and no file: git:{ref}:baseline.json")
    return file_at(ref, Path(path)), None


def _whole(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise BaselineError(f"{path}: too large for a baseline")
    return path.read_bytes()


def _head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        BaselineError: there is no such file, or it can't be read.
    """
    try:
        with open_regular(path) as file:
            return file.read(1024)
    except OSError as error:
        hint = ""
        if isinstance(error, FileNotFoundError) and path.suffix == ".json":
            hint = "; cnnscope baseline write or --update-baseline writes it"
        said = f"{path}: the baseline can't be read: {error.strerror or error}{hint}"
        raise BaselineError(said) from None
