"""Does a fleet's page do what it says: select, count, sort, lead somewhere harmless, for every reader?"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import at, complaints, opened, until, why_not
from scan_rows import Row, Rows, random_rows, row

from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
from cnnscope.analyzer.render.page.fleet.fleet_page import fleet_page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]
AXE = os.environ.get("CNNSCOPE_AXE", "")
PHONE = {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
_LISTED = (
    "return [...document.querySelectorAll('#models tbody tr')].map(x => Number(x.dataset.row))"
)
_SAID = "return document.querySelector('#models .tools [role=status]').textContent"


def page_of(rows: list[Row], folder: Path, **more: Any) -> Path:
    path = folder / "fleet.html"
    contents = FleetContents("zoo.parquet", Rows(rows), len(rows), **{"pages": {}, **more})
    path.write_text(fleet_page(contents), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(300, 16)


@pytest.fixture(scope="module")
def page(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(rows, tmp_path_factory.mktemp("page"))


def selected(driver: Chrome, expected: list[int]) -> None:
    """Wait until the table says that so many are selected; the first of them are those expected."""
    at(driver, "models")
    said = f"{len(expected)} of 300 models"
    until(driver, f"{_SAID} === arguments[0]", said)
    assert driver.execute_script(_LISTED) == expected[:50]


def counted(driver: Chrome, kind: str) -> dict[str, int]:
    """How many selected models a list of bars says that each value has."""
    found = driver.execute_script(
        "return [...document.querySelectorAll(`#kind-${arguments[0]} + div li`)].map(x => "
        "[x.querySelector('.label').textContent, parseInt(x.querySelector('.number').textContent)])",
        kind,
    )
    return {label: n for label, n in found if n}


def number(row: Row, name: str) -> int | None:
    found = row[name]
    return found if isinstance(found, int) else None


def test_a_range_a_kind_and_an_operator_select_together(
    driver: Chrome, page: Path, rows: list[Row]
) -> None:
    # Both ends are some model's figure, which is within.
    known = sorted(
        n for x in rows if (n := number(x, "params")) is not None and "m1" in str(x["path"])
    )
    least, most = known[10], known[-10]
    chosen = f"#params={least}..{most}&opset=%5B13%2C17%5D&op=%5B%22Conv%22%5D&find=m1"
    opened(driver, page, chosen)
    others = [
        i
        for i, x in enumerate(rows)
        if least <= (number(x, "params") or 0) <= most
        and any(y["name"] == "Conv" for y in x["operators"])  # type: ignore[attr-defined]
        and "m1" in str(x["path"])
    ]
    expected = [i for i in others if rows[i]["opset"] in (13, 17)]
    assert 3 < len(expected) < len(others)
    selected(driver, expected)
    at(driver, "kinds")
    assert counted(driver, "producer") == Counter(
        str(rows[i]["producer"] or "not known") for i in expected
    )
    # Opsets aren't kept out by which opset is chosen: what else there is to choose stays in sight.
    assert counted(driver, "opset") == Counter(str(rows[i]["opset"]) for i in others)
    driver.execute_script(
        "[...document.querySelectorAll('.selected li button')]"
        ".find(x => x.textContent.startsWith('opset')).click()"
    )
    assert "opset" not in driver.execute_script("return location.hash")
    driver.execute_script("document.querySelector('.selected > button').click()")
    until(driver, f"{_SAID} === '300 models'")
    assert complaints(driver) == []


def test_sliders_select_by_keyboard(driver: Chrome, page: Path, rows: list[Row]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(driver, page)
    at(driver, "figures")
    low = driver.find_element(
        By.CSS_SELECTOR, "#figure-params input[aria-label='parameters, from']"
    )
    low.send_keys(Keys.ARROW_RIGHT * 9)
    until(driver, "return location.hash.includes('params=')")
    least, most = map(
        float, driver.execute_script("return location.hash").split("=")[1].split("..")
    )
    selected(driver, [i for i, x in enumerate(rows) if least <= (number(x, "params") or 0) <= most])
    assert most >= max(number(x, "params") or 0 for x in rows)


def test_dragging_over_bars_and_dots_selects_what_is_there(
    driver: Chrome, page: Path, rows: list[Row]
) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    opened(driver, page)
    at(driver, "figures")
    bars = driver.find_element(By.CSS_SELECTOR, "#figure-file_bytes svg")
    ActionChains(driver).move_to_element_with_offset(bars, -60, 0).click_and_hold().move_by_offset(
        70, 0
    ).release().perform()
    chosen = until(driver, "return new URLSearchParams(location.hash.slice(1)).get('file_bytes')")
    least, most = map(int, chosen.split(".."))
    inside = [i for i, x in enumerate(rows) if least <= (number(x, "file_bytes") or -1) <= most]
    assert 0 < len(inside) < 290
    selected(driver, inside)
    opened(driver, page)
    at(driver, "scatter")
    canvas = driver.find_element(By.CSS_SELECTOR, "#scatter canvas")
    ActionChains(driver).move_to_element_with_offset(
        canvas, -100, -80
    ).click_and_hold().move_by_offset(260, 200).release().perform()
    until(driver, "return location.hash.includes('macs=')")
    ranges = {
        name: driver.execute_script(
            f"return new URLSearchParams(location.hash.slice(1)).get('{name}')"
        ).split("..")
        for name in ("params", "macs")
    }
    inside = [
        i
        for i, x in enumerate(rows)
        if all(
            int(low) <= (-1 if number(x, name) is None else number(x, name) or 0) <= int(high)
            for name, (low, high) in ranges.items()
        )
    ]
    assert 0 < len(inside) < 290
    selected(driver, inside)
    assert complaints(driver) == []


def test_the_table_sorts_turns_and_shows_a_model(
    driver: Chrome, page: Path, rows: list[Row]
) -> None:
    opened(driver, page)
    at(driver, "models")
    driver.execute_script(
        "[...document.querySelectorAll('#models th button')]"
        ".find(x => x.textContent.trim() === 'parameters').click()"
    )
    known = sorted(
        (i for i, x in enumerate(rows) if x["params"] is not None),
        key=lambda i: (-(number(rows[i], "params") or 0), i),
    )
    assert driver.execute_script(_LISTED) == known[:50]
    driver.execute_script("document.querySelector('#models [aria-label=\"Next models\"]').click()")
    assert driver.execute_script(_LISTED) == known[50:100]
    driver.execute_script("document.querySelector('#models tbody tr td').click()")
    aside = driver.execute_script("return document.querySelector('aside').innerText")
    assert str(rows[known[50]]["path"]) in aside
    assert f"cnnscope report {rows[known[50]]['path']}" in aside
    assert "Everything else" in aside
    assert complaints(driver) == []


ADDRESSES = {
    "javascript:window.hit=1": None,
    "data:text/html,<script>window.hit=1</script>": None,
    " java\tscript:window.hit=1": None,
    "file:///etc/passwd": None,
    "s3://bucket/x.onnx": None,
    "C:\\x.onnx": None,
    "/home/x y.onnx": None,
    "https://user:secret@example.org/a b.onnx?x=1#y": "https://example.org/a%20b.onnx?x=1#y",
    "http://example.org/z.zip::inner.onnx": "http://example.org/z.zip",
    "hf://org/repo/sub dir/m.onnx": "https://huggingface.co/org/repo/blob/main/sub%20dir/m.onnx",
    "hf://org/repo@refs%2Fpr%2F1/m.onnx": "https://huggingface.co/org/repo/blob/refs%2Fpr%2F1/m.onnx",
    "hf://org/repo/<img src=x onerror=hit()>.onnx": "https://huggingface.co/org/repo/blob/main/%3Cimg%20src%3Dx%20onerror%3Dhit()%3E.onnx",
    "paged.onnx": "PAGE/m%20odel.html",
    "badly paged.onnx": None,
    "-x; rm -rf ~'.onnx": None,
    "a\nb\x1b[31m.onnx": None,
}


def test_links_lead_to_pages_and_the_web_alone_and_names_stay_text(
    driver: Chrome, tmp_path: Path
) -> None:
    rows = [
        row(
            x,
            producer=x,
            status="error",
            error_kind="crash",
            error=x,
            operators=[{"name": x, "count": 1}],
            params=7,
        )
        for x in ADDRESSES
    ]
    pages = {"paged.onnx": "./PAGE/m%20odel.html", "badly paged.onnx": "javascript:window.hit=1"}
    opened(driver, page_of(rows, tmp_path, pages=pages))
    for view in driver.execute_script(
        "return [...document.querySelectorAll('section')].map(x => x.id)"
    ):
        at(driver, view)
    found = driver.execute_script(
        "return [...document.querySelectorAll('#models tbody tr')].map(x => {"
        "const a = x.querySelector('a');"
        "return [a && a.href, a && a.rel, x.querySelector('[title^=\"cnnscope report\"]').title]})"
    )
    here = tmp_path.as_uri()
    expected = [x and x.replace("PAGE", f"{here}/PAGE") for x in ADDRESSES.values()]
    assert [href for href, *_ in found] == expected
    assert {rel for href, rel, _ in found if href} == {"noopener noreferrer"}
    commands = dict(zip(ADDRESSES, (command for *_, command in found), strict=True))
    assert commands["/home/x y.onnx"] == "cnnscope report '/home/x y.onnx'"
    assert commands["-x; rm -rf ~'.onnx"] == "cnnscope report -- '-x; rm -rf ~'\\''.onnx'"
    assert commands["a\nb\x1b[31m.onnx"] == r"cnnscope report $'a\x0ab\x1b[31m.onnx'"
    driver.execute_script(
        "for (const x of document.querySelectorAll('#models tbody tr')) x.querySelector('td').click()"
    )
    assert driver.execute_script(
        "return [window.hit ?? null, document.querySelectorAll('img').length]"
    ) == [None, 0]
    assert complaints(driver) == []


@pytest.mark.skipif(
    not AXE or not Path(AXE).is_file(),
    reason="CNNSCOPE_AXE names no axe.min.js (.ci/run brings it)",
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(driver: Chrome, page: Path, theme: str) -> None:
    from test_page_access import everything, violations

    opened(driver, page, "#params=1000..100000000&opset=%5B13%5D&model=zoo%2Fm3.onnx")
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    everything(driver)
    assert violations(driver) == []
    assert complaints(driver) == []


def test_a_phone_scrolls_one_way_only(driver: Chrome, page: Path) -> None:
    from test_page_access import everything

    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)  # type: ignore[no-untyped-call]
    try:
        opened(driver, page, "#params=1000..100000000&model=zoo%2Fm3.onnx")
        everything(driver)
        assert driver.execute_script("return document.documentElement.scrollWidth") == 375
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})  # type: ignore[no-untyped-call]


def test_of_too_many_it_says_which_are_there(
    driver: Chrome, rows: list[Row], tmp_path: Path
) -> None:
    opened(driver, page_of(rows, tmp_path, most=10), "#opset=%5B13%5D")
    assert "count all 300 models" in driver.execute_script(
        "return document.querySelector('#summary .note').textContent"
    )
    at(driver, "kinds")
    # What is counted of all isn't made smaller by a selection among some.
    thirteen = sum(x["opset"] == 13 for x in rows)
    assert str(thirteen) in driver.execute_script(
        "return [...document.querySelectorAll('#kind-opset + div .number')].map(x => x.textContent)"
    )
    assert complaints(driver) == []
