"""Are two profiles held side by side rightly, and is noise told from what isn't?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from made_recordings import recording_named

import cnnscope
from cnnscope.analyzer.difference.timed_layers import renamed_between
from cnnscope.analyzer.report.loading import load_profile
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.profile_comparison import ProfileComparison
from cnnscope.analyzer.values.diagnostics import ReportFileError
from cnnscope.cli import main


@pytest.fixture(scope="module")
def single(samples: Path) -> Profile:
    return cnnscope.profile(samples / "resnet50.onnx", recording=recording_named("resnet50_b1"))


@pytest.fixture(scope="module")
def many(samples: Path) -> Profile:
    return cnnscope.profile(
        samples / "resnet50.onnx", recording=recording_named("resnet50_fp16_b32")
    )


def test_times_beside_each_other(single: Profile, many: Profile) -> None:
    found = ProfileComparison(single, many)
    assert len(found.rows) == 122
    for row in found.rows:
        old, new = single.by_layer()[row.what[0]], many.by_layer()[row.what[0]]
        assert (row.before, row.after) == (old.seconds, new.seconds)
        assert old.device is not None
        assert new.device is not None
        (a, b), (c, d) = old.device.interval or (0, 0), new.device.interval or (0, 0)
        assert row.outside == (b < c or d < a)
    assert sum(row.before or 0 for row in found.rows) == pytest.approx(single.device_seconds)
    first = found.rows[0]
    assert first.ratio == pytest.approx(605.1 / 22.5, rel=1e-2)
    assert found.warnings == ("inputs differ: 1x3x224x224 and 32x3x224x224",)
    assert found.whole.outside is None  # a recording has the median alone
    assert found.device is not None
    assert found.device.outside is True


def test_the_same_twice_is_within_noise(single: Profile) -> None:
    found = ProfileComparison(single, single)
    assert {row.outside for row in found.rows} == {False}
    assert {row.change for row in found.rows} == {0}
    assert found.warnings == ()
    assert "within noise" in str(found)


def test_other_hardware_warns(single: Profile) -> None:
    other = replace(single, hardware="another GPU", runtime="1.99", threads=3, dtype="float16")
    text = " ".join(str(ProfileComparison(single, other)).split())
    for said in ("hardware differs: not known and another GPU", "ONNX Runtime differs: not known and 1.99",
                 "threads differ: not known and 3", "dtype differs: the file's and float16"):  # fmt: skip
        assert said in text


def test_layers_fused_otherwise_are_one_group(single: Profile) -> None:
    """Two rows became one, one became two, one went away and one is new: sums are of the same layers."""
    rows = list(single.rows)
    joined = replace(
        rows[1], layers=(*rows[1].layers, *rows[2].layers), ops=(*rows[1].ops, *rows[2].ops)
    )
    parts = [
        replace(rows[0], layers=rows[0].layers[i : i + 1], ops=rows[0].ops[i : i + 1])
        for i in (0, 1)
    ]
    new = replace(rows[3], layers=("new",), ops=("Relu",))
    other = replace(single, rows=(*parts, joined, new, *rows[4:]))
    found = {row.what: row for row in ProfileComparison(single, other).rows}
    assert found[rows[0].layers].after == pytest.approx(2 * (rows[0].seconds or 0))
    both = found[(*rows[1].layers, *rows[2].layers)]
    assert both.before == pytest.approx((rows[1].seconds or 0) + (rows[2].seconds or 0))
    assert both.after == rows[1].seconds
    assert (found[rows[3].layers].after, found[("new",)].before) == (None, None)
    assert found[("new",)].outside is None


def test_runs_have_intervals_everywhere(single: Profile) -> None:
    """10 ms and 11 ms, each known to 2 %: apart; to 20 %: not; unsteady: it can't be told."""

    def taking(seconds: float, uncertainty: float | None, noise: object = None) -> Profile:
        latency = replace(single.latency, p50=seconds, uncertainty=uncertainty, noise=noise)  # type: ignore[arg-type]
        return replace(single, latencies=(latency,))

    def outside(*given: object) -> bool | None:
        return ProfileComparison(taking(0.010, 0.02), taking(0.011, *given)).whole.outside  # type: ignore[arg-type]

    assert outside(0.02) is True
    assert outside(0.2) is False
    assert outside(0.02, "unsteady") is None
    assert outside(None) is None


def test_a_saved_profile_is_the_same(single: Profile, many: Profile) -> None:
    for found in (single, many):
        assert load_profile(json.dumps(found.to_dict()).encode()).to_dict() == found.to_dict()
    with pytest.raises(ReportFileError, match="no profile that can be read"):
        load_profile(b"{}")
    with pytest.raises(ReportFileError, match="schema_version"):
        load_profile(json.dumps({**single.to_dict(), "schema_version": 9}).encode())
    with pytest.raises(ReportFileError, match="no profile"):
        load_profile(json.dumps({**single.to_dict(), "rows": 3}).encode())


def test_the_command(
    single: Profile, many: Profile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, found in zip(paths, (single, many), strict=True):
        path.write_text(json.dumps(found.to_dict()))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["profile", *words])
        return int(stop.value.code or 0), *capfd.readouterr()

    code, out, err = run(*map(str, paths), "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(json.dumps(ProfileComparison(single, many).to_dict()))
    code, out, _ = run(*map(str, paths), "--top", "2", "--format", "csv")
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, _ = run(str(paths[0]), "--format", "json")
    assert json.loads(out) == json.loads(json.dumps(single.to_dict()))
    for words, said in (
        ([*map(str, paths), "--batch", "2"], "--batch doesn't go with saved profiles"),
        ([*map(str, paths), "--by", "op"], "--by doesn't go with two profiles"),
        ([*map(str, paths), "--sort", "nonsense"], "no sort key"),
        ([str(paths[0]), "--dtype", "float16"], "--dtype doesn't go with a saved profile"),
    ):
        code, out, err = run(*words)
        assert (code, out) == (2, "")
        assert said in err
    paths[1].write_text(json.dumps({**single.to_dict(), "rows": 3}))
    code, _, err = run(*map(str, paths))
    assert code == 2
    assert "no profile that can be read" in err
    assert err.count("\n") == 1


def test_saved_layers_that_are_called_otherwise_find_each_other(single: Profile) -> None:
    """All layers have other names: what rows compute and move, and their order, tells."""
    rows = tuple(
        replace(row, layers=tuple(f"model.{layer}" for layer in row.layers)) for row in single.rows
    )
    renamed = renamed_between(single, replace(single, rows=rows))
    assert renamed == {f"model.{name}": name for row in single.rows for name in row.layers}
    found = ProfileComparison(single, replace(single, rows=rows), renamed)
    assert {row.change for row in found.rows} == {0}
    assert {row.what for row in found.rows} == {
        row.what for row in ProfileComparison(single, single).rows
    }
    assert renamed_between(single, single) == {}


def test_two_models_are_matched_as_diff_matches_them(
    samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load(samples / "lenet5.onnx", load_external_data=False)
    names = [node.name for node in model.graph.node]
    for node in model.graph.node:
        node.name = f"other/{node.name}"
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    with pytest.raises(SystemExit) as stop:
        main(["profile", str(samples / "lenet5.onnx"), str(other), "--provider", "cpu",
              "--seconds", "0.05", "--format", "json"])  # fmt: skip
    assert stop.value.code == 0
    found = json.loads(capfd.readouterr().out)
    assert found["renamed"] == {f"other/{name}": name for name in names}
    assert all(row["before"] is not None and row["after"] is not None for row in found["rows"])
