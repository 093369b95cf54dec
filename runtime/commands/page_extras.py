"""What does a page show beside the analysis: a run of the model, stated ceilings, limits kept or not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import PATIENCE, PROFILE, VERIFY, GivenShapes
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.reading import ask_for_runtime, run_in_children
from cnnscope.runtime.commands.sources import Source

if TYPE_CHECKING:
    from cnnscope.analyzer.render.page.contents import Contents
    from cnnscope.analyzer.report.machine import Ceilings
    from cnnscope.runtime.gates.jobs import CheckRequest


@dataclass(frozen=True)
class Extras:
    """What `cnnscope report` was asked for beside the page.

    Args:
        run: run the model, and hold the analysis against that.
        recording: or take its times from a GPU's records.
        provider, seed, timeout: of the run.
        ceilings: arithmetic and memory, as somebody states them.
        limits, config: as `check` takes them.
    """

    run: bool = False
    recording: Path | None = None
    provider: str = "auto"
    seed: int = 0
    timeout: float | None = PATIENCE
    ceilings: str | None = None
    limits: Sequence[str] = ()
    config: Path | None = None

    def check(self) -> None:
        """Whatever can be said against them before any work is done.

        Raises:
            Misuse: one is none, or doesn't go with another.
        """
        self.stated()
        if self.run and self.recording is not None:
            raise Misuse("--run doesn't go with --from-recording: what ran is in the recording")
        if not self.run and (self.provider != "auto" or self.seed):
            raise Misuse("--provider and --seed go with --run")
        if self.run:
            ask_for_runtime()

    def stated(self) -> Ceilings | None:
        """The ceilings.

        Raises:
            Misuse: they are none.
        """
        from cnnscope.analyzer.report.stated_ceilings import stated_ceilings

        if self.ceilings is None:
            return None
        try:
            return stated_ceilings(self.ceilings)
        except ValueError as error:
            raise Misuse(f"--ceilings: {error}") from None


def with_extras(
    contents: Contents, extras: Extras, source: Source, request: CheckRequest | None
) -> Contents | None:
    """The contents with all of them; None, and a line on standard error, where the model can't be run.

    Raises:
        CnnscopeError: the limits can't be judged.
    """
    contents = replace(contents, ceilings=extras.stated())
    if extras.run or extras.recording is not None:
        ran = _with_run(contents, extras, source)
        if ran is None:
            return None
        contents = ran
    if request is not None:
        from cnnscope.runtime.gates.checking import run_check

        found = run_check(replace(request, models=(contents.report,)))
        if found.problems:
            raise Misuse(found.problems[0].said)
        contents = replace(contents, budgets=found.models[0])
    return contents


def _with_run(contents: Contents, extras: Extras, source: Source) -> Contents | None:
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.profile.job import ProfileJob

    jobs: list[tuple[str, object]]
    shapes: GivenShapes = dict(contents.shapes.items())
    base = ModelJob(source, shapes, {}, extras.provider, seed=extras.seed)
    if extras.recording is not None:
        base = replace(base, shapes={})
        jobs = [(PROFILE, ProfileJob(base, recording=str(extras.recording)))]
    else:
        jobs = [(PROFILE, ProfileJob(base)), (VERIFY, base)]
    done = run_in_children(source, jobs, extras.timeout)
    if done is None:
        return None
    profile, verification = (*done, None)[:2]
    assert isinstance(profile, Profile)
    assert isinstance(verification, Verification | None)
    report = replace(contents.report, execution=Execution(profile, verification))
    return replace(contents, report=report)
