"""What a gradient says of fields: with all taps passing its support is the exact region, by any weights it lies inside.

The gradient of a unit is a second way to what the unit sees, which shares no line with the reads and fields of
the analysis: the adjoint of each operator, run by ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_score
import numpy as np
import onnx
import pytest
from amounts import amount, some

import cnnscope
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.runtime.engine.inputs import make_inputs
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.engine.weights import random_values
from cnnscope.runtime.gradients.adjoint import SEED, write_gradient


def compared(report: cnnscope.Report, layers: int, units: int, seed: int = 0) -> tuple[int, int]:
    """How many units' supports equal their regions, and how many lie inside, by the weights.

    Layers without a gradient, or without regions, are left out.
    """
    random = np.random.default_rng(seed)
    analysis = report._analysis
    assert isinstance(analysis, Analysis)
    chosen = random.permutation(len(report.layers))[: 4 * layers]
    equal = inside = 0
    for index in chosen:
        if equal >= layers * units:
            break
        layer = report.layers[int(index)]
        found = compare_layer(report, analysis, layer, units, random)
        if found is not None:
            equal += found[0]
            inside += found[1]
    return equal, inside


def compare_layer(
    report: cnnscope.Report, analysis: Analysis, layer: Any, units: int, random: Any
) -> tuple[int, int] | None:
    source = next(iter(analysis.graph.inputs))
    tensor = layer.outputs[0].name
    try:
        written = write_gradient(analysis, tensor, source, all_taps=True)
    except CnnscopeError:
        return None
    shape = [int(d) for d in layer.output_shape]
    places = [tuple(int(random.integers(n)) for n in shape) for _ in range(units)]
    try:
        regions = report.regions(layer, places)
    except ValueError:
        return None
    passing = open_session(written.proto, CPU_PROVIDER, SessionSettings(threads=1))
    weighed = write_gradient(analysis, tensor, source)
    numbers = {name: random_values(x, name, 0) for name, x in weighed.tensors.items()}
    session = open_session(
        weighed.proto, CPU_PROVIDER, SessionSettings(optimised=True, threads=1), numbers
    )
    inputs = make_inputs(analysis, 0)
    for place, region in zip(places, regions, strict=True):
        seed = np.zeros(shape, written.dtype)
        seed[place] = 1
        (support,) = passing.run(None, {SEED: seed})
        wanted = boxes(region.get(source), support.shape)
        for axis, expected in enumerate(wanted):
            rest = tuple(a for a in range(support.ndim) if a != axis)
            seen = np.flatnonzero((support != 0).any(axis=rest)).tolist()
            assert seen == expected, (layer.path, place, axis)
        feeds = {name: x for name, x in inputs.items() if name in session.inputs}
        (gradient,) = session.run(None, {**feeds, SEED: seed})
        outside = np.ones(gradient.shape, bool)
        outside[np.ix_(*wanted)] = False
        assert not (gradient[outside] != 0).any(), (layer.path, place)
    return units, units


def boxes(region: Any, shape: tuple[int, ...]) -> list[list[int]]:
    """By axis, the indices that a region names; none of an input that isn't seen."""
    if region is None:
        return [[] for _ in shape]
    return [
        [i for first, last in spans for i in range(first, last + 1)]
        for spans, _ in zip(region, shape, strict=True)
    ]
