"""How does text get to standard output or into a file, whole or not at all?"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cnnscope.runtime.commands.messages import Misuse, silence

#: in a file's place, as - stands for standard input in a model's
STANDARD_OUTPUT: Final = "-"


def write(text: str | bytes | Iterable[str]) -> None:
    """To standard output, as UTF-8 whatever the locale says; pieces of a text as they come.

    Whoever reads it may leave when they have seen enough: that is no fault, and changes no verdict.
    """
    if sys.stdout is None:
        raise Misuse("standard output is closed")
    buffer = getattr(sys.stdout, "buffer", None)
    try:
        if buffer is None:  # replaced by something that takes text only
            for data in _encoded(text):
                sys.stdout.write(data.decode("utf-8"))
            return
        sys.stdout.flush()
        for data in _encoded(text):
            buffer.write(data)
        buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def _encoded(text: str | bytes | Iterable[str]) -> Iterator[bytes]:
    if isinstance(text, bytes):
        yield text
        return
    for piece in (text,) if isinstance(text, str) else text:
        yield piece.encode("utf-8", "backslashreplace")


def check_output(
    output: Path | None,
    models: Sequence[str],
    *,
    replaces: bool = False,
    inputs: Iterable[Path | None] = (),
) -> None:
    """Before any work is done: that it may be written there.

    Args:
        output: the file; None or ``-`` for standard output.
        models: those that are read.
        replaces: what is written is a model, and takes the place of one that is there.
        inputs: other files that are read.
    """
    if output is None or str(output) == STANDARD_OUTPUT:
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
        if output.exists() and _holds_weights(output, model):
            raise Misuse(f"{output}: this is the model's data; give another file")
    for file in filter(None, inputs):
        with contextlib.suppress(OSError):
            if output.samefile(file):
                raise Misuse(f"{output}: this is read, too; give another file")
    if output.suffix.lower() == ".onnx" and output.exists() and not replaces:
        raise Misuse(f"{output}: this is a model; give another file")


def _holds_weights(output: Path, model: str) -> bool:
    """Whether weights of a model lie in a file that is there: they do in its folder, or aren't read."""
    if not Path(model).is_file() or Path(model).resolve().parent not in output.resolve().parents:
        return False
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.model.rewriting import holds_weights
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    try:
        return holds_weights(open_model(model), output)
    except CnnscopeError:  # it is said where the model is read
        return False


def save(text: str | bytes | Iterable[str], output: Path) -> None:
    """To a file, wholly or not at all: beside it first, then in its place; ``-`` is standard output."""
    if str(output) == STANDARD_OUTPUT:
        write(text)
        return
    from cnnscope.analyzer.model.whole_file import written_whole

    try:
        if _is_stream(output):
            # Its reader may leave when they have seen enough.
            with contextlib.suppress(BrokenPipeError), output.open("ab") as file:
                file.writelines(_encoded(text))
            return
        with written_whole(output) as file:
            file.writelines(_encoded(text))
    except OSError as error:
        raise Misuse(f"{output}: can't be written: {error.strerror or error}") from None


def _is_stream(output: Path) -> bool:
    """What can't be replaced: a device, a pipe, or this process's own stream by its name."""
    own = output.is_absolute() and output.parts[1:2] in (("dev",), ("proc",))
    return output.exists() and (own or not output.is_file())
