"""Is a model whose first stage is run patch by patch the same model, and does it take the memory said?

Networks of random layers (windows of any padding, residual joins, depthwise convolutions, pools that round
up, Pad nodes, branches that are concatenated) are cut behind random layers into random numbers of patches,
written, and run by ONNX Runtime beside the original. Then samples and models of the corpus, and the arena.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount, some
from network_writer import NetworkWriter

import cnnscope
from cnnscope.analyzer.sizes.proof import PatchProof
from cnnscope.runtime.engine.job import ModelJob
from cnnscope.runtime.proofs.patch_job import PatchJob
from cnnscope.runtime.proofs.patch_proof import prove_patches_here

onnxruntime = pytest.importorskip("onnxruntime", reason="what was written is run")


def run(model: str | bytes, feeds: dict[str, np.ndarray], *, optimised: bool) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * float(np.abs(a).max(initial=1e-9)))


class Drawn:
    """A network of layers drawn at random, of two axes."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.w = NetworkWriter(seed)
        self.channels = 3

    def pads(self, most: int) -> list[int]:
        return [self.draw.randint(0, most) for _ in range(4)]

    def window(self) -> dict[str, object]:
        """Kernel, stride, dilation and padding of any kind."""
        draw = self.draw
        kernel = [draw.choice([1, 2, 3, 5]), draw.choice([1, 3, 4])]
        found: dict[str, object] = {
            "kernel_shape": kernel,
            "strides": [draw.choice([1, 1, 1, 2, 3])] * 2,
        }
        how = draw.choice(["pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"])
        if how == "pads":
            found["pads"] = [draw.randint(0, k - 1) for k in kernel * 2]
        else:
            found["auto_pad"] = how
        return found

    def conv(self, x: str, *, same: bool = False, depthwise: bool = False) -> str:
        draw, window = self.draw, self.window()
        if same:
            kernel, d = draw.choice([1, 3, 5]), draw.choice([1, 1, 2])
            window = {
                "kernel_shape": [kernel] * 2,
                "pads": [kernel // 2 * d] * 4,
                "dilations": [d, d],
            }
        group = self.channels if depthwise else 1
        new = self.channels if same or depthwise else draw.choice([2, 4])
        kernel_shape = window["kernel_shape"]
        assert isinstance(kernel_shape, list)
        weights = self.w.uniform(-1, 1, new, self.channels // group, *kernel_shape)
        bias = [self.w.uniform(-1, 1, new)] if draw.random() < 0.5 else []
        y = self.w.add("Conv", x, weights, *bias, group=group, **window)
        self.channels = new
        return y

    def pool(self, x: str) -> str:
        draw, window = self.draw, self.window()
        op = draw.choice(["MaxPool", "AveragePool", "LpPool"])
        if op != "LpPool" and "auto_pad" not in window:
            window["ceil_mode"] = draw.randint(0, 1)
        if op == "AveragePool":
            window["count_include_pad"] = draw.randint(0, 1)
        if op == "LpPool":  # ONNX Runtime's counts on padding that its kernel reaches
            window.pop("auto_pad", None)
        return self.w.add(op, x, **window)

    def layer(self, x: str) -> str:
        draw, w = self.draw, self.w
        what = draw.choice(
            ["conv", "conv", "depthwise", "pool", "residual", "pad", "point", "both", "norm"]
        )
        if what in ("conv", "depthwise"):
            return self.conv(x, depthwise=what == "depthwise")
        if what == "pool":
            return self.pool(x)
        if what == "residual":
            inner = self.conv(w.add("Relu", self.conv(x, same=True)), same=True)
            return w.add(draw.choice(["Add", "Mul"]), x, inner)
        if what == "pad":
            if draw.random() < 0.5:
                return w.add("Pad", x, w.keep([0, 0, *self.pads(2)[:2], 0, 0, *self.pads(2)[:2]]),
                             w.keep(1.5, np.float32))  # fmt: skip
            return w.add("Pad", x, w.keep([0, 0, 1, 0, 0, 0, 2, 1]), mode="edge")
        if what == "point":
            return w.add(draw.choice(["Relu", "Tanh", "Sigmoid"]), x)
        if what == "norm":
            stored = [w.uniform(0.5, 1, self.channels) for _ in range(4)]
            return w.add("BatchNormalization", x, *stored)
        left, right = self.conv(x, same=True), self.conv(x, same=True)
        joined = w.add("Concat", left, right, axis=1)
        self.channels *= 2
        return joined

    def model(self, size: tuple[int, int]) -> onnx.ModelProto:
        x = "x"
        for _ in range(self.draw.randint(2, 6)):
            x = self.layer(x)
        if self.draw.random() < 0.5:
            x = self.w.add("GlobalAveragePool", x)
        return self.w.model([1, 3, *size], [x], 19)


@pytest.mark.parametrize("seed", range(amount(4, 1000)))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    model = Drawn(seed).model((draw.randint(9, 40), draw.randint(9, 40)))
    lengths = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    feeds = {"x": np.random.default_rng(seed).uniform(-1, 1, lengths).astype(np.float32)}
    optimised = draw.random() < 0.5
    try:
        wanted = run(model.SerializeToString(), feeds, optimised=optimised)
    except Exception:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base: a map has no room left
        pytest.skip("no such network")
    names = [node.name for node in model.graph.node]
    draw.shuffle(names)
    done = 0
    for name in names:
        patches = [draw.randint(1, 4), draw.randint(2, 5)]
        try:
            found = cnnscope.patchwise(model, tmp_path / "out.onnx", until=name, patches=patches)
        except cnnscope.CnnscopeError:
            continue
        assert found.stage is not None
        assert_same(wanted, run(str(tmp_path / "out.onnx"), feeds, optimised=optimised))
        done += 1
    if not done:
        pytest.skip("no stage of it can be cut")


def proof(model: Path, folder: Path, **asked: object) -> tuple[cnnscope.Patchwise, PatchProof]:
    """A model and what is written of it, run with the same weights."""
    output = folder / "out.onnx"
    found = cnnscope.patchwise(model, output, **asked)  # type: ignore[arg-type]
    assert found.ok, found.why
    base = ModelJob(str(model), {name: list(x) for name, x in found.inputs.items()}, {}, "cpu")
    return found, prove_patches_here(PatchJob(base, str(output)))


#: the first few in each run
SAMPLES = [
    "lenet5", "mobilenet_v2", "googlenet", "densenet121", "alexnet", "vgg16", "xception",
    "efficientnet_b0", "resnet50", "wavenet", "fcn8s", "deeplabv3_resnet50", "c3d",
]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES[: amount(2, 13)])
def test_samples(name: str, samples: Path, tmp_path: Path) -> None:
    """Every sample that has such a stage: equal outputs, and the arena's peak as predicted, to the byte."""
    found, proved = proof(samples / f"{name}.onnx", tmp_path)
    assert proved.ok, proved.runs
    assert proved.peaks == (found.peak().before, found.peak().after)


def test_every_sample_stands_above(samples: Path) -> None:
    for path in some(sorted(samples.glob("*.onnx")), 1):
        assert cnnscope.patchwise(path).ok == (path.stem in SAMPLES), path


#: of the corpus, with what is given; those of which no first stage lowers the peak by 5 % aren't here
CORPUS: dict[str, dict[str, object]] = {
    "hm_crnn_gru": {}, "hm_conv3d_net": {}, "hm_espcn_x3": {"shapes": {"x": [1, 1, 48, 64]}},
    "hm_fpn3": {}, "hm_lenet5_features": {},
    "hm_siamese_shared": {}, "hm_small_resnet_dynamo": {}, "hm_small_resnet_fp16": {}, "hm_pad_asym": {},
    "hx_autopad_same_upper": {"dims": {"H": 96, "W": 128}},
    "hx_autopad_valid": {"dims": {"H": 90, "W": 120}}, "light_squeezenet": {}, "q_lenet5_qdq": {},
    "q_mobilenet_v2_qdq_perchannel": {}, "q_mobilenet_v2_qoperator": {}, "slim_mobilenet_v1": {},
    "timm_dla34.keepbn": {}, "timm_ghostnet_100.keepbn": {}, "timm_hrnet_w18": {}, "timm_mixnet_s": {},
    "timm_mobilevit_s": {}, "timm_tf_efficientnet_b0": {}, "tv_alexnet": {}, "tv_convnext_tiny": {},
    "tv_densenet121.dynamo": {}, "tv_googlenet.keepbn": {}, "tv_mnasnet1_0.keepbn": {},
    "tv_mobilenet_v2.dynamo": {}, "tv_mobilenet_v2.legacy_dyn": {"dims": {"height": 224, "width": 224}},
    "tv_mobilenet_v3_fpn_backbone": {}, "tv_r3d_18": {}, "tv_resnet18.keepbn": {},
    "tv_resnet18.dynamo_dyn": {"shapes": {"x": [1, 3, 224, 224]}},
}  # fmt: skip


@pytest.mark.parametrize("name", some(CORPUS, 2))
def test_corpus(name: str, corpus: Path, tmp_path: Path) -> None:
    """Equal outputs; and the arena's peak falls by the predicted ratio, within 15 %.

    But where there is a reason: constants that the run computes (dequantised weights), half precision without
    kernels, another order.
    """
    path = next(corpus.rglob(f"{name}.onnx"))
    found, proved = proof(path, tmp_path, **CORPUS[name])
    assert proved.ok, proved.runs
    peak = found.peak()
    if proved.reason is None:
        assert proved.ratio == pytest.approx(peak.after / peak.before, rel=0.15)


def test_a_wrong_file_is_found(tmp_path: Path) -> None:
    """A proof that can't fail is none: a padding at the wrong end of one patch shows."""
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 8, 1, 3), pads=[1, 1])
    path, output = tmp_path / "m.onnx", tmp_path / "out.onnx"
    onnx.save(w.model([1, 1, 32], [w.add("MaxPool", x, kernel_shape=[4], strides=[4])]), path)
    _, proved = proof(path, tmp_path)
    assert proved.ok
    model = onnx.load(output)
    node = next(n for n in model.graph.node if n.op_type == "Conv")
    (pads,) = [a for a in node.attribute if a.name == "pads"]
    assert list(pads.ints) == [1, 0]
    pads.ints[:] = [0, 1]
    onnx.save(model, output)
    proved = prove_patches_here(PatchJob(ModelJob(str(path), {}, {}, "cpu"), str(output)))
    assert not proved.ok


def kernels(path: Path, folder: Path, shape: list[int]) -> tuple[list[str], int]:
    """The kernels of a session as people open it, planned memory off: names, bytes in use at most."""
    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = options.enable_mem_reuse = False
    options.enable_profiling, options.profile_file_prefix = True, str(folder / "profile")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.ones(shape, np.float32)})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    told = [e for e in events if e["name"].endswith("_kernel_time")]
    in_use = [int(e["args"].get("mem_in_use_peak", 0)) for e in told]
    return [e["name"] for e in told], max(in_use)


def test_a_session_as_people_open_it(tmp_path: Path) -> None:
    """In the default order, optimised, a patch is done before another begins, and less memory is in use."""
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 32, 3, 3, 3), pads=[1] * 4)
    x = w.add("Relu", x)
    x = w.add("Conv", x, w.uniform(-1, 1, 32, 32, 3, 3), pads=[1] * 4)
    x = w.add("MaxPool", w.add("Tanh", x), kernel_shape=[4, 4], strides=[4, 4])
    shape = [1, 3, 128, 128]
    onnx.save(w.model(shape, [w.add("Neg", x)]), tmp_path / "m.onnx")
    found = cnnscope.patchwise(tmp_path / "m.onnx", tmp_path / "out.onnx", patches=3)
    assert found.stage is not None
    names, less = kernels(tmp_path / "out.onnx", tmp_path, shape)
    _, before = kernels(tmp_path / "m.onnx", tmp_path, shape)
    patches = [m.group() for name in names if (m := re.search(r"patch_\d+_\d+", name))]
    assert len([key for key, _ in itertools.groupby(patches)]) == len(set(patches)) == 9
    assert less < 0.6 * before


@pytest.mark.parametrize("opset", [8, 9, 13, 19])
def test_a_shape_that_is_looked_at_becomes_a_constant(opset: int, tmp_path: Path) -> None:
    """The size of a map that there is no more scales what comes out; Slice and Pad as each opset has them."""
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 16, 3, 3, 3), pads=[1, 0, 1, 2])
    size = w.add("Cast", w.add("Shape", x), to=onnx.TensorProto.FLOAT)
    lengths = [0, 0, 2, 1, 0, 0, 1, 0]
    padded = (
        w.add("Pad", x, pads=lengths) if opset < 11 else w.add("Pad", x, w.keep(lengths))
    )  # fmt: skip
    y = w.add("MaxPool", w.add("Relu", padded), kernel_shape=[3, 3], strides=[3, 3])
    y = w.add("Mul", w.add("ReduceMean", y, axes=[1]) if opset < 18 else y, size)
    model = w.model(["N", 3, 24, 4], [y], opset)
    found = cnnscope.patchwise(model, tmp_path / "out.onnx", patches=(3, 1))
    assert found.stage is not None
    written = onnx.load(tmp_path / "out.onnx")
    assert not any(node.op_type == "Shape" for node in written.graph.node)
    assert (
        written.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    )  # the constant is for 1
    feeds = {"x": np.random.default_rng(0).uniform(-1, 1, (1, 3, 24, 4)).astype(np.float32)}
    wanted = run(model.SerializeToString(), feeds, optimised=False)
    assert_same(wanted, run(str(tmp_path / "out.onnx"), feeds, optimised=False))
