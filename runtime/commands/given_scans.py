"""Is what a command was given a scan's table, where it takes models, too?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.runtime.commands.messages import Misuse

if TYPE_CHECKING:
    from cnnscope.analyzer.fleet.scan_table import Scan

#: how a table may begin, and no model does
_PARQUET, _LINES = b"PAR1", b"{"


def given_scans(words: Sequence[str]) -> bool:
    """Whether these are scans, all of them.

    Raises:
        Misuse: some are, and others aren't.
    """
    scans = [word for word in words if _is_scan(word)]
    if scans and len(scans) < len(words):
        other = next(word for word in words if word not in scans)
        raise Misuse(f"{scans[0]} is a scan, and {other} isn't: give models, or scans")
    return bool(scans)


def _is_scan(word: str) -> bool:
    """Asked of the file only where it begins as no model does: most are models, and have to be read soon."""
    try:
        path = Path(word)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(len(_PARQUET))
    except (OSError, ValueError):
        return False
    if head != _PARQUET and head[:1] != _LINES:
        return False
    from cnnscope.analyzer.fleet.scan_file import is_scan

    return is_scan(word)


def read_given(word: str) -> Scan:
    """A scan that was given.

    Raises:
        Misuse: it can't be read.
    """
    import gc

    from cnnscope.analyzer.fleet.scan_table import read_scan
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    gc.enable()  # a scan has any number of rows
    try:
        return read_scan(word)
    except (CnnscopeError, ImportError) as error:
        raise Misuse(str(error)) from None


def refuse_for_scans(asked: Mapping[str, object]) -> None:
    """Raises Misuse where an option was given that a scan's rows have no answer to.

    Args:
        asked: what was given, by the option's name.
    """
    for option, value in asked.items():
        if value:
            raise Misuse(
                f"{option} goes with models, not with a scan: its rows are what they were when it was made"
            )
