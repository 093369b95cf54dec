"""Is what is said to have changed between two scans what changed? Held against a comparison by hand."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict

import pytest
from amounts import amount
from scan_rows import Row, Rows, random_rows, row

from cnnscope.analyzer.fleet.figure_columns import FIGURES
from cnnscope.analyzer.fleet.row_store import ASPECTS
from cnnscope.analyzer.fleet.scan_difference import SCAN_CONDITIONS, ScanDifference
from cnnscope.analyzer.fleet.scan_diffing import diff_scans
from cnnscope.analyzer.render.formats import Result, Setting, written
from cnnscope.analyzer.render.subjects.scan_difference import document

NAMES = ("old.parquet", "new.parquet")


def diff(before: list[Row], after: list[Row]) -> ScanDifference:
    return diff_scans(Rows(before), Rows(after), NAMES)


def by_hand(before: list[Row], after: list[Row]) -> Counter[str]:
    """How many models became what, row by row in memory."""
    old, new = {x["path"]: x for x in before}, {x["path"]: x for x in after}
    found: Counter[str] = Counter()
    for path in old.keys() & new.keys():
        one, other = old[path], new[path]
        failed = one["status"] == "error", other["status"] == "error"
        compared = ["graph_digest", *ASPECTS, *(x.name for x in FIGURES)]
        if failed == (False, True):
            found["failing"] += 1
        elif failed == (True, False):
            found["mended"] += 1
        elif failed == (True, True):
            found["still_failing"] += 1
        else:
            found["changed" if any(one[k] != other[k] for k in compared) else "same"] += 1
    alone: dict[object, list[int]] = defaultdict(lambda: [0, 0])
    for side, (these, those) in enumerate(((old, new), (new, old))):
        for path in these.keys() - those.keys():
            found["gone" if side == 0 else "new"] += 1
            if these[path]["status"] != "error":
                alone[these[path]["graph_digest"]][side] += 1
    moved = sum(min(pair) for pair in alone.values())
    return found + Counter(moved=moved) - Counter(gone=moved, new=moved)


def later(rows: list[Row], seed: int) -> list[Row]:
    """The same zoo on another day."""
    chosen = random.Random(seed)
    found = []
    for n, old in enumerate(rows):
        new = dict(old)
        match chosen.randrange(9):
            case 0:
                continue
            case 1:
                new["path"] = f"elsewhere/{n}.onnx"
            case 2 if new["params"]:
                new["params"] = int(new["params"]) * 3  # type: ignore[call-overload]
                new["graph_digest"] = "f" * 64
            case 3:
                new = row(str(new["path"]), status="error", error="crashed", error_kind="crash")
            case 4:
                new["lint_codes"] = ["CNS101", "CNS601"]
            case 5:
                new = {**old, "path": old["path"], **_mended(old)}
        found.append(new)
    chosen.shuffle(found)
    return [*found, row("brand/new.onnx", params=5), row("brand/bad.onnx", status="error")]


def _mended(old: Row) -> Row:
    if old["status"] != "error":
        return {}
    return {
        "status": "ok",
        "error": None,
        "error_kind": None,
        "params": 1,
        "graph_digest": "a" * 64,
    }


@pytest.mark.parametrize("seed", range(amount(6, 200)))
def test_what_became_of_models_is_as_by_hand(seed: int) -> None:
    before = random_rows(120, seed)
    after = later(before, seed)
    found = diff(before, after)
    told = by_hand(before, after)
    assert {k: n for k, n in found.counts.items() if n} == dict(told)
    assert found.models == (len(before), len(after))
    each = Counter(x.status for x in found.changes())
    assert each == Counter({k: n for k, n in told.items() if k not in ("same", "still_failing")})
    # And back again: what is new was gone, what fails was mended.
    back = diff(after, before).counts
    for one, other in (
        ("new", "gone"),
        ("failing", "mended"),
        ("changed", "changed"),
        ("moved", "moved"),
    ):
        assert back[one] == found.counts[other]
    same = diff(before, before[::-1])
    assert same.same
    assert not same.failing(["any"])


def test_figures_and_ratios() -> None:
    digest = {"graph_digest": "1" * 64}
    before = [row("a", macs=100, params=10, opset=13, **digest), row("b", macs=None, **digest)]
    after = [
        row("a", macs=250, params=10, opset=17, graph_digest="2" * 64),
        row("b", macs=7, cnnscope_version="1.1", graph_digest="1" * 64),
    ]
    found = diff(before, after)
    a, b = found.changes("changed")
    assert (a.path, a.graph, a["macs"].ratio, a.aspects) == ("a", True, 2.5, {"opset": (13, 17)})
    assert [x.figure for x in a.figures] == ["macs"]
    assert (b.path, b.graph, b["macs"].before, b["macs"].ratio) == ("b", False, None, None)
    assert (found.graphs, found.reanalysed) == (1, 1)
    assert found.versions == (("1.0",), ("1.0", "1.1"))
    macs = next(x for x in found.totals if x.figure == "macs")
    assert (macs.before, macs.after, macs.known_before, macs.known_after) == (100, 257, 1, 2)
    with pytest.raises(KeyError, match="is what it was"):
        a["params"]


def test_the_largest_changes_come_first() -> None:
    before = [row(n, macs=1000) for n in "abcd"]
    after = [row("a", macs=1001), row("b", macs=10), row("c", macs=50_000), row("d", macs=0)]
    # 1000 to nothing is more than any factor; then 100 times less, 50 times more, next to nothing.
    assert [x.path for x in diff(before, after).changes()] == ["d", "b", "c", "a"]
    new = [row("x", params=3), row("y", params=9), row("z", params=None)]
    assert [x.path for x in diff([], new).changes("new")] == ["y", "x", "z"]


def test_a_moved_model_is_known_by_its_graph_and_first_by_its_size() -> None:
    digest = {"graph_digest": "1" * 64}
    before = [
        row("a", file_bytes=7, **digest),
        row("b", file_bytes=5, **digest),
        row("k", **digest),
    ]
    after = [row("m", file_bytes=5, **digest), row("n", file_bytes=7, **digest), row("k", **digest)]
    found = diff(before, after)
    assert [(x.before, x.path) for x in found.changes("moved")] == [("b", "m"), ("a", "n")]
    assert (found.counts["new"], found.counts["gone"], found.counts["same"]) == (0, 0, 1)


def test_conditions() -> None:
    digest = {"graph_digest": "1" * 64}
    before = [row("a", macs=1, opset=13), row("b"), row("m", **digest), row("f"), row("g")]
    after = [
        row("a", macs=2, opset=17), row("c"), row("n", **digest), row("f", status="error"), row("g"),
    ]  # fmt: skip
    found = diff(before, after)
    assert set(found.failing(SCAN_CONDITIONS)) == {
        "any", "failing", "changed", "removed", "added", "moved", "macs", "opset",
    }  # fmt: skip
    assert found.failing(["macs"]) == {"macs": "1 model changed in MACs"}
    with pytest.raises(ValueError, match="no condition 'shape'"):
        found.failing(["shape"])


def test_it_is_shown_in_every_format() -> None:
    before = random_rows(200, 1)
    found = diff(before, later(before, 1))
    result = Result(lambda: [document(found)], found.to_dict)
    narrow = written(result, "table", Setting(80))
    assert max(map(len, narrow.splitlines())) <= 80
    for words in ("old.parquet -> new.parquet", "failing now (", "crashed", "--all shows them"):
        assert words in narrow
    assert "### Failing now" in written(result, "markdown")
    assert "<table" in written(result, "html")
    data = json.loads(written(result, "json"))
    assert data["counts"] == dict(found.counts)
    assert len(data["models"]) == sum(1 for _ in found.changes())  # all of them, not the largest
    frame = found.to_dataframe()
    assert set(frame["status"]) == {x.status for x in found.changes()}
    whole = written(Result(lambda: [document(found, everything=True)], found.to_dict), "table")
    assert "--all" not in whole
    assert "all 3 models are as they were" in str(diff(before[:3], before[:3]))


def test_hostile_names_are_shown_escaped() -> None:
    bad = "a\x1b[31m\n::error::\udc80\u202e.onnx"
    found = diff([row(bad, macs=1), row("q")], [row(bad, macs=2, producer=bad), row(f"{bad}2")])
    result = Result(lambda: [document(found)], found.to_dict)
    for form in ("table", "markdown", "html", "json"):
        text = written(result, form)
        assert not {"\x1b", "\u202e", "\udc80"} & set(text)
        assert not any(line.startswith("::error") for line in text.splitlines())


def test_figures_that_none_can_have_are_compared_like_any() -> None:
    found = diff([row("a", macs=5), row("b", macs=-3)], [row("a", macs=-7), row("b", macs=-4)])
    assert [x.path for x in found.changes("changed")] == ["a", "b"]
