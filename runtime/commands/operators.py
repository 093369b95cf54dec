"""The command operators: which operators are covered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import Output, Written
from cnnscope.runtime.commands.declared import argument
from cnnscope.runtime.commands.messages import FINE, Misuse, complain
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.writing import check_output


def list_operators(wanted: str | None, format: str, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.operators.coverage import find_coverage
    from cnnscope.analyzer.operators.plugins import load_plugins
    from cnnscope.analyzer.render.forms.json import rows_of
    from cnnscope.analyzer.render.subjects.coverage import document

    rows = find_coverage()
    for note in load_plugins():
        complain(f"{note.severity}: {note.message} ({note.hint})")
    if wanted is not None:
        found = [x for x in rows if wanted.lower() in f"{x.domain}::{x.op}".lower()]
        if not found:
            import difflib

            close = difflib.get_close_matches(wanted, [x.op for x in rows], 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise Misuse(f"no known operator's name contains {wanted!r}{meant}")
        rows = found
    check_output(output, [])
    shown = document(rows)
    result = Result(lambda: [shown], lambda: rows_of(shown), rows=True)
    emit(result, format, output)
    return FINE


EPILOG = "Example: cnnscope operators Conv --format json"


def operators(
    filter: Annotated[  # noqa: A002  # shown as FILTER
        str | None,
        argument(metavar="FILTER", help="Only operators whose name contains this."),
    ] = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """Which operators are covered, and how.

    By rules, by a function of ONNX, by its schema alone, or not at all.
    """
    return lambda: list_operators(filter, format, output)
