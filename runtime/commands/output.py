"""Where does a result go, in which format, whole or not at all?"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result, Setting, styled, written
from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from rich.console import Console

from cnnscope.runtime.commands.asked import Gate
from cnnscope.runtime.commands.messages import Misuse, silence


def installed_version() -> str:
    """The version of the package as installed: here, because it needs nothing else to be loaded."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnnscope")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return "0+unknown"


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


def write(text: str) -> None:
    """To standard output, as UTF-8 whatever the locale says.

    Whoever reads it may leave when they have seen enough: that is no fault, and changes no verdict.
    """
    if sys.stdout is None:
        raise Misuse("standard output is closed")
    data = text.encode("utf-8", "backslashreplace")
    buffer = getattr(sys.stdout, "buffer", None)
    try:
        if buffer is None:  # replaced by something that takes text only
            sys.stdout.write(data.decode("utf-8"))
            return
        sys.stdout.flush()
        buffer.write(data)
        buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def check_output(output: Path | None, models: Sequence[str]) -> None:
    """Before any work is done: that it may be written there."""
    if output is None:
        return
    if output.is_dir():
        raise Misuse(f"{output}: this is a folder; give a file")
    if output.is_block_device() or output.is_socket():
        raise Misuse(f"{output}: this is a disk or a socket; give a file")
    if not output.parent.is_dir():
        raise Misuse(f"{output}: can't be written: there is no folder {output.parent}")
    for model in models:
        with contextlib.suppress(OSError):
            if output.samefile(model):
                raise Misuse(f"{output}: this is the model itself; give another file")
    if output.suffix.lower() == ".onnx" and output.exists():
        raise Misuse(f"{output}: this is a model; give another file")


def save(text: str, output: Path) -> None:
    """To a file, wholly or not at all: beside it first, then in its place."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_stream(output):
            # Its reader may leave when they have seen enough.
            with contextlib.suppress(BrokenPipeError), output.open("ab") as file:
                file.write(data)
            return
        target = output.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        descriptor, beside = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(beside).chmod(mode)
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Misuse(f"{output}: can't be written: {error.strerror or error}") from None


def _is_stream(output: Path) -> bool:
    """What can't be replaced: a device, a pipe, or this process's own stream by its name."""
    own = output.is_absolute() and output.parts[1:2] in (("dev",), ("proc",))
    return output.exists() and (own or not output.is_file())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
