"""Why couldn't models be read? Errors that differ in names and numbers alone are one reason, with examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.values.notation import name

#: what differs between two models with the same fault: quoted names, addresses and paths, numbers
_VARIES: Final = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`|\b[a-z][a-z0-9+.-]*://\S+|(?:\.{0,2}/)[\w.+@%/-]+|\b(?:0x[0-9a-f]+|\d[\d_.,]*)\b"""
)
_EXAMPLES: Final = 5
#: reasons that are told apart; what comes after is counted by its kind alone
_REASONS: Final = 500


def reason(error: str, path: str) -> str:
    """What an error says, without what is this model's own.

    >>> reason("a/b.onnx: node 'conv1': 3 inputs, not 2", "a/b.onnx")
    "node '…': … inputs, not …"
    """
    told = error.removeprefix(path).removeprefix(": ") if path else error
    told = told.replace(path, "…") if path else told
    return name(_VARIES.sub(_short, told), 300) or "without a word"


def _short(found: re.Match[str]) -> str:
    text = found[0]
    return f"{text[0]}…{text[0]}" if text[0] in "'\"`" else "…"


class Failures:
    """The reasons, each with how many models have it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[int]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, row: int, kind: str, error: str, path: str) -> tuple[str, bool]:
        """Count a model; which reason it has, and whether it is one of that reason's first examples."""
        key = (kind, reason(error, path))
        if key not in self._counts and len(self._counts) >= _REASONS:
            key = (kind, "something else")
        self._counts[key] = self._counts.get(key, 0) + 1
        examples = self._found.setdefault(key, [])
        first = len(examples) < _EXAMPLES
        if first:
            examples.append(row)
        return f"{key[0]}: {key[1]}", first

    def part(self) -> Iterator[dict[str, object]]:
        """The reasons, the most frequent first; examples are rows of the scan."""
        for kind, said in sorted(self._counts, key=lambda key: (-self._counts[key], key)):
            key = (kind, said)
            yield {
                "kind": kind,
                "said": said,
                "count": self._counts[key],
                "examples": self._found[key],
            }
