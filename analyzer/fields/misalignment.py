"""Which joins put together what belongs to different places of the input?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.notation import decimal


def note_misaligned(node: Node, found: Fields, key: InputAxis, a: Term, b: Term) -> None:
    """Keep that a node joins two terms that don't line up along an axis."""
    pairs = zip(a.digits, b.digits, strict=True)
    mine, theirs = next((p.field, q.field) for p, q in pairs if p != q)
    join = found.misaligned.setdefault((node.name, node.title), {})
    join.setdefault(key, (mine, theirs))


def misaligned_joins(found: Fields) -> Iterator[Diagnostic]:
    """The joins of fields that don't line up along an axis that is looked along: each once."""
    for (name, title), axes in found.misaligned.items():
        told: dict[tuple[str, str], list[int]] = {}
        for key, (a, b) in axes.items():
            if key in found.spatial:
                told.setdefault((key[0], _apart(a, b)), []).append(key[1])
        if not told:
            continue
        where = "; ".join(
            f"along ax{'e' if len(which) > 1 else 'i'}s {' and '.join(map(str, sorted(which)))} of "
            f"input {source}, {how}"
            for (source, how), which in told.items()
        )
        yield Diagnostic(
            "misaligned-paths", "info", name,
            f"{title} joins paths whose receptive fields don't line up: {where}",
            "what is added or concatenated belongs to different places of the input",
        )  # fmt: skip


def _apart(a: Field, b: Field) -> str:
    """In what two fields that don't line up differ."""
    sizes = f"sizes {a.size} and {b.size}"
    if a.middle is not None and b.middle is not None:
        if Fraction(a.step) != Fraction(b.step):
            return f"{sizes}, units {abs(a.step)} and {abs(b.step)} px apart"
        apart = abs(a.middle - b.middle)
        return f"{sizes}, middles {decimal(apart)} px apart"
    for unit in range(max(len(a.spans), len(b.spans))):
        mine, theirs = a.span(unit), b.span(unit)
        if mine is not None and theirs is not None and sum(mine) != sum(theirs):
            return f"{sizes}, unit {unit} sees {mine[0]}..{mine[1]} and {theirs[0]}..{theirs[1]}"
    return f"{sizes}, of other units"
