"""What is said of a network whose first stage is run patch by patch?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Block, Document, Note, Notes, Pair
from cnnscope.analyzer.render.subjects.answer import answer, for_people, inputs_text, model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.patchwise import FirstStage, Patchwise, Peak
from cnnscope.analyzer.sizes.proof import PatchProof
from cnnscope.analyzer.values.notation import (
    count,
    escape,
    many,
    name,
    nbytes,
    percent,
    ratio,
    shape,
)


def document(found: Patchwise) -> Document:
    """The stage and its peaks as a document."""
    model = model_name(found.model)
    title = f"{model}: its first stage patch by patch"
    head = [Pair("inputs", inputs_text(found.inputs))]
    if found.stage is None:
        why = Notes((Note(escape(found.why or "no stage lowers the peak")),))
        return answer(f"{model}: not patch by patch", head, [for_people(why)])
    head += _stage(found.stage)
    tables: list[Block] = [table(COLUMNS, found.peaks)]
    return answer(title, head, tables, _facts(found), _notes(found))


def _stage(stage: FirstStage) -> Iterator[Pair]:
    patches = "x".join(map(str, stage.patches.values()))
    yield Pair("stage", f"{many(stage.layers, 'layer')}, until {name(stage.until)}")
    yield Pair("patches", f"{patches}, of {name(stage.tensor)} ({shape(list(stage.shape))})")


def _left(peak: Peak) -> float | None:
    return peak.after / peak.before if peak.before else None


COLUMNS: tuple[Column[Peak], ...] = (
    Column("convention", "peak activations", lambda x: escape(x.said), lambda x: x.convention,
           importance=90, least=12),
    Column("before", "before", lambda x: nbytes(x.before), lambda x: x.before, right=True, importance=95),
    Column("after", "patch by patch", lambda x: nbytes(x.after), lambda x: x.after, right=True,
           importance=100),
    Column("ratio", "left", lambda x: ratio(_left(x)), _left, right=True, importance=80),
)  # fmt: skip


def _facts(found: Patchwise) -> Iterator[Pair]:
    share = found.recomputed_share
    if found.macs is not None and share is not None:
        before, after = found.macs
        yield Pair(
            "MACs",
            f"{count(before)} before, {count(after)} after: {percent(share)} are computed again",
        )
    if found.output is not None:
        yield Pair("written", name(found.output))
    if found.proof is not None:
        yield from _proof(found.proof)


def _proof(proof: PatchProof) -> Iterator[Pair]:
    """What came of running both."""
    said = f"run with ONNX Runtime {escape(proof.runtime)}"
    if proof.ok:
        yield Pair("proved", f"{said}: the outputs are equal, to rounding", "good")
    else:
        yield Pair("disproved", f"{said}: the outputs differ", "bad")
    if proof.peaks is not None:
        before, after = proof.peaks
        why = "" if proof.reason is None else f" ({escape(proof.reason)})"
        yield Pair(
            "measured", f"{nbytes(before)} before, {nbytes(after)} after: {ratio(proof.ratio)}{why}"
        )


def _notes(found: Patchwise) -> Iterator[Note]:
    yield Note("activations in place: what ONNX Runtime's arena has alive", tone="dim")
    if found.limit is not None:
        yield Note(
            f"no stage reaches beyond {name(found.limit.layer)}: it {escape(found.limit.why)}",
            tone="dim",
        )
    peak = found.peak()
    if peak.after >= peak.before:
        yield Note("this stage doesn't lower the peak: without --until a better one is looked for")
