"""Is a limit over a range of sizes kept where it is at every valid size, and is it said at which it isn't?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
import pytest
from amounts import amount

import cnnscope

HEAD = '<ir_version: 9, opset_import: ["": 18]> g '
#: 9 products a unit, as many units as there are pixels; 4 bytes each, of the input and of the output
CONV = HEAD + (
    "(float[1,1,H,W] x) => (float[1,1,H,W] y)"
    " <float[1,1,3,3] w = {1,1,1,1,1,1,1,1,1}> { y = Conv<pads = [1,1,1,1]>(x, w) }"
)
#: H is even: a map is halved, doubled, and added to what it was; 2 products a unit each time: 2 H
HALVES = HEAD + (
    "(float[1,1,H] x) => (float[1,1,H] y) <float[1,1,2] w = {1, 1}>"
    " { t = Conv<strides = [2]>(x, w) u = ConvTranspose<strides = [2]>(t, w) y = Add(x, u) }"
)


def model(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


@pytest.mark.parametrize(
    ("limit", "state", "at"),
    [
        ("<= 1800", "within", None),  # 9 * 10 * 20
        ("<= 1799", "exceeds", {"H": 10, "W": 20}),
        ("< 1800", "exceeds", {"H": 10, "W": 20}),
        (">= 144", "within", None),  # 9 * 4 * 4
        (">= 145", "exceeds", {"H": 4, "W": 4}),
        ("> 143", "within", None),
        ("== 144", "exceeds", {"H": 10, "W": 20}),
    ],
)
def test_the_ends_decide(limit: str, state: str, at: Mapping[str, int] | None) -> None:
    found = cnnscope.check(model(CONV), {"macs": limit}, dims={"H": range(4, 11), "W": [4, 20]})
    verdict = found["macs"]
    assert verdict.state == state
    assert (verdict.figure.low, verdict.figure.high) == (144, 1800)
    assert at is None or verdict.at == at


def test_only_valid_sizes_count() -> None:
    """Of 3..7 those are 4 and 6: 8 and 12 products."""
    dims = {"H": range(3, 8)}
    found = cnnscope.check(model(HALVES), {"macs": "12"}, dims=dims)
    assert found.ok
    assert found.to_dict()["models"][0]["ranges"] == {"dims": {"H": [3, 7]}, "sizes": 5, "valid": 2}  # type: ignore[index]
    assert cnnscope.check(model(HALVES), {"macs": "11"}, dims=dims)["macs"].at == {"H": 6}
    none = cnnscope.check(model(HALVES), {"macs": "12"}, dims={"H": [3, 5]})["macs"]
    assert (none.state, none.reason) == ("unknown", "no size in the range is valid")


NETWORKS = [
    ("lenet5.onnx", range(28, 41)), ("unet.onnx", range(570, 590)), ("densenet121.onnx", range(60, 70)),
    ("resnet50.onnx", range(30, 36)), ("vgg16.onnx", range(220, 227)), ("xception.onnx", range(60, 75)),
]  # fmt: skip
LIMITED = ("macs", "flops", "peak_activation", "traffic", "params")


@pytest.mark.parametrize(("name", "lengths"), NETWORKS[: amount(1, len(NETWORKS))])
def test_against_a_check_of_each_size(samples: Path, name: str, lengths: range) -> None:
    """Limits at, and one beside, the least and the most of what checks of single sizes say."""
    valid = cnnscope.sizes(samples / name, free="HxW")
    sizes = [n for n in lengths if valid.admits(H=n, W=n)]
    each = [
        cnnscope.check(samples / name, dict.fromkeys(LIMITED, 0), free="HxW", dims={"H": n, "W": n})
        for n in sizes
    ]
    limits, wanted = {}, []
    for quantity in LIMITED:
        figures = [int(found[quantity].figure.exact or 0) for found in each]
        assert all(figures)
        amounts = {x + more for x in (min(figures), max(figures)) for more in (-1, 0, 1)}
        limits[quantity] = ", ".join(f"<= {x}, >= {x}" for x in sorted(amounts))
        wanted += [
            (quantity, all(kept), figures)
            for x in sorted(amounts)
            for kept in ([n <= x for n in figures], [n >= x for n in figures])
        ]
    found = cnnscope.check(samples / name, limits, free="HxW", dims={"H,W": lengths})
    for verdict, (quantity, kept, figures) in zip(found.verdicts, wanted, strict=True):
        assert verdict.limit.quantity == quantity
        assert verdict.state == ("within" if kept else "exceeds"), verdict.asked
        if verdict.at is not None:
            assert figures[sizes.index(verdict.at["H"])] == verdict.figure.shown


def test_parts_of_a_model_and_what_they_are_made_of(samples: Path) -> None:
    asked = {
        "module.layer4.macs": "1 G",
        "layer./conv1/Conv.macs": "900 M",
        "kind.pooling.macs": "0",
    }
    dims = {"H,W": range(224, 641, 32)}
    found = cnnscope.check(samples / "resnet50.onnx", asked, free="HxW", dims=dims)
    parts, first, pools = found.verdicts
    single = cnnscope.check(
        samples / "resnet50.onnx", asked, free="HxW", dims={"H": 640, "W": 640}
    ).verdicts
    assert (parts.state, first.state, pools.state) == ("exceeds", "exceeds", "within")
    assert (parts.figure.high, first.figure.high) == (
        single[0].figure.exact,
        single[1].figure.exact,
    )
    assert parts.parts == single[0].parts
    assert first.parts == single[1].parts


def test_more_sizes_than_are_looked_at() -> None:
    """2^20 x 2^10 of them: the formula rises, so its corners decide."""
    dims = {"H": range(1, 2**20 + 1), "W": range(1, 2**10 + 1)}
    most = 9 * 2**30
    for limit, state in ((most, "within"), (most - 1, "exceeds")):
        found = cnnscope.check(model(CONV), {"macs": limit}, dims=dims)["macs"]
        assert (found.state, found.figure.low, found.figure.high) == (state, 9, most)


def test_an_end_that_no_size_has_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnscope.analyzer.sizes import costs_over

    monkeypatch.setattr(costs_over, "_EACH", 2)
    found = cnnscope.check(model(HALVES), {"macs": "12"}, dims={"H": range(3, 8)})["macs"]
    assert found.state == "unknown"
    assert "may work otherwise" in found.reason
    even = HEAD + (
        "(float[1,1,H,4] x) => (float[1,1,h,2] y) <float[1,4,1,1] w = {1, 1, 1, 1}>"
        " { t = SpaceToDepth<blocksize = 2>(x) y = Conv(t, w) }"  # 4 products a unit: 4 H
    )
    for limit, state in (("<= 24", "within"), ("<= 23", "unknown"), (">= 9", "unknown")):
        found = cnnscope.check(model(even), {"macs": limit}, dims={"H": range(3, 8)})["macs"]
        assert (found.state, found.at) == (state, None)


def test_what_is_unknown_says_why() -> None:
    strange = HEAD.replace('"": 18', '"": 18, "mine": 1') + (
        "(float[1,3,H,8] x) => (float[1,3,H,8] y) { t = mine.Odd(x) y = Relu(t) }"
    )
    found = cnnscope.check(model(strange), {"macs": "1 G", "layers": 2}, dims={"H": range(4, 300)})
    assert found["macs"].state == "unknown"
    assert found["macs"].reason
    assert found["layers"].state == "within"


def test_fields_and_operators_hold_at_every_size(samples: Path) -> None:
    found = cnnscope.check(
        samples / "resnet50.onnx",
        {"receptive_field": ">= 427", "opset": ">= 9", "operators.forbid": ["Loop"]},
        free="HxW", dims={"H,W": range(224, 300)},
    )  # fmt: skip
    assert [v.state for v in found.verdicts] == ["within"] * 3


def test_a_latency_is_of_one_size(samples: Path) -> None:
    found = cnnscope.check(
        samples / "lenet5.onnx", {"latency_p50": "1 s", "params": "1 M"},
        free="HxW", dims={"H,W": range(32, 40)},
    )  # fmt: skip
    assert found["latency_p50"].state == "unknown"
    assert "one size" in found["latency_p50"].reason
