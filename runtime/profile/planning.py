"""How are a profile's seconds divided among what is measured?

A profile may take twice the seconds that it was given, and besides that the making of one session and five
runs of the model, which it needs in any case: a first one and two that are timed, a first one under the
profiler and one that is timed there. Whole runs get at most the seconds that were given; kernels what is
left but for a share that is kept for the machine's ceilings; and these the rest. The session that has the
profiler is made within those seconds, so that where sessions take long there are fewer runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Final

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.profile.timing import TimeBudget

#: of what was given, kept for measuring what the machine can do
_CEILINGS: Final = 0.7
#: of what was given, kept of that for putting all of it together
_TELLING: Final = 0.2
#: runs that are made in any case, the first of each session not among them
_TIMED, _PROFILED, _ALL = 2, 1, 5
#: a first run that takes more than this share of what was given is the only one before runs are timed
_LONG: Final = 0.1


@dataclass(eq=False)
class TimePlan:
    """What is left of a profile's seconds.

    Args:
        seconds: as given.
        clock: seconds from any origin.
        sessions: how many sessions have whole runs timed, one after the other.
        fewest: whole runs that are timed even if the median is known before.
    """

    seconds: float
    clock: Callable[[], float]
    sessions: int = 1
    fewest: int = 10
    began: float = field(init=False)
    #: what comes on top: sessions and the fewest runs
    free: float = 0.0
    creation: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def patience(self) -> float:
        """Seconds that a first run may take for another to be made before runs are timed."""
        return self.seconds * _LONG

    @property
    def left(self) -> float:
        return 2 * self.seconds + self.free - (self.clock() - self.began)

    def for_runs(self, creation: float, first: float) -> TimeBudget:
        """For whole runs, once it is known how long a session and its first run take."""
        self.free += creation + _ALL * first
        self.creation = max(self.creation, creation)
        # The first session's profiled twin is made within the seconds, as are its runs.
        rest = 2 * self.seconds - self.creation - self.seconds * _CEILINGS
        own = max(0.0, min(self.seconds, rest)) / self.sessions
        return TimeBudget(fewest=self.fewest, seconds=own, least=_TIMED)

    def for_kernels(self) -> TimeBudget:
        """For runs under the profiler."""
        rest = self.left - self.creation - self.seconds * _CEILINGS
        return TimeBudget(seconds=max(0.0, min(self.seconds, rest)), least=_PROFILED)

    def for_ceilings(self) -> float:
        """Seconds for what the machine can do."""
        return max(0.0, min(2.0, self.left - self.seconds * _TELLING))
