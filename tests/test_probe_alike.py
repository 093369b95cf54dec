"""What is the same in the probe's copy is held once: does each operator still hang on what it hangs on?

In front of each operator stand two convolutions whose filters are the same in the copy, joined: of six
channels the copy holds two, the first seeing a pixel, the other three by three. Where the whole of
what the operator gives turns NaN is held against ONNX Runtime running the model itself, with weights
that are all different, on an input that was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_regions import Net, session

import cnnscope
from cnnscope.analyzer.report.examination import examine
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import Session, SessionSettings, open_session
from cnnscope.runtime.probe.alike import held, places
from cnnscope.runtime.probe.comparison import known_shape
from cnnscope.runtime.probe.copy import write_probe
from cnnscope.runtime.probe.probe import check_fields

SHAPE = (1, 2, 6, 5)
RANDOM = np.random.default_rng(3)


def w(*shape: int) -> np.ndarray:
    """Numbers of both signs, none small: no product of them is 0 by chance."""
    return (RANDOM.random(shape) + 0.5) * RANDOM.choice([-1.0, 1.0], shape)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def stem(n: Net) -> str:
    return n.Concat(
        n.Conv("x", w(4, 2, 1, 1)), n.Conv("x", w(2, 2, 3, 3), pads=[1, 1, 1, 1]), axis=1
    )


def other(n: Net) -> str:
    """Six channels of which one is held: they are all the same."""
    return n.Conv("x", w(6, 2, 1, 3), pads=[0, 0, 0, 2])


Tail = Callable[[Net, str], object]
TAILS: dict[str, Tail] = {
    "leaky": lambda n, t: n.LeakyRelu(t),
    "conv": lambda n, t: n.Conv(t, w(3, 6, 3, 2), w(3), strides=[2, 1]),
    "conv of each channel": lambda n, t: n.Conv(t, w(12, 1, 3, 1), group=6),
    "conv in groups": lambda n, t: n.Conv(t, w(6, 2, 1, 3), group=3, dilations=[1, 2]),
    "conv in groups of what is all the same": lambda n, t: n.Conv(
        other(n), w(6, 2, 1, 3), group=3
    ),
    "conv of conv in groups": lambda n, t: n.Conv(
        n.Conv(t, w(4, 3, 1, 1), group=2), w(8, 1, 1, 3), group=4
    ),
    "transposed": lambda n, t: n.ConvTranspose(t, w(6, 3, 3, 2), strides=[2, 2]),
    "transposed, of each channel": lambda n, t: n.ConvTranspose(t, w(6, 2, 2, 2), group=6),
    "transposed in groups": lambda n, t: n.ConvTranspose(
        t, w(6, 2, 2, 1), group=2, strides=[3, 1], output_padding=[1, 0]
    ),
    "a matrix behind": lambda n, t: n.MatMul(n.Transpose(t, perm=[0, 2, 3, 1]), w(6, 4)),
    "a matrix in front": lambda n, t: n.MatMul(w(4, 6), n.Reshape(t, ints(1, 6, 30))),
    "a vector behind": lambda n, t: n.MatMul(n.Transpose(t, perm=[0, 2, 3, 1]), w(6)),
    "rows and columns": lambda n, t: n.MatMul(
        n.Transpose(n.Reshape(t, ints(1, 6, 30)), perm=[0, 2, 1]), n.Reshape(t, ints(1, 6, 30))
    ),
    "rows and columns of two": lambda n, t: n.MatMul(
        n.Transpose(n.Reshape(t, ints(1, 6, 30)), perm=[0, 2, 1]),
        n.Reshape(other(n), ints(1, 6, 30)),
    ),
    "heads": lambda n, t: n.MatMul(
        n.Transpose(n.Reshape(other(n), ints(1, 2, 3, 30)), perm=[0, 1, 3, 2]),
        n.Reshape(t, ints(1, 2, 3, 30)),
    ),
    "gemm": lambda n, t: n.Gemm(n.Flatten(t), w(180, 3), w(3)),
    "gemm of rows": lambda n, t: n.Gemm(
        n.Reshape(t, ints(6, 30)), w(5, 6), w(30, 5), transA=1, transB=1
    ),
    "batch norm": lambda n, t: n.BatchNormalization(t, w(6), w(6), w(6), np.abs(w(6))),
    "average": lambda n, t: n.AveragePool(t, kernel_shape=[2, 3], strides=[1, 2]),
    "maximum": lambda n, t: n.MaxPool(t, kernel_shape=[3, 2], pads=[1, 0, 1, 0]),
    "maximum, dilated": lambda n, t: n.MaxPool(t, kernel_shape=[2, 2], dilations=[2, 1]),
    "global average": lambda n, t: n.GlobalAveragePool(t),
    "global maximum": lambda n, t: n.Relu(n.GlobalMaxPool(t)),
    "softmax over channels": lambda n, t: n.Softmax(n.Mul(t, w(1) * 0.01), axis=1),
    "softmax over rows": lambda n, t: n.Softmax(n.Mul(t, w(1) * 0.01), axis=2),
    "layer norm": lambda n, t: n.LayerNormalization(
        n.Transpose(t, perm=[0, 2, 3, 1]), w(6), w(6), outputs=2
    ),
    "layer norm over all": lambda n, t: n.LayerNormalization(t, w(6, 6, 5), axis=1),
    "instance norm": lambda n, t: n.InstanceNormalization(t, w(6), w(6)),
    "local norm": lambda n, t: n.LRN(t, size=3),
    "sum over channels": lambda n, t: n.ReduceSum(t, ints(1), keepdims=0),
    "mean over rows": lambda n, t: n.ReduceMean(t, ints(-2), keepdims=0),
    "mean, kept": lambda n, t: n.Sub(t, n.ReduceMean(t, ints(1), keepdims=1)),
    "largest of all": lambda n, t: n.ReduceMax(t, ints(2, 3), keepdims=1),
    "which is largest": lambda n, t: n.ReduceL2(t, ints(3), keepdims=0),
    "transposed twice": lambda n, t: n.Transpose(n.Transpose(t), perm=[2, 1, 3, 0]),
    "channels in two": lambda n, t: n.Reshape(t, ints(1, 2, 3, 6, 5)),
    "all the same in two": lambda n, t: n.Reshape(other(n), ints(1, 2, 3, 30)),
    "all in one": lambda n, t: n.Flatten(t, axis=2),
    "an axis more": lambda n, t: n.Squeeze(n.Unsqueeze(t, ints(1, 5)), ints(0)),
    "joined": lambda n, t: n.Concat(t, other(n), axis=1),
    "joined along rows": lambda n, t: n.Concat(t, other(n), w(1, 6, 2, 5), axis=2),
    "joined along rows, alike": lambda n, t: n.Concat(n.Neg(t), t, axis=-2),
    "cut from channels": lambda n, t: n.Slice(t, ints(3), ints(5), ints(1)),
    "cut from rows": lambda n, t: n.Slice(t, ints(-4), ints(6), ints(-2), ints(2)),
    "split": lambda n, t: n.Split(t, axis=1, num_outputs=3, outputs=3),
    "all the same, split": lambda n, t: n.Concat(
        *n.Split(other(n), ints(2, 4), axis=1, outputs=2), t, axis=1
    ),
    "padded": lambda n, t: n.Pad(t, ints(0, 0, 1, 0, 0, 0, 0, 2), mode="reflect"),
    "padded in channels": lambda n, t: n.Pad(t, ints(0, 1, 0, 0, 0, 0, 1, 0)),
    "picked channels": lambda n, t: n.Gather(t, ints(5, 0, 3), axis=1),
    "picked rows": lambda n, t: n.Gather(t, np.array([[1, 0], [5, 3]]), axis=2),
    "larger": lambda n, t: n.Resize(t, "", np.array([1, 1, 2, 2.0]), mode="nearest"),
    "larger by sizes": lambda n, t: n.Resize(t, "", "", ints(1, 6, 12, 5), mode="nearest"),
    "between": lambda n, t: n.Resize(t, "", np.array([1, 1, 2, 1.0]), mode="linear"),
    "a number for each channel": lambda n, t: n.Mul(t, w(6, 1, 1)),
    "several of each": lambda n, t: n.Add(n.ReduceMean(t, ints(1), keepdims=1), w(3, 1, 1)),
    "more axes": lambda n, t: n.Mul(n.ReduceMean(t, ints(0), keepdims=0), w(2, 1, 1, 1)),
    "with what is all the same": lambda n, t: n.Add(other(n), t),
    "with what is the same otherwise": lambda n, t: n.Add(t, n.Gather(t, ints(5, 4, 3, 2, 1, 0), axis=1)),
    "with its like": lambda n, t: n.Add(n.Concat(other(n), axis=1), n.Concat(
        n.Conv("x", w(2, 2, 1, 1)), n.Conv("x", w(4, 2, 3, 1), pads=[1, 0, 1, 0]), axis=1
    )),
    "both otherwise": lambda n, t: n.Mul(t, n.Concat(
        n.Conv("x", w(2, 2, 1, 1)), n.Conv("x", w(4, 2, 3, 1), pads=[1, 0, 1, 0]), axis=1
    )),
    "to space": lambda n, t: n.DepthToSpace(n.Concat(t, t, axis=1), blocksize=2),
    "repeated": lambda n, t: n.Tile(t, ints(1, 2, 1, 1)),
    "largest three": lambda n, t: n.ReduceSum(n.TopK(t, ints(3), axis=1, outputs=2)[0], ints(1)),
    "channels shuffled": lambda n, t: n.Reshape(
        n.Transpose(n.Reshape(t, ints(1, 2, 3, 6, 5)), perm=[0, 2, 1, 3, 4]), ints(1, 6, 6, 5)
    ),
}  # fmt: skip
#: the probe's sums stand in for what a change by chance may not reach
ROUGH = {"maximum", "maximum, dilated", "global maximum", "largest of all", "largest three"}


@pytest.mark.parametrize("part", range(4))
def test_what_is_held_once_hangs_on_what_the_model_hangs_on(part: int) -> None:
    net, tail_of = Net(*SHAPE), {}
    t = stem(net)
    for name in list(TAILS)[part::4]:
        begun = len(net.nodes)
        TAILS[name](net, t)
        tail_of |= {o: name for node in net.nodes[begun:] for o in node.output}
    model = net.model()
    analysis = examine(model.SerializeToString())
    written = write_probe(analysis)
    assert not written.missing
    check = check_fields(analysis)
    assert check.ok
    assert check.compared == len({o for n in net.nodes for o in n.output} | {"x"})
    names = {t: written.copy.add("Identity", [written.whole(t)]) for t in written.names}
    proto = written.copy.model({"x": SHAPE}, list(names.values()))
    copy = open_session(proto, CPU_PROVIDER, SessionSettings(threads=1), written.copy.fillings)
    real = session(model)
    outputs = [o.name for o in real.get_outputs()]
    base = np.abs(w(*SHAPE)).astype(np.float32)
    before = real.run(outputs, {"x": base})
    for axis, row in ((1, 1), (2, 0), (2, 3), (3, 4), (3, 2)):
        place = (slice(None),) * axis + (row,)
        x = np.ones(SHAPE, np.float32)
        x[place] = np.nan
        nan = dict(zip(names, map(np.isnan, copy.run(list(names.values()), {"x": x})), strict=True))
        changed = [np.zeros(y.shape, bool) for y in before]
        for scale in (1.0, -3.0, 100.0, -100.0):
            x = base.copy()
            x[place] += scale * np.abs(w(*SHAPE))[place]
            for found, old, new in zip(changed, before, real.run(outputs, {"x": x}), strict=True):
                found |= old != new
        for tensor, found in zip(outputs, changed, strict=True):
            if tensor in nan and tail_of.get(tensor) in ROUGH:
                assert not (found & ~nan[tensor]).any(), (tail_of[tensor], tensor, axis, row)
            elif tensor in nan:
                assert np.array_equal(nan[tensor], found), (tail_of.get(tensor), axis, row)


def test_slices_that_stand_for_many() -> None:
    """By hand: of five slices the first two and the last three are the same."""
    assert held((1, 5, 7), {1: (2, 3)}) == (1, 2, 7)
    assert places((2, 3)).tolist() == [0, 0, 1, 1, 1]


SAMPLES = Path(__file__).parent.parent / "sample_models"


@pytest.mark.parametrize("name", ["alexnet", "densenet121", "mobilenet_v2", "vit_b_16"])
def test_the_copy_is_a_small_part_of_the_model(name: str) -> None:
    """By counts: its products are few, and its weights next to none, however large the model's are."""
    analysis = examine(SAMPLES / f"{name}.onnx")
    copy = write_probe(analysis).copy
    stored = sum(x.nbytes for x in copy.fillings.values())
    stored += sum(len(x.raw_data) for x in copy.stored)
    assert stored < 1 << 18
    inputs = {n: known_shape(analysis, n) for n in analysis.graph.inputs}
    model = copy.model(inputs, [copy.nodes[-1].output[0]])
    work, whole = (cnnscope.analyze(m).totals.macs.value for m in (model, SAMPLES / f"{name}.onnx"))
    assert isinstance(work, int)
    assert isinstance(whole, int)
    assert work < whole / 30


def test_one_run_without_a_nan_and_one_for_each_point(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    plain = Session.run

    def counted(self: Session, *args: Any) -> list[Any]:
        nonlocal runs
        runs += 1
        return plain(self, *args)

    monkeypatch.setattr(Session, "run", counted)
    found = cnnscope.verify(SAMPLES / "lenet5.onnx", provider="cpu")
    assert found.ok
    assert len(found.fields.probes) == 4
    assert runs == 1 + 1 + 4  # shapes and memory; without a NaN; with one
