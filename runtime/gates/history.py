"""What became of each model since a commit, or since the baseline was written?"""

from __future__ import annotations

import os
from pathlib import Path

from cnnscope.analyzer.analysis import diff
from cnnscope.analyzer.budgets.baselines import BaselineError, NotInCommitError
from cnnscope.analyzer.budgets.figure import Figures
from cnnscope.analyzer.budgets.figures import ModelFigures
from cnnscope.analyzer.budgets.since import Since, moved_figures
from cnnscope.analyzer.budgets.standing import Standing
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import CnnscopeError, one_line
from cnnscope.runtime.gates.analysed import analysed_before
from cnnscope.runtime.gates.commit import Commit
from cnnscope.runtime.gates.jobs import Job


class History:
    """What became of each model.

    Args:
        commit: that the models are compared with; None: only what the baseline knows is.
        alone: it is one model: if the baseline is one, too, they are compared layer by layer.
        same: the commit is the baseline, too: what that read needn't be read again.
    """

    def __init__(self, commit: Commit | None, *, alone: bool = False, same: bool = False) -> None:
        self.commit = commit
        self.alone = alone
        self.same = same

    def of(
        self, job: Job, report: Report, figures: Figures, standing: Standing | None
    ) -> Since | None:
        """What became of a model; None where there is nothing to compare it with."""
        if self.commit is not None and isinstance(job.source, (str, os.PathLike)):
            read = standing.report if self.same and standing is not None else None
            return self._since_commit(self.commit, job, report, figures, read)
        if standing is None or standing.status == "missing":
            return None
        if standing.figures is None:
            return Since("new")
        moved = moved_figures(standing.figures, figures, job.limits)
        found = None
        if standing.report is not None and self.alone:
            found = diff(standing.report, report)
        if standing.status == "renamed":
            return Since("renamed", standing.other, moved, found)
        same = not moved and (found is None or found.same)
        return Since("same" if same else "changed", "", moved, found)

    def _since_commit(
        self, commit: Commit, job: Job, report: Report, figures: Figures, earlier: Report | None
    ) -> Since:
        path = Path(job.model)
        other = ""
        try:
            try:
                data = commit.file(path)
            except NotInCommitError:
                found = commit.renamed(job.model, report)
                if found is None:
                    return Since("new")
                other, data = found
            if data == path.read_bytes():
                beside = [x for x in beside_files(path, report) if commit.rewritten(str(x))]
                if beside and not other:
                    said = f"the numbers in {', '.join(x.name for x in beside)}"
                    return Since("changed", reason=said)
                return Since("renamed", other) if other else Since("same")
            over = None
            if earlier is None or job.sizes.ranges:
                earlier, over = analysed_before(data, job.sizes)
            found_difference = diff(earlier, report)
        except (BaselineError, OSError) as error:
            return Since("unknown", other, reason=one_line(str(error), 300))
        except CnnscopeError as error:
            return Since(
                "unknown", other, reason=one_line(f"the earlier model can't be read: {error}", 300)
            )
        moved = moved_figures(ModelFigures(earlier, job.limits, {}, over), figures, job.limits)
        return Since("renamed" if other else "changed", other, moved, found_difference)


def beside_files(path: Path, report: Report) -> list[Path]:
    """The files that hold a model's weights beside it."""
    if report.model.weights not in ("external", "mixed"):
        return []
    found: dict[Path, None] = {}
    for tensor in open_model(path).model.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if "location" in entries and "cnnscope" not in entries:
            found[path.parent / entries["location"]] = None
    return list(found)
