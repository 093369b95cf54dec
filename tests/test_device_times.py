"""Is every record of a device in the node that it ran for, and are the sums those of the records?

Held against sums written without a line of ours over real recordings of an H200, and against made-up
recordings whose truth is known.
"""

from __future__ import annotations

import bisect
import contextlib
import gzip
import json
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amounts import amount
from made_recordings import COPY, GRAPH_LAUNCH, Made, drawn, recording_named, recordings

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.device.attribution import REASONS, Attribution, attribute
from cnnscope.runtime.device.device_sums import Sums, sum_rows
from cnnscope.runtime.device.recording import Recording
from cnnscope.runtime.device.recording_file import read_recording, write_recording


def by_event_name(recording: Recording) -> tuple[Attribution, list[str], Sums]:
    """The sums with a row for each name of an event."""
    found = attribute(recording)
    names = list(dict.fromkeys(e.name for e in recording.events))
    index = {name: i for i, name in enumerate(names)}
    row_of = np.array([index[e.name] for e in recording.events], np.int64)
    return found, names, sum_rows(recording, found, row_of, len(names))


def brute_force(found: dict[str, Any]) -> tuple[list[Counter[str]], list[Counter[str]]]:
    """Kernels' nanoseconds and number by node, run by run: a search over offsets, a loop over all.

    The offset is tried microsecond by microsecond around where CUPTI's clock was at the run's
    beginning; of those at which the most launches lie in exactly one node, the middle one is taken.
    """
    calls = {row[2]: row[0] for key in ("runtime", "driver") for row in found[key]}
    runs = sorted(
        (e for e in found["ort_profile"] if e["name"] == "model_run"), key=lambda e: e["ts"]
    )
    times, counts = [], []
    for mark, run in zip(found["marks_ns"], runs, strict=True):
        nodes = sorted(
            (
                e["ts"] * 1000,
                (e["ts"] + e["dur"] + 1) * 1000,
                e["name"].removesuffix("_kernel_time"),
            )
            for e in found["ort_profile"]
            if e["cat"] == "Node" and run["ts"] <= e["ts"] <= run["ts"] + run["dur"]
        )
        begins = [n[0] for n in nodes]
        mine = [k for k in found["kernels"] if mark[0] <= calls[k[2]] <= mark[3]]

        def at(time: int, nodes: list[Any] = nodes, begins: list[int] = begins) -> str | None:
            i = bisect.bisect_right(begins, time) - 1
            return nodes[i][2] if i >= 0 and time < nodes[i][1] else None

        scores = []
        for step in range(-60, 61):
            offset = mark[0] - run["ts"] * 1000 + step * 1000
            scores.append((sum(at(calls[k[2]] - offset) is not None for k in mine), offset))
        best = [offset for score, offset in scores if score == max(scores)[0]]
        offset = best[len(best) // 2]
        spent: Counter[str] = Counter()
        number: Counter[str] = Counter()
        for k in mine:
            node = at(calls[k[2]] - offset)
            assert node is not None
            spent[node] += k[1] - k[0]
            number[node] += 1
        times.append(spent)
        counts.append(number)
    return times, counts


def union(spans: list[tuple[int, int]]) -> int:
    """How long at least one span lasts: by counting at each end."""
    edges = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    total = running = last = 0
    for time, step in edges:
        total += (time - last) * (running > 0)
        running, last = running + step, time
    return total


@pytest.mark.parametrize("path", recordings(), ids=lambda p: p.name.removesuffix(".json.gz"))
def test_every_kernel_of_a_recording_is_in_the_node_that_brute_force_finds(path: Path) -> None:
    raw = json.loads(gzip.decompress(path.read_bytes()))
    recording = read_recording(path)
    found, names, sums = by_event_name(recording)
    assert sums.unattributed == {}
    assert all(a.inside == a.calls for a in found.alignments)
    assert min(a.width for a in found.alignments) >= 5000
    times, counts = brute_force(raw)
    for run, (spent, number) in enumerate(zip(times, counts, strict=True)):
        assert Counter(dict(zip(names, sums.kernels[run].tolist(), strict=True))) == spent
        assert Counter(dict(zip(names, sums.kernel_count[run].tolist(), strict=True))) == number
    # To the nanosecond, with nothing joined: all records together.
    for key, total in (("kernels", sums.kernels), ("copies", sums.copies), ("sets", sums.sets)):
        assert int(total.sum()) == sum(r[1] - r[0] for r in raw[key])
    assert int(sums.copy_bytes.sum()) == sum(r[4] for r in raw["copies"])
    assert int(sums.set_bytes.sum()) == sum(r[3] for r in raw["sets"])
    assert int(sums.runs.kernels.sum()) == int(sums.kernels.sum())
    assert int(sums.runs.busy.sum()) == union([(r[0], r[1]) for r in raw["kernels"]])
    every = [(r[0], r[1]) for key in ("kernels", "copies", "sets") for r in raw[key]]
    assert int(sums.runs.active.sum()) == union(every)
    runs = sums.runs
    parts = runs.active + runs.head + runs.tail + runs.launch + runs.turnaround
    assert parts.tolist() == runs.wall.tolist() == [m[3] - m[0] for m in raw["marks_ns"]]
    assert (sums.gaps.sum(axis=1) == runs.launch).all()
    by_name = Counter({raw["kernel_names"][n]: 0 for n in range(len(raw["kernel_names"]))})
    for row in sums.names.values():
        for n, (count, _) in row.items():
            by_name[raw["kernel_names"][n]] += count
    assert by_name == Counter(raw["kernel_names"][r[3]] for r in raw["kernels"])


def test_streams_overlap() -> None:
    """Five streams in resnet50_fp16_b32: the sum of kernels is more than when any ran."""
    _, _, sums = by_event_name(read_recording(recording_named("resnet50_fp16_b32")))
    assert (sums.runs.busy < sums.runs.kernels).all()
    assert sums.runs.kernels.mean() == pytest.approx(3_961e3, rel=1e-3)  # as measured there
    assert sums.runs.busy.mean() == pytest.approx(3_811e3, rel=1e-3)


@pytest.mark.parametrize("seed", range(amount(9, 2000)))
def test_made_up_runs_are_told_apart_whatever_the_clocks(tmp_path: Path, seed: int) -> None:
    made = drawn(seed)
    recording = read_recording(made.write(tmp_path / "made.json"))
    found, _, sums = by_event_name(recording)
    events = [recording.events[i].name if i >= 0 else None for i in found.kernels.event.tolist()]
    assert events == made.truth
    assert sums.unattributed == {}
    assert (sums.runs.busy <= sums.runs.kernels).all()
    parts = sums.runs.active + sums.runs.head + sums.runs.tail + sums.runs.launch
    assert (parts + sums.runs.turnaround == sums.runs.wall).all()


def one_run(
    tmp_path: Path, *, graph: bool = False, between: bool = False
) -> tuple[Made, Recording]:
    """A run of two nodes by hand, of 10 us and 20 us; and what no node launched between them."""
    made = Made()
    mark = made.clock
    made.pass_time(2_000)
    whole = made.ort
    made.pass_time(3_000)
    began = made.ort
    made.pass_time(2_000)
    made.kernel("a", made.call(), made.clock + 5_000, 10_000)
    made.pass_time(8_000)
    made.event("a", began)
    made.pass_time(4_000)
    if graph or between:  # farther from both nodes than the run's marks leave open
        made.pass_time(30_000)
    if graph:
        number = made.call(GRAPH_LAUNCH)
        for i in range(3):
            made.kernel(None, number, made.clock + 10_000 + 1_000 * i, 1_000)
    if between:
        made.kernel(None, made.call(), made.clock + 10_000, 700)
    if graph or between:
        made.pass_time(30_000)
    made.pass_time(4_000)
    began = made.ort
    made.pass_time(5_000)
    number = made.call(COPY)
    made.rows("copies").append([made.clock + 20_000, made.clock + 21_000, number, 8, 4096])
    made.pass_time(15_000)
    made.event("b", began)
    made.pass_time(3_000)
    made.entry("Session", "model_run", whole, {})
    made.pass_time(12_000)
    made.rows("marks_ns").append([mark, mark, made.clock, made.clock])
    return made, read_recording(made.write(tmp_path / "made.json"))


def test_gaps_by_hand(tmp_path: Path) -> None:
    made, recording = one_run(tmp_path)
    _, names, sums = by_event_name(recording)
    (mark,) = made.rows("marks_ns")
    (kernel,), (copy,) = made.rows("kernels"), made.rows("copies")
    assert names == ["a", "b"]
    assert sums.kernels.tolist() == [[10_000, 0]]
    assert sums.copies.tolist() == [[0, 1_000]]
    assert sums.copy_bytes.tolist() == [[0, 4096]]
    # The copy was asked for 21 us after the kernel was, which had ended by then.
    assert sums.gaps.tolist() == [[0, copy[0] - kernel[1]]]
    assert sums.runs.head.tolist() == [kernel[0] - mark[0]]
    assert sums.runs.tail.tolist() == [mark[3] - copy[1]]
    assert (sums.runs.busy.tolist(), sums.runs.active.tolist()) == ([10_000], [11_000])
    # Had it been asked for in time, the pause were the device's own.
    made.rows("kernels")[0][1] = copy[0] - 500
    _, _, sums = by_event_name(read_recording(made.write(tmp_path / "late.json")))
    assert (sums.gaps.sum(), sums.runs.turnaround.tolist()) == (0, [500])


@pytest.mark.parametrize(
    ("how", "reason", "kernels", "took"),
    [("graph", "CUDA graph", 3, 3_000), ("between", "between nodes", 1, 700)],
)
def test_what_no_node_launched_is_named(
    tmp_path: Path, how: str, reason: str, kernels: int, took: int
) -> None:
    made, recording = one_run(tmp_path, **{how: True})  # type: ignore[arg-type]
    found, _, sums = by_event_name(recording)
    (why,) = sums.unattributed
    assert reason in REASONS[why]
    assert sums.unattributed[why] == (kernels, took)
    assert sums.kernels.sum() + took == sums.runs.kernels.sum()
    assert [e < 0 for e in found.kernels.event] == [node is None for node in made.truth]


def test_calls_that_are_missing_or_numbered_again(tmp_path: Path) -> None:
    made, _ = one_run(tmp_path)
    made.rows("kernels").append([made.rows("kernels")[0][1], made.clock, 99_999, 1, 1])
    made.rows("kernels").append([made.clock + 10, made.clock + 15, 99_999, 1, 1])
    _, _, sums = by_event_name(read_recording(made.write(tmp_path / "lost.json")))
    said = {REASONS[why]: found for why, found in sums.unattributed.items()}
    assert {n for n, _ in said.values()} == {1}
    assert len(said) == 2
    # The same number for a much earlier call, outside of every run: the later one is meant.
    made, _ = one_run(tmp_path)
    first = made.rows("runtime")[0]
    made.rows("runtime").insert(0, [5, 6, *first[2:]])
    _, _, sums = by_event_name(read_recording(made.write(tmp_path / "again.json")))
    assert sums.unattributed == {}


def test_nodes_at_once_are_not_guessed(tmp_path: Path) -> None:
    """Two threads' nodes overlap: what was launched meanwhile may be of either."""
    made, _ = one_run(tmp_path)
    (a,) = [e for e in made.found["ort_profile"] if e["name"] == "a_kernel_time"]  # type: ignore[attr-defined]
    made.found["ort_profile"].append(  # type: ignore[attr-defined]
        {**a, "name": "c_kernel_time", "ts": a["ts"] - 2, "dur": a["dur"] - 3}
    )
    found, _, sums = by_event_name(read_recording(made.write(tmp_path / "two.json")))
    assert [REASONS[why] for why in sums.unattributed] == [REASONS[found.kernels.reason[0]]]
    assert "at once" in REASONS[int(found.kernels.reason[0])]


def test_a_recording_survives_being_written(tmp_path: Path) -> None:
    before = read_recording(recording_named("lenet5_b1"))
    write_recording(before, tmp_path / "again.json.gz")
    after = read_recording(tmp_path / "again.json.gz")
    for name in ("kernels", "copies", "sets", "calls", "marks", "spans", "event_runs"):
        assert (getattr(before, name) == getattr(after, name)).all(), name
    for name in (
        "model",
        "batch",
        "kernel_names",
        "callback_names",
        "events",
        "profile",
        "latency",
    ):
        assert getattr(before, name) == getattr(after, name), name


def test_a_batch_that_is_not_known_is_written_as_nothing(tmp_path: Path) -> None:
    before = replace(read_recording(recording_named("lenet5_b1")), batch=None)
    write_recording(before, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["batch"] is None
    assert read_recording(tmp_path / "again.json").batch is None


HUGE = 10**40


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kernels", None, "kernels"),
        ("kernels", 3, "kernels"),
        ("kernels", [[1, 2, 3]], "5 numbers"),
        ("kernels", [[1, 2, 3, 0, 1], [1]], "5 numbers"),
        ("kernels", [[1, 2, 3, 0, "x"]], "no time"),
        ("kernels", [[1.5, 2, 3, 0, 1]], "no time"),
        ("kernels", [[1, HUGE, 3, 0, 1]], "no time"),
        ("kernels", [[-5, 2, 3, 0, 1]], "no time"),
        ("kernels", [[9, 2, 3, 0, 1]], "ends before"),
        ("kernels", [[1, 2, 3, 5, 1]], "kernel_names"),
        ("kernels", [[0, 2**61, 3, 0, 1]] * 9, "too large"),
        ("copies", [[0, 1, 3, 0, 2**61]] * 9, "too large"),
        ("kernel_names", [1], "kernel_names"),
        ("marks_ns", [], "no run"),
        ("marks_ns", [[9, 1, 1, 3]], "overlap"),
        ("ort_profile", "x", "ort_profile"),
        ("ort_profile", [], "0 in its ort_profile"),
        ("ort_profile", [{"name": "model_run"}], "ort_profile"),
        ("ort_profile", [{"name": "model_run", "ts": HUGE, "dur": 1}], "ort_profile"),
        ("latency_us", "fast", "latency_us"),
        ("latency_us", float("nan"), "latency_us"),
        ("latency_us", 10**400, "latency_us"),
        ("batch", "many", "batch"),
        ("batch", True, "batch"),
        ("runtime", [[1, 2, 3, 4]], "5 numbers"),
    ],
)
def test_a_damaged_recording_is_one_line(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    made, _ = one_run(tmp_path)
    if value is None:
        del made.found[key]
    else:
        made.found[key] = value
    with pytest.raises(RunError, match=said) as error:
        read_recording(made.write(tmp_path / "bad.json"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON"), (b"[]", "no object"), (b"\x1f\x8b\x08", "damaged"),
        (b"\x1f\x8bxx", "damaged"), (b"[" * 100_000, "nests"), (b"\xff\xfe", "no JSON"),
        (gzip.compress(b"{}", mtime=0)[:-9], "damaged"), (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
    ids=["empty", "a list", "a head", "no gzip", "deep", "no UTF-8", "cut", "a long number"],
)  # fmt: skip
def test_a_file_that_is_no_recording_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.json.gz"
    path.write_bytes(content)
    with pytest.raises(RunError, match=said):
        read_recording(path)
    with pytest.raises(RunError, match="no such file"):
        read_recording(tmp_path / "none.json")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(RunError, match="pipe"):
            read_recording(tmp_path / "pipe.json")


def test_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnscope.runtime.device.recording_file.LARGEST", 1 << 20)
    path = tmp_path / "large.json.gz"
    path.write_bytes(gzip.compress(b" " * (1 << 21)))
    with pytest.raises(RunError, match="more than 1 MiB"):
        read_recording(path)
    monkeypatch.undo()
    path.write_bytes(gzip.compress(b"[" + b"[]," * 20_000_000 + b"[]]", 1, mtime=0))
    with pytest.raises(RunError, match="more values than any recording"):
        read_recording(path)


@pytest.mark.parametrize("seed", range(amount(9, 1000)))
def test_recordings_with_anything_in_them_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    """Numbers of any size anywhere: sums, or one line, and never another error."""
    rng = random.Random(seed)
    made = drawn(seed, nodes=5, runs=2)
    for _ in range(rng.randint(1, 4)):
        key = rng.choice(["kernels", "runtime", "driver", "marks_ns"])
        rows = made.rows(key)
        if rows:
            row = rng.choice(rows)
            row[rng.randrange(len(row))] = rng.choice([0, 1, 2**40, 2**61, row[0], row[1] + 10**6])
        entry = rng.choice(made.found["ort_profile"])  # type: ignore[arg-type]
        if rng.random() < 0.3:
            entry[rng.choice(["ts", "dur"])] = rng.choice([0, 2**30, 2**45, "7"])
    with contextlib.suppress(RunError):
        recording = read_recording(made.write(tmp_path / "odd.json"))
        check_sums(made, recording)


def check_sums(made: Made, recording: Recording) -> None:
    """Every kernel's time is in a row or unattributed."""
    _, _, sums = by_event_name(recording)
    lost = sum(took for _, took in sums.unattributed.values())
    spent = sum(row[1] - row[0] for row in made.rows("kernels"))
    assert int(sums.kernels.sum()) + lost == spent
