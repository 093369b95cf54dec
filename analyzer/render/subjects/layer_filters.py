"""What is said of one layer's stored filters?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnscope.analyzer.filters.layer_filters import LayerFilters
from cnnscope.analyzer.filters.spectra import Bulk
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    Block,
    Document,
    Heading,
    Note,
    Notes,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.answer import for_people
from cnnscope.analyzer.render.subjects.filters import (
    FORMS,
    number_text,
    shape_text,
    spare_text,
)
from cnnscope.analyzer.render.tables import table, text_table
from cnnscope.analyzer.values.notation import count, escape, many, name, percent

#: filters shown on a screen, and indices in a line
_SHOWN, _LISTED = 12, 12


def document(found: LayerFilters) -> Document:
    """The answer as a document: facts, ways of writing it smaller, a row for each filter."""
    title = f"{name(found.layer)}: what its weights look like"
    low = tuple(_low_rank(found))
    return Document(
        title,
        (
            Section((Heading(title), for_people(Pairs(tuple(_facts(found)), aside=18)))),
            Section(tuple(map(for_people, low)), "written as smaller layers", indent=2),
            Section((_filters(found),)),
            Section((for_people(Notes(tuple(_notes(found)))),)),
        ),
    )


def _facts(x: LayerFilters) -> Iterator[Pair]:
    f = x.figures
    yield Pair("layer", f"{name(x.op, 60)}, {x.kind.label}")
    yield Pair("filters", f"{shape_text(x)}, stored as {x.dtype}: {count(x.weights)} weights")
    if x.period is not None:
        yield Pair("in rotation", f"{x.groups:,} matrices, which begin again after {x.period}")
    if f.least is not None:
        low, high = number_text(f.least), number_text(f.most)
        yield Pair(
            "range", f"{low} to {high}, mean {number_text(f.mean)}, std {number_text(f.std)}"
        )
    yield Pair("norm", number_text(f.norm))
    yield Pair("zeros", f"{f.zeros:,} of {x.weights:,} ({percent(x.sparsity)})")
    if f.unusable:
        yield Pair("NaN or infinite", f"{f.unusable:,}", "bad")
    repeats = x.repeats
    yield Pair("dead filters", _dead(repeats.dead, repeats.nearly_dead))
    groups = [_listed(group) for group in repeats.same[:_LISTED]]
    yield Pair("equal filters", "; ".join(groups) + _more(len(repeats.same)) if groups else "none")
    near = [g for g in repeats.nearly or () if g not in repeats.same]
    if near:
        yield Pair("nearly equal", "; ".join(map(_listed, near[:_LISTED])) + _more(len(near)))
    yield Pair("spare", spare_text(repeats.spare, repeats.nearly_spare))
    if x.separability is not None:
        yield Pair("separable", _separable(x))
    if x.singular_values is not None and len(x.singular_values):
        largest, least = x.singular_values[0], x.singular_values[-1]
        yield Pair("singular values", f"{number_text(largest)} down to {number_text(least)}")
    if x.bulk is not None:
        yield Pair("random bulk", _bulk(x.bulk))


def _dead(dead: tuple[int, ...], faint: tuple[int, ...]) -> str:
    said = _listed(dead) if dead else "none"
    return f"{said}; nearly: {_listed(faint)}" if faint else said


def _listed(indices: tuple[int, ...]) -> str:
    more = f", ... ({len(indices)})" if len(indices) > _LISTED else ""
    return ", ".join(map(str, indices[:_LISTED])) + more


def _more(groups: int) -> str:
    return f"; ... ({groups} groups)" if groups > _LISTED else ""


def _separable(x: LayerFilters) -> str:
    slices = x.separability
    assert slices is not None
    if slices.energy is None:
        return "all are zero"
    ranks = ", ".join(f"{n:,} of rank {rank}" for rank, n in slices.ranks.items())
    said = "yes: " if slices.separable else ""
    return f"{said}{ranks}; outer products hold {percent(slices.energy)} of the energy"


def _bulk(bulk: Bulk) -> str:
    edges = f"{number_text(bulk.low)} to {number_text(bulk.high)}"
    above = f"{many(bulk.above, 'value')} above, with {percent(bulk.energy_above)} of the energy"
    return f"{percent(bulk.share)} of the singular values within {edges}; {above}"


def _low_rank(x: LayerFilters) -> Iterator[Block]:
    rows = [
        (
            FORMS[way.form], " x ".join(map(str, way.full)), " x ".join(map(str, way.break_even)),
            percent(cut.energy), " x ".join(map(str, cut.ranks)), f"{cut.weights:,}",
            _times(cut.weights, x.weights), "-" if cut.macs is None else f"{cut.macs:,}",
            _times(cut.macs, x.macs),
        )
        for way in x.low_rank
        for cut in way.cuts
    ]  # fmt: skip
    if rows:
        titles = ("as", "full rank", "breaks even", "energy", "rank", "weights", "", "MACs", "")
        yield text_table(titles, (False, *(True,) * 8), tuple(rows))


def _times(part: int | None, whole: int | None) -> str:
    return "" if part is None or not whole else f"x{part / whole:.2f}"


_Row = Mapping[str, object]


def _number(key: str, title: str, importance: int = 50) -> Column[_Row]:
    def text(row: _Row) -> str:
        value = row[key]
        return number_text(value) if isinstance(value, int | float) else "-"

    return Column(key, title, text, lambda row: row[key], right=True, importance=importance)  # type: ignore[arg-type,return-value]  # rows are flat


COLUMNS: tuple[Column[_Row], ...] = (
    _number("filter", "filter", 100),
    _number("norm", "norm", 90),
    _number("min", "least", 60),
    _number("max", "most", 60),
    _number("zeros", "zeros", 50),
    Column("dead", "dead", lambda row: escape(str(row["dead"])), lambda row: str(row["dead"]), importance=80),
    _number("same_as", "same as", 70),
    _number("separability", "separable", 75),
    _number("rank", "rank", 40),
)  # fmt: skip


def _filters(x: LayerFilters) -> Block:
    rows = list(x.records())
    more = many(len(rows) - _SHOWN, "more filter") if len(rows) > _SHOWN else ""
    return table(COLUMNS, rows[:_SHOWN], recorded=rows, more=more)


def _notes(x: LayerFilters) -> Iterator[Note]:
    for said in x.notes:
        yield Note(escape(said), "note")
    if x.weights:
        limit = number_text(x.repeats.tolerance)
        said = f"nearly: a root mean square difference of at most {limit}, half a step of 8 bits"
        yield Note(said, tone="dim")
    if x.low_rank:
        said = "breaks even: the largest rank with fewer weights; what is lost in accuracy has to be measured"
        yield Note(said, tone="dim")
