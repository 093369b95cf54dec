"""Are the sizes that a model is said to accept those, by counting, by hand and by trying?"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnscope
from cnnscope.analyzer.sizes.length_set import LengthSet
from cnnscope.analyzer.sizes.products import divided_among, product_of
from cnnscope.analyzer.sizes.solving import Unsolved, claimed
from cnnscope.analyzer.values.conditions import Claim
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.many_lengths import evaluated
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.cli import main

HIGH = 240
H, W = FreeDim.named("H"), FreeDim.named("W")


@st.composite
def sets(draw: st.DrawFn) -> tuple[LengthSet, set[int]]:
    """A set, and its lengths below a bound, kept by hand."""
    below = draw(st.lists(st.booleans(), min_size=1, max_size=20))
    repeats = draw(st.lists(st.booleans(), min_size=1, max_size=8))

    def holds(n: int) -> bool:
        return n > 0 and (below[n] if n < len(below) else repeats[n % len(repeats)])

    found = LengthSet.where(
        lambda lengths: np.array([holds(int(n)) for n in lengths]), len(below), len(repeats)
    )
    return found, {n for n in range(HIGH) if holds(n)}


@given(sets(), sets(), st.integers(1, 60))
@settings(max_examples=amount(40, 4000), deadline=None)
def test_sets_are_what_they_are_made_of(
    one: tuple[LengthSet, set[int]], other: tuple[LengthSet, set[int]], length: int
) -> None:
    (a, x), (b, y) = one, other
    for found, told in ((a, x), (a & b, x & y), (a | b, x | y)):
        assert {n for n in range(HIGH) if n in found} == told
        assert found.up(length) == min((n for n in told if n >= length), default=None)
        assert found.down(length) == max((n for n in told if n <= length), default=None)
        assert [n for n in found.first(length) if n < HIGH] == sorted(told)[:length]
        counted: list[int] = []
        for run in found.runs():
            counted += range(run.least, HIGH if run.most is None else run.most + 1, run.step)
            assert run.least % run.step == run.offset
        assert sorted(counted) == sorted(told)  # each once
        assert found.is_empty == (not told)
    assert (a & b, a | b) == (b & a, b | a)
    assert LengthSet.union([a, b, LengthSet.of([length]), a & LengthSet.of([3, 5])]) == (
        a | b | LengthSet.of([length])
    )


def formulas(depth: int = 2) -> st.SearchStrategy[Dim]:
    """Lengths as networks make them of one."""
    step = st.sampled_from(["floor", "times", "plus", "min", "max", "sum"])

    def build(steps: list[tuple[str, int, int]]) -> Dim:
        found: Dim = H
        for how, a, b in steps:
            if how == "floor":
                found = (found + a - 4) // (b % 4 + 2) + a % 2
            elif how == "times":
                found = found * (b % 3 + 1)
            elif how == "plus":
                found = found + a - 8
            elif how == "sum":
                found = found + H // (b % 4 + 2)
            else:
                found = (smallest if how == "min" else greatest)(found, 5 * a + b)
        return found

    return st.lists(st.tuples(step, st.integers(0, 9), st.integers(0, 9)), max_size=5).map(build)


@given(formulas(), st.one_of(formulas(), st.integers(0, 80)), st.booleans())
@settings(max_examples=amount(40, 3000), deadline=None)
def test_claims_hold_where_they_are_said_to(left: Dim, right: Dim, equal: bool) -> None:
    claim = Claim(left, right, "zero" if equal else "positive")
    try:
        found = claimed(claim, "H")
    except Unsolved:
        return
    for n in [*range(1, 120), 997, 4096, 12345, 99999]:
        value = substituted(claim.difference, {"H": n})
        assert (n in found) == (value == 0 if equal else int(value) >= 0), n


@given(formulas(), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
@settings(max_examples=amount(40, 3000), deadline=None)
def test_many_lengths_at_once(formula: Dim, lengths: list[int]) -> None:
    told = [substituted(formula, {"H": n}) for n in lengths]
    assert evaluated(formula, {"H": np.array(lengths)}).tolist() == told
    power = formula * formula * formula * formula  # leaves 64 bits
    assert evaluated(power, {"H": np.array(lengths)}).tolist() == [int(n) ** 4 for n in told]


def test_a_product_of_two_lengths_is_divided_among_them() -> None:
    """(floor(H/4) - 3)(floor(W/4) - 3) = 25, as LeNet's first fully connected layer asks."""
    claim = Claim((H // 4 - 3) * (W // 4 - 3) * 16, 400, "zero")
    fit = {
        "H": LengthSet.where(lambda n: n >= 16, 16, 1),
        "W": LengthSet.where(lambda n: n >= 16, 16, 1),
    }
    found = divided_among(*product_of(claim), fit)
    brute = {h for h in range(16, 300) for w in range(16, 300) if (h // 4 - 3) * (w // 4 - 3) == 25}
    assert (
        {n for n in range(300) if n in found["H"]}
        == brute
        == {n for n in range(300) if n in found["W"]}
    )


# By hand. VGG-16: five halvings, then 25088 = 512 * 7 * 7 numbers: floor(H/32)*floor(W/32) = 49.
# U-Net (2015): its crops are stored, of 64, 136, 280 and 568 units, cut at both ends for 56, 104, 200
# and 392; 572 is the paper's, and the next size whose maps differ is 588 = 572 + 16.
# DenseNet-121: floor((H + 3)/32) units are left. FCN-8s: a map of 32-strides is laid on the image.
SIZES = [
    ("vgg16.onnx", "HxW", [(1, 32, 63), (1, 224, 255), (1, 1568, 1599)]),
    ("unet.onnx", "HxW", [(1, 572, 587)]),
    ("densenet121.onnx", "HxW", [(1, 29, None)]),
    ("lenet5.onnx", "HxW", [(1, 16, 19), (1, 32, 35), (1, 112, 115)]),
    ("resnet50.onnx", "HxW", [(1, 1, None)]),
]


@pytest.mark.parametrize(("model", "free", "runs"), SIZES, ids=[m for m, *_ in SIZES])
def test_sizes_of_samples(
    samples: Path, model: str, free: str, runs: list[tuple[int, int, int | None]]
) -> None:
    found = cnnscope.sizes(samples / model, free=free)
    assert found.exact, found.doubts
    for name in free.split("x"):
        assert [(run.step, run.least, run.most) for run in found[name].runs()] == runs


def test_a_free_u_net_says_what_its_formulas_hold_for(cases: Path) -> None:
    found = cnnscope.sizes(cases / "unet_free.onnx", dims={"L": range(1, 65)})
    assert found.to_dict()["valid"] == [{"dim": "L", "step": 8, "offset": 0, "min": 8, "max": None}]
    assert found.to_dict()["sizes"] == {"L": [8, 16, 24, 32, 40, 48, 56, 64]}
    assert found.nearest("L", 20) == (16, 24)
    assert (found.admits(L=24), found.admits(L=25)) == (True, False)
    assert [cause.condition for cause in found["L"].causes] == ["L = 8*floor(L/8)"]


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["sizes", *words])
    return int(stop.value.code or 0), *capfd.readouterr()


def test_the_command(samples: Path, cases: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unet = str(samples / "unet.onnx")
    code, out, err = run(capfd, unet, "--free", "HxW", "--shape", "1x1x600x580", "--format", "json")
    assert (code, err) == (1, "")
    assert json.loads(out)["asked"] == {
        "lengths": {"H": 600, "W": 580}, "valid": False,
        "nearest": {"H": [587, None], "W": [580, 580]},
    }  # fmt: skip
    code, out, _ = run(capfd, unet, "--free", "HxW", "--shape", "1x1x580x572")
    assert code == 0
    assert "accepted" in out
    code, out, _ = run(capfd, str(cases / "unet_free.onnx"))
    assert "multiples of 8: 8, 16, 24, ..." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "all sizes of its inputs are fixed: give --free HxW"),
        (["--free", "HxWxD"], "no input has 3 spatial axes"),
        (["--free", "y:2"], "there is no input 'y'"),
        (["--free", "input:9"], "it has no axis 9"),
        (["--free", "input:-1"], "an axis is written as an input's name and its number"),
        (["--free", f"input:{'9' * 5000}"], "an axis is written as an input's name and its number"),
        (["--free", "HxH"], "give names joined by x"),
        (["--free", "HxW", "--dim", "D=1..4"], "no input has a free dimension 'D'"),
        (["--free", "HxW", "--dim", "H=9..4"], "give a name and a range"),
        (["--free", "HxW", "--dim", "H=1..9999999"], "at most"),
        (["--free", "H", "--shape", "1x1x9"], "no input has 1 spatial ax"),
        (["--free", "HxW", "--shape", "1x1x9"], "the shape given has 3"),
        (["--free", "HxW", "--shape", "2x1x32x32"], "axis 0 is fixed to 1"),
        (["--free", "HxW", "--prove", "99999999999"], "at most 65536 sizes are run"),
    ],
)
def test_what_cant_be_asked_is_told(
    samples: Path, capfd: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = run(capfd, str(samples / "lenet5.onnx"), *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_two_inputs_may_share_a_name_only_if_they_agree() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,3,8,8] a, float[1,3,4,4] b) => (float[1,3,8,8] y)'
        " { p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(a) y = Add(p, b) }"
    )
    with pytest.raises(BindingError, match="H would be a length of 8 and"):
        cnnscope.sizes(model, free=["a:2=H", "b:2=H"])
    found = cnnscope.sizes(model, free=["a:2=H", "b:2=K"])
    assert found.ties[0].condition == "K = floor(H/2) or K = 1"
    # ONNX broadcasts: where one of the two is 1, the other may be what it likes.
    accepted = {
        (h, k)
        for h in range(1, 12)
        for k in range(1, 7)
        if h // 2 > 0 and (h // 2 == k or 1 in (k, h // 2))
    }
    assert {(h, k) for h in range(1, 12) for k in range(1, 7) if found.admits(H=h, K=k)} == accepted
    assert not found.exact
    assert any("works otherwise" in doubt for doubt in found.doubts)


def reshaped(constants: Sequence[int]) -> onnx.ModelProto:
    """A length that each of some numbers has to divide."""
    text = "".join(
        f"s{p} = Constant<value_ints = [-1, {p}]>() y{p} = Reshape(x, s{p}) " for p in constants
    )
    outputs = ", ".join(f"float[r{p}, {p}] y{p}" for p in constants)
    return onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 18]> g (float[L] x) => ({outputs}) {{ {text} }}'
    )


def flattened(count: int) -> onnx.ModelProto:
    """Height and width, of which so many units have to come."""
    return onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,H,W] x) => (float[1,r] y)'
        f" {{ s = Constant<value_ints = [1, {count}]>() y = Reshape(x, s) }}"
    )


#: stands for those of 720720, of which there are 240
DIVISORS: list[tuple[int, int, int | None]] = []


def pooled(names: Sequence[str]) -> onnx.ModelProto:
    """An input for each name, halved."""
    make = onnx.helper.make_tensor_value_info
    nodes = [
        onnx.helper.make_node("MaxPool", [f"x{i}"], [f"y{i}"], kernel_shape=[2], strides=[2])
        for i in range(len(names))
    ]
    inputs = [make(f"x{i}", 1, [1, 1, name]) for i, name in enumerate(names)]
    outputs = [make(f"y{i}", 1, None) for i in range(len(names))]
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])


# Each took a minute and more, or gigabytes, when what it asks for was gone through one by one. By hand:
# lcm(1001, 720) = 720720; numbers whose common multiple is too large leave a doubt, not a wrong set.
@pytest.mark.parametrize(
    ("model", "runs", "exact"),
    [
        (reshaped([4096]), [(4096, 4096, None)], True),
        (reshaped([1001, 720]), [(720720, 720720, None)], True),
        (reshaped([4093, 4091]), [(4093, 4093, None)], False),
        (reshaped(range(2, 300)), [(720720, 720720, None)], False),
        (flattened(720720), DIVISORS, True),
        (pooled([f"H{i}" for i in range(60)]), [(1, 2, None)], True),
    ],
    ids=["long", "common", "too long", "many", "divisors", "inputs"],
)
def test_work_is_bounded(
    model: onnx.ModelProto, runs: list[tuple[int, int, int | None]], exact: bool
) -> None:
    before = time.process_time()
    found = cnnscope.sizes(model)
    told = found.to_dict()
    assert time.process_time() - before < 5
    known = found.dims[0].runs()
    if runs is DIVISORS:
        lengths = [n for run in known for n in range(run.least, (run.most or 0) + 1, run.step)]
        assert sorted(lengths) == [n for n in range(1, 720721) if 720720 % n == 0]
    else:
        assert [(run.step, run.least, run.most) for run in known] == runs
    assert told["exact"] is exact
    if exact and runs is not DIVISORS:
        assert told["smallest"] == {dim.name: runs[0][1] for dim in found.dims}


@pytest.mark.parametrize(
    "name", ["self", "lengths", "name", "\0k", "floor(H1/2)", " ", "a\nb", "x" * 5000]
)
def test_a_dimension_may_have_any_name(name: str) -> None:
    found = cnnscope.sizes(pooled([name, "H1"]))
    assert found.smallest == {name: 2, "H1": 2}
    assert found.admits(**{name: 2, "H1": 5})
    assert not found.admits(**{name: 1, "H1": 5})
    assert found.runs_empty(**{name: 1, "H1": 5})
