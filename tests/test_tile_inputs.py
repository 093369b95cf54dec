"""Are inputs that belong together cut together: an image and its mask, two images of one size or of several?

Tiles are cut here, by what is said of halo, step and own pixels, and run in ONNX Runtime: put together they
are the whole image's result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
from network_writer import NetworkWriter

import cnnscope

ort = pytest.importorskip("onnxruntime", reason="tiles are run")

Slices = tuple[slice, ...]
Said = dict[str, Any]
Network = Callable[[NetworkWriter], tuple[dict[str, list[int]], str]]


def session(model: onnx.ModelProto) -> Any:
    """Any size: what the file says of inputs' lengths behind the first two axes is taken back."""
    free = onnx.ModelProto.FromString(model.SerializeToString())
    for x in free.graph.input:
        for axis, dim in enumerate(x.type.tensor_type.shape.dim):
            if axis > 1 and dim.dim_value > 1:
                dim.dim_param = f"{x.name}{axis}"
    return ort.InferenceSession(free.SerializeToString(), providers=["CPUExecutionProvider"])


def cuts(
    said: Said, feeds: Mapping[str, np.ndarray], units: int
) -> Iterator[tuple[dict[str, np.ndarray], Slices, Slices]]:
    """Each tile: what is cut out of each input, its units in the tile's result, and in the whole's.

    Args:
        said: the JSON of how it is cut.
        feeds: the whole.
        units: of the output to a step of the grid.
    """
    halo, step, (plan,) = said["halo"], said["step"], said["plans"]
    first = next(iter(plan["own"]))
    axes = sorted(halo[first], key=int)
    # What is read around a tile is whole steps, as many of each input.
    around = {
        axis: [
            max(-(-halo[x][axis][side] // step[x][axis]) for x in halo if axis in halo[x])
            for side in (0, 1)
        ]
        for axis in axes
    }
    steps = {axis: feeds[first].shape[int(axis)] // step[first][axis] for axis in axes}
    own = {axis: plan["own"][first][i] // step[first][axis] for i, axis in enumerate(axes)}
    for starts in product(*(range(0, steps[axis], own[axis]) for axis in axes)):
        tile, inner, outer = dict(feeds), [slice(None)] * 2, [slice(None)] * 2
        for axis, start in zip(axes, starts, strict=True):
            stop = min(start + own[axis], steps[axis])
            low = max(start - around[axis][0], 0)
            high = min(stop + around[axis][1], steps[axis])
            for x in halo:
                length = step[x][axis]
                at = [slice(None)] * int(axis) + [slice(low * length, high * length)]
                tile[x] = tile[x][tuple(at)]
            inner.append(slice((start - low) * units, (stop - low) * units))
            outer.append(slice(start * units, stop * units))
        yield tile, tuple(inner), tuple(outer)


def masked(w: NetworkWriter) -> tuple[dict[str, list[int]], str]:
    """No node looks along the mask: it is multiplied in behind."""
    seen = w.add("Conv", "x", w.uniform(0.1, 1, 4, 3, 3, 3), pads=[1] * 4)
    return {"x": [1, 3, 40, 32], "mask": [1, 1, 40, 32]}, w.add("Mul", seen, "mask")


def masked_before(w: NetworkWriter) -> tuple[dict[str, list[int]], str]:
    part = w.add("Mul", "x", "mask")
    return {"x": [1, 3, 40, 32], "mask": [1, 1, 40, 32]}, w.add(
        "Conv", part, w.uniform(0.1, 1, 4, 3, 5, 5), pads=[2] * 4
    )


def scaled(w: NetworkWriter) -> tuple[dict[str, list[int]], str]:
    """What is broadcast is no image, and isn't cut."""
    seen = w.add("Conv", "x", w.uniform(0.1, 1, 4, 3, 3, 3), pads=[1] * 4)
    return {"x": [1, 3, 40, 32], "scale": [1, 4, 1, 1]}, w.add("Mul", seen, "scale")


def siamese(w: NetworkWriter) -> tuple[dict[str, list[int]], str]:
    """The same weights for two images, one moved against the other by what its own padding says."""
    weights = w.uniform(0.1, 1, 2, 1, 3, 3)
    one = w.add("Conv", "a", weights, pads=[1] * 4, strides=[2, 2])
    other = w.add("Conv", "b", weights, pads=[2, 2, 0, 0], strides=[2, 2])
    apart = w.add("Abs", w.add("Sub", one, other))
    return {"a": [1, 1, 48, 32], "b": [1, 1, 48, 32]}, apart


def two_sizes(w: NetworkWriter) -> tuple[dict[str, list[int]], str]:
    """A guide of half the size is doubled, and added."""
    image = w.add("Conv", "image", w.uniform(0.1, 1, 1, 1, 5, 5), pads=[2] * 4)
    guide = w.add("Conv", "guide", w.uniform(0.1, 1, 1, 1, 3, 3), pads=[1] * 4)
    doubled = w.add("Resize", guide, "", w.keep([1, 1, 2, 2], np.float32), mode="nearest")
    return {"image": [1, 1, 48, 32], "guide": [1, 1, 24, 16]}, w.add("Add", image, doubled)


#: network, output units to a step, the halo along each axis by hand
NETWORKS: list[tuple[Network, int, dict[str, list[int]]]] = [
    (masked, 1, {"x": [1, 1], "mask": [0, 0]}),
    (masked_before, 1, {"x": [2, 2], "mask": [2, 2]}),
    (scaled, 1, {"x": [1, 1]}),
    (siamese, 1, {"a": [1, 0], "b": [2, 0]}),
    (two_sizes, 2, {"image": [2, 2], "guide": [1, 1]}),
]


@pytest.mark.parametrize(
    ("network", "units", "halo"), NETWORKS, ids=[network.__name__ for network, *_ in NETWORKS]
)
def test_tiles_are_the_whole(network: Network, units: int, halo: dict[str, list[int]]) -> None:
    """And with a step less around each tile they aren't: the comparison can fail."""
    w = NetworkWriter(1)
    shapes, y = network(w)
    model = w.model(shapes, [y])
    found = cnnscope.tile(model, 16)
    assert found.ok
    said = found.to_dict()
    assert said["halo"] == {x: {"2": n, "3": n} for x, n in halo.items()}
    numbers = np.random.default_rng(2)
    feeds = {x: numbers.uniform(0.5, 1, n).astype(np.float32) for x, n in shapes.items()}
    runs = session(model)
    (whole,) = runs.run(None, feeds)
    np.testing.assert_allclose(together(said, feeds, units, runs), whole, rtol=1e-5)
    for x, axes in said["halo"].items():
        said["halo"][x] = {k: [max(n - said["step"][x][k], 0) for n in axes[k]] for k in axes}
    assert np.abs(together(said, feeds, units, runs) - whole).max() > 0.1


def together(said: Said, feeds: Mapping[str, np.ndarray], units: int, runs: Any) -> np.ndarray:
    """What the tiles give, put together."""
    (whole,) = runs.run(None, feeds)
    found = np.full_like(whole, 1e9)
    tiles = list(cuts(said, feeds, units))
    assert len(tiles) > 1
    for tile, inner, outer in tiles:
        found[outer] = runs.run(None, tile)[0][inner]
    return found
