"""Shares, running sums, and rows until they come to enough: against sums written out by hand."""

from __future__ import annotations

import csv
import io
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import Done, Run, run

import cnnscope
from cnnscope.analyzer.report.shares import reaching, shares_of

__all__ = ["run"]  # the fixture

# LeNet-5's MACs: 5*5*1*6 at 28*28 places, 5*5*6*16 at 10*10, 400*120, 120*84, 84*10.
BY_HAND = {
    "/conv2/Conv": 240_000, "/conv1/Conv": 117_600, "/fc1/Gemm": 48_000, "/fc2/Gemm": 10_080,
    "/fc3/Gemm": 840,
}  # fmt: skip
TOTAL = 416_520


def rows(done: Done) -> list[dict[str, str]]:
    assert done.code == 0, done.err
    return list(csv.DictReader(io.StringIO(done.out)))


def test_shares_are_parts_of_the_total(samples: Path, run: Run) -> None:
    found = rows(run("analyze", samples / "lenet5.onnx", "--sort", "macs", "--format", "csv"))
    names = list(found[0])
    assert names[names.index("macs") :][:3] == ["macs", "share", "running"]
    so_far = 0
    for line, (name, macs) in zip(found, BY_HAND.items(), strict=False):
        so_far += macs
        assert (line["name"], int(line["macs"])) == (name, macs)
        assert (float(line["share"]), float(line["running"])) == (macs / TOTAL, so_far / TOTAL)
    assert {line["running"] for line in found[4:]} == {"1.0"}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--until", "57%"], 1),  # 240000 of 416520 are 57.6 %
        (["--until", "58 %"], 2),
        (["--until", "80%"], 2),
        (["--until", "100%"], 5),  # what is behind does nothing
        (["--until", "99%", "--top", "3"], 3),
        (["--until", "58%", "--top", "3"], 2),
        (["--top", "20"], 12),
    ],
)
def test_until(samples: Path, run: Run, options: list[str], shown: int) -> None:
    given = ["analyze", samples / "lenet5.onnx", "--sort", "macs", "--format", "csv", *options]
    assert len(rows(run(*given))) == shown


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any),
    st.fractions(Fraction(1, 100), 1),
)
def test_rows_until_they_come_to_a_part(values: list[int], part: Fraction) -> None:
    values.sort(reverse=True)
    found = reaching(shares_of(values, sum(values)), part)
    assert sum(values[:found]) >= part * sum(values) > sum(values[: found - 1])


# -- the tasks of every day, literally -----------------------------------------------------------------


def test_which_layers_make_80_percent_of_the_macs(samples: Path, run: Run) -> None:
    done = run(samples / "resnet50.onnx", "--sort", "macs", "--until", "80%")
    lines = done.out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("layer"))
    assert "MACs  share  running" in lines[head]
    end = next(i for i, line in enumerate(lines) if line.startswith("..."))
    # 7*7*3*64 MACs at 112*112 places, of 4089184256.
    assert lines[head + 2].split()[:1] == ["/conv1/Conv"]
    assert "118.0 M  2.9 %    2.9 %" in lines[head + 2]
    running = [float(re.findall(r"(\d+\.\d) %", line)[1]) for line in lines[head + 2 : end]]
    assert running == sorted(running)
    assert running[-2] < 80 <= running[-1]
    assert lines[end].endswith("those shown come to 80.8 % of the MACs")


def test_the_depthwise_layers_for_a_spreadsheet(samples: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "dw.csv"
    model = samples / "mobilenet_v2.onnx"
    done = run(model, "--only", "kind=depthwise", "--format", "csv", "-o", out)
    assert done.code == 0
    found = list(csv.DictReader(io.StringIO(out.read_text())))
    # Sandler et al. 2018, table 2: 1 + 2 + 3 + 4 + 3 + 3 + 1 blocks, each with one of them.
    assert [line["kind"] for line in found] == ["2-D depthwise convolution"] * 17


# -- whose share isn't known ---------------------------------------------------------------------------


def test_no_share_of_a_lower_bound(cases: Path, run: Run, tmp_path: Path) -> None:
    model = tmp_path / "own.onnx"
    import onnx
    import onnx.parser

    onnx.save(
        onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 17, "com.example" : 1]>'
            "g (float[1,3,8,8] x) => (float[1,3,8,8] y) { a = Relu(x) y = com.example.Own(a) }"
        ),
        model,
    )
    done = run("analyze", model, "--sort", "flops")
    assert done.code == 0
    assert "share" not in done.out.split("\n\n")[1].splitlines()[0]
    said = " ".join(done.out.split())
    assert said.count("no share of the FLOPs is known, since their total isn't complete") == 1
    found = rows(run("analyze", model, "--sort", "flops", "--format", "csv"))
    assert {line["share"] for line in found} == {""}
    refused = run("analyze", model, "--sort", "flops", "--until", "80%")
    assert (refused.code, refused.out) == (2, "")
    assert "--until: no share of the FLOPs is known" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until", "80%"], "--until goes with --sort"),
        (["--until", "80%", "--sort", "rf"], "--until goes with --sort of a figure that adds up"),
        (["--until", "80", "--sort", "macs"], "--until 80: give a part of the total such as 80%"),
        (["--until", "120%", "--sort", "macs"], "such as 80%"),
        (["--columns", "name,share"], "the column share goes with --sort of a figure that adds up"),
        (["--layer", "convv1"], "no layer fits 'convv1'; did you mean 'conv1'"),
        (["--layer", ""], "--layer: which layers?"),
        (["--only", "mac>1"], "--only 'mac>1': there is no column 'mac'; did you mean 'macs'?"),
        (["--only", "time>1ms"], "only a run shows that: analyze --run"),
        (["--only", "macs>1", "--format", "json"], "--only goes with table, csv"),
        (["--layer", "fc1", "--compare"], "--compare"),
    ],
)
def test_what_is_refused(samples: Path, run: Run, options: list[str], said: str) -> None:
    done = run("analyze", samples / "lenet5.onnx", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_choice_of_none_is_an_empty_table_with_a_sentence(samples: Path, run: Run) -> None:
    done = run("analyze", samples / "lenet5.onnx", "--only", "macs>1G")
    assert done.code == 0
    assert "no layer has macs>1G" in done.out
    assert rows(run("analyze", samples / "lenet5.onnx", "--only", "macs>1G", "-f", "csv")) == []


def test_what_the_chosen_come_to(samples: Path, run: Run) -> None:
    done = run("analyze", samples / "lenet5.onnx", "--layer", "conv*", "--only", "op=Conv")
    said = " ".join(done.out.split())
    # 156 + 2416 of 61706 parameters; 357600 of 416520 MACs
    assert (
        "chosen 2 of 12 layers (conv*; op=Conv): 2.57 k parameters (4.2 %), 357.6 k MACs (85.9 %)"
        in said
    )
    assert "parameters 61.71 k" in said  # the model's


def test_groups_of_the_chosen(samples: Path, run: Run) -> None:
    given = ["analyze", samples / "lenet5.onnx", "--by", "op", "--sort", "macs", "--format", "csv"]
    found = rows(run(*given, "--layer", "conv1", "--layer", "tanh1", "--layer", "fc3"))
    assert [(x["op"], x["layers"]) for x in found] == [("Conv", "1"), ("Gemm", "1"), ("Tanh", "1")]
    assert [float(x["running"]) for x in found] == [
        117_600 / TOTAL, 118_440 / TOTAL, 118_440 / TOTAL,
    ]  # fmt: skip


def test_several_models_and_a_path_that_one_has(samples: Path, run: Run) -> None:
    done = run("analyze", samples / "lenet5.onnx", samples / "alexnet.onnx", "--layer", "conv1")
    alexnet = cnnscope.analyze(samples / "alexnet.onnx")
    has = any(x.name.startswith("/conv1") for x in alexnet.layers)
    assert (done.code == 0) is has
    assert "/conv1/Conv" in done.out
