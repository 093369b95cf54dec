"""Chosen layers in check, explain and profile: the same words everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli import Run, run

__all__ = ["run"]  # the fixture


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        # 5*5*1*6*28*28 and 5*5*6*16*10*10 MACs
        (["--layer", "conv*", "--limit", "macs=357600"], 0, "macs of conv*"),
        (["--layer", "conv*", "--limit", "macs=357599"], 1, "macs of conv*"),
        (["--only", "macs<50k", "--limit", "macs<=58920"], 0, "macs of macs<50k"),
        (["--only", "op=Gemm", "--layer", "fc1", "--limit", "params=48120"], 0, "fc1; op=Gemm"),
        (["--layer", "conv*", "--limit", "layer.*.macs=200k"], 1, "among conv*"),
        (["--layer", "conv1", "--limit", "kind.convolution.macs=117600"], 0, "among conv1"),
        (["--only", "kind=depthwise", "--limit", "macs=0"], 0, "macs of kind=depthwise"),
    ],
)
def test_limits_on_chosen_layers(
    samples: Path, run: Run, options: list[str], code: int, said: str
) -> None:
    done = run("check", samples / "lenet5.onnx", *options, "-f", "markdown")
    assert done.code == code, done.out + done.err
    assert said.replace("*", "\\*").replace("<", "&lt;") in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layer", "conv*", "--limit", "opset>=13"], "opset is of the whole model"),
        (["--layer", "conv*", "--limit", "operators.forbid=Loop"], "is of the whole model"),
        (["--layer", "conv*"], "give one, such as macs=1G"),
        (["--layer", "convv1", "--limit", "macs=1G"], "did you mean 'conv1'"),
        (["--only", "mac>1", "--limit", "macs=1G"], "did you mean 'macs'?"),
        (["--only", "time>1ms", "--limit", "macs=1G"], "only a run shows that"),
    ],
)
def test_what_check_refuses(samples: Path, run: Run, options: list[str], said: str) -> None:
    done = run("check", samples / "lenet5.onnx", *options)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_limits_of_the_file_are_the_models(
    samples: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cnnscope.toml").write_text('limits.params = "1 k"\n')
    model = samples / "lenet5.onnx"
    assert run("check", model).code == 1
    assert run("check", model, "--layer", "conv1", "--limit", "params=156").code == 0


def test_a_baseline_of_chosen_layers(samples: Path, run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "b.json"
    model = samples / "lenet5.onnx"
    given = ["check", model, "--layer", "conv*", "--limit", "macs=1M, +2%", "--baseline", saved]
    assert run(*given, "--update-baseline").code == 0
    done = run(*given, "-f", "json")
    assert done.code == 0
    _, relative = json.loads(done.out)["models"][0]["verdicts"]
    assert relative["scope"]["among"] == {"layers": ["conv*"], "only": []}
    other = run(*["fc*" if x == "conv*" else x for x in given])
    assert other.code == 1
    assert "the baseline has no macs of fc*" in " ".join(other.out.split())


def test_whether_a_layer_is_meant_is_not_known(run: Run, tmp_path: Path) -> None:
    import onnx
    import onnx.parser

    path = tmp_path / "m.onnx"
    text = (
        '<ir_version: 8, opset_import: ["" : 17, "my" : 1]> g (float[8] x) => (float[8] y) '
        "{ a = my.Own(x) b = Relu(x) y = my.Other(a, b) }"
    )
    onnx.save(onnx.parser.parse_model(text), path)
    done = run("check", path, "--only", "flops<1k", "--limit", "flops<=1k")
    assert done.code == 1  # 8 are within, but others may be meant, too
    assert "whether they are meant isn't known of 2 layers (flops<1k)" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--only", "macs>200k"], 0, "/conv2/Conv: Conv, 2-D convolution 5x5"),
        (["conv", "--only", "macs<200k"], 0, "/conv1/Conv: Conv"),
        (["--only", "macs>100k"], 2, "'macs>100k' fits 2 layers"),
        (["--only", "macs>1G"], 2, "no layer has macs>1G"),
        (["conv1", "--only", "macs>200k"], 2, "none that fits has macs>200k"),
        ([], 2, "which layer?"),
    ],
)
def test_the_one_layer_to_explain(
    samples: Path, run: Run, given: list[str], code: int, said: str
) -> None:
    done = run("explain", samples / "lenet5.onnx", *given)
    assert done.code == code
    assert said in (done.out if code == 0 else done.err)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layer", "convv1"], "no layer fits 'convv1'; did you mean 'conv1'"),
        (["--depth", "2"], "--depth goes with --by module"),
        (["--by", "op", "-f", "json"], "--by goes with table"),
        (["--until", "80%", "--sort", "op"], "--until goes with --sort"),
    ],
)
def test_profile_refuses_before_it_runs(
    samples: Path, run: Run, options: list[str], said: str
) -> None:
    done = run("profile", samples / "lenet5.onnx", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
