"""Which positions of an axis lie between a first and a last one?"""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[int, int]  # inclusive


def hull(a: Span | None, b: Span | None) -> Span | None:
    """The smallest span that holds both."""
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), max(a[1], b[1])


def clip(positions: Sequence[int], length: int) -> Sequence[int]:
    """The positions within ``[0, length)``; a sub-range of an arithmetic progression is one."""
    if not len(positions):
        return positions
    if not isinstance(positions, range):
        return tuple(position for position in positions if 0 <= position < length)
    first, step, count = positions[0], positions.step, len(positions)
    if step > 0:
        skip = max(0, -(first // step)) if first < 0 else 0
        keep = min(count, (length - 1 - first) // step + 1)
    else:
        skip = max(0, -((length - 1 - first) // -step)) if first >= length else 0
        keep = min(count, first // -step + 1) if first >= 0 else 0
    return positions[skip:keep] if keep > skip else range(0)


def laid_at(spans: tuple[Span | None, ...], first: int, count: int) -> tuple[Span | None, ...]:
    """A list of spans from place `first` on among `count`, the places beside it without any.

    >>> laid_at(((0, 0), (1, 1)), 1, 4)
    (None, (0, 0), (1, 1), None)
    """
    ahead = min(max(first, 0), count)
    seen = spans[max(-first, 0) : max(count - first, 0)]
    return (None,) * ahead + seen + (None,) * (count - ahead - len(seen))


def marching(spans: tuple[Span | None, ...], advance: int, count: int) -> tuple[Span | None, ...]:
    """The first `count` of spans that are repeated, each time moved on by `advance`.

    >>> marching(((0, 1), None), 3, 4)
    ((0, 1), None, (3, 4), None)
    """
    period = len(spans)
    turns = -(-count // period)
    if not advance:
        return (spans * turns)[:count]
    found: list[Span | None] = [None] * (turns * period)
    way = turns * advance
    for phase, span in enumerate(spans):
        if span is not None:
            lo, hi = span
            starts, ends = range(lo, lo + way, advance), range(hi, hi + way, advance)
            found[phase::period] = zip(starts, ends, strict=True)
    return tuple(found[:count])


def begun_at(spans: tuple[Span | None, ...], advance: int, unit: int) -> tuple[Span | None, ...]:
    """A period of spans that begins with another unit.

    >>> begun_at(((0, 1), (5, 6)), 10, 3)
    ((15, 16), (20, 21))
    """
    turns, first = divmod(unit, len(spans))
    shift = turns * advance
    ahead = [None if span is None else (span[0] + shift, span[1] + shift) for span in spans[first:]]
    shift += advance
    again = [None if span is None else (span[0] + shift, span[1] + shift) for span in spans[:first]]
    return (*ahead, *again)


def shortest_period(
    spans: tuple[Span | None, ...], advance: int
) -> tuple[tuple[Span | None, ...], int]:
    """Spans that are repeated, and by how much they move on, with the shortest period.

    >>> shortest_period(((0, 1), (2, 3)), 4)
    (((0, 1),), 2)
    """
    period = len(spans)
    for shorter in range(1, period // 2 + 1):
        if period % shorter or (advance * shorter) % period:
            continue
        part, move = spans[:shorter], advance * shorter // period
        if marching(part, move, shorter + 1)[-1] == spans[shorter] and (
            marching(part, move, period) == spans
        ):
            return part, move
    return spans, advance


def middles(spans: tuple[Span | None, ...]) -> list[int | None]:
    """The middle of each span, times two."""
    return [None if span is None else span[0] + span[1] for span in spans]
