"""Is anything written over that a command reads, or that is no file? However the place is spelt."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from commanded import run
from onnx import TensorProto, helper, numpy_helper

import cnnscope

PIXEL = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with its weights in a file beside it, an image, a configuration and a pipe."""
    weights = [
        numpy_helper.from_array(np.ones(shape, np.float32), f"w{i}")
        for i, shape in enumerate([(64, 8, 3, 3), (8, 64, 3, 3)])
    ]
    nodes = [
        helper.make_node(
            "Conv", [f"t{i}", f"w{i}"], [f"t{i + 1}"], pads=[1] * 4, strides=[1 + 3 * i] * 2
        )
        for i in range(2)
    ]
    ends = [
        helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 8, 32, 32]) for x in ("t0", "t2")
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(
        model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0
    )
    (tmp_path / "in.png").write_bytes(PIXEL)
    (tmp_path / "cnnscope.toml").write_text("[budgets]\nmacs = '1 G'\n")
    (tmp_path / "link.data").symlink_to("m.data")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "report m.onnx -o m.data", "report m.onnx -o ./link.data", "analyze m.onnx -o m.data",
        "export m.onnx --dot m.data", "export m.onnx --annotate m.data", "filters m.onnx -o m.data",
        "effective m.onnx -o m.data", "tile m.onnx --rewrite m.data --patches 2",
        "tile m.onnx --rewrite link.data --patches 2", "diff m.onnx m.onnx -o m.data",
        "report m.onnx --image in.png -o in.png", "report m.onnx --config cnnscope.toml -o cnnscope.toml",
        "export m.onnx --annotate pipe", "tile m.onnx --rewrite pipe --patches 2",
        "export m.onnx --dot new.dot --mermaid ./new.dot",
        "tile m.onnx --rewrite new.txt --patches 2 -o ./new.txt",
    ],
)  # fmt: skip
def test_what_is_read_stays(folder: Path, words: str) -> None:
    before = {x.name: x.read_bytes() for x in folder.iterdir() if x.is_file()}
    code, _, said = run(*words.split())
    assert code == 2
    assert said.count("\n") == 1
    assert "give" in said
    assert {x.name: x.read_bytes() for x in folder.iterdir() if x.is_file()} == before
    assert (folder / "pipe").is_fifo()


def test_nor_by_the_functions(folder: Path) -> None:
    data = (folder / "m.data").read_bytes()
    for output in ("m.data", "link.data"):
        with pytest.raises(cnnscope.ModelFileError, match="the model's data"):
            cnnscope.patchwise("m.onnx", output, patches=2)
    with pytest.raises(OSError, match="isn't a file"):
        cnnscope.patchwise("m.onnx", "pipe", patches=2)
    with pytest.raises(OSError, match="isn't a file"):
        cnnscope.annotate("m.onnx", "pipe")
    assert (folder / "m.data").read_bytes() == data
    assert (folder / "pipe").is_fifo()


@pytest.mark.usefixtures("folder")
def test_a_pipe_for_an_image_is_not_waited_for() -> None:
    code, _, said = run("report", "m.onnx", "--image", "pipe", "-o", "page.html")
    assert code == 2
    assert "this is a pipe" in said
