"""What is said of running a model tile by tile: halo and grid, and what tiles of each size cost?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Block, Document, Note, Notes, Pair
from cnnscope.analyzer.render.subjects.answer import answer, for_people, inputs_text, model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.cutting import Obstacle, Sides, TileAxis
from cnnscope.analyzer.sizes.proof import TileProof
from cnnscope.analyzer.sizes.tiling import TilePlan, Tiling
from cnnscope.analyzer.values.notation import count, escape, many, name, nbytes, ratio, shape


def document(found: Tiling, *, margins: bool = True) -> Document:
    """The tiles as a document.

    Args:
        found: the tiles.
        margins: say how many units of the whole see padding.
    """
    model = model_name(found.model)
    title = f"{model}: tile by tile" if found.ok else f"{model}: can't be cut into tiles"
    head = [Pair("inputs", inputs_text(found.inputs))]
    tables: list[Block] = []
    if found.axes:
        tables += [for_people(table(AXES, found.axes)), table(COLUMNS, found.plans)]
    if found.obstacles:
        tables.append(for_people(table(OBSTACLES, found.obstacles)))
    elif not found.axes:
        tables.append(for_people(Notes((Note("no layer looks along an axis of its inputs"),))))
    if not found.axes:
        return answer(title, head, tables)
    return answer(title, head, tables, _facts(found, margins), _notes(found))


def _sides(sides: Sides) -> str:
    return f"{sides[0]} + {sides[1]}"


AXES: tuple[Column[TileAxis], ...] = (
    Column("input", "input", lambda x: name(x.input), lambda x: x.input, importance=90, least=4),
    Column("axis", "axis", lambda x: str(x.axis), lambda x: x.axis, right=True, importance=95),
    Column("step", "tiles start at multiples of", lambda x: str(x.step), lambda x: x.step, right=True,
           importance=80),
    Column("halo", "halo, before + after", lambda x: _sides(x.halo), lambda x: list(x.halo), right=True,
           importance=100),
    Column("halo_anywhere", "starting anywhere", lambda x: _sides(x.halo_anywhere),
           lambda x: list(x.halo_anywhere), right=True, importance=40),
)  # fmt: skip


OBSTACLES: tuple[Column[Obstacle], ...] = (
    Column("input", "input", lambda x: name(x.input), lambda x: x.input, importance=90, least=4),
    Column("axis", "axis", lambda x: str(x.axis), lambda x: x.axis, right=True, importance=95),
    Column("layer", "because of", lambda x: name(x.layer) if x.layer else "-", lambda x: x.layer,
           importance=100, least=12),
    Column("why", "why", lambda x: escape(x.why), lambda x: x.why, importance=80, least=20),
)  # fmt: skip


def _read(plan: TilePlan) -> str:
    return ", ".join(shape(list(x)) for x in plan.read.values())


def _own(plan: TilePlan) -> str:
    return ", ".join(shape(list(x)) for x in plan.own.values())


COLUMNS: tuple[Column[TilePlan], ...] = (
    Column("tile", "tile", lambda x: str(x.tile), lambda x: x.tile, right=True, importance=100),
    Column("own", "its own", _own, _own, importance=60),
    Column("read", "read for it", _read, _read, importance=90),
    Column("tiles", "tiles", lambda x: "-" if x.tiles is None else str(x.tiles), lambda x: x.tiles,
           right=True, importance=70, optional=True),
    Column("read_ratio", "pixels read", lambda x: ratio(x.reading), lambda x: x.reading, right=True,
           importance=75),
    Column("work_ratio", "work", lambda x: ratio(x.work), lambda x: x.work, right=True, importance=80),
    Column("macs", "MACs", lambda x: "?" if x.macs is None else count(x.macs), lambda x: x.macs,
           right=True, importance=30),
    Column("peak_bytes", "peak activations", lambda x: "?" if x.peak is None else nbytes(x.peak),
           lambda x: x.peak, right=True, importance=85),
    Column("pareto", "", lambda x: "*" if x.best else "", lambda x: x.best, importance=35),
)  # fmt: skip


def _facts(found: Tiling, margins: bool) -> Iterator[Pair]:
    if found.whole_macs is not None or found.whole_peak is not None:
        macs = "?" if found.whole_macs is None else count(found.whole_macs)
        peak = "?" if found.whole_peak is None else nbytes(found.whole_peak)
        yield Pair("whole", f"{macs} MACs, {peak} of activations")
    for (input_name, axis), (number, rest) in found.rests.items():
        rests = f" and {rest}" if rest else ""
        yield Pair(
            "lengths", f"{name(input_name)} axis {axis}: holds for multiples of {number}{rests}"
        )
    for margin in found.margins if margins else ():
        first, last = margin.units
        ends = f"{first} + {'?' if last is None else last}"
        yield Pair("margin", f"{name(margin.output)} axis {margin.axis}: {ends} units see padding")
    if found.proof is not None:
        yield from _proof(found.proof)


def _proof(proof: TileProof) -> Iterator[Pair]:
    """What came of running tiles."""
    said = (
        f"{many(proof.tiles, 'tile')} of {proof.tile} run with ONNX Runtime {escape(proof.runtime)}"
    )
    if proof.ok:
        yield Pair("proved", f"{said}: put together, they are the whole, to rounding", "good")
    else:
        yield Pair("disproved", f"{said}: put together, they aren't the whole", "bad")
    for run in proof.runs:
        if run.wrong:
            yield Pair(
                name(run.output),
                f"{many(run.wrong, 'unit')} differ, by up to {run.difference:.3g} of {run.scale:.3g}",
                "bad",
            )
    for ring in proof.rings:
        was = "is needed" if ring.shown else "made no difference here"
        yield Pair(
            "halo", f"{name(ring.input)} axis {ring.axis}, {ring.side}: pixel {ring.halo} {was}"
        )


def _notes(found: Tiling) -> Iterator[Note]:
    yield Note(
        "halo: the pixels beyond its own that a tile reads; its own are whole steps, and what is cut out for"
        " it begins on the grid",
        tone="dim",
    )
    if len(found.plans) > 1:
        yield Note("*: no other size takes less memory without more work", tone="dim")
    if found.plans and all(
        plan.tiles is not None and plan.tiles > 1 and plan.peak == found.whole_peak
        for plan in found.plans
    ):
        yield Note("the halo reaches so far that tiles save no memory at this size", tone="dim")
    if any(plan.tiles is None for plan in found.plans):
        yield Note(
            "work and pixels are those of a tile far from the borders: with --shape, of the whole",
            tone="dim",
        )
