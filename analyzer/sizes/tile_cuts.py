"""Which parts of an axis are cut out, so that each of its tiles is computed as the whole is?

A tile has a number of whole steps of its own. What is cut out for it begins on the grid, as many steps
earlier as its halo needs, and ends behind its halo where the network accepts that length; at the ends of
the axis it ends where the axis does, so that the network's own padding applies there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cnnscope.analyzer.sizes.cutting import Sides, TileAxis
from cnnscope.analyzer.values.conditions import Condition
from cnnscope.analyzer.values.plain_class import dataclass

#: pixels by which a part is made longer, beside two steps, before only whole steps are tried
_TRIED: Final = 64

#: lengths of a group's axes to whether the network accepts them
Accepts = Callable[[tuple[int, ...]], bool]


@dataclass(frozen=True, slots=True)
class Cut:
    """What is cut out of the axes of a group for one tile.

    Args:
        own: its own steps, from and to before.
        start: the step that what is cut out begins at.
        parts: for each axis of the group the pixels, from and to before.
        last: it is the last one, and has all units behind its own steps, too.
    """

    own: tuple[int, int]
    start: int
    parts: tuple[tuple[int, int], ...]
    last: bool

    @property
    def lengths(self) -> tuple[int, ...]:
        """How long what is cut out is, along each axis."""
        return tuple(stop - start for start, stop in self.parts)


class NoCuts(Exception):
    """No length of what is cut out is accepted.

    Args:
        asked: a condition that they don't meet; None where none is known.
    """

    def __init__(self, asked: Condition | None = None) -> None:
        super().__init__(str(asked))
        self.asked = asked


def cuts(
    axes: Sequence[TileAxis],
    lengths: Sequence[int],
    count: int,
    accepts: Accepts,
    short: Callable[[tuple[int, ...]], Sequence[int]],
    halos: Sequence[Sides] | None = None,
) -> list[Cut]:
    """The tiles of a group of axes, in order.

    Args:
        axes: the group's.
        lengths: how long each is.
        count: steps of its own that a tile has.
        accepts: lengths of the axes to whether the network accepts them.
        short: lengths of the axes to by how much more a halo has to reach behind.
        halos: for each axis, if not its own.

    Raises:
        NoCuts: no length is accepted that some tile could have.
    """
    halos = halos or [axis.halo for axis in axes]
    steps = max(length // axis.step for axis, length in zip(axes, lengths, strict=True)) or 1
    early = max(-(-before // axis.step) for axis, (before, _) in zip(axes, halos, strict=True))
    found = []
    for first in range(0, steps, count):
        last = first + count >= steps
        stop = steps if last else first + count
        start = max(0, first - early)
        parts = _parts(axes, lengths, halos, start, stop, last, accepts, short)
        while parts is None and start > 0:  # too little is left at the end: begin earlier
            start -= 1
            parts = _parts(axes, lengths, halos, start, stop, last, accepts, short)
        if parts is None:
            raise NoCuts
        found.append(Cut((first, stop), start, parts, last))
    return found


def _parts(
    axes: Sequence[TileAxis], lengths: Sequence[int], halos: Sequence[Sides], start: int, stop: int,
    last: bool, accepts: Accepts, short: Callable[[tuple[int, ...]], Sequence[int]],
) -> tuple[tuple[int, int], ...] | None:  # fmt: skip
    """The shortest parts that begin at a step and hold a tile's own and its halo, None: none will do."""
    begins = [start * axis.step for axis in axes]
    whole = tuple(zip(begins, lengths, strict=True))
    if not last:
        # What is too short for a layer is made longer; a network of one size takes nothing but the whole.
        least = [stop * axis.step + after for axis, (_, after) in zip(axes, halos, strict=True)]
        for ends in _ends(axes, least, lengths):
            if any(end >= length for end, length in zip(ends, lengths, strict=True)):
                break
            long = tuple(end - begin for end, begin in zip(ends, begins, strict=True))
            if not accepts(long):
                continue
            enough = [end + more for end, more in zip(least, short(long), strict=True)]
            if all(end >= least_end for end, least_end in zip(ends, enough, strict=True)):
                return tuple(zip(begins, ends, strict=True))
    long = tuple(length - begin for length, begin in zip(lengths, begins, strict=True))
    return whole if min(long) > 0 and (not start or accepts(long)) else None


def _ends(
    axes: Sequence[TileAxis], least: Sequence[int], lengths: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """Ends of the parts, the nearest first: of one axis each pixel, then those that leave the whole's
    remainder; of several axes whole steps."""
    if len(axes) == 1:
        (end,), (axis,), (length,) = least, axes, lengths
        near = range(end, end + _TRIED + 2 * axis.step)
        yield from ((n,) for n in near)
        yield from (
            (n,) for n in range(near.stop + (length - near.stop) % axis.step, length, axis.step)
        )
        return
    first = max(-(-end // axis.step) for end, axis in zip(least, axes, strict=True))
    for k in range(
        first, max(length // axis.step for axis, length in zip(axes, lengths, strict=True))
    ):
        yield tuple(k * axis.step for axis in axes)
