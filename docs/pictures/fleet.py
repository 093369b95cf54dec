"""Draws the two pictures of a fleet's page in this folder: a range that is selected, a scatter with kinds.

Run `python docs/pictures/fleet.py` where cnnscope and its extras `browser` and `scan` are installed, and
Debian's chromium with its driver. The fleet is the benchmarks' (`benchmarks/zoo`); each picture is a WebP,
1,200 pixels wide.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path += [str(ROOT / "tests"), str(ROOT / "benchmarks")]
from browser import at, browser, opened  # noqa: E402
from zoo import models  # noqa: E402

WIDTH: Final = 1200
MODELS: Final = 1500
SEED: Final = 16
_SELECTED: Final = "#params=10000..999999"
#: picture: what is selected, the first view on it and the last
PICTURES: Final = {
    "fleet-figures": (_SELECTED, "summary", "figures"),
    "fleet-scatter": (f"{_SELECTED}&by=producer", "scatter", "kinds"),
}
#: from what stays at the top of the screen to the last view's end
_CLIP: Final = """
document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'});
if (arguments[0] === 'summary') scrollTo({top: 0, behavior: 'instant'});
const box = document.getElementById(arguments[1]).getBoundingClientRect();
return {x: 0, y: scrollY, width: innerWidth, height: box.bottom, scale: 1};
"""


def take(driver: Chrome, page: Path, name: str) -> None:
    """One picture."""
    selected, first, last = PICTURES[name]
    opened(driver, page, selected)
    for view in (first, last, first):
        at(driver, view)
    clip = driver.execute_script(_CLIP, first, last)
    asked = {"format": "webp", "quality": 80, "clip": clip}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", asked)
    (HERE / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


def draw() -> None:
    """Both pictures, of one page."""
    with tempfile.TemporaryDirectory() as folder, browser(WIDTH, 1900) as driver:
        hub, scan, page = (Path(folder) / name for name in ("hub", "hub.parquet", "fleet.html"))
        for number in range(MODELS):
            model = models.made(SEED, number)
            place = hub / model.family / f"{model.exporter}-{number:04}.onnx"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(model.data)
        for words in (["scan", hub, "-o", scan], ["report", scan, "-o", page]):
            done = subprocess.run([sys.executable, "-m", "cnnscope.cli", *map(str, words)])
            assert done.returncode in (0, 1)  # some of the fleet's models are broken on purpose
        for name in PICTURES:
            take(driver, page, name)


if __name__ == "__main__":
    draw()
