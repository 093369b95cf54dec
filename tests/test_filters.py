"""What is said of a layer's filters: zeros, dead and equal ones; by report, command and notebook?

Held against trying all pairs, numpy, and a small network whose filters were made by hand.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from edges import FILE, kernels, network
from filter_models import Array, convolution, model_of, one, some
from onnx import helper

import cnnscope
from cnnscope.cli import main

# -- zeros, dead and equal filters -----------------------------------------------------------------


def test_range_zeros_and_what_is_no_number() -> None:
    weight = some(5, 2, 3, 3)
    weight[1, 0, 0, 0], weight[1, 1, 2, 2], weight[3] = np.nan, -np.inf, 0
    found = convolution(weight)
    numbers = np.where(np.isfinite(weight), weight, 0).astype(np.float64)
    figures = found.figures
    assert (figures.unusable, figures.zeros) == (2, 18)
    assert (figures.least, figures.most) == (numbers.min(), numbers.max())
    assert figures.norm == pytest.approx(np.linalg.norm(numbers))
    kept = weight[np.isfinite(weight)].astype(np.float64)
    assert (figures.mean, figures.std) == (pytest.approx(kept.mean()), pytest.approx(kept.std()))
    assert found.separability is found.singular_values is found.bulk is None
    assert found.low_rank == ()
    assert found.notes[0].startswith("2 weights are NaN, infinite or beyond")
    assert "NaN or infinite" in str(found)
    assert np.isnan(found.images(0)).sum() == 1
    assert found.repeats.dead == (3,)
    nothing = convolution(np.full((2, 1, 2, 2), np.nan, np.float32))
    assert (nothing.figures.unusable, nothing.figures.norm, nothing.repeats.spare) == (8, 0, 0)
    assert [nothing.to_dict()[key] for key in ("min", "max", "mean", "std")] == [None] * 4
    assert str(nothing)


def test_a_filter_without_a_number_has_no_range_nor_a_part_in_the_layers() -> None:
    weight = np.array([[[[2, 5]]], [[[np.nan, np.inf]]], [[[3, np.nan]]]], np.float32)
    found = convolution(weight)
    assert (found.figures.least, found.figures.most) == (2, 5)
    ranges = [(row["min"], row["max"]) for row in found.records()]
    assert ranges == [(2, 5), (None, None), (3, 3)]
    assert (convolution(-weight).figures.least, convolution(-weight).figures.most) == (-5, -2)


@pytest.mark.parametrize(
    ("weight", "zeros"),
    [(np.zeros((4, 0)), 0), (np.zeros((0, 3)), 0), (some(4), 0), (np.zeros((2, 1)), 2)],
    ids=["no filters", "no channels", "one filter", "zeros"],
)
def test_the_smallest_layers_have_an_answer(weight: Array, zeros: int) -> None:
    found = one("MatMul", weight.astype(np.float32), [2, len(weight)])
    assert found.figures.zeros == zeros
    assert found.to_dict()["weights"] == weight.size
    assert str(found)


def test_numbers_that_cant_be_squared_are_left_out() -> None:
    weight = np.array([[1e300, 1], [2, 3]])
    found = one("MatMul", weight, [1, 2])
    assert (found.figures.unusable, found.figures.most, found.low_rank) == (1, 3, ())


def test_what_a_node_makes_beyond_all_bounds_isnt_made() -> None:
    nodes = [
        helper.make_node("Tile", ["u", "r"], ["v"]),
        helper.make_node("MatMul", ["x", "v"], ["y"], "layer"),
    ]
    model = model_of(nodes, {"u": some(4, 1), "r": np.array([1, 1 << 29])}, [1, 4])
    with pytest.raises(cnnscope.ModelFileError, match="can't be told from what is stored"):
        cnnscope.analyze(model).filters("layer")


def repeats_by_trying(weight: Array, groups: int) -> tuple[set[int], set[int], set[frozenset[int]]]:
    """Dead, nearly dead, and what hangs together by pairs that are nearly equal."""
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    limit = np.abs(rows).max() / 254
    dead = {i for i, row in enumerate(rows) if not row.any()}
    faint = {i for i, row in enumerate(rows) if np.sqrt(np.mean(row**2)) <= limit} - dead
    each = len(rows) // groups
    left = [i for i in range(len(rows)) if i not in dead | faint]
    together = {i: {i} for i in left}
    for i, j in itertools.combinations(left, 2):
        if i // each == j // each and np.sqrt(np.mean((rows[i] - rows[j]) ** 2)) <= limit:
            both = together[i] | together[j]
            for k in both:
                together[k] = both
    return dead, faint, {frozenset(x) for x in together.values() if len(x) > 1}


def test_dead_and_nearly_equal_filters_as_trying_all_finds_them() -> None:
    for seed in range(amount(12, 500)):
        random = np.random.default_rng(seed)
        groups, each, channels = (
            int(random.integers(1, 3)),
            int(random.integers(1, 9)),
            int(random.integers(1, 4)),
        )
        weight = random.standard_normal((groups * each, channels, 3, 3))
        for i in range(len(weight)):  # repeat, shift a little, scale down or kill some of them
            other, what = int(random.integers(len(weight))), int(random.integers(6))
            if what == 0:
                weight[i] = weight[other]
            elif what == 1:
                weight[i] = weight[other] + random.standard_normal(weight[i].shape) * random.choice(
                    [0.005, 0.03]
                )
            elif what == 2:
                weight[i] *= random.choice([0.0, 0.001, 0.02])
        stored = weight.astype(np.float32)
        found = convolution(stored, groups).repeats
        dead, faint, near = repeats_by_trying(stored, groups)
        assert (set(found.dead), set(found.nearly_dead)) == (dead, faint)
        assert {frozenset(x) for x in found.nearly} == near
        rows = [row.tobytes() for row in stored.reshape(len(stored), -1)]
        same = {
            frozenset(j for j in range(len(rows)) if rows[j] == rows[i] and j // each == i // each)
            for i in range(len(rows)) if i not in dead
        }  # fmt: skip
        assert {frozenset(x) for x in found.same} == {x for x in same if len(x) > 1}


def test_equal_filters_among_very_many_are_found_by_projection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cnnscope.analyzer.filters import figures

    weight = some(300, 40)
    weight[7], weight[290] = weight[100], weight[5] + 0.001
    matrix = np.ascontiguousarray(weight.T)
    monkeypatch.setattr(figures, "PAIRS", 1)
    found = one("MatMul", matrix, [1, 40])
    assert set(found.repeats.nearly) == {(7, 100), (5, 290)}
    assert found.repeats.same == ((7, 100),)


def test_alike_filters_of_depthwise_layers_read_other_channels() -> None:
    weight = np.ones((4, 1, 3, 3), np.float32)
    assert convolution(weight, 4).repeats.spare == 0
    assert convolution(weight, 1).repeats.spare == 3


def test_many_alike_filters_take_no_time_to_be_told() -> None:
    """All pairs of 3,000 are near each other: one step joins them."""
    weight = np.ones((2, 3000), np.float32) + some(2, 3000) * 1e-4
    found = one("MatMul", weight, [1, 2])
    assert found.repeats.nearly == (tuple(range(3000)),)


# -- asked from Python and from a shell ------------------------------------------------------------


@pytest.fixture
def edges() -> Any:
    return cnnscope.analyze(FILE)


def test_the_small_network_is_what_is_written_of_it(edges: Any) -> None:
    assert onnx.load(FILE).graph.node == network().graph.node
    first = edges.filters("conv1")
    np.testing.assert_allclose(first.kernels, kernels(), atol=1e-7)
    assert (first.repeats.dead, first.repeats.same) == ((6,), ((1, 7),))
    assert first.separability.filter_ranks.tolist() == [1, 1, 1, 2, 2, 1, 0, 1]
    assert edges.filters("blur").separability.separable
    assert edges.filters("mix").low_rank[0].cuts[-1].ranks[0] <= 2
    assert first.smallest()[0].form == "spatial"
    with pytest.raises(ValueError, match=r"energy is 0\.8; told are: 0\.9, 0\.95, 0\.99"):
        first.smallest(0.8)


def test_images_are_grey_where_a_weight_is_zero(edges: Any) -> None:
    images = edges.filters("conv1").images()
    assert (images.shape, images.dtype) == ((8, 5, 5, 3), np.float32)
    assert (images[6] == 0.5).all()
    assert images[0].max() == 1
    assert (images[5, ..., 2] == 0.5).all()
    together = edges.filters("conv1").images(together=True)
    largest = np.abs(kernels()).max()
    np.testing.assert_allclose(
        together, 0.5 + np.moveaxis(kernels(), 1, -1) / largest / 2, atol=1e-6
    )
    assert edges.filters("conv1").images(1).shape == (8, 5, 5)
    with pytest.raises(ValueError, match="there is no input channel 3"):
        edges.filters("conv1").images(3)
    with pytest.raises(ValueError, match="aren't colours"):
        edges.filters("mix").images()
    with pytest.raises(ValueError, match="a matrix"):
        one("MatMul", some(3, 2), [1, 3]).images()
    assert convolution(some(4, 1, 7)).images().shape == (4, 1, 7)


def test_all_layers_are_read_one_by_one(edges: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnscope.analyzer.filters import finding

    read = []
    real = finding.read_bank
    monkeypatch.setattr(
        finding, "read_bank", lambda node, *rest: read.append(node.name) or real(node, *rest)
    )
    every = edges.filters()
    assert (len(every), read) == (3, [])
    assert every[1].layer == "blur"
    assert [x.layer for x in every] == ["conv1", "blur", "mix"]
    assert read == ["blur", "conv1", "mix"]
    frame = every.to_dataframe()
    assert list(frame["layer"]) == ["conv1", "blur", "mix"]
    assert set(every.COLUMNS) == {*frame.columns}
    assert list(edges.filters("conv1").to_dataframe()["dead"])[6] == "yes"
    assert every.to_dict()["schema_version"] == 1


def test_what_is_no_layer_of_weights_is_said(edges: Any) -> None:
    with pytest.raises(ValueError, match="layer 'relu1' multiplies no stored weights"):
        edges.filters("relu1")
    with pytest.raises(KeyError, match="no layer or tensor 'conf1'; did you mean 'conv1'"):
        edges.filters("conf1")
    with pytest.raises(KeyError, match=r"'\*' fits 3 layers"):
        edges.filters("*")
    read = cnnscope.load(json.dumps(edges.to_dict()).encode())
    with pytest.raises(ValueError, match="read from data"):
        read.filters()


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["filters", *words])
    said = capfd.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_the_command(capfd: pytest.CaptureFixture[str], samples: Path) -> None:
    code, out, _ = run(capfd, str(FILE))
    assert (code, "k x 1, 1 x k, rank 4" in out) == (0, True)
    code, out, _ = run(capfd, str(FILE), "conv1", "--format", "csv")
    assert (code, len(out.splitlines())) == (0, 9)
    code, out, _ = run(capfd, str(FILE), "conv1", "-f", "json")
    assert '"dead": [\n    6\n  ]' in out or '"dead": [6]' in out
    code, _, err = run(capfd, str(FILE), "*")
    assert (
        code,
        err.splitlines()[0].endswith("'*' fits 3 layers: give one's path, name or index"),
    ) == (2, True)
    for words, line in (
        ((str(FILE), "relu1"), "layer 'relu1' multiplies no stored weights: there are no filters"),
        ((str(samples / "lenet5.onnx"),), "lenet5.weights"),
    ):
        code, out, err = run(capfd, *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert line in err


def test_a_hostile_name_starts_no_line() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv\n::error::\x1b[31m")
    report = cnnscope.analyze(model_of([node], {"w": some(2, 1, 3, 3)}, [1, 1, 5, 5]))
    for said in (str(report.filters()), str(report.filters(0)), repr(report.filters(0))):
        assert "\x1b" not in said
        assert "\n::error" not in said
