"""Do the assertions of `cnnscope.testing` pass and fail as they should, and say what to look at?"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import get_type_hints

import onnx
import pytest
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import LISTS
from cnnscope.testing import Budget, assert_no_regression, assert_within

LENET = Path(__file__).resolve().parent.parent / "sample_models" / "lenet5.onnx"


def lines(caught: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    return str(caught.value).splitlines()


def conv_model(*, channels: int = 4, name: str = "conv", custom: bool = False) -> onnx.ModelProto:
    """One 3x3 convolution of 1x3x8x8 with `channels` filters, an unheard-of operator behind it."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name=name)]
    if custom:
        nodes.append(helper.make_node("Unheard", ["y"], ["z"], name="odd", domain="example.org"))
    weights = helper.make_tensor("w", TensorProto.FLOAT, [channels, 3, 3, 3], [0.0] * channels * 27)
    output = helper.make_tensor_value_info("z" if custom else "y", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [output], [weights],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("example.org", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_what_is_kept_passes() -> None:
    # LeNet-5: 61,706 parameters; 416,520 MACs = 28*28*6*25 + 10*10*16*150 + 48000 + 10080 + 840
    assert_within(
        LENET, params=61706, macs="416.52 k", receptive_field=">= 16, < 17", opset=">= 13",
        operators_forbid=["Loop", "Scan"], limits={"kind.fully connected.params": "59.2 k"},
    )  # fmt: skip


@pytest.mark.parametrize("macs", [416519, "416.519 k", "< 416520", "== 1"])
def test_what_is_exceeded_fails(macs: str | int) -> None:
    with pytest.raises(AssertionError, match="EXCEEDS  macs is 416"):
        assert_within(LENET, macs=macs, params="62 k")


def test_the_worst_layers_are_named_with_their_share() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_within(LENET, params="60 k", macs="1 M")
    said = lines(caught)
    assert said[0] == f"{LENET}: 1 exceeded of 2 limits"
    assert said[1] == "EXCEEDS  params is 61.71 k, limit <= 60.00 k, 1.71 k (2.8 %) over"
    # 400*120 + 120 of 61,706; 120*84 + 84; 16*6*25 + 16
    shares = [(row.split()[0], *row.split()[1:5]) for row in said[3:6]]
    assert shares == [
        ("/fc1/Gemm", "48.12", "k", "78", "%"),
        ("/fc2/Gemm", "10.16", "k", "16.5", "%"),
        ("/conv2/Conv", "2.42", "k", "3.9", "%"),
    ]
    assert said[3].endswith("fully connected, output 1x120")
    assert said[-1].startswith("within   macs is 416.5 k")


def test_a_peak_is_no_sum() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_within(LENET, peak_activation="1 KiB")
    assert "it is largest at:" in lines(caught)[2]
    assert "%" not in lines(caught)[3]


def test_what_is_too_small_has_no_layers_to_blame() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_within(LENET, receptive_field=">= 17")
    assert lines(caught)[1:] == ["EXCEEDS  receptive_field is 16, limit >= 17, 1 (5.9 %) under"]


def test_operators_are_named() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_within(LENET, operators_forbid="Gemm")
    assert [row.split()[0] for row in lines(caught)[3:]] == ["/fc1/Gemm", "/fc2/Gemm", "/fc3/Gemm"]


def test_the_unknown_fails_unless_allowed() -> None:
    # 6*6*4*27 = 3888 MACs are known of the convolution, nothing of the operator behind it.
    report = cnnscope.analyze(conv_model(custom=True))
    with pytest.raises(AssertionError) as caught:
        assert_within(report, macs="1 M")
    said = lines(caught)
    assert said[0] == "model in memory: 1 unknown of 1 limit"
    assert said[1].startswith(
        "UNKNOWN  macs can't be judged against <= 1.00 M (>= 3.89 k is known)"
    )
    assert "example.org::Unheard" in said[1]
    assert said[2].strip() == "of what is known, most is in:"
    assert said[3].split()[0] == "conv"
    assert "<= 100 %" in said[3]
    assert_within(report, macs="1 M", allow_unknown=True)
    with pytest.raises(
        AssertionError, match="EXCEEDS  macs is >= 3"
    ):  # a lower bound can prove that
        assert_within(report, macs=3887, allow_unknown=True)
    assert_within(report, macs=">= 3888")


def test_free_dimensions_are_bound_or_unknown() -> None:
    model = conv_model()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"
    with pytest.raises(AssertionError, match="UNKNOWN  macs"):
        assert_within(model, macs="1 G")
    assert_within(model, macs="== 3888", dims={"H": 8})
    assert_within(model.SerializeToString(), macs="== 3888", shapes={"x": [1, 3, 8, 8]})
    with pytest.raises(ValueError, match="still to be analysed"):
        assert_within(cnnscope.analyze(model), macs="1 G", dims={"H": 8})


def test_names_from_the_model_cannot_break_the_message() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_within(conv_model(name="a\n::error::\x1b[31mb"), params=1)
    assert len(lines(caught)) == 4
    assert "\x1b" not in str(caught.value)
    assert r"a\n::error::\x1b[31mb" in lines(caught)[3]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "no limit is given"),
        ({"macs": None}, "no limit is given"),
        ({"mac": 1}, "did you mean macs"),
        ({"macs": "4 GiB"}, "that is bytes"),
        ({"receptive_field": 224}, "at most or at least"),
        ({"operators_forbid": 3}, "list of operators"),
    ],
)
def test_what_is_no_limit_is_refused(limits: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        assert_within(LENET, **limits)  # type: ignore[arg-type]  # on purpose


def test_a_model_that_is_none_raises_as_analyze_does(tmp_path: Path) -> None:
    with pytest.raises(cnnscope.ModelFileError):
        assert_within(tmp_path / "none.onnx", macs=1)


def test_the_keywords_are_what_can_be_limited() -> None:
    known = {key.replace(".", "_") for key in (*QUANTITIES, *LISTS)}
    assert set(get_type_hints(Budget)) == known


# -- against a baseline ------------------------------------------------------------------------


def test_the_same_model_has_not_grown() -> None:
    assert_no_regression(LENET, LENET)
    assert_no_regression(cnnscope.analyze(LENET), cnnscope.analyze(LENET))


def test_growth_is_told_with_what_it_was() -> None:
    # 4 -> 5 filters: 108 -> 135 parameters and 3888 -> 4860 MACs, a quarter more.
    before, after = conv_model(channels=4), conv_model(channels=5)
    with pytest.raises(AssertionError) as caught:
        assert_no_regression(cnnscope.analyze(after), cnnscope.analyze(before))
    said = [row for row in lines(caught) if row.startswith("EXCEEDS")]
    assert said[0] == "EXCEEDS  params is 135, limit <= 108, 27 (25 %) over (+0 %, baseline 108)"
    assert [row.split()[1] for row in said] == [
        "params", "macs", "flops", "weights", "peak_activation",
    ]  # fmt: skip
    grown: dict[str, object] = dict.fromkeys(["flops", "weights", "peak_activation"], "+25 %")
    assert_no_regression(after, cnnscope.analyze(before), params="+27", macs=None, limits=grown)
    assert_no_regression(before, cnnscope.analyze(after))


def test_a_receptive_field_may_not_shrink(samples: Path) -> None:
    with pytest.raises(AssertionError, match="receptive_field is 16, limit >= 195"):
        assert_no_regression(LENET, samples / "alexnet.onnx", receptive_field=">= -0 %")


def test_a_saved_report_is_a_baseline(tmp_path: Path) -> None:
    saved = tmp_path / "baseline.json"
    saved.write_text(json.dumps(cnnscope.analyze(LENET).to_dict()), encoding="utf-8")
    assert_no_regression(LENET, saved)
    with pytest.raises(AssertionError, match=r"params is 61\.71 k, limit <= 61\.61 k|61,606"):
        assert_no_regression(LENET, str(saved), params="-100")
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    with pytest.raises(cnnscope.CnnscopeError, match="holds no model"):
        assert_no_regression(LENET, tmp_path / "empty.json")


def test_a_model_that_the_baseline_does_not_know(tmp_path: Path, samples: Path) -> None:
    saved = tmp_path / "baseline.json"
    figures = [{"quantity": "params", "scope": None, "values": [{"low": 1, "high": 1, "value": 1}]}]
    known = {"model": os.path.relpath(samples / "vgg16.onnx", tmp_path), "figures": figures}
    saved.write_text(json.dumps({"models": [known]}), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"lenet5\.onnx: new, no baseline: params <= \+0 %"):
        assert_no_regression(LENET, saved)
    with pytest.raises(AssertionError, match=r"params is 61\.71 k, new: no baseline"):
        assert_no_regression(LENET, saved, require_baseline=True)


def test_a_commit_is_a_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    onnx.save(conv_model(channels=4), "m.onnx")
    for command in (["init", "-q"], ["add", "m.onnx"], ["commit", "-q", "-m", "a model"]):
        subprocess.run([*git, *command], check=True)
    assert_no_regression("m.onnx", "git:HEAD")
    onnx.save(conv_model(channels=5), "m.onnx")
    with pytest.raises(AssertionError, match="params is 135, limit <= 108"):
        assert_no_regression("m.onnx", "git:HEAD")
