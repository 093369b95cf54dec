"""Do the page's figures follow its sizes, and are they those of an analysis at that size?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import at, complaints, opened, page_file, until, why_not

import cnnscope
from cnnscope.analyzer.paging import contents_of
from cnnscope.analyzer.render.page.contents import Contents

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.fixture(scope="module")
def resnet(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Contents, Path]:
    """What ResNet-50's page holds, and the page."""
    contents = contents_of(samples / "resnet50.onnx")
    folder = tmp_path_factory.mktemp("resnet50")
    return contents, page_file(contents, folder, without=("effective", "regions"))


MACS = "return document.querySelector('[data-figure=macs] .figure').textContent"


def test_another_size_is_everywhere(
    driver: Chrome, samples: Path, resnet: tuple[Contents, Path]
) -> None:
    model = samples / "resnet50.onnx"
    contents, path = resnet
    assert contents.sizes is not None
    length = contents.sizes.sizes[-1][0]
    opened(driver, path)
    at(driver, "sizes")
    assert driver.execute_script(MACS) == "4.09 G"
    driver.execute_script(
        "const x = document.querySelector('#sizes input[type=range]'); x.value = x.max;"
        "x.dispatchEvent(new Event('input'))"
    )
    until(driver, f"return location.hash.includes('size={length}')")
    there = cnnscope.analyze(model, shapes={"input": [1, 3, length, length]})
    assert there.totals.macs.value is not None
    assert driver.execute_script(MACS) == f"{there.totals.macs.value / 1e9:.2f} G"
    at(driver, "layers")
    shown = (
        "return [...document.querySelectorAll('#layers tbody tr')].map(x => x.cells[3].textContent)"
    )
    outputs = ["x".join(map(str, layer.outputs[0].shape or ())) for layer in there.layers]
    assert driver.execute_script(shown) == outputs
    assert complaints(driver) == []


def test_free_lengths_get_valid_ones(samples: Path) -> None:
    contents = contents_of(samples / "wavenet.onnx", free=["input:2=T"])
    (shape,) = [x.shape for x in contents.report.inputs]
    assert contents.valid is not None
    assert shape is not None
    assert shape[2] in contents.valid["T"].lengths
    assert contents.report.complete


def test_a_wrong_image_is_refused_in_a_line(samples: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "cat.png"
    wrong.write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(cnnscope.ArgumentError, match="neither PNG, JPEG, GIF nor WebP"):
        contents_of(samples / "lenet5.onnx", image=wrong)


def test_tiles_lie_where_they_are_cut(driver: Chrome, samples: Path, tmp_path: Path) -> None:
    contents = contents_of(samples / "wavenet.onnx", tiles=[4000])
    path = page_file(contents, tmp_path, without=("effective", "regions"))
    opened(driver, path, "#tile=0,1")
    at(driver, "tiles")
    own, read = (
        driver.execute_script(
            f"const x = document.querySelector('.cut .{kind}');"
            "return [Number(x.getAttribute('x')), Number(x.getAttribute('width'))]"
        )
        for kind in ("own", "read")
    )
    # The second of four tiles; a WaveNet of three stacks of ten sees 3,069 samples before its own.
    assert own == [4000, 4000]
    assert read == [4000 - 3069, 4000 + 3069]
    assert complaints(driver) == []


def test_bytes_are_ticked_in_the_unit_they_are_written_in(
    driver: Chrome, resnet: tuple[Contents, Path]
) -> None:
    opened(driver, resnet[1])
    at(driver, "sizes")
    said = until(
        driver,
        "const all = [...document.querySelectorAll('#sizes .pair > :nth-child(2) text')];"
        "return all.map((x) => x.textContent).filter((x) => /^[0-9.]+ [KM]iB$/.test(x))",
    )
    figures = sorted(float(text.split()[0]) for text in said)
    round_ones = [x for x in figures if x % 10 == 0]  # 50, 100, 150 MiB
    # All but the figure at the mark, which is as it is.
    assert len(round_ones) >= 3
    assert len(figures) - len(round_ones) <= 1


def test_the_address_names_a_size(
    driver: Chrome, samples: Path, resnet: tuple[Contents, Path]
) -> None:
    opened(driver, resnet[1], "#size=448")
    there = cnnscope.analyze(samples / "resnet50.onnx", shapes={"input": [1, 3, 448, 448]})
    assert there.totals.macs.value is not None
    # Before the view of sizes is made, and after a place in the page is gone to.
    assert driver.execute_script(MACS) == f"{there.totals.macs.value / 1e9:.2f} G"
    driver.execute_script("location.hash = 'layers'")
    at(driver, "layers")
    assert driver.execute_script(MACS) == f"{there.totals.macs.value / 1e9:.2f} G"
    driver.execute_script("location.hash = 'layer=%2Fconv1%2FConv'")
    until(driver, f"{MACS} === '4.09 G'")
    assert complaints(driver) == []
