"""Past, future and look-ahead along a time axis, against published figures and arithmetic by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import onnx
import onnx.parser
import pytest

import cnnscope
from cnnscope.analyzer.streaming.streaming import StreamedOutput, Streaming
from cnnscope.cli import main

HEAD = (
    '<ir_version: 8, opset_import: ["" : 18]> g (float[1,2,L] x, float[2,2,3] w3, float[2,2,5] w5'
)


def net(body: str, **given: object) -> Streaming:
    """What is said of a net of which the text is the nodes; y is its output. Weights are inputs."""
    text = f"{HEAD}) => (float[N,C,M] y) {{ {body} }}"
    return cnnscope.stream(onnx.parser.parse_model(text), axis="x:2", **given)  # type: ignore[arg-type]  # as given


def only(found: Streaming) -> StreamedOutput:
    (output,) = found.outputs
    return output


# The look-ahead by hand: of a centred convolution of width k, dilation d behind a hop h it is d*(k-1)/2*h.
LAYERS: list[tuple[str, str, int, int, int]] = [
    # (what, nodes, past, future, hop)
    ("centred", "y = Conv<pads=[2,2]>(x, w5)", 2, 2, 1),
    ("centred, dilated", "y = Conv<pads=[6,6], dilations=[3]>(x, w5)", 6, 6, 1),
    ("causal", "y = Conv<pads=[4,0]>(x, w5)", 4, 0, 1),
    ("anticausal", "y = Conv<pads=[0,4]>(x, w5)", 0, 4, 1),
    ("two centred", "t = Conv<pads=[1,1]>(x, w3) y = Conv<pads=[2,2]>(t, w5)", 3, 3, 1),
    # Hop 2: unit i sees 2i-1..2i+1, its own are 2i, 2i+1.
    ("stride 2", "y = Conv<pads=[1,1], strides=[2]>(x, w3)", 1, 0, 2),
    # ... then of hop 2, one unit ahead: 2(i+1)+1, two samples behind 2i+1.
    ("behind stride 2",
     "t = Conv<pads=[1,1], strides=[2]>(x, w3) y = Conv<pads=[1,1]>(t, w3)", 3, 2, 2),
    ("no padding", "y = Conv(x, w5)", 0, 4, 1),
    ("delayed", "p = Constant<value_ints=[0,0,7,0,0,0]>() t = Pad(x, p) y = Conv(t, w5)", 7, -3, 1),
    ("padded and cut", "t = Conv<pads=[4,4]>(x, w5) a = Constant<value_ints=[0]>()"
     " b = Constant<value_ints=[-4]>() c = Constant<value_ints=[2]>() y = Slice(t, a, b, c)", 4, 0, 1),
    ("residual", "t = Conv<pads=[1,1]>(x, w3) y = Add(x, t)", 1, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("what", "body", "past", "future", "hop"), LAYERS)
def test_by_hand(what: str, body: str, past: int, future: int, hop: int) -> None:
    found = net(body)
    output = only(found)
    assert (output.past, output.future, output.hop) == (past, future, hop)
    assert output.look_ahead == max(future, 0)
    assert found.causal is (future <= 0)
    assert output.window == past + hop + future
    assert sum(layer.added for layer in found.layers) == max(future, 0)


def test_upsampling_has_a_period() -> None:
    """Three units from two samples each: units 3q, 3q+1, 3q+2 all see sample 2q and 2q+1."""
    body = (
        "t = Conv<strides=[2], kernel_shape=[2]>(x, w2) s = Constant<value_floats=[1.0,1.0,3.0]>() "
        'y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">'
        "(t, , s)"
    )
    text = f"{HEAD}, float[2,2,2] w2) => (float[N,C,M] y) {{ {body} }}"
    found = cnnscope.stream(onnx.parser.parse_model(text), axis="x:2")
    output = only(found)
    assert output.hop == Fraction(2, 3)
    assert (output.period, output.advance, found.chunk) == (3, 2, 2)
    # Of its own are samples 0, 0..1, 1: behind it lie 1, 0, 0, before it 0, 0, 1.
    assert output.phases == ((0, 1), (0, 0), (1, 0))
    assert (output.past, output.future, found.context_window) == (1, 1, 2)


def pyannote() -> onnx.ModelProto:
    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,L] x, float[80,1,251] a, float[60,80,5] b,'
        " float[60,60,5] c) => (float[N,C,M] y) { t0 = Conv<strides=[10]>(x, a)"
        " t1 = MaxPool<kernel_shape=[3], strides=[3]>(t0) t2 = Conv(t1, b)"
        " t3 = MaxPool<kernel_shape=[3], strides=[3]>(t2) t4 = Conv(t3, c)"
        " y = MaxPool<kernel_shape=[3], strides=[3]>(t4) }"
    )


def test_pyannote() -> None:
    """Published: 991 samples, 270 from unit to unit; 991 - 270 of them lie behind a unit's own."""
    found = cnnscope.stream(pyannote(), rate=16000, axis="x:2")
    output = only(found)
    assert (output.window, output.hop, output.past, output.future) == (991, 270, 0, 721)
    assert (found.chunk, found.context_window) == (270, 991)
    said = found.to_dict()
    assert said["look_ahead_ms"] == 45.0625
    # A pooling in step adds nothing; convolutions the units of their hop that lie ahead.
    assert [(x.op, x.added) for x in found.layers] == [("Conv", 241), ("Conv", 120), ("Conv", 360)]


def test_wavenet(samples: Path) -> None:
    found = cnnscope.stream(samples / "wavenet.onnx", rate=16000)
    assert (found.causal, found.look_ahead, only(found).window, only(found).hop) == (
        True,
        0,
        3070,
        1,
    )
    assert (found.input, found.axis, found.chunk, found.context_window) == ("input", 2, 1, 3070)
    assert found.layers == ()


@pytest.mark.parametrize(("name", "window"), [("hm_wavenet", 511), ("hm_tcn", 121)])
def test_corpus(corpus: Path, name: str, window: int) -> None:
    """hm_tcn: 1 + 2*(3-1)*(1+2+4+8+...); both by the corpus's own gradients."""
    found = cnnscope.stream(next(corpus.rglob(f"{name}.onnx")))
    assert (found.causal, only(found).window) == (True, window)


RECURRENT = 'u = Transpose<perm=[2,0,1]>({of}) v = LSTM<hidden_size=3, direction="{way}">(u, W, R)'
ALL_PAST = [
    ("LSTM", RECURRENT.format(of="x", way="forward") + " y = Identity(v)", 0),
    ("LSTM", "t = Conv<pads=[2,2]>(x, w5) " + RECURRENT.format(of="t", way="forward")
     + " y = Identity(v)", 2),
    ("CumSum", "a = Constant<value_int=2>() t = Conv<pads=[1,1]>(x, w3) y = CumSum(t, a)", 1),
]  # fmt: skip
ALL = [
    ("GlobalAveragePool", "t = Conv(x, w3) y = GlobalAveragePool(t)"),
    ("LSTM", RECURRENT.format(of="x", way="reverse") + " y = Identity(v)"),
    ("LSTM", "u = Transpose<perm=[2,0,1]>(x) y = LSTM<hidden_size=3, direction=\"bidirectional\">(u, V, S)"),
    ("InstanceNormalization", "y = InstanceNormalization(x, s, s)"),
    ("Softmax", "y = Softmax(x)"),
    ("CumSum", "a = Constant<value_int=2>() y = CumSum<reverse=1>(x, a)"),
    ("DFT", "t = Unsqueeze(x, e) y = DFT<axis=2>(t)"),
    # Turned round, run forward and turned back it is a backward recurrence.
    ("CumSum", "a = Constant<value_int=2>() i = Constant<value_ints=[-1]>()"
     " j = Constant<value_ints=[-999999]>() k = Constant<value_ints=[2]>() t = Slice(x, i, j, k, i)"
     " u = CumSum(t, a) y = Slice(u, i, j, k, i)"),
]  # fmt: skip


def recurrent(body: str, length: str = "64") -> Streaming:
    text = (
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[1,2,{length}] x, float[2,2,3] w3,'
        " float[2,2,5] w5, float[1,12,2] W, float[1,12,3] R, float[2] s, float[2,12,2] V,"
        " float[2,12,3] S) => (float y)"
        f" <int64[1] e = {{3}}> {{ {body} }}"
    )
    return cnnscope.stream(onnx.parser.parse_model(text), axis="x:2")


@pytest.mark.parametrize(("op", "body", "ahead"), ALL_PAST)
def test_all_the_past(op: str, body: str, ahead: int) -> None:
    output = only(recurrent(body))
    assert (output.past, output.window, output.look_ahead) == (None, None, ahead)
    assert output.unbounded_by is not None
    assert op in output.unbounded_by
    assert output.to_dict()["past"] == "unbounded"
    assert output.causal is (ahead == 0)


@pytest.mark.parametrize(("op", "body"), ALL)
def test_the_whole_signal(op: str, body: str) -> None:
    found = recurrent(body)
    output = only(found)
    assert not output.streamable
    assert (output.window, output.past, output.future, output.look_ahead) == (None,) * 4
    assert (found.causal, found.chunk, found.look_ahead) == (False, None, None)
    assert output.blocked_by is not None
    assert op in output.blocked_by


def test_mirrored_padding_shows_what_is_ahead() -> None:
    """A convolution padded on the left by 4 mirrored samples: unit 0 sees samples 4, 3, 2, 1, 0."""
    body = 'p = Constant<value_ints=[0,0,4,0,0,0]>() t = Pad<mode="{}">(x, p) y = Conv(t, w5)'
    assert only(net(body.format("reflect"), dims={"L": 50})).future == 4
    assert only(net(body.format("edge"), dims={"L": 50})).future == 0
    free = only(net(body.format("reflect")))
    assert (free.future, free.causal) == (None, None)
    assert "give it (--dim" in free.reason
    wrapped = only(net(body.format("wrap"), dims={"L": 50}))
    assert (wrapped.causal, wrapped.future, wrapped.blocked_by) == (False, None, "Pad_1")


# -- the command, and limits ------------------------------------------------------------------------


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["stream", *words])
    return int(str(ended.value.code))


def test_command(tmp_path: Path, capfd: pytest.CaptureFixture[str], samples: Path) -> None:
    onnx.save(pyannote(), tmp_path / "front.onnx")
    assert (
        run(str(tmp_path / "front.onnx"), "--axis", "x:2", "--rate", "16000", "--format", "json")
        == 0
    )
    said = json.loads(capfd.readouterr().out)
    assert (said["schema_version"], said["look_ahead"], said["chunk_ms"]) == (1, 721, 16.875)
    assert run(str(tmp_path / "front.onnx"), "--axis", "x:2", "--causal") == 1
    assert "721" in capfd.readouterr().out
    assert run(str(samples / "wavenet.onnx"), "--causal", "--format", "csv") == 0
    assert "3070" in capfd.readouterr().out
    assert run(str(samples / "lenet5.onnx")) == 2
    assert "layers look along several axes (input:2, input:3)" in capfd.readouterr().err
    assert run(str(samples / "lenet5.onnx"), "--axis", "input:3") == 0
    assert "not streamable" in capfd.readouterr().out


@pytest.mark.parametrize("axis", ["y:2", "x:7", "x:", "2:x", ""])
def test_no_such_axis(axis: str) -> None:
    with pytest.raises(cnnscope.BindingError):
        cnnscope.stream(pyannote(), axis=axis)


@pytest.mark.parametrize("rate", [0, -1, True, 1.5, "16000"])
def test_no_such_rate(rate: object) -> None:
    with pytest.raises(cnnscope.ArgumentError):
        cnnscope.stream(pyannote(), axis="x:2", rate=rate)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("limit", "state"),
    [("<= 0", "within"), ("640", "within"), ("< 0", "exceeds"), ("<= 40 ms at 16 kHz", "within")],
)
def test_limit(samples: Path, limit: str, state: str) -> None:
    found = cnnscope.check(samples / "wavenet.onnx", {"lookahead": limit})
    (verdict,) = found.models[0].verdicts
    assert verdict.state == state


CONFIG = '[limits]\nlookahead = "<= {}"\n{}\n[[model]]\npath = "*.onnx"\n{}\n'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CONFIG.format("2", "", ""), 0), (CONFIG.format("1", "", ""), 1),
        # Two samples at 8 kHz are 0.25 ms; of 0.24 ms only one is within.
        (CONFIG.format("0.25 ms", "rate = 8000", ""), 0),
        (CONFIG.format("0.24 ms", "rate = 8000", ""), 1),
        (CONFIG.format("0.25 ms", "", ""), 2), (CONFIG.format("0.25 ms", 'rate = "8k"', ""), 2),
        (CONFIG.format("0", "", 'rate = 8000\nlimits.lookahead = "<= 0.25 ms"'), 0),
        (CONFIG.format("0", "", 'rate = 8000\nlimits.lookahead = "<= 0.1 ms"'), 1),
    ],
)  # fmt: skip
def test_limits_in_ms(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    code: int,
    make: Callable[[], onnx.ModelProto],
) -> None:
    onnx.save(make(), tmp_path / "m.onnx")
    (tmp_path / "cnnscope.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=str(code)):
        main(["check"])


@pytest.fixture
def make() -> Callable[[], onnx.ModelProto]:
    """A convolution that looks two samples ahead."""
    return lambda: onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,2,64] x, float[2,2,5] w)'
        " => (float[1,2,64] y) { y = Conv<pads=[2,2]>(x, w) }"
    )


@pytest.mark.parametrize(
    ("limit", "state"),
    [("<= 0.3 ms", "within"), ("< 0.3 ms", "within"), (">= 0.3 ms", "exceeds"), ("> 0.3 ms", "exceeds"),
     ("<= 0.24 ms", "exceeds"), (">= 0.24 ms", "within"), ("== 0.25 ms", "within")],
)  # fmt: skip
def test_a_limit_may_lie_between_two_samples(
    limit: str, state: str, make: Callable[[], onnx.ModelProto]
) -> None:
    # Two samples at 8 kHz are 0.25 ms.
    found = cnnscope.check(make(), {"lookahead": f"{limit} at 8 kHz"})
    (verdict,) = found.models[0].verdicts
    assert verdict.state == state


def test_an_unknown_look_ahead_keeps_no_limit(samples: Path) -> None:
    found = cnnscope.check(samples / "vgg16.onnx", {"lookahead": 10**6})
    (verdict,) = found.models[0].verdicts
    assert verdict.state == "unknown"
    assert not found.ok
