"""Every layer's figures, by columns: those of `Report.records`, and words once each."""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents


def part(contents: Contents) -> object:
    """The table. ``words`` are a column's texts, for which ``values`` are places in them."""
    rows = list(contents.report.records())
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [_column(name, [row.get(name) for row in rows]) for name in names]
    return {"length": len(rows), "columns": columns}


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
