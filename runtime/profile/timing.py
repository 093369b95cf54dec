"""How long does one run take, and can the figure be believed?

Runs are timed one by one until the *median* is steady or a bound is hit. Nothing is assumed of the
distribution, which on a machine that does other things has a long right tail:

(1) Warm-up is *detected*, not counted: of the first half of the samples those are left out whose
    omission makes the mean of the rest the most certain, i.e. the d that minimises
    ``var(x[d:]) / (n - d)`` (the marginal standard error rule: White, *An effective truncation
    heuristic for bias reduction in simulation output*, Simulation 69(6), 1997). The samples are
    clipped at their 90th percentile before that, so that one late outlier isn't taken for a
    warm-up of everything before it.
(2) The median is *steady* when its 95 % confidence interval is narrower than `precision` of it. The
    interval is that of order statistics, which holds for every distribution: the samples of rank
    ``n/2 -+ 1.96*sqrt(n)/2`` (Le Boudec, *Performance Evaluation of Computer and Communication
    Systems*, 2010, section 2.2; Georges, Buytaert & Eeckhout, OOPSLA 2007, on why intervals).
(3) Percentiles interpolate linearly between order statistics (Hyndman & Fan 1996, type 7).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence

from cnnscope.analyzer.report.latency import Noise
from cnnscope.analyzer.values.plain_class import dataclass

#: the samples after the warm-up a percentile near the end, or an interval, needs at least
FEWEST = 7
#: beyond this share of the median between the 10th and the 90th percentile a machine is called noisy
NOISY = 0.25


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """When to stop timing.

    Args:
        precision: the width of the median's 95 % interval, as a share of the median.
        fewest, most: runs, the warm-up's included.
        seconds: of timing, however many runs that were.
        least: runs that are made even beyond those seconds.
    """

    precision: float = 0.02
    fewest: int = 10
    most: int = 1000
    seconds: float = 10.0
    least: int = FEWEST


#: steady to 2 %, or ten seconds
DEFAULT = TimeBudget()


@dataclass(frozen=True, slots=True)
class Samples:
    """The durations of runs in seconds, in the order in which they ran.

    Args:
        durations: all of them.
        warmup: how many at the beginning aren't typical, rule (1).
        steady: the median of the rest is known as precisely as asked, rule (2).
    """

    durations: tuple[float, ...]
    warmup: int
    steady: bool

    @property
    def typical(self) -> tuple[float, ...]:
        """Those after the warm-up."""
        return self.durations[self.warmup :]

    @property
    def median(self) -> float:
        return statistics.median(self.typical)

    @property
    def spread(self) -> float:
        """From the 10th to the 90th percentile, as a share of the median."""
        return (self.percentile(90) - self.percentile(10)) / self.median if self.median else 0.0

    def percentile(self, percent: float) -> float:
        """Rule (3).

        >>> Samples((1.0, 2.0, 3.0, 4.0), 0, True).percentile(50)
        2.5
        """
        return percentile(sorted(self.typical), percent)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The median's 95 % confidence interval, rule (2); None for too few samples."""
        return median_interval(sorted(self.typical))

    @property
    def uncertainty(self) -> float | None:
        """The width of that interval as a share of the median; None for too few samples."""
        found = self.interval
        return None if found is None or not self.median else (found[1] - found[0]) / self.median

    @property
    def noise(self) -> Noise | None:
        """Why the figures aren't to be trusted to a few per cent; None where they are."""
        if self.uncertainty is None:
            return "few runs"
        if not self.steady:
            return "unsteady"
        return "spread" if self.spread > NOISY else None


def measure(
    run: Callable[[], object],
    budget: TimeBudget = DEFAULT,
    clock: Callable[[], float] = time.perf_counter,
) -> Samples:
    """Time a run again and again until its median is steady or the budget is spent.

    Args:
        run: what is timed.
        budget: when to stop.
        clock: seconds from any origin; asked once before and once after each run.

    >>> ticks = iter([i * 0.5 for i in range(100)])
    >>> measure(lambda: None, clock=lambda: next(ticks)).median
    0.5
    """
    durations: list[float] = []
    spent = 0.0
    warmup, steady = 0, False
    check = budget.fewest
    while True:
        start = clock()
        run()
        took = clock() - start
        durations.append(took)
        spent += took
        done = len(durations)
        over = done >= budget.most or (
            spent >= budget.seconds and done >= min(budget.least, budget.most)
        )
        if done < check and not over:
            continue
        # Looking costs a sort: at every tenth more than the last time it is nothing.
        check = done + max(1, done // 10)
        warmup = warmup_length(durations)
        steady = is_steady(sorted(durations[warmup:]), budget.precision)
        if over or steady:
            return Samples(tuple(durations), warmup, steady)


def warmup_length(durations: Sequence[float]) -> int:
    """How many of the first samples are a warm-up, rule (1).

    >>> warmup_length([9.0, 3.0, 1.0, 1.1, 1.0, 1.1, 1.0, 1.1, 1.0, 1.1])
    2
    """
    count = len(durations)
    if count < 4:
        return 0 if count < 2 else 1 if durations[0] > 2 * min(durations[1:]) else 0
    top = percentile(sorted(durations[1:]), 90)
    clipped = [min(x, top) if i > count // 2 else x for i, x in enumerate(durations)]
    best, found = math.inf, 0
    # From the back, so that each suffix' sums come from the one before.
    total = squares = 0.0
    origin = clipped[-1]  # differences from a typical value keep the sums exact
    for start in range(count - 1, -1, -1):
        difference = clipped[start] - origin
        total += difference
        squares += difference * difference
        kept = count - start
        if start > count // 2 or kept < 2:
            continue
        variance = max(squares - total * total / kept, 0.0) / kept
        error = variance / kept
        # Of equals the smallest: leave out nothing that needn't be.
        if error <= best:
            best, found = error, start
    return found


def is_steady(ordered: Sequence[float], precision: float) -> bool:
    """Is the median of sorted samples known to within `precision` of it?"""
    found = median_interval(ordered)
    if found is None:
        return False
    return found[1] - found[0] <= precision * statistics.median(ordered)


def median_interval(ordered: Sequence[float]) -> tuple[float, float] | None:
    """The median's 95 % confidence interval from sorted samples; None for too few, rule (2).

    >>> median_interval([1.0] * 20)
    (1.0, 1.0)
    """
    count = len(ordered)
    if count < FEWEST:
        return None
    half = 1.96 * math.sqrt(count) / 2
    low = max(math.floor(count / 2 - half) - 1, 0)
    high = min(math.ceil(count / 2 + half), count - 1)
    return ordered[low], ordered[high]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Of sorted samples, rule (3)."""
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
