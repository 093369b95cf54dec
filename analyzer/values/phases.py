"""Where does each unit of an axis look: at one place per unit of a period, moved on period by period?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.window import Number

#: so many units of a period, or of an axis without one, are listed each by itself
LISTED_UNITS = 64


@dataclass(frozen=True, slots=True)
class Phases:
    """Where each unit of an axis looks: unit ``q*period + r`` at ``spans[r]`` moved by ``q*advance``.

    Args:
        period, advance: None where the units keep to none; then `spans` lists all of them.
        spans: first and last position, before clipping; None where a unit sees nothing.
    """

    period: int | None
    advance: int | None
    spans: tuple[Span | None, ...]

    @property
    def step(self) -> int | None:
        """From any unit to the next, where that is one figure."""
        return self.advance if self.period == 1 else None

    @property
    def start(self) -> int | None:
        """Where unit 0 begins, if every unit's place follows from it by the step."""
        (span, *_) = self.spans
        return span[0] if self.period == 1 and span is not None else None

    @property
    def mean_step(self) -> Number | None:
        """From one unit to the next on average; None where the units don't move on."""
        if self.period is None or self.advance is None or (self.period > 1 and not self.advance):
            return None
        step = Fraction(self.advance, self.period)
        return step.numerator if step.denominator == 1 else step

    def span(self, unit: int) -> Span | None:
        """What one unit sees, before clipping; None: nothing."""
        turns, phase = (0, unit) if self.period is None else divmod(unit, self.period)
        if not 0 <= phase < len(self.spans):
            return None
        span, shift = self.spans[phase], turns * (self.advance or 0)
        return None if span is None else (span[0] + shift, span[1] + shift)


def listed_phases(table: tuple[Span | None, ...]) -> Phases | None:
    """Where units look of which each is listed; None where that would be a long list."""
    count = len(table)
    for period in range(1, min(LISTED_UNITS, count // 2) + 1):
        advance = common_advance(table, period)
        if advance is not None:
            return Phases(period, advance, table[:period])
    return Phases(None, None, table) if 0 < count <= LISTED_UNITS else None


def common_advance(table: Sequence[Span | None], period: int) -> int | None:
    """By how much all of a table's spans move on from one period to the next, if that is one number."""
    found: int | None = None
    for before, after in zip(table, table[period:], strict=False):
        if before is None or after is None:
            if before is not after:
                return None
            continue
        move = after[0] - before[0]
        if after[1] - before[1] != move or found not in (None, move):
            return None
        found = move
    return found


def phases_dict(phases: Phases | None) -> dict[str, object]:
    """Where the units look, as JSON has it."""
    if phases is None:
        return {"mean_step": None, "period": None, "advance": None, "spans": None}
    step = phases.mean_step
    return {
        "mean_step": str(step) if isinstance(step, Fraction) else step,
        "period": phases.period,
        "advance": phases.advance,
        "spans": [None if span is None else list(span) for span in phases.spans],
    }
