"""What a commit had under a name is what that name led to then: links, submodules, odd names.

A pull request may point a link elsewhere, or put another repository where a folder was; what its models are
held against hangs on neither. Parameters are counted as in `test_new_models`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from commanded import git, run
from test_new_models import chain

from cnnscope.analyzer.budgets.baselines import BaselineError, NotInCommitError
from cnnscope.runtime.gates.git import differs, file_at

OLD, LARGE = "v1/m.onnx", "v2/m.onnx"
CONFIG = """baseline = "git:main"
[limits]
params = "+2 %"
[[model]]
path = "models/m.onnx"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models that are no limit's, of 76 and 988 parameters; `models` is to be made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for name, width in ((OLD, 4), (LARGE, 13)):
        Path(name).parent.mkdir()
        chain(name, width, 5)
    Path("cnnscope.toml").write_text(CONFIG)
    git("init", "-q", "-b", "main")
    return tmp_path


def commit() -> None:
    git("add", "-A")
    git("commit", "-qm", "one")


def pointed(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


def judged() -> tuple[int, str, list[float], str]:
    """Exit code, the verdict, the parameters before it, and what became of the model."""
    code, out, err = run("check", "--since", "main", "--format", "json")
    assert code < 2, err
    (model,) = json.loads(out)["models"]
    (verdict,) = model["verdicts"]
    return code, verdict["state"], verdict["baseline"], model["since"]["status"]


@pytest.mark.parametrize("file", [True, False], ids=["the file", "its folder"])
def test_a_link_that_leads_elsewhere_now(project: Path, file: bool) -> None:
    link, old, new = (
        (Path("models/m.onnx"), f"../{OLD}", f"../{LARGE}")
        if file
        else (Path("models"), "v1", "v2")
    )
    link.parent.mkdir(exist_ok=True)
    pointed(link, old)
    commit()
    assert judged()[:2] == (0, "within")
    pointed(link, new)
    # Both files are at the commit as they are now; what the name stood for isn't.
    code, state, _, since = judged()
    assert (code, state, since) == (1, "exceeds", "changed")


def test_an_entry_that_was_taken_out_of_a_linked_baseline(project: Path) -> None:
    Path("models").mkdir()
    chain("models/m.onnx", 4, 5)
    Path("cnnscope.toml").write_text(CONFIG.replace("git:main", "link.json"))
    Path("kept.json").write_text("{}")
    pointed(Path("link.json"), "kept.json")
    Path("kept.json").unlink()
    assert run("baseline", "write", "models/m.onnx", "-o", "kept.json")[0] == 0
    commit()
    assert judged()[:2] == (0, "within")
    assert not differs("main", Path("link.json"))
    Path("kept.json").write_text(Path("kept.json").read_text().replace("models/m.onnx", OLD))
    assert differs("main", Path("link.json"))
    code, state, _, _ = judged()
    assert (code, state) == (1, "unknown")


def test_links_that_lead_nowhere(project: Path) -> None:
    for name, target in (
        ("round.onnx", "round.onnx"), ("out.onnx", "/etc/passwd"), ("up.onnx", "../m.onnx"),
        ("none.onnx", "missing.onnx"),
    ):  # fmt: skip
        pointed(Path(name), target)
    commit()
    for name, kind, said in (
        ("round.onnx", BaselineError, "in a circle"),
        ("out.onnx", BaselineError, "out of the repository"),
        ("up.onnx", BaselineError, "out of the repository"),
        ("none.onnx", NotInCommitError, "no such file"),
    ):
        with pytest.raises(kind, match=said):
            file_at("main", Path(name))
    # One that has gone was no model.
    Path("none.onnx").unlink()
    Path("models").mkdir()
    chain("models/m.onnx", 7, 1, "Tanh")
    for name in ("round.onnx", "out.onnx", "up.onnx"):
        Path(name).unlink()
    git("rm", "-q", "--cached", "round.onnx", "out.onnx", "up.onnx")
    git("commit", "-qm", "two")
    assert judged()[3] == "new"


def test_a_folder_that_is_a_submodule_now(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own main says what whoever made it likes."""
    Path("models").mkdir()
    chain("models/m.onnx", 4, 5)
    commit()
    Path("models/m.onnx").unlink()
    chain("models/m.onnx", 13, 5)
    git("-C", "models", "init", "-q", "-b", "main")
    git("-C", "models", "add", "-A")
    git("-C", "models", "commit", "-qm", "of its own")
    git("rm", "-rq", "--cached", "models")
    git("add", "models")
    git("-C", ".", "commit", "-qm", "a submodule")
    assert judged_at("main~1") == (1, "exceeds")
    # Since that commit it is a submodule; at the commit that it was at then.
    chain("models/m.onnx", 20, 5)
    git("-C", "models", "commit", "-qam", "larger")
    assert judged_at("main") == (1, "exceeds")
    # Who works in it means its own branches.
    monkeypatch.chdir("models")
    assert file_at("main", Path("m.onnx")) == Path("m.onnx").read_bytes()
    assert file_at("main~1", Path("m.onnx")) != Path("m.onnx").read_bytes()


def judged_at(ref: str) -> tuple[int, str]:
    Path("cnnscope.toml").write_text(CONFIG.replace("git:main", f"git:{ref}"))
    code, out, err = run("check", "--format", "json")
    assert code < 2, err
    return code, json.loads(out)["models"][0]["verdicts"][0]["state"]


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_names_are_no_patterns(project: Path) -> None:
    """``:/x`` is x at the top, to Git, unless it is told that it's a name."""
    for name in (":/m.onnx", ":(glob)*.onnx", "a\nb.onnx", "-m.onnx", "[v]1/m.onnx", "*.onnx"):
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        chain("./" + name, 6, 1)
    Path("m.onnx").write_bytes(b"another")
    commit()
    for name in (":/m.onnx", ":(glob)*.onnx", "a\nb.onnx", "-m.onnx", "[v]1/m.onnx", "*.onnx"):
        assert file_at("main", Path(name)) == Path(name).read_bytes()
    with pytest.raises(NotInCommitError):
        file_at("main", Path("v?/m.onnx"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name there")
def test_a_device_is_not_read_to_its_end(project: Path) -> None:
    Path("m.data").write_bytes(b"x")
    commit()
    pointed(Path("m.data"), "/dev/zero")
    with pytest.raises(BaselineError, match="device"):
        differs("main", Path("m.data"))
