"""Where is a new baseline written, and how: whole or not at all, and without losing what isn't understood?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.writing import check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.baseline_file import BaselineFile
    from cnnscope.analyzer.budgets.check import Check
    from cnnscope.runtime.gates.jobs import CheckRequest


def new_baseline(job: CheckRequest, models: Sequence[str], needed: str) -> Path:
    """The file that is meant: the request's, else the configuration's.

    Args:
        job: what is asked for.
        models: what it must not be.
        needed: what to say where none is named.
    """
    from cnnscope.runtime.gates.earlier import from_folder

    named = job.baseline
    if named is None and job.settings.baseline is not None:
        named = from_folder(job.settings.baseline, job.settings.folder)
    if named is None or named.startswith("git:") or not named.endswith(".json"):
        raise Misuse(needed)
    check_output(Path(named), models)
    return Path(named)


def saved_baseline(path: Path) -> BaselineFile:
    """What is in the file already; of one that isn't there, nothing.

    Raises:
        BaselineError: what is there is no baseline: it isn't written over.
    """
    from cnnscope.analyzer.budgets.baseline_file import BaselineFile
    from cnnscope.analyzer.budgets.baselines import BaselineError
    from cnnscope.runtime.gates.earlier import baseline_bytes

    if not path.exists() or not path.is_file():  # or a stream, which holds nothing
        return BaselineFile(str(path))
    try:
        return BaselineFile.read(baseline_bytes(str(path))[0], str(path))
    except BaselineError as error:
        raise BaselineError(f"{error}; delete it, or name another file") from None


def save_baseline(
    earlier: BaselineFile, found: Check, into: Path, *, whole: bool, gone: Collection[str] = ()
) -> BaselineFile:
    """Write the figures of a check's models, and give back what the file then holds."""
    from cnnscope.analyzer.budgets.baseline_file import BaselineFile

    text = earlier.written(found.models, into.parent, whole=whole, gone=gone)
    after = BaselineFile.read(text.encode(), str(into))  # what is written can be read
    save(text, into)
    return after
