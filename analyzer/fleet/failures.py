"""Why is there no report of some models? Messages of one pattern together, how many, and one for example."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cnnscope.analyzer.values.plain_class import dataclass

#: patterns that are told apart
_MOST: Final = 1000
_LONGEST: Final = 300
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBER: Final = re.compile(r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\d[\d,._]*\d|\d")


@dataclass(frozen=True, slots=True)
class Failure:
    """Models that failed alike.

    Args:
        kind: the scan's ``error_kind``.
        pattern: what is said, names as ``'…'`` and numbers as ``#``.
        models: how many.
        example: one of them.
        message: what is said of that one.
    """

    kind: str
    pattern: str
    models: int
    example: str
    message: str

    def to_dict(self) -> dict[str, object]:
        return {
            "error_kind": self.kind,
            "pattern": self.pattern,
            "models": self.models,
            "example": {"path": self.example, "error": self.message},
        }


def pattern_of(message: str, path: str) -> str:
    """A message without what is of one model alone.

    >>> pattern_of("a/m7.onnx: node 'conv1': 3 inputs, not 2", "a/m7.onnx")
    "node '…': # inputs, not #"
    """
    text = message[: 4 * _LONGEST]
    if path:
        text = text.removeprefix(f"{path}: ").replace(path, "…")
        last = path.replace("\\", "/").rpartition("/")[2]
        text = text.removeprefix(f"{last}: ")
    return _NUMBER.sub("#", _QUOTED.sub("'…'", text))[:_LONGEST]


class Failing:
    """Failures as they are met, a model at a time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[int, str, str]] = {}
        #: models that fail in ways beyond those that are told apart
        self.others = 0

    def add(self, kind: str, message: str, path: str) -> None:
        """One more model that failed."""
        key = kind, pattern_of(message, path)
        if key in self._known:
            count, example, said = self._known[key]
            # Which one is the example doesn't hang on the order in which models were read.
            first = min((example, said), (path, message))
            self._known[key] = (count + 1, *first)
        elif len(self._known) < _MOST:
            self._known[key] = (1, path, message)
        else:
            self.others += 1

    def failures(self) -> tuple[Failure, ...]:
        """Those found so far, the most frequent first."""
        found: Iterable[Failure] = (
            Failure(kind, pattern, *kept) for (kind, pattern), kept in self._known.items()
        )
        return tuple(sorted(found, key=lambda x: (-x.models, x.kind, x.pattern)))
