"""Are those layers chosen that a pattern or a condition means, and no others?

Held against matchers that share nothing with ours: a path's pattern as one regular expression, a condition as
Python's own comparison of the layer's figures.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

import onnx.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnscope
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_conditions import LAYER_FACTS, check_kind, fits_kind
from cnnscope.analyzer.report.path_patterns import fits, nearest, steps_of
from cnnscope.analyzer.report.report import Report

# -- patterns of paths ---------------------------------------------------------------------------------

STEPS = ("a", "b", "ab", "ba", "layer1", "0")


def regex_fits(path: str, pattern: str) -> bool:
    """The pattern as a regular expression: every step of both ends with a slash."""
    text = "".join(
        "(?:[^/]+/)*" if step == "**" else re.escape(step).replace(r"\*", "[^/]*") + "/"
        for step in pattern.split("/")
        if step
    )
    return re.match(text, path.strip("/") + "/" * bool(path.strip("/"))) is not None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(STEPS), max_size=5),
    st.lists(st.sampled_from((*STEPS, "*", "**", "a*", "*b", "*a*")), min_size=1, max_size=5),
)
def test_a_pattern_is_its_regular_expression(path: list[str], pattern: list[str]) -> None:
    assert fits(path, pattern) is regex_fits("/".join(path), "/".join(pattern))


def test_many_stars_take_no_time() -> None:
    assert not fits(("a",) * 200, ("**", "a") * 60 + ("b",))
    assert fits(("a",) * 200, ("**", "a") * 60)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("layer3.0", ["model/layer3/0"]),  # as PyTorch names modules
        ("layer3/0", ["model/layer3/0"]),  # below something that was forgotten
        ("model/laier3", ["model/layer3", "model/layer3/0", "model/layer1"]),
        ("nothing/like/it/at/all", []),
    ],
)
def test_the_nearest_paths(pattern: str, expected: list[str]) -> None:
    paths = [steps_of("model/layer3/0/conv1"), steps_of("model/layer1/0/conv1")]
    assert nearest(pattern, paths) == expected


def test_names_of_millions_of_steps_are_compared_as_far_as_somebody_would_write_them() -> None:
    long = [("a",) * 500_000, *((f"{'x' * 200}{i}",) * 2000 for i in range(100)), ("stem", "conv")]
    assert nearest("stam", long) == ["stem"]
    assert nearest("x/" * 900, [("b",) * 50 + (f"{i}",) for i in range(4000)]) == []


# -- a model -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lenet() -> Report:
    return cnnscope.analyze("sample_models/lenet5.onnx")


@pytest.fixture(scope="module")
def mobilenet() -> Report:
    return cnnscope.analyze("sample_models/mobilenet_v2.onnx")


def names(report: Report, *layers: str, only: str | list[str] = ()) -> list[str]:  # type: ignore[assignment]
    return [x.name for x in report.layers.select(*layers, only=only)]


@pytest.mark.parametrize("written", ["features/17", "/features/17/", "features/17/**", "*/17/*"])
def test_below_a_path(mobilenet: Report, written: str) -> None:
    expected = [x.name for x in mobilenet.layers if x.name.startswith("/features/17/")]
    assert expected
    assert names(mobilenet, written) == expected


def test_any_of_several_paths(lenet: Report) -> None:
    assert names(lenet, "fc1", "conv1/*") == ["/conv1/Conv", "/fc1/Gemm"]
    assert names(lenet, "**/Conv") == ["/conv1/Conv", "/conv2/Conv"]


def starts(layer: Layer) -> list[int]:
    return [f.start for f in layer.receptive_field if f.start is not None]


#: what each is in Python, of a layer
CONDITIONS: dict[str, Callable[[Layer], bool | None]] = {
    "op=Conv": lambda x: x.op == "Conv",
    "op=conv,add": lambda x: x.op in ("Conv", "Add"),
    "op!=Conv": lambda x: x.op != "Conv",
    "op=*pool": lambda x: x.op.endswith("Pool"),
    "kind=depthwise": lambda x: x.kind.form == "depthwise",
    "kind=convolution": lambda x: x.kind.family.endswith("convolution"),
    "kind=convolution, activation": lambda x: x.kind.family in ("convolution", "activation"),
    "kind!=convolution": lambda x: not x.kind.family.endswith("convolution"),
    "kind=2-D convolution": lambda x: x.kind.label == "2-D convolution",
    "kind=standard": lambda x: x.kind.form == "standard",
    "kind=pool": lambda x: x.kind.family.endswith("pooling"),
    "traits=strided": lambda x: "strided" in x.kind.traits,
    "traits!=strided": lambda x: "strided" not in x.kind.traits,
    "padding=same,valid": lambda x: x.kind.padding in ("same", "valid"),
    "padding!=same": lambda x: x.kind.padding != "same",
    "dtype=float32": lambda x: x.outputs[0].dtype == "float32",
    "output=1x32x*": lambda x: (x.output_shape or ())[:2] == (1, 32),
    "macs>1M": lambda x: x.macs > 1_000_000,
    "macs<=10.5 k": lambda x: x.macs <= 10_500,
    "macs = 0": lambda x: x.macs == 0,
    "macs!=0": lambda x: x.macs != 0,
    "params>=5%": lambda x: x.params * 100 >= TOTAL_PARAMS * 5,
    "flops<1%": lambda x: x.flops * 100 < TOTAL_FLOPS,
    "weights>4 KiB": lambda x: x.weight_bytes > 4096,
    "bytes>1MiB": lambda x: x.bytes_read + x.bytes_written > 1 << 20,
    "read>=1MB": lambda x: x.bytes_read >= 1_000_000,
    "rf>31": lambda x: max((f.size for f in x.receptive_field), default=0) > 31,
    "rf<=31": lambda x: 0 < max((f.size for f in x.receptive_field), default=0) <= 31,
    "step=4,8": lambda x: max((f.step or 0 for f in x.receptive_field), default=0) in (4, 8),
    "start<-100": lambda x: (
        max((f.start for f in x.receptive_field if f.start is not None), default=0) < -100
    ),
    "intensity>=10": lambda x: x.intensity >= 10,
    "index<5": lambda x: x.index < 5,
    "index=3,5": lambda x: x.index in (3, 5),
    "padded>5%": lambda x: None if x.padded_share is None else x.padded_share > 0.05,
    "padded>0.05": lambda x: None if x.padded_share is None else x.padded_share > 0.05,
    "rf_global=yes": lambda x: any(f.global_ for f in x.receptive_field),
    "name!=features": lambda x: not x.name.startswith("/features/"),
    "name=*classifier*": lambda x: "classifier" in x.name,
}
TOTAL_PARAMS, TOTAL_FLOPS = 3_504_872, 0  # torchvision's own figure; the other is summed below


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_is_pythons_own(mobilenet: Report, text: str) -> None:
    global TOTAL_FLOPS
    TOTAL_FLOPS = sum(x.flops or 0 for x in mobilenet.layers)
    found = mobilenet.layers.select(only=text)
    wanted = [CONDITIONS[text](x) for x in mobilenet.layers]
    assert [x.index for x in found] == [i for i, holds in enumerate(wanted) if holds]
    assert found.unknown == ({text: wanted.count(None)} if None in wanted else {})
    assert found.among == len(mobilenet.layers)
    assert 0 < len(found) < len(mobilenet.layers) or text == "dtype=float32"


OPERATORS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
             ">": operator.gt, ">=": operator.ge}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("macs", "params", "flops", "weight_bytes", "index")),
            st.sampled_from(sorted(OPERATORS)),
            st.integers(0, 2_000_000) | st.sampled_from((0, 150, 117_600, 240_000)),
        ),
        max_size=3,
    ),
    st.lists(st.sampled_from(("conv1", "/fc1/Gemm", "**", "*/Relu", "**/Conv", "fc*")), max_size=2),
)
def test_all_conditions_and_any_pattern(
    lenet: Report, conditions: list[tuple[str, str, int]], patterns: list[str]
) -> None:
    wanted = [
        x.name for x in lenet.layers
        if all(OPERATORS[how](getattr(x, key), n) for key, how, n in conditions)
        and (not patterns or any(regex_fits(x.name, pattern) for pattern in patterns))
    ]  # fmt: skip
    only = [f"{key}{how}{n}" for key, how, n in conditions]
    # A pattern that fits no layer isn't taken for a choice of none.
    if any(not any(regex_fits(x.name, p) for x in lenet.layers) for p in patterns):
        with pytest.raises(ValueError, match="no layer fits"):
            names(lenet, *patterns, only=only)
    else:
        assert names(lenet, *patterns, only=only) == wanted


def test_the_largest_macs_and_exact_amounts(lenet: Report) -> None:
    # 5*5*1*6 MACs at 28*28 places; 5*5*6*16 at 10*10; 400*120; 120*84; 84*10
    assert names(lenet, only="macs>=117.6 k") == ["/conv1/Conv", "/conv2/Conv"]
    assert names(lenet, only="macs>117.6 k") == ["/conv2/Conv"]
    assert names(lenet, only="macs=10_080") == ["/fc2/Gemm"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("macs", "is no condition: write one such as"),
        ("macs>", "is no condition"),
        (">1M", "is no condition"),
        ("x" * 5000 + ">1", "is no condition"),
        ("mac>1M", "there is no column 'mac'; did you mean 'macs'?"),
        ("macs>1 X", 'the unit "X" isn\'t known'),
        ("bytes>1M", "write MB for M"),
        ("bytes>1KB", "write kB for 1000 bytes"),
        ("macs>1,2", "> takes one amount"),
        ("macs=1,5%", "either amounts or shares"),
        ("rf>5%", "of what?"),
        ("op>3", "op is text, of which there are = and !="),
        ("op=,", "which op?"),
        ("macs=,", "how much macs?"),
        ("kind=dephtwise", "no layer is of the kind 'dephtwise'; did you mean 'depthwise'?"),
        ("kind=2-D dephtwise convolution", "did you mean 'depthwise'?"),
    ],
)
def test_what_is_no_condition(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Choice.of(only=[text])


@pytest.mark.parametrize("pattern", ["", " ", "x" * 5000])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match="which layers"):
        Choice.of([pattern])


def test_a_pattern_that_fits_no_layer(lenet: Report) -> None:
    with pytest.raises(ValueError, match="no layer fits 'convv1'; did you mean 'conv1'"):
        lenet.layers.select("conv2", "convv1")


def test_no_layer_fulfils_it(lenet: Report) -> None:
    found = lenet.layers.select(only="op=Covn")
    assert (list(found), found.hint) == ([], "no layer has op=Covn; did you mean op=Conv?")
    assert lenet.layers.select(only="macs>1G").hint == "no layer has macs>1G"
    both = lenet.layers.select(only=["op=Conv", "macs<10"])
    assert (list(both), both.hint) == ([], "no layer fulfils them all")


# -- what isn't known ----------------------------------------------------------------------------------

FREE = """<ir_version: 8, opset_import: ["" : 17, "com.example" : 1]>
g (float[1,3,H,W] x) => (float[1,4,h,w] y, float[1,4,h,w] b) <float[4,3,3,3] k = {WEIGHTS}> {
  [first] a = Conv<pads = [1,1,1,1]>(x, k)
  [own] b = com.example.Own(a)
  [last] y = Relu(a)
}
""".replace("WEIGHTS", ", ".join(["1"] * 108))


def test_what_is_not_known_is_not_chosen_and_counted() -> None:
    report = cnnscope.analyze(onnx.parser.parse_model(FREE))
    found = report.layers.select(only="macs>1M")
    # 108*H*W may be more than a million; of the unknown operator nothing is known.
    assert (list(found), found.unknown) == ([], {"macs>1M": 2})
    # Every length is 1 at least: of 108*H*W that is enough to know.
    assert names(report, only="macs>=108") == ["first"]
    assert names(report, only="macs<108") == ["last"]
    # A layer that another condition leaves out is not left out for want of a figure.
    assert report.layers.select(only=["macs>1M", "op=Relu"]).unknown == {}
    bound = cnnscope.analyze(onnx.parser.parse_model(FREE), dims={"H": 8, "W": 8})
    with pytest.raises(ValueError, match=r"'macs>5%': no share of the MACs is known, since .*Own"):
        bound.layers.select(only="macs>5%")


def test_a_share_of_a_total_that_hangs_on_free_lengths() -> None:
    model = onnx.parser.parse_model(FREE.replace("com.example.Own", "Relu"))
    with pytest.raises(ValueError, match="--dim H=LENGTH --dim W=LENGTH"):
        cnnscope.analyze(model).layers.select(only="macs>5%")
    assert names(cnnscope.analyze(model), only="params>5%") == ["first"]


# -- all there is ----------------------------------------------------------------------------------------


def test_every_column_can_be_asked_for() -> None:
    assert {column.name for column in LAYER_COLUMNS} <= {*LAYER_FACTS}


def test_every_kind_of_the_samples_can_be_asked_for(mobilenet: Report, lenet: Report) -> None:
    for layer in (*mobilenet.layers, *lenet.layers):
        check_kind(layer.kind.label)
        assert fits_kind(layer.kind.label, layer.kind.label)
    check_kind(Kind("convolution", "grouped", 3, traits=("dilated",)).label)
    with pytest.raises(ValueError, match="no layer is of the kind"):
        check_kind("banana")


def test_a_share_along_one_axis_of_two_is_a_lower_bound() -> None:
    """One unit of four is at the border across; how many are along the free axis isn't known."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,H,8] x) => (float[1,1,H,8] y)
        { y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x) }"""
    )
    layers = cnnscope.analyze(model).layers
    assert len(layers.select(only="outside>20%")) == 1
    fewer = layers.select(only="outside<30%")
    assert (len(fewer), dict(fewer.unknown)) == (0, {"outside<30%": 1})
