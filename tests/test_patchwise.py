"""What does a first stage that is run patch by patch cost, by the paper and by hand; what is refused?"""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from network_writer import NetworkWriter
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.cli import main


def test_mcunetv2_by_its_own_convention(samples: Path) -> None:
    """MobileNetV2 in int8, 224 pixels (MCUNetV2, figure 1): 1,372 kB, and 172 kB with 4x4 patches.

    By hand: 112*112 places of the 16 channels that a block reads and the 96 that it expands them to; behind
    the first five blocks, 28*28 of 32 and 192.
    """
    found = cnnscope.patchwise(samples / "mobilenet_v2.onnx", patches=(4, 4))
    peak = found.peak("mcunetv2")
    assert (peak.before, peak.after) == (112 * 112 * (16 + 96), 28 * 28 * (32 + 192))
    assert (round(peak.before / 1024), round(peak.after / 1024)) == (1372, 172)
    assert found.stage is not None
    assert found.stage.shape == (1, 32, 28, 28)
    named = cnnscope.patchwise(samples / "mobilenet_v2.onnx", until="/features/4/project/conv/Conv")
    assert named.peak("mcunetv2") == peak


def chain() -> onnx.ModelProto:
    """Two convolutions k3 with padding 1 and an activation, from 16 places of 1 channel to 4, then to 1."""
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 8, 1, 3), pads=[1, 1], strides=[2])
    x = w.add("Conv", x, w.uniform(-1, 1, 2, 8, 3), pads=[1, 1], strides=[2])
    x = w.add("Relu", x)
    return w.model([1, 1, 16], [w.add("Conv", x, w.uniform(-1, 1, 1, 2, 1))])


def test_peaks_and_work_by_hand() -> None:
    """Places: 16 of 1 channel, 8 of 8, 4 of 2, 4 of 1.

    In two patches, of 2 of the 4 places each, the first needs places 0..3 of the 8 (-1 is padding), and for
    those 0..7 of the 16; the second 3..7, and for those 5..15.
    """
    found = cnnscope.patchwise(chain(), until="Relu_t2", patches=2)
    assert found.stage is not None
    assert (found.stage.patches, found.stage.layers) == ({2: 2}, 3)
    by_name = {x.convention: (x.before // 4, x.after // 4) for x in found.peaks}
    # Before: the first map beside the input. After: the first patch has the whole input beside its part of it
    # and its part of the first map; the second has the first one's result instead of the whole input.
    first, second = 16 + 8 + 4 * 8, 2 * 2 + 11 + 5 * 8
    assert by_name["unshared"] == by_name["in_place"] == (16 + 64, max(first, second))
    # By the paper: no input as a whole, and all of the stage's last map from the first patch on.
    mcunet = found.peak("mcunetv2")
    assert (mcunet.before, mcunet.after) == (16 + 64, 4 * 2 + 11 + 5 * 8)
    whole = 8 * 8 * 3 + 4 * 2 * 24 + 4 * 2
    assert found.macs == (whole, whole + 8 * 3)  # the place 3 of the 8 is computed twice
    assert found.recomputed_share == pytest.approx(24 / (whole + 24))


def words(*given: object) -> list[str]:
    return ["tile", *map(str, given)]


def left(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


def test_json_and_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    onnx.save(chain(), tmp_path / "m.onnx")
    out = tmp_path / "out.onnx"
    arguments = words(tmp_path / "m.onnx", "--rewrite", out, "--until", "Relu_t2", "--patches", "2")
    assert left([*arguments, "-f", "json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["schema_version"] == 1
    assert told["stage"] == {
        "until": "Relu_t2", "tensor": "t2", "shape": [1, 2, 4], "layers": 3, "patches": {"2": 2}
    }  # fmt: skip
    assert told["output"] == str(out)
    assert told["peak_bytes"]["in_place"] == {"before": 320, "after": 224}
    written = onnx.load(out)
    kinds = [node.op_type for node in written.graph.node if node.op_type != "Constant"]
    assert kinds == ["Slice", "Conv", "Conv", "Relu"] * 2 + ["Concat", "Conv"]
    pads = [list(a.ints) for n in written.graph.node for a in n.attribute if a.name == "pads"]
    assert pads == [[1, 0], [1, 0], [0, 0], [0, 0]]
    assert len(written.graph.initializer) == 3


def test_what_isnt_a_node_is_kept(tmp_path: Path) -> None:
    """Weights of every encoding, notes, producers: whatever isn't a node is in the new file as it was."""
    model = chain()
    model.producer_name, model.doc_string = "somebody", "notes"
    model.metadata_props.add(key="k", value="v")
    values = np.arange(3000, dtype=np.float32)
    model.graph.initializer.add(
        name="typed", data_type=TensorProto.FLOAT, dims=[3000], float_data=values.tolist()
    )
    model.graph.value_info.add(name="t0").type.tensor_type.elem_type = TensorProto.FLOAT
    large = numpy_helper.from_array(values, "large")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["held"], "held", value=large))
    model.graph.output.add(name="held").type.tensor_type.elem_type = TensorProto.FLOAT
    onnx.save(model, tmp_path / "m.onnx")
    cnnscope.patchwise(tmp_path / "m.onnx", tmp_path / "out.onnx", until="Relu_t2", patches=2)
    found = onnx.load(tmp_path / "out.onnx")
    assert list(found.graph.initializer) == list(model.graph.initializer)
    assert list(found.graph.output) == list(model.graph.output)
    assert not found.graph.value_info  # t0 is no more
    assert found.graph.node[0] == model.graph.node[0]
    for message in (found, model):
        message.ClearField("graph")
    assert found == model


def test_weights_are_never_in_memory(tmp_path: Path) -> None:
    """48 MB of weights are copied in pieces: what Python allocates meanwhile is a few of them."""
    model = chain()
    model.graph.initializer.add(
        name="large", data_type=TensorProto.FLOAT, dims=[12_000_000], raw_data=b"\0" * 48_000_000
    )
    onnx.save(model, tmp_path / "m.onnx")
    size = (tmp_path / "m.onnx").stat().st_size
    del model
    tracemalloc.start()
    cnnscope.patchwise(tmp_path / "m.onnx", tmp_path / "out.onnx", until="Relu_t2", patches=2)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000
    assert size < (tmp_path / "out.onnx").stat().st_size < size + 10_000


def with_external(folder: Path) -> Path:
    model = chain()
    kept = model.graph.initializer[1]
    (folder / "w.bin").write_bytes(kept.raw_data)
    kept.ClearField("raw_data")
    kept.data_location = TensorProto.EXTERNAL
    kept.external_data.add(key="location", value="w.bin")
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def test_weights_beside_the_model_stay_there(tmp_path: Path) -> None:
    path = with_external(tmp_path)
    cnnscope.patchwise(path, tmp_path / "out.onnx", until="Relu_t2", patches=2)
    (kept,) = [
        x
        for x in onnx.load(tmp_path / "out.onnx", load_external_data=False).graph.initializer
        if x.data_location == TensorProto.EXTERNAL
    ]
    assert [(x.key, x.value) for x in kept.external_data] == [("location", "w.bin")]
    (tmp_path / "other").mkdir()
    with pytest.raises(cnnscope.ModelFileError, match="into the same folder"):
        cnnscope.patchwise(path, tmp_path / "other" / "out.onnx", until="Relu_t2", patches=2)
    assert not list((tmp_path / "other").iterdir())


def test_free_lengths_are_bound_and_a_free_batch_stays(tmp_path: Path) -> None:
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 8, 1, 3, 3), pads=[1] * 4)
    x = w.add("Conv", x, w.uniform(-1, 1, 1, 8, 3, 3), strides=[4, 4])
    model = w.model(["N", 1, "H", "W"], [w.add("Relu", x)])
    with pytest.raises(cnnscope.BindingError, match="give the length of H, W"):
        cnnscope.patchwise(model, tmp_path / "out.onnx")
    cnnscope.patchwise(model, tmp_path / "out.onnx", dims={"H": 32, "W": 24})
    (value,) = onnx.load(tmp_path / "out.onnx").graph.input
    dims = value.type.tensor_type.shape.dim
    assert dims[0].dim_param == "N"
    assert [d.dim_value for d in dims[1:]] == [1, 32, 24]


def obstacle(op: str, *inputs: str, **attributes: object) -> onnx.ModelProto:
    """A large map, then a layer that isn't run in parts, then a small one."""
    w = NetworkWriter()
    x = w.add("Conv", "x", w.uniform(-1, 1, 64, 1, 3), pads=[1, 1])
    stored = {
        "sizes": lambda: w.keep([1, 64, 64]), "shape": lambda: w.keep([1, 32, 64]),
        "pads": lambda: w.keep([0, 0, 2, 0, 0, 2]),
        "weights": lambda: w.uniform(-1, 1, 64, 64, 2), "expanded": lambda: w.keep([2, 64, 32]),
    }  # fmt: skip
    given = [stored[name]() if name in stored else name for name in inputs]
    x = w.add(op, x, *given, **attributes)
    return w.model([1, 1, 32], [w.add("MaxPool", x, kernel_shape=[8], strides=[8])])


OBSTACLES = {
    "Resize": (obstacle("Resize", "", "", "sizes", mode="nearest"), "resize"),
    "ConvTranspose": (obstacle("ConvTranspose", "weights", strides=[2]), "transposed convolution"),
    "Reshape": (obstacle("Reshape", "shape"), "aren't told axis by axis"),
    "Expand": (obstacle("Expand", "expanded"), "says itself how long it is"),
    "Pad": (obstacle("Pad", "pads", mode="reflect"), "mirrors or wraps around"),
}


@pytest.mark.parametrize("op", OBSTACLES)
def test_what_isnt_run_in_parts_is_named(
    op: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, why = OBSTACLES[op]
    onnx.save(model, tmp_path / "m.onnx")
    found = cnnscope.patchwise(tmp_path / "m.onnx")
    assert found.stage is None
    assert found.limit is not None
    assert found.limit.layer == f"{op}_t1"
    assert why in found.limit.why
    assert left(words(tmp_path / "m.onnx", "--rewrite", tmp_path / "out.onnx")) == 1
    assert f"{op}_t1" in capfd.readouterr().out
    assert not (tmp_path / "out.onnx").exists()


def test_of_several_the_first_is_named(samples: Path) -> None:
    """A vision transformer's layers aren't run in parts from where places become rows."""
    found = cnnscope.patchwise(samples / "vit_b_16.onnx")
    assert found.limit is not None
    layers = cnnscope.analyze(samples / "vit_b_16.onnx").layers
    assert layers.find(found.limit.layer).index < 6


def test_the_model_itself_is_never_written_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(chain(), path)
    before = path.read_bytes()
    os.link(path, tmp_path / "same.onnx")
    for output in (path, tmp_path / "same.onnx"):
        assert left(words(path, "--rewrite", output, "--patches", "2")) == 2
        assert "the model itself" in capfd.readouterr().err
        with pytest.raises(cnnscope.ModelFileError, match="the model itself"):
            cnnscope.patchwise(path, output, patches=2)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rewrite", "-"], "give a file"),
        (["--rewrite", "nowhere/out.onnx"], "there is no folder"),
        (["--rewrite", "out.onnx", "--patches", "4x"], "--patches 4x"),
        (["--rewrite", "out.onnx", "--patches", "0"], "--patches 0"),
        (["--rewrite", "out.onnx", "--patches", "4x4x4", "--until", "Relu_t2"], "4x4x4 patches"),
        (["--rewrite", "out.onnx", "--until", "nothing"], "nothing"),
        (["--rewrite", "out.onnx", "--free", "H"], "--free"),
        (["--until", "Relu_t2"], "go with --rewrite"),
        (["--patches", "4"], "go with --rewrite"),
    ],
)
def test_wrong_words(
    more: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    onnx.save(chain(), "m.onnx")
    assert left(words("m.onnx", *more)) == 2
    found = capfd.readouterr()
    assert said in found.err
    assert found.err.count("\n") == 1
    assert [x.name for x in tmp_path.iterdir()] == ["m.onnx"]


def test_a_stage_that_ends_where_other_maps_are_read() -> None:
    w = NetworkWriter()
    one = w.add("Conv", "x", w.uniform(-1, 1, 1, 1, 3), pads=[1, 1])
    other = w.add("Conv", one, w.uniform(-1, 1, 1, 1, 3), pads=[1, 1])
    model = w.model([1, 1, 32], [w.add("Add", one, other)])
    with pytest.raises(cnnscope.ArgumentError, match="reads other maps, too"):
        cnnscope.patchwise(model, until="Conv_t1")
    found = cnnscope.patchwise(model, until="Add_t2")
    assert found.stage is not None
    assert found.stage.layers == 3
