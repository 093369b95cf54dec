"""What is there without ONNX Runtime, or with one that can't be used? Everything but running models.

ONNX Runtime is taken away, or put in place by one that is broken or old, for this process and for its
children. `test_static_install` asks the same of an installation that never had it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from static_commands import CODES, SAYS, STATIC

import cnnscope
from cnnscope.cli import COMMANDS, main
from cnnscope.runtime.engine.library import OLDEST, ask_for_library, load_library

ABSENT = (
    "ONNX Runtime is needed and isn't installed: pip install onnxruntime-gpu (or onnxruntime, for "
    "the CPU alone)"
)
BROKEN = "ONNX Runtime is installed but can't be loaded (no libcudart.so: cannot open)"
#: what stands in place of its package, and the beginning of the one line that is said then
INSTEAD = {
    "absent": (None, ABSENT),
    # a folder without a module, as pip leaves where more was written into it
    "left over": ("", ABSENT),
    "broken": ("raise ImportError('no libcudart.so:\\n cannot open')", BROKEN),
    "half": ("__version__ = '1.31'", "ONNX Runtime is installed but can't be loaded (module"),
    "old": (
        "class InferenceSession: pass\n__version__ = '1.16.3'",
        "ONNX Runtime 1.16.3 is too old, 1.20 is needed: pip install --upgrade onnxruntime",
    ),
}
RUNNING = [
    ["verify", "MODEL"],
    ["profile", "MODEL"],
    ["analyze", "MODEL", "--run"],
    ["effective", "MODEL", "/conv2/Conv", "--run"],
    ["lint", "MODEL", "--provider", "cpu"],
    ["check", "MODEL", "--limit", "latency_p50=1s", "--limit", "latency_p99=2s"],
]

Run = Callable[..., tuple[int, str, str]]


class _Hidden:
    """No module of that name is found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def instead(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Puts what the parameter names in ONNX Runtime's place; the line that is said of it."""
    code, said = INSTEAD[request.param]
    for name in [name for name in sys.modules if name.partition(".")[0] == "onnxruntime"]:
        monkeypatch.delitem(sys.modules, name)
    load_library.cache_clear()
    if not code:
        monkeypatch.setattr(sys, "meta_path", [_Hidden(), *sys.meta_path])
    if code is not None:
        package = tmp_path / "site" / "onnxruntime"
        package.mkdir(parents=True)
        if code:
            (package / "__init__.py").write_text(code)
        monkeypatch.syspath_prepend(package.parent)
    return said


@pytest.fixture
def run(
    samples: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        model = str(samples / "lenet5.onnx")
        with pytest.raises(SystemExit) as left:
            main([model if word == "MODEL" else word for word in words])
        assert isinstance(left.value.code, int)
        said = capfd.readouterr()
        return left.value.code, said.out, said.err

    return call


def test_every_command_is_of_one_sort() -> None:
    assert set(COMMANDS) == STATIC.keys() | {"verify", "profile"}


@pytest.mark.parametrize("command", STATIC)
@pytest.mark.parametrize("instead", ["absent"], indirect=True)
def test_static_commands_work(command: str, instead: str, run: Run) -> None:
    code, out, err = run(command, *STATIC[command])
    assert (code, err) == (CODES.get(command, 0), SAYS.get(command, ""))
    assert out
    assert "onnxruntime" not in sys.modules


@pytest.mark.parametrize("words", RUNNING, ids=" ".join)
@pytest.mark.parametrize("instead", ["absent", "left over"], indirect=True)
def test_what_runs_models_says_a_line(words: list[str], instead: str, run: Run) -> None:
    code, out, err = run(*words)
    assert (code, err.count("\n")) == (2, 1), err
    assert instead in err
    assert out == "" or words[0] == "check", "nothing is done before"


@pytest.mark.parametrize("words", [RUNNING[0], RUNNING[3], RUNNING[4]], ids=" ".join)
@pytest.mark.parametrize("instead", ["old"], indirect=True)
def test_a_child_says_it_of_one_that_is_there(words: list[str], instead: str, run: Run) -> None:
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (2, 1), err
    assert instead in err


@pytest.mark.parametrize("instead", ["absent", "broken"], indirect=True)
def test_a_latency_among_other_limits_is_unknown(instead: str, run: Run) -> None:
    limits = ["check", "MODEL", "--limit", "latency_p50=1s", "--limit", "params=1M"]
    code, out, err = run(*limits)
    assert (code, err) == (1, "")
    assert "1 unknown of 2 limits" in out
    assert instead.split("(", 1)[0] in " ".join(out.split())
    code, out, _ = run(*limits, "--allow-unknown")
    assert code == 0
    assert "within" in out
    assert run("check", "MODEL", "--limit", "latency_p50=1s", "--allow-unknown")[0] == 0


def measured(model: Path, **more: Any) -> object:
    return cnnscope.measured_effective_field(model, "/conv2/Conv", **more)


@pytest.mark.parametrize("instead", INSTEAD, indirect=True)
def test_from_python(instead: str, samples: Path) -> None:
    for function in (cnnscope.verify, cnnscope.profile, measured):
        with pytest.raises(cnnscope.RunError) as caught:
            function(samples / "lenet5.onnx")
        assert str(caught.value).startswith(instead)


@pytest.mark.parametrize("instead", ["absent"], indirect=True)
def test_from_python_before_a_child_is_started(instead: str, samples: Path) -> None:
    for function in (cnnscope.verify, cnnscope.profile, measured):
        with pytest.raises(cnnscope.RunError, match="isn't installed"):
            function(samples / "lenet5.onnx", child=True)
    checked = cnnscope.check(samples / "lenet5.onnx", {"latency_p50": "1 s"})
    assert not checked.ok
    assert instead in checked.problems[0].message


@pytest.mark.parametrize("instead", ["absent"], indirect=True)
def test_on_a_platform_without_the_gpu_build(instead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(cnnscope.RunError, match=r"pip install onnxruntime$"):
        ask_for_library()


def test_the_oldest_is_the_one_that_is_declared() -> None:
    import tomllib

    root = Path(__file__).resolve().parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [one for one in project["dependencies"] if one.startswith("onnxruntime")]
    for one in declared:
        assert one.partition(";")[0].partition(">=")[2] == ".".join(map(str, OLDEST))
