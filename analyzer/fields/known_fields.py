"""What has been worked out of fields in this analysis already?

A network asks the same again and again: of height and width, of all paths and of single ones, of
block after block. Fields of a plain net answer at once; those of many phases, or that list their
units, are gone through once.
"""

from __future__ import annotations

from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.narrower import narrower
from cnnscope.analyzer.values.phases import Phases
from cnnscope.analyzer.values.window import Window


class KnownFields:
    """Answers about fields, of one analysis.

    Args:
        latest: of a scan (a forward recurrence, a running sum, causal attention) it is asked how far
            ahead its units see, not since when: unit i is taken to see what its latest steps read.
    """

    __slots__ = ("_behind", "_beyond", "_narrower", "_phases", "_unions", "latest")

    def __init__(self, latest: bool = False) -> None:
        self.latest = latest
        self._behind: dict[tuple[Field, Window, int | None], Field | None] = {}
        self._unions: dict[tuple[Field, Field, int | None], tuple[Field | None, bool]] = {}
        self._narrower: dict[tuple[Field, Field, int | None], bool] = {}
        # By the identity of a field that is kept beside: to hash a list of units is to go through it.
        self._phases: dict[tuple[int, int | None], tuple[Field, Phases | None]] = {}
        self._beyond: dict[tuple[int, int], tuple[Field, tuple[int, ...]]] = {}

    def behind(self, field: Field, window: Window, length: int | None) -> Field | None:
        """`Field.through`, lists that march in step written as such."""
        if len(field.spans) == 1 and not field.bounded and type(window.stride) is int:
            return field.through(window, length)
        asked = field, window, length
        if asked not in self._behind:
            found = field.through(window, length)
            self._behind[asked] = None if found is None else found.regular()
        return self._behind[asked]

    def union(self, a: Field, b: Field, length: int | None) -> tuple[Field | None, bool]:
        """`Field.union`, and whether the two are aligned."""
        if len(a.spans) == 1 == len(b.spans) and not a.bounded and not b.bounded:
            return a.union(b, length), a.aligned_with(b)
        asked = a, b, length
        if asked not in self._unions:
            self._unions[asked] = a.union(b, length), a.aligned_with(b)
        return self._unions[asked]

    def narrower(self, a: Field, b: Field, length: int | None) -> bool:
        """`narrower`."""
        if len(a.spans) == 1 == len(b.spans) and not a.bounded and not b.bounded:
            return narrower(a, b, length)
        asked = a, b, length
        if asked not in self._narrower:
            self._narrower[asked] = narrower(a, b, length)
        return self._narrower[asked]

    def phases(self, field: Field, length: int | None) -> Phases | None:
        """`Field.phases`."""
        if not field.bounded:
            return field.phases(length)
        asked = id(field), length
        if asked not in self._phases:
            self._phases[asked] = field, field.phases(length)
        return self._phases[asked][1]

    def beyond(self, field: Field, length: int) -> tuple[int, ...]:
        """Of a field that lists its units, those whose span leaves an input's axis."""
        asked = id(field), length
        if asked not in self._beyond:
            units = [
                unit for unit, span in enumerate(field.spans)
                if span is not None and (span[0] < 0 or span[1] >= length)
            ]  # fmt: skip
            self._beyond[asked] = field, tuple(units)
        return self._beyond[asked][1]

    def forget(self) -> None:
        """Keep nothing beyond the analysis."""
        self._behind.clear()
        self._unions.clear()
        self._narrower.clear()
        self._phases.clear()
        self._beyond.clear()
