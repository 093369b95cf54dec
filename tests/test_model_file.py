"""`open_model` against `onnx.load`: the same model, and the same numbers where there are some."""

from __future__ import annotations

import gzip
import io
import os
import random
import socket
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from amounts import some
from google.protobuf import json_format, text_format
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.wire_format import THRESHOLD
from cnnscope.analyzer.values.diagnostics import ModelFileError

CORPUS = Path(os.environ.get("CNNSCOPE_CORPUS", "../shared/corpus")) / "models"
PAYLOADS = tuple(
    field.name for field in TensorProto.DESCRIPTOR.fields if field.name.endswith("_data")
)
LARGE = THRESHOLD // 4 + 100  # float32 elements

# A vocabulary for small models


def model_of(*initializers: TensorProto, nodes: tuple[onnx.NodeProto, ...] = (), **more):
    nodes = nodes or (helper.make_node("Relu", ["x"], ["y"]),)
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:], list(initializers), **more)
    return helper.make_model(graph)


def weight(count: int = LARGE, name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.arange(count, dtype=np.float32), name)


def external(location: str, *, offset: int = 0, length: int = 16, name: str = "w") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], raw_data=b"")
    set_external_data(tensor, location, offset, length)
    tensor.ClearField("raw_data")
    return tensor


def constant(tensor: TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["c"], value=tensor)


def branch(*nodes: onnx.NodeProto, name: str = "then", **more) -> onnx.NodeProto:
    return helper.make_node("If", ["x"], ["y"], then_branch=helper.make_graph(nodes, name, [], []))


def tensors(message):
    """Every TensorProto in a message, in the order of the fields."""
    if isinstance(message, TensorProto):
        yield message
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            many = not hasattr(value, "ListFields")
            for item in value if many else [value]:
                yield from tensors(item)


def without_payloads(model: onnx.ModelProto) -> onnx.ModelProto:
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for tensor in tensors(bare):
        for name in (*PAYLOADS, "data_location"):
            tensor.ClearField(name)
    return bare


def assert_same(opened: ModelFile, oracle: onnx.ModelProto) -> None:
    assert without_payloads(opened.model) == without_payloads(oracle)
    for mine, true in zip(tensors(opened.model), tensors(oracle), strict=True):
        if true.data_location == TensorProto.EXTERNAL:
            continue
        expected, got = numpy_helper.to_array(true), opened.read(mine)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.tobytes() == expected.tobytes() or (got == expected).all()


def field(message: str, name: str, body: bytes) -> bytes:
    return varint(getattr(onnx, message).DESCRIPTOR.fields_by_name[name].number << 3 | 2) + (
        varint(len(body)) + body
    )


def varint(value: int) -> bytes:
    digits = []
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def check(error: ModelFileError, *words: str) -> None:
    assert "\n" not in str(error)
    for word in words:
        assert word in str(error)


def fails(source: object, *words: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        open_model(source)
    check(caught.value, *words)


# The same model


def test_corpus_equals_onnx_load():
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}; set CNNSCOPE_CORPUS")
    for path in some(sorted(CORPUS.glob("*.onnx")), 20):
        assert_same(open_model(path), onnx.load(path, load_external_data=False))


def every_kind() -> onnx.ModelProto:
    """Payloads large and small wherever a model can hold a tensor."""
    sparse = helper.make_sparse_tensor(
        weight(name="values"),
        numpy_helper.from_array(np.arange(LARGE, dtype=np.int64), "indices"),
        [LARGE * 2],
    )
    many = onnx.AttributeProto(name="many", type=onnx.AttributeProto.TENSORS)
    many.tensors.extend([weight(name="a"), weight(2, "b"), weight(name="c")])
    sparse_attribute = helper.make_node("Constant", [], ["s"], sparse_value=sparse)
    custom = onnx.NodeProto(op_type="Custom", domain="d", output=["m"], attribute=[many])
    model = model_of(
        weight(),
        weight(3, "small"),
        nodes=(constant(weight(name="c")), branch(constant(weight()), branch(custom))),
        sparse_initializer=[sparse],
        doc_string="a location",
    )
    model.graph.node.append(sparse_attribute)
    function = helper.make_function("d", "f", [], ["c"], [constant(weight())], [])
    function.attribute_proto.append(helper.make_attribute("default", weight()))
    model.functions.append(function)
    model.training_info.add().algorithm.initializer.append(weight())
    model.metadata_props.add(key="k", value="v" * 9000)
    return model


def sources(model: onnx.ModelProto, folder: Path):
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return {
        "path": path,
        "string": str(path),
        "bytes": path.read_bytes(),
        "file": path.open("rb"),
        "raw file": path.open("rb", buffering=0),
        "buffer": io.BytesIO(path.read_bytes()),
        "memory": model,
    }


@pytest.mark.parametrize("how", ["path", "string", "bytes", "file", "raw file", "buffer", "memory"])
def test_every_place_and_every_source(how: str, tmp_path: Path):
    model = every_kind()
    before = model.SerializeToString(deterministic=True)
    opened = open_model(sources(model, tmp_path)[how])
    assert_same(opened, model)
    assert opened.weights == "inline"
    assert opened.missing == ()
    assert opened.file_bytes == (None if how == "memory" else len(before))
    assert (opened.path is None) == (how in ("bytes", "buffer", "memory"))
    assert len(opened.model.SerializeToString()) < 9000 + 14 * 400
    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("form", ["raw", "typed"])
@pytest.mark.parametrize("count", [10, 9000])
@pytest.mark.parametrize("name", sorted(set(TensorProto.DataType.keys()) - {"UNDEFINED", "STRING"}))
def test_every_element_type(name: str, count: int, form: str):
    data_type = TensorProto.DataType.Value(name)
    try:
        dtype = helper.tensor_dtype_to_np_dtype(data_type)
        numbers = np.arange(count * dtype.itemsize, dtype=np.uint8) % 4
        tensor = numpy_helper.from_array(numbers.view(dtype), "w")
        if form == "typed":
            flat = numpy_helper.to_array(tensor)
            tensor = helper.make_tensor("w", data_type, [count], flat)
        numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        pytest.skip(f"onnx {onnx.__version__} can't make one: {error}")
    model = model_of(tensor, nodes=(constant(tensor),))
    assert_same(open_model(model.SerializeToString()), model)
    assert_same(open_model(model), model)


def test_weights_are_left_out_whatever_their_type():
    brain = numpy_helper.from_array(np.ones(9000, ml_dtypes.bfloat16), "b")
    opened = open_model(model_of(brain, weight()).SerializeToString())
    for tensor in opened.model.graph.initializer:
        assert not tensor.HasField("raw_data")
    assert opened.read(opened.model.graph.initializer[0]).dtype == ml_dtypes.bfloat16
    assert not opened.read(opened.model.graph.initializer[1]).flags.owndata


@pytest.mark.parametrize("count", [3, 5000])
def test_strings(count: int):
    tensor = helper.make_tensor("s", TensorProto.STRING, [count], [b"abc"] * count)
    model = model_of(tensor)
    opened = open_model(model.SerializeToString())
    assert_same(opened, model)
    assert_same(open_model(model), model)
    assert len(opened.model.SerializeToString()) < 400


# Encodings that protobuf reads and nobody writes


def handmade(*tensor_parts: bytes) -> bytes:
    graph = field("GraphProto", "initializer", b"".join(tensor_parts))
    graph += field("GraphProto", "output", field("ValueInfoProto", "name", b"y"))
    return field("ModelProto", "graph", graph)


def head(data_type: int, count: int) -> bytes:
    return TensorProto(dims=[count], data_type=data_type, name="w").SerializeToString()


ONE_BY_ONE = b"".join(b"\x25" + struct.pack("<f", i) for i in range(5000))


@pytest.mark.parametrize(
    "data",
    {
        "one by one": handmade(head(TensorProto.FLOAT, 5000), ONE_BY_ONE),
        "numbers first": handmade(ONE_BY_ONE, head(TensorProto.FLOAT, 5000)),
        "varints one by one": handmade(
            head(TensorProto.INT64, 5000), b"".join(b"\x38" + varint(i) for i in range(5000))
        ),
        "two chunks": handmade(
            field("TensorProto", "float_data", bytes(8000)),
            head(TensorProto.FLOAT, 4000),
            field("TensorProto", "float_data", b"\1" * 8000),
        ),
        "raw twice, the last is small": handmade(
            field("TensorProto", "raw_data", bytes(8000)),
            head(TensorProto.FLOAT, 2),
            field("TensorProto", "raw_data", b"\1" * 8),
        ),
        "raw and typed": handmade(
            head(TensorProto.FLOAT, 2000),
            field("TensorProto", "raw_data", b"\1" * 8000),
            field("TensorProto", "float_data", bytes(8000)),
        ),
        "graph twice": handmade(weight().SerializeToString()) * 2,
        "unknown fields": handmade(weight().SerializeToString(), b"\xf8\x3f\x05\xfa\x3f\x01a"),
        "external data's remains": handmade(
            weight().SerializeToString(), external("elsewhere").SerializeToString()[-60:-60]
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_odd_encodings(data: tuple[str, bytes]):
    opened = open_model(data[1])
    assert_same(opened, onnx.ModelProto.FromString(data[1]))
    assert len(opened.model.SerializeToString()) < 500


@pytest.mark.parametrize("order", [(LARGE, 3), (3, LARGE), (LARGE, LARGE)])
def test_a_tensor_given_twice_is_merged(order: tuple[int, int]):
    def part(count: int) -> bytes:
        return field("AttributeProto", "t", TensorProto(float_data=[1] * count).SerializeToString())

    whole = TensorProto(dims=[sum(order)], data_type=TensorProto.FLOAT).SerializeToString()
    parts = part(order[0]) + field("AttributeProto", "t", whole) + part(order[1])
    node = field("GraphProto", "node", field("NodeProto", "attribute", parts))
    data = field("ModelProto", "graph", node)
    assert_same(open_model(data), onnx.ModelProto.FromString(data))


def test_many_elements_take_linear_time():
    count = 300_000
    data = handmade(head(TensorProto.INT64, count), b"\x38\x01" * count)
    opened = open_model(data)
    assert opened.read(opened.model.graph.initializer[0]).sum() == count


# Text


def test_text_forms(tmp_path: Path):
    model = model_of(weight(8), nodes=(helper.make_node("Add", ["x", "w"], ["y"]),))
    plain = 'ir_version: 8, opset_import: ["": 17]'
    texts = {
        "a.textproto": text_format.MessageToString(model),
        "a.pbtxt": text_format.MessageToString(model),
        "a.PROTOTXT": text_format.MessageToString(model),
        "a.json": json_format.MessageToJson(model),
        "a.onnxjson": json_format.MessageToJson(model),
        "a.onnxtxt": f"<{plain}> g (float[1] x) => (float[1] y) {{ y = Relu(x) }}",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        opened = open_model(path)
        assert opened.path == str(path)
        assert opened.file_bytes == len(text.encode())
        if name != "a.onnxtxt":
            assert_same(opened, model)
        path.write_text(text[: len(text) // 2], encoding="utf-8")
        fails(path)
        path.write_bytes(b"\xff\xfe\x00\x01")
        fails(path)
        path.write_bytes(b"")
        fails(path, "empty")


# External data


def saved(folder: Path, *initializers: TensorProto, **more) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "model.onnx"
    path.write_bytes(model_of(*initializers, **more).SerializeToString())
    return path


def test_external_data_present_short_and_absent(tmp_path: Path):
    path = saved(tmp_path, external("w.bin", offset=8), external("w.bin", name="v"))
    assert (open_model(path).weights, open_model(path).missing) == ("missing", ("w.bin",))
    with pytest.raises(ModelFileError, match=r"w\.bin"):
        open_model(path).read(open_model(path).model.graph.initializer[0])
    (tmp_path / "w.bin").write_bytes(np.arange(5, dtype=np.float32).tobytes())
    assert open_model(path).missing == ("w.bin",)
    (tmp_path / "w.bin").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    opened = open_model(path)
    assert (opened.weights, opened.missing) == ("external", ())
    assert opened.read(opened.model.graph.initializer[0]).tolist() == [2, 3, 4, 5]
    assert open_model(saved(tmp_path, weight(), external("w.bin"))).weights == "mixed"
    assert open_model(path.read_bytes()).missing == ("w.bin",)
    assert open_model(path.open("rb")).weights == "mixed"
    assert open_model(model_of()).weights == "none"
    assert open_model(model_of(nodes=(constant(weight(2)),))).weights == "inline"


def test_external_data_of_onnx_itself(tmp_path: Path):
    model = model_of(weight(), nodes=(constant(weight(name="c")),))
    path = tmp_path / "model.onnx"
    how = {"save_as_external_data": True, "location": "all.bin", "size_threshold": 0}
    onnx.save(model, path, **how, convert_attribute=True)
    opened = open_model(path)
    assert opened.weights == "external"
    for tensor in tensors(opened.model):
        assert (opened.read(tensor) == np.arange(LARGE)).all()


def test_external_data_file_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from cnnscope.analyzer.model import weight_places

    looked = []
    monkeypatch.setattr(weight_places, "file_size", lambda path: looked.append(path) or 10**9)
    path = saved(tmp_path, *[external("w.bin", offset=i, name=f"w{i}") for i in range(50)])
    assert open_model(path).weights == "external"
    assert len(looked) == 1


OUTSIDE = ["/etc/passwd", "../secret", "a/../../secret", "C:\\secret", "\\\\host\\secret"]


@pytest.mark.parametrize("location", OUTSIDE)
def test_external_data_outside_the_folder(location: str, tmp_path: Path):
    tensor = external(location, name="culprit")
    function = helper.make_function("d", "f", [], ["c"], [constant(tensor)], [])
    places = [
        model_of(tensor),
        model_of(weight(), nodes=(constant(tensor),)),
        model_of(nodes=(branch(branch(constant(tensor))),)),
        model_of(sparse_initializer=[onnx.SparseTensorProto(values=tensor)]),
        model_of(weight()),
    ]
    places[-1].functions.append(function)
    for model in places:
        (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
        for source in (tmp_path / "model.onnx", model.SerializeToString(), model):
            fails(source, "culprit", repr(location))


def test_external_data_through_links(tmp_path: Path):
    (tmp_path / "secret").write_bytes(bytes(16))
    path = saved(tmp_path / "models", external("w.bin"))
    (path.parent / "w.bin").symlink_to(tmp_path / "secret")
    fails(path, "'w'", "w.bin", "link")
    (path.parent / "w.bin").unlink()
    (path.parent / "real.bin").write_bytes(bytes(16))
    (path.parent / "w.bin").symlink_to("real.bin")
    assert open_model(path).weights == "external"
    (path.parent / "w.bin").unlink()
    (path.parent / "w.bin").symlink_to("w.bin")
    try:
        assert open_model(path).weights == "missing"
    except ModelFileError as error:  # Python before 3.13 refuses a circle of links
        check(error, "w.bin")


def test_external_data_in_a_cache_of_links(tmp_path: Path):
    """Hugging Face's cache: model and weights are links to two files in one other folder."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    path = saved(blobs, external("w.bin"))
    (blobs / "beef").write_bytes(bytes(16))
    snapshot.mkdir()
    (snapshot / "model.onnx").symlink_to(path)
    (snapshot / "w.bin").symlink_to(blobs / "beef")
    assert open_model(snapshot / "model.onnx").weights == "external"


@pytest.mark.parametrize(
    ("key", "value"),
    [("offset", "-8"), ("offset", "x"), ("length", "-1"), ("length", "9" * 5000), ("location", "")],
)
def test_external_data_with_absurd_places(key: str, value: str, tmp_path: Path):
    tensor = external("w.bin")
    tensor.external_data.add(key=key, value=value)
    fails(saved(tmp_path, tensor), "'w'")


def test_markers_cannot_be_forged(tmp_path: Path):
    tensor = external("../secret")
    tensor.external_data.add(key="cnnscope", value="raw")
    fails(saved(tmp_path, tensor), "secret")


# Large


def test_more_than_2_gb_without_touching_it(tmp_path: Path):
    size = 3 << 30
    tail = numpy_helper.from_array(np.arange(LARGE, dtype=np.float32), "tail").SerializeToString()
    tail = field("GraphProto", "initializer", tail) + field("GraphProto", "output", b"\x0a\x01y")
    start = head(TensorProto.FLOAT, size // 4) + b"\x4a" + varint(size)
    tensor = varint(5 << 3 | 2) + varint(len(start) + size) + start
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(varint(7 << 3 | 2) + varint(len(tensor) + size + len(tail)) + tensor)
        file.seek(size, os.SEEK_CUR)
        file.write(tail)
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no sparse files")
    opened = open_model(path)
    first, last = opened.model.graph.initializer
    assert opened.file_bytes == path.stat().st_size > 1 << 31
    assert opened.read(last).tolist() == list(range(LARGE))
    assert opened.read(first).shape == (size // 4,)
    assert opened.read(first)[-1] == 0
    assert path.stat().st_blocks * 512 < 1 << 20
    with path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelFileError, match="shorter"):
        opened.read(last)


# Not a model


def test_nested_deeper_than_protobuf_reads():
    node = field("NodeProto", "op_type", b"Relu")
    for _ in range(40):
        graph = field("GraphProto", "node", node)
        node = field("NodeProto", "attribute", field("AttributeProto", "g", graph))
    fails(field("ModelProto", "graph", field("GraphProto", "node", node)), "nested too deeply")


@pytest.mark.parametrize("bulk", [0, 9000])
def test_nested_ten_thousand_deep(bulk: int):
    """From the inside out, in reverse, for bytes in front of bytes 30,000 times are quadratic."""
    parts, size = [bytes(bulk)], bulk
    names = [("NodeProto", "attribute"), ("AttributeProto", "g"), ("GraphProto", "node")]
    for _ in range(10_000):
        for message, name in (names[1], names[0], names[2]):
            number = getattr(onnx, message).DESCRIPTOR.fields_by_name[name].number
            parts.append(varint(number << 3 | 2) + varint(size))
            size += len(parts[-1])
    parts.append(varint(7 << 3 | 2) + varint(size))
    fails(b"".join(reversed(parts)), "nested too deeply")


def test_nested_in_memory():
    model = model_of()
    graph = model.graph
    for _ in range(200):
        graph = graph.node.add().attribute.add().g
    fails(model, "nested too deeply")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\x28\0\0\0ORTM" + bytes(40), ".ort"),
        (b"\x1c\0\0\0TFL3" + bytes(40), "TensorFlow Lite"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"\n\n<!DOCTYPE html><html>", "web page"),
        (struct.pack("<Q", 30) + b'{"w":{"dtype":"F32"}}' + bytes(90), "safetensors"),
        (b'{"graph": {}}', "JSON"),
        (b"\x1f\x8b\x08" + bytes(30), "gzip"),
        (b"hello, world: this is no model\n" * 20, "not an ONNX model"),
        (b"\x08\x07", "no graph"),
        (TensorProto(dims=[2], data_type=1, name="t").SerializeToString(), "not an ONNX model"),
        (b"\x3b\x3c", "byte 0"),
        (b"\x08" + b"\xff" * 12, "no end"),
        (b"\x3a" + b"\xff" * 9 + b"\x01", "cut short"),
        (b"\x3a\x04\x0a\x10ab" + b"\x08\x07" * 15, "beyond the message"),
    ],
)
def test_other_files_are_named(data: bytes, word: str, tmp_path: Path):
    fails(data, word)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    fails(path, word)
    fails(io.BytesIO(data), word)


def test_paths_without_a_model(tmp_path: Path):
    fails(tmp_path, "folder")
    fails(tmp_path / "none.onnx", "no such file")
    fails("a\0b")
    fails("x" * 5000)
    fails("/dev/null" if Path("/dev/null").exists() else tmp_path)
    path = saved(tmp_path, weight())
    fails(path.open(encoding="latin-1"), "'rb'")
    if os.name == "posix" and os.getuid():
        path.chmod(0)
        fails(path, "denied")
    with pytest.raises(TypeError):
        open_model(7)


def test_a_pipe(tmp_path: Path):
    data = model_of(weight()).SerializeToString()
    here, there = socket.socketpair()
    there.sendall(data)
    there.close()
    with here, here.makefile("rb") as file:
        assert_same(open_model(file), onnx.ModelProto.FromString(data))


def test_a_compressed_file_object(tmp_path: Path):
    """Its `fileno` is that of the compressed file."""
    data = model_of(weight()).SerializeToString()
    path = tmp_path / "model.onnx.gz"
    path.write_bytes(gzip.compress(data))
    with gzip.open(path) as file:
        assert_same(open_model(file), onnx.ModelProto.FromString(data))
    fails(path, "gzip")


def small() -> bytes:
    return model_of(
        weight(),
        external("w.bin"),
        weight(3, "v"),
        nodes=(branch(constant(weight(2))), constant(weight())),
    ).SerializeToString()


def outcome(data: bytes) -> bool:
    """Whether it opens; any error but a ModelFileError fails the test, in reading too."""
    try:
        opened = open_model(data)
    except ModelFileError as error:
        check(error)
        return False
    for tensor in tensors(opened.model):
        try:
            opened.read(tensor)
        except ModelFileError as error:
            check(error)
    return True


def test_truncated_at_every_byte():
    data = small()
    assert outcome(data)
    opened = [end for end in range(len(data)) if outcome(data[:end])]
    # A cut between two fields of the ModelProto can't be seen.
    assert all(end > data.index(b"\x3a") for end in opened)


def test_flipped_bits():
    data = small()
    dice = random.Random(0)
    for _ in range(2000):
        flipped = bytearray(data)
        for _ in range(dice.choice([1, 1, 1, 2, 5, 30])):
            # Mostly outside the payload, where it matters.
            flipped[dice.choice([dice.randrange(len(data)), dice.randrange(200)])] ^= (
                1 << dice.randrange(8)
            )
        outcome(bytes(flipped))


def test_flipped_bits_of_a_small_model():
    """Without payloads, so that each flip hits structure."""
    data = model_of(weight(3), external("a/w"), nodes=(branch(constant(weight(2))),))
    data = data.SerializeToString()
    for position in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        outcome(bytes(flipped))


@pytest.mark.parametrize("data_type", [TensorProto.FLOAT, TensorProto.INT64, TensorProto.BFLOAT16])
@pytest.mark.parametrize("raw", [b"\0" * 8, b"\0" * 7, b""])
def test_numbers_that_do_not_fill_their_shape_are_told_in_our_words(
    data_type: int, raw: bytes
) -> None:
    """What numpy says of it ("cannot reshape array of size 1") is for its own callers."""
    tensor = TensorProto(name="w", data_type=data_type, dims=[2, 3], raw_data=raw)
    output = onnx.ValueInfoProto(name="w")
    graph = helper.make_graph([], "g", [], [output], [tensor])
    file = open_model(helper.make_model(graph))
    with pytest.raises(ModelFileError) as caught:
        file.read(file.model.graph.initializer[0])
    assert str(caught.value) == (
        "tensor 'w' can't be decoded: what is stored doesn't go together with its type and shape "
        "([2, 3])"
    )
