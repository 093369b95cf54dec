"""What is said when a scan is done: how many models have what, and which couldn't be read first of all."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.runtime.commands.messages import blame, complain

if TYPE_CHECKING:
    from cnnscope.runtime.fleet.scan_progress import ScanProgress


def outcome(done: ScanProgress) -> str:
    """What came of it, in a line."""
    from cnnscope.analyzer.values.notation import many

    said = [f"{done.ok} ok"]
    said += [f"{done.partial} partial"] if done.partial else []
    said += [many(done.error, "error")] if done.error else []
    shared = f"; {many(done.reused, 'graph')} known already" if done.reused else ""
    return f"{many(done.done, 'model')}: {', '.join(said)}{shared}"


def blame_first(done: ScanProgress, output: Path | None) -> None:
    """A line for each of the first models with an error, and how to see the others.

    Args:
        done: the scan.
        output: its table; None where that went to standard output.
    """
    from cnnscope.analyzer.values.notation import many

    for place, said in done.first_errors:
        blame(place, said)
    left = done.error - len(done.first_errors)
    if left > 0:
        why = "their rows say why"
        if output is not None:
            why = f"cnnscope scan --summary {shlex.quote(str(output))} says why"
        complain(f"{many(left, 'more error')}: {why}")
