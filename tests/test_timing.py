"""Are the statistics of durations right, by hand and by brute force, on an injected clock?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnscope.runtime.profile.timing import (
    Samples,
    TimeBudget,
    is_steady,
    measure,
    median_interval,
    percentile,
    warmup_length,
)

DURATIONS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60)


def clock_of(durations: Sequence[float]) -> Callable[[], float]:
    """A clock by which the runs take these times, the last one's for ever, with idle time between."""

    def ticks() -> Iterator[float]:
        now = 100.0
        position = 0
        while True:
            yield now
            now += durations[min(position, len(durations) - 1)]
            yield now
            now += 1000.0  # between runs: must not count
            position += 1

    running = ticks()
    return lambda: next(running)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0, 10.0), (25, 20.0), (50, 30.0), (90, 46.0), (99, 49.6), (100, 50.0)],
)
def test_percentiles_by_hand(percent: float, expected: float) -> None:
    assert percentile([10.0, 20.0, 30.0, 40.0, 50.0], percent) == pytest.approx(expected)


@given(DURATIONS, st.floats(0, 100))
def test_percentiles_are_numpys(durations: list[float], percent: float) -> None:
    expected = float(np.percentile(durations, percent))
    assert percentile(sorted(durations), percent) == pytest.approx(expected)


def test_the_interval_of_a_median_by_hand() -> None:
    # Of 100 samples: between the 40th, floor(50 - 9.8), and the 61st, 1 + ceil(50 + 9.8).
    assert median_interval([float(i) for i in range(1, 101)]) == (40.0, 61.0)
    assert median_interval([1.0] * 6) is None


@given(st.lists(st.floats(1e-3, 1e3), min_size=7, max_size=200))
def test_an_interval_covers_the_median_with_95_percent(durations: list[float]) -> None:
    ordered = sorted(durations)
    found = median_interval(ordered)
    assert found is not None
    low, high = found
    assert low <= statistics.median(ordered) <= high
    # By the binomial distribution: the chance that the true median lies between ranks j and k.
    count = len(ordered)
    half = 1.96 * math.sqrt(count) / 2
    j = max(math.floor(count / 2 - half), 1)
    k = min(math.ceil(count / 2 + half) + 1, count)
    covered = sum(math.comb(count, i) for i in range(j, k)) / 2**count
    assert covered >= 0.95
    assert (low, high) == (ordered[j - 1], ordered[k - 1])


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ([], 0),
        ([5.0], 0),
        ([5.0, 1.0], 1),
        ([1.5, 1.0], 0),
        ([1.0] * 10, 0),
        ([9.0, 3.0, 1.0, 1.1, 1.0, 1.1, 1.0, 1.1, 1.0, 1.1], 2),
        ([4.0, 4.0, 4.0, *[1.0, 1.02] * 10], 3),
        # A late outlier isn't the end of a warm-up.
        ([*[1.0, 1.01] * 10, 50.0, *[1.0, 1.01] * 3], 0),
    ],
)
def test_warmups_by_hand(durations: list[float], expected: int) -> None:
    assert warmup_length(durations) == expected


@given(st.lists(st.floats(0.01, 100), min_size=4, max_size=60))
def test_a_warmup_is_what_brute_force_finds(durations: list[float]) -> None:
    count = len(durations)
    top = float(np.percentile(durations[1:], 90))
    clipped = [min(x, top) if i > count // 2 else x for i, x in enumerate(durations)]
    errors = {
        d: statistics.pvariance(clipped[d:]) / (count - d)
        for d in range(count // 2 + 1) if count - d >= 2
    }  # fmt: skip
    found = warmup_length(durations)
    assert 0 <= found <= count // 2
    least = min(errors.values())
    assert errors[found] == pytest.approx(least, rel=1e-6, abs=1e-9)


def test_measuring_stops_when_the_median_is_steady() -> None:
    found = measure(lambda: None, TimeBudget(fewest=10), clock_of([0.5, 0.125]))
    assert found.durations == (0.5, *[0.125] * 9)
    assert (found.warmup, found.steady, found.noise) == (1, True, None)
    assert (found.median, found.uncertainty, found.spread) == (0.125, 0, 0)


def test_measuring_stops_when_the_budget_is_spent() -> None:
    noisy = [1.0, 2.0, 3.0, 5.0] * 100
    by_time = measure(lambda: None, TimeBudget(seconds=30, fewest=5), clock_of(noisy))
    # Four runs take 11 s: after the 11th it is 28 s, after the 12th 33 s.
    assert len(by_time.durations) == 12
    assert by_time.noise == "unsteady"
    by_count = measure(lambda: None, TimeBudget(most=20, seconds=1e9), clock_of(noisy))
    assert len(by_count.durations) == 20
    few = measure(lambda: None, TimeBudget(most=3), clock_of([1.0]))
    assert (len(few.durations), few.noise) == (3, "few runs")


def test_a_slow_model_is_run_a_few_times_nevertheless() -> None:
    found = measure(lambda: None, TimeBudget(seconds=1), clock_of([60.0]))
    assert len(found.durations) == 7
    assert found.median == pytest.approx(60.0)
    fewer = measure(lambda: None, TimeBudget(seconds=1, least=2), clock_of([60.0]))
    assert (len(fewer.durations), fewer.noise) == (2, "few runs")


def test_wide_spread_is_noise_though_the_median_is_steady() -> None:
    durations = (*[1.0] * 30, *[2.0] * 10)
    found = Samples(durations, 0, True)
    assert found.percentile(90) == 2.0
    assert (found.spread, found.noise) == (1.0, "spread")
    assert is_steady(sorted(durations), 0.02)
    assert not is_steady([1.0] * 6, 0.02)


@given(DURATIONS)
def test_whatever_the_durations_figures_are_in_order(durations: list[float]) -> None:
    found = measure(lambda: None, TimeBudget(most=len(durations)), clock_of(durations))
    assert min(found.typical) <= found.median <= found.percentile(90) <= found.percentile(99)
    assert found.percentile(99) <= max(found.typical) * (1 + 1e-12)
    assert len(found.typical) == len(found.durations) - found.warmup
    assert found.spread >= 0
