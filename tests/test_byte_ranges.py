"""What is asked of a file object? Ranges, few of them, never the whole; the answers are those of the file."""

from __future__ import annotations

import io
import itertools
import mmap
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from hollow_models import Hollow, HollowFile, pieces
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.model import fetching, stored_rows
from cnnscope.analyzer.model.byte_ranges import BytesAtHand
from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.values.diagnostics import ModelFileError


class Seeking:
    """What has `read`, `seek` and `tell` and nothing else; it counts what it is asked for."""

    def __init__(self, data: bytes, at: int = 0, most: int = 1 << 60) -> None:
        self.data, self.at, self.most = data, at, most
        self.asked: list[list[tuple[int, int]]] = []

    def seek(self, offset: int, whence: int = 0) -> None:
        self.at = offset + (0, self.at, len(self.data))[whence]

    def tell(self) -> int:
        return self.at

    def read(self, length: int = -1) -> bytes:
        assert length >= 0, "read whole"
        part = self.data[self.at : self.at + min(length, self.most)]
        self.asked.append([(self.at, len(part))])
        self.at += len(part)
        return part

    @property
    def bytes(self) -> int:
        return sum(length for each in self.asked for _, length in each)


class AtOnce(Seeking):
    """What can be asked for several ranges at once."""

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.asked.append(list(ranges))
        return [self.data[at : at + length] for at, length in ranges]


class OfFileSystem(Seeking):
    """As fsspec's: a file that knows its file system and its path there."""

    path = "bucket/m.onnx"

    @property
    def fs(self) -> OfFileSystem:
        return self

    def cat_ranges(self, paths, starts, ends, max_gap=None, batch_size=None, on_error="return"):
        assert set(paths) == {self.path}
        self.asked.append([(a, b - a) for a, b in zip(starts, ends, strict=True)])
        return [self.data[a:b] for a, b in zip(starts, ends, strict=True)]


KINDS: tuple[type[Seeking], ...] = (Seeking, AtOnce, OfFileSystem)


def weight(name: str, *dims: int) -> TensorProto:
    return numpy_helper.from_array(np.arange(np.prod(dims), dtype=np.float32).reshape(dims), name)


def small(tail: int = 0) -> bytes:
    """Large tensors in every place that can hold one, with small ones and texts between them."""
    constant = helper.make_node("Constant", [], ["c"], value=weight("c", 1100))
    body = helper.make_graph(
        [constant, helper.make_node("Relu", ["c"], ["r"])],
        "then", [], [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
    )  # fmt: skip
    branch = helper.make_node("If", ["b"], ["i"], then_branch=body, else_branch=body)
    many = onnx.AttributeProto(name="many", type=onnx.AttributeProto.TENSORS)
    many.tensors.extend([weight("a", 1030), weight("b", 2)])
    other = onnx.NodeProto(op_type="Other", domain="d", output=["m"], attribute=[many])
    reshape = helper.make_node("Reshape", ["w", "to"], ["y"])
    graph = helper.make_graph(
        [reshape, branch, other], "g",
        [helper.make_tensor_value_info("b", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weight("w", 1200), weight("v", 7), numpy_helper.from_array(np.array([30, 40]), "to"),
         weight("u", 1025)],
        doc_string="d" * 300,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.opset_import.add(domain="d", version=1)
    model.metadata_props.add(key="k", value="v" * tail)
    return model.SerializeToString()


def outcome(source: object) -> object:
    """All that opening tells, stored numbers too; or the words in which it is refused."""
    try:
        opened = open_model(source)
    except ModelFileError as error:
        return str(error)
    numbers = [stored(opened, t) for t in opened.model.graph.initializer]
    said = opened.model.SerializeToString(deterministic=True)
    return said, numbers, opened.weights, opened.missing, opened.file_bytes


def stored(opened: ModelFile, tensor: TensorProto) -> bytes | str:
    try:
        return opened.read(tensor).tobytes()
    except ModelFileError as error:
        return str(error)


def windows(monkeypatch: pytest.MonkeyPatch, first: int, header: int, near: int) -> None:
    for name, value in {
        "FIRST": first,
        "HEADER": header,
        "NEAR": near,
        "LARGEST": 4 * first,
    }.items():
        monkeypatch.setattr(fetching, name, value)


# The same as at hand


@pytest.mark.parametrize("kind", KINDS)
def test_every_edge_of_a_window(kind: type[Seeking], monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that ends where a window ends, one byte before it and one behind it, for every field."""
    data = small()
    whole = outcome(data)
    steps = amount(15, len(data))
    for first in {
        *range(1, amount(25, 40)),
        *random.Random(1).sample(range(1, len(data) + 2), steps),
    }:
        windows(monkeypatch, first, 1 + first % 7, first % 3)
        assert outcome(kind(data)) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_every_header_behind_a_payload(
    kind: type[Seeking], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small(tail=5000)
    whole = outcome(data)
    for header in range(1, amount(40, 700)):
        windows(monkeypatch, 16, header, 0)
        assert outcome(kind(data)) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_cut_anywhere(kind: type[Seeking], monkeypatch: pytest.MonkeyPatch) -> None:
    data = small()
    dice = random.Random(2)
    for end in dice.sample(range(len(data)), amount(200, len(data))):
        windows(monkeypatch, 1 + end % 97, 1 + end % 11, 0)
        assert outcome(kind(data[:end])) == outcome(data[:end])


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits(kind: type[Seeking], monkeypatch: pytest.MonkeyPatch) -> None:
    data = small()
    dice = random.Random(3)
    windows(monkeypatch, 50, 9, 3)
    for _ in range(amount(50, 5000)):
        flipped = bytearray(data)
        for _ in range(dice.choice([1, 1, 2, 9])):
            flipped[dice.choice([dice.randrange(len(data)), dice.randrange(400)])] ^= (
                1 << dice.randrange(8)
            )
        assert outcome(kind(bytes(flipped))) == outcome(bytes(flipped))


def row(count: int) -> bytes:
    """Layers of doubling width, alike but for that: guesses have something to go by."""
    nodes, stored, width = [], [], 24
    for i in range(count):
        wider = width * (2 if i % 3 == 2 else 1)
        stored += [weight(f"l{i}.weight", wider, width, 1, 3), weight(f"l{i}.bias", wider)]
        nodes.append(
            helper.make_node("Conv", [f"x{i}", f"l{i}.weight", f"l{i}.bias"], [f"x{i + 1}"],
                             f"/l{i}/Conv", kernel_shape=[1, 3], pads=[0, 1, 0, 1])
        )  # fmt: skip
        width = wider
    shape = [1, 24, 4, 4]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"x{count}", TensorProto.FLOAT, None)], stored,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def test_guesses_are_never_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Damaged headers lead them astray, the answers and the refusals stay those of the whole."""
    data = row(8)
    dice = random.Random(4)
    windows(monkeypatch, 1 << 10, 60, 16)
    assert outcome(AtOnce(data)) == outcome(data)
    heads = [i for i in range(len(data) - 8) if data[i : i + 3] == b"\x10\x01B"]
    for _ in range(amount(15, 3000)):
        flipped = bytearray(data)
        for _ in range(dice.choice([1, 2, 9])):
            at = dice.choice([dice.choice(heads) + dice.randrange(-14, 20), dice.randrange(2000)])
            flipped[max(at, 0)] ^= 1 << dice.randrange(8)
        assert outcome(AtOnce(bytes(flipped))) == outcome(bytes(flipped))


def test_guesses_that_fail_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object, data: object) -> list[tuple[int, int]]:
        raise IndexError("nothing to go by")

    data = row(8)
    monkeypatch.setattr("cnnscope.analyzer.model.guessing.Guesser.places", failing)
    windows(monkeypatch, 1 << 10, 60, 16)
    assert outcome(AtOnce(data)) == outcome(data)


HOSTILE: dict[str, bytes] = {
    "a length beyond all files": b"\x3a" + b"\xff" * 9 + b"\x01",
    "a length of 2 GB": b"\x3a\xff\xff\xff\xff\x07" + bytes(9000),
    "a negative length": b"\x3a\x04\x0a" + b"\xff" * 9 + b"\x01",
    "a number without end": b"\x08" + b"\xff" * 12,
    "a field 0": b"\x02\x05" * 50,
    "another thing's head": b"PK\x03\x04" + bytes(3000),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_refused_in_the_same_words(kind: type[Seeking], name: str) -> None:
    assert isinstance(outcome(HOSTILE[name]), str)
    assert outcome(kind(HOSTILE[name])) == outcome(HOSTILE[name])


def test_nested_too_deeply() -> None:
    parts, size = [bytes(9000)], 9000
    for _ in range(400):
        for key in (
            b"\x32",
            b"\x2a",
            b"\x0a",
        ):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            parts.append(key + varint(size))
            size += len(parts[-1])
    data = b"".join(reversed([*parts, b"\x3a" + varint(size)]))
    assert "nested too deeply" in str(outcome(data))
    assert outcome(Seeking(data)) == outcome(data)


def varint(value: int) -> bytes:
    digits = []
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


# Files of any kind


def test_from_where_a_file_stands_which_it_keeps() -> None:
    data = small()
    for kind in KINDS:
        file = kind(b"before" + data, at=6)
        assert outcome(file) == outcome(data)
        assert file.tell() == 6


def test_a_file_that_gives_less_than_asked_for() -> None:
    data = small()
    assert outcome(Seeking(data, most=7)) == outcome(data)


def test_a_file_that_becomes_shorter() -> None:
    file = Seeking(small(tail=9000))
    opened = open_model(file)
    file.data = file.data[:2000]
    with pytest.raises(ModelFileError, match="shorter"):
        opened.read(opened.model.graph.initializer[0])


def test_a_file_that_was_closed() -> None:
    class Other(io.BytesIO):
        pass

    with Other(small()) as file:
        report = cnnscope.analyze(file)
        opened = open_model(file)
    assert report.to_dict()
    with pytest.raises(ModelFileError, match="can't be read"):
        opened.read(opened.model.graph.initializer[0])


BUFFERS: dict[str, Callable[[bytes], object]] = {
    "bytearray": bytearray,
    "memoryview": memoryview,
    "a view of a bytearray": lambda data: memoryview(bytearray(data)),
    "every second byte": lambda data: memoryview(np.repeat(np.frombuffer(data, np.uint8), 2))[::2],
    "a view of numbers": lambda data: memoryview(np.frombuffer(data, np.int8)),
    "BytesIO": io.BytesIO,
    "a reader of BytesIO": lambda data: io.BufferedReader(io.BytesIO(data)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BUFFERS)
def test_buffers(name: str) -> None:
    data = small()
    assert outcome(BUFFERS[name](data)) == outcome(data)


def test_a_buffer_stays_its_owners(tmp_path: Path) -> None:
    """It can be resized and closed while there is a report of it."""
    data = small()
    array = bytearray(data)
    report = cnnscope.analyze(array)  # type: ignore[arg-type]
    array.clear()
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        other = cnnscope.analyze(mapped)  # type: ignore[arg-type]
        assert outcome(mapped) == outcome(data)
    stream = io.BytesIO(data)
    third = cnnscope.analyze(stream)
    stream.close()
    fields = {str(x.to_dict()["totals"]) for x in (report, other, third)}
    assert len(fields) == 1


def test_a_pickle_takes_the_bytes_along() -> None:
    data = small()
    for source in (Seeking(data), AtOnce(data), bytearray(data), io.BytesIO(data)):
        opened = pickle.loads(pickle.dumps(open_model(source)))  # type: ignore[arg-type]
        assert len(opened.read(opened.model.graph.initializer[0])) == 1200


def test_open_as_text(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(small())
    for file in (path.open(encoding="utf-8"), io.StringIO("text")):
        with file, pytest.raises(ModelFileError, match="'rb'"):
            open_model(file)  # type: ignore[arg-type]


# How few

#: of each model: how often something was waited for, and megabytes. The issue's goals are 6 and 0.5 for
#: a VGG, 12 and 1 for ResNet-50, 30 and 3 for DenseNet-121.
FEW = {
    "vgg16.onnx": (6, 0.3),
    "resnet50.onnx": (12, 1.0),
    "densenet121.onnx": (20, 2.0),
    "unet.onnx": (9, 0.5),
    "mobilenet_v2.onnx": (20, 1.0),
}


@pytest.mark.parametrize("name", FEW)
def test_few_requests_hang_on_each_other(name: str, samples: Path) -> None:
    source = Hollow(pieces(samples / name))
    file = open_model(source)  # type: ignore[arg-type]
    assert source.rounds <= FEW[name][0]
    assert source.bytes <= FEW[name][1] * 1e6
    true = onnx.load(samples / name, load_external_data=False)
    for mine, its in zip(file.model.graph.initializer, true.graph.initializer, strict=True):
        assert (mine.name, mine.dims) == (its.name, its.dims)
    assert file.model.graph.node == true.graph.node


def test_what_ends_a_tensor_is_not_waited_for(samples: Path) -> None:
    """Where its data lies, behind its numbers: so `onnx.load` leaves what was stored elsewhere."""
    given = TensorProto(data_location=TensorProto.DEFAULT).SerializeToString()
    assert len(given) == 2
    source = Hollow(pieces(samples / "resnet50.onnx", tail=given))
    open_model(source)  # type: ignore[arg-type]
    assert source.rounds <= FEW["resnet50.onnx"][0]
    assert source.bytes <= FEW["resnet50.onnx"][1] * 1e6


@pytest.mark.parametrize(("name", "rounds"), [("vgg16.onnx", 12), ("resnet50.onnx", 22)])
def test_weights_before_the_nodes(name: str, rounds: int, samples: Path) -> None:
    """What reads a tensor isn't known then; its neighbours are."""
    source = Hollow(pieces(samples / name, weights_first=True))
    file = open_model(source)  # type: ignore[arg-type]
    assert file.model.graph.node == onnx.load(samples / name, load_external_data=False).graph.node
    assert source.rounds <= rounds
    assert source.bytes <= 1.1e6


def test_one_after_another_where_several_at_once_cost_more(samples: Path) -> None:
    """Without `read_many` each payload is stepped over: one read for each, and nothing on a guess."""
    source = HollowFile(pieces(samples / "resnet50.onnx"))
    file = open_model(source)  # type: ignore[arg-type]
    large = sum(1 for t in file.model.graph.initializer if t.external_data)
    assert source.ranges <= large + 3
    assert source.bytes < 1e6


def test_external_weights_take_few_requests(samples: Path) -> None:
    """The graph is all there is; windows double while it is read on."""
    data = (samples / "densenet121.onnx").read_bytes()
    for kind in KINDS:
        file = kind(data)
        open_model(file)  # type: ignore[arg-type]
        assert len(file.asked) <= 3
        assert file.bytes == len(data)


def test_what_sizes_hang_on_is_read_with_the_rest(samples: Path) -> None:
    """A second look is for the stored numbers alone: analysing asks for nothing more than opening."""
    made = pieces(samples / "mobilenet_v2.onnx")
    opened, analysed = Hollow(made), Hollow(made)
    open_model(opened)  # type: ignore[arg-type]
    report = cnnscope.analyze(analysed)  # type: ignore[arg-type]
    assert analysed.rounds == opened.rounds
    assert report.totals.params.value == 3_504_872


class Lying(AtOnce):
    """Which gives something else than was asked for, or says that it is longer than anything."""

    def __init__(self, data: bytes, gives: Callable[[list[bytes]], Any], end: int = 0) -> None:
        super().__init__(data)
        self.gives, self.end = gives, end

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        found: list[bytes] = self.gives(super().read_many(ranges))
        return found

    def seek(self, offset: int, whence: int = 0) -> None:
        super().seek(offset, whence)
        self.at = self.end if whence == 2 and self.end else self.at


def refuses(parts: list[bytes]) -> list[bytes]:
    raise RuntimeError("the connection\nis gone")


@pytest.mark.parametrize(
    ("gives", "end", "said"),
    [
        (lambda parts: parts[:-1], 0, "ranges at once, it gave"),
        (lambda parts: [*parts, b""], 0, "ranges at once, it gave"),
        (lambda parts: itertools.repeat(b"x"), 0, "ranges at once, it gave"),
        (lambda parts: [part[:-1] for part in parts], 0, "has become shorter"),
        (lambda parts: None, 0, "can't be read"),
        (lambda parts: dict.fromkeys(parts)[b""], 0, "can't be read"),
        (refuses, 0, "can't be read: the connection is gone"),
        (lambda parts: parts, 1 << 63, "ends at byte 9223372036854775808"),
        (lambda parts: parts, 1 << 70, "ends at byte 1180591620717411303424"),
    ],
)
def test_files_that_lie_are_told_in_a_line(gives: Any, end: int, said: str) -> None:
    data = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1] x) => (float[1] y) { y = Relu(x) }'
    ).SerializeToString()
    with pytest.raises(ModelFileError) as error:
        cnnscope.analyze(Lying(data, gives, end))  # type: ignore[arg-type]  # on purpose
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_declared_is_looked_for_in_so_many_fields_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = bytes([stored_rows.field_key("GraphProto", "value_info"), 0])
    data = row * (2 * stored_rows._FIELDS)
    fetched = fetching.Fetched(BytesAtHand(data))
    fetched.fetch([(0, len(data))])
    rows = stored_rows.Rows()
    rows.end = len(data)
    count = 0
    begun = stored_rows.begun

    def counted(part: memoryview) -> Iterator[tuple[int, int, int]]:
        nonlocal count
        for found in begun(part):
            count += 1
            yield found

    monkeypatch.setattr(stored_rows, "begun", counted)
    assert rows.look_at_end(fetched) is None
    assert count <= stored_rows._FIELDS + 1
