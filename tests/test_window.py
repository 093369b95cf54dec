"""Windows and fields against sets of indices put together by brute force."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.window import Window

FRACTIONS = st.builds(Fraction, st.integers(-8, 8), st.integers(1, 6))
UNITS = range(-7, 24)


def conv(size: int, stride: int = 1, dilation: int = 1, before: int = 0) -> Window:
    return Window(size, stride, dilation, before)


def deconv(size: int, stride: int, dilation: int = 1, before: int = 0) -> Window:
    """Output o takes input i where o = i*stride - before + k*dilation: taps counted downwards."""
    s = Fraction(1, stride)
    return Window(size, s, dilation * s, (size - 1) * dilation * s - before * s)


def nearest(scale: int) -> Window:
    """floor(o / scale): the one integer among (o - scale + 1 .. o) / scale."""
    s = Fraction(1, scale)
    return Window(scale, s, s, (scale - 1) * s)


def at(window: Window, index: int) -> set[int]:
    """Equation (1), word for word."""
    points = (
        index * Fraction(window.stride) - Fraction(window.before) + j * Fraction(window.dilation)
        for j in range(window.size)
    )
    return {int(p) for p in points if p.denominator == 1}


WINDOWS = (
    st.builds(conv, st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(-2, 4))
    | st.builds(deconv, st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2))
    | st.builds(nearest, st.integers(1, 4))
    | st.builds(conv, st.just(1), st.sampled_from([-1, -2]), st.just(1), st.integers(-9, 0))
)


@given(st.builds(Window, st.integers(1, 9), FRACTIONS, FRACTIONS, FRACTIONS), st.integers(-20, 20))
def test_a_window_reads_the_integers_among_its_taps(window: Window, index: int) -> None:
    assert set(window.at(index)) == at(window, index)


@given(WINDOWS, st.integers(-20, 20))
def test_the_windows_of_operators_do_too(window: Window, index: int) -> None:
    assert set(window.at(index)) == at(window, index)


def brute(chain: list[Window], units: set[int]) -> tuple[int, int] | None:
    """The hull of what units see through all windows, the last one first."""
    for window in reversed(chain):
        units = set().union(*(at(window, u) for u in units))
    return (min(units), max(units)) if units else None


def through(chain: list[Window], length: int | None = None) -> Field:
    field = Field()
    for window in chain:
        new = field.through(window, length)
        assert new is not None
        field = new
    return field


@settings(deadline=None)  # the brute force takes as long as the machine is busy
@given(st.lists(WINDOWS, max_size=4))
def test_a_field_is_the_hull_of_the_sets(chain: list[Window]) -> None:
    field = through(chain)
    spans = {u: brute(chain, {u}) for u in UNITS}
    assert {u: field.span(u) for u in UNITS} == spans
    step = Fraction(1)
    for window in chain:
        step *= window.stride
    assert field.step == step
    assert field.size >= max((hi - lo + 1 for lo, hi in filter(None, spans.values())), default=0)


@given(st.lists(WINDOWS, max_size=3), st.integers(1, 12))
def test_a_spread_is_the_hull_over_the_axis(chain: list[Window], length: int) -> None:
    assert through(chain).spread(length) == brute(chain, set(range(length)))


@given(st.lists(WINDOWS, max_size=3), st.lists(WINDOWS, max_size=3), st.integers(1, 12))
def test_a_union_is_the_hull_of_both(a: list[Window], b: list[Window], length: int) -> None:
    field = through(a).union(through(b), length)
    assert field is not None
    for u in range(length):
        spans = [s for s in (brute(a, {u}), brute(b, {u})) if s]
        expected = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None
        assert field.span(u) == expected


@given(st.lists(WINDOWS, min_size=1, max_size=3), WINDOWS, st.integers(1, 9), st.integers(1, 9))
def test_a_bounded_field_is_clipped_to_its_axis(
    chain: list[Window], window: Window, length: int, after: int
) -> None:
    piece = through(chain).piece(1, length, length)
    field = piece.through(window, after)
    assert field is not None
    for u in range(after):
        inside = {i for i in at(window, u) if 1 <= i < length}
        assert field.span(u) == brute(chain, inside)


def test_the_output_length_is_the_number_of_windows_that_fit() -> None:
    sizes, strides, dilations = (1, 2, 3), (1, 2, 3), (1, 2)
    pads, ceils = ((0, 0), (1, 0), (2, 2)), (False, True)
    for case in product((7, 8, 9, 32), sizes, strides, dilations, pads, ceils):
        n, k, s, d, (before, after), ceil = case
        last = n + after - ((k - 1) * d + 1)  # where the last window may begin
        starts = range(-before, last + (s if ceil else 1), s)
        assert Window(k, s, d, before, after).output_length(n, ceil=ceil) == len(starts), case


def test_the_length_of_a_free_axis_is_a_formula() -> None:
    assert str(Window(3, 2, 1, 1, 1).output_length(FreeDim.named("H"))) == "floor((H + 1)/2)"


@pytest.mark.parametrize(
    ("a", "b", "aligned"),
    [
        ([conv(3, before=1)], [conv(5, before=2)], True),
        ([conv(3, before=1)], [conv(3)], False),
        ([conv(1, 4)], [conv(3, 2, before=1), conv(1, 2)], True),  # Distill's aligned toy
        ([conv(5, 2, before=2)], [conv(3), conv(3)], False),  # and its misaligned one
        ([conv(1, 2)], [conv(1)], False),
    ],
)
def test_alignment(a: list[Window], b: list[Window], aligned: bool) -> None:
    assert through(a).aligned_with(through(b)) is aligned


@pytest.mark.parametrize("far", [0, 10**6, 10**15])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_positions_of_many_units_at_once(far: int, data: st.DataObject):
    """Those that equation (1) gives one by one, whatever the denominators."""
    size = data.draw(st.integers(1, 8))
    stride, before, dilation = (data.draw(FRACTIONS) for _ in range(3))
    if not dilation:
        return
    window = Window(size, stride, dilation, before + far * stride)
    units, length = range(far - 9, far + 10), 12
    for unit, row in zip(units, positions(window, units, length).tolist(), strict=True):
        expected = sorted(i for i in at(window, unit) if 0 <= i < length)
        assert sorted(i for i in row if i < length) == expected
