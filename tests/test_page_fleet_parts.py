"""Does a fleet's page hold what its scan's rows say? Its parts against sums and counts made row by row."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from commanded import run
from scan_rows import Row, Rows, random_rows, row

from cnnscope.analyzer.operators.family_index import FAMILIES
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.page.fleet import kept_models, operator_family
from cnnscope.analyzer.render.page.fleet.figures import FIGURES
from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
from cnnscope.analyzer.render.page.fleet.fleet_page import fleet_page
from cnnscope.analyzer.render.page.fleet.model_columns import NEEDED


def page_of(rows: list[Row], **more: Any) -> str:
    return fleet_page(FleetContents("zoo.parquet", Rows(rows), len(rows), **{"pages": {}, **more}))


def parts_of(text: str) -> dict[str, Any]:
    """The parts as a browser reads them."""
    found = {}
    for name, gzipped, data in re.findall(
        r'<script type="application/json" data-part="(\w+)"( data-encoding="gzip")?>(.*?)</script>',
        text,
    ):
        found[name] = json.loads(gzip.decompress(base64.b64decode(data)) if gzipped else data)
    return found


def columns_of(models: dict[str, Any]) -> dict[str, list[Any]]:
    return {
        x["name"]: [x["words"][i] for i in x["values"]] if "words" in x else x["values"]
        for x in models["columns"]
    }


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(400, 16)


@pytest.fixture(scope="module")
def parts(rows: list[Row]) -> dict[str, Any]:
    return parts_of(page_of(rows))


def test_every_model_is_there_with_its_figures(rows: list[Row], parts: dict[str, Any]) -> None:
    columns = columns_of(parts["models"])
    assert parts["fleet"]["whole"]
    for name in ("path", "status", "error", "params", "macs", "opset", "producer", "rf_h"):
        assert columns[name] == [row[name] for row in rows]
    used = [
        None if x["operators"] is None else sorted(y["name"] for y in x["operators"]) for x in rows
    ]  # type: ignore[attr-defined]
    assert columns["operators"] == used
    assert "rf_d" not in columns  # of which nothing is known of any


def test_equal_graphs_share_a_number(rows: list[Row], parts: dict[str, Any]) -> None:
    alike: dict[object, set[int]] = {}
    for i, x in enumerate(rows):
        alike.setdefault(x["graph_digest"], set()).add(i)
    alike.pop(None)
    groups: dict[int, set[int]] = {}
    for i, number in enumerate(columns_of(parts["models"])["graph"]):
        groups.setdefault(number, set()).add(i)
    alone = groups.pop(0)
    assert sorted(map(sorted, groups.values())) == sorted(
        sorted(x) for x in alike.values() if len(x) > 1
    )
    assert alone == {
        i for i, x in enumerate(rows) if not x["graph_digest"] or len(alike[x["graph_digest"]]) == 1
    }
    tile = next(x for x in parts["fleet"]["tiles"] if x["id"] == "graphs")
    shared = sum(len(x) for x in alike.values() if len(x) > 1)
    assert (tile["figure"], tile["said"]) == (
        str(len(alike)),
        f"different; {shared} models share one",
    )


@pytest.mark.parametrize("figure", FIGURES, ids=lambda x: x.name)
def test_bins_hold_each_model_once(figure: Any, rows: list[Row], parts: dict[str, Any]) -> None:
    found = next(x for x in parts["distributions"] if x["name"] == figure.name)
    field = [max((n for n in (x["rf_h"], x["rf_w"]) if n is not None), default=None) for x in rows]  # type: ignore[type-var]
    derived: dict[str, list[Any]] = {"field": field, "input_length": [None] * len(rows)}
    values = derived.get(figure.name) or [x[figure.name] for x in rows]
    failed = 0 if figure.name == "file_bytes" else sum(x["status"] == "error" for x in rows)
    edges = found["edges"]
    expected = [
        sum(n is not None and low <= n < high for n in values)  # type: ignore[operator]
        for low, high in pairwise(edges)
    ]
    assert found["counts"] == expected
    assert found["none"] == values.count(0)
    assert found["unknown"] == values.count(None) - failed
    assert sum(expected) + found["none"] + values.count(None) == len(rows)
    for low, high in pairwise(edges):
        assert high / low == pytest.approx(
            math.sqrt(2) if figure.measure == "bytes" else 10 ** (1 / 6)
        )


@pytest.mark.parametrize(
    ("shapes", "longest"),
    [
        ([[1, 3, 224, 320]], 320),
        ([[1, 224, 320, 3]], 320),
        ([[1, 1, 16000], [1, 2]], 16000),
        ([[1, 3, None, 320]], None),
        ([[1, 3, 8, 8], None], None),
        ([[1, 128]], None),
    ],
)
def test_the_longest_input_axis(shapes: list[Any], longest: int | None) -> None:
    inputs = [{"name": "x", "dtype": "float32", "shape": shape} for shape in shapes]
    columns = columns_of(parts_of(page_of([row("a", inputs=inputs), row("b")]))["models"])
    assert columns.get("input_length", [None, None]) == [longest, None]


def test_kinds_and_operators_are_counted(rows: list[Row], parts: dict[str, Any]) -> None:
    kinds = {x["name"]: dict(x["values"]) for x in parts["kinds"]}
    assert kinds["opset"] == Counter(x["opset"] for x in rows)
    assert kinds["status"] == Counter(x["status"] for x in rows)
    used = {name: (models, layers) for name, models, layers, _ in parts["operators"]["used"]}
    for name in ("Conv", "Relu", "Loop"):
        counts = [y["count"] for x in rows for y in x["operators"] or [] if y["name"] == name]  # type: ignore[attr-defined]
        assert used[name] == (len(counts), sum(counts))
    odd = [x for x in rows if x["uncounted"]]
    assert parts["operators"]["missing"] == [["com.acme::Odd", len(odd), 2 * len(odd)]]


def test_failures_are_told_by_reason_and_models_name_theirs(
    rows: list[Row], parts: dict[str, Any]
) -> None:
    kinds = Counter(x["error_kind"] for x in rows if x["error"])
    assert {x["kind"]: x["count"] for x in parts["failures"]} == kinds
    why = Counter(x for x in columns_of(parts["models"])["why"] if x)
    assert {f"{x['kind']}: {x['said']}": x["count"] for x in parts["failures"]} == why


def test_of_too_many_the_extreme_ones_and_a_sample_are_there(
    rows: list[Row], parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_models, "EXTREMES", 7)
    monkeypatch.setattr(kept_models, "SAMPLE", 50)
    found = parts_of(page_of(rows, most=100))
    assert not found["fleet"]["whole"]
    for name in ("distributions", "kinds", "operators", "failures"):  # of all models, as before
        assert found[name] == parts[name]
    columns = columns_of(found["models"])
    assert found["fleet"]["shown"] == len(columns["path"]) < 300
    for figure in ("params", "macs", "file_bytes"):
        known = sorted((x for x in rows if x[figure] is not None), key=lambda x: x[figure])  # type: ignore[arg-type,return-value]
        assert {x["path"] for x in (*known[:7], *known[-7:])} <= set(columns["path"])
    # Which are in the sample hangs on paths alone.
    turned = columns_of(parts_of(page_of(rows[::-1], most=100))["models"])
    figures = ("params", "macs")
    kept = {x["path"] for x in rows} & set(columns["path"])
    assert len(kept & set(turned["path"])) > 0.8 * len(kept), figures
    assert columns["row"] == [
        next(i for i, x in enumerate(rows) if x["path"] == path) for path in columns["path"]
    ]


def test_only_columns_that_a_scan_has_are_asked_for() -> None:
    assert set(NEEDED) <= set(row("x"))


def test_what_a_network_is_mostly_made_of() -> None:
    assert {x for kind in operator_family._KINDS.values() for x in kind} <= set(FAMILIES)
    found = operator_family.operator_family
    assert found({"Conv": 20, "Gemm": 1}) == "convolutions"
    assert found({"Conv": 1, "MatMul": 48, "Softmax": 12}) == "matrix products"
    assert found({"MatMul": 48, "Attention": 2}) == "attention"
    assert found({"Conv": 9, "LSTM": 1}) == "recurrence"
    assert found({"ai.onnx.ml::TreeEnsembleClassifier": 1}) == "trees and other models"
    assert found({"Relu": 3, "Odd": 1}) == "neither"


HOSTILE = [
    "</script><script>window.hit=1</script>",
    "javascript:window.hit=1",
    '"><img src=x onerror="window.hit=1">',
    "\u2028\n::error::x##[error]y",
    "__proto__",
]


def test_no_name_is_markup_or_a_command_in_the_file() -> None:
    rows = [
        row(
            x,
            producer=x,
            status="error",
            error=x,
            error_kind=x,
            operators=[{"name": x, "count": 1}],
        )
        for x in HOSTILE
    ]
    text = page_of(rows, pages={x: f"./{x}" for x in HOSTILE})
    assert without_commands(text) == text
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)  # the page's own
    for sign in ("<img", 'onerror="', "\u2028", "</script><"):
        assert sign not in outside
    assert columns_of(parts_of(text)["models"])["path"] == HOSTILE


def test_what_is_no_digest_is_nobodys_equal() -> None:
    forged = [row(x, graph_digest="\x1b[2J") for x in "ab"]
    assert set(parts_of(page_of(forged))) == set(parts_of(page_of([row("a"), row("b")])))


def test_a_hundred_bytes_a_model_are_enough() -> None:
    assert len(page_of(random_rows(1500, 5))) < 100_000 + 1500 * 100


def test_the_command_writes_a_fleets_page_and_those_of_its_models(
    samples: Path, tmp_path: Path
) -> None:
    scan, output = tmp_path / "zoo.jsonl", tmp_path / "out" / "fleet.html"
    lenet = str(samples / "lenet5.onnx")
    known = [
        row(lenet, graph_digest="ab" * 32),
        row("a b.onnx", status="error", error="x: y", error_kind="invalid"),
    ]
    scan.write_text("".join(json.dumps({**x, "schema_version": 1}) + "\n" for x in known))
    output.parent.mkdir()
    code, _, said = run(
        "report", str(scan), "--pages", str(tmp_path / "pages é"), "-o", str(output)
    )
    assert code == 0, said
    pages = list((tmp_path / "pages é").iterdir())
    assert len(pages) == 1
    assert "lenet5" in pages[0].read_text(encoding="utf-8")
    columns = columns_of(parts_of(output.read_text(encoding="utf-8"))["models"])
    assert columns["page"] == [f"./../pages%20%C3%A9/{pages[0].name}", None]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{scan}", "{scan}"], "one scan"),
        (["{scan}", "--tile", "64"], "only --output and --pages"),
        (["{lenet}", "--pages", "{folder}"], "--pages"),
    ],
)  # fmt: skip
def test_what_a_fleets_page_cannot_have_is_refused(
    words: list[str], said: str, samples: Path, tmp_path: Path
) -> None:
    scan = tmp_path / "zoo.jsonl"
    scan.write_text(json.dumps({**row("x"), "schema_version": 1, "graph_digest": None}) + "\n")
    given = {"scan": scan, "lenet": samples / "lenet5.onnx", "folder": tmp_path / "pages"}
    code, _, told = run(
        "report", *(x.format(**given) for x in words), "-o", str(tmp_path / "x.html")
    )
    assert code == 2
    assert said in told
    assert not (tmp_path / "x.html").exists()
