"""A model with its figures noted in it: is every other byte as it was, and does ONNX Runtime run it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from amounts import amount
from export_models import convolutions, functions, hostile, nameless, nested
from onnx import helper

import cnnscope
from cnnscope.analyzer.model.annotating import annotated
from cnnscope.analyzer.model.file import open_model
from cnnscope.cli import main

CPU = ["CPUExecutionProvider"]
MODELS = {x.__name__: x for x in (convolutions, functions, hostile, nameless, nested)}


def all_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Each node of the file, found without ours: by onnx's own classes."""

    def inside(nodes: object) -> Iterator[onnx.NodeProto]:
        for node in nodes:  # type: ignore[attr-defined]
            yield node
            for attribute in node.attribute:
                for body in (attribute.g, *attribute.graphs):
                    yield from inside(body.node)

    yield from inside(model.graph.node)
    for function in model.functions:
        yield from inside(function.node)


def notes(x: onnx.NodeProto | onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in x.metadata_props}


def without_notes(model: onnx.ModelProto) -> bytes:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for x in (copy, *all_nodes(copy)):
        kept = [entry for entry in x.metadata_props if not entry.key.startswith("cnnscope.")]
        del x.metadata_props[:]
        x.metadata_props.extend(kept)
    return bytes(copy.SerializeToString(deterministic=True))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_all_else_is_as_it_was(model: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    made = model()
    made.graph.node[0].metadata_props.add(key="mine", value="kept")
    made.metadata_props.add(key="cnnscope.stale", value="goes")
    onnx.save(made, tmp_path / "m.onnx")
    cnnscope.annotate(tmp_path / "m.onnx", tmp_path / "noted.onnx")
    noted = onnx.load(tmp_path / "noted.onnx")
    assert without_notes(noted) == without_notes(made)
    assert notes(noted.graph.node[0])["mine"] == "kept"
    assert "cnnscope.stale" not in notes(noted)
    assert any(key.startswith("cnnscope.") for key in notes(noted))
    onnx.checker.check_model(noted, full_check=True)
    once = (tmp_path / "noted.onnx").read_bytes()
    cnnscope.annotate(tmp_path / "noted.onnx", tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == once


def test_runs_as_before(tmp_path: Path) -> None:
    onnx.save(convolutions(), tmp_path / "m.onnx")
    cnnscope.annotate(tmp_path / "m.onnx", tmp_path / "noted.onnx")
    x = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(tmp_path / name, providers=CPU).run(None, {"x": x})[0]
        for name in ("m.onnx", "noted.onnx")
    )
    assert np.array_equal(before, after)


def test_each_node_has_its_own_figures(tmp_path: Path) -> None:
    """By hand: 32 x 32 positions of 16 x 27 and of 8 x 16 products."""
    cnnscope.annotate(convolutions().SerializeToString(), tmp_path / "noted.onnx")
    noted = onnx.load(tmp_path / "noted.onnx")
    found = [notes(node) for node in noted.graph.node]
    assert [x["cnnscope.macs"] for x in found] == [str(1024 * 432), "0", str(1024 * 128)]
    assert [x["cnnscope.params"] for x in found] == ["432", "0", "128"]
    assert [x["cnnscope.receptive_field"] for x in found] == ["3x3"] * 3
    assert notes(noted)["cnnscope.macs"] == str(1024 * 560)
    assert notes(noted)["cnnscope.input:x"] == "1x3x32x32"


def test_functions_and_subgraphs(tmp_path: Path) -> None:
    """192 elements: a Sigmoid and a Relu are 192 FLOPs each, a call what its nodes are."""
    cnnscope.annotate(functions().SerializeToString(), tmp_path / "noted.onnx")
    noted = onnx.load(tmp_path / "noted.onnx")
    found = {x.name: notes(x) for x in all_nodes(noted)}
    flops = {name: x["cnnscope.flops"] for name, x in found.items()}
    assert flops == {
        "a": "384", "b": "384", "i": "192", "r": "192", "q": "192", "o": "192", "p": "192", "s": "192",
    }  # fmt: skip
    calls = {name: x["cnnscope.calls"] for name, x in found.items() if "cnnscope.calls" in x}
    assert calls == {"o": "2", "p": "2", "s": "5"}


def test_what_differs_between_calls_is_not_said(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 17, "f": 1]>
    g (float[1,4] x, float[1,9] w) => (float[1,4] y, float[1,9] z) { y = f.once(x)  z = f.once(w) }
    <domain: "f", opset_import: ["": 17]> once (x) => (y) { [s] y = Sigmoid(x) }"""
    model = onnx.parser.parse_model(text)
    cnnscope.annotate(model.SerializeToString(), tmp_path / "noted.onnx")
    noted = onnx.load(tmp_path / "noted.onnx")
    (inner,) = noted.functions[0].node
    assert "cnnscope.flops" not in notes(inner)
    assert notes(inner)["cnnscope.calls"] == "2"
    assert [notes(x)["cnnscope.flops"] for x in noted.graph.node] == ["4", "9"]


def test_a_call_counts_what_is_in_its_branches_once(tmp_path: Path) -> None:
    """A branch of 4 FLOPs, in an If that has them already, in a call; and a call within a branch."""
    text = """<ir_version: 8, opset_import: ["": 17, "f": 1]>
    g (float[1,4] x, bool c) => (float[1,4] y) { [call] y = f.branchy(x, c) }
    <domain: "f", opset_import: ["": 17, "f": 1]> branchy (x, c) => (y) {
      [i] y = If (c) <
        then_branch = t () => (float[1,4] u) { [r] u = Relu(x) },
        else_branch = e () => (float[1,4] w) { [q] w = f.once(x) }
      >
    }
    <domain: "f", opset_import: ["": 17]> once (x) => (y) { [s] y = Sigmoid(x) }"""
    cnnscope.annotate(onnx.parser.parse_model(text).SerializeToString(), tmp_path / "noted.onnx")
    found = {x.name: notes(x) for x in all_nodes(onnx.load(tmp_path / "noted.onnx"))}
    assert {name: x["cnnscope.flops"] for name, x in found.items()} == dict.fromkeys(
        ("call", "i", "r", "q", "s"), "4"
    )


def test_every_ir_version_takes_it(tmp_path: Path) -> None:
    for version in range(3, onnx.IR_VERSION + 1):
        model = convolutions()
        model.ir_version = version
        if version < 4:  # then every initializer had to be an input
            model.graph.input.extend(
                helper.make_tensor_value_info(x.name, x.data_type, x.dims)
                for x in model.graph.initializer
            )
        cnnscope.annotate(model.SerializeToString(), tmp_path / "noted.onnx")
        onnx.checker.check_model(tmp_path / "noted.onnx")


def test_a_message_in_parts(tmp_path: Path) -> None:
    """A graph may be written in several parts, which a reader joins: positions go on counting."""
    whole = convolutions()
    first, second = onnx.ModelProto(), onnx.ModelProto()
    first.CopyFrom(whole)
    del first.graph.node[1:]
    second.graph.node.extend(whole.graph.node[1:])
    data = first.SerializeToString() + second.SerializeToString()
    assert onnx.load_from_string(data) == whole
    cnnscope.annotate(data, tmp_path / "noted.onnx")
    noted = onnx.load(tmp_path / "noted.onnx")
    assert [notes(x)["cnnscope.params"] for x in noted.graph.node] == ["432", "0", "128"]
    assert without_notes(noted) == without_notes(whole)


def sparse_file(path: Path, nbytes: int) -> None:
    """A model whose one weight is a hole of so many bytes, written without making it."""
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[nbytes // 4])
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[N] y) { [add] y = Add(x, w) }'
    )
    head = model.SerializeToString()

    def length(n: int) -> bytes:
        digits = bytearray()
        while n > 127:
            digits.append(n & 127 | 128)
            n >>= 7
        return bytes([*digits, n])

    before = weight.SerializeToString() + b"\x4a" + length(nbytes)  # raw_data is field 9
    tensor = b"\x2a" + length(len(before) + nbytes) + before  # initializer is field 5
    graph = b"\x3a" + length(len(tensor) + nbytes) + tensor  # graph is field 7: a second part
    with path.open("wb") as file:
        file.write(head + graph)
        file.truncate(len(head) + len(graph) + nbytes)


def test_weights_are_streamed(tmp_path: Path) -> None:
    """No piece is large, however large the weights are; in full, above 2 GB."""
    nbytes = amount(64, 2304) << 20
    sparse_file(tmp_path / "m.onnx", nbytes)
    file = open_model(tmp_path / "m.onnx")
    pieces = annotated(file, {}, {((), 0): {"cnnscope.macs": "0"}}, "cnnscope.")
    sizes = [len(piece) for piece in pieces]
    assert sum(sizes) > (tmp_path / "m.onnx").stat().st_size > nbytes
    assert max(sizes) <= 4 << 20


@pytest.mark.parametrize("folder", ["", "elsewhere"])
def test_external_data(folder: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    onnx.save(
        convolutions(), tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0
    )  # fmt: skip
    out = tmp_path / folder / "noted.onnx"
    with pytest.raises(SystemExit) as left:
        main(["export", str(tmp_path / "m.onnx"), "--annotate", str(out)])
    said = capfd.readouterr().err
    if folder:
        assert left.value.code == 2
        assert "its weights lie in files beside it" in said
        assert not out.exists()
    else:
        assert left.value.code == 0
        onnx.checker.check_model(out)
        onnxruntime.InferenceSession(out, providers=CPU)


def test_what_is_refused(tmp_path: Path) -> None:
    onnx.save(
        convolutions(), tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0
    )  # fmt: skip
    before = {x.name: x.read_bytes() for x in tmp_path.iterdir()}
    (tmp_path / "link.onnx").symlink_to(tmp_path / "m.onnx")
    for name, said in [
        ("m.onnx", "the model itself"),
        ("link.onnx", "itself"),
        ("m.data", "the model's data"),
    ]:
        with pytest.raises(cnnscope.ModelFileError, match=said):
            cnnscope.annotate(tmp_path / "m.onnx", tmp_path / name)
    with pytest.raises(cnnscope.ModelFileError, match="binary form"):
        cnnscope.annotate(convolutions(), tmp_path / "noted.onnx")
    assert {x.name: x.read_bytes() for x in tmp_path.iterdir() if not x.is_symlink()} == before


def test_notes_taken_out_again_leave_the_file(tmp_path: Path, samples: Path) -> None:
    """Of each sample, byte for byte."""
    for model in sorted(samples.glob("*.onnx"))[: amount(6, 100)]:
        cnnscope.annotate(model, tmp_path / "noted.onnx")
        bare = b"".join(annotated(open_model(tmp_path / "noted.onnx"), {}, {}, "cnnscope."))
        assert bare == model.read_bytes()
        assert len(bare) < (tmp_path / "noted.onnx").stat().st_size
