"""Is each module of the page's chart as wide as its share, and do repeats stand as one?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import at, browser, complaints, opened, until, why_not

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.page import page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]
WIDTHS = """
const found = {};
for (const cell of document.querySelectorAll('#cost .cell')) {
  const name = cell.getAttribute('aria-label').split(': ')[0];
  found[name] = cell.querySelector('rect').getBoundingClientRect().width;
}
return found;
"""


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("metric", ["macs", "params"])
def test_widths_are_shares(driver: Chrome, samples: Path, tmp_path: Path, metric: str) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    path = tmp_path / "page.html"
    path.write_text(page(Contents(report)), encoding="utf-8")
    opened(driver, path, f"#metric={metric}")
    at(driver, "cost")
    widths = until(driver, WIDTHS)
    whole = widths["the model"]
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        members = [x for x in report.layers if x.scope.startswith(f"{stage}/")]
        part = sum(getattr(x, metric) for x in members) / getattr(report.totals, metric).value
        assert widths[stage] / whole == pytest.approx(part, abs=0.01)
    assert complaints(driver) == []


def test_a_module_is_opened_and_a_layer_chosen(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(Contents(cnnscope.analyze(samples / "resnet50.onnx"))), encoding="utf-8")
    opened(driver, path)
    at(driver, "cost")
    names = "return [...document.querySelectorAll('#cost .cell .name')].map(x => x.textContent)"
    assert "1\N{EN DASH}5 (5\N{MULTIPLICATION SIGN})" in driver.execute_script(names)
    press = "[...document.querySelectorAll('#cost .cell')].find(x => x.ariaLabel.startsWith(arguments[0]))"
    enter = ".dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    driver.execute_script(f"{press}{enter}", "layer4:")
    until(driver, "return location.hash.includes('module=layer4')")
    driver.execute_script(f"{press}{enter}", "/layer4/0/conv2/Conv:")
    until(driver, "return !document.querySelector('aside').hidden")
    assert "layer=%2Flayer4%2F0%2Fconv2%2FConv" in driver.execute_script("return location.hash")
    assert complaints(driver) == []


def test_the_peak_lists_what_is_alive(driver: Chrome, samples: Path, tmp_path: Path) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    path = tmp_path / "page.html"
    path.write_text(page(Contents(report)), encoding="utf-8")
    opened(driver, path)
    at(driver, "memory")
    alive = "return document.querySelector('#memory .alive').dataset.bytes"
    assert int(driver.execute_script(alive)) == report.totals.peak_activation_bytes.value
    opened(driver, path, "#layer=%2Fconv1%2FConv")
    at(driver, "memory")
    assert int(driver.execute_script(alive)) == report.activations().alive_bytes()[0]
    assert complaints(driver) == []
