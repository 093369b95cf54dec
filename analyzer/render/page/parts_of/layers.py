"""Every layer's figures, by columns: those of `Report.records`, and words once each."""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.stated_ceilings import least_time


def part(contents: Contents) -> object:
    """The table. ``words`` are a column's texts, for which ``values`` are places in them."""
    rows = list(contents.report.records())
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [_column(name, [row.get(name) for row in rows]) for name in names]
    columns += [_column(name, values) for name, values in (*_run(contents), *_stated(contents))]
    return {"length": len(rows), "columns": columns}


def _run(contents: Contents) -> Iterator[tuple[str, list[object]]]:
    """What a run showed of each layer: its time, 0 where its kernel's time stands at another layer."""
    run, layers = contents.report.execution, contents.report.layers
    if run is None:
        return
    if run.profile is not None:
        names = [layer.name for layer in layers]
        seconds, rows = run.seconds(names), run.rows(names)
        idle = {node.layer for node in run.profile.unrun}
        none = idle | {name for name, (_, first) in rows.items() if first != name}
        yield "seconds", [seconds.get(x, 0.0 if x in none else None) for x in names]
    if run.verification is not None:
        holds = run.judge()
        yield "verified", [holds(x.name, [v.name for v in x.outputs if v.name]) for x in layers]


def _stated(contents: Contents) -> Iterator[tuple[str, list[object]]]:
    """The least times that stated ceilings allow."""
    ceilings = contents.ceilings
    if ceilings is not None:
        yield "least_seconds", [least_time(ceilings, x).seconds for x in contents.report.layers]


def _column(name: str, values: list[object]) -> dict[str, object]:
    if (
        not all(isinstance(value, str) for value in values)
        or len(set(map(str, values))) > len(values) // 2
    ):
        return {"name": name, "values": [_plain(value) for value in values]}
    words = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return {"name": name, "values": [words[value] for value in values], "words": list(words)}


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)
