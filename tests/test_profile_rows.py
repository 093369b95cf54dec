"""Rows of a profile: kernels of chosen layers, as many as come to enough, and times of modules."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import cnnscope
from cnnscope.analyzer.render.forms.csv import csv_text
from cnnscope.analyzer.render.forms.terminal import text
from cnnscope.analyzer.render.subjects.profile import document
from cnnscope.analyzer.render.subjects.profile_rows import ProfileSelection, check_rows
from cnnscope.analyzer.render.subjects.report import document as of_report
from cnnscope.analyzer.render.subjects.selection import Selection
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.run_conditions import run_facts


@pytest.fixture(scope="module")
def report(samples: Path) -> Report:
    return cnnscope.analyze(samples / "lenet5.onnx")


@pytest.fixture(scope="module")
def profile(samples: Path) -> Profile:
    return cnnscope.profile(samples / "lenet5.onnx", provider="cpu", seconds=0.05)


def rows(profile: Profile, shown: ProfileSelection) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text([document(profile, shown)]))))


def csv_rows(report: Report, shown: Selection) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text([of_report(report, shown)]))))


def test_rows_until_they_come_to_most_of_the_time(profile: Profile) -> None:
    whole = sum(row.seconds or 0.0 for row in profile.outer)
    found = rows(profile, ProfileSelection(sort="time", until=Fraction(4, 5)))
    times = [float(x["time"]) for x in found]
    assert times == sorted(times, reverse=True)
    assert sum(times) >= 0.8 * whole * (1 - 1e-9) > sum(times[:-1])
    assert [float(x["running"]) for x in found] == pytest.approx(
        [sum(times[: i + 1]) / whole for i in range(len(times))]
    )
    said = text(document(profile, ProfileSelection(until=Fraction(4, 5))), 200)
    assert re.search(r"more kernels? not shown; those shown come to \d+(\.\d)? % of the time", said)


def test_shares_of_another_figure(profile: Profile) -> None:
    found = rows(profile, ProfileSelection(sort="macs"))
    # 240000 of 416520, wherever it ran
    assert float(found[0]["macs_share"]) == 240_000 / 416_520
    assert float(found[1]["running"]) == (240_000 + 117_600) / 416_520


def test_machines_get_the_order_of_running(profile: Profile) -> None:
    found = rows(profile, ProfileSelection())
    assert [int(x["index"]) for x in found] == [row.index for row in profile.rows]
    assert "running" not in found[0]


def test_kernels_of_chosen_layers(profile: Profile, report: Report) -> None:
    shown = ProfileSelection(choice=Choice.of(["conv*"]), report=report)
    found = rows(profile, shown)
    expected = [x for x in profile.rows if {"/conv1/Conv", "/conv2/Conv"} & set(x.layers)]
    assert [int(x["index"]) for x in found] == [x.index for x in expected]
    said = " ".join(text(document(profile, shown), 200).split())
    assert "chosen: 2 kernels with 2 chosen layers (conv*): " in said


def test_times_of_modules(profile: Profile, report: Report) -> None:
    found = rows(profile, ProfileSelection(by="module", report=report))
    times = {x["module"]: float(x["time"]) for x in found if x["time"]}
    of_layers = {x.layers[0]: x.seconds for x in profile.outer if x.layers}
    assert times["conv1"] == of_layers["/conv1/Conv"]
    # What ran as part of another layer's kernel has no time of its own, which isn't one of 0.
    fused = {name for x in profile.outer for name in x.layers[1:]}
    modules = {report[name].scope.split("/")[0] for name in fused}
    assert not modules & set(times)
    slowest = rows(profile, ProfileSelection(by="kind", report=report))
    known = [float(x["time"]) for x in slowest if x["time"]]
    assert known == sorted(known, reverse=True)


def test_a_report_with_times_has_their_shares(profile: Profile, report: Report) -> None:
    ran = replace(report, execution=Execution(profile))
    found = csv_rows(ran, Selection(sort="time"))
    shares = [float(x["share"]) for x in found if x["share"]]
    assert shares == sorted(shares, reverse=True)
    assert 0.5 < sum(shares) <= 1 + 1e-9
    assert float(found[0]["share"]) == pytest.approx(float(found[0]["time_share"]))
    slow = csv_rows(ran, Selection(choice=Choice.of([], ["time>0us"], run_facts(Execution()))))
    timed = {x.layers[0] for x in profile.outer if x.layers and x.seconds}
    assert {x["name"] for x in slow} == timed
    groups = csv_rows(ran, Selection(by="module"))
    parts = [float(x["time_share"]) for x in groups if x["time_share"]]
    assert sum(parts) == pytest.approx(sum(shares))


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (ProfileSelection(sort="nothing"), "there is no sort key 'nothing'"),
        (ProfileSelection(sort="op", until=Fraction(1, 2)), "--until goes with --sort of a figure"),
        (ProfileSelection(by="op", sort="bound"), "there is no sort key 'bound'"),
    ],
)
def test_what_is_refused_before_anything_runs(shown: ProfileSelection, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_rows(shown)


def test_a_path_that_fits_no_layer(profile: Profile, report: Report) -> None:
    shown = ProfileSelection(choice=Choice.of(["convv1"]), report=report)
    with pytest.raises(ValueError, match="did you mean 'conv1'"):
        document(profile, shown)
