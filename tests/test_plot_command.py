"""`cnnscope plot`: files that parse and are the same twice, names as they are, a line for what is wrong."""

from __future__ import annotations

import io
import runpy
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.parser
import pytest

import cnnscope
from cnnscope.cli import main

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib isn't installed")

ROOT = Path(__file__).resolve().parent.parent
EDGES = str(ROOT / "tests" / "data" / "edges.onnx")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(["plot", *words])
        assert isinstance(left.value.code, int)
        return left.value.code, capsys.readouterr().err

    return call


KINDS = [
    ("effective", "--layer", "0"), ("roofline", "--ceilings", "10TFLOPS,900GB/s"),
    ("cost", "--by", "kind", "--metric", "params"),
]  # fmt: skip


@pytest.mark.parametrize("words", KINDS, ids=lambda x: f"{x[0]}-{len(x)}")
def test_svg_parses_and_is_the_same_twice(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    kind, *rest = words
    for name in ("a.svg", "b.svg"):
        assert run(EDGES, *rest, "--kind", kind, "-o", str(tmp_path / name)) == (0, "")
    one, other = (tmp_path / "a.svg").read_bytes(), (tmp_path / "b.svg").read_bytes()
    assert one == other
    assert ET.fromstring(one).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"dc:date" not in one


@pytest.mark.parametrize(
    ("suffix", "begins"), [(".png", b"\x89PNG"), (".PDF", b"%PDF-"), (".svg", b"<?xml")]
)
def test_the_suffix_says_the_form(suffix: str, begins: bytes, run: Run, tmp_path: Path) -> None:
    file = tmp_path / f"figure{suffix}"
    assert run(EDGES, "-o", str(file)) == (0, "")
    assert file.read_bytes().startswith(begins)


WRONG = [
    (["--kind", "feild"], "there is no figure 'feild'; did you mean field?"),
    (["-o", "figure.jpg"], "figure.jpg: a figure is written as .svg, .png or .pdf"),
    (["-o", "figure"], "figure: a figure is written as .svg, .png or .pdf"),
    (["--kind", "region"], "--kind region needs --layer: a name, a path or an index"),
    (["--kind", "region", "--layer", "nowhere"], f"{EDGES}: no layer or tensor 'nowhere'"),
    (["--kind", "region", "--layer", "0", "--unit", "99,0"], f"{EDGES}: index 99 is outside"),
    (["--kind", "field", "--metric", "macs"], "--metric goes with --kind cost, sizes"),
    (["--layer", "0"], "--layer goes with --kind region, effective, filters"),
    (["--metric", "colour"], f"{EDGES}: there is no metric 'colour'"),
    (["--kind", "roofline"], f"{EDGES}: a roofline needs a profile, or ceilings"),
    (["--kind", "region", "--layer", "0", "--image", "no.png"], f"{EDGES}: image no.png: can't be read"),
    (["--kind", "filters", "--layer", "conv1", "--channel", "7"], f"{EDGES}: "),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"), WRONG, ids=lambda x: " ".join(x) if isinstance(x, list) else ""
)
def test_what_is_wrong_is_one_line(
    words: list[str], said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, err = run(EDGES, *words)
    assert code == 2
    assert err.startswith(f"cnnscope: {said}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


HOSTILE = ["$\\frac{1}{$x$", "<script>&", "_hidden", "a\nb\x1b[31m", "$x^2$", "漢字", "%d{0}\\"]


def hostile_model() -> onnx.ModelProto:
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,8,8] x) => (float[1,1,8,8] y) {'
    for i in range(len(HOSTILE)):
        pool = "AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>"
        text += f" t{i} = {pool}({'x' if not i else f't{i - 1}'})"
    model = onnx.parser.parse_model(f"{text} y = Relu(t{len(HOSTILE) - 1}) }}")
    for node, name in zip(model.graph.node, HOSTILE, strict=False):
        node.name = name
        old, node.output[0] = node.output[0], f"out {name}"
        for other in model.graph.node:
            for i, source in enumerate(other.input):
                if source == old:
                    other.input[i] = node.output[0]
    return model


def test_names_are_drawn_as_they_are() -> None:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    report = cnnscope.analyze(hostile_model())
    figure = Figure(figsize=(12, 12))
    above, below = figure.subplots(2)
    report.plot.cost("flops", by="block", ax=above)
    report.plot.memory(ax=below)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the font lacks some letters
        figure.savefig(io.BytesIO(), format="svg")
    texts = figure.findobj(Text)
    shown = {x.get_text() for x in texts}
    escaped = "a\\nb\\x1b[31m"
    assert {"$\\frac{1}{$x$", "<script>&", "_hidden", "$x^2$", "%d{0}\\", escaped} <= shown
    assert "out $\\frac{1}{$x$" in shown  # in the legend, too
    assert not any(x.get_parse_math() for x in texts if "$" in x.get_text())


def test_files_of_models_with_such_names(run: Run, tmp_path: Path) -> None:
    model, file = tmp_path / "m$x^$.onnx", tmp_path / "figure.svg"
    onnx.save(hostile_model(), model)
    for kind in (["memory"], ["region", "--layer", HOSTILE[0]]):
        assert run(str(model), "--kind", *kind, "-o", str(file)) == (0, "")
        ET.fromstring(file.read_bytes())


def test_matplotlib_is_loaded_for_a_figure_alone_and_missed_in_one_line(tmp_path: Path) -> None:
    code = f"""
import sys, cnnscope
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
plots = cnnscope.analyze({EDGES!r}).plot
assert len(plots.data("field"))
try:
    plots.field()
except ImportError as error:
    print(error)
from cnnscope.cli import main
main(["plot", {EDGES!r}, "-o", "figure.svg"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    said = "figures need matplotlib, which can't be imported: pip install 'cnnscope[plot]'"
    assert done.stdout == f"{said}\n"
    assert (done.returncode, done.stderr) == (2, f"cnnscope: {said}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_leaves_no_figure_behind(run: Run, tmp_path: Path) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    run(EDGES, "-o", str(tmp_path / "a.svg"))
    assert pyplot.get_fignums() == before


def test_the_pictures_in_docs_are_what_their_script_draws(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "pictures" / "figures.py"))
    page = (ROOT / "docs" / "figures.md").read_text("utf-8")
    for name in script["PICTURES"]:
        kept = ROOT / "docs" / "pictures" / f"{name}.svg"
        assert f"(pictures/{name}.svg)" in page
        drawn = script["draw"](name, tmp_path).read_bytes()
        ET.fromstring(drawn)
        # matplotlib's versions place things otherwise, and each file says its own.
        if f"Matplotlib v{matplotlib.__version__}," in kept.read_text("utf-8"):
            assert drawn == kept.read_bytes(), f"run docs/pictures/figures.py: {name} has changed"
