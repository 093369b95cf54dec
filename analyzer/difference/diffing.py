"""From two reports to their `Difference`: match the layers, say what became of each, sum it up."""

from __future__ import annotations

from cnnscope.analyzer.difference.difference import Difference
from cnnscope.analyzer.difference.ends import end_differences
from cnnscope.analyzer.difference.graphs import Graphs
from cnnscope.analyzer.difference.stages import Side
from cnnscope.analyzer.difference.totals import total_differences, weights_difference
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.dimension import FreeDim


def find_difference(before: Side, after: Side) -> Difference:
    """What differs between two models."""
    compared = Graphs((before.main, after.main), _renamed_dims(before.report, after.report))
    layers = tuple(compared.layers())
    reports = before.report, after.report
    versions = before.report.model.opsets, after.report.model.opsets
    opsets = tuple([
        (domain, versions[0].get(domain), versions[1].get(domain))
        for domain in sorted({*versions[0], *versions[1]})
        if versions[0].get(domain) != versions[1].get(domain)
    ])  # fmt: skip
    dims = compared.dims
    return Difference(
        *reports,
        layers,
        tuple(end_differences(before, after, compared)),
        tuple(total_differences(*reports, dims)),
        tuple(compared.groups),
        weights_difference(compared.found, before.read and after.read),
        opsets,
        tuple((one, other) for one, other in dims.items() if one != other),
    )


def _renamed_dims(before: Report, after: Report) -> dict[str, str]:
    """Free dimensions that the second model calls otherwise, wherever its inputs have them; none
    where that isn't so everywhere."""
    names = {x.name: x for x in after.inputs}
    found: dict[str, str] = {}
    free = iter([x for x in after.inputs if x.name not in {y.name for y in before.inputs}])
    for x in before.inputs:
        mate = names.get(x.name) or next(free, None)
        shapes = x.declared.shape, None if mate is None else mate.declared.shape
        if shapes[0] is None or shapes[1] is None or len(shapes[0]) != len(shapes[1]):
            continue
        for a, b in zip(shapes[0], shapes[1], strict=True):
            if isinstance(a, FreeDim) and isinstance(b, FreeDim):
                one, other = str(a), str(b)
                if "?" in (one, other):
                    continue
                if found.setdefault(one, other) != other:
                    return {}
    if len(set(found.values())) < len(found) or all(one == other for one, other in found.items()):
        return {}
    return found
