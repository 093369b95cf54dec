"""How near does each layer come to what the machine can do? Measured where it was run, else the least time.

Work against bytes (Williams, Waterman & Patterson, CACM 52(4), 2009), of a kernel that ran or, with stated
ceilings alone, of a layer.
"""

from __future__ import annotations

from cnnscope.analyzer.render.page.blocks import Json
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.stated_ceilings import STATED, least_time

#: what a point has, in this order
COLUMNS = ("layer", "name", "flops", "bytes", "seconds", "least", "bound", "ceiling")


def part(contents: Contents) -> object:
    """``ceilings`` are measured and stated ones; ``points`` kernels or layers, by `COLUMNS`.

    ``layer`` is the place of the first layer in a kernel, None where it has none.
    """
    profile, stated = contents.profile, contents.ceilings
    measured = None if profile is None else profile.ceilings
    if measured is not None and (measured.byte_rate is None or not measured.flop_rate):
        measured = None
    found = [*_lines(measured, "measured"), *_lines(stated, "stated")]
    if not found:
        return None
    if profile is None:
        assert stated is not None
        points = _least(contents.report, stated)
    else:
        places = {layer.name: i for i, layer in enumerate(contents.report.layers)}
        points = [_kernel(row, places, stated) for row in profile.outer]
    return {
        "run": profile is not None,
        "ceilings": found,
        "overhead": None if measured is None else measured.overhead,
        "columns": list(COLUMNS),
        "points": points,
    }


def _lines(ceilings: Ceilings | None, how: str) -> list[Json]:
    if ceilings is None:
        return []
    return [
        {"name": name, "how": how, "flops": rate, "bytes": ceilings.byte_rate}
        for name, rate in ceilings.flop_rate.items()
    ]


def _kernel(row: Row, places: dict[str, int], stated: Ceilings | None) -> list[object]:
    first = next((places[x] for x in row.layers if x in places), None)
    least, bound = row.roofline, row.bound
    known = row.flops is not None and row.bytes is not None
    if least is None and stated is not None and known:
        asked = (STATED, row.macs or 0, row.flops or 0, row.bytes or 0)
        least, bound = stated.roofline(*asked), stated.bound(*asked)
    return [first, row.name, row.flops, row.bytes, row.seconds, least, bound, row.arithmetic]


def _least(report: Report, stated: Ceilings) -> list[list[object]]:
    points: list[list[object]] = []
    for index, layer in enumerate(report.layers):
        least = least_time(stated, layer)
        points.append(
            [index, layer.path, layer.flops, layer.traffic_bytes, None, least.seconds, least.bound, STATED]
        )  # fmt: skip
    return points
