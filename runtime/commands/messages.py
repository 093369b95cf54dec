"""What is said on standard error, and with which exit code does a command end?"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.values.diagnostics import CnnscopeError


FINE, FAILED, BAD, INTERRUPTED = 0, 1, 2, 130


#: so many of a model's errors are said on standard error
_ERRORS = 3


class Misuse(Exception):
    """The command line contradicts itself or the model; one line says how.

    Args:
        said: that line; several where several things are wrong, as in a configuration.
    """

    def __init__(self, *said: str) -> None:
        super().__init__("; ".join(said))
        self.problems = said


def complain_of_each(problems: Sequence[str]) -> int:
    for said in problems:
        complain(said)
    return BAD


def complain(said: str) -> None:
    """One line on standard error, nothing in it taken for a control character."""
    # Not with render's words for it: this has to work when nothing else can be imported.
    seen = "".join(c if c.isprintable() else _escaped(c) for c in said[:2000])
    write_aside(f"cnnscope: {seen}\n")


def write_aside(text: str) -> None:
    """To standard error; that nobody reads it changes nothing."""
    if sys.stderr is None:
        return
    try:
        encoding = sys.stderr.encoding or "utf-8"
        text = without_commands(text).encode(encoding, "backslashreplace").decode(encoding)
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """What other packages warn of: it may quote a name."""
    write_aside(warnings.formatwarning(message, category, filename, lineno, line))


def blame(path: str, error: CnnscopeError | Misuse | str) -> None:
    """What is wrong with a model, its path first."""
    said = str(error)
    complain(said if said.startswith(path) else f"{path}: {said}")


def complain_of_errors(report: Report) -> None:
    """A line for each of the first nodes that can't be, whatever the format."""
    path, errors = report.model.path or "the model", report.errors
    for error in errors[:_ERRORS]:
        blame(path, error.message)
    left = len(errors) - _ERRORS
    if left > 0:
        from cnnscope.analyzer.values.notation import many

        blame(
            path,
            f"{many(left, 'more node')} {'contradicts' if left == 1 else 'contradict'} the model",
        )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def internal_error(error: Exception) -> str:
    show_traceback()
    said = " ".join(str(error).split())
    return (
        f"internal error: {type(error).__name__}: {_shortened(said)}; please report it "
        "(CNNSCOPE_DEBUG=1 shows where)"
    )


def _shortened(said: str) -> str:
    """An error's own words, no longer than a line takes."""
    return said if len(said) <= 300 else said[:297] + "..."


def show_traceback() -> None:
    if os.environ.get("CNNSCOPE_DEBUG") == "1":
        import traceback

        write_aside(traceback.format_exc())


@contextlib.contextmanager
def faults_shown() -> Iterator[None]:
    """With CNNSCOPE_DEBUG=1, the tracebacks of rules and plugins that broke, as they come."""
    if os.environ.get("CNNSCOPE_DEBUG") != "1":
        yield
        return
    import logging

    class Aside(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write_aside(f"{self.format(record)}\n")

    logger, handler = logging.getLogger("cnnscope"), Aside()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def silence(stream: TextIO | None) -> None:
    """From now on nothing is written there: what Python still holds would fail again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


@contextlib.contextmanager
def watched(path: str) -> Iterator[Callable[[str], None]]:
    """A function to be told what is being done: shown, only where a person watches."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda said: None
        return
    from rich.console import Console
    from rich.text import Text

    from cnnscope.analyzer.values.notation import name

    def shown(said: str) -> Text:
        return Text(without_commands(said), no_wrap=True, overflow="ellipsis")

    with Console(stderr=True).status(shown(name(path))) as status:
        yield lambda said: status.update(shown(f"{name(path)}: {name(said)}"))


@contextlib.contextmanager
def progress(path: str) -> Iterator[None]:
    """After a second, and only where a person watches: what is being worked on."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    import threading

    from rich.console import Console
    from rich.text import Text

    from cnnscope.analyzer.values.notation import name

    said = Text(without_commands(f"analysing {name(path)}"), no_wrap=True, overflow="ellipsis")
    status = Console(stderr=True).status(said)
    timer = threading.Timer(1.0, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
