"""Do the lines of docs/fleet.md answer its questions? SQL and pandas, held against the models themselves."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import onnx
import onnx.parser
import pytest

import cnnscope

PAGE = Path(__file__).resolve().parent.parent / "docs" / "fleet.md"
QUESTION = re.compile(r"^## ([^\n]+\?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
LINES = re.compile(r"^```(sql|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TEXTS = {
    "newer": '<ir_version: 8, opset_import: ["" : 21]> g (float[1,3,64,64] x, float[4,3,3,3] w) =>'
    " (float[1,4,62,62] y) { y = Conv(x, w) }",
    "batched": '<ir_version: 8, opset_import: ["" : 13]> g (float[N,4] x) => (float[N,5] y)'
    " <float[4,5] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> { y = MatMul(x, w) }",
    "free": '<ir_version: 8, opset_import: ["" : 17]> g (float[1,W] x) => (float[1,W] y) { y = Relu(x) }',
    "odd": '<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]> g (float[1,4] x) => (float[1,4] y)'
    " { z = com.acme.Odd(x) y = Relu(z) }",
}


class Zoo(NamedTuple):
    """Where the tables are, and the report of each model that has one."""

    folder: Path
    reports: dict[str, cnnscope.Report]


def questions() -> dict[str, dict[str, str]]:
    """The page's questions, each with its lines by language."""
    found = {
        title: dict(LINES.findall(text))
        for title, text in QUESTION.findall(PAGE.read_text("utf-8"))
    }
    assert len(found) == 10
    return found


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Zoo:
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("zoo")
    models = folder / "models"
    models.mkdir()
    for name in ("lenet5", "alexnet", "mobilenet_v2", "vgg16"):
        if (samples / f"{name}.onnx").exists():
            shutil.copy(samples / f"{name}.onnx", models)
    shutil.copy(samples / "lenet5.onnx", models / "again.onnx")
    for name, text in TEXTS.items():
        onnx.save(onnx.parser.parse_model(text), models / f"{name}.onnx")
    (models / "broken.onnx").write_bytes(b"\x08\x07no model")
    cnnscope.scan([str(models)], str(folder / "zoo.parquet"), workers=1, lint=True)
    cnnscope.scan([str(models)], str(folder / "zoo8.parquet"), workers=1, batch=8)
    paths = [str(x) for x in sorted(models.glob("*.onnx")) if x.stem != "broken"]
    return Zoo(folder, {path: cnnscope.analyze(path) for path in paths})


def by_sql(zoo: Zoo, line: str) -> list[tuple[object, ...]]:
    duckdb = pytest.importorskip("duckdb")
    for name in ("zoo", "zoo8"):
        line = line.replace(f"'{name}.parquet'", f"'{zoo.folder / name}.parquet'")
    return [tuple(row) for row in duckdb.sql(line).fetchall()]


def by_pandas(zoo: Zoo, line: str) -> list[tuple[object, ...]]:
    pandas = pytest.importorskip("pandas")
    read = {
        name: pandas.read_parquet(zoo.folder / f"{name}.parquet", dtype_backend="numpy_nullable")
        for name in ("zoo", "zoo8")
    }
    found = eval(line, {"pandas": pandas, **read})  # a line of our own page
    if isinstance(found, pandas.Series):
        return [tuple(found.tolist())]
    return [tuple(row) for row in found.astype(object).itertuples(index=False)]


def plain(rows: list[tuple[object, ...]]) -> list[list[object]]:
    """Without what two libraries hold the same in otherwise."""

    def value(x: object) -> object:
        x = x.tolist() if hasattr(x, "tolist") else x
        if isinstance(x, list | tuple):
            return [value(y) for y in x]
        if x is None or type(x).__name__ == "NAType":
            return None
        return int(x) if isinstance(x, int) else x

    return [[value(x) for x in row] for row in rows]


def _covers(report: cnnscope.Report) -> bool:
    """Some layer's field along paths that collapse nothing is as large as the input, along each axis."""
    largest: dict[tuple[str, int], int] = {}
    for layer in report.layers:
        for axis in layer.receptive_field:
            if axis.local_size is not None:
                key = axis.input, axis.axis
                largest[key] = max(largest.get(key, 0), axis.local_size)
    shape = {x.name: x.shape for x in report.inputs}
    return all(size >= int(str(shape[key[0]][key[1]])) for key, size in largest.items())  # type: ignore[index]


def _field(report: cnnscope.Report) -> list[int | None]:
    sizes = {axis.axis: 0 for x in report.layers for axis in x.receptive_field}
    for layer in report.layers:
        for axis in layer.receptive_field:
            sizes[axis.axis] = max(sizes[axis.axis], axis.local_size or 0)
    return [sizes[axis] for axis in sorted(sizes)]


Expected = Callable[[dict[str, cnnscope.Report]], list[list[object]]]


def _macs(report: cnnscope.Report) -> int | None:
    return report.totals.macs.value


def _batch_8(reports: dict[str, cnnscope.Report]) -> list[list[object]]:
    macs = [
        _macs(cnnscope.analyze(path, dims={"N": 8}) if "batched" in path else report)
        for path, report in reports.items()
    ]
    known = [n for n in macs if n is not None]
    return [[sum(known), len(known), len(reports) + 1]]  # one is broken


def _operators(reports: dict[str, cnnscope.Report]) -> list[list[object]]:
    found = Counter(op for x in reports.values() for op in {layer.op for layer in x.layers})
    return [[op, n] for op, n in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]


def _small(report: cnnscope.Report) -> bool:
    parts = report.totals.weight_bytes.value, report.totals.peak_activation_bytes.value
    return None not in parts and sum(filter(None, parts)) <= 64 * 2**20


def _free(report: cnnscope.Report) -> list[str]:
    """The names that stand in place of lengths in its inputs' shapes."""
    lengths = (x for tensor in report.inputs for x in tensor.shape or () if not isinstance(x, int))
    return list(dict.fromkeys(str(x) for x in lengths))


def _missing(report: cnnscope.Report) -> list[str]:
    """What some total lacks: each once, so that their order is that of their names."""
    return sorted({op for metric in report.totals.metrics().values() for op in metric.lacking})


def _dense(report: cnnscope.Report) -> bool:
    macs, params = _macs(report), report.totals.params.value
    return macs is not None and params is not None and macs > 1000 * params


EXPECTED: dict[str, Expected] = {
    "opset": lambda r: [[p, x.model.opsets[""]] for p, x in r.items() if x.model.opsets[""] > 17],
    "receptive field": lambda r: [
        [p, *_field(x)] for p, x in r.items() if _field(x) and not _covers(x)
    ],
    "batch 8": _batch_8,
    "ten cost": lambda r: sorted(
        ([p, _macs(x)] for p, x in r.items() if _macs(x) is not None),
        key=lambda y: (-y[1], y[0]),  # type: ignore[operator]
    )[:10],
    "64 MiB": lambda r: [[p] for p, x in r.items() if _small(x)],
    "operators": _operators,
    "partial": lambda r: [[p, _free(x), _missing(x)] for p, x in r.items() if not x.complete],
    "1000": lambda r: [[p] for p, x in r.items() if _dense(x)],
}
#: which of these a question is
KEYS = {
    "Which models use an opset above 17?": "opset",
    "Whose receptive field is below its input?": "receptive field",
    "What would the whole zoo cost at batch 8?": "batch 8",
    "Which ten cost most?": "ten cost",
    "Which fit into 64 MiB, weights and activations together?": "64 MiB",
    "Which operators are used, and by how many models?": "operators",
    "Of which is some figure not known, and what is missing?": "partial",
    "Which do more than 1000 multiply-accumulates for each parameter?": "1000",
}


@pytest.mark.parametrize("question", questions())
def test_both_lines_answer_it(zoo: Zoo, question: str) -> None:
    lines = questions()[question]
    sql, frame = plain(by_sql(zoo, lines["sql"])), plain(by_pandas(zoo, lines["python"]))
    assert sql == frame
    assert sql
    if question in KEYS:
        assert sql == EXPECTED[KEYS[question]](zoo.reports)
    elif "read" in question:
        assert [row[:2] for row in sql] == [["unreadable", 1]]
    else:
        same = [str(zoo.folder / "models" / x) for x in ("again.onnx", "lenet5.onnx")]
        assert [row[1] for row in sql] == [same]
        assert json.dumps(sql)
