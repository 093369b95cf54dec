"""Words for tests of scans: models made small, a scan without child processes, what a journal says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx.parser
import pytest
from onnx import numpy_helper

from cnnscope.runtime.fleet import warm_readers, worker
from cnnscope.runtime.fleet.model_reader import ReaderSettings, _Reader

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g '
CONV = (
    "(float[1,3,8,8] x) => (float[1,64,6,6] y) <float[64,3,3,3] w> "
    "{{ z = Conv(x, w) y = {after}(z) }}"
)


def model(after: str = "Relu", weight: float = 0.0) -> bytes:
    """A convolution of 1728 weights, 36 * 1728 = 62208 multiply-accumulates, and an activation behind it."""
    import numpy as np

    made = onnx.parser.parse_model(HEAD + CONV.format(after=after))
    tensor = numpy_helper.from_array(np.full((64, 3, 3, 3), weight, np.float32), "w")
    del made.graph.initializer[:]
    made.graph.initializer.append(tensor)
    return made.SerializeToString()


def folder_of(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


class Here:
    """Reads models in this process, as a child does in its own."""

    def __init__(self, settings: ReaderSettings) -> None:
        self._reader = _Reader(settings.request)

    def open(self, place: str) -> Any:
        return self._reader.step(("open", place))

    def analyse(self) -> Any:
        return self._reader.step(("analyse", None))

    def reuse(self, row: bytes) -> Any:
        return self._reader.step(("reuse", row))

    def waited(self) -> None:
        """There is no time limit."""


def read_here(patch: pytest.MonkeyPatch) -> None:
    """No child is started: for what isn't about them."""

    @contextmanager
    def reader(settings: ReaderSettings, timeout: float | None) -> Iterator[Here]:
        yield Here(settings)

    patch.setattr(worker, "warm_reader", reader)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def journal_of(folder: Path) -> list[dict[str, Any]]:
    """All lines of all journals."""
    found = []
    for path in sorted(folder.glob("[0-9]*.jsonl*")):
        if "layers" not in path.name:
            found += [
                json.loads(x) for x in path.read_bytes().splitlines(True) if x.endswith(b"}\n")
            ]
    return found


def end_children() -> None:
    warm_readers.end_idle()
