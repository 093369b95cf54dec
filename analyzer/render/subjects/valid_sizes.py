"""What is said of the sizes that a model accepts: the lengths of each dimension, why, and what ties them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer, inputs_text, model_name, size_text
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.length_set import Run
from cnnscope.analyzer.sizes.proof import SizeProof
from cnnscope.analyzer.sizes.solution import Solution
from cnnscope.analyzer.sizes.valid_sizes import ValidLengths, ValidSizes
from cnnscope.analyzer.values.notation import count, escape, many, name, nbytes

#: runs that are written out; further ones are counted
_SHOWN = 6
#: conditions and reasons that are written out; JSON has them all
_SAID = 12
#: lengths of a list that are written out
_LISTED = 40


def document(found: ValidSizes) -> Document:
    """The sizes as a document: a row for each free dimension."""
    model = model_name(found.model)
    title = f"{model}: the sizes it accepts"
    head = [Pair("inputs", inputs_text(found.inputs))]
    rows = table(COLUMNS, tuple(found.dims), narrow="shorten")
    return answer(title, head, [rows], _facts(found), _notes(found))


def lengths_text(runs: Sequence[Run]) -> str:
    """A set of lengths in words.

    >>> lengths_text([Run(32, 32, None)]), lengths_text([Run(1, 17, None)]), lengths_text([Run(1, 3, 3)])
    ('multiples of 32: 32, 64, 96, ...', '17 and more', '3')
    >>> lengths_text([Run(32, 31, None), Run(32, 32, None), Run(1, 1, 4)])
    '31 to 32, 63 to 64, ... (every 32); 1 to 4'
    """
    if not runs:
        return "none"
    parts = [*_rows(runs), *(_run(run) for run in runs if run.most is not None or run.step == 1)]
    more = f"; {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more


def _rows(runs: Sequence[Run]) -> Iterator[str]:
    """Endless runs with a step, those beside each other as one."""
    endless = sorted(
        (run for run in runs if run.most is None and run.step > 1),
        key=lambda run: (run.step, run.least),
    )
    rows: list[list[Run]] = []
    for run in endless:
        last = rows[-1][-1] if rows else None
        if last is not None and (last.step, last.least + 1) == (run.step, run.least):
            rows[-1].append(run)
        else:
            rows.append([run])
    for row in rows:
        yield _run(row[0]) if len(row) == 1 else _row(row[0].least, row[-1].least, row[0].step)


def _row(first: int, last: int, step: int) -> str:
    return f"{first} to {last}, {first + step} to {last + step}, ... (every {step})"


def _run(run: Run) -> str:
    if run.most is not None:
        if run.most == run.least:
            return str(run.least)
        by = f" in steps of {run.step}" if run.step > 1 else ""
        return f"{run.least} to {run.most}{by}"
    if run.step == 1:
        return "any" if run.least == 1 else f"{run.least} and more"
    first = ", ".join(str(run.least + run.step * k) for k in range(3))
    what = f"multiples of {run.step}" if run.offset == 0 else f"in steps of {run.step}"
    return f"{what}: {first}, ..."


def _why(dim: ValidLengths) -> str:
    return "; ".join(
        f"{name(cause.layer)}: {escape(cause.condition)}"
        if cause.layer
        else escape(cause.condition)
        for cause in dim.causes[:1]
    )


def _stands(dim: ValidLengths) -> str:
    return ", ".join(f"{name(n)} axis {axis}" for n, axis in dim.places)


COLUMNS: tuple[Column[ValidLengths], ...] = (
    Column("dim", "dim", lambda x: name(x.name), lambda x: x.name, importance=100, least=4),
    Column("lengths", "lengths", lambda x: lengths_text(x.runs()),
           lambda x: [run.to_dict() for run in x.runs()], importance=95, least=40),
    Column("fixed", "the file's", lambda x: "-" if x.fixed is None else str(x.fixed), lambda x: x.fixed,
           right=True, importance=40, optional=True),
    Column("where", "stands in", _stands, lambda x: [list(place) for place in x.places],
           importance=30, least=8),
    Column("why", "because of", _why, lambda x: [cause.to_dict() for cause in x.causes],
           importance=50, least=16),
)  # fmt: skip


def _facts(found: ValidSizes) -> Iterator[Pair]:
    for tie in found.ties[:_SAID]:
        by = "" if tie.layer is None else f" ({name(tie.layer)})"
        yield Pair("together", f"{escape(tie.condition)}{by}")
    if len(found.ties) > _SAID:
        yield Pair("together", f"and {len(found.ties) - _SAID} more such conditions")
    smallest = found.smallest
    if smallest:
        yield Pair("smallest", size_text(smallest))
    for label, lengths in found.listings.items():
        listed = ", ".join(map(str, lengths[:_LISTED])) or "none"
        more = f", ... ({len(lengths)} in all)" if len(lengths) > _LISTED else ""
        yield Pair(f"{name(label)} in range", listed + more)
    if found.asked is not None:
        valid = found.admits(**found.asked)
        yield Pair(
            size_text(found.asked),
            "accepted" if valid else "not accepted",
            "good" if valid else "bad",
        )
        for label, length in () if valid else found.asked.items():
            yield from _near(found, label, length)
    if found.solution is not None:
        yield from _solution(found.solution)
    if found.proof is not None:
        yield from _proof(found.proof)


def _solution(found: Solution) -> Iterator[Pair]:
    """The size that does as is asked, and the next one."""
    wishes = " and ".join(escape(wish.text) for wish in found.wishes)
    if found.lengths is None:
        yield Pair("solved", f"no size has {wishes}", "bad")
    else:
        yield Pair(
            f"{found.end}",
            f"{size_text(found.lengths)} with {wishes}: {_totals(found.figures)}",
            "good",
        )
    if found.beyond is not None:
        yield Pair("the next", f"{size_text(found.beyond)}: {_totals(found.beyond_figures)}")
    for doubt in found.doubts:
        yield Pair("not exact", escape(doubt), "bad")


def _totals(figures: Mapping[str, int | None]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {'?' if n is None else nbytes(n) if key.endswith('_bytes') else count(n)}"
        for key, n in figures.items()
    )


def _proof(proof: SizeProof) -> Iterator[Pair]:
    """What came of running some sizes."""
    departing = [trial for trial in proof.trials if trial.departure]
    said = f"{many(len(proof.trials), 'size')} run with ONNX Runtime {escape(proof.runtime)}"
    if proof.ok:
        yield Pair("proved", f"{said}: each does as is said", "good")
    else:
        yield Pair("disproved", f"{said}: {len(proof.wrong)} otherwise than said", "bad")
    for trial in proof.wrong[:_SHOWN]:
        was = "ran" if trial.ran else f"was refused: {escape(trial.why)}"
        yield Pair(
            size_text(trial.lengths),
            f"{'accepted' if trial.said else 'not accepted'}, they say; it {was}",
            "bad",
        )
    if departing:
        yield Pair(
            "departures", f"{many(len(departing), 'size')}: {escape(departing[0].departure)}"
        )


def _near(found: ValidSizes, label: str, length: int) -> Iterator[Pair]:
    """What would be accepted in place of a length that isn't."""
    down, up = found.nearest(label, length)
    if down == length:
        return
    said = []
    if down is not None:
        said.append(f"{down} (cut {length - down})")
    if up is not None:
        said.append(f"{up} (pad by {up - length})")
    yield Pair(f"{name(label)} near {length}", " or ".join(said) or "none")


def _notes(found: ValidSizes) -> Iterator[Note]:
    if found.exact:
        together = " and what is said of them together holds" if found.ties else ""
        said = f"exact: a size is accepted where each length is one of these{together}, and nowhere else"
        yield Note(said, tone="dim")
    for doubt in found.doubts[:_SAID]:
        yield Note(escape(doubt), "not exact", lead="warning")
    if len(found.doubts) > _SAID:
        yield Note(
            f"and {len(found.doubts) - _SAID} more such reasons", "not exact", lead="warning"
        )
    if found.doubts:
        said = "the lengths follow from what was understood; --dim NAME=1..64 asks the analysis of each size"
        yield Note(said, tone="dim")
