"""Which parts does a fleet's page hold? What is counted of all its models, and the models' own columns."""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.render.page.fleet.figures import Distribution
from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
from cnnscope.analyzer.render.page.fleet.gathered import KINDS, Gathered
from cnnscope.analyzer.render.page.parts import Part, written
from cnnscope.analyzer.values.notation import count, many, name, nbytes

Json = dict[str, object]
#: operators, and limits, that are told one by one
_MOST = 500


def fleet_parts(contents: FleetContents) -> Iterator[Part]:
    """Every part, of one pass over the rows."""
    found = Gathered(contents)
    yield written("fleet", _fleet(contents, found))
    yield written("distributions", [x.part() for x in found.distributions])
    yield written("kinds", list(_kinds(found)))
    yield written("operators", _operators(found))
    if found.failures:
        yield written("failures", list(found.failures.part()))
    if found.exceeded or found.unknown_limits or found.kinds["within_limits"][True]:
        yield written("limits", _limits(found))
    yield written("models", found.models())


def _fleet(contents: FleetContents, found: Gathered) -> Json:
    return {
        "name": name(contents.name, 120),
        "count": found.count,
        "shown": found.shown,
        "whole": contents.whole,
        "tiles": list(_tiles(found)),
        "lint": found.lint.most_common(100),
    }


def _tiles(found: Gathered) -> Iterator[Json]:
    failed, partly = found.failed, found.partial
    yield _tile("models", "models", f"{found.count:,}", f"{found.count - failed:,} with a report")
    yield _tile("error", "failed", f"{failed:,}", "no report of them", "bad" if failed else "good")
    yield _tile("partial", "partial", f"{partly:,}", "some total isn't known of them")
    by_name = {x.figure.name: x for x in found.distributions}
    for column, label in (("params", "parameters"), ("macs", "MACs"), ("weight_bytes", "weights")):
        yield _total(by_name[column], label, found.count - failed)
    yield _total(by_name["file_bytes"], "files", found.count)
    graphs, alike = found.graphs()
    said = f"{many(alike, 'model')} share one with another" if alike else "no two are equal"
    yield _tile("graphs", "different graphs", f"{graphs:,}", said)


def _total(distribution: Distribution, label: str, of: int) -> Json:
    write = nbytes if distribution.figure.unit == "bytes" else count
    figure, _, unit = write(distribution.total).partition(" ")
    left = of - distribution.known
    said = f"of {distribution.known:,} models" + (f"; {left:,} not known" if left > 0 else "")
    if not distribution.known:
        figure = "?"
    return _tile(distribution.figure.name, label, figure, said, "", unit)


def _tile(key: str, label: str, figure: str, said: str, tone: str = "", unit: str = "") -> Json:
    return {"id": key, "label": label, "figure": figure, "unit": unit, "said": said, "tone": tone}


def _kinds(found: Gathered) -> Iterator[Json]:
    """Kinds of which there are two at least: the others tell nothing apart."""
    for key, title in KINDS:
        counts = found.kinds[key]
        if set(counts) - {None} and (len(counts) > 1 or key in ("status", "opset")):
            ordered = sorted(counts.items(), key=lambda x: (-x[1], str(x[0])))
            yield {"name": key, "title": title, "values": ordered}


def _operators(found: Gathered) -> Json:
    """By how many models have them; of operators that totals leave out, in how many models they do."""
    used, missing = (
        sorted(x.items(), key=lambda x: (-x[1][0], x[0])) for x in (found.operators, found.uncounted)
    )
    return {
        "used": [
            [name, *counts, found.uncounted.get(name, [0])[0]] for name, counts in used[:_MOST]
        ],
        "missing": [[name, *counts] for name, counts in missing[:_MOST]],
    }


def _limits(found: Gathered) -> Json:
    verdicts = found.kinds["within_limits"]
    return {
        "kept": verdicts[True],
        "exceeded": verdicts[False],
        "unknown": found.count - verdicts[True] - verdicts[False],
        "over": found.exceeded.most_common(_MOST),
        "open": found.unknown_limits.most_common(_MOST),
    }
