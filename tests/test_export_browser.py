"""Do the viewers themselves show what is exported? Netron's page, and Mermaid's own parser, in Chromium."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest
from browser import browser, complaints, until, why_not
from export_models import HOSTILE, convolutions, functions, hostile, nameless, nested

import cnnscope

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not())]


class Pages(SimpleHTTPRequestHandler):
    """Files of a folder; Netron's page without its version, by which it would ask for a newer one after half
    a year, and report to its author."""

    def log_message(self, *words: object) -> None:
        pass

    def do_GET(self) -> None:
        page = Path(self.directory) / "index.html"
        if not self.path.startswith("/index.html"):
            super().do_GET()
            return
        text = re.sub(r'<meta name="(version|date)" content="[^"]*">', "", page.read_text("utf-8"))
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with browser(1300, 900, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") as found:
        yield found


@pytest.fixture(scope="module")
def netron() -> Iterator[str]:
    """The address of the package's page."""
    package = pytest.importorskip(
        "netron", reason="netron isn't installed (it is in the extra `browser`)"
    )
    folder = Path(str(package.__file__)).parent
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def load(driver: Chrome, address: str, model: onnx.ModelProto, folder: Path) -> None:
    """Open a model in Netron's page, then its attachment."""
    onnx.save(model, folder / "m.onnx")
    (folder / "figures.json").write_text(cnnscope.export(folder / "m.onnx", "netron"))
    driver.get(f"{address}/icon.png")
    driver.add_cookie({"name": "consent", "value": "1"})
    driver.get(f"{address}/index.html")
    until(driver, "return document.body.className === 'welcome'")
    give(driver, folder / "m.onnx")
    until(
        driver,
        "return document.body.className === 'default' && document.querySelector('.node-item')",
    )
    give(driver, folder / "figures.json")
    until(driver, "return document.getElementById('open-file-dialog').files.length === 1")
    until(driver, "return document.body.className === 'default'")


def give(driver: Chrome, file: Path) -> None:
    driver.execute_script("document.getElementById('open-file-dialog').value = ''")
    driver.find_element("id", "open-file-dialog").send_keys(str(file))


PANEL = """
document.querySelectorAll('.graph-node .node-item, .graph-input .node-item')[arguments[0]]
    .dispatchEvent(new MouseEvent('click', {bubbles: true}));
"""
READ = """
const found = {};
for (const item of document.querySelectorAll('#sidebar .sidebar-item'))
    found[item.querySelector('input').value] = item.querySelector('.sidebar-item-value-list').innerText;
return arguments[0] in found ? found : null;
"""


def shown(driver: Chrome, position: int, wanted: str) -> dict[str, str]:
    """What the side panel says of a node, once that is among it."""
    driver.execute_script(PANEL, position)
    found: dict[str, str] = until(driver, READ, wanted)
    return found


def test_netron_shows_the_figures(driver: Chrome, netron: str, tmp_path: Path) -> None:
    load(driver, netron, convolutions(), tmp_path)
    found = shown(driver, 1, "macs")  # 0 is the input
    assert found["name"] == "/stem/conv/Conv"
    assert (found["macs"], found["params"]) == (str(1024 * 432), "432")
    assert (found["kind"], found["output"], found["receptive_field"]) == (
        "2-D convolution", "1x16x32x32", "3x3",
    )  # fmt: skip
    assert complaints(driver) == []


def test_netron_shows_a_nameless_nodes_figures_at_its_output(
    driver: Chrome, netron: str, tmp_path: Path
) -> None:
    load(driver, netron, nameless(), tmp_path)
    found = shown(driver, 1, "type")
    assert "macs" not in found
    assert "name" not in found
    driver.execute_script(
        """for (const line of document.querySelectorAll('#sidebar .sidebar-item-value-line'))
            if (line.innerText === 'name: y1') line.click();"""
    )
    assert until(driver, READ, "flops")["flops"] == "4"


def test_netron_shows_the_notes_of_a_copy(driver: Chrome, netron: str, tmp_path: Path) -> None:
    cnnscope.annotate(convolutions().SerializeToString(), tmp_path / "noted.onnx")
    load(driver, netron, onnx.load(tmp_path / "noted.onnx"), tmp_path)
    assert shown(driver, 1, "cnnscope.macs")["cnnscope.macs"] == str(1024 * 432)


def test_hostile_names_do_nothing_in_netron(driver: Chrome, netron: str, tmp_path: Path) -> None:
    load(driver, netron, hostile(), tmp_path)
    for position in range(len(HOSTILE)):
        assert shown(driver, position + 1, "flops")["flops"] == "4"
    assert complaints(driver) == []


#: where mermaid's built file lies (npm install mermaid: node_modules/mermaid/dist/mermaid.min.js)
MERMAID = os.environ.get("CNNSCOPE_MERMAID", "")


@pytest.mark.skipif(not MERMAID, reason="CNNSCOPE_MERMAID names no mermaid.min.js")
def test_mermaid_draws_it(driver: Chrome, tmp_path: Path, samples: Path) -> None:
    script = Path(MERMAID).resolve().as_uri()
    page = tmp_path / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><div id="at"></div><script src="{script}"></script>'
    )
    driver.get(page.as_uri())
    for model in (hostile(), functions(), nameless(), nested(), samples / "resnet50.onnx"):
        report = cnnscope.analyze(model)
        for depth in (None, 1, 2):
            text = cnnscope.export(report, "mermaid", depth=depth, color="flops")
            drawn = driver.execute_async_script(
                """const done = arguments[arguments.length - 1];
                mermaid.initialize({startOnLoad: false});
                mermaid.render('drawing', arguments[0]).then(({svg}) => {
                    document.getElementById('at').innerHTML = svg;
                    done([...document.querySelectorAll('#at .nodeLabel')].map(x => x.textContent));
                }, error => done(String(error)));""",
                text,
            )
            assert isinstance(drawn, list), drawn
            wanted = [plain(x) for x in re.findall(r'"((?:[\w ]|#\d+;|<br>)*)"', text)]
            assert sorted(drawn) == sorted(wanted)
    assert complaints(driver) == []


def plain(text: str) -> str:
    """A label without Mermaid's codes, as its HTML has it: lines without breaks."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br>", ""))
