"""Which layers of one profile are which of another's, when they are called otherwise?

Two models at hand are matched as `diff` matches them. A saved profile has no graph any more: its layers
are matched by their names, by what their rows compute and move, and by the order they ran in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnscope.analyzer.difference.difference import Difference
from cnnscope.analyzer.difference.matching import match
from cnnscope.analyzer.difference.network import LayerPart, Network
from cnnscope.analyzer.report.measurement import Profile


def renamed_in(found: Difference) -> dict[str, str]:
    """The second model's layers that the first one calls otherwise: their names, each with the first's."""
    return {
        layer.after.name: layer.before.name
        for layer in found.layers
        if layer.before is not None and layer.after is not None and layer.renamed and not layer.path
    }


def renamed_between(before: Profile, after: Profile) -> Mapping[str, str]:
    """The same of two profiles, by what their rows say of the layers in them."""
    one, other = tuple(_parts(before)), tuple(_parts(after))
    pairs = match(Network(one, (), ()), Network(other, (), ())).pairs
    return {other[j].name: one[i].name for i, j in pairs if other[j].name != one[i].name}


def _parts(profile: Profile) -> Iterator[LayerPart]:
    for row in profile.outer:
        for name, op in zip(row.layers, row.ops, strict=True):
            yield LayerPart(name, op, op, (op, row.ops, row.macs, row.bytes), (), ())
