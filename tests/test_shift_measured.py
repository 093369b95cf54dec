"""Do networks move as is said when they are run on shifted inputs?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from amounts import amount
from shift_networks import Writer, adaptive_network, plain_network, random_network

import cnnscope

pytest.importorskip("onnxruntime", reason="shifts are measured by running them")
SAMPLES = Path("sample_models")


def test_adaptive_phase_is_consistent() -> None:
    """Circular padding and phases picked by what is in them: one class for every shift."""
    found = cnnscope.shift(
        adaptive_network(), measure=True, circular=True, pairs=amount(40, 1000), provider="cpu"
    )
    assert found.proof is not None
    assert found.proof.ok
    assert found.proof.consistency is not None
    assert found.proof.consistency.share == 1


def test_plain_steps_are_not() -> None:
    found = cnnscope.shift(plain_network(), measure=True, circular=True, pairs=60, provider="cpu")
    assert found.proof is not None
    assert found.proof.ok
    assert found.proof.consistency is not None
    assert found.proof.consistency.share < 1
    aliasing = {x.layer: x.aliasing for x in found.proof.layers}
    assert any(value for value in aliasing.values())


#: sample, and the size at which it is run here
SIZES = {
    "lenet5": None, "alexnet": None, "mobilenet_v2": (128, 128), "fcn8s": None, "unet": None,
    "googlenet": (96, 96), "resnet50": (160, 160), "densenet121": (128, 128),
    "vgg16": None, "xception": (128, 128),
    "efficientnet_b0": (96, 96), "vit_b_16": None, "deeplabv3_resnet50": (96, 96), "c3d": None,
}  # fmt: skip


@pytest.mark.parametrize("sample", list(SIZES)[: amount(1, len(SIZES))])
def test_samples(sample: str) -> None:
    size = SIZES[sample]
    report = cnnscope.analyze(SAMPLES / f"{sample}.onnx")
    shapes = None
    if size is not None:
        (x,) = report.inputs
        assert x.shape is not None
        shapes = {x.name: [*(int(n) for n in x.shape[:2]), *size]}
    found = cnnscope.shift(
        SAMPLES / f"{sample}.onnx", shapes=shapes, measure=True, pairs=2, provider="cpu"
    )
    assert found.proof is not None
    assert found.proof.ok, [(x.layer, x.axis, x.error) for x in found.proof.wrong]
    assert found.proof.compared


@pytest.mark.parametrize("seed", range(amount(6, 200)))
def test_random_networks(seed: int) -> None:
    found = cnnscope.shift(random_network(seed, 60), measure=True, provider="cpu")
    assert found.proof is not None
    assert found.proof.ok, found.proof.wrong


def test_borders_are_told_from_aliasing() -> None:
    """Without steps nothing is aliased; what is wrong is at the borders alone."""
    w = Writer(3)
    y = w.add("Conv", "x", w.weights(2, 2, 3), kernel_shape=[3], pads=[1, 1])
    proof = cnnscope.shift(w.model([1, 2, 20], [y]), measure=True, provider="cpu").proof
    assert proof is not None
    (one,) = proof.layers
    assert one.error is not None
    assert one.error <= 1e-5
    assert one.aliasing is None
    assert one.border is not None
    assert one.border > 0.01


@pytest.fixture
def all_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units that padding reaches are named as if it didn't."""
    from dataclasses import replace

    from cnnscope.analyzer.sizes import shifts

    known = shifts._axis_shift

    def wrong(*given: object) -> object:
        row = known(*given)  # type: ignore[arg-type]
        return row and replace(row, interior=(0, int(row.units or 1) - 1))

    monkeypatch.setattr(shifts, "_axis_shift", wrong)


@pytest.mark.usefixtures("all_inside")
def test_a_wrong_claim_is_found() -> None:
    w = Writer(3)
    y = w.add("Conv", "x", w.weights(2, 2, 3), kernel_shape=[3], pads=[1, 1])
    proof = cnnscope.shift(w.model([1, 2, 20], [y]), measure=True, provider="cpu").proof
    assert proof is not None
    assert not proof.ok


@pytest.mark.usefixtures("all_inside")
def test_no_number_where_there_was_one_is_found() -> None:
    """Roots of what is padded with -1: at the borders they are no numbers, inside they all are."""
    w = Writer(3)
    y = w.add("Conv", "x", w.weights(2, 2, 3), kernel_shape=[3])
    y = w.add("Pad", w.add("Abs", y), w.keep([0, 0, 2, 0, 0, 2]), w.keep(-1, np.float32))
    y = w.add("Sqrt", y)
    proof = cnnscope.shift(w.model([1, 2, 20], [y]), measure=True, provider="cpu").proof
    assert proof is not None
    assert proof.layers[-1].layer.startswith("Sqrt")
    assert proof.layers[-1].error == 1


def test_images(tmp_path: Path) -> None:
    """Crops of 5 given images of 40 x 40."""
    images = np.random.default_rng(0).random((5, 1, 40, 40), np.float32)
    np.save(tmp_path / "images.npy", images)
    found = cnnscope.shift(
        SAMPLES / "lenet5.onnx",
        measure=True,
        pairs=4,
        provider="cpu",
        images={"input": tmp_path / "images.npy"},
    )
    assert found.proof is not None
    assert found.proof.ok
    assert found.proof.consistency is not None
    assert found.proof.consistency.image == (40, 40)
    with pytest.raises(cnnscope.RunError, match="larger"):
        cnnscope.shift(
            SAMPLES / "lenet5.onnx",
            measure=True,
            provider="cpu",
            images={"input": images[..., :32, :32]},
        )


def test_a_size_that_the_file_fixes_otherwise(cases: Path) -> None:
    model = cases / "hrnet_stem.onnx"
    (x,) = cnnscope.analyze(model).inputs
    assert x.shape is not None
    shape = [*(int(n) for n in x.shape[:2]), 101]
    found = cnnscope.shift(model, shapes={x.name: shape}, measure=True, provider="cpu")
    assert found.proof is not None
    assert found.proof.ok
    assert found.proof.compared == 2
