"""What were a model's figures before: in a baseline's file, in an earlier model, at a commit?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cnnscope.analyzer.analysis import analyze
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
from cnnscope.analyzer.budgets.quantity import LATENCIES
from cnnscope.analyzer.model.binding import named_shapes
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.values.diagnostics import (
    CnnscopeError,
)
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.gates.jobs import CheckRequest, Job, is_relative, shown_path
from cnnscope.runtime.gates.latencies import measured_figures

_GIT: Final = "git:"


class Earlier:
    """The earlier figures of each model, read when the first relative limit needs them."""

    def __init__(self, request: CheckRequest, models: Sequence[str]) -> None:
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
        if any(x.quantity in LATENCIES and is_relative(x) for x in job.limits):
            then = replace(job, source=source, model=f"the baseline {self.source}")
            measured = measured_figures(then, earlier, self.request.settings.latency, say_nothing)
        return ModelFigures(earlier, job.limits, measured)


def _from_folder(source: str, folder: Path) -> str:
    """A baseline as a configuration in a folder has it, as seen from the working directory."""
    if not source.startswith(_GIT):
        return shown_path(folder / source)
    ref, colon, path = source.removeprefix(_GIT).partition(":")
    return f"{_GIT}{ref}:{shown_path(folder / path)}" if colon and path else source
