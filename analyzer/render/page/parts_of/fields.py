"""How far does each layer see, along each input axis? For the chart of field against depth."""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.layer_records import axis_names


def part(contents: Contents) -> object:
    """For each input axis its name, its length, and a row for each layer that sees along it."""
    report = contents.report
    lengths = {(x.name, i): n for x in report.inputs for i, n in enumerate(x.shape or ())}
    names = axis_names(report.layers)
    rows: dict[tuple[str, int], list[list[object]]] = {key: [] for key in names}
    for index, layer in enumerate(report.layers):
        for x in layer.receptive_field:
            rows[x.input, x.axis].append(
                [
                    index,
                    x.size,
                    x.local_size,
                    x.smallest_size,
                    x.at_least,
                    x.global_,
                    x.start,
                    _step(x.step),
                ]
            )
    found = []
    for key, letter in names.items():
        length = lengths.get(key)
        known = length if isinstance(length, int) else None
        found.append(
            {"input": key[0], "axis": key[1], "name": letter, "length": known, "rows": rows[key]}
        )
    return {"axes": found} if found else None


def _step(step: object) -> object:
    return step if isinstance(step, int | None) else str(step)
