"""Does the page show what a run showed, what ceilings allow, and which limits are kept?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import at, complaints, opened, page_file, until, why_not
from commanded import run as command

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.stated_ceilings import stated_ceilings
from cnnscope.analyzer.report.verification import (
    Agreement,
    FieldCheck,
    MemoryCheck,
    Mismatch,
    Verification,
)

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

needs_one = pytest.mark.skipif(bool(why_not()), reason=why_not())
RECORDING = Path(__file__).parent / "data/recordings/lenet5_b1.json.gz"
DOTS = """
const dots = document.querySelectorAll('#roofline circle');
return [...dots].map(x => x.querySelector('title').textContent);
"""


def verification(wrong: str) -> Verification:
    """One in which a layer's shape isn't as predicted; its name is hostile."""
    found = Mismatch("t", wrong, "Conv", "shape", [1, 6], [1, 7])
    return Verification(
        "<img src=x onerror=alert(1)>", "cpu", None, "1.27", "stored", 0, {"input": [1, 1, 32, 32]},
        Agreement(12, 11, (found,)), FieldCheck(13, 13), MemoryCheck(reason="no figure"),
    )  # fmt: skip


@pytest.mark.browser
@needs_one
@pytest.mark.usefixtures("without_children")
def test_a_recorded_run_is_what_the_profile_says(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    profile = cnnscope.profile(samples / "lenet5.onnx", recording=RECORDING)
    report = cnnscope.analyze(samples / "lenet5.onnx")
    wrong = report.layers[3].name
    run = Execution(profile, verification(wrong))
    path = page_file(Contents(replace(report, execution=run)), tmp_path)
    opened(driver, path, "#metric=seconds")
    at(driver, "run")
    body = driver.execute_script("return document.getElementById('run').textContent")
    assert "does NOT agree" in body
    assert wrong in body
    listed = driver.execute_script(
        "return [...document.querySelectorAll('#run ol.times')].at(-1).textContent"
    )
    slowest = max(profile.rows, key=lambda row: row.seconds or 0)
    assert listed.startswith(next(x.path for x in report.layers if x.name == slowest.layers[0]))
    widths = driver.execute_script(
        "return [...document.querySelectorAll('#run .stack i')].map(x => parseFloat(x.style.inlineSize))"
    )
    device = profile.device
    assert device is not None
    assert sum(widths) == pytest.approx(100, abs=0.1)
    assert widths[1] == pytest.approx(100 * device.launch_gaps / device.wall, abs=0.01)
    # The times are a measure like any other, and they add up to those of the kernels of layers.
    at(driver, "cost")
    whole = driver.execute_script("return document.querySelector('#cost .cell').ariaLabel")
    spent = math.fsum(row.seconds or 0 for row in profile.rows if row.layers)
    number, unit = re.search(r"([\d.]+) (\S+) time when run", whole).groups()  # type: ignore[union-attr]
    assert float(number) * {"ms": 1e-3, "\N{MICRO SIGN}s": 1e-6}[unit] == pytest.approx(spent, 5e-3)
    tile = "return document.querySelector('[data-figure=verification] .figure').textContent"
    assert driver.execute_script(tile) == "disagrees"
    assert complaints(driver) == []


@pytest.mark.browser
@needs_one
def test_least_times_are_those_of_the_ceilings(
    driver: Chrome, samples: Path, tmp_path: Path
) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    flops, moved = 1e9, 5e8
    contents = Contents(report, ceilings=stated_ceilings("1 GFLOPS, 500 MB/s"))
    path = page_file(contents, tmp_path)
    opened(driver, path)
    at(driver, "roofline")
    least = {
        x.path: max(x.flops / flops, x.traffic_bytes / moved)
        for x in report.layers
        if x.flops and x.traffic_bytes
    }
    said = driver.execute_script(DOTS)
    assert [text.split(": ")[0] for text in said] == sorted(least, key=lambda x: -least[x])
    for text in said:
        layer = next(x for x in report.layers if x.path == text.split(": ")[0])
        assert layer.flops is not None
        assert layer.traffic_bytes is not None
        bound = (
            "arithmetic" if layer.flops / flops > layer.traffic_bytes / moved else "moving bytes"
        )
        assert text.endswith(f"bound by {bound}")
    whole = driver.execute_script(
        "return document.querySelector('#roofline [data-whole]').dataset.whole"
    )
    every = [max(x.flops / flops, x.traffic_bytes / moved) for x in report.layers]  # type: ignore[operator]
    assert float(whole) == pytest.approx(math.fsum(every))
    driver.execute_script(
        "document.querySelector('#roofline circle').dispatchEvent(new MouseEvent('click'))"
    )
    until(driver, "return !document.querySelector('aside').hidden")
    assert complaints(driver) == []


@pytest.mark.browser
@needs_one
def test_limits_stand_with_their_verdicts(driver: Chrome, samples: Path, tmp_path: Path) -> None:
    limits = ["--limit", "macs=400k", "--limit", "params=100k"]
    path = tmp_path / "page.html"
    code, _, said = command("report", str(samples / "lenet5.onnx"), *limits, "-o", str(path))
    assert code == 0, said
    opened(driver, path)
    at(driver, "budgets")
    rows = driver.execute_script(
        "return [...document.querySelectorAll('#budgets tbody tr')].map("
        "row => [...row.cells].slice(0, 5).map(x => x.textContent))"
    )
    # 416,520 multiply-accumulates and 61,706 parameters
    assert rows == [
        ["over", "macs", "416.5 k", "<= 400.0 k", "16.52 k (4.1 %) over"],
        ["within", "params", "61.71 k", "<= 100.0 k", "38.29 k (38.3 %) under"],
    ]
    assert complaints(driver) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ceilings", "10"], '--ceilings: "10" aren\'t ceilings: write 10TFLOPS,900GB/s'),
        (["--ceilings", "0TFLOPS,1GB/s"], "aren't ceilings"),
        (["--limit", "macs"], "--limit macs: "),
        (["--seed", "1"], "--provider and --seed go with --run"),
        (["--run", "--from-recording", str(RECORDING)], "doesn't go with --from-recording"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    samples: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    path = tmp_path / "page.html"
    code, _, error = command("report", str(samples / "lenet5.onnx"), *words, "-o", str(path))
    assert code == 2
    assert said in error
    assert error.count("\n") == 1
    assert not path.exists()


@pytest.mark.usefixtures("without_children")
def test_a_run_is_of_the_pages_size(samples: Path, tmp_path: Path) -> None:
    """A model whose lengths are free is run at those that the page is made at."""
    model = str(samples / "lenet5.onnx")
    path = tmp_path / "page.html"
    code, _, said = command("report", model, "--free", "N", "--run", "-o", str(path))
    assert code == 0, said
    text = path.read_text(encoding="utf-8")
    assert '"ok":true,"verdict":"agrees with its execution"' in text
    assert "input 1x1x32x32" in text
