"""`analyze()` and its report: what a person can ask, from whatever the model comes in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import networkx
import onnx
import pytest

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import BindingError

NET = """<ir_version: 9, opset_import: ["": 18]> net (float[N,2,H,W] x) => (float[N,3,h,w] y)
  <float[2,2,3,3] k = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1},
   float[2,2,1,1] p = {1,2,3,4}>
  { [conv1] a = Conv <pads=[1,1,1,1]> (x, k) [relu1] b = Relu(a) [skip] c = Conv(x, p)
    [join] y = Add(b, c) }"""
SHAPES = {"x": (1, 2, 8, 6)}


@pytest.fixture
def model() -> onnx.ModelProto:
    return onnx.parser.parse_model(NET)


@pytest.fixture
def report(model: onnx.ModelProto) -> Report:
    return analyze(model, shapes=SHAPES)


# -- asking ----------------------------------------------------------------------------------------


def test_layers_by_index_name_tensor_and_filter(report: Report) -> None:
    conv = report.layers[0]
    assert conv is report["conv1"] is report["a"] is report.layers["conv1"] is report[0]
    assert [x.name for x in report.layers] == ["conv1", "relu1", "skip", "join"]
    assert [x.name for x in report.layers[1:3]] == ["relu1", "skip"]
    assert [x.name for x in report.layers.filter(op="Conv")] == ["conv1", "skip"]
    assert [x.name for x in report.layers.filter(lambda x: x.params > 5)] == ["conv1"]


def test_a_wrong_name_is_told_the_right_one(report: Report) -> None:
    with pytest.raises(KeyError, match="conv1"):
        report["cnv1"]
    with pytest.raises(IndexError):
        report[17]


def test_figures_by_hand(report: Report) -> None:
    totals = report.totals
    assert totals.params.value == 36 + 4
    assert totals.macs.value == 48 * (36 + 4)
    assert totals.flops.value == 2 * 48 * 40 + 96 + 96
    assert totals.weight_bytes.value == 160
    # conv1: x, a. relu1: x, a, b. skip: x, b, c: 3 * 96 floats. join the same.
    assert (totals.peak_activation_bytes.value, totals.peak_layer) == (3 * 96 * 4, "relu1")
    assert report.complete


def test_the_graph_answers_networkx(report: Report) -> None:
    graph = report.graph
    assert isinstance(graph, networkx.DiGraph)
    assert networkx.dag_longest_path(graph) == ["x", "conv1", "relu1", "join", "y"]
    assert networkx.ancestors(graph, "join") == {"x", "conv1", "relu1", "skip"}
    assert graph.nodes["conv1"]["macs"] == report["conv1"].macs
    assert graph.nodes["conv1"]["shape"] == "1x2x8x6"
    assert sum(m for _, m in graph.nodes(data="macs") if m) == report.totals.macs.value
    assert graph.edges["conv1", "relu1"]["tensors"] == "a"


def test_regions_and_fields(report: Report) -> None:
    found = [(f.axis, f.size, f.step, f.start) for f in report["join"].receptive_field]
    assert found == [(2, 3, 1, -1), (3, 3, 1, -1)]
    assert report["join"].region((0, 5))["x"] == (((0, 0),), ((0, 1),), ((0, 1),), ((4, 5),))


def test_to_dict_is_json(report: Report) -> None:
    plain = report.to_dict(tensors=True)
    again = json.loads(json.dumps(plain))
    assert again == json.loads(json.dumps(again))
    assert again["schema_version"] == 1
    assert {"model", "inputs", "outputs", "totals", "layers", "diagnostics", "tensors"} <= set(
        again
    )
    assert set(again["tensors"]) == {"x", "a", "b", "c", "y"}
    assert set(again["totals"]) >= {
        "params", "buffers", "constants", "macs", "flops", "weight_bytes",
        "peak_activation_bytes", "traffic_bytes",
    }  # fmt: skip
    for metric in ("params", "macs"):
        assert set(again["totals"][metric]) >= {"value", "known", "status", "uncounted"}
    assert again["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 2, 8, 6],
                               "declared": ["N", 2, "H", "W"]}]  # fmt: skip
    field = again["layers"][0]["receptive_field"][0]
    assert set(field) >= {"input", "axis", "output_axis", "size", "step", "start", "center",
                          "global", "aligned", "local_size", "smallest_size"}  # fmt: skip


def test_to_dataframe(report: Report) -> None:
    pytest.importorskip("pandas")
    frame = report.to_dataframe()
    assert list(frame["name"]) == ["conv1", "relu1", "skip", "join"]
    assert frame["macs"].sum() == report.totals.macs.value


def test_totals_by_operator(report: Report) -> None:
    rows = {row.op: row for row in report.by_op()}
    assert (rows["Conv"].layers, rows["Conv"].params) == (2, 40)
    assert sum(row.macs.value or 0 for row in rows.values()) == report.totals.macs.value


# -- where a model comes from ------------------------------------------------------------------------


def told(report: Report) -> dict[str, Any]:
    found = report.to_dict(tensors=True)
    assert isinstance(found["model"], dict)
    return {**found, "model": {k: v for k, v in found["model"].items()
                               if k not in ("path", "file_bytes", "weights")}}  # fmt: skip


def test_every_source_says_the_same(model: onnx.ModelProto, tmp_path: Path) -> None:
    data = model.SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources = [path, str(path), data, model, io.BytesIO(data), file]
        reports = [told(analyze(source, shapes=SHAPES)) for source in sources]
    assert all(found == reports[0] for found in reports)
    assert analyze(path).model.path == str(path)


def test_sources_are_left_as_they_are(model: onnx.ModelProto, tmp_path: Path) -> None:
    before = model.SerializeToString(deterministic=True)
    analyze(model, shapes=SHAPES).to_dict()
    assert model.SerializeToString(deterministic=True) == before
    path = tmp_path / "net.onnx"
    path.write_bytes(before)
    times = path.stat().st_mtime_ns
    analyze(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, times)
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_the_same_question_has_the_same_answer(model: onnx.ModelProto) -> None:
    texts = [json.dumps(analyze(model).to_dict(tensors=True)) for _ in range(3)]
    assert len(set(texts)) == 1


def test_hash_order_changes_nothing(model: onnx.ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    code = ("import json, sys; from cnnscope.analyzer import analyze;"
            "sys.stdout.write(json.dumps(analyze(sys.argv[1]).to_dict(tensors=True)))")  # fmt: skip
    here = json.dumps(analyze(path).to_dict(tensors=True))  # another seed, if any that is random
    assert run(code, str(path), PYTHONHASHSEED="1") == here


def run(code: str, *arguments: str, **environment: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- free dimensions ---------------------------------------------------------------------------------


def test_what_doesnt_hang_on_free_dimensions_is_given(model: onnx.ModelProto) -> None:
    found = analyze(model)
    assert found.totals.params.value == 40
    assert [f.size for f in found["join"].receptive_field] == [3, 3]
    assert (found.totals.macs.value, found.totals.macs.status) == (None, "unavailable")
    assert found["conv1"].output_shape is not None
    assert [str(d) for d in found["conv1"].output_shape] == ["1", "2", "H", "W"]
    codes = {d.code for d in found.diagnostics}
    assert {"free-batch", "free-dimension"} <= codes
    assert any("--dim H=LENGTH" in d.hint for d in found.diagnostics)


@pytest.mark.parametrize(
    "given",
    [{"shapes": SHAPES}, {"dims": {"H": 8, "W": 6}}, {"dims": {"N": 1, "H": 8, "W": 6}},
     {"shapes": {"x": (1, 2, 8, None)}, "dims": {"W": 6}}],
)  # fmt: skip
def test_ways_to_bind(model: onnx.ModelProto, given: Any) -> None:
    assert analyze(model, **given).tensors["y"].shape == (1, 2, 8, 6)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"shapes": {"z": (1,)}}, "no input"), ({"shapes": {"x": (1, 2, 8)}}, "4 dimensions"),
     ({"shapes": {"x": (1, 5, 8, 6)}, "keep_fixed": True}, "fixed"), ({"dims": {"Q": 3}}, "no input has"),
     ({"dims": {"H": -3}}, "can't"), ({"shapes": SHAPES, "dims": {"H": 9}}, "bound")],
)  # fmt: skip
def test_bindings_that_dont_fit(model: onnx.ModelProto, given: Any, said: str) -> None:
    with pytest.raises(BindingError, match=said):
        analyze(model, **given)


# -- cost: what the graph costs, not what the weights do ----------------------------------------------

VGG19 = (
    64,
    64,
    0,
    128,
    128,
    0,
    256,
    256,
    256,
    256,
    0,
    512,
    512,
    512,
    512,
    0,
    512,
    512,
    512,
    512,
    0,
)


def vgg19(path: Path) -> None:
    """VGG-19 with its 575 MB of weights inline, as a hole in a sparse file."""
    nodes, shapes, x, width = [], [], "x", 3
    for k, cout in enumerate(VGG19):
        y = f"t{k}"
        if cout:
            shapes += [(cout, width, 3, 3), (cout,)]
            names = [f"w{len(shapes) - 2}", f"w{len(shapes) - 1}"]
            nodes.append(onnx.helper.make_node("Conv", [x, *names], [y], pads=[1] * 4))
            nodes.append(onnx.helper.make_node("Relu", [y], [y + "r"]))
            x, width = y + "r", cout
        else:
            nodes.append(
                onnx.helper.make_node("MaxPool", [x], [y], kernel_shape=[2, 2], strides=[2, 2])
            )
            x = y
    nodes.append(onnx.helper.make_node("Flatten", [x], ["f"]))
    x, width = "f", 25088
    for k, out in enumerate((4096, 4096, 1000)):
        shapes += [(width, out), (out,)]
        names = [f"w{len(shapes) - 2}", f"w{len(shapes) - 1}"]
        nodes.append(onnx.helper.make_node("Gemm", [x, *names], [f"g{k}"]))
        x, width = f"g{k}", out
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "vgg19", [value("x", 1, [1, 3, 224, 224])], [value(x, 1, [1, 1000])]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    pieces: list[bytes | int] = []  # bytes, or a hole of so many
    size = 0
    for k, shape in enumerate(shapes):
        count = 4
        for d in shape:
            count *= d
        head = onnx.TensorProto(dims=shape, data_type=1, name=f"w{k}").SerializeToString()
        raw = b"\x4a" + varint(count)  # field 9, raw_data
        tensor = head + raw
        entry = b"\x2a" + varint(len(tensor) + count) + tensor  # GraphProto field 5, initializer
        pieces += [entry, count]
        size += len(entry) + count
    inner = model.graph.SerializeToString()
    model.ClearField("graph")
    with path.open("wb") as file:
        file.write(model.SerializeToString() + b"\x3a" + varint(len(inner) + size) + inner)
        for piece in pieces:
            if isinstance(piece, bytes):
                file.write(piece)
            else:
                file.seek(piece, io.SEEK_CUR)
        file.truncate()


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def test_vgg19_with_its_weights_inline_costs_what_its_graph_costs(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.onnx"
    vgg19(path)
    assert path.stat().st_size > 574_000_000
    code = textwrap.dedent("""
        import json, resource, sys, time
        from cnnscope.analyzer.analysis import analyze
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        before, start = peak(), time.process_time()  # not what else the machine does
        report = analyze(sys.argv[1])
        took = time.process_time() - start
        totals = report.totals
        print(json.dumps([took, peak() - before, totals.params.value, totals.macs.value]))
    """)
    took, grown, params, macs = json.loads(run(code, str(path)))
    assert params == 143_667_240  # torchvision's vgg19
    assert macs == 19_632_062_464
    assert grown < 150, f"{grown} MiB"
    assert took < 1.5, f"{took} s"


@pytest.mark.parametrize(("ahead", "codes"), [(0, []), (1, ["newer-opset"])])
def test_an_opset_that_the_installed_onnx_does_not_know_is_told(
    model: onnx.ModelProto, ahead: int, codes: list[str]
) -> None:
    model.opset_import[0].version = onnx.defs.onnx_opset_version() + ahead
    found = analyze(model, shapes=SHAPES)
    assert [d.code for d in found.diagnostics if d.code == "newer-opset"] == codes
    assert (
        found.totals.macs.value
        == analyze(onnx.parser.parse_model(NET), shapes=SHAPES).totals.macs.value
    )


def test_nothing_hangs_on_the_order_of_sets(cases: Path) -> None:
    """Texts are hashed otherwise in each process: what is said is the same."""
    program = (
        "import json, sys, cnnscope\n"
        "for path in sys.argv[1:]:\n"
        "    found = cnnscope.analyze(path)\n"
        "    print(found, json.dumps(found.to_dict()))\n"
    )
    models = [str(cases / name) for name in ("resize_runtime_sizes.onnx", "unet_free.onnx")]
    said = [
        subprocess.run(
            [sys.executable, "-c", program, *models],
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]
    assert said[0].count(b"schema_version") == len(models)


def test_a_fixed_size_is_opened_where_another_is_asked_for(samples: Path) -> None:
    """By the shape, by the command's option, and not where a gate asks."""
    lenet = samples / "lenet5.onnx"
    resnet = analyze(samples / "resnet50.onnx", shapes={"input": (1, 3, 288, 288)})
    # 4.09 G at 224: convolutions alone grow, by (9/7)^2 where every map is a multiple of 1/32.
    fully_connected = 2048 * 1000
    at_224 = 4_089_184_256 - fully_connected
    assert resnet.totals.macs.value == at_224 * 81 // 49 + fully_connected
    assert "opened-size" in [note.code for note in resnet.diagnostics]
    free = analyze(samples / "resnet50.onnx", free="HxW")
    assert free.totals.macs.free == ("H", "W")
    assert "--shape input=1x3x640x640" in str(free)
    assert analyze(lenet, shapes={"input": (None, 1, 32, 32)}).inputs[0].shape is not None
    refused = analyze(lenet, shapes={"input": (1, 1, 64, 64)})
    assert "columns of the first factor" in refused.errors[0].message
    with pytest.raises(BindingError, match="is fixed to 1x1x32x32"):
        analyze(lenet, shapes={"input": (1, 1, 64, 64)}, keep_fixed=True)
