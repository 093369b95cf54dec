"""Which command is meant by the first word: its own name, or a model, which means `analyze`?

A word is a command's name or it is a file. What looks like a path is one, so that a slip in a file's name is
said to be no file; a file with a command's name goes by its path (``./check``). Nothing here loads typer.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from cnnscope.runtime.commands.messages import Misuse

#: the command of a model alone
USUAL: Final = "analyze"
#: stands for a model on standard input
STANDARD_INPUT: Final = "-"


def with_command(given: Sequence[str], commands: Collection[str]) -> list[str]:
    """The words, a command's name before all others.

    Args:
        given: what was typed: at least one word, and none of the top level's own options first.
        commands: the names that there are.

    Raises:
        Misuse: the first word is neither a command nor a file.

    >>> with_command(["m.onnx", "--sort", "macs"], ["analyze", "check"])
    ['analyze', 'm.onnx', '--sort', 'macs']
    >>> with_command(["check", "m.onnx"], ["analyze", "check"])
    ['check', 'm.onnx']
    """
    first = given[0]
    if first in commands:
        return list(given)
    if first.startswith("-") and first != STANDARD_INPUT:
        late = _command_behind(given, commands)
        if late is not None:
            raise Misuse(
                f"a command goes before its options: cnnscope {late} {first} ...; {late} as a"
                f" file is {os.curdir}{os.sep}{late}"
            )
    elif not looks_like_model(first):
        from cnnscope.analyzer.values.near_names import near_names

        close = near_names(first, commands, 1)
        meant = f"; did you mean {close[0]!r}?" if close else ", and no such file"
        raise Misuse(f"there is no command {first!r}{meant} (see cnnscope --help)")
    return [USUAL, *given]


def looks_like_model(word: str) -> bool:
    """Is a word a file's rather than a command's: is there one, or does it look like a path?

    >>> looks_like_model("resnet.onnx"), looks_like_model("models/a"), looks_like_model("analise")
    (True, True, False)
    """
    if word == STANDARD_INPUT or "." in word or any(x in word for x in (os.sep, os.altsep) if x):
        return True
    try:
        return bool(word) and Path(word).exists()
    except (OSError, ValueError):
        return False


def _command_behind(given: Sequence[str], commands: Collection[str]) -> str | None:
    """A command's name behind the options, where it can be neither an option's value nor a file."""
    for before, word in itertools.pairwise(given):
        value = before.startswith("-") and "=" not in before
        if word in commands and not value and not looks_like_model(word):
            return word
    return None
