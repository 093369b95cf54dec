"""`cnnscope baseline`: written, updated, shown; what isn't understood stays; all of it or nothing is written.

The chains' parameters are counted by hand, as in `test_new_models`: a has 3*4 + 4*16 = 76, b 3*8 + 64 = 88.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commanded import git, run
from test_new_models import CONFIG, NEW, A, B, chain

FILE = "budgets.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    chain(A, 4, 5)
    chain(B, 8, 2, "Sigmoid")
    return tmp_path


def saved(path: str = FILE) -> Any:
    return json.loads(Path(path).read_text())


def params(document: Any) -> dict[str, int]:
    """Each model's parameters, as a baseline's JSON or `show --format json` has them."""
    return {
        entry["model"]: figure["values"][0]["value"]
        for entry in document["models"] if isinstance(entry, dict) and "model" in entry
        for figure in entry["figures"] if figure["quantity"] == "params" and figure["scope"] is None
    }  # fmt: skip


def test_written_updated_and_shown(project: Path) -> None:
    code, out, err = run("baseline", "write", A, B, "-o", FILE)
    assert (code, err) == (0, f"cnnscope: {FILE}: written: 2 new\n")
    assert params(saved()) == {A: 76, B: 88}
    assert [line.split()[:3] for line in out.splitlines()[3:]] == [
        [A, "new", "76"],
        [B, "new", "88"],
    ]
    chain(A, 5, 5)  # 3*5 + 4*25 = 115
    code, out, err = run("baseline", "update", A, "-o", FILE)
    assert (code, err) == (0, f"cnnscope: {FILE}: written: 1 changed, 1 same\n")
    assert f"info: {A}: MACs 4.86 k -> 7.36 k (+51.3 %), parameters 76 -> 115" in " ".join(
        out.split()
    )
    assert params(saved()) == {A: 115, B: 88}
    (project / B).unlink()
    code, out, err = run("baseline", "show", FILE)
    assert (code, err) == (0, "")
    assert f"{B} is no file any more" in " ".join(out.split())
    assert run("baseline", "update", A, "-o", FILE, "--prune")[2].endswith("1 same, 1 taken out\n")
    assert params(saved()) == {A: 115}


def test_the_configuration_names_the_models_and_the_file(project: Path) -> None:
    (project / "ci").mkdir()
    (project / "cnnscope.toml").write_text(CONFIG.replace(FILE, f"ci/{FILE}"))
    code, _, err = run("baseline", "update")
    assert (code, "baseline write makes one" in err) == (2, True)
    assert run("baseline", "write")[0] == 0
    written = saved(f"ci/{FILE}")
    assert params(written) == {f"../{A}": 76, f"../{B}": 88}
    assert run("check")[0] == 0
    before = Path(f"ci/{FILE}").read_bytes()
    assert run("check", "--update-baseline")[0] == 0  # the older way to say it
    assert Path(f"ci/{FILE}").read_bytes() == before
    assert params(json.loads(run("baseline", "show", "-f", "json")[1])) == params(written)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    assert run("baseline", "show", f"git:HEAD:ci/{FILE}")[0] == 0


@pytest.mark.parametrize(
    "command",
    [("baseline", "write", A, "-o", FILE), ("baseline", "update", A, "-o", FILE),
     ("check", A, "--baseline", FILE, "--update-baseline")],
)  # fmt: skip
def test_what_is_not_understood_stays(project: Path, command: tuple[str, ...]) -> None:
    """Keys at the top and of an entry, a figure of a quantity with no name here, entries of another sort."""
    run("baseline", "write", A, B, "-o", FILE)
    document = saved()
    document["owner"] = {"team": ["vision"], "since": 1.5}
    document["models"][0]["accepted_by"] = "somebody"
    energy = {"quantity": "energy", "scope": None, "values": [{"low": 3}]}
    document["models"][0]["figures"].append(energy)
    strange = [{"dataset": "d", "figures": "none"}, "a line", None]
    document["models"] += strange
    Path(FILE).write_text(json.dumps(document))
    chain(A, 5, 5)
    assert run(*command)[0] == 0
    after = saved()
    assert after["owner"] == document["owner"]
    first = after["models"][0]
    assert first["accepted_by"] == "somebody"
    assert energy in first["figures"]
    assert sum(x["quantity"] == "params" for x in first["figures"]) == 1
    assert after["models"][-3:] == strange
    assert run("check", A, "--baseline", FILE, "--limit", "params=+0")[0] == 0
    # `write` has these models and no others; else the others stay.
    assert params(after) == ({A: 115} if command[1] == "write" else {A: 115, B: 88})
    assert "3 entries that are none of cnnscope's" in " ".join(
        run("baseline", "show", FILE)[1].split()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "no JSON"), ("[]", "no list of models"), ('{"model": {"path": "a"}, "totals": {}}', "no list"),
     ('{"schema_version": 2, "models": []}', "another version"), ('{"models": [], "x": NaN}', "no JSON"),
     ("<<<<<<< HEAD", "no JSON"), ('{"models": [{"model": "a", "figures": 3}]}', "neither a baseline")],
)  # fmt: skip
def test_what_is_no_baseline_is_not_written_over(project: Path, text: str, said: str) -> None:
    Path(FILE).write_text(text)
    for command in (
        ("baseline", "write", A, "-o", FILE), ("baseline", "update", A, "-o", FILE),
        ("baseline", "show", FILE), ("check", A, "--baseline", FILE, "--update-baseline"),
    ):  # fmt: skip
        code, out, err = run(*command)
        assert (code, out, said in err) == (2, "", True), (command, err)
    assert Path(FILE).read_text() == text


@pytest.mark.parametrize("key", ["most_at", "least_at", "uncounted"])
def test_a_length_or_count_that_is_not_told_is_not_0(project: Path, key: str) -> None:
    figure = {"low": 3, "high": 5, "most_at": None, key: {"H": None}}
    figures = [{"quantity": "macs", "scope": None, "values": [figure]}]
    Path(FILE).write_text(json.dumps({"models": [{"model": A, "figures": figures}]}))
    code, _, err = run("check", A, "--baseline", FILE, "--limit", "macs=+0")
    assert (code, "'None' is no whole number" in " ".join(err.split())) == (2, True), err


def test_whole_or_not_at_all(project: Path) -> None:
    run("baseline", "write", A, "-o", FILE)
    before = Path(FILE).read_bytes()
    chain(A, 5, 5)
    (project / B).write_bytes(b"\xff\xff")
    code, _, err = run("baseline", "update", A, B, "-o", FILE)
    assert code == 2
    assert f"{FILE}: not written, since not every model could be read" in err
    assert Path(FILE).read_bytes() == before
    assert sorted(x.name for x in project.iterdir()) == [FILE, "models"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["write", A], "-o FILE.json"), (["show"], "which baseline?"), (["show", A, B], "one baseline"),
     (["write", A, "-o", A], "the model itself"), (["write", "-o", FILE], "no model"),
     (["write", A, "-o", FILE, "--prune"], "--prune goes with update"), (["mend"], "write"),
     (["show", "nothing.json"], "nothing.json"), (["show", "git:HEAD"], "each model as it was"),
     (["write", A, "-o", FILE, "--dim", "H=3"], "no input has a free dimension 'H'")],
)  # fmt: skip
def test_misuse_is_one_line(project: Path, arguments: list[str], said: str) -> None:
    code, out, err = run("baseline", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert not Path(FILE).exists()


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html"])
def test_every_form(project: Path, form: str) -> None:
    chain(NEW, 10, 3, "Tanh")
    run("baseline", "write", A, NEW, "-o", FILE)
    code, out, _ = run("baseline", "show", FILE, "--format", form, "-o", "shown")
    text = (project / "shown").read_text()
    assert (code, out) == (0, "")
    assert NEW in text
    assert "230" in text  # 3*10 + 2*100
    assert run("check", A, NEW, "--baseline", FILE, "--limit", "params=+0")[0] == 0


def test_sizes_are_kept_apart(project: Path) -> None:
    run("baseline", "write", A, "-o", FILE)
    assert run("baseline", "update", A, "--shape", "1x3x8x8", "-o", FILE)[0] == 0
    assert [(x["model"], x["variant"]) for x in saved()["models"]] == [(A, ""), (A, "1x3x8x8")]
