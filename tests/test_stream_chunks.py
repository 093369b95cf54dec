"""Can a model be run chunk by chunk, without a state, as `stream` says, and in no smaller chunks?

A signal runs whole in ONNX Runtime, then in pieces: of each chunk the samples of past and future that are
said to do, rounded up to whole chunks, the rest of these set to 0. The units of all chunks are the whole's.
What starts a part of a chunk later is another signal to some layer: its map isn't the whole's, moved on by
whole units.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from network_writer import NetworkWriter

import cnnscope
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import OpenRun, open_run

pytest.importorskip("onnxruntime", reason="chunks are run")


def signal(found: cnnscope.Streaming, channels: int, chunks: int) -> np.ndarray:
    """So many chunks longer than what is seen on either side."""
    assert found.chunk is not None
    assert found.context_window is not None
    around = -(-found.context_window // found.chunk)
    shape = (1, channels, (2 * around + chunks) * found.chunk)
    return np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(np.float32)


def put_together(
    run: OpenRun, found: cnnscope.Streaming, x: np.ndarray, every: int = 1, *, less: int = 0
) -> bool:
    """Are the units of each chunk that runs alone the whole's?

    Args:
        run, found: the model, and what is said of it.
        x: the whole signal.
        every: of so many chunks one is run.
        less: so many samples too few are left of the past.
    """
    chunk, name, length = found.chunk, found.input, x.shape[2]
    assert chunk is not None
    past = max(max(output.past or 0, 0) for output in found.outputs)
    future = max(max(output.future or 0, 0) for output in found.outputs)
    outputs = [output.output for output in found.outputs]
    whole = [np.asarray(y) for y in run.run({name: x}, outputs)]
    starts = range(0, length - chunk - future + 1, chunk * every)
    assert len(starts) > 2
    same = True
    for at in starts:
        low = max(0, (at - past) // chunk * chunk)
        high = min(length, -(-(at + chunk + future) // chunk) * chunk)
        piece = x[:, :, low:high].copy()
        if at > past:
            piece[:, :, : at - past - low + less] = 0
        piece[:, :, at + chunk + future - low :] = 0
        alone = [np.asarray(y) for y in run.run({name: piece}, outputs)]
        for output, mine, all_ in zip(found.outputs, alone, whole, strict=True):
            assert output.period is not None
            assert output.advance is not None
            first, last, moved = (
                n * output.period // output.advance for n in (at, at + chunk, low)
            )
            there, here = all_[..., first:last], mine[..., first - moved : last - moved]
            assert there.shape[-1] == here.shape[-1] == last - first
            same = same and np.allclose(here, there, rtol=1e-4, atol=1e-6)
    return same


def test_the_corpus(corpus: Path) -> None:
    for name in ("hm_tcn", "hm_wavenet"):
        path = next(corpus.rglob(f"{name}.onnx"))
        found = cnnscope.stream(path)
        run = open_run(path, {"x": {2: "L"}}, choose_provider("cpu"))
        channels = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[1].dim_value
        assert put_together(run, found, signal(found, channels, 2)[:, :, :700], every=97)


@pytest.mark.skipif(amount(1, 2) == 1, reason="too long for each run: with CNNSCOPE_FULL")
def test_wavenet(samples: Path) -> None:
    """A chunk of one sample: some of them, since each reads 3,070."""
    path = samples / "wavenet.onnx"
    found = cnnscope.stream(path)
    run = open_run(path, {"input": {2: "L"}}, choose_provider("cpu"))
    (first,) = onnx.load(path, load_external_data=False).graph.input
    channels = first.type.tensor_type.shape.dim[1].dim_value
    x = np.random.default_rng(0).uniform(0, 1, (1, channels, 3070 + 8)).astype(np.float32)
    (whole,) = run.run({found.input: x}, [found.outputs[0].output])
    for at in (3069, 3070, 3077):
        (alone,) = run.run({found.input: x[:, :, at - 3069 : at + 1]}, [found.outputs[0].output])
        np.testing.assert_allclose(
            np.asarray(alone)[..., -1], np.asarray(whole)[..., at], rtol=1e-3, atol=1e-6
        )


def random_net(seed: int) -> onnx.ModelProto:
    """Convolutions, poolings and upsamplings, padded in every way, and maps that come together again."""
    draw, w, y = random.Random(seed), NetworkWriter(seed), "x"

    def conv(x: str, k: int, **attributes: object) -> str:
        return w.add("Conv", x, w.uniform(0.5, 1.5, 2, 2, k), **attributes)

    for _ in range(draw.randint(2, 5)):
        k, d = draw.randint(1, 4), draw.randint(1, 3)
        match draw.choice(["valid", "causal", "stride", "pool", "up", "residual"]):
            case "valid":
                y = conv(y, k, dilations=[d])
            case "causal":
                y = conv(y, k, dilations=[d], pads=[d * (k - 1), 0])
            case "stride":
                y = conv(y, k, strides=[draw.randint(2, 3)])
            case "pool":
                y = w.add("AveragePool", y, kernel_shape=[k], strides=[draw.randint(1, 2)])
            case "up":
                # A kernel no shorter than its stride: in gaps are units that no sample is needed for, and
                # that there are nevertheless only once the next one has come.
                y = w.add("ConvTranspose", y, w.uniform(0.5, 1.5, 2, 2, k + 1), strides=[2])
            case "residual":
                y = w.add("Add", y, conv(y, 3, pads=draw.choice([[1, 1], [2, 0], [0, 2]])))
    return w.model([1, 2, "L"], [y], 18)


@pytest.mark.parametrize("seed", range(amount(12, 1000)))
def test_random_networks(seed: int) -> None:
    model = random_net(seed)
    found = cnnscope.stream(model, axis="x:2", dims={"L": 240})
    assert found.chunk is not None
    run = open_run(model, {}, choose_provider("cpu"))
    x = signal(found, 2, 3)
    assert put_together(run, found, x)
    for prime in (2, 3):
        if found.chunk % prime == 0:
            assert not moves(model, x, found.chunk // prime), found.chunk
    assert moves(model, x, found.chunk)


def test_too_little_past_is_found() -> None:
    """A proof that can't fail is none: a causal kernel of 4 without the first of its 3 earlier samples."""
    w = NetworkWriter()
    y = w.add("Conv", "x", w.uniform(0.5, 1.5, 2, 2, 4), pads=[3, 0])
    model = w.model([1, 2, "L"], [y], 18)
    found = cnnscope.stream(model, axis="x:2", dims={"L": 32})
    run = open_run(model, {}, choose_provider("cpu"))
    x = signal(found, 2, 3)
    assert put_together(run, found, x)
    assert not put_together(run, found, x, less=1)


def moves(model: onnx.ModelProto, x: np.ndarray, samples: int) -> bool:
    """Does each layer's map of the signal from a sample on hold the whole's units, moved on by whole ones?"""
    names = [name for node in model.graph.node for name in node.output]
    run = open_run(model, {}, choose_provider("cpu"), fetched=names)
    for one, other in zip(
        run.run({"x": x}, names), run.run({"x": x[:, :, samples:]}, names), strict=True
    ):
        whole, later = np.asarray(one), np.asarray(other)
        middle = later.shape[2] // 2
        width = min(6, later.shape[2] - middle)
        part = later[:, :, middle : middle + width]
        places = range(middle, whole.shape[2] - width + 1)
        if not any(np.allclose(whole[:, :, i : i + width], part, rtol=1e-4) for i in places):
            return False
    return True
