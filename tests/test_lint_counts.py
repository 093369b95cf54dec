"""What lint says of positions and taps, against counting them one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network, node

import cnnscope

WINDOW = st.tuples(
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)
)


def read_by(
    length: int, size: int, stride: int, dilation: int, before: int, after: int
) -> list[list[int]]:
    """For each output, the positions it reads; those outside are padding."""
    outputs = (length + before + after - dilation * (size - 1) - 1) // stride + 1
    return [[i * stride - before + tap * dilation for tap in range(size)] for i in range(outputs)]


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 24), WINDOW)
def test_windows(length: int, window: tuple[int, int, int, int, int]) -> None:
    size, stride, dilation, before, after = window
    rows = read_by(length, size, stride, dilation, before, after)
    if not rows:
        return
    model = network(
        node("Conv", "x w", "y", strides=[stride], dilations=[dilation], pads=[before, after]),
        x=(1, 1, length), w=(1, 1, size),
    )  # fmt: skip
    found = cnnscope.lint(model, select=["CNS105", "CNS106", "CNS205", "CNS201"])
    stakes = {x.code: dict(x.stake) for x in found}

    read = {p for row in rows for p in row if 0 <= p < length}
    if read:
        said = [stakes.get(code, {}).get("pixels", 0) for code in ("CNS105", "CNS106")]
        assert sum(said) == length - len(read)

    alive = sum(any(0 <= row[tap] < length for row in rows) for tap in range(size))
    assert stakes.get("CNS205", {}).get("params", 0) == size - alive

    padding = sum(not 0 <= p < length for row in rows for p in row)
    total = len(rows) * size
    expected = padding if padding * 10 >= total else 0
    assert stakes.get("CNS201", {}).get("macs", 0) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=2, max_size=4))
def test_gridding(layers: list[tuple[int, int]]) -> None:
    """The taps that a chain of windows comes to are the non-zeros of their kernels' convolution."""
    names = ["x", *(f"t{i}" for i in range(len(layers)))]
    nodes = [
        node("Conv", f"{names[i]} w{i}", names[i + 1], dilations=[rate])
        for i, (_, rate) in enumerate(layers)
    ]
    weights = {f"w{i}": (1, 1, size) for i, (size, _) in enumerate(layers)}
    model = network(*nodes, x=(1, 1, 100), **weights)
    found = cnnscope.lint(model, select=["CNS104"])

    whole = np.ones(1)
    for size, rate in layers:
        kernel = np.zeros((size - 1) * rate + 1)
        kernel[::rate] = 1
        whole = np.convolve(whole, kernel)
    holes = int((whole == 0).sum())
    dilated = sum(rate > 1 and size > 1 for size, rate in layers)
    expected = holes if dilated > 1 else 0
    assert [dict(x.stake) for x in found] == ([{"pixels": expected}] if expected else [])
