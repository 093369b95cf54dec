"""Where does a result go, in which format, whole or not at all?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result, Setting, styled, written
from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from rich.console import Console

    from cnnscope.runtime.commands.asked import Gate

from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.writing import check_output, installed_version, save, write


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


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def emit(result: Result, format: str, output: Path | None) -> None:  # noqa: A002
    """To where it was asked for: on a terminal with its colours, where it has some."""
    console = _console()
    if output is not None:
        save(text_in(result, format), output)
    elif format == "table" and console.is_terminal and not console.legacy_windows:
        with console.capture() as seen:  # a job's log may ask for colours, too (FORCE_COLOR)
            for part in styled(result):
                console.print(part, soft_wrap=True)
        write(without_commands(seen.get()))
    else:
        write(text_in(result, format))


def text_in(result: Result, format: str) -> str:  # noqa: A002
    """The result in a format."""
    return written(result, format, Setting(_console().width, installed_version))
