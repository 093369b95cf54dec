"""Does the report page open, say what the report says, and run nothing that a model brings?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import at, complaints, opened, page_file, why_not

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


def written(model: Path, folder: Path) -> Path:
    return page_file(Contents(cnnscope.analyze(model)), folder)


def test_a_page_opens_and_its_figures_are_the_reports(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    opened(driver, written(samples / "resnet50.onnx", tmp_path))
    at(driver, "layers")
    rows = driver.execute_script(
        "return [...document.querySelectorAll('#layers tbody tr')].map(x => x.cells[1].textContent)"
    )
    assert rows == [layer.name for layer in report.layers]
    assert complaints(driver) == []
