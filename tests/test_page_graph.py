"""Does the page's graph have the model's layers and edges, folded and open, by mouse and keyboard?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]
NAMES = "return [...document.querySelectorAll('svg.graph .node .name')].map(x => x.textContent)"
EDGES = "return document.querySelectorAll('svg.graph path.edge').length"


def written(model: Path, folder: Path) -> Path:
    return page_file(Contents(cnnscope.analyze(model)), folder)


def test_a_chain_has_an_edge_between_neighbours(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    opened(driver, written(samples / "lenet5.onnx", tmp_path))
    at(driver, "graph")
    assert len(driver.execute_script(NAMES)) == len(report.layers) + 2  # its input and output
    assert driver.execute_script(EDGES) == len(report.layers) + 1
    assert complaints(driver) == []


def test_modules_open_by_keyboard_and_for_the_chosen_layer(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    path = written(samples / "resnet50.onnx", tmp_path)
    opened(driver, path)
    at(driver, "graph")
    folded = driver.execute_script(NAMES)
    assert "layer3" in folded
    before = len(folded)
    module = driver.find_element(By.CSS_SELECTOR, "svg.graph .module[aria-label^='module layer3,']")
    module.send_keys(Keys.ENTER)
    until(driver, f"return document.querySelectorAll('svg.graph .node').length > {before}")
    opened(driver, path, f"#layer={quote('/layer2/1/conv2/Conv')}")
    at(driver, "graph")
    chosen = driver.find_element(By.CSS_SELECTOR, "svg.graph .node.chosen")
    assert "/layer2/1/conv2/Conv" in (chosen.get_attribute("aria-label") or "")
    driver.find_element(By.CSS_SELECTOR, "aside [aria-label='Next layer']").click()
    until(driver, "return document.querySelector('svg.graph .chosen').ariaLabel.includes('bn2')")
    assert complaints(driver) == []
