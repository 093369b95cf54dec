"""Which values does JSON have, and what is each as Python's, if it is what is wanted?

Numbers are as long as lengths and sums in models get, and no longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

#: makes a value of what JSON has
Read = Callable[[object], Any]
#: a product of lengths, of which each has 63 bits at most; what is divided by another is a float
_HUGE = 1 << 1000
#: values of a file: each takes some sixty bytes of memory, with however few it is written
_MOST = 1 << 25
#: what JSON calls its values
_WORDS: Mapping[type, str] = {
    dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null",
}  # fmt: skip


class WrongDataError(ValueError):
    """Data isn't what it has to be; `where` leads to it from the outside in."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.where: list[str | int] = []

    def __str__(self) -> str:
        said = str(self.args[0])
        path = ""
        for step in reversed(self.where):
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
        return f"{path}: {said}" if path else said


def is_vast(data: bytes) -> bool:
    """JSON with more values than anything that is read as a whole has; they aren't read to be counted.

    >>> is_vast(b"[[],[]]")
    False
    """
    return data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST


def entries(data: object) -> dict[str, object]:
    """The members of an object."""
    if not isinstance(data, dict):
        raise WrongDataError(f"an object is wanted, this is {word(data)}")
    return data


def elements(data: object) -> list[object]:
    """What is in a list."""
    if not isinstance(data, list):
        raise WrongDataError(f"a list is wanted, this is {word(data)}")
    return data


def word(data: object) -> str:
    """What sort of a value it is."""
    return _WORDS.get(type(data), "a number")


def text(data: object) -> str:
    if not isinstance(data, str):
        raise WrongDataError(f"a text is wanted, this is {word(data)}")
    return data


def integer(data: object) -> int:
    if type(data) is not int:
        raise WrongDataError(f"a whole number is wanted, this is {word(data)}")
    if not -_HUGE < data < _HUGE:
        raise WrongDataError("a number of hundreds of digits")
    return data


def count(data: object) -> int:
    if type(data) is int and 0 <= data < _HUGE:  # as nearly always
        return data
    raise WrongDataError(f"{str(integer(data))[:40]}, where nothing is below 0")


def real(data: object) -> float:
    if not isinstance(data, float):
        return integer(data)
    if not math.isfinite(data):
        raise WrongDataError("no number that JSON has")
    return data


def truth(data: object) -> bool:
    if not isinstance(data, bool):
        raise WrongDataError(f"true or false is wanted, this is {word(data)}")
    return data


def fraction(data: object) -> int | Fraction:
    """A number that isn't whole is a text, ``"1/2"``."""
    if not isinstance(data, str):
        return integer(data) if type(data) is int else Fraction(real(data))
    top, slash, bottom = data.partition("/")
    if (
        len(data) > 1000
        or not slash
        or not top.removeprefix("-").isdecimal()
        or not bottom.strip("0").isdecimal()
    ):
        raise WrongDataError(f"{data[:40]!r} is no fraction")
    return Fraction(int(top), int(bottom))


PLAIN: Mapping[object, Read] = {
    str: text, bool: truth, float: real, object: lambda data: data,
    Fraction: lambda data: x if isinstance(x := fraction(data), Fraction) else Fraction(x),
}  # fmt: skip


def one_of(words: Sequence[object]) -> Read:
    def read(data: object) -> object:
        if not isinstance(data, str) or data not in words:
            said = ", ".join(map(repr, words))
            raise WrongDataError(f"one of {said} is wanted")
        return data

    return read


def alternatives(readings: Sequence[Read], *, empty: bool) -> Read:
    *others, last = readings

    def read(data: object) -> object:
        if data is None and empty:
            return None
        for reading in others:
            try:
                return reading(data)
            except WrongDataError:
                pass
        return last(data)

    return read


def listing(reading: Read) -> Read:
    def read(data: object) -> object:
        found = []
        for i, part in enumerate(elements(data)):
            try:
                found.append(reading(part))
            except WrongDataError as error:
                error.where.append(i)
                raise
        return tuple(found)

    return read


def row(readings: Sequence[Read]) -> Read:
    def read(data: object) -> object:
        parts = elements(data)
        if len(parts) != len(readings):
            raise WrongDataError(f"{len(readings)} values are wanted, these are {len(parts)}")
        return tuple([reading(part) for reading, part in zip(readings, parts, strict=True)])

    return read


def table(reading: Read) -> Read:
    def read(data: object) -> object:
        found = {}
        for name, part in entries(data).items():
            try:
                found[name] = reading(part)
            except WrongDataError as error:
                error.where.append(f"{name:.60}")
                raise
        return found

    return read
