"""`cnnscope verify`: what it prints, how it exits, and what it does not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from cnnscope.analyzer.report.verification import (
    Agreement,
    FieldCheck,
    MemoryCheck,
    Mismatch,
    Verification,
)
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.cli import main
from cnnscope.runtime.engine import child

OUTCOME = Verification(
    "m.onnx", "cpu", None, "1.0", "stored", 0, {"x": (1, 2)}, Agreement(3, 3), FieldCheck(3, 3),
    MemoryCheck(10, "a", 10, "a"),
)  # fmt: skip


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def planted(monkeypatch: pytest.MonkeyPatch, outcome: object) -> list[Any]:
    """The child answers this; what it was asked is in the list."""
    asked: list[Any] = []

    def answer(target: str, argument: object, **options: object) -> object:
        asked.append((target, argument, options))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(child, "run_in_child", answer)
    return asked


def test_a_sample_agrees(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", samples / "lenet5.onnx", "--provider", "cpu", "-f", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["shapes"]["compared"] == found["shapes"]["agreeing"] == 12
    assert found["fields"]["compared"] == found["fields"]["agreeing"] > 10


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_a_mismatch_is_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    wrong = Agreement(3, 2, (Mismatch("t", "the conv", "Conv", "shape", [1], [2]),))
    planted(monkeypatch, replace(OUTCOME, shapes=wrong))
    assert run("verify", "m.onnx", "-f", form) == 1
    assert "the conv" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are POSIX's")
def test_a_mismatch_that_nobody_reads_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Agreement(3, 2, (Mismatch("t", "the conv", "Conv", "shape", [1], [2]),))
    planted(monkeypatch, replace(OUTCOME, shapes=wrong))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        assert run("verify", "m.onnx") == 1


def test_what_is_asked_arrives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = planted(monkeypatch, OUTCOME)
    output = tmp_path / "out.txt"
    code = run(
        "verify", "m.onnx", "--shape", "x=1x3x?", "--dim", "H=7", "--provider", "tensorrt", "--input",
        "a=b=c.npy", "--seed", 5, "--probes", 9, "--timeout", 0, "--verbose", "-o", output,
    )  # fmt: skip
    assert code == 0
    ((target, job, options),) = asked
    assert target == "cnnscope.runtime.verify.verifying:verify_here"
    assert (job.model, job.shapes, job.dims) == ("m.onnx", {"x": [1, 3, None]}, {"H": 7})
    assert (job.provider, job.inputs, job.seed, job.probes) == (
        "tensorrt", {"a=b": "c.npy"}, 5, 9,
    )  # fmt: skip
    assert options["timeout"] is None
    assert options["verbose"] is True
    assert "m.onnx: agrees" in output.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--provider", "gpu3000"], "knows no such provider"),
        (["--input", "nonsense"], "give an input's name and a file"),
        (["--input", "input=absent.npy"], "absent.npy: no array can be read"),
        (["--shape", "1x1x9x9"], "lenet5.onnx: node '/"),
        (["-f", "csv"], "csv doesn't go with verify"),
        (["--timeout", "0.01"], "given up after 0.01 s"),
    ],
)
def test_what_can_not_be_run_is_exit_2(
    samples: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run("verify", samples / "lenet5.onnx", *arguments) == 2
    said = capsys.readouterr()
    assert not said.out
    assert says in said.err
    assert said.err.count("\n") == 1


def test_no_such_file_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "absent.onnx") == 2
    assert capsys.readouterr().err == (
        "cnnscope: absent.onnx: there is no such file; check the path\n"
    )


def test_an_interruption_is_exit_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(monkeypatch, KeyboardInterrupt())
    assert run("verify", "m.onnx") == 130
    assert capsys.readouterr().err == "cnnscope: interrupted\n"


def test_an_input_is_taken_from_a_file(samples: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 1, 32, 32), np.float32))
    given = f"input={tmp_path / 'x.npy'}"
    assert run("verify", samples / "lenet5.onnx", "--input", given, "--probes", 0) == 0


def test_the_command_itself_loads_nothing_heavy(samples: Path) -> None:
    code = (
        "import sys\nfrom cnnscope.cli import main\n"
        f"try:\n    main(['verify', {str(samples / 'lenet5.onnx')!r}, '--probes', '0'])\n"
        "except SystemExit as left:\n    assert not left.code\n"
        "print(sorted({'numpy', 'onnx', 'onnxruntime', 'networkx'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sizes", "--free", "HxW", "--prove", "6"], "6 sizes run"),
        (["tile", "--tile", "8", "--prove"], "4 tiles of 8 run"),  # 2 along each axis of 16
        (["tile", "--rewrite", "{}", "--until", "0", "--prove"], "the outputs are equal"),
        (["shift", "--measure", "--pairs", "0"], "2 maps run"),  # its one layer, along 2 axes
    ],
)
def test_what_is_said_of_sizes_tiles_and_shifts_is_run(
    words: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    without_children: None,
) -> None:  # fmt: skip
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 1, 16, 16] x) => (float[1, 1, 16, 16] y)'
        " <float[1, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}> { y = Conv<pads = [1, 1, 1, 1]>(x, w) }"
    )
    onnx.save(model, tmp_path / "conv.onnx")
    more = [word.format(tmp_path / "out.onnx") for word in words[1:]]
    assert run(words[0], tmp_path / "conv.onnx", *more, "--provider", "cpu") == 0
    assert said in capfd.readouterr().out


@pytest.mark.parametrize(
    "words", [["sizes", "--free", "HxW", "--prove", "1"], ["shift", "--measure"]]
)
def test_where_that_cant_be_run_there_is_one_line(
    words: list[str], samples: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    planted(monkeypatch, RunError("it took too long"))
    assert run(words[0], samples / "lenet5.onnx", *words[1:]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "it took too long" in err
