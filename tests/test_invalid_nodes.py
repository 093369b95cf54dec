"""A node that can't be costs what hangs on it, and nothing else; every command says so.

The networks are written out here; that ONNX Runtime refuses each of them, and runs it without the
node, is asked of ONNX Runtime.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from networks import network, node, refusal
from onnx import TensorProto, helper

import cnnscope
from cnnscope.cli import main
from cnnscope.testing import assert_within

# 6*6*4 outputs of 27 products; behind it a kernel for 5 channels, where there are 4
FIRST, MACS = "a", 6 * 6 * 4 * 27


def broken() -> onnx.ModelProto:
    """Convolution, one whose kernel has another number of channels, activation; and a branch."""
    made = network(
        node("Conv", "x w", "a"), node("Conv", "a v", "bad"), node("Relu", "bad", "b"),
        node("Relu", "a", "c"),
        x=(1, 3, 8, 8), w=(4, 3, 3, 3), v=(2, 5, 3, 3), outputs="b c",
    )  # fmt: skip
    # What the file declares was written for a model that runs: it isn't taken here.
    made.graph.value_info.append(
        helper.make_tensor_value_info("bad", TensorProto.FLOAT, [1, 2, 4, 4])
    )
    del made.graph.output[:]
    made.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("b", [1, 2, 4, 4]), ("c", [1, 4, 6, 6]))
    )
    return made


@pytest.fixture
def path(tmp_path: Path) -> str:
    onnx.save(broken(), tmp_path / "broken.onnx")
    return str(tmp_path / "broken.onnx")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        assert isinstance(stop.value.code, int)
        return stop.value.code, *capfd.readouterr()

    return call


def test_onnx_runtime_refuses_it() -> None:
    with pytest.raises(Exception, match="channels"):
        ort.InferenceSession(broken().SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {"x": np.ones((1, 3, 8, 8), np.float32)}
        )


def test_only_what_hangs_on_it_is_unknown() -> None:
    report = cnnscope.analyze(broken())
    (error,) = report.errors
    assert (error.layer, error.severity, error.code) == ("bad", "error", "invalid-node")
    for part in ("'bad'", "Conv", "1x4x6x6", "2x5x3x3"):
        assert part in error.message
    shapes = {name: x.shape for name, x in report.tensors.items()}
    assert shapes == {
        "x": (1, 3, 8, 8), "a": (1, 4, 6, 6), "bad": None, "b": None, "c": (1, 4, 6, 6),
    }  # fmt: skip
    assert not report.complete
    macs = report.totals.macs
    assert (macs.value, macs.known, macs.status) == (None, MACS, "partial")
    assert dict(macs.uncounted) == {"Conv": 1, "Relu (the rank of an input)": 1}
    assert report.totals.params.value == 4 * 27 + 2 * 45  # what is stored, is
    (written,) = [x for x in report.to_dict()["diagnostics"] if x["severity"] == "error"]  # type: ignore[attr-defined]
    assert written["layer"] == "bad"
    assert report.layers["c"].receptive_field[0].size == 3
    assert all(f.size is None for f in report.layers["b"].receptive_field)


@pytest.mark.parametrize("strict", [[], ["--strict"]])
@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_analyze_exits_with_1(run, path, strict: list[str], form: str) -> None:
    code, out, err = run("analyze", path, "-f", form, *strict)
    assert code == 1
    assert "'bad' (Conv)" in err
    assert "1x4x6x6" in err
    if form == "json":
        codes = {(d["code"], d["severity"]) for d in json.loads(out)["diagnostics"]}
        assert ("invalid-node", "error") in codes
    assert "bad" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["explain", "{}", "c"], 0),
        (["explain", "{}", "bad"], 0),
        (["conventions", "{}"], 0),
        (["analyze", "{}", "{}", "--compare"], 1),
        (["diff", "{}", "{}"], 0),
        (["diff", "{}", "{}", "--fail-on", "any"], 1),
        (["lint", "{}"], 1),
        (["lint", "{}", "--select", "CNS610"], 1),
        (["check", "{}", "--limit", "params=1M"], 1),
        (["check", "{}", "--limit", "macs=1G"], 1),
        (["check", "{}", "--limit", "macs=1G", "--allow-unknown"], 1),
        (["check", "{}", "--limit", "params=1M", "--limit", "errors=1"], 0),
        (["check", "{}", "--limit", "params=1M", "--limit", "errors=0"], 1),
    ],
)
def test_other_commands_go_on(run, path, arguments: list[str], code: int) -> None:
    done, out, err = run(*(x.format(path) for x in arguments))
    assert done == code, err
    assert "internal" not in err
    assert out
    if "errors=1" not in arguments:
        said = " ".join((out + err).split())
        assert "'bad' (Conv)" in said


@pytest.mark.parametrize("form", ["json", "junit", "sarif", "github", "gitlab", "markdown"])
def test_a_gate_says_so_in_every_format(run, path, form: str) -> None:
    for gate in (["check", path, "--limit", "params=1M"], ["lint", path, "--select", "CNS6"]):
        code, out, _ = run(*gate, "-f", form)
        assert code == 1
        assert "bad" in out


def test_a_check_fails_whatever_else_is_kept() -> None:
    check = cnnscope.check(broken(), {"macs": "1 G", "params": "1 M"})
    assert not check.ok
    states = {v.limit.name: v.state for v in check}
    assert states == {"macs": "unknown", "params": "within", "errors": "exceeds"}
    assert not cnnscope.check(broken(), {"params": "1 M"}, allow_unknown=True).ok
    assert cnnscope.check(broken(), {"params": "1 M", "errors": 1}).ok
    with pytest.raises(AssertionError, match="contradicts itself"):
        assert_within(broken(), params="1 M")


# -- subgraphs -------------------------------------------------------------------------------------


def branches(then_channels: int, else_channels: int) -> onnx.ModelProto:
    def branch(channels: int, name: str) -> onnx.GraphProto:
        weight = helper.make_tensor(
            f"w{name}", TensorProto.FLOAT, [2, channels, 1, 1], [1.0] * 2 * channels
        )
        made = node("Conv", f"x w{name}", name, name=name)
        return helper.make_graph([made], name, [], [onnx.ValueInfoProto(name=name)], [weight])

    test = node("ReduceMax", "x", "m", keepdims=0)
    cond = node("Cast", "m", "cond", to=TensorProto.BOOL)
    which = node("If", "cond", "y", then_branch=branch(then_channels, "p"),
                 else_branch=branch(else_channels, "q"))  # fmt: skip
    return network(test, cond, which, x=(1, 3, 4, 4))


def test_a_branch_that_cannot_be_isnt_the_one_that_runs() -> None:
    report = cnnscope.analyze(branches(5, 3))
    assert not report.errors
    assert report.tensors["y"].shape == (1, 2, 4, 4)
    assert report.totals.macs.value == 16 * 2 * 3
    assert set(report.layers["y"].bodies) == {"else_branch"}
    assert refusal(branches(3, 3)) == ""


def test_an_error_in_both_branches_is_one() -> None:
    assert {d.layer for d in cnnscope.analyze(branches(5, 6)).errors} == {"y/p", "y/q"}


def test_a_loop_whose_body_declares_one_axis(cases: Path) -> None:
    """ONNX Runtime gives such a body its iteration number with shape [1]."""
    report = cnnscope.analyze(cases / "loop_iteration_rank1.onnx")
    assert not report.errors


def test_operands_that_contradict_each_other(cases: Path) -> None:
    """ONNX Runtime refuses both; the GRU runs with the batch that its state is stored for."""
    gru = cases / "gru_batch_baked.onnx"
    assert not cnnscope.analyze(gru, dims={"batch_size": 1}).errors
    (error,) = cnnscope.analyze(gru, dims={"batch_size": 4}).errors
    assert "initial_h is 1x1x20, 1x4x20 is wanted" in error.message
    (error,) = cnnscope.analyze(cases / "einsum_ellipsis_uneven.onnx").errors
    assert "ellipses" in error.message


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (network(node("LSTM", "x w r", "y", hidden_size=5), x=(3, 2, 4), w=(1, 20, 3), r=(1, 20, 5)),
         "W is 1x20x3, 1x20x4 is wanted"),
        (network(node("LSTM", "x w r", "y", hidden_size=5, layout=1), x=(3, 2, 4), w=(1, 20, 4),
                 r=(2, 20, 5)), "R is 2x20x5"),
        (network(node("LayerNormalization", "x s", "y"), x=(2, 3, 4), s=(5,)), "onto 2x3x4"),
        (network(node("BatchNormalization", "x s s s v", "y"), x=(2, 3, 4), s=(3,), v=(4,)),
         "var is 4, 3 is wanted"),
        (network(node("GroupNormalization", "x s s", "y", num_groups=4), x=(2, 6, 5), s=(6,)),
         "no multiple of 4 groups"),
        (network(node("Einsum", "x", "y", equation="ii->i"), x=(2, 3)), "diagonal"),
        (network(node("Attention", "x k k", "y", domain=""), x=(1, 2, 4, 8), k=(1, 2, 5, 7),
                 opset=23), "K is 1x2x5x7"),
        (network(node("Relu", "x", "y", no_such=1), x=(2,)), "no attribute 'no_such'"),
        (network(node("Add", "x i", "y"), x=(2,), i=np.ones(2, np.int64)), "one dtype"),
        (network(node("Relu", "b", "y"), x=(2,), b=np.ones(2, bool)), "doesn't take"),
    ],
)  # fmt: skip
def test_what_onnx_runtime_refuses_is_an_error(made: onnx.ModelProto, said: str) -> None:
    def run() -> None:
        session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        session.run(None, {x.name: np.ones(x.shape, np.float32) for x in session.get_inputs()})

    with pytest.raises(Exception, match=r"."):
        run()
    assert said in refusal(made)


def test_a_state_that_grows_is_followed_for_a_known_number_of_iterations() -> None:
    """Iteration i appends the first i + 1 columns: 2 + 1 + 2 + 3."""
    body = onnx.parser.parse_graph(
        "body (int64 i, bool c, float[N,M] s) => (bool d, float[A,B] t)"
        "<int64[1] one = {1}, int64[1] zero = {0}>"
        "{ d = Identity(c) n = Unsqueeze(i, zero) end = Add(n, one)"
        "  part = Slice(s, zero, end, one) t = Concat<axis = 1>(s, part) }"
    )
    made = network(node("Loop", "trips  x", "y", body=body), x=(3, 2), trips=np.array(3, np.int64))
    made.graph.node[0].input[:] = ["trips", "", "x"]
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.ones((3, 2), np.float32)})
    report = cnnscope.analyze(made)
    assert report.outputs[0].shape == y.shape == (3, 8)
