"""Does the page of every model open without a word on the console, and are its figures those of the JSON?

A few models in CI, every sample and corpus model in full.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from amounts import amount
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.paging import contents_of

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]
SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"
#: a chain, branches, 1-D, a transformer, joined maps
FEW = ["lenet5", "googlenet", "wavenet", "vit_b_16", "unet"]
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "B": 1} | {
    unit: 1 << (10 * (i + 1)) for i, unit in enumerate(["KiB", "MiB", "GiB", "TiB"])
}  # fmt: skip


def models() -> list[Path]:
    every = sorted(SAMPLES.glob("*.onnx"))
    return every if amount(0, 1) else [SAMPLES / f"{name}.onnx" for name in FEW]


def close(shown: str, value: int) -> bool:
    """Whether a figure such as 4.09 G is the number, to its digits."""
    found = re.fullmatch(r"([\d.]+) ?(\w*)", shown.strip())
    assert found, shown
    digits, unit = found.groups()
    step = UNITS[unit] * 10.0 ** -len(digits.partition(".")[2])
    return abs(float(digits) * UNITS[unit] - value) <= step / 2 * 1.0001


def looked_at(driver: Chrome, model: Path, folder: Path) -> None:
    contents = contents_of(model)
    path = page_file(contents, folder)
    opened(driver, path)
    for view in driver.execute_script(
        "return [...document.querySelectorAll('section')].map(x => x.id)"
    ):
        at(driver, view)
    record: Any = json.loads(json.dumps(contents.report.to_dict()))
    tiles = driver.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('[data-figure]')].map("
        "x => [x.dataset.figure, x.querySelector('.figure').textContent]))"
    )
    for name, shown in tiles.items():
        total = record["totals"].get(name)
        if total is not None and total["value"] is not None:
            assert close(shown, total["value"]), (name, shown, total)
        elif total is not None:
            assert shown.startswith((">=", "?")), (name, shown, total)
    driver.execute_script("document.querySelector('#layers input[type=checkbox]').click()")
    titles, rows = until(
        driver,
        "const t = document.querySelector('#layers table');"
        "const exact = c => c.title.replaceAll(',', '') || c.textContent;"
        "return [[...t.querySelectorAll('thead button')].map(x => x.textContent.split(' \u2191')[0]),"
        "[...t.tBodies[0].rows].map(r => [...r.cells].map(exact))]",
    )
    assert len(rows) == len(record["layers"])
    for row, layer in zip(rows, record["layers"], strict=True):
        shown = dict(zip(titles, row, strict=True))
        assert shown["layer"] == layer["path"]
        for title, key in (("MACs", "macs"), ("FLOPs", "flops"), ("parameters", "params")):
            assert shown[title] == ("?" if layer[key] is None else str(layer[key]))
    assert complaints(driver) == []


@pytest.mark.parametrize("model", models(), ids=lambda path: path.stem)
def test_a_samples_page(driver: Chrome, model: Path, tmp_path: Path) -> None:
    looked_at(driver, model, tmp_path)


def test_the_corpus_pages(driver: Chrome, corpus: Path, tmp_path: Path) -> None:
    if not amount(0, 1):
        pytest.skip("every corpus model's page is opened where CNNSCOPE_FULL is set")
    for model in sorted((corpus / "models").glob("*.onnx")):
        looked_at(driver, model, tmp_path)


def test_the_figures_differ_where_the_model_does(samples: Path) -> None:
    assert not close("4.09 G", cnnscope.analyze(samples / "lenet5.onnx").totals.macs.value or 0)
    assert close("416.5 k", 416_520)
