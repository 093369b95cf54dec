"""`[defaults]` of a configuration: do sizes and columns hold where they fit, and nowhere else?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from cnnscope.cli import main
from cnnscope.runtime.commands import analyze, reading, usual

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
MODELS = {
    "free": f"{HEAD} g (float[N,3,H,W] x) => (float[N,3,H,W] y) {{ y = Relu(x) }}",
    "fixed": f"{HEAD} g (float[1,3,8,9] x) => (float[1,3,8,9] y) {{ y = Relu(x) }}",
    "half": f"{HEAD} g (float[N,3,8,W] x) => (float[N,3,8,W] y) {{ y = Relu(x) }}",
    "two": f"{HEAD} g (float[N,H] a, float[N,K] b) => (float[N,M] y) {{ y = Concat<axis=1>(a, b) }}",
    "nameless": f"{HEAD} g (float[?,3,?,?] x) => (float[?,3,?,?] y) {{ y = Relu(x) }}",
    "unranked": f"{HEAD} g (float x) => (float y) {{ y = Relu(x) }}",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command two folders below the configuration; the models are there."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    for name, text in MODELS.items():
        model = onnx.parser.parse_model(text)
        if name == "unranked":
            model.graph.input[0].type.tensor_type.ClearField("shape")
        onnx.save(model, below / f"{name}.onnx")
    monkeypatch.chdir(below)

    def call(config: str, *words: str, name: str = "cnnscope.toml") -> tuple[int, str, str]:
        (tmp_path / name).write_text(config, encoding="utf-8")
        with pytest.raises(SystemExit) as stop:
            main(list(words))
        out, err = capfd.readouterr()
        return int(stop.value.code or 0), out, err

    return call


def shapes_in(out: str) -> dict[str, list[object]]:
    return {x["name"]: x["shape"] for x in json.loads(out)["inputs"]}


@pytest.mark.parametrize(
    ("config", "model", "options", "shapes"),
    [
        ("dims = {H = 20, W = 30}", "free", [], {"x": [1, 3, 20, 30]}),
        ("dims = {N = 4, H = 20, nope = 7}", "free", ["--dim", "W=5"], {"x": [4, 3, 20, 5]}),
        ("dims = {H = 20, W = 30}", "free", ["--dim", "H=5"], {"x": [1, 3, 5, 30]}),
        ('shapes = "2x3x20x30"', "free", [], {"x": [2, 3, 20, 30]}),
        ('shapes.x = "2x3x20x30"', "free", [], {"x": [2, 3, 20, 30]}),
        ('shapes.z = "2x3x20x30"', "free", ["--dim", "H=5", "--dim", "W=6"], {"x": [1, 3, 5, 6]}),
        # the command line wins: a whole shape, a dimension, one that is to be left free
        ('shapes = "2x3x20x30"', "free", ["--shape", "1x3x8x9"], {"x": [1, 3, 8, 9]}),
        ('shapes = "2x3x20x30"', "free", ["--dim", "H=7"], {"x": [2, 3, 7, 30]}),
        ("dims = {H = 20, W = 30}", "free", ["--shape", "x=1x3x?x4"], {"x": [1, 3, "H", 4]}),
        # a shape's lengths go before the lengths of dimensions; ? leaves them to these, or free
        ('shapes = "2x3x20x?"\ndims = {H = 1, W = 30}', "free", [], {"x": [2, 3, 20, 30]}),
        ('shapes = "?x3x20x30"', "free", [], {"x": ["N", 3, 20, 30]}),
        # where the model says a length itself it stays, and another rank doesn't fit
        ('shapes = "2x3x20x30"\ndims = {H = 1}', "fixed", [], {"x": [1, 3, 8, 9]}),
        ('shapes = "2x1x20x30"', "half", [], {"x": [2, 3, 8, 30]}),
        ('shapes = "2x?x?x30"', "half", [], {"x": [2, 3, 8, 30]}),
        ('shapes = "20x30"\ndims = {H = 4, W = 5}', "free", [], {"x": [1, 3, 4, 5]}),
        # several inputs: a shape without a name is nobody's; a dimension has one length
        ('shapes = "2x3"\ndims = {H = 4, K = 5}', "two", [], {"a": [1, 4], "b": [1, 5]}),
        ('shapes = {a = "2x3", b = "4x5"}', "two", [], {"a": [2, 3], "b": [2, 5]}),
        ('shapes = {a = "2x3"}', "two", ["--shape", "b=7x5"], {"a": [7, 3], "b": [7, 5]}),
        ('shapes = "2x3x20x30"', "nameless", [], {"x": [2, 3, 20, 30]}),
        ('shapes = "2x3x20x30"', "unranked", [], {"x": [2, 3, 20, 30]}),
        ('dims = {H = 3}', "unranked", ["--shape", "4x5"], {"x": [4, 5]}),
    ],
)  # fmt: skip
def test_sizes(
    run: Run, config: str, model: str, options: list[str], shapes: dict[str, list[object]]
) -> None:
    code, out, err = run(
        f"[defaults]\n{config}\n", "analyze", f"{model}.onnx", *options, "-f", "json"
    )
    assert (code, err) == (0, "")
    assert shapes_in(out) == shapes


SIZES = '[defaults]\nshapes.x = "2x3x20x30"\ncolumns = "name,output"\n'
COMMANDS = [
    ["analyze", "free.onnx"],
    ["explain", "free.onnx", "0"],
    ["conventions", "free.onnx"],
    ["lint", "free.onnx"],
    ["diff", "free.onnx", "half.onnx"],
    ["check", "free.onnx", "--limit", "peak_activation=20kB"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_them(run: Run, words: list[str]) -> None:
    given = ["--shape", "x=2x3x20x30"]
    if words[0] in ("diff", "check"):  # of a diff, only one model leaves H free
        given = ["--dim", "N=2", "--dim", "W=30", "--dim", "H=20"]
    wanted = run("", *words, *given, "-f", "json")
    assert wanted[0] in (0, 1)
    if words[0] != "lint":
        assert run("", *words, "-f", "json") != wanted  # without any
    assert run(SIZES, *words, "-f", "json") == wanted


def test_those_that_run_in_processes_of_their_own(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    for command in (analyze, reading):
        monkeypatch.setattr(
            command,
            "run_in_children",
            lambda source, jobs, *_, **__: asked.extend(x for _, x in jobs),
        )
    for words in (["verify", "free.onnx"], ["profile", "free.onnx"], ["free.onnx", "--run"]):
        run(SIZES, *words)
    jobs = [getattr(job, "base", job) for job in asked]
    assert len(jobs) == 4
    assert [(job.shapes, job.dims) for job in jobs] == [({}, {"N": 2, "H": 20, "W": 30})] * 4


def test_a_model_of_the_configuration_goes_before_them(run: Run) -> None:
    own = "[limits]\npeak_activation = '1 MB'\n[[model]]\npath = 'a/b/free.onnx'\ndims = {H = 5, N = 1}\n"
    for words in (["check"], ["check", "free.onnx"]):
        code, out, _ = run(SIZES + own, *words, "-f", "json")
        (model,) = json.loads(out)["models"]
        # x and y, 1 x 3 x 5 x 30 floats each
        assert (code, model["verdicts"][0]["figure"]["value"]) == (0, 2 * 4 * 450)


def test_columns(run: Run) -> None:
    def header(config: str, *options: str) -> str:
        code, out, err = run(f"[defaults]\n{config}\n", "fixed.onnx", "-f", "csv", *options)
        assert (code, err) == (0, "")
        return out.splitlines()[0]

    assert header("columns = ['output', 'macs', 'name']") == "output,macs,name"
    assert header("columns = 'output, macs'") == "output,macs"
    assert header("columns = 'output'", "--columns", "name,op") == "name,op"
    assert header("columns = ['name', 'time']").startswith("name")  # a run's, and nothing is run
    assert header("columns = ['time']") == header("")
    assert header("columns = 'name'", "--by", "op") == header("", "--by", "op")
    assert json.loads(run("[defaults]\ncolumns = 'name'\n", "fixed.onnx", "-f", "json")[1])


@pytest.mark.parametrize(
    ("config", "line", "said"),
    [
        ("[defaults]\ncolumns = ['name',\n'mac']\n", 3, "there is no column 'mac'; did you mean 'macs'?"),
        ("[defaults]\ncolumns = 3\n", 2, "columns are names"),
        ("[defaults]\nshape = '1x2'\n", 2, "unknown key 'shape' in [defaults]; did you mean shapes?"),
        ("[defaults]\nshapes.x = '1xtwo'\n", 2, "'1xtwo' is no shape"),
        ("[defaults]\ndims.H = -1\n", 2, "-1 is no length"),
        ("[defaults]\ndims.H = 1e400\n", 2, "no length"),
        ("defaults = 3\n", 1, "defaults is a table, not a number"),
        ("[default]\ndims.H = 1\n", 1, "unknown key 'default'; did you mean defaults?"),
        ("[dims]\nH = 1\n[defaults]\n", 1, "unknown key 'dims'; it is written under [defaults]"),
        ("[defaults]\ndims = {\n", 2, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(run: Run, config: str, line: int, said: str) -> None:
    for words in (["fixed.onnx"], ["explain", "fixed.onnx", "0"], ["verify", "fixed.onnx"]):
        if "columns" in config and "mac'" in config and words[0] != "fixed.onnx":
            continue  # only a table has columns
        code, out, err = run(config, *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
        assert f"cnnscope.toml:{line}: " in err or f"line {line}" in err or not said


def test_all_that_is_wrong_is_said(run: Run) -> None:
    code, _, err = run("[defaults]\ndims.H = -1\nshapes = '1xa'\n", "fixed.onnx")
    assert code == 2
    assert [x.partition("toml:")[2][:2] for x in err.splitlines()] == ["2:", "3:"]


def test_what_is_wrong_with_limits_is_others_matter(run: Run) -> None:
    wrong = "[limits]\nmcas = 1  # by default\n"
    assert run(wrong, "fixed.onnx", "-f", "csv")[0] == 0
    assert "did you mean macs?" in run(wrong, "check", "fixed.onnx")[2]
    assert "did you mean macs?" in run(wrong + "[defaults]\n", "fixed.onnx")[2]


def test_in_pyproject(run: Run) -> None:
    own = "[tool.cnnscope.defaults]\ncolumns = ['output']\n"
    for text in (own, '[tool."cnnscope"."default\\u0073"]\ncolumns = ["output"]\n'):
        code, out, _ = run(text, "fixed.onnx", "-f", "csv", name="pyproject.toml")
        assert (code, out.splitlines()[0]) == (0, "output")
    code, _, err = run(own + "colums = 3\n", "fixed.onnx", name="pyproject.toml")
    assert (code, "pyproject.toml:3: unknown key 'colums'" in err) == (2, True)
    # Another tool's, and one that is nearer and has nothing to say
    code, out, _ = run("[tool.cnnscopes.defaults]\nx = 1\n", "fixed.onnx", name="pyproject.toml")
    assert code == 0


def test_the_nearest_file_counts_alone(run: Run) -> None:
    Path("cnnscope.toml").write_text("[limits]\nmacs = 1\n", encoding="utf-8")
    assert not run("[defaults]\ncolumns = ['output']\n", "fixed.onnx", "-f", "csv")[1].startswith(
        "output\n"
    )
    Path("cnnscope.toml").unlink()
    assert run("[defaults]\ncolumns = ['output']\n", "fixed.onnx", "-f", "csv")[1].startswith(
        "output\n"
    )


def test_no_file_is_waited_for_or_swallowed(run: Run, tmp_path: Path) -> None:
    import os

    os.mkfifo("cnnscope.toml")
    Path("pyproject.toml").symlink_to("/dev/zero")
    assert run("", "fixed.onnx", "-f", "csv")[0] == 0
    assert run("#" * (1 << 19) + "\n[defaults]\n", "fixed.onnx", "-f", "csv")[0] == 0


def test_without_the_word_nothing_is_loaded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usual, "_read", None)  # would be called
    for module in [x for x in sys.modules if x.startswith("cnnscope.analyzer.budgets.config")]:
        monkeypatch.delitem(sys.modules, module)
    assert run("[limits]\nmacs = nonsense\n", "fixed.onnx", "-f", "csv")[0] == 0
    assert "cnnscope.analyzer.budgets.config" not in sys.modules
