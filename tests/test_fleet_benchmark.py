"""Does the benchmark of scans see what is wrong, and does its plan follow from what was measured?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = (
    "fleet",
    "plan",
    "watching",
    "scan_questions.asking",
    "scan_questions.reading",
    "scan_questions.resume",
    "zoo.models",
)
OWN = ("fleet", "plan", "watching", "measure", "setting", "tables")


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(FOLDER))
    try:
        modules = {name: import_module(name) for name in NAMES}
        fleet = modules["fleet"]
        yield modules | {name: import_module(f"scan_questions.{name}") for name in fleet.QUESTIONS}
    finally:
        sys.path.remove(str(FOLDER))
        for name in list(sys.modules):
            if name in OWN or name.partition(".")[0] in ("scan_questions", "zoo"):
                del sys.modules[name]


def test_a_row_that_is_wrong_is_seen(scripts: dict[str, Any], tmp_path: Path) -> None:
    models, asking = scripts["zoo.models"], scripts["scan_questions.asking"]
    rows = []
    for i in range(20):
        model = models.made(1, i)
        rows.append({
            "path": f"http://x/{models.place(i)}", "status": "ok", "error": None,
            "graph_digest": f"{i:02}" * 32, "params": model.params, "macs": model.macs,
        })  # fmt: skip
    table = tmp_path / "rows.jsonl"

    def told() -> dict[str, Any]:
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found: dict[str, Any] = asking.account(table, 1)
        return found

    right = told()
    assert (right["rows"], right["models"], right["graphs"], right["wrong"]) == (20, 20, 20, 0)
    before = asking.content(table)
    rows.reverse()
    told()
    assert asking.content(table) == before
    rows[0] |= {"params": 1}
    rows[1] |= {"status": "error", "error": "no"}
    wrong = told()
    assert wrong["wrong"] == 2
    assert asking.content(table) != before
    rows.append(rows[0])
    assert (told()["rows"], told()["models"]) == (21, 20)


def test_kept_rows_are_counted_by_journals_alone(scripts: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "places.jsonl").write_text("a\nb\nc\n")
    (tmp_path / "000000.jsonl").write_text("a\nb\n")
    (tmp_path / "000001.jsonl.part").write_text("c\nhalf a li")
    assert scripts["scan_questions.resume"].kept(tmp_path) == 3


def test_a_tool_is_timed_warm(scripts: dict[str, Any]) -> None:
    ticks = iter([0.0, 10.0, 10.5, 20.0, 20.25, 30.0, 30.75])

    def tool(path: str) -> None:
        if path == "b":
            raise ValueError("not\nthis")

    found = scripts["scan_questions.reading"].timed(tool, ["a"], 3, clock=lambda: next(ticks))
    assert found == [{"model": "a", "seconds": 0.5}]
    found = scripts["scan_questions.reading"].timed(tool, ["b"], 3)
    assert found == [{"model": "b", "error": "ValueError: not this"}]


def test_memory_is_looked_at_over_time(scripts: dict[str, Any]) -> None:
    code = "kept = bytearray(80 << 20)\nimport time\ntime.sleep(0.2)"
    watched = scripts["watching"].watched
    done = watched([sys.executable, "-c", code], {}, every=0.05)
    if sys.platform != "linux":
        pytest.skip("memory is looked at as Linux has it")
    assert done.code == 0
    assert done.peak > 80 << 20
    killed = watched([sys.executable, "-c", code], {}, until=lambda seconds: True)
    assert killed.code == -9


# -- the page ------------------------------------------------------------------------------------------

ACCOUNT = {
    "rows": 100, "models": 100, "status": {"ok": 100}, "graphs": 80, "figures_known": 200, "wrong": 0,
    "table_bytes": 30_000, "json_bytes": 200_000,
}  # fmt: skip
SCAN = {
    "models": 100, "seconds": 1.0, "cpu": 2.0, "code": 0, "cores": 2, "rate": 100.0, "rate_a_core": 50.0,
    "peak": 1e8, "growth": 1.0, "said": "", "resident": [], "account": ACCOUNT,
}  # fmt: skip
ASKED = {"requests": 250, "bytes": 10_000_000, "opened": 100, "cpu": 1.0}
SIMULATED = {
    "rate": 5000.0, "peak": 2e8, "seconds": 1.0, "size": 1, "growth": None, "code": 0, "said": "",
}  # fmt: skip
KILLED = {
    "models": 100, "codes": [-9, 0], "kept": [50], "read_again": 1, "rows": 100, "equal": True, "left": False,
}  # fmt: skip
READ = {"a": {"cnnscope": 0.01, "onnx": 0.001}, "b": {"cnnscope": 0.03, "onnx": "no"}}
DONE = {"seconds": 1.0, "code": 0, "rows": "x", "said": ""}
FOUND: dict[str, Any] = {
    "corpus": {"tools": ["cnnscope", "onnx"], "models": READ},
    "peers": {"tools": ["cnnscope"], "models": READ},
    "generated": SCAN,
    "over_http": {"ranges": SCAN | {"cpu": 3.0, "asked": ASKED}},
    "memory": {"1000": SIMULATED},
    "resume": KILLED,
    "engines": {"models": 10, "local": DONE, "dask": DONE},
}


@pytest.fixture
def results() -> dict[str, Any]:
    machine = {
        "processor": "P", "cores": 2, "memory_bytes": 1 << 34, "system": "S", "python": "3",
        "load_before": 0.1, "date": "2026-11-29", "versions": {"onnx": "1"},
    }  # fmt: skip
    return {
        name: {"machine": machine, "took": 1.0, "found": found} for name, found in FOUND.items()
    }


def test_every_question_is_told_and_judged(
    scripts: dict[str, Any], results: dict[str, Any]
) -> None:
    fleet = scripts["fleet"]
    assert set(results) == set(fleet.QUESTIONS)
    text = fleet.page(results)
    assert "not met" not in text
    assert "| real models, warm: a model and core (50 a second) | 20 ms | 20 ms | met |" in text
    results["generated"]["found"] = SCAN | {"seconds": 2.0}  # 200 s for 10,000
    results["engines"]["found"] = FOUND["engines"] | {"dask": DONE | {"rows": "y"}}
    assert fleet.page(results).count("**not met**") == 2
    results["engines"]["found"]["dask"]["rows"] = None
    assert "not measured" in fleet.page(results)


def test_the_plan_is_arithmetic(scripts: dict[str, Any], results: dict[str, Any]) -> None:
    small, real = scripts["plan"].kinds(results)
    # By hand: 30 ms, 10^7 models, 3600 s: 83.3 core hours; 2.5 requests of 30 ms beside 30 ms.
    assert (round(small.core_hours, 1), small.workers_a_core) == (83.3, 3.5)
    # 83.3 h x $0.08; 2.5 x 10^4 thousands x $0.0004; 10^12 bytes x $0.09 a GB.
    assert [round(x, 2) for x in small.money] == [6.67, 10.0, 90.0]
    # 20 ms on average, and the 10 ms that HTTP adds to each.
    assert round(real.cpu, 6) == 0.03


def test_the_page_shows_what_was_measured(scripts: dict[str, Any]) -> None:
    """Where this fails: `python benchmarks/fleet.py --show`, `python benchmarks/plan.py --write`."""
    plan, fleet = scripts["plan"], scripts["fleet"]
    measured = json.loads(plan.RESULTS.read_text("utf-8"))
    assert set(measured) == set(fleet.QUESTIONS)
    assert plan.RESULTS.with_suffix(".md").read_text("utf-8") == fleet.page(measured)
    shown = plan.PAGE.read_text("utf-8")
    assert plan.page(shown, measured) == shown
