"""Where does a command's model come from: a file, a place far away, or standard input?

``-`` stands for standard input, which is read once, into memory, and has to be a model's bytes. What is in
a file isn't looked at here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, Final, TypeAlias

from cnnscope.analyzer.model.piped import Piped
from cnnscope.analyzer.model.remote import Remote, remote_of
from cnnscope.runtime.commands.first_word import STANDARD_INPUT
from cnnscope.runtime.commands.messages import Misuse

Source: TypeAlias = str | Piped | Remote

#: bytes: no protobuf is larger, and a file of more has its weights beside it
LARGEST: Final = (1 << 31) - 1


def source_of(word: str) -> Source:
    """A model as `analyze` takes it.

    Args:
        word: a path, a URL, or ``-``.

    Raises:
        Misuse: standard input is a terminal, is closed, or has too much in it.
    """
    return _read() if word == STANDARD_INPUT else remote_of(word) or word


def sources_of(words: Sequence[str]) -> list[Source]:
    """Likewise of several; ``-`` may be one of them."""
    if words.count(STANDARD_INPUT) > 1:
        raise Misuse("- is standard input, which can be read only once: give one of them as a file")
    return [source_of(word) for word in words]


def name_of(source: Source) -> str:
    """What a model is called where it is spoken of."""
    return source if isinstance(source, str) else source.name


def _read() -> Piped:
    stream = sys.stdin
    if stream is None or stream.closed:
        raise Misuse("-: standard input is closed: pipe a model into it")
    if stream.isatty():
        raise Misuse(
            "-: standard input is a terminal: pipe a model into it (cat model.onnx | cnnscope -)"
        )
    pipe: IO[bytes] = stream.buffer
    try:
        data = pipe.read(LARGEST + 1)
    except OSError as error:
        raise Misuse(f"-: standard input can't be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise Misuse("-: more than 2 GiB on standard input, which no model's protobuf has")
    return Piped(data)
