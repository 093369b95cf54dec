"""Are budgets judged right? Limits beside figures known from elsewhere, and what isn't known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import onnx
import pytest
from amounts import some
from hypothesis import given
from hypothesis import strategies as st
from networks import network, node

import cnnscope
from cnnscope.analyzer.budgets.baselines import baseline_dict, model_key, read_baseline
from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.budgets.check import Checked
from cnnscope.analyzer.budgets.figure import Figure, plain_number
from cnnscope.analyzer.budgets.judging import judge_report
from cnnscope.analyzer.budgets.limit import WHOLE, Scope
from cnnscope.analyzer.budgets.limit_text import make_limit, parse_limit
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import MEASURED, Quantity
from cnnscope.analyzer.budgets.verdicts import judge
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.runtime.gates.latencies import latency_figure


@pytest.fixture(scope="module")
def resnet(samples: Path) -> cnnscope.Report:
    return cnnscope.analyze(samples / "resnet50.onnx")


@pytest.fixture(scope="module")
def partial() -> cnnscope.Report:
    """64 * 3 * 9 * 8 * 8 MACs are known; those of an operator that nobody knows aren't."""
    model = network(
        node("Conv", "x w", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("MyOp", "a", "b", domain="my.domain"),
        x=(1, 3, 8, 8),
        w=(64, 3, 3, 3),
    )
    model.opset_import.add(domain="my.domain", version=1)
    return cnnscope.analyze(model)


KNOWN = 64 * 3 * 9 * 8 * 8


# torchvision's figures: 25,557,032 parameters, 4.089 GMACs; a receptive field of 427 (rfa-toolbox).
@pytest.mark.parametrize(
    ("limit", "state", "beyond"),
    [
        ("params=25_557_032", "within", 0),
        ("params<25_557_032", "exceeds", 0),
        ("params=25_557_031", "exceeds", 1),
        ("params==25_557_032", "within", 0),
        ("params==25_557_033", "exceeds", 1),
        ("params=25.557032 M", "within", 0),
        ("macs=4.0891842559 G", "exceeds", Fraction(1, 10) * 1),
        ("macs=4.2 G", "within", None),
        ("macs=4 GMACs", "exceeds", 89_184_256),
        ("receptive_field>=427", "within", 0),
        ("receptive_field>=428", "exceeds", 1),
        ("receptive_field<=426", "exceeds", 1),
        ("opset>=13,<=17", "within", None),
        ("opset>17", "exceeds", 0),
        ("layers=175", "within", 0),
        ("max_partial=0", "within", 0),
        ("module.layer4.params=14_964_736", "within", 0),
        ("module.layer4/0.params=1", "exceeds", None),
        ("module.layer5.params=1", "unknown", None),
        ("kind.2-D depthwise convolution.macs=0", "within", 0),
        ("kind.*convolution.params=23_454_912", "within", 0),
        ("kind.fully connected.params=2_049_000", "within", 0),
        ("layer./fc/Gemm.params=2_049_000", "within", 0),
        ("layer.*conv1*.macs=118_013_952", "within", 0),
        ("layer.*conv1*.macs=118_013_951", "exceeds", 1),
        ("layer.nothing.macs=1", "unknown", None),
        ("operators.forbid=Loop,com.microsoft::*", "within", None),
        ("operators.forbid=Re*", "exceeds", None),
        ("operators.allow=Conv,Relu,BatchNormalization,Add,MaxPool,*Pool,Flatten,Gemm",
         "within", None),
        ("operators.allow=Conv", "exceeds", None),
        ("params=+2 %", "unknown", None),
    ],
)  # fmt: skip
def test_resnet(resnet: cnnscope.Report, limit: str, state: str, beyond: Fraction | None) -> None:
    verdicts = judge_report(resnet, [parse_limit(limit)])
    assert {v.state for v in verdicts} == {state}
    if beyond is not None:
        assert abs(verdicts[0].beyond or 0) == beyond


def test_the_worst_layers_come_first(resnet: cnnscope.Report) -> None:
    (verdict,) = judge_report(resnet, [parse_limit("params=1 M")])
    amounts = [part.amount for part in verdict.parts]
    assert amounts[0] == 512 * 512 * 9
    assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize(
    ("limit", "state", "tolerated"),
    [
        (f"macs={KNOWN - 1}", "exceeds", False),  # what is known is too much already
        (f"macs={KNOWN}", "unknown", False),
        ("macs=1 G", "unknown", False),
        (f"macs>={KNOWN}", "within", False),  # what is known is enough already
        (f"macs>={KNOWN + 1}", "unknown", False),
        (f"macs=={KNOWN}", "unknown", False),
        (f"macs=={KNOWN - 1}", "exceeds", False),
        ("max_partial=0", "exceeds", False),
        ("max_partial=1", "within", False),
        ("operators.forbid=my.domain::*", "exceeds", False),
        ("receptive_field>=3", "within", False),
        ("receptive_field>=4", "unknown", False),
        ("receptive_field<=3", "unknown", False),
    ],
)
def test_partial_totals_are_lower_bounds(
    partial: cnnscope.Report, limit: str, state: str, tolerated: bool
) -> None:
    (verdict,) = judge_report(partial, [parse_limit(limit)])
    assert (verdict.state, verdict.tolerated) == (state, tolerated)
    assert verdict.ok == (state == "within")
    if state == "unknown":
        assert verdict.reason


def test_unknown_fails_unless_it_is_allowed(partial: cnnscope.Report) -> None:
    limits = {"macs": "1 G"}
    assert not cnnscope.check(partial, limits).ok
    assert cnnscope.check(partial, limits, allow_unknown=True).ok
    assert cnnscope.check(partial, limits | {"max_partial": 1}).ok  # one term may be missing
    assert not cnnscope.check(partial, limits | {"max_partial": 0}).ok
    assert not cnnscope.check(partial, {"macs": 1}, allow_unknown=True).ok  # known to be too much


@pytest.mark.parametrize("part", ["", "layer.behind.", "kind.elementwise arithmetic."])
def test_fields_behind_strangers_are_lower_bounds_of_parts_too(part: str) -> None:
    """One way to the sum is known to see 3 positions; what the other one sees, nobody knows."""
    model = network(
        node("Conv", "x w", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("MyOp", "a", "b", domain="my.domain"),
        node("Add", "a b", "y", name="behind"),
        x=(1, 3, 8, 8),
        w=(3, 3, 3, 3),
    )
    model.opset_import.add(domain="my.domain", version=1)
    model.graph.value_info.add().CopyFrom(
        onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, [1, 3, 8, 8])
    )
    report = cnnscope.analyze(model)
    for bound, state in ((">=3", "within"), ("<=3", "unknown"), (">=4", "unknown")):
        (verdict,) = judge_report(report, [parse_limit(f"{part}receptive_field{bound}")])
        assert verdict.state == state, bound


@pytest.mark.parametrize("saved", ["report", "baseline"])
def test_the_bound_stays_a_bound_in_a_baseline(
    partial: cnnscope.Report, tmp_path: Path, saved: str
) -> None:
    """3 is what is known to be seen; a model that sees 3 or 5 may see less than it or more."""
    path = tmp_path / "old.json"
    done = cnnscope.check(partial, {"params": "1 M"})
    data = partial.to_dict() if saved == "report" else baseline_dict(done.models, tmp_path)
    path.write_text(json.dumps(data))
    conv = node("Conv", "x w", "a", kernel_shape=[5, 5])
    report = cnnscope.analyze(network(conv, x=(1, 3, 8, 8), w=(64, 3, 5, 5)))
    for limit, state in (("<= +0", "unknown"), (">= -0", "unknown"), (">= -9", "unknown")):
        found = cnnscope.check(report, {"receptive_field": limit}, baseline=path)
        assert found["receptive_field"].state == state, limit


def test_a_term_that_may_be_missing_is_no_free_dimension() -> None:
    model = network(
        node("Conv", "x w", "y", kernel_shape=[1, 1]), x=(1, 3, "H", "W"), w=(8, 3, 1, 1)
    )
    assert not cnnscope.check(model, {"macs": "1 G", "max_partial": 9}).ok
    assert cnnscope.check(model, {"macs": "1 G"}, dims={"H": 4, "W": 4}).ok


def test_free_dimensions_are_unknown_and_say_why() -> None:
    model = network(
        node("Conv", "x w", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        x=(1, 3, "H", "W"),
        w=(64, 3, 3, 3),
    )
    report = cnnscope.analyze(model)
    check = cnnscope.check(report, {"macs": "1 G", "params": "2 k", "receptive_field": ">=3"})
    assert [v.state for v in check] == ["unknown", "within", "within"]
    assert "H" in check["macs"].reason
    assert cnnscope.check(model, {"macs": "1 G"}, dims={"H": 8, "W": 8})["macs"].state == "within"


def test_a_pooling_over_a_free_length_leaves_the_field_known() -> None:
    model = network(
        node("Conv", "x w", "a", kernel_shape=[3, 3]),
        node("GlobalAveragePool", "a", "b"),
        x=(1, 3, "H", "W"),
        w=(64, 3, 3, 3),
    )
    assert cnnscope.check(model, {"receptive_field": "== 3"}).ok


INTERVAL = st.tuples(
    st.none() | st.fractions(0, 4, max_denominator=2), st.none() | st.fractions(0, 4, max_denominator=2)
)  # fmt: skip


@given(
    INTERVAL, st.fractions(0, 4, max_denominator=2), st.sampled_from(["<=", "<", ">=", ">", "=="])
)
def test_a_verdict_is_what_all_figures_of_an_interval_say(
    ends: tuple[Fraction | None, Fraction | None], amount: Fraction, comparison: str
) -> None:
    """Brute force: every figure in the interval, in steps finer than its ends."""
    low, high = ends
    if low is not None and high is not None and low > high:
        low, high = high, low
    grid = [Fraction(i, 4) for i in range(-4, 40)]  # to beyond every amount
    kept = {
        {"<=": x <= amount, "<": x < amount, ">=": x >= amount, ">": x > amount,
         "==": x == amount}[comparison]
        for x in grid
        if (low is None or x >= low) and (high is None or x <= high)
    }  # fmt: skip
    expected = "unknown" if len(kept) == 2 else "within" if True in kept else "exceeds"
    found = judge(Figure(low, high), Bound(comparison, amount), amount)  # type: ignore[arg-type]
    assert found == expected


# -- baselines -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def earlier(samples: Path) -> tuple[cnnscope.Report, cnnscope.Check]:
    """MobileNetV2, analysed and checked under another's name."""
    report = cnnscope.analyze(samples / "mobilenet_v2.onnx")
    names = {"macs": "1 T", "kind.2-D depthwise convolution.macs": "1 T"}
    done = cnnscope.check(samples / "mobilenet_v2.onnx", names)
    return report, replace(
        done, models=[replace(x, model="was/resnet50.onnx") for x in done.models]
    )


RELATIVE = [
    ("macs=+2 %", "exceeds"),
    ("macs=+2000 %", "within"),
    ("params=+0", "exceeds"),
    ("params=+22_052_160", "within"),  # 25,557,032 - 3,504,872
    ("params=+22_052_159", "exceeds"),
    ("params>=-0", "within"),
    ("receptive_field>=-0 %", "exceeds"),  # 427 beside 491
    ("receptive_field>=-64", "within"),
    ("opset<=+0", "within"),
    ("kind.2-D depthwise convolution.macs=-100 %", "within"),
    ("module.layer4.params=+0", "unknown"),
    ("max_partial=0", "within"),
]


@pytest.mark.parametrize("which", [RELATIVE[::2], RELATIVE[1::2]], ids=["one half", "the other"])
def test_limits_relative_to_a_model(
    resnet: cnnscope.Report, samples: Path, which: list[tuple[str, str]]
) -> None:
    """All that can be asked together of ResNet-50 beside MobileNetV2 itself, which is analysed for it."""
    waiting = list(which)
    while waiting:
        asked: dict[str, tuple[str, str]] = {}
        for limit, state in list(waiting):
            if limit_key(limit) not in asked:
                asked[limit_key(limit)] = limit_text(limit), state
                waiting.remove((limit, state))
        limits = {key: text for key, (text, _) in asked.items()}
        found = cnnscope.check(resnet, limits, baseline=samples / "mobilenet_v2.onnx")
        states = [x.state for x in found.models[0].verdicts]
        assert states == [state for _, state in asked.values()], found


@pytest.mark.parametrize(("limit", "state"), RELATIVE)
@pytest.mark.parametrize("saved", ["report", "check", "baseline"])
def test_relative_limits(
    resnet: cnnscope.Report, earlier: tuple[cnnscope.Report, cnnscope.Check], samples: Path,
    tmp_path: Path, limit: str, state: str, saved: str,
) -> None:  # fmt: skip
    """ResNet-50 beside MobileNetV2, read from whatever it was saved as."""
    verdict = parse_limit(limit)
    if saved == "report" and verdict.scope != WHOLE:
        state = "unknown"  # a report has no figures of parts
    path = tmp_path / "old.json"
    report, done = earlier
    if saved == "report":
        path.write_text(json.dumps(report.to_dict()))
    elif saved == "check":
        path.write_text(json.dumps(done.to_dict()))
    else:
        path.write_text(json.dumps(baseline_dict(done.models, tmp_path)))
    found = cnnscope.check(resnet, {limit_key(limit): limit_text(limit)}, baseline=path)
    assert found.models[0].verdicts[0].state == state, found


def test_figures_of_another_model_are_no_baseline(samples: Path, tmp_path: Path) -> None:
    """A file that holds one model's figures says nothing of the second model of a project: it is new."""
    path = tmp_path / "budgets.json"
    done = cnnscope.check(samples / "vgg16.onnx", {"macs": "1 T"})
    path.write_text(json.dumps(baseline_dict(done.models, tmp_path)))
    found = cnnscope.check(samples / "lenet5.onnx", {"macs": "+0 %"}, baseline=path)
    assert [(v.state, v.ok, v.baseline) for v in found] == [("new", True, None)]
    assert "no such model" in " ".join(str(found).split())


@pytest.mark.parametrize(
    ("low", "high", "figure", "state"),
    [(3, 10, 5, "unknown"), (3, 10, 11, "unknown"), (5, 5, 5, "within"), (5, 5, 6, "exceeds")],
)
def test_an_equal_bound_against_an_interval(low: int, high: int, figure: int, state: str) -> None:
    """3 and 10 are both other than 5, and 5 lies between them."""
    old = Figure(Fraction(low), Fraction(high), "measured")
    limit = parse_limit("layers==+0")
    model = network(node("Relu", "x", "y"), x=(1,))
    for _ in range(figure - 1):
        model.graph.node.add().CopyFrom(node("Relu", "x", f"y{len(model.graph.node)}"))
    (verdict,) = judge_report(
        cnnscope.analyze(model), [limit], baseline={(WHOLE, "layers"): (old,)}
    )
    assert verdict.state == state


def test_fields_along_other_axes_are_no_baseline() -> None:
    report = cnnscope.analyze(
        network(node("MaxPool", "x", "y", kernel_shape=[3, 3]), x=(1, 1, 8, 8))
    )
    old = {(WHOLE, "receptive_field"): (Figure.exactly(1),)}
    (verdict,) = judge_report(report, [parse_limit("receptive_field>=-0 %")], baseline=old)
    assert verdict.state == "unknown"
    assert "along 1 axes, not 2" in verdict.reason


def limit_key(text: str) -> str:
    return text.partition("=")[0].rstrip("<>")


def limit_text(text: str) -> str:
    key = limit_key(text)
    rest = text.removeprefix(key)
    return rest.removeprefix("=") if rest.startswith("=") else rest


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "[1]", "nonsense", '{"models": [{"model": "a"}]}', '{"models": 3}',
     '{"models": [{"model": "a", "figures": [{"quantity": "macs", "scope": null, "values": '
     '[{"low": "x"}]}]}]}', '{"model": {"path": "a"}, "totals": 3}', "[" * 100_000],
)  # fmt: skip
def test_a_baseline_that_is_none(text: str) -> None:
    with pytest.raises(CnnscopeError, match=r"base\.json"):
        read_baseline(text.encode(), "base.json")


@pytest.mark.parametrize(
    ("model", "folder", "key"),
    [("models/a.onnx", ".", "models/a.onnx"), ("models/a.onnx", "models", "a.onnx"),
     ("a.onnx", "base", "../a.onnx")],
)  # fmt: skip
def test_models_are_named_from_the_baselines_folder(model: str, folder: str, key: str) -> None:
    assert model_key(model, Path(folder)) == key


def test_sizes_tell_figures_of_one_model_apart(tmp_path: Path) -> None:
    def done(variant: str, macs: int) -> Checked:
        figures = {(WHOLE, "macs"): (Figure.exactly(macs),)}
        return Checked("m.onnx", (), figures, variant=variant)

    text = json.dumps(baseline_dict([done("", 1), done("x=1x3x8x8", 2)], Path()))
    read = read_baseline(text.encode(), "b.json")
    for variant, macs in (("", 1), ("x=1x3x8x8", 2)):
        found = read.figures_for("m.onnx", variant)
        assert found is not None
        assert found[WHOLE, "macs"][0].exact == macs
    assert read.figures_for("other.onnx") is None
    assert read.figures_for("moved/m.onnx") is not None


# -- latency ---------------------------------------------------------------------------------------


def latency(
    p50: float, noise: str | None = None, uncertainty: float | None = 0.01, runs: int = 1000
) -> Latency:
    return Latency(
        1, {}, p50, p50 * 1.1, p50 * 1.2, p50 * 0.8, p50 * 1.5, 0.1, uncertainty, runs, 5, 1.0, 1.0,
        noise,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("milliseconds", "noise", "uncertainty", "state"),
    [
        (11.0, None, 0.01, "within"),
        (11.7, None, 0.01, "unknown"),  # within 5 % of the limit: it might as well be above
        (12.3, None, 0.01, "unknown"),
        (13.0, None, 0.01, "exceeds"),
        (11.0, None, 0.30, "unknown"),  # the measurement itself says no more than +-15 %
        (11.0, "unsteady", 0.01, "unknown"),
        (7.9, "unsteady", 0.01, "within"),  # the slowest run was fast enough
        (15.1, "unsteady", None, "exceeds"),  # the fastest wasn't
    ],
)
def test_latencies_near_a_limit_are_unknown(
    resnet: cnnscope.Report,
    milliseconds: float,
    noise: str | None,
    uncertainty: float | None,
    state: str,
) -> None:
    found = latency(milliseconds / 1000, noise, uncertainty)
    figure = latency_figure(found, "latency_p50", Fraction(1, 20))
    limit = make_limit("latency_p50", "12 ms")
    (verdict,) = judge_report(resnet, [limit], measured={"latency_p50": figure})
    assert verdict.state == state
    assert (verdict.reason == "") == (state != "unknown")


@pytest.mark.parametrize(
    ("milliseconds", "runs", "state"),
    [
        (7.9, 1000, "within"),  # the slowest of many runs, 11.85 ms, was fast enough
        (7.9, 303, "unknown"),  # of 298, it might not have been among the slowest 1 %
        (9.0, 1000, "unknown"),  # 10.8 ms as measured, but the slowest run took 13.5
        (10.5, 1000, "unknown"),
        (11.0, 1000, "exceeds"),  # more than 10 % of the runs were slower
        (11.0, 50, "exceeds"),
    ],
)
def test_a_99th_percentile_takes_many_runs(
    resnet: cnnscope.Report, milliseconds: float, runs: int, state: str
) -> None:
    figure = latency_figure(latency(milliseconds / 1000, runs=runs), "latency_p99", Fraction(1, 20))
    limit = make_limit("latency_p99", "12 ms")
    (verdict,) = judge_report(resnet, [limit], measured={"latency_p99": figure})
    assert verdict.state == state, figure


def test_the_tail_is_compared_with_a_baseline_as_far_as_it_is_known(
    resnet: cnnscope.Report,
) -> None:
    limit = make_limit("latency_p99", "+0")
    figures = [
        latency_figure(latency(p50), "latency_p99", Fraction(1, 20)) for p50 in (0.01, 0.011)
    ]
    (verdict,) = judge_report(
        resnet, [limit], measured={"latency_p99": figures[1]},
        baseline={(WHOLE, "latency_p99"): figures[:1]},
    )  # fmt: skip
    assert verdict.state == "unknown"


def test_a_latency_is_measured(samples: Path) -> None:
    check = cnnscope.check(
        samples / "lenet5.onnx", {"latency_p50": "60 s", "latency_p99": "< 1 ns"}, tolerance="1 %"
    )
    assert [v.state for v in check] == ["within", "exceeds"]


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "text", "scope", "hint"),
    [
        ("mcas", "1", WHOLE, "did you mean macs"),
        ("weight_bytes", "1", WHOLE, "did you mean weights"),
        ("peak_activation_bytes", "1", WHOLE, "did you mean peak_activation"),
        ("opset", "17", WHOLE, "at most or at least"),
        ("opset", ">=3", Scope("module", "a"), "whole model"),
        ("macs", "1", Scope("kind", "depthwise convlution"), "convolution"),
        ("macs", "1", Scope("kind", ""), "which kind"),
        ("max_partial", "+2", WHOLE, "how many"),
        ("operators.forbid", "Conv", Scope("module", "a"), "whole model"),
        ("operators.forbid", 3, WHOLE, "list"),
        ("operators.forbid", ["Lopp"], WHOLE, "did you mean Loop"),
        ("operators.allow", ["Conv", "relu"], WHOLE, "did you mean Relu"),
    ],
)
def test_limits_that_are_refused(quantity: str, text: object, scope: Scope, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        make_limit(quantity, text, scope)


@pytest.mark.parametrize("text", ["macs", "", "=3", "macs 3", "operators.forbid<=Conv"])
def test_options_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|list"):
        parse_limit(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Fraction(3), 3), (Fraction(-5, 2), "-2.5"), (Fraction(1, 3), "1/3"), (None, None),
     (Fraction(1, 1000), "0.001")],
)  # fmt: skip
def test_numbers_in_json_are_exact(value: Fraction | None, expected: object) -> None:
    assert plain_number(value) == expected


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which quantities were worked out: every one of the table, and three that can't be."""
    told: list[str] = []

    def watched(quantity: Quantity) -> Quantity:
        whole = quantity.figures
        if whole is None:
            return quantity

        def figures(report: cnnscope.Report) -> Sequence[Figure]:
            told.append(quantity.key)
            return whole(report)

        return replace(quantity, figures=figures)

    def refuse(*_: object) -> Sequence[Figure]:
        raise CnnscopeError("nobody knows\nhow many")

    def break_down(*_: object) -> Sequence[Figure]:
        raise KeyError("lost")

    def no_parts(*_: object) -> int:
        raise ZeroDivisionError

    odd = [
        Quantity("refused", "count", "of no model", refuse, refuse),
        Quantity("broken", "count", "of no model", break_down),
        Quantity("partless", "count", "of any", lambda _: (Figure.exactly(3),), of_layer=no_parts),
    ]
    for quantity in (*QUANTITIES.values(), *odd):
        monkeypatch.setitem(QUANTITIES, quantity.key, watched(quantity))  # type: ignore[arg-type]  # a dict
    return told


def test_a_quantity_is_worked_out_when_it_is_asked_for_and_once(
    samples: Path, asked: list[str]
) -> None:
    check = cnnscope.check(samples / "lenet5.onnx", {"params": "60 k", "layers": ">= 1, <= 99"})
    assert sorted(asked) == ["layers", "params"]
    # What JSON lists is worked out then, and none of it twice.
    figures = check.to_dict()["models"][0]["figures"]  # type: ignore[index]  # a list of models
    assert [x["quantity"] for x in figures] == [k for k, q in QUANTITIES.items() if q.figures]
    assert sorted(asked) == sorted(k for k, q in QUANTITIES.items() if q.figures)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("refused", "nobody knows how many"),
        ("kind.convolution.refused", "nobody knows how many"),
        ("layer.*.refused", "nobody knows how many"),
        ("broken", "internal error: KeyError: 'lost'; please report it"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_a_quantity_that_cannot_be_worked_out_is_unknown_alone(
    samples: Path, key: str, why: str
) -> None:
    limits = {"params": "60 k", key: ">= 1", "macs": "500 k", "partless": "2"}
    check = cnnscope.check(samples / "lenet5.onnx", limits)
    states = [(v.limit.quantity, v.state) for v in check.verdicts]
    assert states == [
        ("params", "exceeds"), (key.rpartition(".")[2], "unknown"), ("macs", "within"),
        ("partless", "exceeds"),
    ]  # fmt: skip
    assert check.verdicts[1].reason == why
    assert check.verdicts[3].parts == ()
    assert not check.problems
    json.dumps(check.to_dict(), allow_nan=False)
    # A baseline is written of the rest, and nothing is compared with what it lacks.
    earlier = read_baseline(
        json.dumps(baseline_dict(check.models, samples)).encode(), "earlier.json"
    )
    found = earlier.models[next(iter(earlier.models))]
    assert found[WHOLE, "params"][0].exact == 61706
    assert found[WHOLE, "refused"][0].exact is None


def test_every_figure_of_every_sample_can_be_limited(samples: Path) -> None:
    limits = {key: "<= 1" for key in QUANTITIES if key not in MEASURED}
    paths = some(sorted(samples.glob("*.onnx")), 6)
    check = cnnscope.check(paths, limits)
    assert len(check.models) == len(paths)
    assert not check.problems
    json.dumps(check.to_dict(), allow_nan=False)
    assert "EXCEEDS" in str(check)


def test_a_model_that_cannot_be_read_does_not_hide_the_others(
    samples: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\xff" * 100)
    check = cnnscope.check([bad, samples / "lenet5.onnx"], {"params": "70 k"})
    assert [p.model for p in check.problems] == [str(bad)]
    assert [m.ok for m in check.models] == [True]
    assert not check


def test_a_99th_percentile_can_be_known(samples: Path) -> None:
    """The median is known after a few runs already; this takes more of them."""
    found = cnnscope.check(samples / "lenet5.onnx", {"latency_p99": "60 s", "latency_p50": "60 s"})
    assert [v.state for v in found] == ["within", "within"], str(found)
