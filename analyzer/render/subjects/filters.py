"""What is said of the stored filters of a model's layers, a row each?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cnnscope.analyzer.filters.filters import Filters, layer_record
from cnnscope.analyzer.filters.layer_filters import LayerFilters
from cnnscope.analyzer.filters.low_rank import Cut, LowRank
from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import Document, Note
from cnnscope.analyzer.render.subjects.answer import answer, model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.values.notation import escape, many, name, percent, shape

#: how a way of writing a layer as smaller ones is called
FORMS = {"channel": "1x1 behind", "spatial": "k x 1, 1 x k", "tucker": "Tucker-2"}

_Row = LayerFilters


def document(found: Filters) -> Document:
    """The answer as a document: a row for each layer."""
    title = f"{model_name(found.model)}: what its weights look like"
    layers = found.items
    rows = table(COLUMNS, layers, narrow="drop")
    return answer(title, (), [rows], notes=_notes(layers))


def shape_text(x: LayerFilters) -> str:
    """Filters by input channels by kernel, the groups behind.

    64 filters of 3 channels and 7 x 7 points are ``64x3x7x7``.
    """
    groups = f" /{x.groups}" if x.groups > 1 else ""
    return f"{shape([x.filters, x.channels, *x.kernel])}{groups}"


def number_text(value: float | None) -> str:
    """A weight, or a norm; None: there is none.

    >>> number_text(0.123456), number_text(0.0), number_text(1.5e-9), number_text(None)
    ('0.1235', '0', '1.5e-09', '-')
    """
    return "-" if value is None else f"{value:.4g}"


def spare_text(exact: int, nearly: int | None) -> str:
    """How many are spare, and how many nearly.

    >>> spare_text(0, 3), spare_text(2, 2), spare_text(1, None)
    ('0 (3)', '2', '1 (?)')
    """
    return str(exact) if nearly == exact else f"{exact} ({'?' if nearly is None else nearly})"


def saving_text(best: tuple[LowRank, Cut] | None, weights: int) -> str:
    """The way that takes the fewest weights, and its share of them."""
    if best is None:
        return "-"
    ranks = ", ".join(map(str, best[1].ranks))
    return f"{FORMS[best[0].form]}, rank {ranks}: {percent(best[1].weights / weights)}"


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _ranks(x: LayerFilters) -> str:
    found = layer_record(x)
    if found["rank_full"] is None:
        return "-"
    return f"{found['rank_90']}/{found['rank_95']}/{found['rank_99']} of {found['rank_full']}"


def _recorded(key: str) -> Callable[[LayerFilters], Exact]:
    return lambda x: layer_record(x)[key]  # type: ignore[return-value]  # rows are flat


def _machine(key: str) -> Column[_Row]:
    """What only machines are given."""
    return Column(key, key, lambda x: escape(str(_recorded(key)(x))), _recorded(key))


COLUMNS: tuple[Column[_Row], ...] = (
    Column("layer", "layer", lambda x: name(x.layer), lambda x: x.layer, importance=100, least=16,
           names=lambda x: x.layer),
    _machine("op"),
    Column("kind", "kind", lambda x: x.kind.label, lambda x: x.kind.label, importance=35, least=10),
    Column("shape", "filters", shape_text, shape_text, right=True, importance=90),
    Column("dtype", "stored as", lambda x: x.dtype, lambda x: x.dtype, importance=30),
    *map(_machine, ("weights", "macs", "min", "max", "norm")),
    Column("std", "std", lambda x: number_text(x.figures.std), lambda x: x.figures.std, right=True,
           importance=50),
    Column("sparsity", "zeros", lambda x: percent(x.sparsity), lambda x: x.sparsity, right=True,
           importance=70),
    Column("unusable", "NaN", lambda x: str(x.figures.unusable), lambda x: x.figures.unusable or None,
           right=True, importance=95, optional=True),
    *map(_machine, ("dead", "nearly_dead", "nearly_spare")),
    Column("spare", "spare (nearly)", lambda x: spare_text(x.repeats.spare, x.repeats.nearly_spare),
           lambda x: x.repeats.spare, right=True, importance=80),
    Column("separability", "separable",
           lambda x: _share(None if x.separability is None else x.separability.energy),
           _recorded("separability"), right=True, importance=75),
    *map(_machine, ("rank_90", "rank_99", "rank_full")),
    Column("rank_95", "rank 90/95/99 %", _ranks, _recorded("rank_95"), right=True, importance=60),
    Column("bulk", "bulk", lambda x: _share(None if x.bulk is None else x.bulk.share),
           lambda x: None if x.bulk is None else x.bulk.share, right=True, importance=40),
    Column("smaller", "fewest at 95 %", lambda x: saving_text(x.smallest(), x.weights),
           _recorded("form_95"), importance=65, least=16),
    *map(_machine, ("weights_95", "macs_95")),
)  # fmt: skip


def _notes(layers: tuple[LayerFilters, ...]) -> Iterator[Note]:
    for layer in layers:
        for said in layer.notes:
            yield Note(f"{name(layer.layer)}: {escape(said)}", tone="dim")
    if not layers:
        yield Note("no layer multiplies stored weights", tone="dim")
        return
    said = (
        "spare: dead filters, and all but one of equal ones (nearly: to half a step of 8 bits); separable:"
        " the share of energy that outer products hold; bulk: the singular values that random weights would"
        " have, too"
    )
    yield Note(said, tone="dim")
    saved = [x.weights - best[1].weights for x in layers if (best := x.smallest())]
    if saved:
        whole = sum(x.weights for x in layers)
        said = (
            f"with 95 % of the energy {many(len(saved), 'layer')} would take fewer weights, by"
            f" {percent(sum(saved) / whole)} of all; what that does to accuracy has to be measured"
        )
        yield Note(said, tone="dim")
