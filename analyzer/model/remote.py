"""What is a model that lies far away, before anybody asks for its bytes?

A place, opened once: a command asks for a model's inputs, its sizes and its layers, each time of the same
opened file. Nothing is loaded for it until it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cnnscope.analyzer.model.byte_ranges import ByteRanges
from cnnscope.analyzer.model.remote_names import is_far, shown_place


class FarRanges(ByteRanges, Protocol):
    """Bytes far away: what they are part of may change meanwhile, and has neighbours."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know of how it was read: sentences."""

    def settle(self) -> None:
        """All that was asked for so far is of one and the same object, or it is said that it isn't.

        Raises:
            ModelFileError: it has changed.
        """

    def sizes_beside(self, locations: Sequence[str]) -> Mapping[str, int | None]:
        """By name, how many bytes files have that lie beside; None: there is none. What isn't known lacks."""


class Remote:
    """A model by its place.

    Args:
        place: as given, with what may be secret in it.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self.name = shown_place(place)
        #: the opened file, which `open_model` keeps here
        self.kept: object = None

    def ranges(self) -> ByteRanges:
        """The bytes.

        Raises:
            ModelFileError: there are none, or what reads such places isn't installed.
        """
        from cnnscope.analyzer.model.far_places import ranges_at

        return ranges_at(self._place)

    def __repr__(self) -> str:
        return f"Remote({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other._place == self._place

    def __hash__(self) -> int:
        return hash(self._place)

    def __reduce__(self) -> tuple[type[Remote], tuple[str]]:
        """For another process, which opens it anew."""
        return Remote, (self._place,)


def remote_of(word: str) -> Remote | None:
    """The model that a text names, if it lies far away."""
    return Remote(word) if is_far(word) else None
