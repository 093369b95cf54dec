"""How is the model run tile by tile? As `tile` says it, and where each tile of the first size lies."""

from __future__ import annotations

from cnnscope.analyzer.render.page.blocks import Json, blocks
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects.tiling import document
from cnnscope.analyzer.sizes.tiling import Tiling


def part(contents: Contents) -> object:
    """``axes``: of each input axis that is cut, its length, and each tile's own and read positions."""
    found = contents.tiling
    if found is None:
        return None
    return {
        "ok": found.ok,
        "blocks": blocks(document(found)),
        "axes": _axes(found),
        "margins": [[x.output, x.axis, list(x.units)] for x in found.margins],
    }


def _axes(found: Tiling) -> list[Json]:
    plan = found.plans[0] if found.plans else None
    if plan is None or plan.tiles is None:
        return []
    axes = []
    groups: dict[int, list[int]] = {}
    for place, axis in enumerate(found.axes):
        groups.setdefault(axis.group, []).append(place)
    for cut_group, places in zip(plan.groups, groups.values(), strict=True):
        for k, place in enumerate(places):
            axis = found.axes[place]
            length = found.inputs[axis.input][axis.axis]
            tiles = [
                [cut.own[0] * axis.step, cut.own[1] * axis.step, *cut.parts[k]] for cut in cut_group
            ]
            if tiles and length is not None:
                tiles[-1][1] = max(tiles[-1][1], length)
                axes.append(
                    {"input": axis.input, "axis": axis.axis, "length": length, "tiles": tiles}
                )
    return axes
