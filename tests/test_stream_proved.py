"""Is what `stream` says of past and future what ONNX Runtime's outputs do? Proved by changing samples.

A network runs once at a length, on as many signals as there are samples, of which each is changed in one:
then it is known of every unit which samples it hangs on. None hangs on a sample behind its look-ahead, and
some unit hangs on the last one of it.
"""

from __future__ import annotations

import random

import numpy as np
import onnx
import pytest
from amounts import amount
from network_writer import NetworkWriter

import cnnscope
from cnnscope.analyzer.streaming.streaming import StreamedOutput
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import open_run

pytest.importorskip("onnxruntime", reason="what is seen is proved by running")

#: maps have so many channels
CHANNELS = 2


class Net(NetworkWriter):
    """A network along one axis, with random positive weights, written layer by layer."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.draw = random.Random(seed)

    def weights(self, *shape: int) -> str:
        scale = np.prod(shape[1:])
        return self.keep(self.numbers.uniform(0.5, 1.5, shape) / scale, np.float32)

    def conv(self, x: str, k: int, **attributes: object) -> str:
        return self.add("Conv", x, self.weights(CHANNELS, CHANNELS, k), **attributes)

    def recurrent(self, x: str, direction: str) -> str:
        steps = self.add("Transpose", x, perm=[2, 0, 1])
        w, r = self.weights(1, CHANNELS, CHANNELS), self.weights(1, CHANNELS, CHANNELS)
        y = self.add("RNN", steps, w, r, hidden_size=CHANNELS, direction=direction,
                     activations=["Affine"], activation_alpha=[0.8], activation_beta=[0.1])  # fmt: skip
        y = self.add("Squeeze", y, self.keep([1]))
        return self.add("Transpose", y, perm=[1, 2, 0])


def random_net(seed: int) -> onnx.ModelProto:
    """Layers that look ahead, hold back, step on, and come together again."""
    net = Net(seed)
    draw, y = net.draw, "x"
    kinds = ["valid", "causal", "same", "stride", "pool", "up", "near", "pad", "crop", "sum", "frames", "rnn",
             "cumsum", "residual"]  # fmt: skip
    for _ in range(draw.randint(2, 6)):
        k, d = draw.randint(1, 4), draw.randint(1, 3)
        match draw.choice(kinds):
            case "valid":
                y = net.conv(y, k, dilations=[d])
            case "causal":
                y = net.conv(y, k, dilations=[d], pads=[d * (k - 1), 0])
            case "same":
                y = net.conv(y, 3, dilations=[d], pads=[d, d])
            case "stride":
                y = net.conv(y, k, strides=[draw.randint(1, 3)])
            case "pool":
                op = draw.choice(["MaxPool", "AveragePool"])
                y = net.add(op, y, kernel_shape=[k], strides=[draw.randint(1, 2)])
            case "up":
                s = draw.randint(1, 3)
                y = net.add("ConvTranspose", y, net.weights(CHANNELS, CHANNELS, s + draw.randint(0, 2)),
                            strides=[s])  # fmt: skip
            case "near":
                y = net.add("Resize", y, "", net.keep([1, 1, draw.choice([2, 3])], np.float32),
                            mode="nearest", nearest_mode="floor",
                            coordinate_transformation_mode="asymmetric")  # fmt: skip
            case "pad":
                mode = draw.choice(["constant", "constant", "edge", "reflect"])
                around = [0, 0, draw.randint(0, 4), 0, 0, draw.randint(0, 2)]
                y = net.add("Pad", y, net.keep(around), mode=mode)
            case "crop":
                y = net.add(
                    "Slice", y, net.keep([draw.randint(0, 3)]), net.keep([2**31 - 1]), net.keep([2])
                )
            case (
                "sum"
            ):  # padded on both sides and cropped behind, as causal convolutions are exported
                p = d * (k - 1)
                y = net.conv(y, k, dilations=[d], pads=[p, p])
                y = net.add(
                    "Slice", y, net.keep([0]), net.keep([-p if p else 2**31 - 1]), net.keep([2])
                )
            case "frames":
                kinds.remove(
                    "frames"
                )  # the signal is cut there: after several cuts no unit is whole
                by = draw.randint(2, 3)
                y = net.add("Slice", y, net.keep([0]), net.keep([96]), net.keep([2]))
                y = net.add("Pad", y, net.keep([0, 0, 0, 0, 0, 96]))
                y = net.add("Slice", y, net.keep([0]), net.keep([96]), net.keep([2]))
                y = net.add("Reshape", y, net.keep([0, CHANNELS, 96 // by, by]))
                y = net.add("ReduceMean", y, net.keep([3]), keepdims=0)
            case "rnn":
                y = net.recurrent(y, "forward")
            case "cumsum":
                y = net.add("CumSum", y, net.keep(2))
            case "residual":
                y = net.add("Add", y, net.conv(y, 3, pads=draw.choice([[1, 1], [2, 0], [0, 2]])))
    return net.model(["N", CHANNELS, "L"], [y], 18)


def seen_by_running(model: onnx.ModelProto, length: int) -> np.ndarray | None:
    """Does unit u hang on sample t? As booleans by t and u; None where ONNX Runtime refuses the length."""
    run = open_run(model, {}, choose_provider("cpu"))
    base = np.random.default_rng(0).uniform(0, 1, (1, CHANNELS, length)).astype(np.float32)
    x = np.repeat(base, length + 1, axis=0)
    x[np.arange(1, length + 1), :, np.arange(length)] += 2
    try:
        (y,) = run.run({"x": x})
    except cnnscope.RunError:
        return None
    y = np.asarray(y)
    return np.asarray((y[1:] != y[:1]).any(axis=1))


def held(model: onnx.ModelProto, found: StreamedOutput, length: int) -> int:
    """Raises where it isn't as was said; how many whole periods no end of the signal cut."""
    moved = seen_by_running(model, length)
    if moved is None or not moved.any():
        return 0
    period, advance, future = found.period, found.advance, found.future
    assert period
    assert advance
    assert future is not None
    spans = [(int(s[0]), int(s[-1])) if len(s) else None for s in map(np.flatnonzero, moved.T)]
    seen = [(u, span) for u, span in enumerate(spans) if span is not None]
    futures = [hi - (-((u + 1) * advance // -period) - 1) for u, (_, hi) in seen]
    pasts = [u * advance // period - lo for u, (lo, _) in seen]
    assert max(futures) <= future
    bounded = found.unbounded_by is None
    if bounded:
        assert max(pasts) <= found.past
    # Units of a whole period that no end of the signal cuts: the figures are met, to the sample.
    whole = [s is not None and (s[0] > 0 or not bounded) and s[1] < length - 1 for s in spans]
    runs = [u for u in range(len(whole) - period + 1) if all(whole[u : u + period])]
    if runs:
        assert max(futures) == future
        if bounded:
            assert max(pasts) == found.past
            assert max(hi - lo + 1 for _, (lo, hi) in seen) == found.window
    return len(runs)


@pytest.mark.parametrize("seed", range(amount(40, 3000)))
def test_random_networks(seed: int) -> None:
    model = random_net(seed)
    found = cnnscope.stream(model, axis="x:2", dims={"L": 96})
    for output in found.outputs:
        if output.streamable:
            held(model, output, 96)
        else:  # frames that upsampled units are cut into
            assert output.blocked_by is not None
