"""Draws the two pictures of a report page in this folder: where ResNet-50's cost is, and what one unit sees.

Run `python docs/pictures/page.py` where cnnscope and its extra `browser` are installed, and Debian's chromium
with its driver; each picture is a WebP, 1,200 pixels wide.
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
sys.path.append(str(ROOT / "tests"))
from browser import at, browser, opened, until  # noqa: E402

WIDTH: Final = 1200
#: picture: the view, and the layer that is chosen in it
PICTURES: Final = {
    "page-cost": ("cost", "/layer3/2/conv2/Conv"),
    "page-sight": ("sight", "/layer3/2/conv2/Conv"),
}
_SHADE: Final = """
const asked = document.querySelector('.shade button');
if (asked) asked.click();
return !document.querySelector('.shade button');
"""
#: from what stays at the top of the screen to the view's end
_CLIP: Final = """
const box = document.getElementById(arguments[0]).getBoundingClientRect();
return {x: 0, y: scrollY, width: innerWidth, height: box.bottom + 12, scale: 1};
"""


def take(driver: Chrome, page: Path, name: str) -> None:
    """One picture: the view, beside it what is said of the chosen layer."""
    view, layer = PICTURES[name]
    opened(driver, page, f"#layer={layer.replace('/', '%2F')}")
    at(driver, view)
    if view == "sight":
        until(driver, _SHADE)
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot",
        {
            "format": "webp",
            "quality": 85,
            "clip": driver.execute_script(_CLIP, view),
        },
    )
    (HERE / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


def draw() -> None:
    """Both pictures, of one page."""
    with tempfile.TemporaryDirectory() as folder, browser(WIDTH, 1200) as driver:
        page = Path(folder) / "page.html"
        model = ROOT / "sample_models" / "resnet50.onnx"
        subprocess.run(
            [sys.executable, "-m", "cnnscope.cli", "report", model, "-o", page], check=True
        )
        for name in PICTURES:
            take(driver, page, name)


if __name__ == "__main__":
    draw()
