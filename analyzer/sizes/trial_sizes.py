"""Which sizes are tried to prove a set of valid ones?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Final

from cnnscope.analyzer.sizes.length_set import LengthSet
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes

#: sizes that are drawn though they are known before no further one is looked for
_IN_VAIN: Final = 200


def sizes_to_try(
    found: ValidSizes, count: int, ranges: Mapping[str, range], seed: int = 0
) -> list[dict[str, int]]:
    """So many sizes: both ends of each range, every neighbour of a boundary, the rest spread.

    Args:
        found: what is to be proved.
        count: how many, where there are as many.
        ranges: of the dimensions for which one is given; others are tried from half their smallest valid
            length to twice that and two periods.
        seed: of what is spread.
    """
    base = found.smallest or {dim.name: 1 for dim in found.dims}
    spans = {
        dim.name: ranges.get(dim.name) or _span(dim.lengths, base[dim.name]) for dim in found.dims
    }
    sizes: dict[tuple[int, ...], None] = {tuple(base.values()): None}
    for dim in found.dims:
        for n in _edges(found, dim.name, spans[dim.name]):
            sizes[tuple({**base, dim.name: n}.values())] = None
    certain = list(sizes)
    if len(certain) > count:  # not all can be: those kept lie evenly among them
        certain = [certain[i * len(certain) // count] for i in range(count)]
        sizes = dict.fromkeys(certain)
    drawn = random.Random(seed)
    known = 0  # drawn in vain: there are few more, if any
    while len(sizes) < count and known < _IN_VAIN:
        before = len(sizes)
        moved = {name: drawn.choice(span) for name, span in spans.items()}
        if drawn.random() < 0.5:  # along one dimension alone
            kept = drawn.choice(list(spans))
            moved = {**base, kept: moved[kept]}
        sizes[tuple(moved[name] for name in base)] = None
        known = known + 1 if len(sizes) == before else 0
    return [dict(zip(base, size, strict=True)) for size in sizes]


def _span(lengths: LengthSet, smallest: int) -> range:
    return range(max(1, smallest // 2), 2 * smallest + 2 * lengths.period + 8)


def _edges(found: ValidSizes, name: str, span: range) -> Iterator[int]:
    lengths = found[name].lengths
    yield span.start
    yield span.stop - 1
    near = 0
    for n in span:
        if (n in lengths) != (n + 1 in lengths):
            yield n
            if n + 1 in span:
                yield n + 1
            near += 1
        if near > 64:
            return
