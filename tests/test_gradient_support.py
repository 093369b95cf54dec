"""What a gradient says of fields: with all taps passing its support is the region, by weights it lies inside.

The gradient of a unit is a second way to what the unit sees, which shares no line with the reads and fields
of the analysis: the adjoint of each operator, run by ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus_score
import numpy as np
import pytest
from amounts import amount, some
from random_graphs import random_graph, session, text

import cnnscope
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.runtime.engine.inputs import make_inputs
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.engine.weights import random_values
from cnnscope.runtime.gradients.adjoint import SEED, write_gradient

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "sample_models").glob("*.onnx"))
#: spatial lengths at which the samples with others in their file are run as well, and faster
SMALL = {"resnet50": 96, "vgg16": 0, "mobilenet_v2": 96, "unet": 64, "densenet121": 64, "googlenet": 64,
         "efficientnet_b0": 64, "xception": 96, "deeplabv3_resnet50": 64}  # fmt: skip


def compared(report: cnnscope.Report, layers: int, units: int, seed: int = 0) -> int:
    """Of how many units supports equal their regions, and gradients by the weights lie inside.

    Layers without a gradient, or without regions, are left out.
    """
    random = np.random.default_rng(seed)
    analysis = report._analysis
    assert isinstance(analysis, Analysis)
    chosen = random.permutation(len(report.layers))[: 4 * layers]
    seen = 0
    for index in chosen:
        if seen >= layers * units:
            break
        layer = report.layers[int(index)]
        seen += compare_layer(report, analysis, layer, units, random)
    return seen


def compare_layer(
    report: cnnscope.Report, analysis: Analysis, layer: Any, units: int, random: Any
) -> int:
    """How many units were compared: none of a layer without a gradient or without regions."""
    source = next(iter(analysis.graph.inputs))
    tensor = layer.outputs[0].name
    try:
        written = write_gradient(analysis, tensor, source, all_taps=True)
    except CnnscopeError:
        return 0
    shape = [int(d) for d in layer.output_shape]
    places = [tuple(int(random.integers(n)) for n in shape) for _ in range(units)]
    try:
        regions = report.regions(layer, places)
    except ValueError:
        return 0
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
    return units


def boxes(region: Any, shape: tuple[int, ...]) -> list[list[int]]:
    """By axis, the indices that a region names; none of an input that isn't seen."""
    if region is None:
        return [[] for _ in shape]
    return [
        [i for first, last in spans for i in range(first, last + 1)]
        for spans, _ in zip(region, shape, strict=True)
    ]


def report_of(path: Path) -> cnnscope.Report:
    """With free lengths bound, and small ones where the network takes them."""
    report = cnnscope.analyze(path)
    length = SMALL.get(path.stem)
    if length:
        (x,) = report.inputs
        return cnnscope.analyze(path, shapes={x.name: [1, x.shape[1], length, length]})
    free = {
        n for x in report.inputs for d in x.shape or () if not isinstance(d, int) for n in d.names
    }
    dims = {n: 1 if n.lower() in ("n", "b", "batch", "batch_size") else 96 for n in free}
    return cnnscope.analyze(path, dims=dims) if dims else report


@pytest.mark.parametrize(
    "path", some(SAMPLES, 0) or [SAMPLES[0].parent / "lenet5.onnx"], ids=lambda path: path.stem
)
def test_supports_are_the_regions_of_the_samples(path: Path) -> None:
    layers = amount(2, 4)
    assert compared(report_of(path), layers, 2) == 2 * layers


def test_supports_are_the_regions_of_the_corpus(corpus: Path) -> None:
    files = [corpus / row["file"] for row in corpus_score.rows(corpus)]
    found = {path.name: compared(report_of(path), 2, 2) for path in files[: amount(2, len(files))]}
    assert sum(found.values()) >= 0.8 * 4 * len(found)


def test_random_networks(record_property: Callable[[str, object], None]) -> None:
    """Supports are regions, and gradients are brute force's differences where these don't cross a kink."""
    units = checked = refused = 0
    for seed in range(amount(4, 600)):
        graph = random_graph(seed)
        report = cnnscope.analyze(graph.model())
        layer = report.layers[-1]
        try:
            slopes = gradient_equals_brute_force(graph, report, layer)
        except CnnscopeError:
            refused += 1
            continue
        checked += slopes
        units += compare_layer(report, report._analysis, layer, 2, np.random.default_rng(seed))
    record_property("counts", f"{units} units, {checked} differences, {refused} networks refused")
    assert units
    assert checked


def gradient_equals_brute_force(graph: Any, report: cnnscope.Report, layer: Any) -> int:
    """How many input elements' differences were compared."""
    tensor = layer.outputs[0].name
    written = write_gradient(report._analysis, tensor, "x")
    random = np.random.default_rng(0)
    x = random.uniform(0.5, 1.5, graph.shape).astype(np.float32)
    forward = session(graph.model())
    at = lambda value: forward.run([tensor], {"x": value})[0].astype(np.float64)  # noqa: E731
    seed = random.uniform(0.5, 1.5, layer.output_shape).astype(np.float32)
    numbers = {name: report._analysis.file.read(t) for name, t in written.tensors.items()}
    run = open_session(written.proto, CPU_PROVIDER, SessionSettings(threads=1), numbers)
    (gradient,) = run.run(None, {k: v for k, v in {"x": x, SEED: seed}.items() if k in run.inputs})
    count = 0
    for place in np.ndindex(x.shape):
        slopes = []
        for step in (0.004, 0.002):
            more, less = x.copy(), x.copy()
            more[place] += step
            less[place] -= step
            slopes.append(
                float(((at(more) - at(less)) * seed).sum()) / float(more[place] - less[place])
            )
        scale = max(abs(slopes[0]), 1e-2)
        if abs(slopes[0] - slopes[1]) < 1e-2 * scale:  # no kink nearby
            assert gradient[place] == pytest.approx(slopes[1], rel=2e-2, abs=2e-3), (
                place,
                text(graph),
            )
            count += 1
    return count
