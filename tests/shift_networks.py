"""Networks whose shifts are known: random ones along one axis, and one that is consistent by construction."""

from __future__ import annotations

import random

import numpy as np
import onnx
from network_writer import NetworkWriter


class Writer(NetworkWriter):
    """Writes networks of which every tap shows."""

    def weights(self, *shape: int) -> str:
        """Away from 0, of either sign."""
        found = self.numbers.uniform(0.2, 1, shape) * self.numbers.choice([-1, 1], shape)
        return self.keep(found, np.float32)


def random_network(seed: int, length: int) -> onnx.ModelProto:
    """Layers drawn at random on maps of four channels; nothing in it hides a tap."""
    draw, w = random.Random(seed), Writer(seed)
    maps = [("x", 1)]  # and how far they are upsampled or strided, as a power of two
    for _ in range(draw.randint(2, 6)):
        x, level = draw.choice(maps[-2:])
        k, pads = draw.randint(1, 4), [draw.randint(0, 2), draw.randint(0, 2)]
        what = draw.choice(
            [
                "Conv",
                "Conv",
                "Conv",
                "Pool",
                "Up",
                "Nearest",
                "Linear",
                "Pad",
                "Slice",
                "Shuffle",
                "Fold",
                "Add",
            ]
        )
        if what == "Conv":
            stride = draw.choice([1, 1, 2, 3])
            dilation = draw.choice([1, 1, 2])
            y = w.add("Conv", x, w.weights(4, 4, k), strides=[stride], dilations=[dilation],
                      pads=[max(p, (k - 1) * dilation // 2) for p in pads], kernel_shape=[k])  # fmt: skip
        elif what == "Pool":
            y = w.add("AveragePool", x, kernel_shape=[2], strides=[2], ceil_mode=draw.randint(0, 1))
        elif what == "Up":
            y = w.add(
                "ConvTranspose", x, w.weights(4, 4, 3), strides=[2], kernel_shape=[3], pads=[1, 0]
            )
        elif what in ("Nearest", "Linear"):
            y = w.add("Resize", x, "", w.keep([1, 1, 2], np.float32), mode=what.lower(),
                      coordinate_transformation_mode="half_pixel", nearest_mode="floor")  # fmt: skip
        elif what == "Pad":
            mode = draw.choice(["constant", "reflect", "edge"])
            y = w.add("Pad", x, w.keep([0, 0, pads[0], 0, 0, pads[1]]), mode=mode)
        elif what == "Slice":
            start, step = draw.randint(0, 2), draw.randint(1, 2)
            y = w.add("Slice", x, w.keep([start]), w.keep([10**6]), w.keep([2]), w.keep([step]))
        elif what == "Shuffle":  # two units from each, of half as many channels; widened again
            y = w.add("Reshape", x, w.keep([1, 2, 2, -1]))
            y = w.add("Transpose", y, perm=[0, 2, 3, 1])
            y = w.add("Reshape", y, w.keep([1, 2, -1]))
            y = w.add("Conv", y, w.weights(4, 2, 1), kernel_shape=[1])
        elif what == "Fold":  # pairs of units to channels, where they are even
            y = w.add("Conv", x, w.weights(4, 4, 2), strides=[2], kernel_shape=[2])
            y = w.add("Concat", y, w.add("Relu", y), axis=1)
            y = w.add("Conv", y, w.weights(4, 8, 1), kernel_shape=[1])
        else:
            y = w.add("Add", x, w.add("Conv", x, w.weights(4, 4, 3), kernel_shape=[3], pads=[1, 1]))
        maps.append((y, level))
    return w.model([1, 4, length], [maps[-1][0]])


def adaptive_network(size: int = 16, blocks: int = 2) -> onnx.ModelProto:
    """A classifier of images that gives one class for every circular shift (Chaman and Dokmanic 2021).

    Convolutions with circular padding; steps of two take the polyphase component of the largest norm; at the
    end the mean over all places.
    """
    w = Writer(7)
    x, channels = "x", 3
    for _ in range(blocks):
        x = w.add("Pad", x, w.keep([0, 0, 1, 1, 0, 0, 1, 1]), mode="wrap")
        x = w.add("Conv", x, w.weights(8, channels, 3, 3), kernel_shape=[3, 3])
        x = w.add("Relu", x)
        channels, half = 8, size // 2
        # (1, C, h, 2, w, 2) -> (4 phases, C, h, w)
        parts = w.add("Reshape", x, w.keep([1, channels, half, 2, half, 2]))
        parts = w.add("Transpose", parts, perm=[0, 3, 5, 1, 2, 4])
        parts = w.add("Reshape", parts, w.keep([4, channels, half, half]))
        norms = w.add("ReduceSumSquare", parts, w.keep([1, 2, 3]), keepdims=0)
        largest = w.add("ArgMax", norms, axis=0, keepdims=1)
        x = w.add("Gather", parts, largest, axis=0)
        size = half
    pooled = w.add("GlobalAveragePool", x)
    flat = w.add("Flatten", pooled)
    scores = w.add("Gemm", flat, w.weights(10, channels), transB=1)
    return w.model([1, 3, 16, 16], [scores])


def plain_network() -> onnx.ModelProto:
    """The same with plain steps of two: its class changes with the shift."""
    w = Writer(7)
    x, channels = "x", 3
    for _ in range(2):
        x = w.add("Pad", x, w.keep([0, 0, 1, 1, 0, 0, 1, 1]), mode="wrap")
        x = w.add("Conv", x, w.weights(8, channels, 3, 3), kernel_shape=[3, 3], strides=[2, 2])
        x, channels = w.add("Relu", x), 8
    flat = w.add("Flatten", w.add("GlobalAveragePool", x))
    return w.model([1, 3, 16, 16], [w.add("Gemm", flat, w.weights(10, channels), transB=1)])
