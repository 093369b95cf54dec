"""Is the work of a page bounded, whatever a model declares, and said where it ends?"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from cnnscope.analyzer.paging import contents_of
from cnnscope.analyzer.render.page import contents
from cnnscope.analyzer.render.page.parts_of import effective, explanations, model, regions


def test_beyond_so_many_layers_it_is_said_who_explains(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "MOST_LAYERS", 2)
    found = json.loads(json.dumps(explanations.part(contents_of(samples / "lenet5.onnx"))))
    said = [[json.dumps(found["blocks"][i]) for i in places] for places in found["layers"]]
    assert all("cnnscope explain" in x[0] for x in said[2:])
    assert len(said) > 3
    assert not any("cnnscope explain" in y for x in said[:2] for y in x)


def test_an_axis_as_long_as_can_be_is_not_counted_out(tmp_path: Path) -> None:
    ends = [
        helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 3, 1 << 40, 1 << 40]) for x in "xy"
    ]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    assert contents_of(tmp_path / "m.onnx").length == 1 << 40


def test_a_large_page_leaves_out_what_walks_for_each_layer(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_LAYERS", 2)
    found = contents_of(samples / "lenet5.onnx")
    assert (found.valid, found.sizes) == (None, None)
    assert regions.part(found) is None
    assert effective.part(found) is None
    said = json.dumps(model.part(found))
    assert "what units see and other sizes aren't on this page" in said
    assert found.report.totals.macs.value == 416_520
