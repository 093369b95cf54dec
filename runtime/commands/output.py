"""Where does a result go, in which format, whole or not at all?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result, Setting, pieces, styled, written
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.values.package_version import installed_version

if TYPE_CHECKING:
    from rich.console import Console

    from cnnscope.runtime.commands.asked import Gate

from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.writing import check_output, save, write


def check_gate_outputs(request: Gate) -> None:
    for path in (request.output, *(path for _, path in request.reports)):
        check_output(path, request.models)


def emit_gate(result: Result, request: Gate) -> None:
    for format, path in request.reports:  # noqa: A001
        save(text_in(result, format), path)
    if request.format == "github":
        _summarise(lambda: text_in(result, "markdown"))
    emit(result, request.format, request.output)


def _summarise(markdown: Callable[[], str]) -> None:
    """Onto the summary of a GitHub job, where there is one. A step's is a MiB at most."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    if not named:
        return
    data = without_commands(markdown()).encode("utf-8", "backslashreplace")[: 1 << 19]
    try:
        with Path(named).open("ab") as file:
            file.write(data + b"\n")
    except OSError as error:
        raise Misuse(f"{named}: can't be written: {error.strerror or error}") from None


def _console() -> Console | None:
    """Where there is anything to be styled, in colour or bold: rich, which otherwise isn't loaded."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return None
    # rich asks these, too: a job's log may want colours, and something may pass for a terminal.
    wished = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")
    if not wished and not (sys.stdout is not None and sys.stdout.isatty()):
        return None
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal and not console.legacy_windows else None


def emit(result: Result, format: str, output: Path | None) -> None:  # noqa: A002
    """To where it was asked for: on a terminal with its colours, where it has some."""
    if output is not None:
        save(pieces(result, format, Setting(_wished_width(), installed_version)), output)
    elif format != "table" or (console := _console()) is None:
        write(pieces(result, format, Setting(_screen_width(), installed_version)))
    else:
        with console.capture() as seen:  # a job's log may ask for colours, too (FORCE_COLOR)
            for part in styled(result, _screen_width()):
                console.print(part, soft_wrap=True)
        write(without_commands(seen.get()))


def text_in(result: Result, format: str) -> str:  # noqa: A002
    """The result in a format, as a file has it."""
    return written(result, format, Setting(_wished_width(), installed_version))


def _wished_width() -> int | None:
    """How wide a text is to be, whoever reads it; None: nobody said so."""
    wished = os.environ.get("COLUMNS", "")
    return int(wished) if wished.isascii() and wished.isdigit() and int(wished) > 0 else None


def _screen_width() -> int | None:
    """That of the terminal written to; None where there is none: nothing is cut for a file or a pipe."""
    import shutil

    if _wished_width() is not None or sys.stdout is None or not sys.stdout.isatty():
        return _wished_width()
    return shutil.get_terminal_size().columns
