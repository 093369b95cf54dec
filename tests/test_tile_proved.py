"""Is a model run tile by tile the same as the whole, and no smaller halo enough?

Every fully convolutional model is run whole and tile by tile; then with a halo one pixel shorter on a side,
where an impulse in the pixel left out has to make a difference. Networks of random layers come to it, with
weights that are all positive: nothing that is read is without effect.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount, some
from network_writer import NetworkWriter
from visible_weights import with_visible_weights

import cnnscope
from cnnscope.analyzer.sizes.tile_asking import Tileable, tileable
from cnnscope.analyzer.sizes.tile_cuts import NoCuts
from cnnscope.analyzer.sizes.tile_planning import Planner
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import OpenRun, open_run
from cnnscope.runtime.proofs.tile_proof import prove_rings, prove_tiles

pytest.importorskip("onnxruntime", reason="tiles are proved by running them")


def opened(model: object, shapes: dict[str, list[int]] | None = None) -> tuple[Tileable, OpenRun]:
    found = tileable(model, (), {}, shapes or {})  # type: ignore[arg-type]  # a path or a model
    return found, open_run(model, found.opening, choose_provider("cpu"))  # type: ignore[arg-type]


#: model, whole, tile; along each axis, in one of its rows, some tiles have their halo inside of the image
CORPUS: list[tuple[str, dict[str, list[int]], int]] = [
    ("hm_unet_nearest", {"x": [1, 3, 136, 112]}, 32),
    ("hm_unet_deconv", {"x": [1, 3, 136, 120]}, 32),
    ("hm_espcn_x3", {"x": [1, 1, 23, 31]}, 5),
    ("hm_fpn3", {"x": [1, 3, 320, 352]}, 64),
    ("hm_fpn3_dynsize", {"x": [1, 3, 320, 352]}, 64),
    ("hm_ceil_pool", {"x": [1, 3, 130, 170]}, 24),
    ("hm_lenet5_features", {}, 4),
    ("hm_misaligned", {}, 6),
    ("hm_pad_asym", {}, 6),
    ("hm_tcn", {}, 40),
    ("hm_wavenet", {"x": [1, 1, 1200]}, 100),
    ("hm_dcgan_generator", {"z": [1, 100, 9, 8]}, 2),
    ("hm_conv3d_net", {}, 8),
    ("hx_autopad_valid", {"x": [1, 3, 90, 120]}, 16),
    ("hx_autopad_same_upper", {"x": [1, 3, 96, 128]}, 16),
    ("slim_mobilenet_v1", {"x": [1, 3, 416, 352]}, 64),
    ("slim_resnet_v1_50", {"x": [1, 3, 640, 544]}, 64),
    ("tv_fcn_resnet50.legacy_dyn", {"x": [1, 3, 576, 96]}, 64),
    ("tv_fcn_resnet50.legacy_dyn", {"x": [1, 3, 96, 576]}, 64),
]


@pytest.mark.parametrize(
    ("name", "shapes", "tile"), [CORPUS[2], *CORPUS[6:9]] if amount(1, 2) == 1 else CORPUS
)
def test_corpus(corpus: Path, name: str, shapes: dict[str, list[int]], tile: int) -> None:
    held(next(corpus.rglob(f"{name}.onnx")), shapes, tile)


@pytest.mark.skipif(amount(1, 2) == 1, reason="too long for each run: with CNNSCOPE_FULL")
@pytest.mark.parametrize(("name", "tile"), [("wavenet.onnx", 4000), ("fcn8s.onnx", 256)])
def test_samples(samples: Path, name: str, tile: int) -> None:
    held(samples / name, {}, tile)


class Dark(OpenRun):
    """Fed with zeros: what isn't 0 comes from the pixels that are changed."""

    def feeds(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, object]:
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def held(path: Path, shapes: dict[str, list[int]], tile: int) -> None:
    found, run = opened(path, shapes)
    assert found.planner.cutting.axes
    _, tiles, runs = prove_tiles(found, run, tile)
    assert tiles > 1
    assert not [x for x in runs if x.wrong], runs
    clear, run = opened(with_visible_weights(path), shapes)
    rings = prove_rings(clear, Dark(run.session, run.file, run.seed), tile)
    assert all(ring.shown for ring in rings), rings
    roomy = [
        x for x in found.planner.cutting.axes.values()
        if tile + max(x.halo) <= found.inputs[x.input][x.axis]  # type: ignore[operator]  # sizes are known
    ]  # fmt: skip
    assert roomy
    sides = [(x.input, x.axis, n) for x in roomy for n in x.halo if n]
    assert set(sides) <= {(ring.input, ring.axis, ring.halo) for ring in rings}


def test_all_that_can_be_cut_is_run(corpus: Path) -> None:
    """Every model of the corpus that can be cut stands above: nothing is left out quietly."""
    proved = {name for name, *_ in CORPUS}
    paths = sorted(corpus.rglob("*.onnx"))
    for path in some(paths, 2):
        if cnnscope.tile(path, 32).ok:
            assert path.stem in proved, path


def test_too_small_a_halo_is_found(corpus: Path) -> None:
    """A proof that can't fail is none: with a pixel less, on any side, tiles aren't the whole."""
    found, run = opened(next(corpus.rglob("hm_espcn_x3.onnx")), {"x": [1, 1, 23, 31]})
    for key, axis in found.planner.cutting.axes.items():
        for side in (0, 1):
            less = [axis.halo[0] - (side == 0), axis.halo[1] - (side == 1)]
            _, _, runs = prove_tiles(found, run, 5, less={key: (less[0], less[1])})
            assert any(x.wrong for x in runs), (key, less)


def test_too_large_a_halo_is_found() -> None:
    """A ring that no tile sees is said to make no difference: one pixel beyond the halo, on any side."""
    w = NetworkWriter()
    y = w.add("Conv", "x", w.uniform(0.1, 1, 1, 1, 5), pads=[3, 1])
    found, run = opened(w.model([1, 1, 24], [y]))
    (axis,) = found.planner.cutting.axes.values()
    assert axis.halo == (3, 1)
    assert [ring.shown for ring in prove_rings(found, run, 6)] == [True, True]
    wide = replace(axis, halo=(4, 2))
    cutting = replace(found.planner.cutting, axes={(axis.input, axis.axis): wide})
    true = found.planner
    lying = replace(found, planner=Planner(cutting, true.at, true.labels, true.whole))
    rings = prove_rings(lying, run, 6)
    assert [(ring.halo, ring.shown) for ring in rings] == [(4, False), (2, False)]


def test_two_inputs_are_cut_together() -> None:
    """A siamese net: what two images give is subtracted, each seen by its own layers, then pooled.

    By hand: a pair of units from 2u on sees 2u-1 .. 2u+2 of one image (k3, padding 1), 2u-4 .. 2u+1 of the
    other (k5, all padding in front).
    """
    w = NetworkWriter()
    one = w.add("Conv", "a", w.uniform(0.1, 1, 1, 1, 3), pads=[1, 1])
    other = w.add("Conv", "b", w.uniform(0.1, 1, 1, 1, 5), pads=[4, 0])
    apart = w.add("Sub", one, other)
    y = w.add("AveragePool", apart, kernel_shape=[2], strides=[2])
    found, run = opened(w.model({"a": [1, 1, 40], "b": [1, 1, 40]}, [y]))
    axes = found.planner.cutting.axes
    assert {x.input: (x.step, x.halo) for x in axes.values()} == {
        "a": (2, (1, 1)),
        "b": (2, (4, 0)),
    }
    _, tiles, runs = prove_tiles(found, run, 8)
    assert (tiles, [x.wrong for x in runs]) == (5, [0])
    assert [(x.input, x.side) for x in prove_rings(found, run, 8) if x.shown] == [
        ("a", "before"), ("a", "after"), ("b", "before"),
    ]  # fmt: skip
    _, _, runs = prove_tiles(found, run, 8, less={("b", 2): (2, 0)})
    assert runs[0].wrong


def random_network(seed: int) -> onnx.ModelProto:
    """Layers drawn at random along one free axis, weights all positive."""
    draw = random.Random(seed)
    w = NetworkWriter(seed)
    add, keep = w.add, w.keep

    def conv(x: str, pads: list[int], k: int, stride: int = 1, dilation: int = 1) -> str:
        weights = w.uniform(0.1, 1, 1, 1, k)
        return add("Conv", x, weights, pads=pads, strides=[stride], dilations=[dilation])

    def block(x: str, depth: int) -> str:
        for _ in range(draw.randint(1, 3)):
            what = draw.choice(["same", "same", "causal", "down", "valid", "average", "crop"])
            k = draw.choice([1, 3, 5])
            if what == "same":
                d = draw.randint(1, 2)
                x = conv(x, [k // 2 * d] * 2, k, dilation=d)
            elif what == "causal":
                x = conv(x, [k - 1, 0], k)
            elif what == "valid":
                x = conv(x, [0, 0], k)
            elif what == "average":
                x = add(
                    "AveragePool",
                    x,
                    kernel_shape=[3],
                    pads=[1, 1],
                    count_include_pad=draw.randint(0, 1),
                )
            elif what == "crop":
                x = add("Slice", x, keep([draw.randint(0, 2)]), keep([2**40]), keep([2]))
            elif depth:
                p = draw.choice([2, 3])
                inner = block(add("AveragePool", x, kernel_shape=[p], strides=[p]), depth - 1)
                if draw.random() < 0.5:
                    weights = w.uniform(0.1, 1, 1, 1, 2 * p)
                    x = add("ConvTranspose", inner, weights, strides=[p], pads=[p // 2, p - p // 2])
                else:
                    mode = draw.choice(["nearest", "linear"])
                    x = add("Resize", inner, "", keep([1, 1, p], np.float32), mode=mode)
            else:
                x = conv(x, [k // 2] * 2, k, draw.randint(2, 3))
        return x

    top = block("x", 2)
    outputs = [top]
    if draw.random() < 0.3:
        outputs.append(block(top, 0))
    return w.model([1, 1, "L"], list(dict.fromkeys(outputs)))


@pytest.mark.parametrize("seed", range(amount(15, 1500)))
def test_random_networks(seed: int) -> None:
    model = random_network(seed)
    found, run = opened(model)
    assert found.planner.cutting.axes, found.planner.cutting.obstacles
    (axis,) = found.planner.cutting.axes.values()
    draw = random.Random(seed)
    long = 3 * (sum(axis.halo) + 4 * axis.step) + draw.randint(0, 2 * axis.step)
    shapes = {"x": [1, 1, long]}
    found, run = opened(model, shapes)
    if not found.planner.at.accepts((long,)):
        pytest.skip("no size of it")
    tile = draw.randint(1, 3) * axis.step
    try:
        _, tiles, runs = prove_tiles(found, run, tile)
    except NoCuts:
        pytest.skip("no part of it is accepted")
    assert tiles > 1
    assert not [x for x in runs if x.wrong], (axis, runs)
    if any(node.op_type == "Slice" for node in model.graph.node):
        return  # of what is cropped and then padded the pixel has to be there, whatever its value is
    rings = prove_rings(found, run, tile)
    assert all(ring.shown for ring in rings), (axis, rings)


@pytest.mark.parametrize("seed", range(amount(8, 400)))
def test_margins_are_what_padding_changes(seed: int) -> None:
    """Units that see padding differ from those of the same image inside of a larger one, and no others."""
    model = random_network(seed)
    plain, run = opened(model)
    (axis,) = plain.planner.cutting.axes.values()
    around = -(-max(axis.halo_anywhere) // axis.step) * axis.step + axis.step
    least = 4 * around
    accepts = plain.planner.at.accepts
    sizes = range(least, least + 8 * axis.step)
    long = next((n for n in sizes if accepts((n,)) and accepts((n + 2 * around,))), None)
    if long is None:
        pytest.skip("no such size of it")
    larger = (
        np.random.default_rng(seed).uniform(0.5, 1, (1, 1, long + 2 * around)).astype(np.float32)
    )
    found = cnnscope.tile(model, axis.step, shapes={"x": [1, 1, long]})
    part = np.ascontiguousarray(larger[:, :, around:-around])
    for output in found.outputs:
        (whole,) = run.run({"x": larger}, [output.output])
        (alone,) = run.run({"x": part}, [output.output])
        offset = around // axis.step * output.units
        there = np.asarray(whole)[0, 0, offset : offset + np.asarray(alone).shape[2]]
        here = np.asarray(alone)[0, 0, : len(there)]
        differ = ~np.isclose(here, there, rtol=1e-5)
        (margin,) = [x.units for x in found.margins if x.output == output.output]
        assert margin[1] is not None
        inside = differ[margin[0] : len(here) - margin[1]]
        assert not inside.any(), (margin, np.flatnonzero(differ))
        if not any(node.op_type in ("Slice", "Resize") for node in model.graph.node):
            # A border that is repeated, or cut off, may give what the larger image has.
            first = margin[0]
            assert not first or differ[first - 1], (margin, np.flatnonzero(differ))
