"""A browser to look at pages with: Debian's chromium and its driver, paths given, nothing downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from cnnscope.analyzer.render.page.contents import Contents

_PATIENCE = 60


def why_not() -> str:
    """Why no browser can be opened here; nothing where one can."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium isn't installed (it is in the extra `browser`)"
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return (
        f"there is no {' and no '.join(missing)} (Debian: chromium, chromium-driver)"
        if missing
        else ""
    )


@contextmanager
def browser(width: int = 1300, height: int = 900, *options: str) -> Iterator[Chrome]:
    """A headless browser of its own."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    asked = ChromeOptions()
    asked.binary_location = str(shutil.which("chromium"))
    usual = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
    for word in (
        *usual,
        "--disable-background-networking",
        f"--window-size={width},{height}",
        *options,
    ):
        asked.add_argument(word)
    asked.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=asked, service=ChromeService(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


def page_file(contents: Contents, folder: Path, without: Collection[str] = ()) -> Path:
    """A report page in a folder.

    Args:
        without: parts that take long and that the test doesn't look at: left out as where they can't be told.
    """
    from unittest import mock

    from cnnscope.analyzer.render.page import parts
    from cnnscope.analyzer.render.page.page import page

    assert set(parts.NAMES).issuperset(without)
    path = folder / "page.html"
    kept = tuple(name for name in parts.NAMES if name not in without)
    with mock.patch.object(parts, "NAMES", kept):
        path.write_text(page(contents), encoding="utf-8")
    return path


def opened(driver: Chrome, page: Path, fragment: str = "") -> None:
    """Open a report page, and wait until it can be used."""
    driver.get("about:blank")
    driver.get(f"{page.resolve().as_uri()}{fragment}")
    until(driver, "return document.documentElement.dataset.ready === 'yes'")


def until(driver: Chrome, script: str, *given: object) -> Any:
    """Wait until a script gives something true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, _PATIENCE, 0.02).until(lambda d: d.execute_script(script, *given))


def at(driver: Chrome, view: str) -> None:
    """Bring a view to the screen, and wait until it is there."""
    # Again and again: what comes to be above it moves it.
    there = (
        "const x = document.getElementById(arguments[0]); x.scrollIntoView({behavior: 'instant'});"
    )
    until(driver, f"{there} return x.dataset.state === 'mounted'", view)


def complaints(driver: Chrome) -> list[str]:
    """What the browser's console has been told since it was last asked; it must be nothing."""
    return [entry["message"] for entry in driver.get_log("browser")]
