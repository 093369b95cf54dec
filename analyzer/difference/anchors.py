"""Which layers are known at once: by their names, by what is stored for them?"""

from __future__ import annotations

import re
from collections import Counter

from cnnscope.analyzer.difference.network import LayerPart
from cnnscope.analyzer.difference.pairing import Pairing
from cnnscope.analyzer.difference.surroundings import refined

#: the share of numbered names that must agree with the structure for such names to count
_TRUSTED = 0.9
#: the share of names alike but for their numbers that both networks must have: the layers of a
#: sequential container are named by their place in it, and have other names once one is put before
_PLAUSIBLE = 0.5


def by_name(pairing: Pairing, *, numbered: bool) -> None:
    """Layers of the same name and operator."""
    a, b = pairing.first, pairing.second
    place = {(part.name, part.op): j for j, part in enumerate(b.parts)}
    found = [
        (i, place[part.name, part.op])
        for i, part in enumerate(a.parts)
        if a.mate[i] < 0 and (part.name, part.op) in place
        and is_numbered(part.name) == numbered
    ]  # fmt: skip
    found = [(i, j) for i, j in found if b.mate[j] < 0]
    if numbered:
        counted = min(sum(is_numbered(part.name) for part in side.parts) for side in (a, b))
        if sum(a.like[i] == b.like[j] for i, j in found) < _TRUSTED * counted:
            return
        one, other = refined(pairing, 1)[-1]
        found = [(i, j) for i, j in found if one[i] == other[j]]
    else:
        known = Counter(_pattern(a.parts[i]) for i, _ in found)
        sizes = [Counter(_pattern(part) for part in side.parts) for side in (a, b)]
        found = [
            (i, j) for i, j in found
            for pattern in [_pattern(a.parts[i])]
            if known[pattern] >= _PLAUSIBLE * min(size[pattern] for size in sizes)
        ]  # fmt: skip
    for i, j in found:
        pairing.join(i, j)


def by_weights(pairing: Pairing) -> None:
    """Layers that alone have the same numbers stored."""
    pairing.join_unique(
        lambda side: [
            (i, (part.op, part.weights))
            for i, part in enumerate(side.parts)
            if side.mate[i] < 0 and part.weights is not None
        ]
    )


def by_numbers(pairing: Pairing) -> None:
    """Layers that alone have the same numbers as weights, in whatever order."""
    left = [
        [
            part
            for part, mate in zip(side.parts, side.mate, strict=False)
            if mate < 0 and part.numbers
        ]
        for side in (pairing.first, pairing.second)
    ]
    if not all(left):
        return
    pairing.join_unique(
        lambda side: [
            (i, key)
            for i, part in enumerate(side.parts)
            if side.mate[i] < 0 and part.numbers is not None
            for key in [part.numbers()]
            if key is not None
        ]
    )


def is_numbered(name: str) -> bool:
    """The last step of the name only counts: it would be another if a layer were put before it.

    >>> [is_numbered(text) for text in ("Conv_12", "n7", "/layer1/conv1/Conv", "layer1.0.conv1")]
    [True, True, False, False]
    """
    step = re.split(r"/|::", name)[-1]
    return bool(re.fullmatch(r"(.*[_:#])?[A-Za-z]?\d+|[A-Z][A-Za-z]*\d+", step)) or not step


def _pattern(part: LayerPart) -> tuple[str, str]:
    """A layer's name without its numbers, and its operator."""
    return re.sub(r"\d+", "#", part.name), part.op
