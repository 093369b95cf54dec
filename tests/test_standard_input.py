"""`-`: is a model on standard input read as the same model in a file is, by every command?"""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import cnnscope
from cnnscope.analyzer.model.piped import Piped
from cnnscope.cli import main
from cnnscope.runtime.commands import analyze, reading, sources

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,8,8] x) => (float[1,4,6,6] y) { c = Conv(x, w)  y = Relu(c) }"""


def model_bytes(seed: int = 0) -> bytes:
    """A convolution with its weights stored in the model."""
    model = onnx.parser.parse_model(TEXT)
    weights = np.random.default_rng(seed).normal(size=(4, 3, 3, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    return model.SerializeToString()


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    def call(data: bytes, *words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(SystemExit) as stop:
            main([str(x) for x in words])
        out, err = capfd.readouterr()
        return int(stop.value.code or 0), out, err

    return call


Run = Callable[..., tuple[int, str, str]]

COMMANDS = [
    ["analyze", "{}"],
    ["{}", "--tensors", "-f", "json"],
    ["analyze", "{}", "{file}"],
    ["explain", "{}", "c"],
    ["conventions", "{}"],
    ["check", "{}", "--limit", "macs=1k"],
    ["lint", "{}", "--weights"],
    ["diff", "{}", "{other}"],
    ["diff", "{other}", "{}"],
]


@pytest.mark.parametrize(
    ("words", "form"),
    [(words, form) for words in COMMANDS for form in ("table", "json") if "verify" not in words],
    ids=str,
)
def test_it_is_the_same_model(
    run: Run, tmp_path: Path, words: list[str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").write_bytes(model_bytes())
    (tmp_path / "other.onnx").write_bytes(model_bytes(1))
    both = [
        run(
            model_bytes(),
            *(x.format(given, file="m.onnx", other="other.onnx") for x in words),
            *([] if "-f" in words else ["-f", form]),
        )
        for given in ("m.onnx", "-")
    ]
    (code, out, err), (piped_code, piped, piped_err) = both
    assert (code, err) == (piped_code, piped_err)
    assert code in (0, 1)
    assert out
    if form == "json" and words[0] != "conventions" and "{file}" not in words:
        for text in ("<stdin>", "%3Cstdin%3E"):
            piped = piped.replace(text, "m.onnx")
        assert json.loads(out) == json.loads(piped)
    elif words[0] != "explain":
        assert "<stdin>" in piped or "%3Cstdin%3E" in piped
        assert "<stdin>" not in out
    else:
        assert out == piped


def test_processes_of_their_own_get_the_bytes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(model_bytes(), "verify", "-", "--provider", "cpu", "-f", "json")
    assert (code, err, json.loads(out)["model"]) == (0, "", "<stdin>")
    asked: list[object] = []
    for command in (analyze, reading):
        monkeypatch.setattr(
            command,
            "run_in_children",
            lambda source, jobs, *_, **__: asked.extend(x for _, x in jobs),
        )
    for words in (["verify", "-"], ["profile", "-"], ["-", "--run"]):
        run(model_bytes(), *words)
    sent = [pickle.loads(pickle.dumps(getattr(job, "base", job))).model for job in asked]
    assert [(type(x), bytes(x)) for x in sent] == [(Piped, model_bytes())] * 4


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "<stdin>: the file is empty"),
        (b"\x00\x01\x02", "<stdin>: not an ONNX model, or a corrupt one"),
        (b"<html>nothing</html>", "<stdin>: "),
        (model_bytes()[:-40], "<stdin>: "),
    ],
)
def test_what_is_no_model_is_one_line(run: Run, data: bytes, said: str) -> None:
    for words in (["-"], ["lint", "-"], ["check", "-", "--limit", "macs=1"]):
        code, _, err = run(data, *words)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err
        assert "<stdin>" not in err.removeprefix("cnnscope: <stdin>: ")


def test_it_is_read_once(run: Run) -> None:
    for words in (
        ["-", "-"],
        ["diff", "-", "-"],
        ["lint", "-", "-"],
        ["check", "-", "-", "--limit", "macs=1"],
    ):
        code, out, err = run(model_bytes(), *words)
        assert (code, out) == (2, "")
        assert "can be read only once" in err


def test_there_is_a_bound(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST", 10)
    assert run(b"x" * 10, "-")[2].startswith("cnnscope: <stdin>: not an ONNX model")
    assert run(b"x" * 11, "-")[2].startswith("cnnscope: -: more than 2 GiB")


def test_a_terminal_or_nothing_is_refused(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, said in ((Terminal(), "is a terminal: pipe"), (None, "is closed: pipe")):
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(SystemExit, match="2"):
            main(["explain", "-", "0"])
        assert said in capfd.readouterr().err


def test_nothing_beside_it_is_read(
    run: Run, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose weights are in a file of the working directory, which isn't its folder."""
    monkeypatch.chdir(samples)
    data = (samples / "lenet5.onnx").read_bytes()
    code, out, _ = run(data, "-", "-f", "json")
    assert code == 0
    assert json.loads(out)["model"]["weights"] == "missing"


def test_a_report_of_it_can_be_kept_and_run() -> None:
    report = cnnscope.analyze(Piped(model_bytes()))
    assert report.model.path == "<stdin>"
    assert pickle.loads(pickle.dumps(report)).to_dict() == report.to_dict()
    assert cnnscope.verify(report, provider="cpu").ok  # from the bytes: no file is called so


def test_what_is_said_to_type_can_be_typed(run: Run) -> None:
    model = onnx.parser.parse_model(TEXT.replace("8,8", "H,W").replace("6,6", "H,W"))
    model.graph.input.add().CopyFrom(model.graph.input[0])
    model.graph.input[1].name = "w"
    del model.graph.input[1].type.tensor_type.shape.dim[:]
    for length in (4, 3, 3, 3):
        model.graph.input[1].type.tensor_type.shape.dim.add().dim_value = length
    out = run(model.SerializeToString(), "-")[1]
    assert "cnnscope analyze - --dim H=" in out


def test_a_dash_is_standard_output_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = run(model_bytes(), "-", "-f", "csv")
    assert run(model_bytes(), "-", "-f", "csv", "-o", "-") == wanted
    assert not [*tmp_path.iterdir()]


def test_a_pipe_and_a_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnnscope.cli", "-", "--columns", "name", "-f", "csv"],
        input=model_bytes(), capture_output=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.split() == [b"name", b"Conv_0", b"Relu_1"]
