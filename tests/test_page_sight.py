"""Does the page show exactly what a unit sees, and how far each layer does, as the report has it?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from amounts import amount
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.parts_of.effective import _coarse
from cnnscope.analyzer.render.page.parts_of.regions import runs

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.mark.parametrize(
    ("model", "layer", "units"),
    [
        ("lenet5", "/conv2/Conv", [(4, 7), (0, 0), (9, 9)]),
        ("resnet50", "/layer2/2/conv2/Conv", [(3, 14), (27, 0)]),
        ("wavenet", None, [(15999,), (0,), (7777,)]),
    ],
)
def test_the_page_shows_the_exact_regions(
    driver: Chrome, samples: Path, tmp_path: Path, model: str, layer: str | None,
    units: list[tuple[int, ...]],
) -> None:  # fmt: skip
    report = cnnscope.analyze(samples / f"{model}.onnx")
    chosen = report.layers[layer] if layer else report.layers[len(report.layers) // 2]
    path = page_file(Contents(report), tmp_path, without=("effective",))
    fields = [field for field in chosen.receptive_field if field.output_axis is not None]
    rank = len(chosen.outputs[0].shape or ())
    for unit in units[: amount(1, len(units))]:
        opened(driver, path, f"#layer={quote(chosen.path)}&unit={','.join(map(str, unit))}")
        at(driver, "sight")
        shown = json.loads(
            until(driver, "return document.querySelector('.sight canvas').dataset.seen")
        )
        asked: list[int | None] = [None] * rank
        for field, index in zip(fields, unit, strict=True):
            assert field.output_axis is not None
            asked[field.output_axis] = index
        (region,) = report.regions(chosen, [asked])
        assert shown == [[list(span) for span in region[x.input][x.axis]] for x in fields]
    assert complaints(driver) == []


def test_a_unit_is_dragged_and_stands_in_the_address(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    path = page_file(Contents(cnnscope.analyze(samples / "lenet5.onnx")), tmp_path)
    opened(driver, path, "#layer=%2Fconv1%2FConv&unit=0,0")
    at(driver, "sight")
    canvas = driver.find_element(By.CSS_SELECTOR, ".sight canvas")
    driver.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas
    )
    width, height = canvas.size["width"], canvas.size["height"]
    move = ActionChains(driver).move_to_element(canvas).click_and_hold()
    move.move_by_offset(width // 2 - 3, height // 2 - 3).release().perform()
    until(driver, "return location.hash.includes('unit=27%2C27')")
    # conv1's last unit reads the last five pixels each way.
    assert json.loads(canvas.get_attribute("data-seen") or "") == [[[27, 31]], [[27, 31]]]


def test_runs_give_back_what_each_unit_sees() -> None:
    spans = [((0, 1),), ((0, 2),), ((2, 4),), ((4, 6),), ((4, 6),), ((0, 0), (3, 9))]
    found = {}
    for first, apart, count, by, begun in runs(list(range(6)), spans):
        assert isinstance(first, int)
        assert isinstance(apart, int)
        assert isinstance(count, int)
        assert isinstance(by, int)
        assert isinstance(begun, list)
        for k in range(count):
            found[first + k * apart] = tuple((lo + k * by, hi + k * by) for lo, hi in begun)
    assert found == dict(enumerate(spans))


def test_the_effective_field_is_shaded_and_said(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    path = page_file(Contents(report), tmp_path)
    opened(driver, path, "#layer=%2Flayer3%2F2%2Fconv2%2FConv")
    at(driver, "sight")
    driver.execute_script("document.querySelector('.shade button').click()")
    said = until(
        driver,
        "const x = document.querySelector('.shade'); return !x.querySelector('button') && x.textContent",
    )
    layer = driver.execute_script("return Number(document.querySelector('#sight select').value)")
    field = report.effective_field(layer)
    assert [int(x) for x in re.findall(r"within (\d+)", said)] == list(
        field.sides((0.5, 0.8, 0.95))
    )
    assert complaints(driver) == []


def test_a_coarse_map_keeps_its_middle() -> None:
    field = np.outer(np.hanning(151), np.hanning(101))
    cells = _coarse(field)
    assert cells.shape == (64, 64)
    assert np.unravel_index(int(cells.argmax()), cells.shape) in {
        (31, 31),
        (31, 32),
        (32, 31),
        (32, 32),
    }
    assert np.array_equal(_coarse(field[:40, :30]), field[:40, :30])
