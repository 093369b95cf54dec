"""What is said of the effective receptive fields of a model's layers?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note
from cnnscope.analyzer.render.subjects.answer import answer, model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.effective_field import SHARES
from cnnscope.analyzer.report.effective_fields import KEYS, EffectiveFields, EffectiveSize
from cnnscope.analyzer.values.notation import escape, many, name, percent

#: how a map came about, in words
COUNTED = {
    "uniform": "each operator's taps sum to 1, each addend of a join counts 1",
    "paths": "every path from an input position to the unit counts 1",
    "gradient": "with weights: the mean squared gradient",
}


def document(found: EffectiveFields) -> Document:
    """The fields as a document: a row for each layer."""
    title = f"{model_name(found.model)}: effective receptive fields, layer by layer"
    return answer(title, [], [table(COLUMNS, found.layers, narrow="drop")], notes=_notes(found))


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def _side(place: int) -> Column[EffectiveSize]:
    return Column(
        KEYS[place], f"{SHARES[place]:.0%}", lambda x: _number(x.side(place)),
        lambda x: x.side(place), right=True, importance=90 + 2 * place,
    )  # fmt: skip


def lengths_text(lengths: tuple[int, ...]) -> str:
    """Sides of a field, once where they are alike.

    >>> lengths_text((7, 7)), lengths_text((7, 5)), lengths_text(())
    ('7', '7x5', '?')
    """
    return "x".join(map(str, lengths if len({*lengths}) > 1 else lengths[:1])) or "?"


def sigma_text(sigma: tuple[float, ...]) -> str:
    """Standard deviations, once where they look alike.

    >>> sigma_text((3.2, 3.2001)), sigma_text((3.2, 14.123)), sigma_text(())
    ('3.20', '3.20 x 14.1', '?')
    """
    told = [f"{x:.2f}" if x < 10 else f"{x:.1f}" for x in sigma]
    return " x ".join(told if len({*told}) > 1 else told[:1]) or "?"


COLUMNS: tuple[Column[EffectiveSize], ...] = (
    Column("layer", "layer", lambda x: name(x.layer, 60), lambda x: x.layer, importance=100, least=12),
    Column("op", "op", lambda x: escape(x.op), lambda x: x.op, importance=30, least=6),
    Column("input", "input", lambda x: "" if x.input is None else name(x.input, 30),
           lambda x: x.input, importance=10, optional=True),
    Column("theoretical", "could see", lambda x: lengths_text(x.theoretical),
           lambda x: max(x.theoretical, default=None), right=True, importance=92),
    *map(_side, range(len(SHARES))),
    Column("side_share", "of input", lambda x: "?" if x.side_share is None else percent(x.side_share),
           lambda x: x.side_share, right=True, importance=60),
    Column("field_share", "of area", lambda x: "?" if x.field_share is None else percent(x.field_share),
           lambda x: x.field_share, right=True, importance=70),
    Column("sigma", "sigma", lambda x: sigma_text(x.sigma), lambda x: max(x.sigma, default=None),
           right=True, importance=50),
    Column("why", "", lambda x: escape(x.why), lambda x: x.why or None, importance=20, optional=True),
)  # fmt: skip


def _notes(found: EffectiveFields) -> Iterator[Note]:
    unknown = [layer for layer in found.layers if layer.why]
    if unknown:
        first = f"of {name(unknown[0].layer)}: {escape(unknown[0].why)}"
        yield Note(f"{many(len(unknown), 'layer')} not told; {first}", "note", lead="warning")
    if len(unknown) == len(found.layers):
        return
    shares = "/".join(f"{share * 100:.0f}" for share in SHARES)
    yield Note(
        f"{shares}%: the side of the smallest square about the central unit's centre that holds so much of"
        " what it hangs on, in input positions; of input: the last over the input's side; of area: the"
        " part of what it could see that holds as much, the strongest positions first",
        tone="dim",
    )
    yield Note(
        f"without weights: {COUNTED.get(found.counting, escape(found.counting))}", tone="dim"
    )
