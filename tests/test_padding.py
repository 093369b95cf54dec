"""How many units does padding reach? Against ONNX Runtime's own padding, and unit by unit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from amounts import amount
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network, node

import cnnscope
from cnnscope.analyzer.fields.border import combined_share, inside, outside_share, window_share
from cnnscope.analyzer.fields.digits import Digit
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.window import Window


def run(model: onnx.ModelProto, shape: tuple[int, ...]) -> np.ndarray:
    """What ONNX Runtime gives for an input of ones."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"x": np.ones(shape, np.float32)})
    return np.asarray(found)


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ((1, 1, 9, 12), {"pads": [1, 1, 1, 1]}),
        ((1, 1, 9, 12), {"pads": [2, 0, 1, 3]}),
        ((1, 1, 9, 12), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
        ((1, 1, 9, 12), {"pads": [1, 1, 1, 1], "strides": [2, 3]}),
        ((1, 1, 9, 12), {"pads": [6, 6, 6, 6]}),  # some see nothing but padding
        ((1, 1, 9, 12), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((1, 1, 9, 12), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ((1, 1, 9, 12), {}),
        ((1, 1, 4, 5, 6), {"pads": [1, 1, 1, 0, 1, 0]}),
        ((1, 1, 30), {"pads": [4, 0], "dilations": [2]}),
    ],
)
def test_of_a_layer(shape: tuple[int, ...], attributes: dict[str, Any]) -> None:
    """Ones times a kernel of ones give the kernel's size, but where zeros are among the ones."""
    w = (1, 1, *(3 for _ in shape[2:]))
    model = network(node("Conv", "x w", "y", **attributes), x=shape, w=w)
    reached = run(model, shape) != np.prod(w)
    share = cnnscope.analyze(model).layers[0].padded_share
    assert share == pytest.approx(reached.mean())


@pytest.mark.parametrize("ceil", [0, 1])
def test_of_a_pooling(ceil: int) -> None:
    attributes: dict[str, Any] = {
        "kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0], "ceil_mode": ceil,
    }  # fmt: skip
    model = network(
        node("AveragePool", "x", "y", count_include_pad=1, **attributes), x=(1, 1, 8, 9)
    )
    share = cnnscope.analyze(model).layers[0].padded_share
    if ceil:  # what a rounded-up length adds isn't averaged over, so ONNX Runtime can't tell
        assert share == pytest.approx(1 - (3 / 4) * (3 / 5))
    else:
        assert share == pytest.approx((run(model, (1, 1, 8, 9)) != 1).mean())


def test_of_a_padding_layer() -> None:
    model = network(node("Pad", "x pads", "y"), x=(1, 1, 6, 10), pads=[0, 0, 1, 2, 0, 0, 0, 3])
    assert cnnscope.analyze(model).layers[0].padded_share == pytest.approx(
        (run(model, (1, 1, 6, 10)) == 0).mean()
    )


def test_without_padding_there_is_none() -> None:
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Concat", "r r", "y", axis=2)]
    found = cnnscope.analyze(network(*nodes, x=(1, 1, "H", "W"), w=(1, 1, 3, 3)))
    assert [layer.padded_share for layer in found.layers] == [0, 0, 0]


def test_what_hangs_on_a_free_length_is_not_known() -> None:
    model = network(node("Conv", "x w", "y", pads=[1] * 4), x=(1, 1, "H", 8), w=(1, 1, 3, 3))
    report = cnnscope.analyze(model)
    assert report.layers[0].padded_share is None
    assert report.layers[0].receptive_field[0].outside_share is None
    bound = cnnscope.analyze(model, dims={"H": 8}).layers[0]
    assert bound.padded_share == pytest.approx(1 - (6 / 8) ** 2)


NUMBERS = st.one_of(st.integers(1, 4), st.builds(Fraction, st.integers(1, 5), st.integers(1, 4)))


@given(
    st.integers(1, 6), NUMBERS, NUMBERS,
    st.builds(Fraction, st.integers(-6, 12), st.integers(1, 3)), st.integers(1, 20),
    st.integers(1, 25),
)  # fmt: skip
def test_window_by_window(
    size: int, stride: Any, dilation: Any, before: Fraction, length: int, units: int
) -> None:
    window = Window(size, stride, dilation, before)
    outside = [any(not 0 <= tap < length for tap in window.at(i)) for i in range(units)]
    assert window_share(window, length, units) == Fraction(sum(outside), units)


@given(
    st.lists(st.tuples(st.integers(-9, 20), st.integers(0, 6)), min_size=1, max_size=4),
    st.integers(-4, 9), st.booleans(), st.integers(1, 24), st.integers(1, 30),
    st.integers(-3, 3),
)  # fmt: skip
def test_field_by_field(
    spans: list[tuple[int, int]], advance: int, bounded: bool, units: int, length: int, shift: int
) -> None:
    if bounded:
        spans, advance = (spans * units)[:units], 0
    field = Field(tuple((lo, lo + more) for lo, more in spans), advance, bounded)
    other = field.widened((shift, shift))
    paths = Paths(tuple(Term((Digit(0, 1, None, f),)) for f in (field, other)))

    def leaves(unit: int) -> bool:
        seen = [f.span(unit) for f in (field, other)]
        return any(s is not None and (s[0] < 0 or s[1] >= length) for s in seen)

    expected = sum(leaves(unit) for unit in range(units)) / units
    assert outside_share(paths, (units,), length) == pytest.approx(expected)


@given(
    st.integers(-5, 20), st.integers(0, 9), st.integers(-4, 4), st.integers(0, 20),
    st.integers(1, 30),
)  # fmt: skip
def test_counting_without_visiting(lo: int, more: int, step: int, turns: int, length: int) -> None:
    spans = [(lo + t * step, lo + more + t * step) for t in range(turns)]
    expected = sum(a >= 0 and b < length for a, b in spans)
    assert inside((lo, lo + more), step, turns, length) == expected


CHAIN = [
    node("Conv", "x w3", "a", pads=[1] * 4),
    node("Conv", "a w3", "b", pads=[0, 2, 1, 0], strides=[2, 2]),
    node("Conv", "b w1", "c", strides=[1, 2]),
    node("ConvTranspose", "c w2", "d", strides=[2, 2]),
    node("Conv", "d w3", "e", pads=[2] * 4, dilations=[2, 2]),
]


@pytest.mark.parametrize("depth", range(1, len(CHAIN) + 1))
def test_of_a_network(depth: int) -> None:
    """With kernels of ones a unit's value says how many paths end in zeros: any, if it is less."""
    model = network(
        *CHAIN[:depth], x=(1, 1, 48, 40), w1=(1, 1, 1, 1), w2=(1, 1, 2, 2), w3=(1, 1, 3, 3)
    )
    found = run(model, (1, 1, 48, 40))
    expected = (found < found.max()).mean()
    layer = cnnscope.analyze(model).layers[-1]
    shares = [field.outside_share for field in layer.receptive_field]
    assert combined_share(shares) == pytest.approx(expected)


def test_tokens_cut_out_and_put_together() -> None:
    """A unit's place in the image is made of its index's digits; a class token sees nothing."""
    nodes = [
        node("Conv", "x w", "a", strides=[4, 4], pads=[2] * 4), node("Reshape", "a flat", "b"),
        node("Concat", "b token", "y", axis=2),
    ]  # fmt: skip
    model = network(
        *nodes, x=(1, 1, 16, 16), w=(6, 1, 4, 4), flat=[1, 6, 25], token=(1, 6, 1)
    )  # fmt: skip
    report = cnnscope.analyze(model)
    assert [f.outside_share for f in report["a"].receptive_field] == [2 / 5] * 2
    assert [f.outside_share for f in report["b"].receptive_field] == [2 / 5] * 2
    assert [f.outside_share for f in report["y"].receptive_field] == [pytest.approx(10 / 26)] * 2


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("lenet5", 0.0), ("unet", 0.0), ("vit_b_16", 0.0),  # without padding
        ("resnet50", 1.0),  # everything, behind padded layers
        # Dilations 1, 2, ..., 512 three times over, padded before only: 3 * 1023 places looked back
        ("wavenet", 3069 / 16000),
    ],
)  # fmt: skip
def test_architectures(name: str, share: float, samples: Path) -> None:
    report = cnnscope.analyze(samples / f"{name}.onnx")
    fields = report.layers[report.outputs[0].name].receptive_field
    assert combined_share([f.outside_share for f in fields]) == pytest.approx(share)


def test_of_an_operator_without_rules_nothing_is_known() -> None:
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Unheard", ["x"], ["y"], domain="my.domain")], "g",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("my.domain", 1)],
    )  # fmt: skip
    assert cnnscope.analyze(made).layers[0].padded_share is None


# -- the share of units whose field leaves the input ---------------------------------------------------

SPANS = st.one_of(
    st.none(), st.tuples(st.integers(-4, 12), st.integers(0, 5)).map(lambda s: (s[0], s[0] + s[1]))
)


@st.composite
def fields(draw: Callable[..., Any]) -> Field:
    """Of a period, moving on or not, or a list with a span per unit."""
    spans = tuple(draw(st.lists(SPANS, min_size=1, max_size=6)))
    return draw(st.sampled_from((Field(spans, draw(st.integers(-3, 4))), Field(spans, 0, True))))


@settings(max_examples=amount(100, 20_000), deadline=None, derandomize=True)
@given(st.lists(fields(), min_size=1, max_size=3), st.integers(1, 14), st.integers(1, 10))
def test_units_that_leave_the_input_are_those_counted_one_by_one(
    along: list[Field], count: int, length: int
) -> None:
    paths = Paths(tuple(Term((Digit(0, 1, None, field),)) for field in along))
    leaving = [
        unit for unit in range(count)
        if any((s := f.span(unit)) is not None and (s[0] < 0 or s[1] >= length) for f in along)
    ]  # fmt: skip
    assert outside_share(paths, (count,), length) == len(leaving) / count


def with_a_token(side: int) -> onnx.ModelProto:
    """Patches with a border, a token put before them, and layers that keep all of them apart."""
    size, tokens = 4 * side, side * side
    nodes = [
        node("Conv", "x patch", "p", strides=[4, 4], pads=[2] * 4),
        node("Reshape", "p flat", "r"),
        node("Concat", "first r", "t0", axis=2),
    ]
    nodes += [node("Relu", f"t{i}", f"t{i + 1}") for i in range(6)]
    return network(
        *nodes, x=(1, 3, size, size), patch=(2, 3, 8, 8), first=(1, 2, 1),
        flat=np.array([1, 2, tokens]), outputs="t6",
    )  # fmt: skip


def test_a_table_takes_no_step_per_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    real = Field.span

    def counting(self: Field, unit: int) -> Any:
        nonlocal calls
        calls += 1
        return real(self, unit)

    monkeypatch.setattr(Field, "span", counting)
    taken = []
    for side in (6, 24):
        report = cnnscope.analyze(with_a_token(side))
        shares = [f.outside_share for f in report.layers[-1].receptive_field]
        calls = 0
        str(report)
        report.to_dict()
        taken.append(calls)
        # Of side*side patches and one token, those in the first and the last row leave the image.
        assert shares == [pytest.approx(2 * side / (side * side + 1))] * 2
    assert max(taken) < 24 * 24 / 4
