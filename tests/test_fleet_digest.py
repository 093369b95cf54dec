"""Equal digests mean equal rows: with other weights, other files, other words, and on damaged models, too."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from mutations import mutated
from onnx import TensorProto, helper, numpy_helper
from random_graphs import random_graph

import cnnscope
from cnnscope.analyzer.fleet.graph_digest import graph_digest
from cnnscope.analyzer.fleet.model_row import RowRequest, row_for, scanned_model, shareable
from cnnscope.analyzer.model.file import ModelFile, open_model

ROOT = Path(__file__).parent.parent
LENET = ROOT / "sample_models" / "lenet5.onnx"
ALL = RowRequest(layers=True, lint=True)
Row = dict[str, object]


def digest(model: onnx.ModelProto | bytes | Path) -> str:
    return graph_digest(
        open_model(model if isinstance(model, onnx.ModelProto | bytes) else str(model))
    )


def small(text: str = "y = Conv <pads=[1,1,1,1]> (x, w, b)") -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 20]> g (float[1,3,8,8] x) => (float[1,4,8,8] y) {'
        + text
        + "}"
    )
    numbers = np.random.default_rng(1)
    for name, shape in (("w", (4, 3, 3, 3)), ("b", (4,))):
        array = numbers.standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    """Every stored tensor, in subgraphs and Constant nodes, too."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield from graph.initializer
        for node in graph.node:
            for a in node.attribute:
                if a.HasField("t"):
                    yield a.t
                waiting += [*([a.g] if a.HasField("g") else []), *a.graphs]


def other_numbers(model: onnx.ModelProto, dice: random.Random, share: float = 1.0) -> None:
    """Other floats in the model's tensors."""
    for tensor in tensors(model):
        if tensor.data_type in (1, 10, 11, 16) and dice.random() < share:
            size = len(tensor.raw_data)
            if tensor.HasField("raw_data"):
                # Exponents that give ordinary numbers, so that what is reckoned of them differs.
                tensor.raw_data = bytes(
                    dice.choice((0x3F, 0x40, 0xC0, 0x00)) if i % 4 == 3 else dice.randrange(256)
                    for i in range(size)
                )
            for i in range(len(tensor.float_data)):
                tensor.float_data[i] = dice.uniform(-3, 3)


def elsewhere(model: onnx.ModelProto, dice: random.Random) -> None:
    """The numbers of some floats in a file that isn't there."""
    for tensor in tensors(model):
        if tensor.data_type in (1, 10, 11, 16) and dice.random() < 0.5:
            for name in ("raw_data", "float_data", "double_data", "int32_data"):
                tensor.ClearField(name)
            tensor.data_location = TensorProto.EXTERNAL
            del tensor.external_data[:]
            tensor.external_data.add(key="location", value="gone.bin")


def other_words(model: onnx.ModelProto, dice: random.Random) -> None:
    """Descriptions and notes everywhere."""
    model.doc_string = "trained on a Tuesday"
    model.model_version, model.domain = dice.randrange(9), "org.example"
    model.metadata_props.add(key="date", value="2026-11-29")
    model.graph.doc_string = "g"
    model.graph.metadata_props.add(key="a", value="b")
    for values in (model.graph.input, model.graph.output, model.graph.value_info):
        for value in values:
            value.doc_string = "v"
    for node in model.graph.node:
        node.doc_string = f"line {dice.randrange(99)}"
        node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="File x.py, line 3")
        for a in node.attribute:
            a.doc_string = "a"
    for tensor in model.graph.initializer:
        tensor.doc_string = "t"


def test_other_weights_wherever_they_lie_are_the_same_graph(tmp_path: Path) -> None:
    model = small()
    known = digest(model)
    assert len(known) == 64
    for change in (other_numbers, elsewhere, other_words):
        changed = onnx.ModelProto.FromString(model.SerializeToString())
        change(changed, random.Random(1))
        assert digest(changed) == known, change.__name__
    path = tmp_path / "m.onnx"
    onnx.save(model, str(path), save_as_external_data=True, location="w", size_threshold=0)
    assert digest(path) == known


@pytest.mark.parametrize("threshold", [0, 1024])
def test_weights_inside_and_beside_are_the_same_graph(tmp_path: Path, threshold: int) -> None:
    """Of 36 KB, of 700 bytes and of 16."""
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 20]> g (float[1,16,8,8] x) => (y)'
        "{ a = Conv <pads=[1,1,1,1]> (x, w, b) c = Relu (a) y = Conv (c, v, d) }"
    )
    numbers = np.random.default_rng(1)
    for name, shape in (("w", (64, 16, 3, 3)), ("b", (64,)), ("v", (3, 64, 1, 1)), ("d", (3,))):
        array = numbers.standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    inside, beside = tmp_path / "inside.onnx", tmp_path / "beside.onnx"
    onnx.save(model, str(inside))
    known = digest(model)
    onnx.save(
        model, str(beside), save_as_external_data=True, location="w", size_threshold=threshold
    )
    assert open_model(str(beside)).weights in ("external", "mixed")
    assert known == digest(inside) == digest(beside)


def test_names_that_are_no_text_have_a_digest() -> None:
    """What is wrong with the model, its analysis says."""
    model = small("[n] y = Conv <pads=[1,1,1,1]> (x, w, b)")
    notes = model.graph.node[0].metadata_props
    notes.add(key="pkg.torch.onnx.name_scopes", value="abcd")
    for text in (b"Conv", b"abcd", b"pkg.t", b"\x01w", b"float"):
        data = model.SerializeToString().replace(text, text[:-1] + b"\xff")
        assert len(digest(data)) == 64


def test_fields_in_another_order_are_the_same_graph() -> None:
    """protobuf allows every order of a message's fields: here the graph comes first, or last."""
    model = small()
    graph = onnx.ModelProto(graph=model.graph).SerializeToString()
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    orders = {digest(graph + rest.SerializeToString()), digest(rest.SerializeToString() + graph)}
    assert orders == {digest(model)}


def _attribute(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute[0].ints[0] = 2


def _new_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("group", 1))


def _length(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 9


def _free(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"


def _dtype(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16


def _weight(model: onnx.ModelProto) -> None:
    array = np.zeros((4, 3, 1, 1), np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))


def _name(model: onnx.ModelProto) -> None:
    model.graph.node[0].name = "conv1"


def _operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "ConvTranspose"


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 19


def _producer(model: onnx.ModelProto) -> None:
    model.producer_name = "pytorch"


def _declared(model: onnx.ModelProto) -> None:
    model.graph.value_info.append(helper.make_tensor_value_info("y", 1, (1, 4, 8, 8)))


def _module(model: onnx.ModelProto) -> None:
    notes = model.graph.node[0].metadata_props
    notes.add(key="pkg.torch.onnx.name_scopes", value="['', 'features', 'conv']")


def _cut_short(model: onnx.ModelProto) -> None:
    model.graph.initializer[1].raw_data = b"\0" * 8


@pytest.mark.parametrize(
    "change",
    [
        _attribute, _new_attribute, _length, _free, _dtype, _weight, _name, _operator, _opset, _producer,
        _declared, _module, _cut_short,
    ],
)  # fmt: skip
def test_what_an_analysis_could_see_makes_another_graph(
    change: Callable[[onnx.ModelProto], None],
) -> None:
    model = small()
    known = digest(model)
    change(model)
    assert digest(model) != known


def test_numbers_that_sizes_hang_on_make_another_graph() -> None:
    def resized(factor: float) -> onnx.ModelProto:
        model = small("c = Conv <pads=[1,1,1,1]> (x, w, b) y = Resize (c, , s)")
        model.graph.output[0].type.tensor_type.ClearField("shape")
        scales = np.array([1, 1, factor, factor], np.float32)
        model.graph.initializer.append(numpy_helper.from_array(scales, "s"))
        return model

    assert digest(resized(2)) != digest(resized(3))


def row_of(model: onnx.ModelProto | bytes) -> tuple[str, object, ModelFile] | None:
    """Digest and rows of a model; in place of rows the error."""
    try:
        file = open_model(model)
    except cnnscope.ModelFileError:
        return None
    try:
        row, layers = scanned_model(file, "m.onnx", ALL)
    except cnnscope.CnnscopeError as error:
        return graph_digest(file), str(error), file
    return graph_digest(file), (row, list(layers)), file


def agree(one: onnx.ModelProto | bytes, other: onnx.ModelProto | bytes) -> bool | None:
    """Do two models with the same digest have the same rows? None: the digests differ, or rows of neither
    are for others."""
    found, second = row_of(one), row_of(other)
    if found is None or second is None or found[0] != second[0]:
        return None
    if isinstance(found[1], str) or isinstance(second[1], str):
        return found[1] == second[1]
    (row, layers), (wanted, wanted_layers) = found[1], second[1]  # type: ignore[misc]
    assert shareable(row) == shareable(wanted), "who may be shared doesn't hang on who comes first"
    if not shareable(row):
        return None
    return row_for(row, second[2], "m.onnx") == wanted and layers == wanted_layers


#: unlike others: weights that are few, so that an analysis has their numbers
SMALL = [LENET, *sorted((ROOT / "tests" / "data" / "cases").glob("*.onnx"))]


def test_equal_digests_of_damaged_models_mean_equal_rows() -> None:
    agreed = 0
    for seed in range(amount(60, 4000)):
        dice = random.Random(seed)
        if dice.random() < 0.5:
            model = onnx.ModelProto.FromString(random_graph(seed).model().SerializeToString())
        else:
            path = dice.choice(SMALL)
            if path.stat().st_size > 300_000:
                continue
            model = onnx.load(str(path), load_external_data=False)
        if dice.random() < 0.7:
            damaged = mutated(model.SerializeToString(), dice, as_bytes=0).model
            if isinstance(damaged, bytes):
                damaged = onnx.ModelProto.FromString(damaged)
            model = damaged
        changed = onnx.ModelProto.FromString(model.SerializeToString())
        for change in (other_numbers, elsewhere, other_words):
            if dice.random() < 0.6:
                change(changed, dice)
        told = agree(model, changed)
        assert told is not False, f"seed {seed}"
        agreed += bool(told)
    assert agreed > amount(60, 4000) // 5
