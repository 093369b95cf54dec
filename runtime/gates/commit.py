"""Which files did a commit have, and which of them may a model have been?"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from typing import Final

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.budgets.baselines import BaselineError, NotInCommitError
from cnnscope.analyzer.budgets.recognition import most_alike
from cnnscope.analyzer.budgets.sketch import Sketch
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.runtime.gates.git import Known, differs, file_at, files_at
from cnnscope.runtime.gates.jobs import shown_path

#: so many of a commit's files that have gone are looked at, those with the nearest names first
_MOST_GONE: Final = 20
#: and so many of the names are compared, by so many characters at their ends
_MOST_NAMED, _MOST_READ = 2000, 200


class Commit:
    """A commit, and what of it isn't there any more.

    Args:
        ref: a branch, a tag or a commit.
        models: those that are checked now.
        folder: somewhere in the repository.
    """

    def __init__(self, ref: str, models: Sequence[str], folder: Path) -> None:
        self.ref = ref
        self.models = frozenset(shown_path(Path(name)) for name in models)
        self.folder = folder
        self._known: Known = {}
        self._last: tuple[Path, bytes] | None = None
        self._sketches: dict[str, Sketch | None] = {}

    def file(self, path: Path) -> bytes:
        """What a file held.

        Raises:
            NotInCommitError: the commit has no such file.
            BaselineError: there is no such commit, or its content isn't here.
        """
        # The baseline and the history ask for the same.
        if self._last is None or self._last[0] != path:
            self._last = path, file_at(self.ref, path, self._known)
        return self._last[1]

    def rewritten(self, path: str) -> bool:
        """Whether a file is there now and was another one, or none, then; what can't be told isn't.

        Args:
            path: as seen from the working directory.
        """
        try:
            return differs(self.ref, Path(path))
        except NotInCommitError:
            return True
        except BaselineError:
            return False

    @cached_property
    def gone(self) -> list[str]:
        """Its files that aren't there any more, as seen from the working directory.

        Raises:
            BaselineError: there is no such commit.
        """
        names = map(shown_path, files_at(self.ref, self.folder / "x"))
        return [x for x in names if x not in self.models and not Path(x).exists()]

    def renamed(self, model: str, report: Report) -> tuple[str, bytes] | None:
        """The file that a model was, if it looks like one that has gone, and what that held.

        Raises:
            BaselineError: what one of them held isn't here.
        """
        suffix = Path(model).suffix
        of_kind = sorted(self.gone, key=lambda x: Path(x).suffix != suffix)[:_MOST_NAMED]
        near = sorted(of_kind, key=lambda x: (Path(x).suffix != suffix, -_nearness(x, model)))[
            :_MOST_GONE
        ]
        own = Sketch.of(report)
        other = most_alike(near, lambda name: self._likeness(name, own, suffix))
        return None if other is None else (other, self.file(Path(other)))

    def _likeness(self, name: str, own: Sketch, suffix: str) -> float:
        if name not in self._sketches:
            self._sketches[name] = self._sketch(name, suffix)
        sketch = self._sketches[name]
        return 0.0 if sketch is None else own.likeness(sketch)

    def _sketch(self, name: str, suffix: str) -> Sketch | None:
        """What a file that has gone looked like; None: it was no model.

        Raises:
            BaselineError: it probably was one, by its suffix, and its content isn't here: then nobody can
                say that another one is new.
        """
        try:
            data = self.file(Path(name))
        except NotInCommitError:  # a link that led nowhere
            return None
        except BaselineError:
            if Path(name).suffix == suffix:
                raise
            return None
        try:
            return Sketch.of(analyze(data))
        except CnnscopeError:  # it couldn't be read then, either
            return None


def _nearness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[-_MOST_READ:], other[-_MOST_READ:]).ratio()
