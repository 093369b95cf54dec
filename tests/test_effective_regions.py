"""A map of what a unit hangs on lies in the unit's exact region, and reaches as far along every axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from amounts import amount, some
from random_graphs import random_graph

import cnnscope


def check(report: cnnscope.Report, layer: cnnscope.Layer, unit: Sequence[int | None] | None) -> int:
    """How many maps were looked at: of each input of which one can be told."""
    seen = 0
    for source in report.inputs:
        try:
            found = layer.effective_field(unit, input=source.name)
        except ValueError as error:
            if "sees no axis" not in str(error):
                raise
            continue
        region = layer.region(found.unit)[source.name]
        for axis, spans in enumerate(region[k] for k in found.axes):
            others = tuple(k for k in range(found.map.ndim) if k != axis)
            indices = np.flatnonzero(found.map.any(axis=others)).tolist()
            assert indices == [i for first, last in spans for i in range(first, last + 1)]
        seen += 1
    return seen


def test_units_of_random_graphs() -> None:
    """Gathers and scatters, sampling, shuffles, recurrences: what `reads` says in any way."""
    seen = 0
    for seed in range(amount(12, 2000)):
        graph = random_graph(seed)
        report, draw = cnnscope.analyze(graph.model()), np.random.default_rng(seed)
        for layer in report.layers:
            shape = [n for n in layer.output_shape or () if isinstance(n, int)]
            if 0 not in shape:
                seen += check(report, layer, [int(draw.integers(n)) for n in shape])
    assert seen >= amount(12, 2000)


SAMPLES = (
    "lenet5",
    "googlenet",
    "unet",
    "deeplabv3_resnet50",
    "vit_b_16",
    "c3d",
    "efficientnet_b0",
)


@pytest.mark.parametrize("sample", SAMPLES)
def test_units_of_sample_models(sample: str, samples: Path) -> None:
    report = cnnscope.analyze(samples / f"{sample}.onnx")
    for layer in some(report.layers, 4):
        if layer.extents():
            assert check(report, layer, None) == 1
