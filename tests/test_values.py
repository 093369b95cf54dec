"""The value of an input on which sizes hang, given: what follows from it, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import cnnscope
from cnnscope import cli

HEADER = '<ir_version: 9, opset_import: ["" : 18]>'
#: graph, values, and what ONNX Runtime is given besides
GRAPHS = {
    "reshape": ("g (float[6,4] x, int64[2] s) => (y, z) { y = Reshape(x, s) z = Relu(y) }",
                {"s": [3, 8]}),
    "one missing": ("g (float[6,4] x, int64[2] s) => (y) { y = Reshape(x, s) }", {"s": [-1, 8]}),
    "top": ("g (float[2,9] x, int64[1] k) => (v, i) { v, i = TopK(x, k) }", {"k": 4}),
    "top of a free length": ("g (float[2,9] x, int64[n] k) => (v, i) { v, i = TopK(x, k) }",
                             {"k": [4]}),
    "expand": ("g (float[1,4] x, int64[2] s) => (y) { y = Expand(x, s) }", {"s": (3, 4)}),
    "range": ("g (float x, int64 n) <int64 a = {0}, int64 b = {2}> => (r)"
              " { r = Range(a, n, b) }", {"n": 9}),
    "resize": ("g (float[1,2,4,4] x, int64[4] s) => (y) { y = Resize(x, , , s) }",
               {"s": np.array([1, 2, 7, 9])}),
    "scales": ("g (float[1,2,4,4] x, float[4] s) => (y) { y = Resize(x, , s) }",
               {"s": [1, 1, 2, 1.5]}),
    "slice": ("g (float[9] x, int64[1] e) <int64[1] a = {1}> => (y) { y = Slice(x, a, e) }",
              {"e": [5]}),
    "arithmetic": ("g (float[9] x, int64[1] e) <int64[1] a = {2}, int64[1] o = {1}> => (y)"
                   " { t = Mul(e, a) y = Slice(x, o, t) }", {"e": [3]}),
    "loop": ("g (float[2,3] x, int64 n) => (y, l) { y, l = Loop <body = b (int64 i, bool c, float[2,3] p)"
             " => (bool d, float[2,3] q, float[2,3] r) { d = Identity(c) q = Add(p, p) r = Relu(q) }>"
             " (n, , x) }", {"n": 5}),
    "which branch": ("g (float[2,3] x, bool c) => (y) { y = If (c) <then_branch = t () => (a)"
                     " { a = Relu(x) }, else_branch = e () => (b) { b = Transpose(x) }> }",
                     {"c": False}),
}  # fmt: skip


def parsed(text):
    return onnx.parser.parse_model(HEADER + text)


@pytest.mark.parametrize("name", GRAPHS)
def test_sizes_follow_from_a_value(name):
    text, values = GRAPHS[name]
    model = parsed(declared(text) if "<int64 " in text or "<int64[" in text else text)
    report = cnnscope.analyze(model, values=values)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    dtypes = {"tensor(int64)": np.int64, "tensor(float)": np.float32, "tensor(bool)": np.bool_}
    feeds = {}
    for x in session.get_inputs():
        shape = report.tensors[x.name].shape
        given = np.broadcast_to(np.asarray(values.get(x.name, 1)), shape)
        feeds[x.name] = given.astype(dtypes[x.type])
    for output, actual in zip(report.outputs, session.run(None, feeds), strict=True):
        assert output.shape == actual.shape
    (key,) = values
    # an input it stays: no weight, no constant
    assert not report.tensors[key].constant
    assert report.totals.constants.value == cnnscope.analyze(model).totals.constants.value
    assert "given-value" in {d.code for d in report.diagnostics}
    (entry,) = [x for x in report.to_dict()["inputs"] if x["name"] == key]
    assert entry["value"] == np.broadcast_to(np.asarray(values[key]), feeds[key].shape).tolist()


def declared(text):
    """Stored tensors stand behind the outputs."""
    head, rest = text.split(" <", 1)
    stored, rest = rest.split("> => ", 1)
    outputs, body = rest.split(" {", 1)
    return f"{head} => {outputs} <{stored}> {{{body}"


def exit_code(arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code


TOP = GRAPHS["top"][0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"q": 4}, "there is no input 'q'"),
        ({"k": 4.5}, "the value of input 'k' is no int64"),
        ({"k": [4, 5]}, "the value of input 'k' is 2, the model takes 1"),
        ({"k": [[4]]}, "the value of input 'k' is 1x1, the model takes 1"),
        ({"k": "four"}, "numbers are wanted"),
        ({"k": [1, [2]]}, "numbers are wanted"),
        ({"k": 1 << 70}, "numbers are wanted"),
        ({"k": np.zeros(100_000)}, "has 100000 elements"),
        ({"k": float("nan")}, "is no int64"),
        (5, "a dict from input names to numbers is wanted"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_one_line(values, said):
    with pytest.raises(cnnscope.BindingError, match=re.escape(said)) as caught:
        cnnscope.analyze(parsed(TOP), values=values)
    assert "\n" not in str(caught.value)


def test_a_shape_that_contradicts_the_value():
    free = parsed(GRAPHS["top of a free length"][0])
    with pytest.raises(cnnscope.BindingError, match="is 1, the model takes 2"):
        cnnscope.analyze(free, shapes={"k": [2]}, values={"k": [4]})


@pytest.fixture
def top(tmp_path):
    path = tmp_path / "top.onnx"
    onnx.save(parsed(TOP), path)
    return path


@pytest.mark.parametrize("command", ["analyze", "lint", "conventions", "explain", "diff", "check"])
def test_commands_take_values(command, top, capsys, monkeypatch):
    monkeypatch.chdir(top.parent)
    more = {"explain": ["0"], "diff": [str(top)], "check": ["--limit", "peak_activation=1MB"]}
    code = exit_code([command, str(top), *more.get(command, []), "--value", "k=4"])
    assert code == 0, capsys.readouterr()
    for text, said in [("k=x", "give an input's name"), ("4", "give an input's name"),
                       ("q=4", "'q'"), ("k=[1,2]", "is 2, the model takes 1")]:  # fmt: skip
        code = exit_code([command, str(top), *more.get(command, []), "--value", text])
        written = capsys.readouterr()
        assert code == 2
        assert said in written.err
        assert len(written.err.strip().splitlines()) == 1


def test_the_configuration_gives_values(top, monkeypatch, capsys):
    monkeypatch.chdir(top.parent)
    entry = '[[model]]\npath = "top.onnx"\nlimits = {peak_activation = "500B"}\n'
    config = top.parent / "cnnscope.toml"
    config.write_text(entry)
    assert exit_code(["check"]) == 1  # not known
    config.write_text(entry + "values = {k = 4}\n")
    assert exit_code(["check"]) == 0, capsys.readouterr()
    config.write_text(entry + 'values = {k = "four"}\n')
    assert exit_code(["check"]) == 2
    assert "write a number or a list of them" in capsys.readouterr().err


def test_verify_runs_with_the_value(top):
    found = cnnscope.verify(top, values={"k": 4}, provider="cpu")
    assert found.ok
    report = json.loads(json.dumps(cnnscope.analyze(top, values={"k": 4}).to_dict()))
    assert [x.get("value") for x in report["inputs"]] == [None, [4]]
