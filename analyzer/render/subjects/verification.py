"""How does a verification look? What ran, a line for each check, then what disagrees and why not.

Mismatches that no earlier one explains come first: they are where a fault is. Unchecked tensors are
counted by reason, with the first few names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Document,
    Heading,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.answer import inputs_text, model_name
from cnnscope.analyzer.report.told import as_list, told
from cnnscope.analyzer.report.verification import Agreement, FieldCheck, Mismatch, Verification
from cnnscope.analyzer.values.notation import escape, many, name, nbytes, ratio

_SHOWN = 20
_NAMES = 3


def document(found: Verification) -> Document:
    """The verification as a document."""
    verdict, *facts = _heading(found)
    return Document(
        verdict.text,
        (
            Section((
                Only(PAGE, (Heading(verdict.text),)),
                Only(SCREEN, (Pairs((verdict,)),)),
                Pairs(tuple(facts)),
                Pairs(tuple(_checks(found)), ("check", "result")),
                Pairs(tuple(_details(found))),
            )),
        ),
    )  # fmt: skip


def _heading(found: Verification) -> Iterator[Pair]:
    verdict = "agrees with its execution" if found.ok else "does NOT agree with its execution"
    differing = [*found.shapes.mismatches, *found.fields.mismatches]
    if differing and all(m.departure for m in differing):
        verdict = "agrees with ONNX's text, from which ONNX Runtime departs"
    model = model_name(found.model)
    yield Pair("model", f"{model}: {verdict}", "good" if found.ok else "bad")
    ran = f"{name(found.provider)}, ONNX Runtime {escape(found.runtime)}"
    if found.fallback_reason:
        ran += f" ({escape(found.fallback_reason)})"
    yield Pair("ran on", ran)
    given = inputs_text(found.inputs)
    yield Pair("inputs", f"{given or 'none'}; seed {found.seed}")
    yield Pair("weights", escape(found.weights))


def _checks(found: Verification) -> Iterator[Pair]:
    yield _check("shapes", found.shapes)
    yield _check("fields", found.fields, f"; {many(len(found.fields.probes), 'probe')}")
    memory = found.memory
    if memory.measured_bytes is None:
        yield Pair("memory", f"not measured: {escape(memory.reason or 'no figure')}", "dim")
        return
    said = "?" if memory.predicted_bytes is None else nbytes(memory.predicted_bytes)
    body = f"peak of live activations {nbytes(memory.measured_bytes)}, predicted {said}"
    body += f": ratio {ratio(memory.ratio)}"
    yield Pair("memory", body)
    if memory.explained_bytes is not None and memory.explained_bytes != memory.predicted_bytes:
        what = (
            [f"{many(memory.in_place, 'output')} sharing an input's memory"]
            if memory.in_place
            else []
        )
        if memory.constants:
            what.append(f"{many(memory.constants, 'constant')} computed in the run")
        yield Pair(
            "",
            f"with {' and '.join(what)}, predicted {nbytes(memory.explained_bytes)}: "
            f"ratio {ratio(memory.explained_ratio)}",
            "dim",
        )
    if memory.reason:
        yield Pair("", escape(memory.reason), "dim")


def _check(head: str, check: Agreement, how: str = "") -> Pair:
    if check.reason is not None:
        return Pair(head, f"not checked: {escape(check.reason)}", "dim")
    agree = "agrees" if check.compared == 1 else "agree"
    body = f"{check.agreeing} of {many(check.compared, 'tensor')} {agree}{how}"
    if check.unchecked:
        body += f"; {len(check.unchecked)} unchecked"
    return Pair(head, body, "good" if check.ok else "bad")


def _details(found: Verification) -> Iterator[Pair]:
    for note in found.notes:
        yield Pair("note", escape(note), "dim")
    for head, check in (("shapes", found.shapes), ("fields", found.fields)):
        yield from _mismatches(head, check)
    for head, check in (("shapes", found.shapes), ("fields", found.fields)):
        yield from _unchecked(head, check)


def _mismatches(head: str, check: Agreement | FieldCheck) -> Iterator[Pair]:
    ordered = sorted(check.mismatches, key=lambda m: not m.cause)
    for m in ordered[:_SHOWN]:
        where = f"{name(m.layer)} ({name(m.op)})" if m.layer else "an input"
        follows = "" if m.cause else "; follows from an earlier one"
        predicted, actual = told(m.what, m.predicted, m.actual)
        yield Pair(
            f"{head}: mismatch",
            f"{where}, tensor {name(m.tensor)}: {_subject(m)} predicted {predicted}"
            f"{';' if isinstance(m.predicted, Mapping) else ','} actual {actual}{follows}",
            "bad",
        )
        if m.departure is not None:
            yield Pair("", escape(m.departure), "dim")
    if len(ordered) > _SHOWN:
        yield Pair(
            "", f"... {many(len(ordered) - _SHOWN, 'more mismatch', 'more mismatches')}", "bad"
        )


def _subject(mismatch: Mismatch) -> str:
    """What the two values are of."""
    found = mismatch.predicted
    if not isinstance(found, Mapping):
        return escape(mismatch.what)
    return f"{_FIELD.get(mismatch.what, escape(mismatch.what))} {_point(found.get('probe'))}:"


#: of a field: what its two values say of one point
_FIELD = {
    "field": "units that see",
    "span": "units whose field, as given, holds",
}


def _point(probe: object) -> str:
    """The point of an input that was changed."""
    if not isinstance(probe, Mapping):
        return "the input"
    places = zip(as_list(probe.get("axes")), as_list(probe.get("index")), strict=False)
    said = ", ".join(f"axis {axis}: {index}" for axis, index in places)
    return f"{name(str(probe.get('input')))}{f' at ({said})' if said else ''}"


def _unchecked(head: str, check: Agreement) -> Iterator[Pair]:
    by_reason: dict[str, list[str]] = {}
    for u in check.unchecked:
        by_reason.setdefault(u.reason, []).append(u.tensor)
    for reason, tensors in by_reason.items():
        shown = ", ".join(name(t, 60) for t in tensors[:_NAMES])
        more = f", ... ({len(tensors)})" if len(tensors) > _NAMES else ""
        yield Pair(f"{head}: unchecked", f"{shown}{more}: {escape(reason)}", "dim")
