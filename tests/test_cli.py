"""The command: what it prints where, how it exits, and that bad input is one line."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer import analysis
from cnnscope.cli import COMMANDS, main

HOSTILE = "=cmd|'\x1b[31m\nname\u202e"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command in this process, with everything that the entry point does."""

    def call(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as stop:
            main([str(x) for x in arguments])
        out, err = capfdbinary.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        return Done(code, out.decode(), err.decode())

    return call


@pytest.fixture(scope="module")
def lenet(samples: Path) -> Path:
    return samples / "lenet5.onnx"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--top", "-1"), "invalid value for '--top': 1 or more is wanted"),
        (("--top", "x"), "invalid value for '--top': a whole number is wanted"),
        (("--top", "1.5"), "invalid value for '--top': a whole number is wanted"),
    ],
)
def test_a_number_that_an_option_does_not_take(
    run: Run, lenet: Path, given: tuple[str, str], said: str
) -> None:
    assert run("analyze", lenet, *given) == Done(
        2, "", f"cnnscope: {said} (see cnnscope analyze --help)\n"
    )


def test_a_limit_on_a_free_length_says_what_to_write(run: Run, cases: Path) -> None:
    done = run("check", cases / "sym_add.onnx", "--limit", "peak_activation=1MB")
    assert "give a length (--dim t=LENGTH; in Python dims)" in " ".join(
        (done.out + done.err).split()
    )


@pytest.fixture(autouse=True)
def _no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("CNNSCOPE_DEBUG", raising=False)


def save(path: Path, *nodes: onnx.NodeProto, shape: list[int | str] | None = None) -> Path:
    dims = [1, 4] if shape is None else shape
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(nodes[0].input[0], TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.domain", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    node = helper.make_node("Relu", ["x"], ["y"], name="relu")
    return save(tmp_path / "relu.onnx", node, shape=["N", "C", "H", "H"])


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    nodes = [
        helper.make_node("Relu", ["x"], ["y"], name="relu"),
        helper.make_node("MyOp", ["y"], ["z"], name="mine", domain="my.domain"),
    ]
    return save(tmp_path / "partial.onnx", *nodes)


def assert_one_line(done: Done, *parts: str) -> None:
    assert done.code == 2
    assert done.err.endswith("\n")
    line = done.err[:-1]
    assert line.isprintable(), done.err
    assert line.startswith("cnnscope: ")
    assert "Traceback" not in line
    for part in parts:
        assert part in line


# -- what is printed --------------------------------------------------------------------------


def test_the_table(run: Run, lenet: Path) -> None:
    done = run("analyze", lenet)
    assert (done.code, done.err) == (0, "")
    assert "/conv1/Conv" in done.out
    assert "61.71 k    distinct learned weight elements" in done.out
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_json(run: Run, lenet: Path) -> None:
    found = json.loads(run("analyze", lenet, "--format", "json").out)
    assert found["totals"]["params"]["value"] == 61706
    assert "tensors" not in found
    assert "tensors" in json.loads(run("analyze", lenet, "-f", "json", "--tensors").out)


def test_several_models(run: Run, lenet: Path, relu: Path) -> None:
    done = run("analyze", lenet, relu)
    assert done.out.index("lenet5.onnx: ") < done.out.index("relu.onnx: ")
    found = json.loads(run("analyze", lenet, relu, "-f", "json").out)
    assert [Path(x["model"]["path"]).name for x in found] == ["lenet5.onnx", "relu.onnx"]
    lines = list(csv.DictReader(io.StringIO(run("analyze", lenet, relu, "-f", "csv").out)))
    assert {x["model"] for x in lines} == {str(lenet), str(relu)}
    assert run("analyze", lenet, relu, "-f", "markdown").out.count("## ") == 3


def test_a_comparison(run: Run, lenet: Path, relu: Path) -> None:
    both = run("analyze", lenet, relu).out
    only = run("analyze", lenet, relu, "--compare").out
    assert both.endswith(only)
    assert only.split()[:2] == ["lenet5.onnx", "relu.onnx"]
    found = json.loads(run("analyze", lenet, relu, "--compare", "-f", "json").out)
    assert list(found) == ["models", "figures"]
    lines = list(
        csv.DictReader(io.StringIO(run("analyze", lenet, relu, "--compare", "-f", "csv").out))
    )
    assert [line["layers"] for line in lines] == ["12", "1"]
    assert run("analyze", lenet, relu, "--compare", "-f", "markdown").out.startswith(
        "## Comparison"
    )
    assert_one_line(run("analyze", lenet, relu, "--compare", "--top", 1), "--top")


def test_one_bad_model_among_several(run: Run, lenet: Path, tmp_path: Path) -> None:
    done = run("analyze", tmp_path / "missing.onnx", lenet, "-f", "json")
    assert_one_line(done, str(tmp_path / "missing.onnx"))
    assert len(json.loads(done.out)) == 1


def test_rows_and_columns(run: Run, lenet: Path) -> None:
    done = run("analyze", lenet, "--sort", "macs", "--top", 2, "--columns", "name,MACs, rf")
    assert "/conv2/Conv  240.0 k     14" in done.out
    assert "... 10 more rows not shown" in done.out
    text = run("analyze", lenet, "-f", "csv", "--columns", "name,params", "--top", 1).out
    assert text == "name,params\n/conv1/Conv,156\n"
    text = run("analyze", lenet, "--by", "op", "-f", "csv", "--columns", "op,layers").out
    assert "Conv,2\n" in text
    text = run("analyze", lenet, "--by", "kind", "-f", "csv", "--columns", "kind,layers").out
    assert "fully connected,3\n" in text
    text = run("analyze", lenet, "--by", "block", "--top", 1, "--columns", "block,consists,rf").out
    assert "/conv1/Conv  conv + act       5" in text
    text = run("analyze", lenet, "--by", "module", "--depth", 1, "-f", "markdown").out
    assert "| module |" in text


def test_shapes_and_dimensions(run: Run, relu: Path) -> None:
    def shape(*options: str) -> list[object]:
        done = run("analyze", relu, "-f", "json", *options)
        assert done.code == 0, done.err
        found: list[object] = json.loads(done.out)["inputs"][0]["shape"]
        return found

    assert shape() == [1, "C", "H", "H"]
    assert shape("--shape", "x=2x3x8x8") == [2, 3, 8, 8]
    assert shape("--shape", "2x3x8x8") == [2, 3, 8, 8]
    assert shape("--shape", "2x?x8x8") == [2, "C", 8, 8]
    assert shape("--dim", "H=5", "--dim", "C=3") == [1, 3, 5, 5]


def test_strict(run: Run, lenet: Path, partial: Path, tmp_path: Path) -> None:
    assert run("analyze", lenet, "--strict").code == 0
    assert run("analyze", partial).code == 0
    done = run("analyze", partial, "--strict")
    assert done.code == 1
    assert "not complete: macs" in done.err
    assert ">= " in done.out or "unavailable" in done.out
    assert run("analyze", partial, tmp_path / "missing.onnx", "--strict").code == 2


def test_operators(run: Run) -> None:
    done = run("operators")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 100
    found = json.loads(run("operators", "-f", "json").out)
    hows = {x["op"]: x["how"] for x in found if x["domain"] == "ai.onnx"}
    assert len(hows) > 180
    assert hows["Conv"] == "rules"
    assert set(hows.values()) <= {"rules", "function", "schema", "none"}
    assert {"Conv", "ConvTranspose"} <= {
        x["op"] for x in csv.DictReader(io.StringIO(run("operators", "conv", "-f", "csv").out))
    }
    assert "| ai.onnx | Conv | rules |" in run("operators", "conv", "-f", "markdown").out
    assert_one_line(run("operators", "Convv"), "did you mean Conv?")


@pytest.mark.parametrize("command", [[], ["analyze"], ["operators"]])
def test_help_has_an_example(run: Run, command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.code == 0
    assert f"Example: {' '.join(['cnnscope', *command])}" in done.out


def test_the_commands_are_listed_as_they_say_of_themselves() -> None:
    said = {
        name: getattr(importlib.import_module(f"cnnscope.runtime.commands.{name}"), name).__doc__
        for name in COMMANDS
    }
    assert said
    assert {name: doc.partition("\n")[0] for name, doc in said.items()} == COMMANDS
    # Whatever in the folder of commands has an example is one, and is listed.
    folder = Path(cnnscope.__path__[0], "runtime", "commands")
    assert {x.stem for x in folder.glob("*.py") if "\nEPILOG = " in x.read_text("utf-8")} == {
        *COMMANDS
    }


def test_the_help_fits_a_screen_and_loads_no_command(run: Run) -> None:
    done = run("--help")
    lines = done.out.splitlines()
    assert run("-h") == done
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 79
    assert next(x for x in lines if x.startswith("  cnnscope ")).split()[1] == "model.onnx"
    code = "import sys, cnnscope.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit(' '.join({'typer', 'numpy', 'onnx', 'rich'} & {*sys.modules}) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_with_examples(run: Run, command: str) -> None:
    out = run(command, "--help").out
    assert COMMANDS[command] in out
    shown = out.partition("Example: ")[2].splitlines()
    assert shown[0].startswith(f"cnnscope {command}")
    assert all(x.strip().startswith("cnnscope ") for x in shown)
    assert max(map(len, out.splitlines())) <= 80


# -- a model alone --------------------------------------------------------------------------------


def test_a_model_alone_is_analysed(
    run: Run, lenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = run("analyze", lenet, "--sort", "macs", "--top", "2", "-f", "csv")
    assert wanted.code == 0
    assert run(lenet, "--sort", "macs", "--top", "2", "-f", "csv") == wanted
    assert run("--sort", "macs", "--top=2", "-f", "csv", lenet) == wanted  # options first
    monkeypatch.chdir(tmp_path)
    for name in ("check", "model", "m.pb"):
        shutil.copy(lenet, name)
    assert run("model", "-f", "csv", "--top", "1").code == 0  # a file, whatever it is called
    assert run("m.pb", "-f", "csv", "--top", "1").code == 0
    assert run("./check", "-f", "csv", "--top", "1").code == 0  # a command's name: by its path
    assert_one_line(run("check", "./check"), "no limits")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["analise", "m.onnx"], "'analise'; did you mean 'analyze'? (see cnnscope --help)"),
        (["Check"], "did you mean 'check'?"),
        (["zzz"], "there is no command 'zzz', and no such file (see cnnscope --help)"),
        (["\x1b[31m"], "there is no command '\\x1b[31m'"),
        (["no.onnx"], "no.onnx: there is no such file"),
        (["no/such"], "no/such: there is no such file"),
        ([""], "there is no command ''"),
        (["--format", "json", "check", "m.onnx"], "a command goes before its options: cnnscope check"),
        (["--format=json", "check", "m.onnx"], "a command goes before its options: cnnscope check"),
        (["--limit", "macs=1G", "m.onnx"], "no such option"),
        (["."], "folder"),
    ],
)  # fmt: skip
def test_a_first_word_that_is_neither(run: Run, words: list[str], said: str) -> None:
    assert_one_line(run(*words), said)


def test_version(run: Run) -> None:
    assert run("--version").out == f"cnnscope {cnnscope.__version__}\n"


# -- misuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--columns", "parms"], "did you mean 'params'?"),
        (["--columns", ","], "names no column"),
        (["--sort", "beauty"], "there is no sort key 'beauty'"),
        (["--by", "op", "--sort", "rf"], "there is no sort key 'rf'"),
        (["--by", "colour"], "colour"),
        (["--depth", "2"], "--depth goes with --by module"),
        (["--by", "block", "--depth", "2"], "--depth goes with --by module"),
        (["--by", "module", "--depth", "0"], "--depth"),
        (["--compare"], "more than one model"),
        (["--shape", "x=1xtwo"], "--shape x=1xtwo"),
        (["--shape", "x=-1x3"], "--shape x=-1x3"),
        (["--shape", "1x1x32x32", "--shape", "1x1x32x32"], "twice"),
        (["--shape", "inptu=1x1x32x32"], "did you mean 'input'?"),
        (["--shape", "1x3"], "dimensions"),
        (["--dim", "H"], "--dim H"),
        (["--dim", "H=4"], "H"),
        (["--top", "0"], "--top"),
        (["--format", "yaml"], "/ '-f': 'yaml' is not one of 'table', 'json'"),
        (["--frobnicate"], "--frobnicate"),
        (["--tensors"], "--format json"),
        (["--format", "json", "--top", "3"], "--top"),
        (["-o", "."], "folder"),
        (["-o", "no/such/folder/file"], "can't be written: there is no folder no/such/folder"),
    ],
)
def test_misuse_is_one_line(run: Run, lenet: Path, options: list[str], said: str) -> None:
    done = run("analyze", lenet, *options)
    assert_one_line(done, said)
    assert done.out == ""


@pytest.mark.parametrize("arguments", [[], ["analyze"], ["analise"], ["--nope"]])
def test_no_command(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert_one_line(done, "--help")
    assert done.err.removeprefix("cnnscope: ")[0].islower()
    assert ". (see" not in done.err


ENDS_EARLY = ["explain", "conventions", "verify", "profile", "check", "diff", "lint"]
#: what each command needs besides a model
BESIDES = {"explain": ["0"], "check": ["--limit", "macs=1G"]}


def of(command: str, model: Path) -> list[object]:
    twice = [model] if command == "diff" else []
    return [command, model, *twice, *BESIDES.get(command, [])]


@pytest.mark.parametrize("command", ["analyze", *ENDS_EARLY])
def test_where_to_write_is_looked_at_first(run: Run, relu: Path, command: str) -> None:
    before = relu.read_bytes()
    assert_one_line(run(*of(command, relu), "-o", relu), "the model itself")
    assert_one_line(run(*of(command, relu), "-o", relu.parent), "this is a folder")
    assert_one_line(run(*of(command, relu), "-o", relu.parent / "no" / "x"), "there is no folder")
    assert relu.read_bytes() == before


@pytest.mark.parametrize("command", [["operators"], ["rule", "CNS101"], ["conventions"]])
def test_no_model_is_overwritten_by_a_list(run: Run, relu: Path, command: list[str]) -> None:
    before = relu.read_bytes()
    assert_one_line(run(*command, "-o", relu), "this is a model")
    assert relu.read_bytes() == before


@pytest.mark.parametrize("command", ["explain", "verify", "diff", "rule"])
def test_what_is_no_table_of_rows_has_no_csv(run: Run, relu: Path, command: str) -> None:
    arguments = ["rule", "CNS101"] if command == "rule" else of(command, relu)
    done = run(*arguments, "-f", "csv")
    assert_one_line(done, f"--format csv doesn't go with {command}: table, json, markdown or html")
    assert done.out == ""


# -- the width --------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "vgg16"], ["analyze", "vgg16", "resnet50"], ["explain", "vgg16", "0"],
        ["conventions", "vgg16"], ["conventions"], ["operators", "Conv"], ["rule", "CNS101"],
        ["rule", "--all"], ["lint", "mobilenet_v2"], ["diff", "vgg16", "resnet50"],
        ["diff", "mobilenet_v2", "resnet50", "--all"],
        ["check", "vgg16", "--limit", "macs=1G", "--limit", "params=1"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_line_is_wider_than_the_screen(
    run: Run, samples: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(samples)
    known = {path.stem for path in samples.glob("*.onnx")}
    done = run(*(f"{word}.onnx" if word in known else word for word in arguments))
    assert done.code in (0, 1), done.err
    longest = max(done.out.splitlines(), key=len)
    assert len(longest) <= columns, longest


def test_what_a_difference_says_is_whole(
    run: Run, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long texts go on below themselves: nothing of them is lost."""
    models = [samples / "mobilenet_v2.onnx", samples / "resnet50.onnx"]

    def words(columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        out = run("diff", *models, "--all").out
        return [w for w in out.split() if w != "what" and not w.startswith("--")]

    wide = words(400)
    assert sorted(words(150)) == sorted(wide)


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_children")
@pytest.mark.parametrize("command", ["analyze", *ENDS_EARLY])
def test_every_command_says_what_is_wrong_with_a_model(
    run: Run, lenet: Path, tmp_path: Path, command: str
) -> None:
    whole = lenet.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.onnx").write_text("hello, world\n" * 20)
    (tmp_path / "folder.onnx").mkdir()
    for key in ("missing", "cut", "text", "folder"):
        path = tmp_path / f"{key}.onnx"
        done = run(*of(command, path))
        assert_one_line(done, f"cnnscope: {path}: ")
        assert (done.out, done.err.count("\n")) == ("", 1), key


def test_bad_input_is_one_line(run: Run, lenet: Path, tmp_path: Path) -> None:
    whole = lenet.read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    bad = {
        "empty": b"",
        "text": b"hello, world\n" * 20,
        "cut": whole[: len(whole) // 2],
        "zeros": bytes(1000),
        "page": b"<!DOCTYPE html><html></html>",
        "pointer": pointer,
    }
    for key, data in bad.items():
        path = tmp_path / f"{key}.onnx"
        path.write_bytes(data)
        done = run("analyze", path)
        assert_one_line(done, f"cnnscope: {path}: ")
        assert done.out == "", key
    assert_one_line(run("analyze", tmp_path), str(tmp_path))
    assert_one_line(run("analyze", tmp_path / "new\nline\x1b.onnx"), "new\\nline\\x1b.onnx")


def test_a_cycle(run: Run, tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    assert_one_line(run("analyze", save(tmp_path / "cycle.onnx", *nodes)), "cycle.onnx: ")


def test_hostile_names(run: Run, tmp_path: Path) -> None:
    node = helper.make_node("Relu", [HOSTILE], ["y"], name=HOSTILE)
    path = save(tmp_path / "hostile.onnx", node)
    for form in ("table", "csv", "markdown", "json"):
        done = run("analyze", path, "-f", form)
        assert done.code == 0
        assert all(line.isprintable() for line in done.out.split("\n")), form
    assert json.loads(done.out)["layers"][0]["name"] == HOSTILE
    lines = list(csv.DictReader(io.StringIO(run("analyze", path, "-f", "csv").out)))
    assert lines[0]["name"].startswith("'=cmd")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ZeroDivisionError("a\nb"), 2, "internal error: ZeroDivisionError: a b; please report it"),
        (MemoryError(), 2, "out of memory"),
        (RecursionError("deep"), 2, "nested too deeply"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_the_last_resort(
    run: Run, lenet: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int,
    said: str,
) -> None:  # fmt: skip
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(analysis, "analyze", fail)
    done = run("analyze", lenet)
    assert done.code == code
    assert said in done.err
    assert done.err.count("\n") == 1
    monkeypatch.setenv("CNNSCOPE_DEBUG", "1")
    if isinstance(error, ZeroDivisionError):
        assert "Traceback" in run("analyze", lenet).err


# -- files ------------------------------------------------------------------------------------


def test_a_file_is_written_whole(run: Run, lenet: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = run("analyze", lenet, "-f", "json", "-o", target)
    assert (done.code, done.out) == (0, "")
    assert json.loads(target.read_text(encoding="utf-8"))["totals"]["params"]["value"] == 61706
    target.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(target)
    assert run("analyze", lenet, "-f", "csv", "-o", link).code == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("index,name,")
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(x.name for x in tmp_path.iterdir()) == ["link.json", "report.json"]


def test_a_failure_leaves_the_old_file(
    run: Run, lenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.csv"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert_one_line(run("analyze", lenet, "-f", "csv", "-o", target), "No space left on device")
    assert target.read_text() == "old"
    assert [x.name for x in tmp_path.iterdir()] == ["report.csv"]
    assert run("analyze", tmp_path / "missing.onnx", "-o", target).code == 2
    assert target.read_text() == "old"


def test_the_model_is_not_overwritten(run: Run, relu: Path) -> None:
    before = relu.read_bytes()
    assert_one_line(run("analyze", relu, "-o", relu), "the model itself")
    assert relu.read_bytes() == before


def test_a_device_is_not_replaced(run: Run, lenet: Path) -> None:
    assert run("analyze", lenet, "-o", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


# -- the real process -------------------------------------------------------------------------

ENTRY = [sys.executable, "-c", "from cnnscope.cli import COMMANDS, main; main()"]


def test_a_reader_that_leaves(samples: Path) -> None:
    process = subprocess.Popen(
        [*ENTRY, "analyze", *[str(samples / "resnet50.onnx")] * 2, "-f", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=300) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_is_full(lenet: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*ENTRY, "analyze", str(lenet)], stdout=full, stderr=subprocess.PIPE, check=False,
            text=True, timeout=300,
        )  # fmt: skip
    assert_one_line(Done(done.returncode, "", done.stderr), "No space left on device")


def test_a_locale_without_unicode(samples: Path) -> None:
    model = str(samples / "resnet50.onnx")  # with names that are shortened
    done = subprocess.run(
        [*ENTRY, "analyze", model, "é\udc80.onnx"], capture_output=True, check=False,
        timeout=300, env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "50"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert "…" in done.stdout.decode("utf-8")
