"""How many multiplications does a convolution take by each algorithm?

By hand, and by running the algorithm: written here in numpy after the papers, it has to give the convolution,
and its multiplications are counted as they are done.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from filter_models import model_of, some
from onnx import helper

import cnnscope

Array = np.ndarray


def algorithms(
    weight: tuple[int, ...], size: tuple[int, ...], op: str = "Conv", **attributes: Any
) -> dict[str, int]:
    node = helper.make_node(op, ["x", "w"], ["y"], "layer", **attributes)
    channels = weight[0] if op == "ConvTranspose" else weight[1] * attributes.get("group", 1)
    model = model_of([node], {"w": np.zeros(weight, np.float32)}, [1, channels, *size])
    found = cnnscope.analyze(model)[0].explain()
    assert [x["multiplications"] for x in found.to_dict()["algorithms"]] == [
        x.multiplications for x in found.algorithms
    ]
    for x in found.algorithms:
        assert eval(x.formula.numbers) == x.multiplications
    return {x.name: x.multiplications for x in found.algorithms}


#: weights, input, attributes, and what each takes, by hand
BY_HAND = {
    "ResNet's 3x3": (
        (64, 64, 3, 3), (56, 56), {"pads": [1] * 4},
        {
            "direct": 56 * 56 * 9 * 64 * 64,
            "Winograd F(2x2, 3x3)": 28 * 28 * 16 * 64 * 64,  # x 2.25 fewer
            "Winograd F(4x4, 3x3)": 14 * 14 * 36 * 64 * 64,  # x 4 fewer
            # 58 are read along each axis: 64 x 64 points
            "FFT": 4 * 64 * 64 * 64 * 64 + 2 * 64 * 64 * 12 * (64 + 64),
            "separable": (56 * 58 * 3 + 56 * 56 * 3) * 64 * 64,
        },
    ),
    "one axis": (
        (5, 4, 3), (11,), {},
        {
            "direct": 9 * 3 * 20,
            "Winograd F(2, 3)": 5 * 4 * 20,
            "Winograd F(4, 3)": 3 * 6 * 20,
            "FFT": 4 * 16 * 20 + 2 * 16 * 4 * 9,
        },
    ),
    "strided 7x7": (
        (8, 3, 7, 7), (32, 32), {"strides": [2, 2], "pads": [3] * 4},
        {
            "direct": 16 * 16 * 49 * 24,
            "FFT": 4 * 64 * 64 * 24 + 2 * 64 * 64 * 12 * 11,  # (16 - 1)*2 + 7 = 37: 64
            "separable": (16 * 37 * 7 + 16 * 16 * 7) * 24,
        },
    ),
    "dilated, uneven": (
        (2, 2, 3, 2), (9, 8), {"dilations": [2, 1]},
        {
            "direct": 5 * 7 * 6 * 4,
            "FFT": 4 * 16 * 8 * 4 + 2 * 16 * 8 * 7 * 4,
            "separable": (5 * 8 * 3 + 5 * 7 * 2) * 4,
        },
    ),
    "depthwise": (
        (6, 1, 3, 3), (8, 8), {"group": 6, "pads": [1] * 4},
        {
            "direct": 64 * 9 * 6,
            "Winograd F(2x2, 3x3)": 16 * 16 * 6,
            "Winograd F(4x4, 3x3)": 4 * 36 * 6,
            "FFT": 4 * 16 * 16 * 6 + 2 * 16 * 16 * 8 * 12,
            "separable": (8 * 10 * 3 + 8 * 8 * 3) * 6,
        },
    ),
    "grouped, three axes": (
        (4, 2, 3, 3, 3), (4, 6, 6), {"group": 2},
        {
            "direct": 2 * 4 * 4 * 27 * 8,
            "Winograd F(2x2x2, 3x3x3)": 1 * 2 * 2 * 64 * 8,
            "Winograd F(4x4x4, 3x3x3)": 1 * 216 * 8,
            "FFT": 4 * 4 * 8 * 8 * 8 + 2 * 256 * 8 * 8,
            "separable": (2 * 6 * 6 * 3 + 2 * 4 * 4 * 9) * 8,
        },
    ),
    "pointwise": ((8, 4, 1, 1), (6, 6), {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("which", BY_HAND)
def test_by_hand(which: str) -> None:
    weight, size, attributes, expected = BY_HAND[which]
    assert algorithms(weight, size, **attributes) == expected


def test_a_batch_is_told_for_one_example_and_other_operators_not_at_all() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], "layer")
    several = cnnscope.analyze(model_of([node], {"w": some(2, 1, 3, 3)}, [5, 1, 6, 6]))[0].explain()
    assert several.algorithms[0].multiplications == 16 * 9 * 2
    assert algorithms((4, 4, 3, 3), (6, 6), "ConvTranspose") == {}
    shown = str(several)
    assert "Winograd F(2x2, 3x3)" in shown
    assert "if every kernel is an outer product" in shown


def convolved(image: Array, kernel: Array) -> Array:
    places = [n - k + 1 for n, k in zip(image.shape, kernel.shape, strict=True)]
    found = np.zeros(places)
    for at in np.ndindex(*kernel.shape):
        found += kernel[at] * image[tuple(slice(a, a + n) for a, n in zip(at, places, strict=True))]
    return found


#: Lavin & Gray 2016: A^T, G and B^T of F(2, 3) and F(4, 3)
WINOGRAD = {
    2: (
        [[1, 1, 1, 0], [0, 1, -1, -1]],
        [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    ),
    4: (
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
        [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
         [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0],
         [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("m", WINOGRAD)
@pytest.mark.parametrize("size", [(6, 6), (7, 9), (12, 5)])
def test_winograd_gives_the_convolution_with_so_many_products(
    m: int, size: tuple[int, int]
) -> None:
    a, g, b = (np.array(x, float) for x in WINOGRAD[m])
    image, kernel = some(*size).astype(float), some(3, 3, seed=1).astype(float)
    places = (size[0] - 2, size[1] - 2)
    tiles = [-(-n // m) for n in places]
    wide = np.zeros([t * m + 2 for t in tiles])
    wide[: size[0], : size[1]] = image
    found, products = np.zeros([t * m for t in tiles]), 0
    for i, j in itertools.product(*map(range, tiles)):
        spectrum = (g @ kernel @ g.T) * (
            b @ wide[i * m : i * m + m + 2, j * m : j * m + m + 2] @ b.T
        )
        products += spectrum.size
        found[i * m : i * m + m, j * m : j * m + m] = a @ spectrum @ a.T
    np.testing.assert_allclose(found[: places[0], : places[1]], convolved(image, kernel), atol=1e-9)
    assert algorithms((1, 1, 3, 3), size)[f"Winograd F({m}x{m}, 3x3)"] == products


def radix_two(x: Array, counted: list[int]) -> Array:
    """Cooley & Tukey 1965: a complex product for each pair of every stage, of 4 real ones."""
    if len(x) == 1:
        return x
    even, odd = radix_two(x[::2], counted), radix_two(x[1::2], counted)
    turned = np.exp(-2j * np.pi * np.arange(len(odd)) / len(x)) * odd
    counted[0] += 4 * len(odd)
    return np.concatenate([even + turned, even - turned])


def test_fft_gives_the_convolution_with_so_many_products() -> None:
    line, kernel = some(11).astype(float), some(4, seed=1).astype(float)
    counted = [0]
    points = 16
    spectrum = radix_two(np.append(line, np.zeros(points - 11)).astype(complex), counted)
    of_kernel = np.fft.fft(kernel[::-1], points)  # done beforehand
    products = spectrum * of_kernel
    counted[0] += 4 * products.size
    back = np.conj(radix_two(np.conj(products), counted)) / points
    np.testing.assert_allclose(back.real[3:11], convolved(line, kernel), atol=1e-9)
    assert algorithms((1, 1, 4), (11,))["FFT"] == counted[0]


def test_two_passes_give_the_convolution_of_an_outer_product() -> None:
    image, left, right = (
        some(*n, seed=i).astype(float) for i, n in enumerate([(9, 8), (3,), (5,)])
    )
    first = convolved(image, left[:, None])
    second = convolved(first, right[None])
    np.testing.assert_allclose(second, convolved(image, np.outer(left, right)), atol=1e-9)
    products = math.prod(first.shape) * 3 + math.prod(second.shape) * 5
    assert algorithms((1, 1, 3, 5), (9, 8))["separable"] == products
