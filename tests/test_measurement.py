"""Do the figures that follow from times follow rightly, by hand; and is every form of them safe?"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laid_out import profile_csv, profile_json, profile_markdown
from laid_out import profile_text as text

from cnnscope.analyzer.render.subjects.chrome_trace import chrome_trace
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.latency import Latency, Transfers
from cnnscope.analyzer.report.machine import Ceilings, Copied, Placement, Residue, TimeSpan, Unrun
from cnnscope.analyzer.report.measurement import Profile

HOSTILE = "=evil\n\x1b[31m<b>|`x`\u202e"

#: 100 FLOP/s, 10 B/s, a tenth of a second to start: round numbers
MACHINE = Ceilings({"float32": 100.0}, 10.0, 0.1)


def a_row(**facts: object) -> Row:
    row = Row(
        0, "k", "Conv", "cpu", ("a", "b"), ("Conv", "Relu"), False, 2.0, 2.0, 0.5, "float32", 40,
        100, 20,
    )  # fmt: skip
    return replace(row, **facts)  # type: ignore[arg-type]  # a test's own


@pytest.mark.parametrize(
    ("macs", "flops", "moved", "least", "bound"),
    [
        (250, 500, 10, 5.0, "compute"),  # 5 s of arithmetic, 1 s of bytes
        (5, 10, 50, 5.0, "memory"),  # 0.1 s and 5 s
        (50, 100, 10, 1.0, "memory"),  # on the ridge, 10 FLOPs a byte: bytes can't be faster either
        (0, 1, 0, 0.01, "overhead"),  # 0.01 s of work, 0.1 s to start
    ],
)
def test_the_roofline_by_hand(macs: int, flops: int, moved: int, least: float, bound: str) -> None:
    assert MACHINE.roofline("float32", macs, flops, moved) == pytest.approx(least)
    assert MACHINE.bound("float32", macs, flops, moved) == bound


def test_an_unknown_ceiling_leaves_a_product_open_but_not_a_copy() -> None:
    assert MACHINE.roofline("float16", 5, 10, 50) is None
    assert MACHINE.bound("float16", 5, 10, 50) is None
    assert MACHINE.bound("int64", 0, 10, 50) == "memory"
    assert Ceilings({"float32": 1.0}).bound("float32", 1, 2, 3) is None


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_roofline_is_williams(macs: int, flops: int, moved: int) -> None:
    least = MACHINE.roofline("float32", macs, flops, moved)
    assert least is not None
    if flops and moved:
        # As published: attainable FLOP/s = min(peak, bandwidth * intensity).
        attainable = min(100.0, 10.0 * flops / moved)
        assert flops / least == pytest.approx(attainable)


def test_rates_by_hand() -> None:
    row = a_row(roofline=1.0)
    assert (row.flop_rate, row.byte_rate, row.intensity) == (50.0, 10.0, 5.0)
    assert (row.roofline_share, row.speedup) == (0.5, 2.0)
    nothing = a_row(seconds=None, share=None, flops=None, bytes=0)
    assert (nothing.flop_rate, nothing.byte_rate, nothing.intensity) == (None, None, None)
    assert (nothing.roofline_share, nothing.speedup) == (None, None)
    assert a_row(share=1.0).speedup is None
    assert a_row(seconds=0.0).flop_rate is None


def test_the_residue_adds_up_by_hand() -> None:
    rest = Residue(end_to_end=10.0, profiled=14.0, seen=12.0, rows=9.0, runs=5)
    assert (rest.seconds, rest.share, rest.between, rest.profiler) == (1.0, 0.1, 2.0, 4.0)


def a_profile() -> Profile:
    latency = Latency(
        4, {HOSTILE: (4, 3)}, 10.0, 11.0, 12.0, 9.0, 13.0, 0.1, 0.01, 30, 2, 20.0, 5.0, "spread",
        transfers=Transfers(0.5, 0.25),
    )  # fmt: skip
    rows = (
        a_row(layers=(HOSTILE, "b"), ops=(HOSTILE, "Relu"), roofline=1.0, bound="compute"),
        a_row(
            index=1, name=HOSTILE, op=HOSTILE, layers=(), ops=(), inserted=True, flops=0, macs=0,
            seconds=4.0, share=0.5, provider=HOSTILE,
        ),
        a_row(index=2, layers=("c",), ops=("My.Op",), seconds=None, share=None, flops=None,
              macs=None, bytes=None, dtype=None),
    )  # fmt: skip
    return Profile(
        HOSTILE, "cuda", "no\ngpu", "1.0", "a\x1bprocessor", 2, "stored", 7, (latency,), rows,
        (Unrun(HOSTILE, "a stored constant"),), Residue(10.0, 11.0, 8.0, 6.0, 15),
        Ceilings({"float32": 1e12}, 1e11, 1e-6, missing={HOSTILE: HOSTILE}),
        Placement({"cuda": 2, "cpu": 1}, {"cuda": 3}, (HOSTILE,), (Copied(HOSTILE, True),)),
        (TimeSpan(0, "k", "Conv", 0.0, 2.0), TimeSpan(None, HOSTILE, HOSTILE, 0.5, 0.1),
         TimeSpan(1, HOSTILE, HOSTILE, 2.0, 4.0)),
        "synchronous launches", (HOSTILE,),
    )  # fmt: skip


def test_overall_by_hand() -> None:
    found = a_profile()
    assert (found.flops, found.moved) == (100, 40)
    assert (found.flop_rate, found.byte_rate) == (10.0, 4.0)
    assert found.latency.throughput == pytest.approx(0.4)
    assert found.roofline_share is None  # a row's isn't known
    assert found.time_by_bound() == {"compute": 2.0, "unknown": 4.0}
    assert found.by_layer()["b"].index == 0
    assert set(found.by_layer()) == {HOSTILE, "b", "c"}


def test_what_is_not_known_is_no_nought() -> None:
    found = a_profile()
    assert found.uncounted == {"flops": 1, "bytes": 1}
    assert "at least 10.0 FLOP/s, at least 4.00 B/s" in str(found)
    nothing = replace(found, rows=found.rows[2:])
    assert (nothing.flop_rate, nothing.byte_rate) == (None, None)
    assert "?, ? over a whole run" in str(nothing)
    assert "at least 10" not in str(replace(found, rows=found.rows[:2]))


@pytest.mark.parametrize("width", [1, 40, 100, 300])
def test_text_is_safe_and_fits(width: int) -> None:
    found = text(a_profile(), width)
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "=evil\n" not in found
    assert width < 40 or all(len(line) <= width for line in found.splitlines())


def test_every_form_is_safe_and_complete() -> None:
    found = a_profile()
    for form in (str(found), profile_markdown(found), found._repr_html_(), profile_csv(found)):
        assert "\x1b" not in form
        assert "=evil\n" not in form
        assert "My.Op" in form or "c" in form
    assert "<b>" not in profile_markdown(found) + found._repr_html_()
    whole = str(found)
    for part in ("fell to the CPU", "1 copy between host", "transfers", "runs differ widely",
                 "a stored constant", "synchronous launches", "0.4"):  # fmt: skip
        assert part in whole.replace("\n           ", " ")
    parsed = json.loads(profile_json(found))
    assert parsed["rows"][0]["layers"] == [HOSTILE, "b"]
    assert parsed["rows"][1]["speedup"] == 2.0
    assert parsed["latencies"][0]["transfers"] == {"to_device": 0.5, "from_device": 0.25}
    assert parsed["residue"]["between"] == 3.0
    assert parsed["placement"]["copies"] == [{"tensor": HOSTILE, "to_host": True}]
    lines = list(csv.DictReader(io.StringIO(profile_csv(found))))
    assert [line["index"] for line in lines] == ["0", "1", "2"]
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line.values())


def test_rows_are_sorted_and_cut() -> None:
    slowest = text(a_profile(), 200, None, 1)
    assert "2 more kernels not shown" in slowest
    assert slowest.index("[=evil") > 0
    lines = list(csv.DictReader(io.StringIO(profile_csv(a_profile(), "index", 2))))
    assert [line["index"] for line in lines] == ["0", "1"]


def test_rich_prints_what_text_says() -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(a_profile(), soft_wrap=True)
    assert (
        out.getvalue().splitlines()
        == [*[line.rstrip() for line in text(a_profile(), 100).splitlines()]]
        or out.getvalue().split() == text(a_profile(), 100).split()
    )


def test_the_trace_is_what_chrome_reads() -> None:
    written = chrome_trace(a_profile())
    assert written.isascii()
    parsed = json.loads(written)
    names, kernels = parsed["traceEvents"][:2], parsed["traceEvents"][2:]
    assert {event["ph"] for event in names} == {"M"}
    assert len(kernels) == 3
    for event in kernels:
        assert event["ph"] == "X"
        assert {"name", "cat", "ts", "dur", "pid", "tid", "args"} <= set(event)
        assert isinstance(event["ts"], float | int)
        assert event["dur"] >= 0
        assert event["name"].isprintable()
    assert kernels[0]["args"]["bound"] == "compute"
    assert [event["cat"] for event in kernels] == ["layers", "subgraph", "inserted"]
    assert kernels[2]["ts"] == pytest.approx(2e6)


def test_a_data_frame_joins_by_layer() -> None:
    frame = a_profile().to_dataframe()
    assert list(frame["layer"].fillna("")) == [HOSTILE, "b", "", "c"]
    assert list(frame["kernel"]) == [0, 0, 1, 2]
    assert frame.drop_duplicates("kernel")["seconds"].sum() == pytest.approx(6.0)
