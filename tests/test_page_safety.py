"""Can anything in a model run, or load something, on its page? Names that try, under the page's policy."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest
from browser import at, complaints, opened, page_file, until
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.paging import contents_of, page_of
from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

HOSTILE = [
    "</script><script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "<svg/onload=window.hit=1>",
    "javascript:window.hit=1",
    "{{ 7*7 }}{% raw %}",
    "\u2028\u2029\x00\x1b[31m\r\n::error::x",
    "##[error]x ##vso[task.setvariable variable=a]b",
    "__proto__",
    "constructor/toString/hasOwnProperty",
    "'-alert(1)-'",
]


def hostile_model() -> onnx.ModelProto:
    """A chain of convolutions in which every name tries to be something else."""
    nodes, weights = [], []
    names = [f"{name}{i}" for i, name in enumerate(HOSTILE)]
    for i, name in enumerate(names):
        inside = "input" if not i else f"t{names[i - 1]}"
        weights.append(helper.make_tensor(f"w{name}", TensorProto.FLOAT, [2, 2, 3, 3], [0.1] * 36))
        nodes.append(
            helper.make_node(
                "Conv", [inside, f"w{name}"], [f"t{name}"], name=name, pads=[1, 1, 1, 1]
            )
        )
    ends = [
        helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 2, 16, 16])
        for x in ("input", f"t{names[-1]}")
    ]
    graph = helper.make_graph(nodes, HOSTILE[0], ends[:1], ends[1:], weights)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name=HOSTILE[1]
    )
    model.doc_string = HOSTILE[0]
    return model


def test_no_name_is_markup_or_a_command_in_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "<b>x"
    folder.mkdir()
    path = folder / "<img src=x onerror=hit>.onnx"
    onnx.save(hostile_model(), path)
    text = page_of(contents_of(path))
    assert without_commands(text) == text
    outside = re.sub(r"<script>.*?</script>", "", text, count=0, flags=re.DOTALL)  # the page's own
    for sign in ("<img", "<svg/", "<b>x", 'onerror="', "\x1b", "\u2028"):
        assert sign not in outside
    assert len(re.findall(r"<script\b", outside)) == len(
        re.findall(r'<script type="application/json"', outside)
    )
    assert "49" not in re.findall(r"<title>(.*?)</title>", text)[0]


@pytest.mark.browser
def test_nothing_in_a_model_runs(driver: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(hostile_model(), path)
    page = page_file(contents_of(path), tmp_path)
    opened(driver, page)
    for view in driver.execute_script(
        "return [...document.querySelectorAll('section')].map(x => x.id)"
    ):
        at(driver, view)
    count = len(cnnscope.analyze(path).layers)
    for layer in range(count):
        driver.execute_script(
            "document.querySelector('aside [aria-label=\"Next layer\"]')?.click()"
        )
        driver.execute_script(f"document.querySelectorAll('#layers tbody tr')[{layer}].click()")
        until(driver, "return document.querySelector('aside .told').children.length > 0")
    assert driver.execute_script("return window.hit") is None
    assert driver.execute_script("return document.querySelectorAll('img').length") == 0
    assert complaints(driver) == []


@pytest.mark.browser
def test_the_policy_holds(driver: Chrome, samples: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = page_of(contents_of(samples / "lenet5.onnx"))
    extra = "<script>window.hit = 1</script><img src='https://example.invalid/x.png'>"
    page.write_text(text.replace("</body>", f"{extra}</body>"), encoding="utf-8")
    opened(driver, page)
    assert driver.execute_script("return window.hit") is None
    said = " ".join(complaints(driver))
    assert "script-src" in said
    assert "img-src" in said


def test_nothing_is_loaded_from_elsewhere(samples: Path) -> None:
    text = page_of(contents_of(samples / "lenet5.onnx"))
    assert not re.findall(r"<(?:link|iframe|object|embed|base)\b", text)
    assert not re.findall(r"<script[^>]*\bsrc=", text)
    style = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)[0]
    assert "url(" not in style
    assert "@import" not in style
    assert sys.getsizeof(text) < 1_500_000
