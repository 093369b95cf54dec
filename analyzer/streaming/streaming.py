"""What does a model need along a time axis: how much past, how much future, at which hop?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import ClassVar

from cnnscope.analyzer.streaming.contexts import Context
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.phases import LISTED_UNITS
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.window import Number

#: what stands for a context that grows with the signal
UNBOUNDED = "unbounded"


@dataclass(frozen=True, slots=True)
class StreamedOutput:
    """What the units of one output see along the time axis, in samples.

    Unit i stands for the samples ``i*hop .. i*hop + hop - 1``; contexts are counted from there, the
    largest of all units. Where the hop is a fraction these are all that its own stretch touches.

    Args:
        output: its name.
        output_axis: the axis along which units move on; None: it isn't known, or none does.
        window: samples from the first to the last that a unit sees; None: not known, or without end.
        hop: samples from one unit to the next, a `Fraction` after upsampling.
        period, advance: so many units move on by so many samples.
        past: samples before its own that a unit sees; None: not known, or all of them.
        future: samples behind its own; negative where it doesn't see all of its own.
        phases: past and future of each unit of a period, None where one sees nothing; None where
            the period is long.
        unbounded_by: the layer because of which a unit sees all the past.
        blocked_by: the layer because of which no unit can be given before the signal has ended, or of
            which that isn't known.
        reason: why something isn't known, in words; ``""``: all is.
        causal: no unit sees a sample behind its own; None: not known.
    """

    output: str
    output_axis: int | None = None
    window: int | None = None
    hop: Number | None = None
    period: int | None = None
    advance: int | None = None
    past: int | None = None
    future: int | None = None
    phases: tuple[tuple[int, int] | None, ...] | None = None
    unbounded_by: str | None = None
    blocked_by: str | None = None
    reason: str = ""
    causal: bool | None = None

    @property
    def streamable(self) -> bool:
        """Its units can be given before the signal has ended."""
        return self.look_ahead is not None

    @property
    def look_ahead(self) -> int | None:
        """Samples behind its own hop that must have come before a unit can be given; None: all, or not
        known."""
        return None if self.future is None else max(self.future, 0)

    def to_dict(self, rate: int | None = None) -> dict[str, object]:
        """As JSON-ready data.

        Args:
            rate: samples a second, for the figures in ms.
        """
        return {
            "output": self.output,
            "axis": self.output_axis,
            "streamable": self.streamable,
            "causal": self.causal,
            "window": self.window,
            "hop": _plain(self.hop),
            "period": self.period,
            "advance": self.advance,
            "past": UNBOUNDED if self.unbounded_by is not None else self.past,
            "future": self.future,
            "look_ahead": self.look_ahead,
            "window_ms": milliseconds(self.window, rate),
            "hop_ms": milliseconds(self.hop, rate),
            "past_ms": milliseconds(self.past, rate),
            "future_ms": milliseconds(self.future, rate),
            "look_ahead_ms": milliseconds(self.look_ahead, rate),
            "phases": None if self.phases is None else [
                None if one is None else {"past": one[0], "future": one[1]} for one in self.phases
            ],
            "unbounded_by": self.unbounded_by,
            "blocked_by": self.blocked_by,
            "reason": self.reason or None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LookingLayer:
    """A layer at which the look-ahead grows, or shrinks.

    Args:
        name, op: the layer's.
        added: samples by which it grows; negative: it shrinks, as behind padding at the beginning.
        look_ahead: behind it.
    """

    name: str
    op: str
    added: int
    look_ahead: int

    def to_dict(self) -> dict[str, object]:
        return {
            "layer": self.name,
            "op": self.op,
            "added": self.added,
            "look_ahead": self.look_ahead,
        }


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Streaming(Answer):
    """What a model needs along a time axis; what `cnnscope.stream` gives.

    Args:
        model: its path; None for one in memory.
        input, axis: the time axis, of a network input.
        rate: samples a second; None: not given.
        outputs: those that see the axis.
        layers: at which the look-ahead changes, in running order.
        chunk: the least number of samples that gives whole units of every layer, as any multiple of it does;
            None: not known.
        context_window: samples from which alone the units of one chunk can be computed, without a state:
            past context, chunk and future context; None: not known, or all the past.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "output", "streamable", "causal", "window", "hop", "period", "past", "future", "look_ahead",
        "look_ahead_ms", "unbounded_by", "blocked_by",
    )  # fmt: skip

    model: str | None
    input: str
    axis: int
    rate: int | None
    outputs: tuple[StreamedOutput, ...]
    layers: tuple[LookingLayer, ...]
    chunk: int | None
    context_window: int | None

    @property
    def streamable(self) -> bool:
        """Units of all outputs can be given before the signal has ended."""
        return all(output.streamable for output in self.outputs)

    @property
    def causal(self) -> bool | None:
        """No output's unit sees samples behind its own; None: not known."""
        found = {output.causal for output in self.outputs}
        return False if False in found else None if None in found else True

    @property
    def look_ahead(self) -> int | None:
        """The largest of the outputs', in samples; None: of one it is all, or not known."""
        known = [output.look_ahead for output in self.outputs]
        return None if None in known else max((x for x in known if x is not None), default=None)

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope stream``."""
        return {
            "schema_version": 1,
            "model": self.model,
            "input": self.input,
            "axis": self.axis,
            "rate": self.rate,
            "streamable": self.streamable,
            "causal": self.causal,
            "look_ahead": self.look_ahead,
            "look_ahead_ms": milliseconds(self.look_ahead, self.rate),
            "chunk": self.chunk,
            "chunk_ms": milliseconds(self.chunk, self.rate),
            "context_window": self.context_window,
            "context_window_ms": milliseconds(self.context_window, self.rate),
            "outputs": [output.to_dict(self.rate) for output in self.outputs],
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each output."""
        for output in self.outputs:
            found = output.to_dict(self.rate)
            yield {name: found[name] for name in self.COLUMNS} | {"past": output.past}

    def summary(self) -> str:
        said = "not streamable" if not self.streamable else f"look-ahead {self.look_ahead}"
        causal = ", causal" if self.causal else ""
        return f"{many(len(self.outputs), 'output')} along {self.input}:{self.axis}, {said}{causal}"


def streamed(output: str, context: Context, unbounded_by: str | None) -> StreamedOutput:
    """What is said of an output whose units move on along the axis.

    Args:
        unbounded_by: the layer because of which they see all the past; then only the future holds.
    """
    sides = zip(context.past, context.future, strict=True)
    listed = tuple([None if a is None or b is None else (a, b) for a, b in sides])
    bounded = unbounded_by is None
    return StreamedOutput(
        output, context.axis, context.window if bounded else None, context.hop, context.period,
        context.advance, context.most_past if bounded else None, context.most_future,
        listed if bounded and context.period <= LISTED_UNITS else None, unbounded_by, None, "",
        context.most_future <= 0,
    )  # fmt: skip


def unknown_ends(output: StreamedOutput, reason: str) -> StreamedOutput:
    """An output of which it isn't known what its units at the ends of the signal see."""
    causal = False if output.causal is False else None
    return replace(output, past=None, future=None, reason=reason, causal=causal)


def common_chunk(contexts: list[Context]) -> int:
    """The least number of samples that gives whole units of all."""
    return lcm(*(context.advance for context in contexts))


def milliseconds(samples: Number | None, rate: int | None) -> float | None:
    """Samples as a time; None where either isn't known.

    >>> milliseconds(640, 16000)
    40.0
    """
    return None if samples is None or rate is None else float(Fraction(samples) * 1000 / rate)


def _plain(hop: Number | None) -> int | str | None:
    return str(hop) if isinstance(hop, Fraction) else hop
