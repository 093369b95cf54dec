"""The notebook in docs/ runs, and every answer in it shows itself."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from amounts import amount

ROOT = Path(__file__).resolve().parent.parent


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    monkeypatch.chdir(ROOT / "docs")
    cells = json.loads(Path("notebook.ipynb").read_text("utf-8"))["cells"]
    cells = cells[
        : amount(-1, len(cells))
    ]  # the last one measures the machine, which takes seconds
    there: dict[str, object] = {}
    shown = set()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        assert not cell["outputs"], "kept without what it once gave"
        *before, last = ast.parse("".join(cell["source"])).body
        assert isinstance(last, ast.Expr)
        exec(compile(ast.Module(before, []), "notebook", "exec"), there)  # our own
        value = eval(compile(ast.Expression(last.value), "notebook", "eval"), there)  # our own
        if type(value).__name__ == "Axes":
            assert value.get_title() == "Receptive field by layer: mobilenet_v2.onnx"
            pyplot.close(value.figure)
        elif hasattr(value, "_repr_html_"):
            assert (
                "<iframe" if type(value).__name__ == "Page" else "<table"
            ) in value._repr_html_()
        else:
            assert value == (True, there["again"])
        shown.add(type(value).__name__)
    assert shown >= {
        "Report", "Groups", "Layer", "Chosen", "Explanation", "DataFrame", "Comparison", "Difference",
        "ConventionFigures", "ConventionTotals", "Check", "Verdict", "Findings", "Verification",
        "Axes", "Page",
    }  # fmt: skip
