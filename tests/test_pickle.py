"""What a report and its like become in another process: the same, and they go on answering."""

from __future__ import annotations

import copy
import math
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import cnnscope
from cnnscope.analyzer.report.examination import Analysis

WAYS: dict[str, Callable[[object], object]] = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),  # its own
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture(scope="module")
def before(samples: Path) -> cnnscope.Report:
    return cnnscope.analyze(samples / "unet.onnx")


@pytest.mark.parametrize("way", WAYS)
def test_reports(way: str, before: cnnscope.Report) -> None:
    after = WAYS[way](before)
    assert isinstance(after, cnnscope.Report)
    assert after.to_dict() == before.to_dict()
    assert str(after) == str(before)
    for a, b in list(zip(before.layers, after.layers, strict=True))[::15]:
        assert b.kind == a.kind
        assert b.receptive_field == a.receptive_field
        unit = [0] * len(a.output_shape or ())
        assert b.region(unit) == a.region(unit)
        assert str(b.explain()) == str(a.explain())
    assert after.graph.number_of_nodes() == before.graph.number_of_nodes()
    assert cnnscope.diff(before, after).same


@pytest.mark.parametrize("way", WAYS)
def test_what_else_there_is(way: str, before: cnnscope.Report, samples: Path) -> None:
    other = samples / "lenet5.onnx"
    for thing in (
        cnnscope.diff(before, other), cnnscope.check(before, {"macs": "1 G", "params": 5}),
        cnnscope.lint(other), cnnscope.convention(before, "thop"), before.totals,
        list(before.layers)[3], list(before.layers)[3].explain(), before.layers,
        cnnscope.compare([before, other]),
    ):  # fmt: skip
        after = WAYS[way](thing)
        assert type(after) is type(thing)
        assert str(after)[:2000] == str(thing)[:2000] or " object at 0x" in str(thing)
        if hasattr(thing, "to_dict"):
            assert after.to_dict() == thing.to_dict()


def test_a_file_that_has_gone(tmp_path: Path, samples: Path) -> None:
    """All that was known is known; only what is stored can't be read any more."""
    path = tmp_path / "m.onnx"
    shutil.copy(samples / "lenet5.onnx", path)
    report = cnnscope.analyze(path)
    data = pickle.dumps(report)
    assert len(data) < path.stat().st_size + 10**6
    path.unlink()
    after = pickle.loads(data)
    assert after.to_dict() == report.to_dict()
    one, other = next(iter(after.layers)), next(iter(report.layers))
    assert one.region([0] * 4) == other.region([0] * 4)
    analysis = after._analysis
    assert isinstance(analysis, Analysis)
    stored = max(analysis.file.model.graph.initializer, key=lambda t: math.prod(t.dims))
    with pytest.raises(cnnscope.CnnscopeError, match=r"isn't there any more|is missing"):
        analysis.file.read(stored)


def test_a_model_in_memory(samples: Path) -> None:
    report = cnnscope.analyze((samples / "lenet5.onnx").read_bytes())
    after = copy.deepcopy(report)
    assert after.to_dict() == report.to_dict()
    assert cnnscope.diff(report, after).same
