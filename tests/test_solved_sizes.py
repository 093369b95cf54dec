"""Is the size that is found the largest that does, by the analysis of every size?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount, some
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.sizes.rising import last_kept, rises
from cnnscope.analyzer.sizes.wish import parse_wish
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.cli import main

T = FreeDim.named("T")


def test_by_hand(samples: Path) -> None:
    """ResNet-50: 4,089,184,256 at 224, as published; all maps of 223 are as large, (223 + 1)/2 = 112."""
    found = cnnscope.sizes(samples / "resnet50.onnx", free="HxW")
    solution = found.solve("macs<=4089184256").solution
    assert solution is not None
    assert (solution.end, solution.lengths, solution.exact) == (
        "largest",
        {"H": 224, "W": 224},
        True,
    )
    solution = found.solve("macs < 4089184256").solution
    assert solution is not None
    assert solution.lengths == {"H": 222, "W": 222}
    # 9,633,792 bytes an image at 224, and 102,440,608 of weights: 10 and 11 images lie on either side.
    batch = cnnscope.sizes(samples / "resnet50.onnx", free="input:0=N")
    solution = batch.solve("activations>=weights", over="N").solution
    assert solution is not None
    assert (solution.end, solution.lengths) == ("smallest", {"N": 11})
    assert solution.beyond == {"N": 10}
    assert solution.figures["peak_activation_bytes"] == 11 * 9633792


LIMITED = [
    ("lenet5.onnx", "macs<=450k", 40), ("lenet5.onnx", "activations<=40kB", 40),
    ("xception.onnx", "macs<=60M", 90), ("mobilenet_v2.onnx", "traffic<=20MB", 60),
    ("resnet50.onnx", "activations<=100kB", 40), ("efficientnet_b0.onnx", "flops>=9M", 40),
    ("densenet121.onnx", "activations<=300kB", 80),
]  # fmt: skip


@pytest.mark.parametrize(("model", "wish", "most"), LIMITED[:2] if amount(1, 2) == 1 else LIMITED)
def test_against_every_size(samples: Path, model: str, wish: str, most: int) -> None:
    valid = cnnscope.sizes(samples / model, free="HxW")
    solution = valid.solve(wish).solution
    assert solution is not None
    asked = parse_wish(wish)
    fit = []
    for n in range(1, most):
        if valid.admits(H=n, W=n):
            single = report_of(examine(samples / model, free=("HxW",), dims={"H": n, "W": n}))
            value = getattr(single.totals, asked.left).value
            if asked.keeps(value, 0):
                fit.append(n)
    wanted = max(fit) if solution.end == "largest" else min(fit)
    assert wanted < most - 1
    assert solution.lengths == {"H": wanted, "W": wanted}
    assert solution.exact


@pytest.mark.parametrize(
    "name", some(["hm_espcn_x3", "hm_unet_deconv", "tv_resnet18.legacy_dyn"], 1)
)
def test_dynamic_models(corpus: Path, name: str) -> None:
    path = next(corpus.rglob(f"{name}.onnx"))
    valid = cnnscope.sizes(path)
    solution = valid.solve("macs<=20M").solution
    assert solution is not None
    assert solution.lengths is not None
    assert solution.beyond is not None
    assert len(set(solution.lengths.values())) == 1
    (low,), (high,) = set(solution.lengths.values()), set(solution.beyond.values())
    assert solution.figures["macs"] <= 20e6 < solution.beyond_figures["macs"]  # type: ignore[operator]
    others = dict.fromkeys(valid.smallest or {}, 1)
    between = range(low + 1, high)
    assert not any(valid.admits(**{**others, **dict.fromkeys(solution.over, n)}) for n in between)


def formulas() -> st.SearchStrategy[Dim]:
    def build(steps: list[tuple[str, int, int]]) -> Dim:
        found: Dim = T
        for how, a, b in steps:
            if how == "floor":
                found = (found + a - 4) // (b % 4 + 2)
            elif how == "times":
                found = found * (T // (a + 1) + b - 5)
            else:
                found = found + a - 8 + T * (b - 4)
        return found

    step = st.tuples(
        st.sampled_from(["floor", "times", "plus"]), st.integers(0, 9), st.integers(0, 9)
    )
    return st.lists(step, max_size=4).map(build)


@given(formulas(), st.integers(0, 5000))
@settings(max_examples=amount(60, 5000), deadline=None)
def test_what_is_said_to_rise_does(formula: Dim, limit: int) -> None:
    if not rises(formula, "T"):
        return
    values = [int(substituted(formula, {"T": n})) for n in range(1, 300)]
    assert values == sorted(values)
    last = last_kept(lambda t: int(substituted(formula, {"T": t})) <= limit)
    kept = [n for n, value in enumerate(values, 1) if value <= limit]
    assert last is None or last >= 299 or last == max(kept, default=0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("macs", "write a quantity, a comparison"),
        ("speed<=4", "no quantity is called speed"),
        ("macs<=4 GiB", "that is bytes"),
        ("activations<=64M", "write MB"),
        ("macs<=weights", "isn't compared with bytes"),
        ("weights=activations", "write >= for the smallest size"),
        ("macs<=-4", "is no amount"),
        ("macs<=" + "9" * 300, "write a quantity"),
    ],
)
def test_what_cant_be_wished_for_is_told(
    samples: Path, capfd: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        parse_wish(text)
    with pytest.raises(SystemExit, match="2"):
        main(["sizes", str(samples / "lenet5.onnx"), "--free", "HxW", "--solve", text])
    out, err = capfd.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)


def test_what_has_no_formula_is_told() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18, "mine": 1]> g (float[1,3,H,8] x) => (float[1,3,H,8] y)'
        " { y = mine.Strange(x) }"
    )
    with pytest.raises(BindingError, match="flops has no formula: lacks 1 x mine::Strange"):
        cnnscope.sizes(model).solve("flops<=1G")


def test_the_command(samples: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["sizes", str(samples / "resnet50.onnx"), "--free", "HxW", "--solve", "macs<=4.1G"]
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--solve", "activations<=64MiB", "--format", "json"])
    told = json.loads(capfd.readouterr().out)["solution"]
    assert told["lengths"] == {"H": 224, "W": 224}
    assert told["beyond"] == {"H": 225, "W": 225}
    with pytest.raises(SystemExit, match="1"):
        main([*words[:-1], "macs<=1"])
    assert "no size has macs<=1" in capfd.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main([*words[:-2], "--over", "H"])


@pytest.mark.parametrize(
    ("wish", "exact"), [("macs<=1000", True), ("macs<=1T", True), ("macs<=1000000T", False)]
)
def test_the_only_valid_size_is_found_below_any_limit(wish: str, exact: bool) -> None:
    """A 3x3 convolution and a dense layer of 64 weights a class: 8x8 alone, 9*64 + 2*64 MACs."""
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
                helper.make_node("Flatten", ["a"], ["f"]),
                helper.make_node("Gemm", ["f", "g"], ["y"]),
            ],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "H", "W"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [
                numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float32), "w"),
                numpy_helper.from_array(np.ones((64, 2), np.float32), "g"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    found = cnnscope.sizes(model).solve(wish).solution
    assert found is not None
    assert found.lengths == {"H": 8, "W": 8}
    assert found.figures == {"macs": 9 * 64 + 2 * 64}
    assert found.exact == exact  # with the highest limit lengths in between aren't looked at
