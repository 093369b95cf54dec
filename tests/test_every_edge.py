"""A field that ends exactly where what was asked for ends: at every byte, wherever a model comes from.

The model is small and its payloads count as large from 16 bytes on, so every edge is tried in every run.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Coroutine, Sequence
from functools import cache

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.model import fetching, http_ranges, streamed, zip_members
from cnnscope.analyzer.model import file as model_file
from cnnscope.analyzer.model.byte_ranges import ByteRanges, BytesAtHand
from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.http_ranges import HttpRanges
from cnnscope.analyzer.model.remote import Remote
from cnnscope.analyzer.model.streamed import Streamed
from cnnscope.analyzer.model.zip_members import ZipMember

Open = Callable[[bytes, int], ByteRanges]


def model_bytes() -> bytes:
    """Payloads in initializers, in a node's attribute and in a subgraph, each beside what isn't one."""
    weights = [numpy_helper.from_array(np.arange(n, dtype=np.float32), f"w{n}") for n in (5, 2, 40)]
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=weights[0])],
        "then", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [5])],
    )  # fmt: skip
    nodes = [
        helper.make_node("If", ["b"], ["i"], then_branch=inner, else_branch=inner),
        helper.make_node("Add", ["i", "w5"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("b", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [5])], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.metadata_props.add(key="k", value="v")
    return model.SerializeToString()


DATA = model_bytes()


class AtHand(BytesAtHand):
    """Bytes as they come from afar: another class, so that they are asked for in parts."""

    def __init__(self, data: bytes, at_once: bool) -> None:
        super().__init__(data)
        self.at_once = at_once


class Asked:
    """What stands for a session: whatever part is asked for comes."""

    def run(self, doing: Coroutine[object, object, list[bytes]]) -> list[bytes]:
        try:
            doing.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        raise AssertionError("it waits for something")


class Parts(HttpRanges):
    """HTTP's, but for the network: how answers are joined and cut is theirs."""

    def __init__(self, data: bytes, first: int) -> None:
        super().__init__(Asked(), len(data), {}, data[:first])  # type: ignore[arg-type]
        self.data = data

    async def _ask(self, stretches: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.data[start:stop] for start, stop in stretches]


@cache
def archive(how: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as file:
        file.writestr("m.onnx", DATA)
    return made.getvalue()


KINDS: dict[str, Open] = {
    "one at a time": lambda data, _: AtHand(data, at_once=False),
    "several at once": lambda data, _: AtHand(data, at_once=True),
    "of a web server": Parts,
    "from front to back": lambda data, _: Streamed(lambda: io.BytesIO(data), len(data), "so"),
    "stored in an archive": lambda *_: ZipMember(
        BytesAtHand(archive(zipfile.ZIP_STORED)), "m.onnx"
    ),
    "compressed in an archive": lambda *_: ZipMember(
        BytesAtHand(archive(zipfile.ZIP_DEFLATED)), "m.onnx"
    ),
}


def said(opened: ModelFile) -> tuple[bytes, list[bytes]]:
    numbers = [opened.read(t).tobytes() for t in opened.model.graph.initializer]
    return opened.model.SerializeToString(deterministic=True), numbers


@pytest.mark.parametrize("kind", KINDS)
def test_every_edge(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "THRESHOLD", 16)
    its = onnx.load_from_string(DATA)
    numbers = [numpy_helper.to_array(t).tobytes() for t in its.graph.initializer]
    source: list[ByteRanges] = [BytesAtHand(DATA)]
    monkeypatch.setattr(Remote, "ranges", lambda _: source[-1])
    expected, read = said(open_model(Remote("memory://m.onnx")))
    assert read == numbers
    ways = [(1, 0), (3, 2), (40, 0)]
    for first in range(1, len(DATA) + 2):
        for header, near in [*ways, *ways][first % 3 :][: amount(1, 3)]:
            for name, value in (("FIRST", first), ("HEADER", header), ("NEAR", near)):
                monkeypatch.setattr(fetching, name, value)
            monkeypatch.setattr(http_ranges, "NEAR", near)
            monkeypatch.setattr(streamed, "CHUNK", first)
            monkeypatch.setattr(zip_members, "_BLOCK", first + 7)
            source.append(KINDS[kind](DATA, first))
            assert said(open_model(Remote("memory://m.onnx"))) == (expected, numbers), (
                first,
                header,
            )
    assert len(source) == amount(1, 3) * (len(DATA) + 1) + 1
