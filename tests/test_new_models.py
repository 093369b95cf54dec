"""A model that the baseline doesn't know: new, known by another name, or there at other sizes?

The networks are chains of 1x1 convolutions without bias on 8x8, so that parameters and MACs (64 times as
many) are counted by hand: `3 * width`, then `width * width` for each further one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import onnx
import pytest
from commanded import git, run
from networks import network, node

import cnnscope
from cnnscope.analyzer.budgets.sketch import Sketch

CONFIG = """baseline = "budgets.json"
[limits]
params = "1 k, +2 %"
macs = "100 k"
[[model]]
path = "models/*.onnx"
"""
A, B, NEW = "models/a.onnx", "models/b.onnx", "models/new.onnx"


def chain(path: str, width: int, depth: int, op: str = "Relu") -> None:
    """A chain of `depth` convolutions, an activation behind each."""
    nodes, shapes = [], {"x": (1, 3, 8, 8)}
    last, channels = "x", 3
    for i in range(depth):
        shapes[f"w{i}"] = (width, channels, 1, 1)
        nodes += [node("Conv", f"{last} w{i}", f"c{i}"), node(op, f"c{i}", f"r{i}")]
        last, channels = f"r{i}", width
    onnx.save(network(*nodes, **shapes), path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and their baseline: a has 3*4 + 4*16 = 76 parameters, b 3*8 + 64 = 88."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        (folder / "models").mkdir()
        chain(A, 4, 5)
        chain(B, 8, 2, "Sigmoid")
        (folder / "cnnscope.toml").write_text(CONFIG)
        assert run("check", "--update-baseline")[0] == 0
    return folder


@pytest.fixture
def project(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def states(*arguments: str) -> tuple[int, dict[str, list[str]], dict[str, object]]:
    """Exit code, the verdicts' states by model, and the whole record."""
    code, out, _ = run("check", "--format", "json", *arguments)
    found = json.loads(out)
    told = {x["model"]: [verdict["state"] for verdict in x["verdicts"]] for x in found["models"]}
    return code, told, found


def test_absolute_limits_hold_of_a_new_model_and_relative_ones_pass(project: Path) -> None:
    chain(NEW, 10, 3, "Tanh")  # 30 + 200 = 230 parameters, 14,720 MACs
    code, told, found = states()
    assert code == 0
    assert told == {A: ["within"] * 3, B: ["within"] * 3, NEW: ["within", "new", "within"]}
    (new,) = [x for x in found["models"] if x["model"] == NEW]
    assert new["ok"] is True
    assert new["baseline"]["status"] == "new"
    assert [x["baseline"]["status"] for x in found["models"]] == ["known", "known", "new"]
    chain(NEW, 40, 3, "Tanh")  # 120 + 3200 parameters, 212,480 MACs
    code, told, _ = states()
    assert (code, told[NEW]) == (1, ["exceeds", "new", "exceeds"])


@pytest.mark.parametrize("asked", ["option", "configuration", "python"])
def test_a_baseline_can_be_required(project: Path, asked: str) -> None:
    chain(NEW, 10, 3, "Tanh")
    if asked == "python":
        found = cnnscope.check(require_baseline=True)
        assert not found.ok
        assert [x.model for x in found.models if not x.ok] == [NEW]
        return
    if asked == "configuration":
        (project / "cnnscope.toml").write_text("require_baseline = true\n" + CONFIG)
    code, _, err = run("check", *["--require-baseline"] * (asked == "option"))
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith(f"cnnscope: {NEW}: new, no baseline: params <= +2 % not kept")
    assert run("check", A, *["--require-baseline"] * (asked == "option"))[0] == 0


@pytest.mark.parametrize(
    "form", ["table", "markdown", "html", "github", "junit", "sarif", "gitlab"]
)
def test_every_format_says_that_it_is_new(project: Path, form: str) -> None:
    chain(NEW, 10, 3, "Tanh")
    code, out, _ = run("check", "--format", form)
    assert code == 0
    shown = " ".join(out.replace("%25", "%").split())
    assert NEW in shown
    assert "new, no baseline" in shown or "new: no baseline" in shown
    if form == "junit":
        suite = next(x for x in ElementTree.fromstring(out) if x.get("name") == NEW)
        assert suite.get("failures") == "0"
        assert [x.get("name") for x in suite if x.find("skipped") is not None] == ["params <= +2 %"]
    if form == "sarif":
        (result,) = json.loads(out)["runs"][0]["results"]
        assert (result["ruleId"], result["level"]) == ("budget/new-model", "note")
    code, out, _ = run("check", "--format", form, "--require-baseline")
    assert code == 1
    if form == "junit":
        suite = next(x for x in ElementTree.fromstring(out) if x.get("name") == NEW)
        assert suite.get("failures") == "1"
    if form == "github":
        assert f"::error file={NEW}" in out


def test_a_broken_baseline_is_no_missing_one(project: Path) -> None:
    for text in ("", "{", '{"models": 3}'):
        (project / "budgets.json").write_text(text)
        code, _, err = run("check")
        assert code == 2, text
        assert "budgets.json" in err
    (project / "budgets.json").unlink()
    code, _, err = run("check")
    assert code == 2
    assert "can't be read" in err


def test_a_figure_that_is_missing_is_unknown(project: Path) -> None:
    """The model is there; only what is limited now isn't: that is no new model."""
    (project / "cnnscope.toml").write_text(CONFIG + '[limits.kind."1-D convolution"]\n')
    saved = json.loads((project / "budgets.json").read_text())
    for model in saved["models"]:
        model["figures"] = [x for x in model["figures"] if x["quantity"] != "params"]
    (project / "budgets.json").write_text(json.dumps(saved))
    (project / "cnnscope.toml").write_text(CONFIG)
    code, told, _ = states()
    assert (code, told[A]) == (1, ["within", "unknown", "within"])


@pytest.mark.parametrize("sketched", [True, False])
def test_another_name_is_no_way_past_a_limit(project: Path, sketched: bool) -> None:
    """a is renamed: as it is, it passes; grown from 76 to 3*5 + 4*25 = 115 parameters it doesn't."""
    if not sketched:  # a file of an earlier version: likeness of figures, 10 % of growth at most
        saved = json.loads((project / "budgets.json").read_text())
        for model in saved["models"]:
            del model["graph"]
        (project / "budgets.json").write_text(json.dumps(saved))
    (project / A).rename(NEW)
    code, told, found = states()
    assert (code, told[NEW]) == (0, ["within"] * 3)
    assert found["models"][-1]["baseline"]["other"] == A
    assert f"looks like {A}, which has gone" in " ".join(run("check")[1].split())
    assert states("--require-baseline")[:2] == (
        1,
        {B: ["within"] * 3, NEW: ["within", "new", "within"]},
    )
    assert f"is it {A}, renamed?" in run("check", "--require-baseline")[2]
    chain(NEW, 5, 5) if sketched else chain(NEW, 4, 6)  # 115, and 76 + 16 = 92
    code, told, found = states()
    assert (code, told[NEW]) == (1, ["within", "exceeds", "within"])
    assert found["removed"] == []


def test_what_is_gone_is_told(project: Path) -> None:
    (project / B).unlink()
    code, out, _ = run("check")
    assert code == 0
    assert f"the baseline has figures of {B}, which is no file any more" in " ".join(out.split())
    assert states()[2]["removed"] == [B]
    chain(NEW, 10, 3, "Tanh")  # unlike b: 6 layers of other operators
    assert states()[1][NEW] == ["within", "new", "within"]


def test_other_sizes_are_no_new_model(project: Path) -> None:
    """`[[model]] shapes` changed: the baseline has the model, only not so."""
    (project / "cnnscope.toml").write_text(CONFIG + 'shapes = "1x3x8x8"\n')
    code, told, found = states()
    assert (code, told[A]) == (1, ["within", "unknown", "within"])
    assert "at the file's own sizes, not at 1x3x8x8" in found["models"][0]["baseline"]["reason"]
    (project / A).rename(NEW)
    code, told, _ = states()
    assert (code, told[NEW]) == (1, ["within", "unknown", "within"])


def test_a_name_in_another_folder_is_another_model(project: Path) -> None:
    """The figures of models/b.onnx, which is there and judged, are no measure for other/b.onnx."""
    (project / "other").mkdir()
    chain("other/b.onnx", 12, 3, "Tanh")
    code, told, _ = states(A, B, "other/b.onnx", "--limit", "params=+2 %")
    assert (code, told["other/b.onnx"]) == (0, ["new", "within"])
    (project / "budgets.json").rename(
        project / "other" / "budgets.json"
    )  # an artifact of another job
    code, told, found = states(A, B, "--baseline", "other/budgets.json")
    assert (code, found["removed"]) == (0, [])
    assert told == {A: ["within"] * 3, B: ["within"] * 3}


def test_names_at_a_commit(project: Path) -> None:
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    chain(NEW, 10, 3, "Tanh")
    relative = ["--baseline", "git:HEAD"]
    assert states(*relative)[:2] == (
        0, {A: ["within"] * 3, B: ["within"] * 3, NEW: ["within", "new", "within"]}
    )  # fmt: skip
    (project / A).unlink()
    chain(NEW, 5, 5)  # a, grown, under another name
    code, told, found = states(*relative)
    assert (code, told[NEW]) == (1, ["within", "exceeds", "within"])
    assert found["models"][-1]["baseline"]["other"] == A


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [(("Relu", 4, 5), ("Relu", 5, 5), True), (("Relu", 4, 5), ("Tanh", 4, 5), False),
     (("Relu", 4, 2), ("Relu", 4, 5), False)],
)  # fmt: skip
def test_likeness(
    tmp_path: Path, one: tuple[str, int, int], other: tuple[str, int, int], alike: bool
) -> None:
    """Of 10 layers each, 5 have the same operator; of 4 and 10, 4 do."""
    found = []
    for i, (op, width, depth) in enumerate((one, other)):
        chain(str(tmp_path / f"{i}.onnx"), width, depth, op)
        found.append(Sketch.of(cnnscope.analyze(tmp_path / f"{i}.onnx")))
    assert (found[0].likeness(found[1]) >= 0.8) == alike
    assert found[0].likeness(found[1]) < 1 == found[0].likeness(found[0])
    assert Sketch.read(json.loads(json.dumps(found[0].to_dict()))) == found[0]
