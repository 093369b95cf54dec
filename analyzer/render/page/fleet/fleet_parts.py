"""Which parts does a fleet's page hold? What is counted of all its models, and the models' own columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.fleet.distribution import Distribution
from cnnscope.analyzer.fleet.tally import Tally
from cnnscope.analyzer.render.page.fleet.figures import FIGURES, Figure
from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
from cnnscope.analyzer.render.page.fleet.gathered import KINDS, Gathered
from cnnscope.analyzer.render.page.fleet.model_columns import short
from cnnscope.analyzer.render.page.parts import Part, written
from cnnscope.analyzer.values.notation import count, name, nbytes

Json = dict[str, object]
#: operators, limits and reasons that are told one by one
_MOST: Final = 500


def fleet_parts(contents: FleetContents) -> Iterator[Part]:
    """Every part, of one pass over the rows, or two."""
    found = Gathered(contents)
    figures = {figure: found.figure(figure) for figure in FIGURES}
    spreads = {figure.name: spread for figure, (spread, *_) in figures.items()}
    yield written("fleet", _fleet(contents, found, spreads))
    yield written("distributions", [_distribution(x, *y) for x, y in figures.items()])
    yield written("kinds", list(_kinds(found)))
    yield written("operators", _operators(found))
    failures = [
        {
            "kind": x.kind,
            "said": x.pattern,
            "count": x.models,
            "path": x.example,
            "error": x.message,
        }
        for x in found.failing.failures()
    ]
    if failures:
        yield written("failures", failures[:_MOST])
    if (
        set(found.kinds["within_limits"]) - {None}
        or found.tallies["unknown_limits"].tally().entries
    ):
        yield written("limits", _limits(found))
    yield written("models", found.models())


def _fleet(contents: FleetContents, found: Gathered, spreads: dict[str, Distribution]) -> Json:
    return {
        "name": name(contents.name, 120),
        "count": found.count,
        "shown": found.shown,
        "whole": contents.whole,
        "tiles": list(_tiles(found, spreads)),
        "lint": _entries(found.tallies["lint_codes"].tally()),
    }


def _tiles(found: Gathered, spreads: dict[str, Distribution]) -> Iterator[Json]:
    failed, partly = found.failed, found.kinds["status"]["partial"]
    yield _tile("models", "models", f"{found.count:,}", f"{found.count - failed:,} with a report")
    yield _tile("error", "failed", f"{failed:,}", "no report of them", "bad" if failed else "good")
    yield _tile("partial", "partial", f"{partly:,}", "some total isn't known of them")
    for column, label in (
        ("params", "parameters"), ("macs", "MACs"), ("weight_bytes", "weights"),
        ("file_bytes", "files"),
    ):  # fmt: skip
        yield _total(spreads[column], label)
    graphs, alike = found.graphs()
    said = f"different; {alike:,} models share one" if alike else "no two are equal"
    yield _tile("graphs", "graphs", f"{graphs:,}", said)


def _total(spread: Distribution, label: str) -> Json:
    write = nbytes if spread.column.measure == "bytes" else count
    figure, _, unit = ("?" if spread.total is None else write(spread.total)).partition(" ")
    missing = f"; not known of {spread.missing:,}" if spread.missing else ""
    said = f"of {spread.known:,} models{missing}"
    return _tile(spread.name, label, figure, said, "open" if spread.missing else "", unit)


def _tile(key: str, label: str, figure: str, said: str, tone: str = "", unit: str = "") -> Json:
    return {"id": key, "label": label, "figure": figure, "unit": unit, "said": said, "tone": tone}


def _distribution(
    figure: Figure, spread: Distribution, edges: list[float], counts: list[int]
) -> Json:
    return {
        "name": figure.name,
        "title": figure.title,
        "unit": figure.measure,
        "edges": edges,
        "counts": counts,
        "none": spread.zeros,
        "unknown": spread.missing,
        "least": spread.least,
        "most": spread.most,
        "median": spread.median,
        "usual": None if spread.low is None else [spread.low, spread.high],
        "far": [spread.below, spread.above],
    }


def _kinds(found: Gathered) -> Iterator[Json]:
    """Kinds of which there are two at least: the others tell nothing apart."""
    for key, title in KINDS:
        counts = found.kinds[key]
        if set(counts) - {None} and (len(counts) > 1 or key in ("status", "opset")):
            ordered = sorted(counts.items(), key=lambda x: (-x[1], str(x[0])))
            yield {"name": key, "title": title, "values": ordered}


def _entries(tally: Tally) -> list[list[object]]:
    return [[short(x.name), x.models, x.amount] for x in tally.entries[:_MOST]]


def _operators(found: Gathered) -> Json:
    """By how many models have them; of operators that totals leave out, in how many models they do."""
    missing = found.tallies["uncounted"].tally()
    open_in: dict[object, int] = {short(x.name): x.models for x in missing.entries}
    used = _entries(found.tallies["operators"].tally())
    return {
        "used": [[*entry, open_in.get(entry[0], 0)] for entry in used],
        "missing": _entries(missing),
    }


def _limits(found: Gathered) -> Json:
    verdicts = found.kinds["within_limits"]
    return {
        "kept": verdicts[True],
        "exceeded": verdicts[False],
        "unknown": found.count - verdicts[True] - verdicts[False],
        "over": [x[:2] for x in _entries(found.tallies["exceeded"].tally())],
        "open": [x[:2] for x in _entries(found.tallies["unknown_limits"].tally())],
    }
