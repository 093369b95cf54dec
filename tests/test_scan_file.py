"""A scan's table comes back as it was written, or is refused in one line that says where."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scan_rows import random_rows

import cnnscope
from cnnscope.analyzer.fleet.arrow_types import arrow_schema
from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS, MODEL_COLUMNS, SCHEMA_VERSION
from cnnscope.analyzer.fleet.model_row import RowRequest, failed_row, scanned_model
from cnnscope.analyzer.fleet.scan_file import ScanFile, is_scan
from cnnscope.analyzer.model.file import open_model

SAMPLES = Path(__file__).parent.parent / "sample_models"
META = {"table": "models", "schema_version": 1, "cnnscope_version": "1.0"}
Rows = list[dict[str, object]]


def write_lines(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Rows, meta: Mapping[str, object] | None = META) -> Path:
    columns = MODEL_COLUMNS
    if "index" in rows[0]:
        columns, meta = LAYER_COLUMNS, {**META, "table": "layers"}
    schema = arrow_schema(columns)
    if meta is not None:
        schema = schema.with_metadata({"cnnscope": json.dumps(meta)})
    table = pa.Table.from_pylist(rows, schema)
    pq.write_table(table, str(path), row_group_size=1000, write_page_checksum=True)
    return path


@pytest.fixture(scope="module")
def real() -> tuple[Rows, Rows]:
    """Rows of models and of layers."""
    rows: Rows = []
    layers: Rows = []
    for name in ("lenet5", "wavenet", "unet"):
        path = str(SAMPLES / f"{name}.onnx")
        row, below = scanned_model(open_model(path), path, RowRequest(layers=True, lint=True))
        rows.append(row)
        layers += below
    return [*rows, failed_row("gone.onnx", "unreadable", "gone.onnx: no such file")], layers


WRITERS: dict[str, Callable[[Path, Rows], Path]] = {"jsonl": write_lines, "parquet": write_parquet}


@pytest.mark.parametrize("kind", WRITERS)
def test_rows_come_back(tmp_path: Path, real: tuple[Rows, Rows], kind: str) -> None:
    path = WRITERS[kind](tmp_path / f"zoo.{kind}", real[0])
    assert is_scan(path)
    file = ScanFile(path)
    assert list(file.rows()) == real[0]
    assert list(file.rows()) == real[0], "a second time"
    assert file.count == 4
    assert list(file.rows(["macs", "path"])) == [
        {"macs": x["macs"], "path": x["path"]} for x in real[0]
    ]
    assert list(file.rows([])) == [{}] * 4
    with pytest.raises(KeyError, match="no column 'mac'"):
        next(file.rows(["mac"]))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_scan_answers(tmp_path: Path, real: tuple[Rows, Rows], kind: str) -> None:
    path = WRITERS[kind](tmp_path / f"zoo.{kind}", real[0])
    folder = tmp_path / f"zoo.layers.{kind}"
    folder.mkdir()
    WRITERS[kind](folder / f"part-000000.{kind}", real[1])
    scan = cnnscope.read_scan(path)
    assert (scan.count, scan.statuses) == (4, {"ok": 3, "partial": 0, "error": 1})
    models = [cnnscope.analyze(str(SAMPLES / f"{x}.onnx")) for x in ("lenet5", "wavenet", "unet")]
    for key in ("params", "macs", "flops", "peak_activation_bytes"):
        known = [getattr(model.totals, key).value for model in models]
        assert scan.totals[key] == sum(known)
    assert list(scan.layers()) == real[1]
    assert len(real[1]) == sum(len(model.layers) for model in models)
    frame = scan.to_dataframe()
    assert list(frame["path"]) == [x["path"] for x in real[0]]
    assert str(frame["macs"].dtype) == "Int64"
    assert scan.to_dict()["models"] == real[0]
    assert repr(scan) == f"<cnnscope.Scan of 4 models: {path}; 1 failed>"
    assert "no such file" in str(scan)
    assert scan.summarise().models == 4


def test_the_types_in_parquet(tmp_path: Path, real: tuple[Rows, Rows]) -> None:
    path = write_parquet(tmp_path / "zoo.parquet", real[0])
    types = {
        "text": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "flag": "BOOLEAN", "texts": "VARCHAR[]",
        "shape": "BIGINT[]", "counts": 'STRUCT("name" VARCHAR, count BIGINT)[]',
        "tensors": 'STRUCT("name" VARCHAR, dtype VARCHAR, shape BIGINT[])[]',
    }  # fmt: skip
    told = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert [(x[0], x[1]) for x in told] == [(x.name, types[x.kind]) for x in MODEL_COLUMNS]
    macs = [x["macs"] for x in real[0]]
    assert duckdb.sql(f"SELECT macs FROM '{path}'").fetchall() == [(x,) for x in macs]
    convolutions = duckdb.sql(
        f"SELECT path, o.count FROM (SELECT path, unnest(operators) o FROM '{path}') WHERE o.name = 'Conv'"
    ).fetchall()
    samples = [x[0] for x in convolutions]
    assert samples == [x["path"] for x in real[0][:3]]
    for sample, found in convolutions:
        nodes = onnx.load(sample, load_external_data=False).graph.node
        assert found == sum(node.op_type == "Conv" for node in nodes)


def test_json_lines_are_read_by_others(tmp_path: Path, real: tuple[Rows, Rows]) -> None:
    path = write_lines(tmp_path / "zoo.jsonl", real[0])
    found = duckdb.sql(f"SELECT path, macs FROM read_json('{path}')").fetchall()
    assert found == [(x["path"], x["macs"]) for x in real[0]]


def test_what_is_no_scan(tmp_path: Path, real: tuple[Rows, Rows]) -> None:
    foreign = write_parquet(tmp_path / "foreign.parquet", real[0], None)
    others = {
        "empty": b"", "text": b"hello\n", "json": b'{"schema_version": 1}\n', "list": b"[1, 2]\n",
        "magic": b"PAR1", "cut": foreign.read_bytes()[:-9], "deep": b'{"a":' + b"[" * 100_000,
    }  # fmt: skip
    paths = [foreign, SAMPLES / "lenet5.onnx", tmp_path, tmp_path / "gone"]
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
        paths.append(tmp_path / name)
    for path in paths:
        assert not is_scan(path), path
        with pytest.raises(cnnscope.ReportFileError) as said:
            cnnscope.read_scan(path)
        text = str(said.value)
        assert text.startswith(f"{path}: "), text
        assert "\n" not in text
        assert len(text) < 400


@pytest.mark.parametrize("kind", WRITERS)
def test_a_newer_table_is_refused(tmp_path: Path, real: tuple[Rows, Rows], kind: str) -> None:
    newer = SCHEMA_VERSION + 1
    rows = [{**x, "schema_version": newer} for x in real[0]]
    path = tmp_path / f"zoo.{kind}"
    if kind == "jsonl":
        write_lines(path, rows)
    else:
        write_parquet(path, rows, META | {"schema_version": newer})
    assert is_scan(path), "so that what reads it can say so"
    with pytest.raises(
        cnnscope.ReportFileError, match=f"schema_version {newer}.*a newer one wrote"
    ):
        cnnscope.read_scan(path)


def test_a_column_that_an_earlier_version_hadnt_is_none(
    tmp_path: Path, real: tuple[Rows, Rows]
) -> None:
    lacking = [{k: v for k, v in x.items() if k != "quantised"} for x in real[0]]
    lines = write_lines(tmp_path / "zoo.jsonl", lacking)
    table = pa.Table.from_pylist(real[0], arrow_schema(MODEL_COLUMNS)).drop_columns(["quantised"])
    parquet = tmp_path / "zoo.parquet"
    pq.write_table(table.replace_schema_metadata({"cnnscope": json.dumps(META)}), str(parquet))
    for path in (lines, parquet):
        assert list(ScanFile(path).rows(["quantised"])) == [{"quantised": None}] * 4
        assert list(ScanFile(path).rows()) == [{**x, "quantised": None} for x in real[0]]


def test_damaged_lines_are_named(tmp_path: Path, real: tuple[Rows, Rows]) -> None:
    whole = [json.dumps(x) for x in real[0]]
    said = {
        whole[1][:-30]: "line 2 is no JSON that can be read",
        "[]": "line 2: no row of a scan",
        json.dumps({**real[0][1], "macs": "many"}): "line 2: macs is 'many', which is no int",
        json.dumps({**real[0][1], "macs": 2**70}): "line 2: macs is",
        json.dumps({**real[0][1], "macs": True}): "line 2: macs is 'True', which is no int",
        json.dumps({**real[0][1], "operators": [{"name": 1}]}): "line 2: operators is",
        whole[1].replace(": null", ": NaN", 1): "line 2 is no JSON that can be read",
    }
    for line, wanted in said.items():
        path = tmp_path / "zoo.jsonl"
        path.write_text("\n".join([whole[0], line, whole[2]]) + "\n", encoding="utf-8")
        with pytest.raises(cnnscope.ReportFileError) as error:
            list(ScanFile(path).rows())
        assert wanted in str(error.value)
        assert len(str(error.value)) < 400
    path.write_text(whole[0] + "\n" + whole[1][:99], encoding="utf-8")
    with pytest.raises(cnnscope.ReportFileError, match=r"line 2 .*: the file is cut short"):
        list(ScanFile(path).rows())


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    """Bytes changed one by one: rows come, or one line."""
    path = write_parquet(tmp_path / "zoo.parquet", random_rows(10, 1))
    whole = path.read_bytes()
    refused, known = 0, list(ScanFile(path).rows())
    for at in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            found = list(ScanFile(path).rows())
        except cnnscope.ReportFileError as error:
            refused += "\n" not in str(error)
        else:
            assert found == known
    assert refused > 5
    wrong = pa.table({"path": [1]}).replace_schema_metadata({"cnnscope": json.dumps(META)})
    pq.write_table(wrong, str(path))
    with pytest.raises(cnnscope.ReportFileError, match="column path is of int64, not of string"):
        list(ScanFile(path).rows())


@pytest.mark.parametrize("kind", WRITERS)
def test_memory_doesnt_grow_with_the_table(tmp_path: Path, kind: str) -> None:
    some = [{**x, "schema_version": 1} for x in random_rows(50, 2)]
    peaks = []
    # Of Parquet a thousand rows are held at once.
    for times in (4, 16) if kind == "jsonl" else (40, 120):
        path = WRITERS[kind](tmp_path / f"zoo{times}.{kind}", some * times)
        tracemalloc.start()
        assert sum(1 for _ in ScanFile(path).rows(["path", "macs", "operators"])) == 50 * times
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


def test_a_table_of_layers_is_no_scan_of_models(tmp_path: Path, real: tuple[Rows, Rows]) -> None:
    path = write_lines(tmp_path / "layers.jsonl", real[1])
    assert [x.name for x in ScanFile(path).columns] == list(real[1][0])
    with pytest.raises(cnnscope.ReportFileError, match="a table of layers"):
        cnnscope.read_scan(path)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("path", ["A" * 30_000_000] * 2, "rows are larger than any model's"),
        (
            "diagnostics",
            [["x"] * 2_000_000],
            "lists in column diagnostics.list.element are too long",
        ),
    ],
)
def test_a_small_file_that_grows_without_measure_is_refused(
    tmp_path: Path, column: str, values: list[object], said: str
) -> None:
    schema = arrow_schema([x for x in MODEL_COLUMNS if x.name == column])
    schema = schema.with_metadata({"cnnscope": json.dumps(META)})
    path = tmp_path / "zoo.parquet"
    pq.write_table(pa.table({column: values}, schema), str(path), compression="zstd")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(cnnscope.ReportFileError, match=said):
        list(ScanFile(path).rows([column]))
