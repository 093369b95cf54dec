"""Which rank has a kernel, and with how few numbers could a layer be written?

Ranks are known by construction; spectra and savings from `numpy.linalg.svd`, by trying all, or by hand.
"""

from __future__ import annotations

import itertools
import math

import ml_dtypes
import numpy as np
import pytest
from amounts import amount
from filter_models import Array, convolution, model_of, one, quantised, some
from onnx import helper

import cnnscope

# -- separable kernels, ranks ----------------------------------------------------------------------


def test_a_kernel_has_the_rank_that_it_was_made_with() -> None:
    for seed in range(amount(20, 1000)):
        random = np.random.default_rng(seed)
        rows, columns = (int(n) for n in random.integers(2, 8, 2))
        ranks = random.integers(0, min(rows, columns) + 1, (3, 2))
        weight = np.zeros((3, 2, rows, columns))
        for at in np.ndindex(3, 2):
            left = np.linalg.qr(random.standard_normal((rows, rows)))[0][:, : ranks[at]]
            right = np.linalg.qr(random.standard_normal((columns, columns)))[0][:, : ranks[at]]
            weight[at] = left * random.uniform(0.5, 2, ranks[at]) @ right.T
        slices = convolution(weight.astype(np.float32)).separability
        counted = {
            int(r): int(n) for r, n in zip(*np.unique(ranks, return_counts=True), strict=True)
        }
        assert slices.ranks == counted
        assert slices.separable == (ranks.max() <= 1)
        assert slices.filter_ranks.tolist() == ranks.max(axis=1).tolist()
        values = np.linalg.svd(weight, compute_uv=False) ** 2
        if values.sum():
            assert slices.energy == pytest.approx(values[..., 0].sum() / values.sum(), rel=1e-5)


@pytest.mark.parametrize("stored", ["float16", "bfloat16", "float8_e4m3fn", "int8"])
def test_an_outer_product_stays_separable_as_it_is_rounded(stored: str) -> None:
    """Rounding makes a second singular value of an outer product; a kernel of rank 2 is none for that."""
    for seed in range(amount(5, 300)):
        random = np.random.default_rng(seed)
        one_, two = random.uniform(0.5, 1, (2, 8, 2, 5))
        outer = np.einsum("fci,fcj->fcij", one_, two)
        other = np.stack([np.eye(5)] * 16).reshape(8, 2, 5, 5)
        for weight, rank in ((outer, 1), (other, 5)):
            if stored == "int8":
                nodes = quantised(axis=0)
                numbers: dict[str, Array] = {
                    "w": np.round(weight * 100).astype(np.int8), "s": np.full(8, 0.01, np.float32),
                }  # fmt: skip
            else:
                nodes = [
                    helper.make_node("Cast", ["w"], ["f"], to=1),
                    helper.make_node("Conv", ["x", "f"], ["y"], "layer"),
                ]
                type_ = np.float16 if stored == "float16" else getattr(ml_dtypes, stored)
                numbers = {"w": weight.astype(type_)}
            found = cnnscope.analyze(model_of(nodes, numbers, [1, 2, 9, 9])).filters("layer")
            assert found.separability.ranks == {rank: 16}


def test_of_a_volume_depth_against_the_plane() -> None:
    weight = np.einsum("fi,fjk->fijk", some(4, 3), some(4, 5, 5, seed=1))[:, None].astype(
        np.float32
    )
    assert convolution(weight).separability.ranks == {1: 4}
    assert convolution(some(4, 1, 3, 5, 5)).separability.ranks == {3: 4}
    assert convolution(some(4, 2, 5)).separability is None


# -- spectra and smaller layers --------------------------------------------------------------------


def matrices_of(weight: Array, form: str) -> list[Array]:
    """As Jaderberg's, Denton's and Kim's papers lay the weights out, an element at a time."""
    n, c, *kernel = weight.shape
    first, taps = kernel[0], math.prod(kernel)
    flat = weight.reshape(n, c, first, taps // first)
    rest = range(taps // first)
    places = list(itertools.product(range(c), range(first)))
    if form == "channel":
        return [np.array([[flat[o, i, a, b] for i, a in places for b in rest] for o in range(n)])]
    if form == "spatial":
        return [np.array([[flat[o, i, a, b] for o in range(n) for b in rest] for i, a in places])]
    inputs = np.array(
        [[flat[o, i].ravel()[t] for o in range(n) for t in range(taps)] for i in range(c)]
    )
    return [inputs, *matrices_of(weight, "channel")]


def rank_by_trying(matrix: Array, energy: float) -> int:
    values = np.linalg.svd(matrix, compute_uv=False) ** 2
    return next(
        r for r in range(1, len(values) + 1) if values[:r].sum() >= (energy - 1e-9) * values.sum()
    )


def weights_by_hand(
    form: str, n: int, c: int, kernel: tuple[int, ...], ranks: tuple[int, ...]
) -> int:
    first, taps = kernel[0], math.prod(kernel)
    if form == "channel":
        return ranks[0] * c * taps + ranks[0] * n
    if form == "spatial":
        return c * first * ranks[0] + ranks[0] * (taps // first) * n
    return c * ranks[0] + taps * ranks[0] * ranks[1] + ranks[1] * n


def test_ranks_and_savings_as_trying_all_finds_them() -> None:
    for seed in range(amount(8, 300)):
        random = np.random.default_rng(seed)
        n, c, kh, kw = (int(k) for k in random.integers(2, 7, 4))
        weight = (
            random.standard_normal((n, c, kh, kw)) * random.uniform(0, 2, (n, 1, kh, 1))
        ).astype(np.float32)
        found = convolution(weight)
        values = np.linalg.svd(weight.reshape(n, -1), compute_uv=False)
        np.testing.assert_allclose(found.singular_values, values, atol=1e-5)
        assert [way.form for way in found.low_rank] == ["channel", "spatial", "tucker"]
        for way in found.low_rank:
            matrices = matrices_of(weight, way.form)
            assert way.full == tuple(min(matrix.shape) for matrix in matrices)
            for cut in way.cuts:
                assert cut.ranks == tuple(rank_by_trying(x, cut.energy) for x in matrices)
                assert cut.weights == weights_by_hand(way.form, n, c, (kh, kw), cut.ranks)
            if way.form != "tucker":
                fewer = [
                    r for r in range(way.full[0] + 1)
                    if weights_by_hand(way.form, n, c, (kh, kw), (r,)) < weight.size
                ]  # fmt: skip
                assert way.break_even == (max(fewer),)


def test_break_even_ranks_by_the_papers_formulas() -> None:
    """Jaderberg 2014: k^2 Cin Cout / (k (Cin + Cout)) = 9*64*128/(3*192) = 128, so that 127 are fewer;
    channels: 9*64*128/(9*64 + 128) = 104.7; Tucker-2 in proportion t: 73728 t^2 + (64^2 + 128^2) t = 73728,
    t = 0.8708: 55 and 111 channels, 64*55 + 9*55*111 + 111*128 = 72673."""
    ways = {way.form: way.break_even for way in convolution(some(128, 64, 3, 3)).low_rank}
    assert ways == {"channel": (104,), "spatial": (127,), "tucker": (55, 111)}
    assert convolution(some(64, 1, 3, 3), 64).low_rank[1].break_even == (1,)  # 1*(3 + 3) < 9


def test_a_layer_made_of_few_directions_needs_no_more() -> None:
    """Three orthogonal directions of equal strength are 33 % each: all three are needed for 90 %."""
    left = np.linalg.qr(some(24, 24))[0][:, :3]
    right = np.linalg.qr(some(60, 60, seed=1))[0][:, :3]
    matrix = (left @ right.T).astype(np.float32)  # (C_in k1, k2 C_out) = (8*3, 3*20)
    weight = np.ascontiguousarray(matrix.reshape(8, 3, 20, 3).transpose(2, 0, 1, 3))
    found = {way.form: way for way in convolution(weight, size=10, pads=[1] * 4).low_rank}
    spatial = found["spatial"]
    assert [cut.ranks for cut in spatial.cuts] == [(3,)] * 3
    # 3 x 1 to 3 channels at 10 x 10 places, then 1 x 3 to 20 channels at 10 x 10
    assert spatial.cuts[0].macs == 100 * 3 * 8 * 3 + 100 * 3 * 3 * 20
    assert spatial.cuts[0].weights == 3 * (8 * 3 + 3 * 20)


def test_macs_of_strided_layers_by_hand() -> None:
    """12 x 12 in, 5 x 5 out. Spatial: 5 x 12 places for the first step, 5 x 5 for the second; Tucker-2: the
    first 1 x 1 convolution runs on all 12 x 12."""
    found = {
        way.form: way.cuts[-1] for way in convolution(some(4, 3, 3, 3), strides=[2, 2]).low_rank
    }
    r, s = found["tucker"].ranks
    assert found["tucker"].macs == 144 * 3 * r + 25 * 9 * r * s + 25 * s * 4
    (r,) = found["spatial"].ranks
    assert found["spatial"].macs == 60 * r * 3 * 3 + 25 * r * 3 * 4
    (r,) = found["channel"].ranks
    assert found["channel"].macs == 25 * r * 27 + 25 * r * 4
    assert one("ConvTranspose", some(3, 4, 3, 3), [1, 3, 6, 6]).low_rank[0].cuts[0].macs is None


def test_random_weights_are_in_the_bulk_and_what_is_added_is_above() -> None:
    """Marchenko-Pastur: s (sqrt m - sqrt n) to s (sqrt m + sqrt n) for n x m numbers of variance s^2."""
    noise = some(128, 512) * 0.1
    bulk = one("MatMul", np.ascontiguousarray(noise.T), [1, 512]).bulk
    assert bulk.low == pytest.approx(0.1 * (512**0.5 - 128**0.5), rel=0.01)
    assert bulk.high == pytest.approx(0.1 * (512**0.5 + 128**0.5), rel=0.01)
    assert bulk.share > 0.97
    assert bulk.above <= 1
    signal = noise + 10 * np.outer(some(128, seed=3), some(512, seed=4)) / 256
    spiked = one("MatMul", np.ascontiguousarray(signal.T), [1, 512]).bulk
    assert spiked.above == 1
    values = np.linalg.svd(signal, compute_uv=False) ** 2
    assert spiked.energy_above == pytest.approx(values[0] / values.sum(), rel=1e-4)
    assert one("MatMul", some(512, 8), [1, 512]).bulk is None


def test_grouped_matrices_are_cut_alike() -> None:
    """A depthwise layer: rank 1 in each group, of 9 numbers; nothing to gain between channels."""
    found = {way.form: way for way in convolution(some(16, 1, 3, 3), 16).low_rank}
    assert found["channel"].full == (1,)
    assert found["channel"].break_even == (0,)
    assert found["spatial"].cuts[-1].ranks[0] in (2, 3)
    values = np.linalg.svd(some(16, 1, 3, 3)[:, 0], compute_uv=False) ** 2
    held = np.cumsum(values.sum(axis=0)) / values.sum()
    expected = [1 + int(np.argmax(held >= energy)) for energy in (0.9, 0.95, 0.99)]
    assert [cut.ranks[0] for cut in found["spatial"].cuts] == expected
