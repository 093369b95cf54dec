"""What is said of a model along a time axis: what its outputs see, what has to be waited for, and because of
which layers?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer, model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.streaming.streaming import StreamedOutput, Streaming, milliseconds
from cnnscope.analyzer.values.notation import escape, many, name
from cnnscope.analyzer.values.window import Number

#: layers and phases that are written out; further ones are counted
_SHOWN = 12


def document(found: Streaming) -> Document:
    """The answer as a document: a row for each output."""
    model = model_name(found.model)
    title = f"{model}: along {name(found.input)} axis {found.axis}"
    rows = table(_columns(found), found.outputs, narrow="shorten")
    return answer(title, _facts(found), [rows], notes=_notes(found))


def samples_text(samples: Number | None, rate: int | None = None) -> str:
    """A number of samples, in ms as well where the rate is known.

    >>> samples_text(991, 16000), samples_text(None)
    ('991 (61.94 ms)', '-')
    """
    if samples is None:
        return "-"
    ms = milliseconds(samples, rate)
    return str(samples) if ms is None else f"{samples} ({ms:.2f} ms)".replace(".00 ms", " ms")


def _facts(found: Streaming) -> Iterator[Pair]:
    causal = {True: "yes", False: "no", None: "not known"}[found.causal]
    looking = [x for x in found.layers if x.added > 0]
    yield Pair("causal", causal, "good" if found.causal else "")
    if found.streamable and found.outputs:
        yield Pair("look-ahead", samples_text(found.look_ahead, found.rate))
        yield Pair("smallest chunk", samples_text(found.chunk, found.rate))
        if found.context_window is not None:
            said = samples_text(found.context_window, found.rate)
            yield Pair("chunk alone", f"{said}: past, chunk and future, where no state is kept")
    if found.layers:
        yield Pair("looks ahead", many(len(looking), "layer"))
    for layer in found.layers[:_SHOWN]:
        sign = "+" if layer.added > 0 else ""
        added = samples_text(layer.added, found.rate)
        yield Pair(f"  {sign}{added}", f"{name(layer.name)} ({escape(layer.op)})")
    if len(found.layers) > _SHOWN:
        yield Pair("  ...", f"{many(len(found.layers) - _SHOWN, 'layer')} more in --format json")


def _past(output: StreamedOutput, rate: int | None) -> str:
    return "unbounded" if output.unbounded_by is not None else samples_text(output.past, rate)


def _because(output: StreamedOutput) -> str:
    by = output.blocked_by or output.unbounded_by
    return "" if by is None else name(by)


def _columns(found: Streaming) -> tuple[Column[StreamedOutput], ...]:
    rate = found.rate
    answers = {True: "yes", False: "no", None: "?"}
    return (
        Column("output", "output", lambda x: name(x.output), lambda x: x.output, importance=100, least=6),
        Column("causal", "causal", lambda x: answers[x.causal], lambda x: x.causal, importance=80),
        Column("look_ahead", "look-ahead", lambda x: samples_text(x.look_ahead, rate),
               lambda x: x.look_ahead, right=True, importance=95),
        Column("window", "window", lambda x: samples_text(x.window, rate), lambda x: x.window,
               right=True, importance=90),
        Column("hop", "hop", lambda x: samples_text(x.hop, rate), lambda x: _plain(x.hop),
               right=True, importance=85),
        Column("period", "period", _period, lambda x: x.period, right=True, importance=30, optional=True),
        Column("past", "past", lambda x: _past(x, rate), lambda x: x.past, right=True, importance=70),
        Column("future", "future", lambda x: samples_text(x.future, rate), lambda x: x.future,
               right=True, importance=75),
        Column("layer", "because of", _because, lambda x: x.blocked_by or x.unbounded_by, importance=60,
               least=8, optional=True),
    )  # fmt: skip


def _plain(hop: Number | None) -> int | str | None:
    return str(hop) if isinstance(hop, Fraction) else hop


def _period(output: StreamedOutput) -> str:
    if output.period is None or output.advance is None:
        return "-"
    return f"{many(output.period, 'unit')} in {output.advance}"


def _notes(found: Streaming) -> Iterator[Note]:
    if not found.outputs:
        yield Note("no output sees anything of this axis", tone="dim")
    for output in found.outputs:
        if not output.streamable:
            by = "" if output.blocked_by is None else f" ({name(output.blocked_by)})"
            said = f"{name(output.output)}: {escape(output.reason)}{by}"
            yield Note(said, "not streamable", lead="warning")
        elif output.unbounded_by is not None:
            by = name(output.unbounded_by)
            yield Note(f"{name(output.output)} sees all the past, because of {by}", tone="dim")
        if output.phases is not None and len(output.phases) > 1:
            yield Note(f"{name(output.output)}: {_phases(output)}", tone="dim")
    if found.outputs:
        said = (
            "in samples; unit i stands for the samples of its own hop, i*hop to i*hop + hop - 1: past is"
            " what it sees before, future what it sees behind, look-ahead what must have come of that"
        )
        yield Note(said, tone="dim")


def _phases(output: StreamedOutput) -> str:
    shown = [
        "nothing" if one is None else f"{one[0]} past, {one[1]} future"
        for one in (output.phases or ())[:_SHOWN]
    ]
    more = "" if len(output.phases or ()) <= _SHOWN else "; ..."
    return f"unit by unit of a period: {'; '.join(shown)}{more}"
