"""Are the models of a scan held against limits as each would be by itself? By comparisons written out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import onnx
import onnx.parser
import pytest
from amounts import amount, some
from scan_rows import Row, Rows, random_rows, row

import cnnscope
from cnnscope.analyzer.fleet.model_row import model_row
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.fleet.scan_check import LimitTally, ScanCheck
from cnnscope.analyzer.fleet.scan_checking import CheckedAgainst, check_scan, limits_of
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.render.formats import Result, Setting, written
from cnnscope.analyzer.render.subjects.scan_check import document, outcome

MODELS = Path(__file__).resolve().parent.parent / "sample_models"


def check(
    rows: list[Row], limits: dict[str, object], baseline: list[Row] | None = None, **given: object
) -> ScanCheck:
    base = None if baseline is None else (Rows(baseline), "old.parquet")
    against = CheckedAgainst(limits_of(limits), base, **given)  # type: ignore[arg-type]  # as named
    return check_scan(Rows(rows), "zoo.parquet", against)


@pytest.mark.parametrize("seed", range(amount(3, 60)))
def test_each_row_is_judged_as_python_compares(seed: int) -> None:
    rows = random_rows(150, seed)
    found = check(rows, {"macs": "<= 1 G", "params": ">= 10 k", "operators.forbid": "Loop"})
    told = [x for x in rows if x["status"] != "error"]
    macs, params, loops = found.limits
    assert macs.within == sum(x["macs"] is not None and x["macs"] <= 10**9 for x in told)
    assert macs.exceeds == sum(x["macs"] is not None and x["macs"] > 10**9 for x in told)
    assert macs.unknown == sum(x["macs"] is None for x in told)
    assert params.exceeds == sum(x["params"] < 10_000 for x in told)
    has_loop = [any(n["name"] == "Loop" for n in x["operators"]) for x in told]
    assert (loops.exceeds, loops.within) == (sum(has_loop), len(told) - sum(has_loop))
    bad = [
        x["path"]
        for x, loop in zip(told, has_loop, strict=True)
        if x["macs"] is None or x["macs"] > 10**9 or x["params"] < 10_000 or loop
    ]
    assert {x.path for x in found.rows} == set(bad)
    assert (found.failing, found.unread) == (len(bad), len(rows) - len(told))
    assert sum(x.models for x in found.failures) == found.unread
    assert not found.ok


def test_unknown_is_not_within_unless_that_is_allowed() -> None:
    rows = [row("a", macs=None, status="partial"), row("b", macs=5)]
    assert not check(rows, {"macs": "10"}).ok
    allowed = check(rows, {"macs": "10"}, allow_unknown=True)
    assert allowed.ok
    assert allowed.limits[0].unknown == 1
    assert not check(
        [*rows, row("c", error="no", status="error")], {"macs": "10"}, allow_unknown=True
    ).ok


def test_a_model_that_contradicts_itself_keeps_no_limit() -> None:
    odd = row("a", macs=1, error="/add: 3 isn't 4", error_kind="contradiction")
    found = check([odd], {"macs": "10"})
    assert (found.ok, found.unread, found.broken) == (False, 1, (("a", "/add: 3 isn't 4"),))


def test_limits_that_are_relative_to_an_earlier_scan() -> None:
    digest = {"graph_digest": "1" * 64}
    old = [row("a", macs=1000), row("b", macs=1000), row("m", macs=1000, **digest), row("u", macs=None),
           row("e", status="error", error="x")]  # fmt: skip
    new = [row("a", macs=1020), row("b", macs=1021), row("n", macs=1000, **digest), row("u", macs=5),
           row("e", macs=5), row("x", macs=5)]  # fmt: skip
    found = check(new, {"macs": "+2 %"}, old)
    only = found.limits[0]
    assert (only.within, only.exceeds, only.unknown, only.new) == (2, 1, 2, 1)
    by_path = {x.path: x.verdicts[0] for x in found.rows}
    assert by_path["b"].amount == 1020  # 1000 and 2 % of it
    assert by_path["b"].beyond == 1
    assert by_path["x"].state == "new"
    assert by_path["x"].ok
    assert "no report" in by_path["e"].reason
    assert not check(new, {"macs": "+2 %"}, old, require_baseline=True).rows[-1].ok
    assert check(new[:1], {"macs": "+2 %"}).limits[0].unknown == 1  # no baseline at all
    # A model that is still there isn't the same as one of its graph elsewhere.
    copied = check([*new, row("m", macs=1000, **digest)], {"macs": "+2 %"}, old)
    assert copied.limits[0].new == 2


def test_what_hangs_on_a_batch_that_may_be_none_is_unknown() -> None:
    rows = [row("a", macs=5, params=5, batch=1, batch_proven=False)]
    macs, params = check(rows, {"macs": "10", "params": "10"}).limits
    assert (macs.unknown, params.within) == (1, 1)
    rows = [row("a", macs=5, params=5, batch=1, batch_proven=True)]
    assert check(rows, {"macs": "10", "params": "10"}).ok


def test_a_receptive_field_keeps_its_limit_along_every_axis() -> None:
    image = [{"name": "x", "dtype": "float32", "shape": [1, 3, 224, 224]}]
    rows = [
        row("both", rf_h=300, rf_w=300, rf_layer="c", inputs=image),
        row("one", rf_h=300, rf_w=100, rf_layer="c", inputs=image),
        row("unknown", rf_h=300, rf_w=None, inputs=image),
        row("none", inputs=image),
    ]
    found = check(rows, {"receptive_field": ">= 224"})
    only = found.limits[0]
    assert (only.within, only.exceeds, only.unknown) == (1, 1, 2)
    assert found.rows[0].path == "one"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"latency_p50": "5 ms"}, "a scan has no latency_p50, it has macs, "),
        ({"lookahead": "5"}, "a scan has no lookahead"),
        (
            {"module.layer4.macs": "1 G"},
            "a scan has no parts of models, and so no macs of module layer4",
        ),
        ({}, "no limits"),
        ({"macz": "1 G"}, "no quantity 'macz'; did you mean macs"),
        ({"macs": "much"}, "is no amount"),
    ],
)
def test_what_a_scan_does_not_have_is_refused(limits: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        limits_of(limits)


def test_the_worst_are_told_and_all_are_counted() -> None:
    rows = [row(f"m{n}", macs=n) for n in range(100)]
    found = check(rows, {"macs": "9"}, most=3)
    assert [x.path for x in found.rows] == ["m99", "m98", "m97"]
    assert (found.failing, found.left_out, found.limits[0].exceeds) == (90, 87, 90)
    cases = outcome(found).cases
    assert len(cases) == 3 + 1 + 1  # three models, a limit, and all the others
    assert cases[-1].findings[0].message.startswith("87 more models")


def test_every_format_of_a_gate() -> None:
    found = check(random_rows(150, 5), {"macs": "1 G", "params": "<= 100 M"})
    result = Result(lambda: [document(found)], found.to_dict, outcome=lambda: outcome(found))
    narrow = written(result, "table", Setting(80))
    assert max(map(len, narrow.splitlines())) <= 80
    for words in (
        "150 models, limits not kept",
        "macs <= 1 G",
        "not within their limits",
        "no report",
    ):
        assert words in narrow
    suites = ElementTree.fromstring(written(result, "junit"))
    told = sum(len(x.verdicts) for x in found.rows) + found.unread + 2
    assert suites.get("tests") == str(told)
    assert suites.get("failures") == str(told - 2)
    sarif = json.loads(written(result, "sarif"))["runs"][0]
    assert len(sarif["results"]) == told - 2
    assert len(json.loads(written(result, "gitlab"))) == told - 2
    github = written(result, "github").splitlines()
    assert sum(line.startswith("::error") for line in github) == 10
    assert github[-1] == f"cnnscope check: 2 of {told} passed"
    data = json.loads(written(result, "json"))
    assert (data["ok"], data["failing"]) == (False, found.failing)
    assert len(found.to_dataframe()) == sum(len(x.verdicts) for x in found.rows)
    kept = check([row("a", macs=1)], {"macs": "1 G"})
    assert "1 model, all limits kept" in str(kept)


LIMITS = {
    "macs": "<= 100 M", "float_macs": ">= 1", "int_macs": "0", "flops": "<= 1 G", "params": "<= 1 M",
    "buffers": "<= 1", "weights": ">= 200 kB", "file_size": "<= 1 MB", "peak_activation": "<= 64 KiB",
    "traffic": "<= 1 MB", "layers": "<= 12", "opset": ">= 13", "receptive_field": ">= 16",
    "operators.forbid": "Relu,Loop,Add", "operators.allow": "Conv,Relu,Gemm",
}  # fmt: skip
HEAD = '<ir_version: 8, opset_import: ["" : 17]> g '
#: an operator in a subgraph alone, a total that isn't known, a batch that isn't shown to be one
TEXTS = {
    "branch": "(float[2,4] x, bool c) => (float[2,4] y) { y = If(c) <then_branch = t () => (float[2,4] a)"
    " { a = Add(x, x) }, else_branch = e () => (float[2,4] b) { b = Relu(x) }> }",
    "unknown": "(float[1,4] x) => (float[1,4] y) { z = com.acme.Odd(x) y = Relu(z) }",
    "open": "(float[N,4] x) => (float[M,4] y) { y = Relu(x) }",
    "odd batch": "(float[N,4] x) => (float[A,B] y) { s = Constant<value_ints = [-1, 8]>()"
    " r = Reshape(x, s) y = MatMul(r, r) }",
}


def test_a_row_is_judged_as_its_model_is(tmp_path: Path) -> None:
    paths = [*map(str, some(sorted(MODELS.glob("*.onnx")), 4))]
    for name, text in TEXTS.items():
        path = tmp_path / f"{name}.onnx"
        head = HEAD.replace('"" : 17', '"" : 17, "com.acme" : 1')
        onnx.save(onnx.parser.parse_model(head + text), path)
        paths.append(str(path))
    asked = limits_of(LIMITS)
    for path in paths:
        report = cnnscope.analyze(path)
        own = {x.limit.name: x.state for x in cnnscope.check(report, LIMITS)}
        row = model_row(open_model(path), path, RowRequest())
        found = check_scan(Rows([row]), "z", CheckedAgainst(asked))
        told = {x.limit.name: _state(x) for x in found.limits}
        assert told == {key: state for key, state in own.items() if key != "errors"}, path


def _state(tally: LimitTally) -> str:
    (state,) = (key for key in ("within", "exceeds", "unknown") if getattr(tally, key))
    return state
