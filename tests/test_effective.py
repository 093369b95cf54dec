"""Effective receptive fields against laws, hand arithmetic, and runs of networks with the counted weights."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from amounts import amount
from linear_networks import derivative, linear_network
from networks import network, node

import cnnscope


def stack(count: int, width: int, rank: int, length: int) -> onnx.ModelProto:
    """So many convolutions of one width, one after another."""
    nodes = [
        node("Conv", f"{'x' if not k else f't{k}'} w", f"t{k + 1}", pads=[width // 2] * 2 * rank)
        for k in range(count)
    ]
    shape = (1, 1, *(width,) * rank)
    return network(*nodes, x=(1, 1, *(length,) * rank), w=shape, outputs=f"t{count}")


@pytest.mark.parametrize(
    ("count", "width", "rank", "length"),
    [*[(n, 3, 1, 201) for n in (5, 10, 20, 40, 80)], (5, 3, 2, 41), (20, 3, 2, 61), (9, 7, 2, 61)],
)
def test_a_stack_of_convolutions_spreads_as_luo_says(
    count: int, width: int, rank: int, length: int
) -> None:
    """A sum of n uniform steps over k places has the variance n (k^2 - 1)/12, Luo et al. 2016."""
    found = cnnscope.analyze(stack(count, width, rank, length)).effective_field(count - 1)
    assert found.map.shape == (length,) * rank
    assert found.sigma == pytest.approx((math.sqrt(count * (width**2 - 1) / 12),) * rank, rel=5e-4)
    steps = np.ones(1)
    for _ in range(count):
        steps = np.convolve(steps, np.full(width, 1 / width))
    line = np.pad(steps, (length - len(steps)) // 2)
    wanted = line if rank == 1 else np.multiply.outer(line, line)
    assert np.allclose(found.map, wanted, rtol=1e-9, atol=0)


def test_many_layers_neither_overflow_nor_underflow() -> None:
    """With paths each of 250 multiplies what arrives by 19, to 10^319; with taps in sum 1 it doubles."""
    nodes = []
    for k in range(250):
        before = f"t{k}" if k else "x"
        nodes += [
            node("Conv", f"{before} w", f"c{k}", pads=[1, 1]),
            node("Add", f"c{k} {before}", f"t{k + 1}"),
        ]
    report = cnnscope.analyze(network(*nodes, x=(1, 6, 9), w=(6, 6, 3), outputs="t250"))
    for counting in ("uniform", "paths"):
        found = report.effective_field(-1, counting=counting)
        assert np.isfinite(found.map).all()
        assert (found.map > 0).all()
        assert found.map.sum() == pytest.approx(1)


@pytest.mark.parametrize("paths", [False, True])
def test_maps_are_the_derivatives_of_networks_with_the_counted_weights(paths: bool) -> None:
    for seed in range(amount(8, 1000)):
        size = math.prod(linear_network(seed, 1, paths).input[1:])
        net = linear_network(seed, size, paths)
        if 0 in net.shape:
            continue
        wanted = derivative(net).reshape(*net.input[1:], *net.shape[1:])
        layer = cnnscope.analyze(linear_network(seed, 1, paths).model()).layers[-1]
        check_units(layer, wanted, net.random, "paths" if paths else "uniform")


def check_units(
    layer: cnnscope.Layer, wanted: np.ndarray, random: np.random.Generator, counting: str
) -> None:
    """Some units' maps; `wanted` has the axes of a sample, then those of what comes out of it."""
    shape = layer.output_shape or ()
    rank = wanted.ndim - len(shape) + 1
    for _ in range(4):
        unit = [0, *(int(random.integers(n)) for n in shape[1:])]  # type: ignore[arg-type]
        there = wanted[(..., *unit[1:])]
        try:
            found = layer.effective_field(unit, counting=counting)  # type: ignore[arg-type]
        except ValueError:
            seen = layer.region(unit)
            assert not there.any() or not seen or len(layer.extents()) < rank - 1
            continue
        others = tuple(k for k in range(rank) if k + 1 not in found.axes)
        there = there.sum(axis=others)
        assert np.allclose(found.map, there / there.sum(), rtol=1e-4, atol=1e-7)
        # it lies where the exact region is, and reaches its ends
        for axis, spans in enumerate(found.region):
            seen_along = (
                found.map.sum(axis=tuple(k for k in range(found.map.ndim) if k != axis)) > 0
            )
            indices = [i for first, last in spans for i in range(first, last + 1)]
            assert np.flatnonzero(seen_along).tolist() == indices


def effective(layer: int, *nodes: onnx.NodeProto, **shapes: object) -> np.ndarray:
    """The map of a layer's central unit in a network by hand."""
    report = cnnscope.analyze(network(*nodes, outputs=nodes[-1].output[0], **shapes))
    return report.effective_field(layer).map


def test_a_transposed_convolution_has_taps_in_sum_1_where_it_is_joined() -> None:
    """Unit 10 of 20: taps j with 10 + 1 - j even, 1 and 3: inputs 5 and 4, a half each; resized, 5."""
    found = effective(
        2,
        node("ConvTranspose", "x w", "a", strides=[2], pads=[1, 1]),
        node("Resize", "x none s", "b", mode="linear", coordinate_transformation_mode="asymmetric"),
        node("Add", "a b", "y"),
        x=(1, 1, 10), w=(1, 1, 4), none=np.zeros(0, np.float32), s=np.array([1, 1, 2], np.float32),
    )  # fmt: skip
    assert found.tolist() == [0, 0, 0, 0, 0.25, 0.75, 0, 0, 0, 0]


@pytest.mark.parametrize("attributes", [
    {}, {"antialias": 1}, {"exclude_outside": 1}, {"coordinate_transformation_mode": "align_corners"},
    {"cubic_coeff_a": -0.5, "coordinate_transformation_mode": "asymmetric"},
])  # fmt: skip
@pytest.mark.parametrize("scale", [0.6, 1.5, 2.0])
def test_cubic_weights_are_those_of_a_run_by_their_size(
    scale: float, attributes: dict[str, object]
) -> None:
    import onnxruntime

    def model(batch: int) -> onnx.ModelProto:
        return network(
            node("Conv", "x w", "a"), node("Resize", "a none s", "y", mode="cubic", **attributes),
            x=(batch, 1, 1, 10), w=(1, 1, 1, 1), none=np.zeros(0, np.float32),
            s=np.array([1, 1, 1, scale], np.float32), outputs="y", opset=18,
        )  # fmt: skip

    session = onnxruntime.InferenceSession(
        model(10).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    wanted = np.abs(
        session.run(None, {"x": np.eye(10, dtype=np.float32).reshape(10, 1, 1, 10)})[0][:, 0, 0]
    )
    layer = cnnscope.analyze(model(1)).layers[1]
    for unit in range(wanted.shape[1]):
        found = layer.effective_field((0, 0, 0, unit)).map
        assert np.allclose(found.ravel(), wanted[:, unit] / wanted[:, unit].sum(), atol=1e-5), unit


def test_a_gate_counts_as_one_over_the_places_that_it_scales() -> None:
    """Squeeze-excitation over 4 x 4: the features 1 at the unit's place, the gate 1/16, over 16 places."""
    found = effective(
        4,
        node("Conv", "x w", "a"), node("GlobalAveragePool", "a", "b"), node("Conv", "b w", "c"),
        node("Sigmoid", "c", "d"), node("Mul", "a d", "y"),
        x=(1, 2, 4, 4), w=(2, 2, 1, 1),
    )  # fmt: skip
    wanted = np.full((4, 4), 1 / 16 / 16)
    wanted[2, 2] += 1
    assert np.allclose(found, wanted / (1 + 1 / 16))


def test_a_product_of_equals_counts_both_factors() -> None:
    found = effective(
        2, node("Conv", "x w", "a", pads=[1, 1]), node("Conv", "x v", "b"), node("Mul", "a b", "y"),
        x=(1, 1, 5), w=(1, 1, 3), v=(1, 1, 1),
    )  # fmt: skip
    assert np.allclose(found, np.array([0, 1, 4, 1, 0]) / 6)


@pytest.mark.parametrize("op", ["InstanceNormalization", "GroupNormalization", "Softmax"])
def test_a_normalisation_leaves_most_at_a_units_own_place(op: str) -> None:
    """Over 2 x 8 elements or 8: all but 2/n (of a softmax 1/n), which is spread over the n."""
    given, attributes = {
        "InstanceNormalization": ("a c c", {}), "GroupNormalization": ("a c c", {"num_groups": 1}),
        "Softmax": ("a", {"axis": 2}),
    }[op]  # fmt: skip
    found = effective(
        1, node("Conv", "x w", "a", pads=[1, 1]), node(op, given, "y", **attributes),
        x=(1, 2, 8), w=(2, 2, 3), c=(2,),
    )  # fmt: skip
    rest = {"InstanceNormalization": 2 / 8, "GroupNormalization": 2 / 16, "Softmax": 1 / 8}[op]
    behind = np.full(8, rest / 8)
    behind[4] += 1 - rest
    wanted = np.convolve(behind, np.full(3, 1 / 3), "same")
    assert np.allclose(found, wanted / wanted.sum())


def test_attention_spreads_evenly_and_the_middle_token_is_in_the_middle_of_the_image(
    samples: object,
) -> None:
    report = cnnscope.analyze(f"{samples}/vit_b_16.onnx")
    patches = report.layers["/conv_proj/Conv"].effective_field()
    assert patches.side(1) == 16  # patches of 16 x 16
    first = next(x for x in report.layers if x.op == "Softmax").index
    last = next(x for x in report.layers if x.index > first and x.op == "Add")
    found = last.effective_field()
    assert (found.map > 0).all()
    assert all(abs(at - 111.5) < 16 for at in found.center)


@pytest.mark.parametrize(("share", "side"), [(0.2, 102), (0.5, 160), (0.99, 224), (1, 224)])
def test_of_an_even_map_the_area_ratio_is_the_share(share: float, side: int) -> None:
    """RepLKNet's r: of a mean over 224 x 224 the smallest even side whose square is t of the area."""
    assert side == 2 * math.ceil(math.sqrt(share) * 224 / 2)
    report = cnnscope.analyze(
        network(node("GlobalAveragePool", "x", "y"), x=(1, 1, 224, 224), outputs="y")
    )
    found = report.effective_field(0)
    assert (found.side(share), found.side_share(share)) == (side, side / 224)
    assert found.area_share(share) == pytest.approx((side / 224) ** 2)
    assert found.field_share(share) == pytest.approx(share, abs=1e-4)


def test_replknets_kernels_against_a_stack_of_small_ones() -> None:
    """A field of 61 by two kernels of 31 holds its half in five times the area that thirty of 3 take."""
    found = {}
    for count, width in ((2, 31), (30, 3)):
        field = cnnscope.analyze(stack(count, width, 2, 101)).effective_field(-1)
        line = np.ones(1)
        for _ in range(count):
            line = np.convolve(line, np.full(width, 1 / width))
        held = [line[30 - r : 31 + r].sum() ** 2 for r in range(31)]
        half = 2 * next(r for r in range(31) if held[r] >= 0.5) + 1
        assert (field.theoretical, field.side(0.5)) == ((61, 61), half)
        found[width] = field.area_share(0.5)
    assert found[31] > 5 * found[3]


def test_a_corner_sees_to_its_own_sides() -> None:
    report = cnnscope.analyze(stack(3, 3, 2, 20))
    found = report.effective_field(2, (0, 19))
    assert found.center == (0, 19)
    assert found.region == (((0, 3),), ((16, 19),))
    assert found.theoretical == (4, 4)
    assert not found.map[4:].any()
    assert not found.map[:, :16].any()
