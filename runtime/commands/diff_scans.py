"""What does the command diff do with two scans? It tells what changed among their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.given_scans import read_given, refuse_for_scans
from cnnscope.runtime.commands.messages import FAILED, FINE, Misuse, complain, progress
from cnnscope.runtime.commands.output import emit

if TYPE_CHECKING:
    from cnnscope.runtime.commands.diff_request import Differing


def diff_scan_files(request: Differing) -> int:
    """Tell what changed from one scan to the next.

    Raises:
        Misuse: an option has no meaning for scans, or one can't be read.
    """
    from cnnscope.analyzer.fleet.scan_difference import SCAN_CONDITIONS
    from cnnscope.analyzer.fleet.scan_diffing import diff_scans
    from cnnscope.analyzer.render.subjects.scan_difference import document
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.analyzer.values.near_names import near_names

    refuse_for_scans({
        "--shape": request.shapes, "--dim": request.dims, "--value": request.values,
        "--no-weights": not request.weights,
    })  # fmt: skip
    conditions = tuple(text.strip() for text in request.fail_on)
    for condition in conditions:
        if condition not in SCAN_CONDITIONS:
            close = near_names(condition, SCAN_CONDITIONS)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise Misuse(
                f"--fail-on {condition}: of scans there are {', '.join(SCAN_CONDITIONS)}{meant}"
            )
    before, after = read_given(request.before), read_given(request.after)
    try:
        with progress(after.path):
            found = diff_scans(before, after, (before.path, after.path))
    except CnnscopeError as error:  # a row that is damaged
        raise Misuse(str(error)) from None
    every = request.everything
    result = Result(lambda: [document(found, everything=every)], found.streamed)
    emit(result, request.format, request.output)
    failing = found.failing(conditions)
    for condition, why in failing.items():
        complain(f"--fail-on {condition}: {why}")
    return FAILED if failing else FINE
