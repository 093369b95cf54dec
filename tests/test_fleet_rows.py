"""A model's row and its layers' say what a report says, and nothing that isn't known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import cnnscope
from cnnscope.analyzer.budgets.limit_text import make_limit
from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS, MODEL_COLUMNS
from cnnscope.analyzer.fleet.model_row import (
    RowRequest,
    failed_row,
    model_row,
    row_for,
    scanned_model,
    shareable,
)
from cnnscope.analyzer.model.file import open_model

SAMPLES = Path(__file__).parent.parent / "sample_models"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.onnx"))
Row = Mapping[str, object]


def row_of(model: str | Path | onnx.ModelProto, **asked: object) -> Row:
    source = model if isinstance(model, onnx.ModelProto) else str(model)
    return model_row(open_model(source), "m.onnx", RowRequest(**asked))  # type: ignore[arg-type]


def parsed(text: str, opset: int = 20, others: str = "") -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}{others}]> {text}')


def stored(model: onnx.ModelProto, **arrays: np.ndarray) -> onnx.ModelProto:
    for name, array in arrays.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


@pytest.fixture(scope="module", params=NAMES)
def told(request: pytest.FixtureRequest) -> tuple[dict[str, object], list[Row], cnnscope.Report]:
    """A sample's row, its layers', and what `analyze` says of it."""
    path = str(SAMPLES / f"{request.param}.onnx")
    row, layers = scanned_model(open_model(path), path, RowRequest(layers=True))
    return row, list(layers), cnnscope.analyze(path)


def test_a_row_has_the_totals_of_the_report(
    told: tuple[dict[str, object], list[Row], cnnscope.Report],
) -> None:
    row, _, report = told
    data = json.loads(json.dumps(report.to_dict()))
    assert list(row) == [x.name for x in MODEL_COLUMNS]
    assert json.loads(json.dumps(row)) == row
    names = [x.name.removesuffix("_status") for x in MODEL_COLUMNS if x.name.endswith("_status")]
    assert {*names} | {"folded_macs", "folded_flops"} == {*data["totals"]}
    for name in names:
        total = data["totals"][name]
        assert (row[name], row[f"{name}_status"]) == (total["value"], total["status"]), name
    assert row["peak_layer"] == data["totals"]["peak_activation_bytes"]["layer"]
    assert row["status"] == ("ok" if report.complete else "partial")
    assert row["error"] is row["error_kind"] is None
    model = data["model"]
    assert row["opset"] == model["opsets"]["ai.onnx"]
    for name in ("path", "producer", "ir_version", "file_bytes", "weights", "nodes"):
        assert row[name] == model[name], name
    assert row["layers"] == model["nodes"] - model["folded_nodes"] == len(data["layers"])
    ops = [x["op"] for x in data["layers"]]
    assert row["operators"] == [
        {"name": op, "count": n}
        for n, op in sorted(((ops.count(op), op) for op in {*ops}), key=lambda x: (-x[0], x[1]))
    ]
    for name in ("inputs", "outputs"):
        assert row[name] == [{k: x[k] for k in ("name", "dtype", "shape")} for x in data[name]]
    assert row["diagnostics"] == sorted({x["code"] for x in data["diagnostics"]})
    assert isinstance(row["weight_dtypes"], list)
    assert sum(x["count"] for x in row["weight_dtypes"]) == row["weight_bytes"]


def test_layers_have_the_rows_of_to_dataframe(
    told: tuple[dict[str, object], list[Row], cnnscope.Report],
) -> None:
    row, layers, report = told
    frame = report.to_dataframe()
    renamed = {"path": "module", "output": "shape"}
    assert len(layers) == len(frame)
    for layer, record in zip(layers, report.records(), strict=True):
        assert list(layer) == [x.name for x in LAYER_COLUMNS]
        assert (layer["path"], layer["graph_digest"]) == (row["path"], row["graph_digest"])
        for key, value in record.items():
            if key == "output":
                shape = layer["shape"]
                assert isinstance(shape, list)
                assert "x".join("?" if n is None else str(n) for n in shape) == value
            elif (key := renamed.get(key, key)) in layer:
                assert layer[key] == value, key
        unheard = {k for k in layer if k.startswith(("rf_", "local_"))} - {*frame}
        assert all(layer[k] is None for k in unheard - {"rf_global"})


#: input elements along one axis at the last layer before pooling: TF-slim's receptive_field package for VGG
#: (Araujo et al., Distill 2019: vgg_16 212), rfa-toolbox's README for ResNet-50 (427); AlexNet (195) and
#: MobileNetV2 (491) follow from kernels and strides by r += (k - 1) * j, j *= s
PUBLISHED = {
    "vgg16": 212,
    "resnet50": 427,
    "alexnet": 195,
    "mobilenet_v2": 491,
    "densenet121": 2071,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_fields_are_those_that_were_published(name: str) -> None:
    row = row_of(SAMPLES / f"{name}.onnx")
    assert row["rf_h"] == row["rf_w"] == PUBLISHED[name]
    assert row["rf_d"] is row["rf_l"] is None
    assert row["rf_global"] is True
    length = row["inputs"][0]["shape"][2]  # type: ignore[index]
    assert row["rf_covers_input"] is (PUBLISHED[name] >= length)


def test_mobilenet_by_hand() -> None:
    """3x3 convolutions at strides 2; 1 2 1 1 1; ... of torchvision's table (t, c, n, s)."""
    size, step = 3, 2  # the first convolution
    for repeats, stride in ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1)):
        for i in range(repeats):
            size += 2 * step
            step *= stride if i == 0 else 1
    assert size == PUBLISHED["mobilenet_v2"]


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_what_check_limits(name: str) -> None:
    path = str(SAMPLES / f"{name}.onnx")
    row = row_of(path)
    verdict = cnnscope.check(path, {"receptive_field": "> 0"})["receptive_field"]
    sizes = [row[f"rf_{axis}"] for axis in "dhwl" if row[f"rf_{axis}"] is not None]
    assert verdict.figure.exact in sizes if sizes else verdict.figure.exact is None
    layer = row["rf_layer"]
    if layer is not None:
        named = [x for x in cnnscope.analyze(path).layers if x.name == layer]
        assert {x.local_size for x in named[0].receptive_field} == {*sizes}


def test_a_field_that_nobody_can_know_is_none() -> None:
    model = parsed(
        "g (float[1,3,32,32] x) => (float[1,4,32,32] z)"
        "{ y = Conv <pads=[1,1,1,1]> (x, w) z = com.example.Magic (y) }",
        others=', "com.example" : 1',
    )
    stored(model, w=np.zeros((4, 3, 3, 3), np.float32))
    row = row_of(model)
    assert (row["rf_h"], row["rf_layer"], row["rf_covers_input"]) == (None, None, None)
    assert (row["macs"], row["macs_status"], row["status"]) == (None, "partial", "partial")
    assert row["uncounted"] == [{"name": "com.example::Magic", "count": 1}]
    assert row["domains"] == [{"name": "com.example", "count": 1}]


def test_a_network_without_space_has_no_field() -> None:
    model = stored(
        parsed("g (float[1,8] x) => (y) { y = Gemm (x, w) }"), w=np.zeros((8, 4), np.float32)
    )
    row = row_of(model)
    assert all(row[x.name] is None for x in MODEL_COLUMNS if x.name.startswith("rf_"))


def test_a_contradiction_is_partial_and_says_where() -> None:
    model = parsed("g (float[1,3,8,8] x) => (z) { [first] y = Relu (x) [clash] z = Conv (y, w) }")
    row = row_of(stored(model, w=np.zeros((4, 5, 3, 3), np.float32)))
    assert (row["status"], row["error_kind"]) == ("partial", "contradiction")
    assert str(row["error"]).startswith("clash: ")
    assert row["macs"] is None


def free_batch() -> onnx.ModelProto:
    model = parsed("g (float[N,3,H,16] x) => (y) { y = Conv (x, w) }")
    return stored(model, w=np.zeros((4, 3, 3, 3), np.float32))


def test_sizes_are_bound_where_a_model_has_them() -> None:
    """3x3 over 3 channels, 4 filters: 108 MACs each of (H-2) x 14 units."""
    open_ = row_of(free_batch())
    assert (open_["batch"], open_["batch_proven"], open_["free_dims"]) == (1, True, ["H"])
    assert (open_["macs"], open_["macs_status"]) == (None, "unavailable")
    assert open_["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 3, None, 16]}]
    for batch, factor in ((None, 1), (1, 1), (8, 8)):
        row = row_of(free_batch(), dims={"H": 18, "W": 99}, batch=batch)
        assert (row["macs"], row["batch"], row["free_dims"]) == (108 * 16 * 14 * factor, factor, [])
    fixed = row_of(SAMPLES / "lenet5.onnx", batch=8, dims={"H": 7})
    assert (fixed["macs"], fixed["batch"]) == (416520, None)


def test_limits_are_judged() -> None:
    def limits(**texts: str) -> Sequence[object]:
        return tuple(make_limit(key, text) for key, text in texts.items())

    path = SAMPLES / "lenet5.onnx"
    assert row_of(path)["within_limits"] is row_of(path)["exceeded"] is None
    row = row_of(path, limits=limits(macs="500 k", params="70 k"))
    assert (row["within_limits"], row["exceeded"], row["unknown_limits"]) == (True, [], [])
    row = row_of(path, limits=limits(macs="416519", params="70 k"))
    assert (row["within_limits"], row["exceeded"]) == (False, ["macs <= 416519"])
    row = row_of(free_batch(), limits=limits(macs="1 G"))
    assert (row["within_limits"], row["unknown_limits"]) == (None, ["macs <= 1 G"])


def test_lint_is_counted_where_it_is_asked_for() -> None:
    path = SAMPLES / "lenet5.onnx"
    assert row_of(path)["lint_codes"] is row_of(path)["lint_errors"] is None
    row = row_of(path, lint=True)
    found = [
        x for x in cnnscope.lint(str(path)) if x.code != "CNS607"
    ]  # of the file, not the graph
    assert row["lint_codes"] == sorted({x.code for x in found})
    for severity in ("error", "warning", "info"):
        assert row[f"lint_{severity}s"] == sum(x.severity == severity for x in found)


def test_what_64_bits_dont_hold_is_null_and_unavailable() -> None:
    model = parsed("g (float[8000000000,3000000000] x) => (y) { y = Relu (x) }")
    row = row_of(model)
    assert cnnscope.analyze(model).totals.flops.value == 24 * 10**18
    assert (row["flops"], row["flops_status"]) == (None, "unavailable")


def test_hostile_texts_are_bounded() -> None:
    model = parsed("g (float[1,3,8,8] x) => (z) { y = Relu (x) z = Conv (y, w) }")
    model.graph.node[1].name = "a\x1b[2J\n" + "b" * 10**6
    model.producer_name = "p" * 10**6
    row = row_of(stored(model, w=np.zeros((4, 5, 3, 3), np.float32)))
    said = str(row["error"])
    assert len(said) <= 500
    assert said.isprintable()
    assert len(json.dumps(row)) < 10_000


def test_secrets_are_hidden_and_every_row_has_every_column() -> None:
    place = "https://ann:pw@host/m.onnx?X-Amz-Signature=1f2e3d"
    row = failed_row(
        place, "unreadable", f"can't read {place}: denied to ann:pw\nline 2" + "z" * 9999
    )
    assert list(row) == [x.name for x in MODEL_COLUMNS]
    assert (row["path"], row["status"]) == ("https://host/m.onnx", "error")
    said = str(row["error"])
    assert len(said) <= 500
    assert not any(secret in said for secret in ("pw", "1f2e3d", "\n"))
    assert {k for k, v in row.items() if v is not None} == {
        "path", "status", "error", "error_kind", "cnnscope_version", "schema_version",
    }  # fmt: skip
    found = model_row(open_model(str(SAMPLES / "lenet5.onnx")), place, RowRequest())
    assert found["path"] == "https://host/m.onnx"
    assert failed_row("caf\udce9.onnx", "crash", "\udce9")["path"] == "caf\\udce9.onnx"


def test_a_row_is_another_files_with_the_same_graph(tmp_path: Path) -> None:
    """Weights there and gone: only what is said of the file differs."""
    model = parsed("g (float[1,64,8,8] x) => (y) { y = Conv (x, w) }")
    stored(model, w=np.ones((64, 64, 3, 3), np.float32))
    inside, beside = tmp_path / "inside.onnx", tmp_path / "beside.onnx"
    onnx.save(model, str(inside))
    onnx.save(model, str(beside), save_as_external_data=True, location="w")
    (tmp_path / "w").unlink()
    files = [open_model(str(path)) for path in (inside, beside)]
    first, second = (model_row(x, str(x.path), RowRequest(lint=True)) for x in files)
    assert (first["weights"], second["weights"]) == ("inline", "missing")
    assert "weights-missing" in str(second["diagnostics"])
    assert shareable(first)
    assert row_for(first, files[1], str(beside)) == second
    assert row_for(second, files[0], str(inside)) == first
    assert not shareable(failed_row("m", "crash", "gone"))


def test_a_row_that_hangs_on_stored_numbers_is_no_others() -> None:
    """Which places a grid samples at is what the field hangs on: two grids, two fields, one digest."""
    rows = []
    for reach in (0.0, 1.0):
        model = parsed(
            'g (float[1,1,16,16] x) => (y) { y = GridSample <mode="nearest"> (x, grid) }'
        )
        along = np.linspace(-reach, reach, 16, dtype=np.float32)
        grid = np.stack(np.meshgrid(along, along), -1)[None]
        rows.append(row_of(stored(model, grid=grid)))
    assert rows[0]["graph_digest"] == rows[1]["graph_digest"]
    assert [row["from_graph"] for row in rows] == [False, False]


def quantised(text: str, **arrays: np.ndarray) -> object:
    return row_of(stored(parsed(text), **arrays))["quantised"]


def test_ways_of_being_quantised() -> None:
    w8, s, z = np.zeros((8, 4), np.int8), np.float32([0.1]), np.int8([0])
    s, z = s.reshape(()), z.reshape(())
    wf = np.zeros((8, 4), np.float32)
    head = "g (float[1,8] x) => (y) "
    q, dq = "q = QuantizeLinear (x, s, z)", "d = DequantizeLinear (q, s, z)"
    w = "v = DequantizeLinear (w, s, z)"
    assert quantised(head + "{ y = MatMul (x, w) }", w=wf) == "none"
    assert quantised(head + f"{{ {w} y = MatMul (x, v) }}", w=w8, s=s, z=z) == "weights"
    assert quantised(head + f"{{ {q} {dq} {w} y = MatMul (d, v) }}", w=w8, s=s, z=z) == "qdq"
    integer = f"{{ {q} p = QLinearMatMul (q, s, z, w, s, z, s, z) y = DequantizeLinear (p, s, z) }}"
    assert quantised(head + integer, w=w8, s=s, z=z) == "qoperator"
    dynamic = "{ q, t, u = DynamicQuantizeLinear (x) y = MatMulInteger (q, w, u, z) }"
    assert quantised("g (float[1,8] x) => (y) " + dynamic, w=w8, z=z) == "dynamic"
