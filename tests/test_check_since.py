"""What became of each model since a commit, and how a reviewer is told: `check --since`, its one table.

Parameters of the chains are counted by hand, as in `test_new_models`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import onnx
import pytest
from commanded import git, run
from networks import network, node
from test_new_models import CONFIG, NEW, A, B, chain

import cnnscope
from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.limit_text import make_limit
from cnnscope.analyzer.budgets.since import moved_figures
from cnnscope.runtime.gates.git import differs

SINCE = ["check", "--since", "main"]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, their baseline, and a commit: a has 76 parameters and 10 layers, b 88 and 4."""
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        (folder / "models").mkdir()
        chain(A, 4, 5)
        chain(B, 8, 2, "Sigmoid")
        (folder / "cnnscope.toml").write_text(CONFIG)
        assert run("check", "--update-baseline")[0] == 0
        git("init", "-q", "-b", "main")
        git("add", "-A")
        git("commit", "-qm", "first")
    return folder


@pytest.fixture
def project(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(committed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def told(*arguments: str) -> tuple[int, dict[str, dict[str, object]], dict[str, object]]:
    """Exit code, what became of each model, and the whole record."""
    code, out, _ = run(*SINCE, "--format", "json", *arguments)
    found = json.loads(out)
    return code, {x["model"]: x["since"] for x in found["models"]}, found


def table(text: str) -> list[list[str]]:
    """The cells of the one table that isn't folded away."""
    rows = [x for x in text.split("<details>")[0].splitlines() if x.startswith("| ")]
    assert rows[1] == "| --- | --- | --- | --- |"
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows[2:]]


def test_nothing_is_said_of_what_did_not_change(project: Path) -> None:
    code, since, _ = told()
    assert code == 0
    assert {path: x["status"] for path, x in since.items()} == {A: "same", B: "same"}
    text = run(*SINCE, "--format", "markdown")[1]
    assert "\n| " not in text.split("<details>")[0]
    assert "\n2 models unchanged, within their limits.\n" in text


def test_one_table_changed_models_first(project: Path) -> None:
    chain(A, 5, 5)  # 115 parameters: 51.3 % more, and over 76 + 2 %
    chain(NEW, 10, 3, "Tanh")  # 230 parameters
    code, since, _ = told()
    assert code == 1
    assert {path: x["status"] for path, x in since.items()} == {A: "changed", B: "same", NEW: "new"}
    moved = {
        x["quantity"]: [x[at][0]["value"] for at in ("before", "after")]
        for x in since[A]["figures"]
    }  # type: ignore[index]
    assert moved["params"] == [76, 115]
    text = run(*SINCE, "--format", "markdown")[1]
    rows = table(text)
    assert [row[0].split()[1] for row in rows] == ["exceeds", "new"]
    assert [row[1] for row in rows] == [A, NEW]
    plain = [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in rows]
    assert plain[0][2].startswith("parameters 76 → 115 (+51.3 %)<br>MACs 4.86 k → 7.36 k (+51.3 %)")
    assert "params 115: 37.48 (48.3 %) over 77.52 (+2 % of 76)<br>made by " in plain[0][3]
    assert plain[0][3].count("c1 +9") == 1  # 4*4 -> 5*5, as the other three; the first 12 -> 15
    assert "parameters 230" in plain[1][2]
    assert "params &lt;= +2 %: new, no baseline" in plain[1][3]
    assert "1 model unchanged, within its limits." in text
    assert "Of 3 models 1 breaks a limit; since main 1 changed, 1 new." in text


def test_other_weights_and_other_names(project: Path) -> None:
    model = onnx.load(A)
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(
            onnx.numpy_helper.to_array(model.graph.initializer[0]) * 2, "w0"
        )
    )
    onnx.save(model, A)
    (project / B).rename(NEW)
    code, since, _ = told()
    assert code == 0
    assert [since[A][x] for x in ("status", "figures")] == ["changed", []]
    assert [since[NEW][x] for x in ("status", "other")] == ["renamed", B]
    rows = table(run(*SINCE, "--format", "markdown")[1])
    assert rows[0][2] == "Conv changed: other weights (largest difference 1): c0"
    assert rows[1][1:3] == [f"{NEW}<br>was {B}", "only its name"]


def test_what_is_gone_or_broken_is_a_row(project: Path) -> None:
    chain("models/c.onnx", 4, 1, "Tanh")
    (project / A).write_bytes(b"\xff\xff")
    (project / B).unlink()
    code, _, found = told()
    assert (code, found["removed"]) == (2, [B])
    rows = table(run(*SINCE, "--format", "markdown")[1])
    assert [row[0].split(None, 1)[1] for row in rows] == ["can't be judged", "new", "gone"]
    assert [row[1] for row in rows] == [A, "models/c.onnx", B]


def test_an_entry_taken_out_of_the_baseline_is_missed(project: Path) -> None:
    """Without its entry a model would be new, and pass what is relative."""
    chain(A, 5, 5)
    saved = json.loads((project / "budgets.json").read_text())
    kept = [x for x in saved["models"] if x["model"] != A]
    (project / "budgets.json").write_text(json.dumps({**saved, "models": kept}))
    assert run("check")[0] == 0  # nobody knows better
    code, _, found = told()
    assert code == 1
    (first, _) = found["models"]  # type: ignore[misc]
    assert first["baseline"]["status"] == "missing"
    assert "taken out of the baseline budgets.json since main" in first["baseline"]["reason"]


def test_nor_does_another_name_help(project: Path) -> None:
    """The entry is taken out, and the model, grown, has another name."""
    (project / A).unlink()
    chain(NEW, 5, 5)
    saved = json.loads((project / "budgets.json").read_text())
    kept = [x for x in saved["models"] if x["model"] != A]
    (project / "budgets.json").write_text(json.dumps({**saved, "models": kept}))
    code, _, found = told()
    assert code == 1
    standing = found["models"][-1]["baseline"]  # type: ignore[index]
    assert (standing["status"], standing["other"]) == ("missing", A)
    chain(NEW, 10, 3, "Tanh")  # unlike a: new
    assert told()[0] == 0


def test_a_baseline_that_was_written_anew_is_told(project: Path) -> None:
    chain(A, 5, 5)
    assert run("check", "--update-baseline")[0] == 0
    assert told()[0] == 0
    (row,) = table(run(*SINCE, "--format", "markdown")[1])
    assert "the baseline itself: parameters 76 → 115 (+51.3 %)" in row[2].replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_weights_beside_a_model_are_looked_at(project: Path) -> None:
    model = onnx.load(A)
    onnx.save(model, A, save_as_external_data=True, location="a.data", size_threshold=0)
    git("add", "-A")
    git("commit", "-qm", "outside")
    assert told()[1][A]["status"] == "same"
    data = bytearray(Path("models/a.data").read_bytes())
    data[3] ^= 1  # a sign or an exponent
    Path("models/a.data").write_bytes(bytes(data))
    code, since, _ = told()
    assert (code, since[A]["status"]) == (0, "changed")
    assert table(run(*SINCE, "--format", "markdown")[1])[0][2] == "the numbers in a.data"


def test_a_file_in_git_lfs_is_compared_by_its_digest(project: Path) -> None:
    data = Path("models/b.data")
    data.write_bytes(b"numbers" * 500)
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 3500\n"
    Path("models/p.data").write_text(pointer)
    git("add", "-A")
    git("commit", "-qm", "pointer")
    Path("models/p.data").write_bytes(data.read_bytes())  # as git lfs checks it out
    assert not differs("main", Path("models/p.data"))
    assert not differs("main", data)
    Path("models/p.data").write_bytes(b"numbers" * 501)
    assert differs("main", Path("models/p.data"))


def test_content_that_is_not_here_is_no_new_model(project: Path) -> None:
    """As in a partial clone: the commit has the file, and what it held isn't here."""
    blob = git("rev-parse", f"main:{A}")
    (project / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    code, _, err = run("check", "--baseline", "git:main")
    assert (code, f"git:main:{A}" in err) == (2, True), err
    chain(A, 5, 5)
    Path(A).rename(NEW)  # nor is it new under another name
    code, _, err = run("check", "--baseline", "git:main")
    assert (code, f"git:main:{A}" in err) == (2, True), err
    Path(NEW).rename(A)
    code, since, _ = told()  # the baseline is a file, and knows it
    assert (code, since[A]["status"]) == (1, "unknown")
    assert f"git:main:{A}" in str(since[A]["reason"])


def test_limits_that_were_changed_are_told(project: Path) -> None:
    (project / "cnnscope.toml").write_text(CONFIG.replace("100 k", "1 G"))
    code, _, found = told()
    assert (code, found["rewritten"]) == (0, ["cnnscope.toml"])
    said = "Since main cnnscope.toml was changed, too: limits may be others."
    assert said in run(*SINCE, "--format", "markdown")[1].split("<details>")[0]
    assert said in " ".join(run(*SINCE)[1].split())


def test_a_model_beside_another_one(project: Path) -> None:
    """A baseline that is a model tells which layers did it, too."""
    (project / "no.toml").write_text("")
    chain(NEW, 4, 6)  # one more of 16 parameters
    line = ["check", NEW, "--limit", "params=+0", "--baseline", A, "--config", "no.toml"]
    (row,) = table(run(*line, "--format", "markdown")[1])
    said = row[3].replace("\N{NO-BREAK SPACE}", " ")
    assert said == "params 92: 16 (21.1 %) over 76 (+0 of 76)<br>made by c5 +16"
    text = " ".join(run(*line)[1].split())
    assert "info: params: made by c5 +16" in text


def test_a_commit_that_is_none(project: Path) -> None:
    for ref, said in {
        "nothing": "no such commit",
        "--output=x": "no branch",
        "main:x": "no branch",
    }.items():
        code, _, err = run("check", f"--since={ref}")
        assert (code, said in err) == (2, True), err
    assert cnnscope.check(since="main").ok


def test_without_anything_earlier(project: Path) -> None:
    """Only what isn't kept has a row."""
    (project / "no.toml").write_text("")
    text = run(
        "check", A, B, "--limit", "params=80", "--config", "no.toml", "--format", "markdown"
    )[1]
    (row,) = table(text)
    assert row[0].endswith("exceeds")
    assert row[2] == "not compared with anything earlier"
    assert "1 model within its limits." in text


def test_the_markdown_fits_a_comment(project: Path) -> None:
    """Of 120 models that grew, what has no room is counted; those with rows come first below, too."""
    for i in range(120):
        onnx.save(
            network(
                node("Conv", "x w", "y", name=f"a/{'long' * 40}/{i}"),
                x=(1, 3, 8, 8),
                w=(40, 3, 9, 9),
            ),
            f"models/m{i:03}.onnx",
        )
    text = run("check", "--format", "markdown")[1]
    assert "\nOf 122 models 120 break a limit; " in text
    assert len(text.encode()) <= 60_000
    shown = len(table(text))
    assert f"\n{120 - shown} more rows not shown\n" in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert " more models not shown\n" in text
    page = run("check", "--format", "html")[1]
    assert page.count("<h3>") == 122  # a page has room for all


@pytest.mark.parametrize(
    ("quantity", "limit", "moved"),
    [
        ("macs", 9, True),
        ("latency_p50", "9 ms", False),
        ("latency_p99", "9 ms", False),
        ("device_time", "9 ms", False),
        ("host_bound", "50%", False),
    ],
)
def test_a_time_measured_anew_is_no_change_of_the_model(
    quantity: str, limit: object, moved: bool
) -> None:
    before, after = ({(WHOLE, quantity): [Figure.exactly(n)]} for n in (1, 2))
    assert bool(moved_figures(before, after, (make_limit(quantity, limit),))) is moved
