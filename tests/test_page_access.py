"""Can the page be used by keyboard, with a screen reader, on a phone, in the dark, on paper? By axe-core."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.budgets.limit_text import parse_limit
from cnnscope.analyzer.paging import contents_of
from cnnscope.analyzer.report.stated_ceilings import stated_ceilings
from cnnscope.runtime.gates.checking import run_check
from cnnscope.runtime.gates.jobs import CheckRequest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]
AXE = os.environ.get("CNNSCOPE_AXE", "")
needs_axe = pytest.mark.skipif(
    not AXE or not Path(AXE).is_file(),
    reason="CNNSCOPE_AXE names no axe.min.js (.ci/run brings it)",
)


@pytest.fixture(scope="module")
def resnet(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    limit = parse_limit("macs=4G")
    report = cnnscope.analyze(samples / "resnet50.onnx")
    budgets = run_check(CheckRequest((report,), limits=[limit])).models[0]
    contents = replace(
        contents_of(samples / "resnet50.onnx"),
        ceilings=stated_ceilings("10TFLOPS,900GB/s"),
        budgets=budgets,
    )
    return page_file(contents, tmp_path_factory.mktemp("page"))


def everything(driver: Chrome) -> None:
    for view in driver.execute_script(
        "return [...document.querySelectorAll('section')].map(x => x.id)"
    ):
        at(driver, view)


def violations(driver: Chrome) -> list[Any]:
    driver.execute_script(Path(AXE).read_text(encoding="utf-8"))
    driver.set_script_timeout(120)
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then(x => done(x.violations.map("
        "v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)])))"
    )
    return list(found)


@needs_axe
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(driver: Chrome, resnet: Path, theme: str) -> None:
    opened(driver, resnet, "#layer=%2Flayer3%2F2%2Fconv2%2FConv")
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    everything(driver)
    assert violations(driver) == []
    assert complaints(driver) == []


def test_a_phone_scrolls_one_way_only(driver: Chrome, resnet: Path) -> None:
    size = {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)  # type: ignore[no-untyped-call]
    try:
        opened(driver, resnet, "#layer=%2Flayer3%2F2%2Fconv2%2FConv")
        everything(driver)
        assert driver.execute_script("return document.documentElement.scrollWidth") == 375
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})  # type: ignore[no-untyped-call]


def test_the_keyboard_reaches_a_layer_and_leaves_it(driver: Chrome, resnet: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(driver, resnet)
    at(driver, "layers")
    search = driver.find_element(By.CSS_SELECTOR, "#layers input[type=search]")
    search.send_keys("layer4 conv2")
    rows = driver.find_elements(By.CSS_SELECTOR, "#layers tbody tr")
    assert [x.find_element(By.CSS_SELECTOR, ".path").text for x in rows] == [
        f"/layer4/{i}/conv2/Conv" for i in range(3)
    ]
    rows[1].find_element(By.CSS_SELECTOR, "button").send_keys(Keys.ENTER)
    aside = driver.find_element(By.CSS_SELECTOR, "aside")
    assert aside.is_displayed()
    assert "find=layer4+conv2" in driver.execute_script("return location.hash")
    ActionChains(driver).send_keys(Keys.ESCAPE).perform()
    assert not aside.is_displayed()


def test_printed_everything_is_there(driver: Chrome, resnet: Path) -> None:
    opened(driver, resnet)
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    until(
        driver,
        "return [...document.querySelectorAll('section')].every(x => x.dataset.state === 'mounted')",
    )
