"""What does a line say, where it can be read in one way only?

Nearly all lines can: options by their whole names, each with a value of its type, and as many words as there
are arguments. Those are read here, from the command's signature. Whatever is odd about a line, and be it only
a sign before a number, is typer's to read or to refuse (`typer_command.py`). `tests/test_plain_line.py` holds
one against the other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from cnnscope.runtime.commands.first_word import STANDARD_INPUT
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.signature import Argument, Option, signature_of

_WHOLE = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


class _Odd(Exception):
    """Something on the line isn't plain."""


def read_plainly(
    name: str, command: Callable[..., object], words: Sequence[str]
) -> dict[str, object] | None:
    """What the words are to the command's function, by parameter; what isn't given is left to its defaults.

    Args:
        name: the command's.
        command: its function.
        words: those behind the name.

    Returns:
        None where the line isn't plain; it may be right all the same.
    """
    options, arguments = signature_of(command)
    named = {text: x for x in options if x.parameter for text in x.names}
    found: dict[str, object] = {}
    by_place: list[str] = []
    waiting = iter(words)
    try:
        for word in waiting:
            if not word.startswith("-") or word == STANDARD_INPUT:
                by_place.append(word)
                continue
            text, equals, value = word.partition("=")
            if text not in named or (equals and not text.startswith("--")):
                return None
            option = named[text]
            if option.flag:
                if equals or option.parameter in found:
                    return None
                found[option.parameter] = text not in option.off
                continue
            _give(found, option, value if equals else next(waiting, ""), name)
        return found | _placed(arguments, by_place)
    except _Odd:
        return None


def _give(found: dict[str, object], option: Option, word: str, command: str) -> None:
    value = _value(word, option.kind, option.declared.min)
    if option.declared.check is not None:
        try:
            option.declared.check(command, word)
        except (Misuse, ValueError):
            raise _Odd from None
    if option.several:
        before = found.setdefault(option.parameter, [])
        assert isinstance(before, list)
        before.append(value)
    elif option.parameter in found:
        raise _Odd
    else:
        found[option.parameter] = value


def _placed(arguments: Sequence[Argument], words: Sequence[str]) -> dict[str, object]:
    """The words by their places; the last argument may take several."""
    if len(words) < sum(x.needed for x in arguments):
        raise _Odd
    *ahead, last = arguments
    found: dict[str, object] = {
        x.name: _value(word, x.kind) for x, word in zip(ahead, words, strict=False)
    }
    left = [_value(word, last.kind) for word in words[len(ahead) :]]
    if len(left) > 1 and not last.several:
        raise _Odd
    if left:
        found[last.name] = left if last.several else left[0]
    return found


def _value(word: str, kind: object, least: float | None = None) -> object:
    """A word as a value of the type, where there is no doubt."""
    if not word or (word.startswith("-") and word != STANDARD_INPUT) or "\0" in word:
        raise _Odd
    if kind is str:
        return word
    if kind is Path:
        if os.path.exists(word) and not os.access(word, os.R_OK):  # noqa: PTH110  # no word on why
            raise _Odd
        return Path(word)
    if isinstance(kind, type) and issubclass(kind, Enum):
        for member in kind:
            if member.value == word:
                return member
        raise _Odd
    number: int | float
    if kind is int and _WHOLE.fullmatch(word):
        number = int(word)
    elif kind is float and _NUMBER.fullmatch(word):
        number = float(word)
    else:
        raise _Odd
    if least is not None and number < least:
        raise _Odd
    return number
