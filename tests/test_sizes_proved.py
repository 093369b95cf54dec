"""Are valid sizes those that ONNX Runtime accepts? No false yes and no false no.

Each model is opened once with its lengths free, and run at consecutive sizes along each axis alone and at
random pairs. Networks of random layers come to it, along one axis, with all that ties lengths: strides,
joins, crops, reshapes, broadcasting.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount, some
from network_writer import NetworkWriter

import cnnscope
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.report.examination import opening_of
from cnnscope.analyzer.sizes.trial_sizes import sizes_to_try
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import open_run
from cnnscope.runtime.proofs.size_proof import prove_sizes

pytest.importorskip("onnxruntime", reason="sizes are proved by running them")


def random_network(seed: int) -> onnx.ModelProto:
    """Layers drawn at random on maps of two channels and a free length."""
    draw = random.Random(seed)
    w = NetworkWriter()
    add, keep = w.add, w.keep
    maps = ["x"]
    for _ in range(draw.randint(3, 9)):
        x = draw.choice(maps[-3:])
        k, stride, pad = draw.randint(1, 4), draw.randint(1, 3), draw.randint(0, 1)
        window = {"kernel_shape": [k], "strides": [stride], "pads": [min(pad, k - 1)] * 2}
        what = draw.choice([
            "Conv", "Conv", "MaxPool", "AveragePool", "ConvTranspose", "Resize", "Pad", "Slice", "Concat",
            "Concat", "Add", "Add", "Reshape", "Ceil", "Long", "Stored",
        ])  # fmt: skip
        if what == "Conv":
            y = add("Conv", x, keep(np.ones((2, 2, k)), np.float32), **window)
        elif what == "ConvTranspose":
            y = add("ConvTranspose", x, keep(np.ones((2, 2, k)), np.float32), strides=[stride],
                    pads=[min(pad, k - 1)] * 2)  # fmt: skip
        elif what in ("MaxPool", "AveragePool"):
            y = add(what, x, **window)
        elif what == "Ceil":
            y = add("MaxPool", x, **window, ceil_mode=1)
        elif what == "Resize":
            y = add(
                "Resize", x, "", keep([1, 1, draw.choice([2, 0.5, 3])], np.float32), mode="nearest"
            )
        elif what == "Pad":
            y = add("Pad", x, keep([0, 0, draw.randint(-2, 3), 0, 0, draw.randint(-2, 3)]))
        elif what == "Slice":
            y = add("Slice", x, keep([draw.randint(0, 3)]), keep([draw.choice([-1, -2, 9, 2**31 - 1])]),
                    keep([2]), keep([draw.randint(1, 2)]))  # fmt: skip
        elif what in ("Concat", "Add"):
            y = add(what, x, draw.choice(maps), **({"axis": 1} if what == "Concat" else {}))
            if what == "Concat":
                y = add("Conv", y, keep(np.ones((2, 4, 1)), np.float32))
        elif what == "Long":
            y = add("Concat", x, draw.choice(maps), axis=2)
        elif what == "Stored":
            y = add("Add", x, keep(np.ones((1, 2, draw.randint(3, 12))), np.float32))
        else:
            by = draw.randint(2, 4)
            y = add("Reshape", add("Reshape", x, keep([1, 2, -1, by])), keep([1, 2, -1]))
        maps.append(y)
    return w.model([1, 2, "L"], [maps[-1]], 18)


def held(
    model: object, free: tuple[str, ...], sizes: list[dict[str, int]], found: ValidSizes
) -> None:
    graph = read_graph(open_model(model).model)  # type: ignore[arg-type]  # a path or a model
    try:
        run = open_run(model, opening_of(graph, free), choose_provider("cpu"))  # type: ignore[arg-type]
    except RunError:  # it sees beforehand that no size works
        assert not any(found.admits(**size) for size in sizes)
        return
    trials = prove_sizes(found, run, sizes, lambda said: None)
    wrong = [trial for trial in trials if not trial.agrees]
    assert not wrong, [(dict(t.lengths), t.said, t.why) for t in wrong[:5]]


@pytest.mark.parametrize("seed", range(amount(12, 2000)))
def test_random_networks(seed: int) -> None:
    model = random_network(seed)
    found = cnnscope.sizes(model)
    low = max(1, (found["L"].lengths.smallest or 1) // 2)
    held(model, (), [{"L": n} for n in range(low, low + amount(24, 128))], found)


def placed(op: str, place: int) -> onnx.ModelProto:
    """A network that picks, or writes, one stored place of an axis of free length."""
    w = NetworkWriter()
    every, one = w.keep(np.full((1, 2, 1), place)), w.keep([[0, 1, place]])
    if op == "Gather":
        y = w.add(op, "x", w.keep([0, place]), axis=2)
    elif op == "GatherElements":
        y = w.add(op, "x", every, axis=2)
    elif op == "ScatterElements":
        y = w.add(op, "x", every, w.keep(np.ones((1, 2, 1)), np.float32), axis=2)
    elif op == "GatherND":
        y = w.add(op, "x", one)
    else:
        y = w.add(op, "x", one, w.keep([1], np.float32))
    return w.model([1, 2, "L"], [y], 18)


@pytest.mark.parametrize("place", [5, -6])
@pytest.mark.parametrize(
    "op", ["Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"]
)
def test_stored_places(op: str, place: int) -> None:
    """Place 5 is the sixth, and -6 the sixth from behind."""
    model = placed(op, place)
    found = cnnscope.sizes(model)
    assert found.exact
    assert found["L"].lengths.smallest == 6
    held(model, (), [{"L": n} for n in (1, 4, 5, 6, 7, 9)], found)


@pytest.mark.parametrize("op", ["ReverseSequence", "RNN", "GRU", "LSTM"])
def test_stored_lengths_of_sequences(op: str) -> None:
    w = NetworkWriter()
    steps, lens = w.add("Transpose", "x", perm=[2, 0, 1]), w.keep([4], np.int32)
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}.get(op)
    if gates is None:
        y = w.add(op, steps, w.keep([4]), batch_axis=1, time_axis=0)
    else:
        weights = [w.keep(np.ones((1, gates * 3, n)), np.float32) for n in (2, 3)]
        y = w.add(op, steps, *weights, "", lens, hidden_size=3)
    model = w.model([1, 2, "L"], [y], 18)
    found = cnnscope.sizes(model)
    assert found.exact
    assert found["L"].lengths.smallest == 4
    held(model, (), [{"L": n} for n in (1, 3, 4, 5, 8)], found)


def test_a_stored_map_cut_to_the_length() -> None:
    """Position embeddings for 6 places: of a longer input there are 6 of them all the same."""
    w = NetworkWriter()
    stored = w.keep(np.ones((1, 2, 6)), np.float32)
    length = w.add("Shape", "x", start=2, end=3)
    y = w.add("Add", "x", w.add("Slice", stored, w.keep([0]), length, w.keep([2])))
    model = w.model([1, 2, "L"], [y], 18)
    found = cnnscope.sizes(model)
    assert (found["L"].lengths.smallest, found["L"].lengths.down(100)) == (1, 6)
    held(model, (), [{"L": n} for n in range(1, 10)], found)


#: a mode, and how much is padded before and behind; less than nothing is cut off
PADDED = [
    (mode, before, after)
    for mode in ("reflect", "edge", "wrap")
    for before in range(-2, 4)
    for after in range(-2, 4)
    if max(before, after) > 0
]


@pytest.mark.parametrize(("mode", "before", "after"), some(PADDED, 12))
def test_what_padding_is_filled_from(mode: str, before: int, after: int) -> None:
    """A mirror image is shorter than what it is of; and nothing has no edge."""
    w = NetworkWriter()
    y = w.add("Pad", "x", w.keep([0, 0, before, 0, 0, after]), mode=mode)
    model = w.model([1, 2, "L"], [y], 19)
    found = cnnscope.sizes(model)
    assert found.exact
    held(model, (), [{"L": n} for n in range(1, 9)], found)


LIGHT = ["lenet5.onnx", "mobilenet_v2.onnx"]
SAMPLES = ["lenet5.onnx", "densenet121.onnx", "googlenet.onnx", "unet.onnx", "fcn8s.onnx",
           "efficientnet_b0.onnx", "mobilenet_v2.onnx", "resnet50.onnx", "xception.onnx",
           "deeplabv3_resnet50.onnx", "vit_b_16.onnx", "alexnet.onnx", "vgg16.onnx"]  # fmt: skip


@pytest.mark.parametrize("model", LIGHT if amount(1, 2) == 1 else SAMPLES)
def test_samples_opened(samples: Path, model: str) -> None:
    found = cnnscope.sizes(samples / model, free="HxW")
    assert found.exact, found.doubts
    held(samples / model, ("HxW",), sizes_to_try(found, amount(8, 128), {}), found)


DYNAMIC = ["hm_crnn_lstm", "hm_espcn_x3", "hm_fpn3_dynsize", "hm_shape_arith", "hm_unet_deconv",
           "hm_wavenet", "tv_fcn_resnet50.legacy_dyn", "tv_lraspp_mobilenet_v3_large.dynamo_dyn",
           "tv_mobilenet_v2.dynamo_dyn", "tv_mobilenet_v2.legacy_dyn", "tv_resnet18.dynamo_dyn",
           "tv_resnet18.legacy_dyn", "tv_shufflenet_v2_x1_0.legacy_dyn",
           "tv_squeezenet1_1.legacy_dyn"]  # fmt: skip


@pytest.mark.parametrize("name", some(DYNAMIC, 2))
def test_dynamic_models(corpus: Path, name: str) -> None:
    path = next(corpus.rglob(f"{name}.onnx"))
    found = cnnscope.sizes(path)
    assert found.exact, found.doubts
    base = found.smallest
    assert base is not None
    sizes = [
        {**base, dim.name: n}
        for dim in found.dims
        for n in range(max(1, base[dim.name] // 2), max(1, base[dim.name] // 2) + amount(5, 128))
    ]
    draw = random.Random(0)
    sizes += [
        {n: draw.randint(max(1, least // 2), 2 * least + 40) for n, least in base.items()}
        for _ in range(amount(5, 200))
    ]
    held(path, (), sizes, found)


def test_what_is_said_wrongly_is_found(cases: Path) -> None:
    """A proof that can't fail is none."""
    found = cnnscope.sizes(cases / "unet_free.onnx")

    class Lying:
        inputs, dims = found.inputs, found.dims

        def admits(self, **lengths: int) -> bool:
            return lengths["L"] % 4 == 0

        def runs_empty(self, **lengths: int) -> bool:
            return False

    run = open_run(cases / "unet_free.onnx", {}, choose_provider("cpu"))
    trials = prove_sizes(Lying(), run, [{"L": n} for n in (8, 12, 13, 16)], lambda said: None)  # type: ignore[arg-type]
    assert [trial.agrees for trial in trials] == [True, False, True, True]
    assert "Concat" in trials[1].why
