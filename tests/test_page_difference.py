"""Does the page of two models say what differs between them, as `diff` counts it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.paging import beside, contents_of

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


def test_what_differs_is_counted_and_chosen(driver: Chrome, samples: Path, tmp_path: Path) -> None:
    model = onnx.load(samples / "lenet5.onnx", load_external_data=False)
    changed = next(node for node in model.graph.node if node.op_type == "Tanh")
    changed.op_type = "Relu"
    other = tmp_path / "relu.onnx"
    onnx.save(model, other)
    found = cnnscope.diff(samples / "lenet5.onnx", other)
    path = page_file(beside(contents_of(other), samples / "lenet5.onnx"), tmp_path)
    opened(driver, path)
    at(driver, "difference")
    counts = driver.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('#difference .tile')].map("
        "x => [x.dataset.status, Number(x.querySelector('.figure').textContent)]))"
    )
    assert counts == {status: count for status, count in found.counts.items() if count}
    driver.execute_script("document.querySelector('#difference .strip button').click()")
    until(driver, "return !document.querySelector('aside').hidden")
    (differing,) = [x for x in found.layers if x.status != "same"]
    assert differing.after is not None
    assert (
        driver.execute_script("return document.querySelector('aside h2').title")
        == differing.after.path
    )
    assert complaints(driver) == []
