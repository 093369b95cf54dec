"""Do check and diff take scans where they take models, and say in words what a scan has no answer to?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commanded import run
from scan_rows import Row, random_rows, row


def written(path: Path, rows: list[Row]) -> Path:
    made = {"schema_version": 1}
    path.write_text("".join(json.dumps({**x, **made}) + "\n" for x in rows))
    return path


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    digest = {"graph_digest": "1" * 64}
    old = [row("a.onnx", macs=1000, **digest), row("b.onnx", macs=5), row("u.onnx", macs=None)]
    written(tmp_path / "old.jsonl", old)
    new = [row("a.onnx", macs=1100, **digest), row("b.onnx", macs=5), row("n.onnx", macs=7)]
    written(tmp_path / "new.jsonl", new)
    failed = row("x.onnx", status="error", error_kind="crash", error="its process ended")
    written(tmp_path / "failed.jsonl", [*new, failed])
    (tmp_path / "m.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    (tmp_path / "cnnscope.toml").write_text('[limits]\nmacs = "1050"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("check new.jsonl --limit macs=2k", 0, "3 models, all limits kept"),
        ("check new.jsonl", 1, "macs is 1.10 k, limit <= 1.05 k"),  # the configuration's
        ("check new.jsonl --limit macs<=1k", 1, "macs is 1.10 k, limit <= 1.00 k, 100 (10 %) over"),
        ("check old.jsonl --limit macs=2k", 1, "can't be judged against <= 2.00 k: it isn't known"),
        ("check old.jsonl --limit macs=2k --allow-unknown", 0, "all limits kept"),
        ("check failed.jsonl --limit macs=2k", 1, "its process ended"),
        ("check new.jsonl --limit macs=+2% --baseline old.jsonl", 1, "1.10 k, limit <= 1.02 k"),
        ("check new.jsonl --limit macs=+10% --baseline old.jsonl", 0, "macs is 7, new: no baseline"),
        ("check new.jsonl --limit macs=+10% --baseline old.jsonl --require-baseline", 1, "n.onnx"),
        ("check new.jsonl --limit macs=+2%", 1, "relative to a baseline, and none is given"),
        ("check new.jsonl --limit macs=+2% --baseline m.onnx", 2, "relative to an earlier scan"),
        ("check new.jsonl --limit macs=+2% --baseline git:main", 2, "relative to an earlier scan"),
        ("check new.jsonl --limit lookahead=5", 2, "a scan has no lookahead, it has macs, int_macs"),
        ("check new.jsonl --limit layer.conv.macs=5", 2, "a scan has no parts of models"),
        ("check new.jsonl --limit macs=much", 2, "--limit macs=much: "),
        ("check new.jsonl old.jsonl --limit macs=1", 2, "give one scan at a time"),
        ("check new.jsonl m.onnx --limit macs=1", 2, "new.jsonl is a scan, and m.onnx isn't"),
        ("check new.jsonl --dim N=3 --limit macs=1", 2, "--dim goes with models, not with a scan"),
        ("check new.jsonl --since main --limit macs=1", 2, "--since goes with models"),
        ("check new.jsonl --limit macs=1 --update-baseline --baseline b.json", 2, "--update-baseline"),
        ("check new.jsonl --limit macs=1 -o new.jsonl", 2, "new.jsonl: "),
        ("scan --summary failed.jsonl", 0, "failed.jsonl: 4 models models 3 ok, 1 failed (25 %)"),
        ("scan --summary new.jsonl old.jsonl", 2, "--summary needs one scan"),
        ("scan --summary m.onnx", 2, "m.onnx is no scan: make one first"),
        ("scan --summary none.parquet", 2, "none.parquet: "),
        ("scan --summary .", 2, ". is no scan: make one first, cnnscope scan . -o zoo.parquet"),
        ("scan --summary new.jsonl --lint", 2, "--lint is about making a scan"),
        ("scan --summary new.jsonl -f sarif", 2, "--format sarif doesn't go with scan"),
        ("scan --summary new.jsonl -o new.jsonl", 2, "new.jsonl: "),
        ("scan m.onnx -f csv", 2, "--format goes with --summary"),
        ("diff old.jsonl new.jsonl", 0, "1 changed, 1 gone, 1 new, 1 the same"),
        ("diff old.jsonl new.jsonl --fail-on added", 1, "--fail-on added: 1 model new"),
        ("diff old.jsonl new.jsonl --fail-on macs,opset", 1, "1 model changed in MACs"),
        ("diff old.jsonl new.jsonl --fail-on failing", 0, "a.onnx MACs 1.00 k -> 1.10 k (+10 %)"),
        ("diff old.jsonl old.jsonl --fail-on any", 0, "all 3 models are as they were"),
        ("diff old.jsonl new.jsonl --fail-on fialing", 2, "of scans there are any, failing"),
        ("diff old.jsonl m.onnx", 2, "old.jsonl is a scan, and m.onnx isn't"),
        ("diff old.jsonl new.jsonl --shape 1x3", 2, "--shape goes with models"),
        ("diff old.jsonl new.jsonl --no-weights", 2, "--no-weights goes with models"),
    ],
)  # fmt: skip
def test_exit_codes(zoo: Path, arguments: str, code: int, said: str) -> None:
    found, out, err = run(*arguments.split())
    assert found == code, (out, err)
    assert said in " ".join((out + err).split()), (out, err)
    assert "Traceback" not in err
    if code == 2:
        assert err.count("\n") == 1
        assert not out


def test_a_summary_in_other_formats(zoo: Path) -> None:
    code, out, _ = run("scan", "--summary", "new.jsonl", "-f", "csv")
    assert code == 0
    macs = next(line for line in out.splitlines() if line.startswith("macs,"))
    assert macs == "macs,3,0,5,5,7,1100,1100,1100,1100,1112,"
    code, out, _ = run("scan", "--summary", "failed.jsonl", "-f", "json", "-o", "s.json")
    assert (code, out) == (0, "")
    found = json.loads((zoo / "s.json").read_text())
    assert found["failures"][0]["example"] == {"path": "x.onnx", "error": "its process ended"}


def test_lint_that_one_scan_did_not_ask_is_no_finding_gone(zoo: Path) -> None:
    asked = {"lint_errors": 0, "lint_warnings": 1, "lint_infos": 2, "lint_codes": ["CNS101"]}
    unasked = dict.fromkeys(asked)
    written(zoo / "asked.jsonl", [row("a.onnx", macs=1000, graph_digest="1" * 64) | asked])
    written(zoo / "unasked.jsonl", [row("a.onnx", macs=1000, graph_digest="1" * 64) | unasked])
    for order, said in (
        (("asked.jsonl", "unasked.jsonl"), "lint isn't asked any more"),
        (("unasked.jsonl", "asked.jsonl"), "lint is asked now"),
    ):
        _, out, _ = run("diff", *order)
        assert said in out
        assert "CNS101" not in out
        assert "?" not in out
        assert "more figure" not in out


def test_a_check_promises_the_worst_only_where_not_all_are_kept(zoo: Path) -> None:
    written(zoo / "many.jsonl", [row(f"{n}.onnx", macs=5000 + n) for n in range(23)])
    _, out, _ = run("check", "many.jsonl", "--limit", "macs=1k")
    assert "3 more (--format json has them)" in out


def test_a_damaged_row_is_one_line(zoo: Path) -> None:
    with (zoo / "old.jsonl").open("a") as file:
        file.write('{"path": "z", \n')
    for line in (
        "check old.jsonl --limit macs=2k",
        "diff old.jsonl new.jsonl",
        "scan --summary old.jsonl",
    ):
        code, out, err = run(*line.split())
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "old.jsonl" in err


def test_the_first_errors_are_said_when_a_scan_ends(zoo: Path) -> None:
    (zoo / "my models").mkdir()
    for letter in "abcd":
        (zoo / "my models" / f"{letter}.onnx").write_bytes(b"")
    empty = "the file is empty; download or export it again"
    three = [f"cnnscope: my models/{letter}.onnx: {empty}" for letter in "abc"]
    code, out, err = run("scan", "m.onnx", "my models", "-o", "my models/z.jsonl")
    assert (code, out) == (1, "5 models: 1 ok, 4 errors: my models/z.jsonl\n")
    more = "cnnscope: 1 more error: cnnscope scan --summary 'my models/z.jsonl' says why"
    assert err.splitlines() == [*three, more]
    code, out, err = run("scan", "my models")  # no table is left, to be read again
    assert (code, out.count("\n")) == (1, 4)
    assert err.splitlines() == [
        "4 models: 0 ok, 4 errors",
        *three,
        "cnnscope: 1 more error: their rows say why",
    ]


def test_the_first_errors_have_no_secrets_and_no_line_of_their_own(zoo: Path) -> None:
    (zoo / "list.txt").write_bytes(
        b"none/\x1b[31m::error::.onnx\x00https://me:hush@host.invalid/a?key=hush\x00"
    )
    code, _, err = run("scan", "--from", "list.txt", "-o", "z.jsonl")
    assert code == 1
    assert err.count("\n") == err.count("cnnscope: ") == 2
    assert "cnnscope: https://host.invalid/a" in err
    assert "hush" not in err
    assert "\x1b" not in err
    assert err.count("more error") == 0


@pytest.mark.parametrize("width", [30, 60, 80, 160])
def test_what_failed_is_told_whole_at_any_width(
    zoo: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "the field at byte 26 needs 46902 bytes, the file has 3000; " * 3 + "export it again"
    places = ["folder/of/models/cut.onnx", "folder/of/models/short.onnx"]
    errors = [said, said.replace("field", "tensor")]
    failed = [
        row(place, status="error", error_kind="unreadable", error=error)
        for place, error in zip(places, errors, strict=True)
    ]
    written(zoo / "failed.jsonl", failed)
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = run("scan", "--summary", "failed.jsonl")
    assert (code, err) == (0, "")
    told = "".join(out.split())  # wherever its lines were broken
    assert told.count("exportitagain") == 2
    assert all(place in told for place in places)
    assert max(map(len, out.splitlines())) <= width


def test_reports_of_a_gate(zoo: Path) -> None:
    code, out, _ = run("check", "failed.jsonl", "--limit", "macs=1k", "-f", "github", "--report", "sarif=s",
                       "--report", "junit=j", "--report", "json=o")  # fmt: skip
    assert code == 1
    assert out.count("::error file=") == 2
    assert len(json.loads((zoo / "s").read_text())["runs"][0]["results"]) == 2
    assert 'failures="2"' in (zoo / "j").read_text()
    assert json.loads((zoo / "o").read_text())["broken_models"] == 1


def test_every_change_is_in_json_and_with_all(zoo: Path) -> None:
    rows = random_rows(60, 1)
    written(zoo / "few.jsonl", rows[:2])
    written(zoo / "many.jsonl", rows)
    _, out, _ = run("diff", "few.jsonl", "many.jsonl", "-f", "json")
    assert len(json.loads(out)["models"]) == 58
    _, short, _ = run("diff", "few.jsonl", "many.jsonl")
    _, whole, _ = run("diff", "few.jsonl", "many.jsonl", "--all")
    assert "46 more models: --all shows them" in short
    assert all(str(x["path"]) in whole for x in rows[2:])
