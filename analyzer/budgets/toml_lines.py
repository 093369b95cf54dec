"""On which line of a TOML file does each key stand?

`tomllib` checks a file and gives its values without their places. This reads the places from a text
that `tomllib` has accepted, and nothing else: table headers, keys (bare, quoted, dotted), inline
tables and arrays, stepping over strings and comments (TOML 1.0.0, https://toml.io/en/v1.0.0).
A path is the keys from the top; the elements of an array are counted from 0.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

TomlPath = tuple[str | int, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SKIP: Final = re.compile(r"[ \t\r\n]|#[^\n]*")
_SCALAR: Final = re.compile(r"[^\s,\]}#]+(?: [0-9][0-9:.Z+-]*)?")  # a date may have a blank inside
# Longest first: three quotes are no empty string and a quote.
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


#: the most parts of a dotted key, and brackets in each other
DEEPEST: Final = 32
_SIGNS: Final = re.compile(r"""["'#.\n,=\[\]{}]""")
_IN_STRING: Final = {
    quote: re.compile(rf"\\\\|{quote}" + ("" if len(quote) > 1 else r"|\n"))
    for quote in ('"', "'", '"""', "'''")
}


def too_deep(text: str) -> int | None:
    """The line of the first key of more than `DEEPEST` parts, or of so many brackets in each other.

    `tomllib` takes the square of a key's parts in room, and recurses into brackets: this is asked
    before it, of a text that may be no TOML at all. None where there is no such line.

    >>> too_deep("a = 1\\n" + "b." * 40 + "c = 2")
    2
    """
    at = dots = depth = 0
    size = len(text)
    while found := _SIGNS.search(text, at):
        sign = found[0]
        start, at = at, found.end()
        if sign in "\"'":
            quote = sign * 3 if text.startswith(sign * 3, at - 1) else sign
            at = found.start() + len(quote)
            ends = _IN_STRING[quote]
            while inner := ends.search(text, at):
                # What follows a backslash ends no string, in one that has escapes.
                at = inner.end() + (inner[0] == "\\" and sign == '"')
                if inner[0] != "\\":
                    break
            else:
                return None  # tomllib says what is wrong with it
            if inner[0] != quote:
                at = inner.start()
        elif sign == "#":
            line_end = text.find("\n", at)
            at = size if line_end < 0 else line_end
        elif sign == ".":
            dots += 1
        else:
            dots = 0
            if sign in "[{":
                depth += 1
            elif sign in "]}":
                depth -= 1
        if dots >= DEEPEST or depth > DEEPEST:
            return text.count("\n", 0, max(start, found.start())) + 1
    return None


def key_lines(text: str) -> dict[TomlPath, int]:
    """The line of every key and array element, counted from 1, by path; tables by their header.

    Args:
        text: what `tomllib.loads` has accepted.

    >>> key_lines('a = 1\\n[b]\\nc.d = [2,\\n 3]')[("b", "c", "d", 1)]
    4
    """
    return _Reader(text.replace("\r\n", "\n")).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.found: dict[TomlPath, int] = {}
        #: how many elements each array of tables has by now
        self.arrays: dict[TomlPath, int] = {}

    def read(self) -> dict[TomlPath, int]:
        table: TomlPath = ()
        while self.skip():
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.found

    # -- the text, a piece at a time -----------------------------------------------------------

    def take(self, length: int) -> str:
        piece = self.text[self.at : self.at + length]
        self.at += length
        self.line += piece.count("\n")
        return piece

    def skip(self) -> bool:
        """Past blanks, line ends and comments; whether anything comes after them."""
        while found := _SKIP.match(self.text, self.at):
            self.take(len(found[0]))
        return self.at < len(self.text)

    def peek(self) -> str:
        self.skip()
        return self.text[self.at : self.at + 1]

    def note(self, path: TomlPath, line: int) -> None:
        for i in range(1, len(path) + 1):  # tables that only dotted keys make, too
            self.found.setdefault(path[:i], line)

    # -- its parts ---------------------------------------------------------------------------------

    def header(self) -> TomlPath:
        line = self.line
        several = self.text.startswith("[[", self.at)
        self.take(2 if several else 1)
        keys = self.keys()
        self.take(2 if several else 1)
        path = self.placed(keys[:-1])
        path = (*path, keys[-1]) if several else self.placed(keys)
        if several:
            index = self.arrays.get(path, 0)
            self.arrays[path] = index + 1
            path = (*path, index)
        self.note(path, line)
        return path

    def placed(self, keys: list[str]) -> TomlPath:
        """The path that the keys of a header mean: of an array of tables its last element."""
        path: TomlPath = ()
        for key in keys:
            path = (*path, key)
            if path in self.arrays:
                path = (*path, self.arrays[path] - 1)
        return path

    def keys(self) -> list[str]:
        """A dotted key, up to what ends it."""
        keys = []
        while True:
            start = self.peek()
            pattern = _STRING if start in "\"'" else _BARE
            found = pattern.match(self.text, self.at)
            if found is None:
                raise ValueError(f"line {self.line}: no key")
            piece = self.take(len(found[0]))
            keys.append(_unquoted(piece) if start in "\"'" else piece)
            if self.peek() != ".":
                return keys
            self.take(1)

    def pair(self, table: TomlPath) -> None:
        self.skip()
        line = self.line
        path = (*table, *self.keys())
        self.note(path, line)
        self.take(1)  # the equals sign
        self.value(path)

    def value(self, path: TomlPath) -> None:
        start = self.peek()
        if start == "[":
            self.take(1)
            index = 0
            while self.peek() != "]":
                self.note((*path, index), self.line)
                self.value((*path, index))
                index += 1
                if self.peek() == ",":
                    self.take(1)
            self.take(1)
        elif start == "{":
            self.take(1)
            while self.peek() != "}":
                self.pair(path)
                if self.peek() == ",":
                    self.take(1)
            self.take(1)
        else:
            pattern = _STRING if start in "\"'" else _SCALAR
            found = pattern.match(self.text, self.at)
            if found is None:
                raise ValueError(f"line {self.line}: no value")
            self.take(len(found[0]))


def _unquoted(piece: str) -> str:
    (value,) = tomllib.loads(f"x = {piece}").values()
    return str(value)
