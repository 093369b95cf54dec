"""How does a verification look? What ran, a line for each check, then what disagrees and why not.

Mismatches that no earlier one explains come first: they are where a fault is. Unchecked tensors are
counted by reason, with the first few names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape as quoted
from textwrap import wrap
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.report.verification import Check, FieldCheck, Mismatch, Verification
from cnnscope.analyzer.values.notation import escape, name, nbytes, ratio, shape

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN = 20
_NAMES = 3
_RANGES = 8
_SENTENCE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A line: under which head, and whether it is good news."""

    head: str
    body: str
    tone: str = ""


def lines(found: Verification) -> list[Line]:
    """The whole verification, a line at a time."""
    return [*_heading(found), *_checks(found), *_details(found)]


def text(found: Verification, width: int = 100) -> str:
    """As plain text, no line longer than the width."""
    return without_commands(
        "\n".join(f"{line.head}{line.body}".rstrip() for line in laid_out(found, width))
    )


def table(found: Verification, width: int = 100) -> Text:
    """As something rich can print."""
    from rich.text import Text

    styles = {"good": "green", "bad": "bold red", "dim": "dim", "": ""}
    whole = Text(overflow="fold")
    for line in laid_out(found, width):
        whole.append("\n" if whole else "")
        whole.append(line.head, "bold")
        whole.append(line.body, styles[line.tone])
    return whole


def laid_out(found: Verification, width: int) -> list[Line]:
    """The lines with their heads in a column, each text broken to fit beside it."""
    rows = lines(found)
    indent = max(len(row.head) for row in rows) + 2
    room = max(1, width - indent)
    return [
        Line((row.head if i == 0 else "").ljust(indent), part, row.tone)
        for row in rows
        for i, part in enumerate(wrap(row.body, room, break_on_hyphens=False) or [""])
    ]


def html(found: Verification) -> str:
    """As a fragment of HTML, without scripts, everything escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left">{quoted(row.head)}</th>'
        f'<td style="text-align:left">{quoted(row.body)}</td></tr>'
        for row in lines(found)
    )
    return f"<div><table>{rows}</table></div>"


def verification_json(found: Verification) -> str:
    """As `Verification.to_dict` says."""
    from cnnscope.analyzer.render.forms.json import dumped

    return dumped(found.to_dict())


def verification_markdown(found: Verification) -> str:
    """As Markdown: a heading, a table of the checks, and lists."""
    from cnnscope.analyzer.render.forms.markdown import plain

    heading, *facts = _heading(found)
    parts = [f"## {plain(heading.body)}"]
    parts.append("\n".join(f"- {plain(row.head)}: {plain(row.body)}" for row in facts))
    rows = [f"| {plain(row.head)} | {plain(row.body)} |" for row in _checks(found)]
    parts.append("\n".join(["| check | result |", "| --- | --- |", *rows]))
    rest = [
        f"- {plain(f'{row.head}: ' if row.head else '')}{plain(row.body)}"
        for row in _details(found)
    ]
    if rest:
        parts.append("\n".join(rest))
    return "\n\n".join(parts) + "\n"


def _heading(found: Verification) -> Iterator[Line]:
    verdict = "agrees with its execution" if found.ok else "does NOT agree with its execution"
    differing = [*found.shapes.mismatches, *found.fields.mismatches]
    if differing and all(m.departure for m in differing):
        verdict = "agrees with ONNX's text, from which ONNX Runtime departs"
    model = name(found.model or "the model in memory")
    yield Line("model", f"{model}: {verdict}", "good" if found.ok else "bad")
    ran = f"{name(found.provider)}, ONNX Runtime {escape(found.runtime)}"
    if found.fallback_reason:
        ran += f" ({escape(found.fallback_reason)})"
    yield Line("ran on", ran)
    given = ", ".join(f"{name(n)} {shape(list(s))}" for n, s in found.inputs.items())
    yield Line("inputs", f"{given or 'none'}; seed {found.seed}")
    yield Line("weights", escape(found.weights))


def _checks(found: Verification) -> Iterator[Line]:
    yield _check("shapes", found.shapes)
    yield _check("fields", found.fields, f"; {len(found.fields.probes)} probes")
    memory = found.memory
    if memory.measured_bytes is None:
        yield Line("memory", f"not measured: {escape(memory.reason or 'no figure')}", "dim")
        return
    said = "?" if memory.predicted_bytes is None else nbytes(memory.predicted_bytes)
    body = f"peak of live activations {nbytes(memory.measured_bytes)}, predicted {said}"
    body += f": ratio {ratio(memory.ratio)}"
    yield Line("memory", body)
    if memory.explained_bytes is not None and memory.explained_bytes != memory.predicted_bytes:
        what = [f"{memory.in_place} outputs sharing an input's memory"] if memory.in_place else []
        if memory.constants:
            what.append(f"{memory.constants} constants computed in the run")
        yield Line(
            "",
            f"with {' and '.join(what)}, predicted {nbytes(memory.explained_bytes)}: "
            f"ratio {ratio(memory.explained_ratio)}",
            "dim",
        )
    if memory.reason:
        yield Line("", escape(memory.reason), "dim")


def _check(head: str, check: Check, how: str = "") -> Line:
    if check.reason is not None:
        return Line(head, f"not checked: {escape(check.reason)}", "dim")
    body = f"{check.agreeing} of {check.compared} tensors agree{how}"
    if check.unchecked:
        body += f"; {len(check.unchecked)} unchecked"
    return Line(head, body, "good" if check.ok else "bad")


def _details(found: Verification) -> Iterator[Line]:
    for note in found.notes:
        yield Line("note", escape(note), "dim")
    for head, check in (("shapes", found.shapes), ("fields", found.fields)):
        yield from _mismatches(head, check)
    for head, check in (("shapes", found.shapes), ("fields", found.fields)):
        yield from _unchecked(head, check)


def _mismatches(head: str, check: Check | FieldCheck) -> Iterator[Line]:
    ordered = sorted(check.mismatches, key=lambda m: not m.cause)
    for m in ordered[:_SHOWN]:
        where = f"{name(m.layer)} ({name(m.op)})" if m.layer else "an input"
        follows = "" if m.cause else "; follows from an earlier one"
        predicted, actual = told(m)
        yield Line(
            f"{head}: mismatch",
            f"{where}, tensor {name(m.tensor)}: {_subject(m)} predicted {predicted}"
            f"{';' if isinstance(m.predicted, Mapping) else ','} actual {actual}{follows}",
            "bad",
        )
        if m.departure is not None:
            yield Line("", escape(m.departure), "dim")
    if len(ordered) > _SHOWN:
        yield Line("", f"... {len(ordered) - _SHOWN} more mismatches", "bad")


def told(mismatch: Mismatch) -> tuple[str, str]:
    """What was predicted and what is, in words; of fields, which units hang on the point.

    >>> where = {"probe": {"input": "x", "axes": [2], "index": [5]}, "units": 6}
    >>> found = Mismatch("t", "c", "Conv", "field", {**where, "axis 2": [[3, 5]]}, {"units": 0})
    >>> told(found)
    ('3..5 along axis 2', 'none')
    """
    return _value(mismatch, mismatch.predicted), _value(mismatch, mismatch.actual)


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
    places = zip(_list(probe.get("axes")), _list(probe.get("index")), strict=False)
    said = ", ".join(f"axis {axis}: {index}" for axis, index in places)
    return f"{name(str(probe.get('input')))}{f' at ({said})' if said else ''}"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _value(mismatch: Mismatch, value: object) -> str:
    if isinstance(value, Mapping):
        return _units(value)
    if mismatch.what in ("shape", "length") and _list(value):
        return shape([d if isinstance(d, int) else str(d) for d in _list(value)])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "scalar" if mismatch.what == "shape" else ", ".join(name(str(v)) for v in value)
    return name(str(value), _SENTENCE)


def _units(found: Mapping[str, object]) -> str:
    """The units that a point reaches, along each axis that moves with the input's."""
    if not found.get("units"):
        return "none"
    along = [
        f"{_ranges(where)} along {escape(axis)}"
        for axis, where in found.items()
        if axis.startswith("axis ")
    ]
    return ", ".join(along) or "all"


def _ranges(found: object) -> str:
    parts = []
    for ends in _list(found):
        lo, hi = (*_list(ends), None, None)[:2]
        parts.append(str(lo) if lo == hi else f"{lo}..{hi}")
    shown = ", ".join(parts[:_RANGES])
    return f"{shown}, ... ({len(parts)} ranges)" if len(parts) > _RANGES else shown


def _unchecked(head: str, check: Check) -> Iterator[Line]:
    by_reason: dict[str, list[str]] = {}
    for u in check.unchecked:
        by_reason.setdefault(u.reason, []).append(u.tensor)
    for reason, tensors in by_reason.items():
        shown = ", ".join(name(t, 60) for t in tensors[:_NAMES])
        more = f", ... ({len(tensors)})" if len(tensors) > _NAMES else ""
        yield Line(f"{head}: unchecked", f"{shown}{more}: {escape(reason)}", "dim")
