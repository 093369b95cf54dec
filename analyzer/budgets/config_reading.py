"""How are the values of a configuration's tables read, and what is said of those that can't be meant?

Whatever is wrong is kept with its line, so that all of it can be told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cnnscope.analyzer.budgets.limit_text import suggestion
from cnnscope.analyzer.budgets.settings import GivenShapes
from cnnscope.analyzer.budgets.toml_lines import TomlPath as Keys
from cnnscope.analyzer.values.length_texts import (
    Between,
    TooManyLengthsError,
    parse_lengths,
)

#: so many things that are wrong are told of one file
_MOST_PROBLEMS: Final = 100


class Enough(Exception):
    """So much is wrong that the rest needn't be told."""


class Reading:
    """Reads values, and keeps what is wrong with them."""

    def __init__(self, path: Path, lines: Mapping[Keys, int]) -> None:
        self.path = path
        self.lines = lines
        self.problems: list[tuple[int, str]] = []

    def line(self, keys: Keys) -> int:
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def origin(self, keys: Keys) -> str:
        return f"{self.path.name}:{self.line(keys)}"

    def fault(self, keys: Keys, message: str) -> None:
        line = self.line(keys)
        self.problems.append((line, f"{self.path}:{line}: {message}"))
        if len(self.problems) >= _MOST_PROBLEMS:
            raise Enough

    def table(self, value: object, keys: Keys, what: str) -> Mapping[str, object]:
        if isinstance(value, dict):
            return value
        self.fault(keys, f"{what} is a table, not {sort_of(value)}")
        return {}

    def known(self, table: Mapping[str, object], keys: Keys, allowed: Sequence[str]) -> None:
        place = f"[{'.'.join(str(k) for k in keys if isinstance(k, str))}]" if keys else "here"
        for key in table:
            if key not in allowed:
                self.fault(
                    (*keys, key), f"unknown key {key!r} in {place}{suggestion(key, allowed)}"
                )

    def truth(self, own: Mapping[str, object], key: str) -> bool:
        value = own.get(key, False)
        if isinstance(value, bool):
            return value
        self.fault((key,), f"{key} is true or false, not {sort_of(value)}")
        return False

    def values(self, value: object, keys: Keys) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, given in self.table(value, keys, "values").items():
            if _is_numbers(given):
                found[name] = given
            else:
                self.fault(
                    (*keys, name), f"{given!r} is no value: write a number or a list of them"
                )
        return found

    def shapes(self, value: object, keys: Keys) -> GivenShapes:
        if isinstance(value, (str, list)):  # of the only input
            shape = self.shape(value, keys)
            return {} if shape is None else {None: shape}
        found: GivenShapes = {}
        for name, given in self.table(value, keys, "shapes").items():
            shape = self.shape(given, (*keys, name))
            if shape is not None:
                found[name] = shape
        return found

    def shape(self, value: object, keys: Keys) -> tuple[int | None, ...] | None:
        parts = value.lower().replace(",", "x").split("x") if isinstance(value, str) else value
        lengths: list[int | None] = []
        if isinstance(parts, list):
            for part in parts if value not in ("", "scalar") else []:
                text = part.strip() if isinstance(part, str) else str(part)
                if isinstance(part, bool) or not (text == "?" or _is_length(text)):
                    break
                lengths.append(None if text == "?" else int(text))
            else:
                return tuple(lengths)
        self.fault(keys, f'{value!r} is no shape: write "1x3x224x224" or [1, 3, 224, 224]')
        return None

    def lengths(self, value: object, keys: Keys) -> tuple[dict[str, int], dict[str, Sequence[int]]]:
        """Lengths of free dimensions: of those that have one, and of those that have several."""
        table = self.table(value, keys, "dims")
        ranges: dict[str, Sequence[int]] = {}
        for name, given in table.items():
            text = ",".join(map(str, given)) if isinstance(given, list) else given
            if not isinstance(text, str):
                continue
            try:
                several = parse_lengths(text)
                ranges[name] = (
                    several.each if isinstance(several, Between)
                    else (several,) if isinstance(several, int) else several
                )  # fmt: skip
            except TooManyLengthsError as error:
                self.fault((*keys, name), f"{given!r:.60}: {error}")
            except ValueError:
                self.fault(
                    (*keys, name),
                    f'{given!r:.60} are no lengths: write a number, "224..640", "224..640:32" or [224, 256]',
                )
        own = {k: x for k, x in table.items() if not isinstance(x, (str, list))}
        return self.dims(own, keys), ranges

    def opened(self, value: object, keys: Keys) -> tuple[str, ...]:
        """What of the files' fixed axes is opened."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(x, str) and x for x in texts):
            self.fault(keys, 'free is what is opened: free = "HxW", or a list')
            return ()
        return tuple(texts)

    def dims(self, value: object, keys: Keys) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, given in self.table(value, keys, "dims").items():
            if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 10**18:
                self.fault((*keys, name), f"{given!r} is no length: write a number")
            else:
                found[name] = given
        return found


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _is_numbers(value: object) -> bool:
    """Numbers or truths, or lists of them."""
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return isinstance(value, (int, float))


def sort_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else "a number"
