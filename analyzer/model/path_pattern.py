"""Which paths does a pattern mean, name by name?

As a shell has it: ``*``, ``?`` and ``[...]`` stand for what is in one name, ``**`` for any number of
folders, and none of them for a name with a dot before it, unless the pattern has the dot. A place in a
pattern is known by how far each way through it has come, so that a tree is walked once however many ``**``
there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import Final, TypeAlias

#: what makes a name a pattern
MAGIC: Final = frozenset("*?[")
ANY_DEPTH: Final = "**"
#: how many names of the pattern are behind, on each way
Reached: TypeAlias = frozenset[int]


class PathPattern:
    """A pattern, as names from the folder on where it begins.

    Args:
        parts: its names.

    >>> pattern = PathPattern(["**", "*.onnx"])
    >>> pattern.fits(["a", "b", "m.onnx"]), pattern.fits(["m.onnx"]), pattern.fits(["a", ".m.onnx"])
    (True, True, False)
    """

    def __init__(self, parts: Sequence[str]) -> None:
        before = ("", *parts)
        self.parts = tuple(
            part for part, last in zip(parts, before, strict=False) if not part == last == ANY_DEPTH
        )
        if self.parts[-1:] == (ANY_DEPTH,):  # at the end it stands for a file, too
            self.parts += ("*",)
        self._fits = [re.compile(translate(x)).match for x in self.parts]
        self.start: Reached = self._on({0})

    def step(self, reached: Reached, name: str, *, deep: bool = True) -> Reached:
        """How far a name leads; nowhere if the pattern doesn't mean it.

        Args:
            reached: how far those before it led.
            name: of a folder or file.
            deep: whether ``**`` may stand for it.
        """
        hidden = name.startswith(".")
        found = set()
        for i in reached:
            if i == len(self.parts):
                continue
            part = self.parts[i]
            if part == ANY_DEPTH:
                if deep and not hidden:
                    found.add(i)
            elif name == part or (
                (not hidden or part.startswith(".")) and MAGIC & set(part) and self._fits[i](name)
            ):
                found.add(i + 1)
        return self._on(found)

    def whole(self, reached: Reached) -> bool:
        """Whether that is all of it."""
        return len(self.parts) in reached

    def goes_on(self, reached: Reached) -> bool:
        """Whether it may mean something further down."""
        return any(i < len(self.parts) for i in reached)

    def fits(self, names: Iterable[str]) -> bool:
        """Whether it means a path."""
        reached = self.start
        for name in names:
            reached = self.step(reached, name)
            if not reached:
                return False
        return self.whole(reached)

    def _on(self, found: set[int]) -> Reached:
        """``**`` may stand for nothing."""
        more = found
        while more:
            more = {
                i + 1 for i in more if i < len(self.parts) and self.parts[i] == ANY_DEPTH
            } - found
            found |= more
        return frozenset(found)
