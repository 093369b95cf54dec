"""Effective receptive fields against laws and against what runs of linear networks show."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from networks import network, node

import cnnscope


def stack(count: int, width: int, rank: int, length: int, **attributes: object) -> onnx.ModelProto:
    """So many convolutions of one width, one after another."""
    shape = (1, 1, *(width,) * rank)
    nodes = [
        node(
            "Conv",
            f"{'x' if not k else f't{k}'} w",
            f"t{k + 1}",
            pads=[width // 2] * 2 * rank,
            **attributes,
        )
        for k in range(count)
    ]
    return network(*nodes, x=(1, 1, *(length,) * rank), w=shape, outputs=f"t{count}")


@pytest.mark.parametrize(
    ("count", "rank", "length"),
    [(5, 1, 201), (20, 1, 201), (80, 1, 201), (5, 2, 61), (20, 2, 61), (80, 2, 201)],
)
def test_a_stack_of_convolutions_spreads_as_luo_says(count: int, rank: int, length: int) -> None:
    """A sum of n uniform steps over k places has the variance n (k^2 - 1)/12, Luo et al. 2016."""
    found = cnnscope.analyze(stack(count, 3, rank, length)).effective_field(count - 1)
    assert found.map.shape == (length,) * rank
    assert found.sigma == pytest.approx((math.sqrt(count * 8 / 12),) * rank, rel=5e-4)
    steps = np.ones(1)
    for _ in range(count):
        steps = np.convolve(steps, np.full(3, 1 / 3))
    line = np.pad(steps, (length - len(steps)) // 2)
    wanted = line if rank == 1 else np.multiply.outer(line, line)
    assert np.allclose(found.map, wanted, rtol=1e-9, atol=0)
