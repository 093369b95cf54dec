"""A report's page in a notebook's output: a card that opens into the views, apart from the notebook."""

from __future__ import annotations

import html
import re
from pathlib import Path

import onnx
import onnx.parser
import pytest
from browser import browser, until, why_not

import cnnscope


@pytest.fixture(scope="module")
def page(samples: Path) -> cnnscope.Page:
    return cnnscope.analyze(samples / "lenet5.onnx").page()


def test_the_page_is_a_file(page: cnnscope.Page, tmp_path: Path) -> None:
    page.save(tmp_path / "lenet5.html")
    assert (tmp_path / "lenet5.html").read_text("utf-8") == page.html
    with pytest.raises(OSError, match="No such file"):
        page.save(tmp_path / "nowhere" / "lenet5.html")


def test_the_card_has_the_page_in_a_frame(page: cnnscope.Page) -> None:
    card = page._repr_html_()
    summary, frame = card.split("<iframe ")
    assert "61.71 k" in summary  # parameters
    assert "12 layers" in summary
    assert 'sandbox="allow-scripts"' in frame  # and nothing else: no origin, no forms, no windows
    (inside,) = re.findall(r'srcdoc="([^"]*)"', frame)
    assert html.unescape(inside).replace('<base href="about:srcdoc">\n', "", 1) == page.html


def test_names_stay_text() -> None:
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[1] x) => (float[1] y) { y = Relu(x) }'
    model = onnx.parser.parse_model(text)
    model.graph.node[0].name = '"></iframe><script>alert(1)</script>'
    card = cnnscope.analyze(model).page()._repr_html_()
    assert card.count("<script") == 0
    assert card.count("</iframe>") == 1


@pytest.mark.browser
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_it_opens_inside_another_page(page: cnnscope.Page, tmp_path: Path) -> None:
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f'<!DOCTYPE html><meta charset="utf-8">{page._repr_html_()}', "utf-8")
    with browser() as driver:
        driver.get(notebook.as_uri())
        driver.find_element("css selector", "summary").click()
        driver.switch_to.frame(driver.find_element("css selector", "iframe"))
        until(driver, "return document.documentElement.dataset.ready === 'yes'")
        driver.find_elements("css selector", "nav a")[1].click()
        until(driver, "return scrollY > 0")  # within the frame: it didn't leave
        assert driver.execute_script("return location.href") == "about:srcdoc"
        assert driver.execute_script(
            "try { return String(parent.document) } catch (error) { return error.name }"
        ) == "SecurityError"  # fmt: skip
