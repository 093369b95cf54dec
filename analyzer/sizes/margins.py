"""How many units of a network's output see padding, at either end?

Padding is what a map on the way is read for beyond its ends (`brinks`): a unit sees it whose field comes as
far as that, in the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.sizes.brinks import behind_last
from cnnscope.analyzer.sizes.cutting import Brink, TiledOutput
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.substitution import substituted


def units_in_padding(
    output: TiledOutput,
    brinks: Mapping[InputAxis, Sequence[Brink]],
    lengths: Mapping[InputAxis, int] | None,
    named: Mapping[str, int],
) -> tuple[int, int | None]:
    """How many units of an output's axis see padding.

    Args:
        brinks: by input axis, the maps that are read beyond their ends.
        lengths: how long those axes are; None where that isn't known.
        named: what stands for them in formulas, by name.

    Returns:
        At the beginning, and at the end; None where the lengths aren't known.
    """
    first = max(_at_start(field, brinks[key]) for key, field in output.fields.items())
    if lengths is None:
        return first, None
    try:
        count = substituted(output.length, named)
        if not isinstance(count, int):
            return first, None
        last = max(
            _at_end(field, count, _above(brinks[key], lengths[key], named))
            for key, field in output.fields.items()
        )
    except Undetermined:
        return first, None
    return min(first, count), last


def _at_start(seen: Field, brinks: Sequence[Brink]) -> int:
    spans = [span for brink in brinks if brink.first and (span := brink.field.span(-1))]
    below = max([lo for lo, _ in spans], default=None)
    if below is None:
        return 0
    unit = clear = 0
    while clear < len(seen.spans):  # until a whole period of units don't
        span = seen.span(unit)
        unit, clear = unit + 1, 0 if span is not None and span[0] <= below else clear + 1
    return unit - clear


def _above(brinks: Iterable[Brink], length: int, named: Mapping[str, int]) -> int | None:
    """Units that see as far as that see padding at the end; None: none does."""
    spans = [span for brink in brinks if (span := behind_last(brink, named)) is not None]
    return min([length, *[hi for _, hi in spans]]) if spans else None


def _at_end(seen: Field, count: int, above: int | None) -> int:
    if above is None:
        return 0
    unit, clear = count - 1, 0
    while clear < len(seen.spans) and unit >= 0:
        span = seen.span(unit)
        unit, clear = unit - 1, 0 if span is not None and span[1] >= above else clear + 1
    return count - 1 - unit - clear
