"""Is what a scan's summary says of its models so? Held against DuckDB's quantiles, and sums written out."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest
from scan_rows import Rows, random_rows, row

from cnnscope.analyzer.fleet.distribution import distribution, furthest
from cnnscope.analyzer.fleet.failures import pattern_of
from cnnscope.analyzer.fleet.figure_columns import FIGURES, FigureColumn
from cnnscope.analyzer.fleet.number_column import UNKNOWN, NumberColumn
from cnnscope.analyzer.fleet.summary import ScanSummary, summarised
from cnnscope.analyzer.render.formats import Result, Setting, written
from cnnscope.analyzer.render.subjects.scan_summary import document

MACS = next(x for x in FIGURES if x.name == "macs")


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows(random_rows(1000, seed=3))


@pytest.fixture(scope="module")
def found(rows: Rows) -> ScanSummary:
    return summarised(rows, "zoo.parquet")


def test_figures_are_distributed_as_duckdb_says(rows: Rows, found: ScanSummary) -> None:
    duckdb = pytest.importorskip("duckdb")
    pandas = pytest.importorskip("pandas")
    names = ["macs", "params", "peak_activation_bytes", "rf_h", "int_macs"]
    told = [x for x in rows.all if x["status"] != "error"]
    frame = pandas.DataFrame({n: pandas.array([x[n] for x in told], "Int64") for n in names})
    asked = duckdb.connect()
    asked.register("zoo", frame)
    for name in names:
        figure = found[name]
        shares = {"p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
        quantiles = ", ".join(f"quantile_disc({name}, {share})" for share in shares.values())
        count, least, most, total, *others = asked.execute(
            f"SELECT count({name}), min({name}), max({name}), sum({name}), {quantiles} FROM zoo"
        ).fetchone()
        assert (figure.known, figure.missing) == (count, len(told) - count)
        assert (figure.least, figure.most) == (least, most)
        assert figure.total == (None if name == "rf_h" else total)
        assert figure.quantiles == dict(zip(shares, others, strict=True))


def test_a_sum_has_more_than_64_bits() -> None:
    numbers = NumberColumn()
    numbers.extend([2**63 - 1] * 1000)
    numbers.extend([None, 2**63])  # no 64 bits hold it
    found = distribution(MACS, numbers.values())
    assert (found.known, found.missing, found.total) == (1000, 2, 1000 * (2**63 - 1))


def test_numbers_come_back_in_their_order_when_they_no_longer_fit_in_memory() -> None:
    numbers = NumberColumn()
    given = [n * 7 if n % 5 else None for n in range(300_000)]  # 2.4 MB
    for at in range(0, len(given), 1000):
        numbers.extend(given[at : at + 1000])
    assert numbers.values().tolist() == [UNKNOWN if n is None else n for n in given]
    numbers.extend([5])
    assert numbers.values().tolist()[-2:] == [given[-1], 5]


def test_what_is_far_out_is_three_ranges_beyond_a_quartile() -> None:
    import numpy as np

    # Quartiles 10 and 1000 by counting: a range of two decades, three of them are six.
    usual = [10] * 30 + [100] * 40 + [1000] * 30
    above, below = 1000 * 10**6, 10  # 10 / 10**6 is below 1
    values = np.array([*usual, above + 1000, above - 1000, 0, UNKNOWN], np.int64)
    found = distribution(MACS, values)
    assert found.high is not None
    assert math.isclose(found.high, above, rel_tol=1e-9)
    assert (found.above, found.below, found.zeros) == (1, 0, 1)
    assert furthest(found, values, 5) == [100]
    assert found.low is not None
    assert math.isclose(found.low, below / 10**6, rel_tol=1e-9)
    # All alike: an interquartile range is a factor of 2 at least, so 8 times as much is still near.
    alike = np.array([100] * 50 + [799, 801, 13, 12], np.int64)
    found = distribution(MACS, alike)
    assert [int(alike[i]) for i in furthest(found, alike, 5)] == [801, 12]
    few = distribution(MACS, np.array([1] * 10 + [10**12], np.int64))
    assert (few.low, few.high, few.above) == (None, None, 0)


def test_outliers_are_named(rows: Rows) -> None:
    odd = [row("zoo/huge.onnx", macs=10**17), row("zoo/larger.onnx", macs=10**18)]
    usual = [row(f"zoo/{n}.onnx", macs=10**9 + n) for n in range(50)]
    found = summarised(Rows([*usual[:20], *odd, *usual[20:]]), "z")
    told = [(x.path, x.figure, x.value) for x in found.outliers]
    assert told == [("zoo/larger.onnx", "macs", 10**18), ("zoo/huge.onnx", "macs", 10**17)]
    assert found.outliers[0].ratio == pytest.approx(10**9, rel=1e-6)


def test_what_failed_is_grouped_by_what_is_said(rows: Rows, found: ScanSummary) -> None:
    kinds = Counter(x["error_kind"] for x in rows.all if x["status"] == "error")
    assert {x.kind: x.models for x in found.failures} == kinds
    by_kind = {x.kind: x for x in found.failures}
    assert by_kind["unreadable"].pattern == "byte # is no field's tag"
    assert by_kind["crash"].pattern == "its process ended with signal # at node '…'"
    paths = {x["path"]: x["error"] for x in rows.all}
    assert all(paths[x.example] == x.message for x in found.failures)
    # Which is the example doesn't hang on the order of the rows.
    assert summarised(Rows(rows.all[::-1]), "z").failures == found.failures


@pytest.mark.parametrize(
    ("said", "path", "pattern"),
    [
        ("a/b.onnx: no ONNX model", "a/b.onnx", "no ONNX model"),
        ("b.onnx: no ONNX model", "a/b.onnx", "no ONNX model"),
        ("data of a/b.onnx is at a/w.bin", "a/b.onnx", "data of … is at a/w.bin"),
        ("it has 1,024 of 3.5e4 bytes", "x", "it has # of #e# bytes"),
        ("digest 00ffab1234cdef99 isn't deadbeef", "x", "digest # isn't deadbeef"),
        ("no conv2d, 'q' or \"r 7\"", "x", "no conv#d, '…' or '…'"),
        ("9" * 5000, "x", "#"),
    ],
)
def test_patterns(said: str, path: str, pattern: str) -> None:
    assert pattern_of(said, path) == pattern


def test_what_models_are_made_of_is_counted(rows: Rows, found: ScanSummary) -> None:
    told = [x for x in rows.all if x["status"] != "error"]
    opsets = Counter(str(x["opset"]) for x in told)
    assert {x.name: x.models for x in found.tallies["opset"]} == opsets
    relus = [n["count"] for x in told for n in x["operators"] if n["name"] == "Relu"]  # type: ignore[attr-defined]
    relu = found.tallies["operators"]["Relu"]
    assert (relu.models, relu.amount) == (len(relus), sum(relus))
    assert found.tallies["producer"].without == sum(x["producer"] is None for x in told)
    assert found.statuses == Counter(x["status"] for x in rows.all)
    digests = Counter(x["graph_digest"] for x in told)
    assert found.graphs == len(digests)
    assert found.shared == sum(n for n in digests.values() if n > 1)


def test_names_that_nobody_could_count_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnscope.analyzer.fleet import tally

    monkeypatch.setattr(tally, "MOST", 100)
    found = summarised(Rows(row(f"{n}", producer=f"p{n}") for n in range(130)), "z")
    assert len(found.tallies["producer"]) == 100
    assert found.tallies["producer"].others == 30


def test_a_model_that_contradicts_itself_is_told_and_counted() -> None:
    odd = row("a.onnx", status="ok", error="/add: 3 isn't 4", error_kind="contradiction", params=7)
    found = summarised(Rows([odd]), "z")
    assert found.statuses == {"ok": 1}
    assert found["params"].total == 7
    assert [(x.kind, x.pattern) for x in found.failures] == [("contradiction", "/add: # isn't #")]


def test_it_is_shown_in_every_format(found: ScanSummary) -> None:
    result = Result(lambda: [document(found)], found.to_dict, rows=True)
    narrow = written(result, "table", Setting(80))
    assert max(map(len, narrow.splitlines())) <= 80
    assert "far from the others" not in narrow or "Tukey" in narrow
    for words in ("zoo.parquet: 1,000 models", "what failed", "what they are made of", "in all"):
        assert words in narrow
    assert "p99" in written(result, "markdown")
    assert "<table" in written(result, "html")
    csv = written(result, "csv").splitlines()
    assert csv[0].startswith("figure,known,missing,min,p25,median")
    assert len(csv) == 1 + len(FIGURES)
    data = json.loads(written(result, "json"))
    assert data["schema_version"] == 1
    assert data["figures"][5] == found.figures[5].to_dict()
    assert list(found.to_dataframe()["figure"]) == [x.name for x in FIGURES]
    assert "1000 models" in repr(found)


def test_hostile_names_are_shown_escaped() -> None:
    bad = "a\x1b[31m\n::error::x\u202e.onnx"
    odd = row(bad, status="error", error=f"{bad}: no\x1b[0m", error_kind="unreadable")
    found = summarised(Rows([odd, row("b", producer=bad), row(bad, macs=2**62)]), bad)
    result = Result(lambda: [document(found)], found.to_dict, rows=True)
    for form in ("table", "csv", "markdown", "html", "json"):
        text = written(result, form)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not any(line.startswith("::error") for line in text.splitlines())


def test_an_empty_producer_has_a_word() -> None:
    found = summarised(
        Rows([row("a.onnx", producer=""), row("b.onnx", producer="pytorch 2")]), "zoo"
    )
    text = written(Result(lambda: [document(found)], found.to_dict, rows=True), "table")
    assert "none 50 %, pytorch 2 50 %" in text


def test_nothing_at_all() -> None:
    found = summarised(Rows([]), "empty.parquet")
    assert (found.models, found.graphs, found["macs"].known) == (0, 0, 0)
    assert "0 models" in str(found)
    lengths = FigureColumn("rf_h", "length", "")
    assert not lengths.adds_up
