"""Is each module of the page's chart as wide as its share, and do repeats stand as one?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import at, complaints, opened, page_file, until, why_not
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.render.page.contents import Contents

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.fixture(scope="module")
def resnet(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[cnnscope.Report, Path]:
    """ResNet-50's report, and its page."""
    report = cnnscope.analyze(samples / "resnet50.onnx")
    folder = tmp_path_factory.mktemp("resnet50")
    return report, page_file(Contents(report), folder, without=("effective", "regions"))


WIDTHS = """
const found = {};
for (const cell of document.querySelectorAll('#cost .cell')) {
  const name = cell.getAttribute('aria-label').split(': ')[0];
  found[name] = cell.querySelector('rect').getBoundingClientRect().width;
}
return found;
"""


@pytest.mark.parametrize("metric", ["macs", "params"])
def test_widths_are_shares(
    driver: Chrome, resnet: tuple[cnnscope.Report, Path], metric: str
) -> None:
    report, path = resnet
    opened(driver, path, f"#metric={metric}")
    at(driver, "cost")
    widths = until(driver, WIDTHS)
    whole = widths["the model"]
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        members = [x for x in report.layers if x.scope.startswith(f"{stage}/")]
        part = sum(getattr(x, metric) for x in members) / getattr(report.totals, metric).value
        assert widths[stage] / whole == pytest.approx(part, abs=0.01)
    assert complaints(driver) == []


def test_a_module_is_opened_and_a_layer_chosen(
    driver: Chrome, resnet: tuple[cnnscope.Report, Path]
) -> None:
    _, path = resnet
    opened(driver, path)
    at(driver, "cost")
    names = "return [...document.querySelectorAll('#cost .cell .name')].map(x => x.textContent)"
    assert "1\N{EN DASH}5 (5\N{MULTIPLICATION SIGN})" in driver.execute_script(names)
    press = "[...document.querySelectorAll('#cost .cell')].find(x => x.ariaLabel.startsWith(arguments[0]))"
    enter = ".dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    driver.execute_script(f"{press}{enter}", "layer4:")
    until(driver, "return location.hash.includes('module=layer4')")
    driver.execute_script(f"{press}{enter}", "/layer4/0/conv2/Conv:")
    until(driver, "return !document.querySelector('aside').hidden")
    assert "layer=%2Flayer4%2F0%2Fconv2%2FConv" in driver.execute_script("return location.hash")
    assert complaints(driver) == []


def test_the_peak_lists_what_is_alive(driver: Chrome, resnet: tuple[cnnscope.Report, Path]) -> None:
    report, path = resnet
    opened(driver, path)
    at(driver, "memory")
    alive = "return document.querySelector('#memory .alive').dataset.bytes"
    assert int(driver.execute_script(alive)) == report.totals.peak_activation_bytes.value
    opened(driver, path, "#layer=%2Fconv1%2FConv")
    at(driver, "memory")
    assert int(driver.execute_script(alive)) == report.activations().alive_bytes()[0]
    assert complaints(driver) == []


PRESS = """
const event = new KeyboardEvent('keydown', {key: arguments[0], bubbles: true});
document.activeElement.dispatchEvent(event);
"""
LABELS = "return [...document.querySelectorAll('#cost .cell')].map(x => x.ariaLabel)"


def billions(text: str) -> float:
    return float(text.split()[0]) * {"k": 1e-6, "M": 1e-3, "G": 1}[text.split()[1]]


def test_repeats_running_sums_and_what_is_found(
    driver: Chrome, resnet: tuple[cnnscope.Report, Path]
) -> None:
    report, path = resnet
    opened(driver, path, "#metric=macs&find=conv2")
    at(driver, "cost")
    labels = driver.execute_script(LABELS)
    macs = {x.path: x.macs or 0 for x in report.layers}
    whole = sum(macs.values())
    # The parts of five blocks that are alike stand once, each with what all five come to.
    (label,) = (x for x in labels if x.startswith("/layer3/1/conv2/Conv"))
    assert label.startswith("/layer3/1/conv2/Conv and 4 like it: ")
    five = sum(macs[f"/layer3/{i}/conv2/Conv"] for i in range(1, 6)) / 1e9
    assert billions(label.partition(": ")[2]) == pytest.approx(five, 5e-3)
    # Up to the end of the third stage: everything before its last layer, in running order.
    (label,) = (x for x in labels if x.startswith("layer3:"))
    last = max(i for i, x in enumerate(report.layers) if x.scope.startswith("layer3/"))
    upto = sum(x.macs or 0 for x in report.layers[: last + 1]) / whole
    assert label.endswith(f"{100 * upto:.0f} % up to its end")
    found = [n for p, n in macs.items() if "conv2" in p]
    said = driver.execute_script("return document.getElementById('cost').textContent")
    assert f"Found: {len(found)} layers, " in said
    assert f"{100 * sum(found) / whole:.0f} % of the model" in said
    assert complaints(driver) == []


def test_what_is_not_known_is_seen(driver: Chrome, tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], "known"),
        helper.make_node("Mystery", ["y"], ["z"], "mystery", domain="com.example"),
    ]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 1, 3, 3], [0.0] * 18)
    ends = (value(name, TensorProto.FLOAT, [1, n, 6, 6]) for name, n in (("x", 1), ("z", 2)))
    graph = helper.make_graph(nodes, "g", *([x] for x in ends), [weight])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    report = cnnscope.analyze(helper.make_model(graph, opset_imports=opsets))
    path = page_file(Contents(report), tmp_path)
    opened(driver, path, "#metric=macs")
    at(driver, "cost")
    # 4 x 4 places of 2 kernels of 9 weights
    assert set(driver.execute_script(LABELS)) == {
        "the model: at least 288 MACs, 100 % of what is known; of 1 of its 2 layers it isn't known",
        "known: 288 MACs, 100 % of what is known, 100 % up to its end",
        "mystery: MACs not known",
    }
    hatched = "return [...document.querySelectorAll('#cost .cell:has(.open.whole)')].map(x => x.ariaLabel)"
    assert driver.execute_script(hatched) == ["mystery: MACs not known"]
    # By arrows: down into the model, and on to the next layer
    focus = "return document.activeElement.ariaLabel"
    driver.execute_script("document.querySelector('#cost .cell').focus()")
    for key, name in (("ArrowDown", "known"), ("ArrowRight", "mystery"), ("ArrowUp", "the model")):
        driver.execute_script(PRESS, key)
        assert driver.execute_script(focus).startswith(f"{name}:")
    assert complaints(driver) == []
