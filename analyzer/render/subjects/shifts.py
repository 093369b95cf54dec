"""What is said of how a network's maps move: by which shifts, where, and what keeps them from it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer, model_name
from cnnscope.analyzer.render.tables import Tone, table
from cnnscope.analyzer.sizes.shift_proof import MeasuredShift, ShiftProof
from cnnscope.analyzer.sizes.shifts import AxisShift, ShiftAxis, Shifts
from cnnscope.analyzer.values.notation import decimal, escape, many, name, percent
from cnnscope.analyzer.values.plain_class import dataclass

#: layers that are named in one line; further ones are counted
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Row:
    """A layer along the axes of which the same is said."""

    layer: str
    op: str
    axes: tuple[ShiftAxis, ...]
    said: AxisShift
    measured: MeasuredShift | None


def document(found: Shifts) -> Document:
    """How the maps move as a document: a row for each layer, one for all axes along which it is the same."""
    model = model_name(found.model)
    title = f"{model}: how its maps move with the input"
    along = "; ".join(f"{_axis(x)} ({x.length})" for x in found.axes) or "none that is looked along"
    rows = table(COLUMNS, tuple(_rows(found)), narrow="shorten", tone=_tone)
    return answer(title, [Pair("shifted along", along)], [rows], _facts(found), _notes(found))


def _rows(found: Shifts) -> Iterator[_Row]:
    for layer in found:
        alike: dict[object, list[tuple[AxisShift, MeasuredShift | None]]] = {}
        for one in layer.axes:
            measured = None if found.proof is None else found.proof.of(layer.layer, one.axis)
            key = (
                one.period, one.advance, one.interior, one.free_interior, one.mirror, one.cause,
                one.axis if measured is not None else None,
            )  # fmt: skip
            alike.setdefault(key, []).append((one, measured))
        for same in alike.values():
            axes = tuple(found.axes[one.axis] for one, _ in same)
            yield _Row(layer.layer, layer.op, axes, *same[0])


def _axis(axis: ShiftAxis) -> str:
    return ", ".join(f"{name(n)} axis {at}" for n, at in axis.inputs.items())


def _axes(row: _Row) -> str:
    """The axes' numbers, where inputs share them."""
    return ", ".join(str(next(iter(x.inputs.values()))) for x in row.axes)


def _by(row: _Row) -> str:
    return "-" if row.said.advance is None else str(abs(row.said.advance))


def _moves(row: _Row) -> str:
    said = row.said
    if said.period is None or said.advance is None:
        return "not"
    back = ", backwards" if said.advance < 0 else ""
    return many(said.period, "unit") + back


def _interior(row: _Row) -> str:
    said = row.said
    if said.period is None:
        return "-"
    if said.interior is not None:
        return f"{said.interior[0]} to {said.interior[1]} of {said.units}"
    if said.free_interior is not None:
        return f"{said.free_interior[0]} to {escape(said.free_interior[1])}"
    return "none" if isinstance(said.units, int) else "?"


def _mirror(row: _Row) -> str:
    said = row.said
    if said.mirror is None:
        return "-"
    if not said.mirror:
        return "0"
    units = said.mirror_units
    return decimal(said.mirror) + ("" if units is None else f" ({decimal(units)} units)")


def _why(row: _Row) -> str:
    cause = row.said.cause
    return "" if cause is None else f"{name(cause.layer)}: {escape(cause.why)}"


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}" if value else "0"


def _tone(row: _Row) -> Tone:
    if row.measured is not None and not row.measured.agrees:
        return "bad"
    return ""


COLUMNS: tuple[Column[_Row], ...] = (
    Column("layer", "layer", lambda x: name(x.layer), lambda x: x.layer, importance=100, least=12,
           names=lambda x: x.layer),
    Column("op", "op", lambda x: name(x.op), lambda x: x.op, importance=30, least=6),
    Column("axis", "axis", _axes, _axes, importance=90),
    Column("advance", "shift by", _by, lambda x: x.said.advance, right=True, importance=95),
    Column("period", "moves", _moves, lambda x: x.said.period, right=True, importance=94),
    Column("interior", "units", _interior, lambda x: x.said.to_dict()["interior"],  # type: ignore[arg-type, return-value]  # a list
           importance=92),
    Column("mirror", "mirrored off by", _mirror,
           lambda x: None if x.said.mirror is None else float(x.said.mirror), right=True, importance=60),
    Column("error", "error", lambda x: _error(x.measured.error if x.measured else None),
           lambda x: x.measured.error if x.measured else None, right=True, importance=88, optional=True),
    Column("border", "at borders", lambda x: _error(x.measured.border if x.measured else None),
           lambda x: x.measured.border if x.measured else None, right=True, importance=50, optional=True),
    Column("aliasing", "aliasing", lambda x: _share(x.measured.aliasing if x.measured else None),
           lambda x: x.measured.aliasing if x.measured else None, right=True, importance=70, optional=True),
    Column("cause", "because of", _why, lambda x: x.said.cause.layer if x.said.cause else None,
           importance=80, least=16, optional=True),
)  # fmt: skip


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _facts(found: Shifts) -> Iterator[Pair]:
    for axis in found.axes:
        if axis.end is not None:
            said = f"{name(axis.end.layer)}: {escape(axis.end.why)}"
            yield Pair(f"ends ({_axis(axis)})", said)
    for cause, label in (("stride", "strides"), ("padding", "padding"), ("ceil_mode", "ceil_mode")):
        layers = list(dict.fromkeys(
            x.layer for axis in found.axes for x in axis.limits if x.cause == cause
        ))  # fmt: skip
        if layers:
            yield Pair(label, _named(layers))
    if found.displacing:
        shown = [
            f"{name(layer)} (by {decimal(max(by_axis.values(), key=abs))})"
            for layer, by_axis in found.displacing.items()
        ]
        yield Pair("mirror", _counted(shown))
    if found.proof is not None:
        yield from _proof(found.proof)


def _named(layers: Sequence[str]) -> str:
    return _counted([name(x) for x in layers])


def _counted(shown: Sequence[str]) -> str:
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + more


def _proof(proof: ShiftProof) -> Iterator[Pair]:
    said = f"{many(proof.compared, 'map')} run with ONNX Runtime {escape(proof.runtime)}"
    if proof.ok:
        yield Pair("measured", f"{said}: each moves as is said", "good")
    else:
        yield Pair("measured", f"{said}: {len(proof.wrong)} otherwise than said", "bad")
    classes = proof.consistency
    if classes is not None:
        yield Pair(
            "consistency",
            f"{percent(classes.share)} of {many(classes.pairs, 'pair')} of shifts give one class",
        )


def _notes(found: Shifts) -> Iterator[Note]:
    if not found.axes:
        yield Note("no layer looks along an axis of an input", tone="dim")
        return
    said = (
        "shifting the input by so many positions moves a map by so many units: exactly, as long as where a"
        " unit comes from and where it goes to are both among the units named"
    )
    yield Note(said, tone="dim")
