"""Are the landmark networks what they claim to be, and does cnnscope say so?

The table in ``landmarks.py`` is checked three ways: against what others published, against a count
from the file with plain ``onnx`` (no line of cnnscope), and against cnnscope itself. Who reads the
table must be able to trust it, so the counters here are as plain as can be.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from math import floor, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import helper, numpy_helper, shape_inference

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up here
    spec.loader.exec_module(module)
    return module


build = load("sample_models_build", ROOT / "sample_models" / "build.py")
landmarks = load("landmarks", ROOT / "tests" / "landmarks.py")

ROWS = pytest.mark.parametrize("row", landmarks.LANDMARKS, ids=lambda row: row.name)
FIELDS = pytest.mark.parametrize(
    ("row", "seen"),
    [
        pytest.param(row, seen, id=f"{row.name}:{seen.layer}:{seen.axis}")
        for row in landmarks.LANDMARKS
        for seen in row.fields
    ],
)


def file_of(name: str) -> Path:
    return ROOT / "sample_models" / f"{name}.onnx"


@cache
def model_of(name: str) -> onnx.ModelProto:
    return onnx.load(file_of(name), load_external_data=False)


@cache
def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """Every tensor's shape by onnx, the declared shape of the output being left out first."""
    model = onnx.ModelProto()
    model.CopyFrom(model_of(name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        assert all(dim.dim_value > 0 for dim in dims), f"{value.name} is not static"
        shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def float_weights(model: onnx.ModelProto) -> dict[str, int]:
    """Elements by name."""
    return {
        tensor.name: prod(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
    }


def running_statistics(model: onnx.ModelProto) -> set[str]:
    norms = (node for node in model.graph.node if node.op_type == "BatchNormalization")
    return {name for node in norms for name in node.input[3:5]}


def count_macs(model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]]) -> int:
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":  # at each output, the weights of one output channel
            total += prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
        elif node.op_type == "ConvTranspose":  # at each input, the weights of one input channel
            total += prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
        elif node.op_type in ("Gemm", "MatMul"):  # at each output, one row times one column
            total += prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return total


@cache
def weights_of(name: str) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model_of(name).graph.initializer}


@cache
def nodes_up_to(name: str, layer: str) -> list[tuple[onnx.NodeProto, dict[str, Any]]]:
    """A layer's node and those before it, backwards, each with its attributes."""
    nodes = list(model_of(name).graph.node)
    last = next(i for i, node in enumerate(nodes) if node.name == layer)
    return [(node, attributes_of(node)) for node in reversed(nodes[: last + 1])]


def span(name: str, layer: str, axis: int, unit: int) -> tuple[tuple[int, int] | None, bool]:
    """First and last input that ``unit`` of ``layer`` reads along ``axis``, padding not clipped.

    The need is traced backwards, node by node. Paths through an operator that sees every position
    are left out; whether there was one is the second answer.
    """
    shapes, weights = shapes_of(name), weights_of(name)
    before_it = nodes_up_to(name, layer)
    need = {before_it[0][0].output[0]: (unit, unit)}
    everything = False

    def values(tensor: str) -> list[int]:
        return numpy_helper.to_array(weights[tensor]).tolist()

    for node, attributes in before_it:
        wanted = [need[output] for output in node.output if output in need]
        if not wanted:
            continue
        if node.op_type in ("GlobalAveragePool", "MatMul", "Gemm"):
            everything = True
            continue
        low, high = min(low for low, _ in wanted), max(high for _, high in wanted)
        sources = [tensor for tensor in node.input if tensor and tensor not in weights]
        kernel, stride, dilation, pad = (
            attributes[key][axis - 2] if key in attributes else default
            for key, default in (("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 0))
        )
        if node.op_type in ("Conv", "MaxPool", "AveragePool"):
            low, high = low * stride - pad, high * stride - pad + dilation * (kernel - 1)
        elif node.op_type == "ConvTranspose":
            low, high = -((kernel - 1 - pad - low) // stride), (high + pad) // stride
        elif node.op_type == "Resize":  # linear, half_pixel: the two neighbours of the centre
            scale = shapes[sources[0]][axis] / shapes[node.output[0]][axis]
            low, high = (floor((i + 0.5) * scale - 0.5) for i in (low, high))
            high += 1
        elif node.op_type == "Slice":
            start = dict(zip(values(node.input[3]), values(node.input[1]), strict=True))[axis]
            low, high = low + start, high + start
        elif node.op_type == "Pad":
            before = values(node.input[1])[axis]
            low, high = low - before, high - before
        for source in sources:
            known = need.get(source, (low, high))
            need[source] = (min(low, known[0]), max(high, known[1]))
    return need.get("input"), everything


def executable(name: str) -> onnx.ModelProto:
    """The model with weights in memory: random, positive, of a size that keeps sums near one."""
    model = onnx.ModelProto()
    model.CopyFrom(model_of(name))
    random = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            dims = tuple(tensor.dims)
            values = random.uniform(0.5, 1.5, dims) / max(1, prod(dims[1:]))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    return model


def test_every_model_has_a_row() -> None:
    names = [row.name for row in landmarks.LANDMARKS]
    assert names == list(build.MODELS)
    assert sorted(names) == sorted(p.stem for p in (ROOT / "sample_models").glob("*.onnx"))


@ROWS
def test_file_is_what_build_makes(row: Any) -> None:
    content = file_of(row.name).read_bytes()
    assert content == build.serialized(row.name)
    assert len(content) < 150_000


def test_check_finds_a_stale_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "HERE", tmp_path)
    assert build.main(["lenet5"]) == 0
    assert build.main(["lenet5", "--check"]) == 0
    (tmp_path / "lenet5.onnx").write_bytes(b"")
    assert build.main(["lenet5", "--check"]) == 1


@ROWS
def test_weights_have_a_place_but_no_bytes(row: Any) -> None:
    end = 0
    for tensor in model_of(row.name).graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT64:
            assert prod(tensor.dims) < 64
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert tensor.data_location == onnx.TensorProto.EXTERNAL
        assert not tensor.raw_data
        assert not tensor.float_data
        assert place["location"] == f"{row.name}.weights"
        assert int(place["offset"]) == end
        assert int(place["length"]) == 4 * prod(tensor.dims)
        end += int(place["length"])
    assert not file_of(row.name).with_suffix(".weights").exists()


@ROWS
def test_valid_onnx(row: Any) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(model_of(row.name))
    # The checker opens data files, so each weight becomes an input of the same type and shape.
    weights = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    for weight in weights:
        model.graph.initializer.remove(weight)
        model.graph.input.append(
            helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        )
    onnx.checker.check_model(model, full_check=True)
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    assert [value.name for value in model_of(row.name).graph.input] == ["input"]
    assert [value.name for value in model_of(row.name).graph.output] == ["output"]


@ROWS
def test_shapes(row: Any) -> None:
    shapes = shapes_of(row.name)
    assert shapes["input"] == row.input_shape
    assert shapes["output"] == row.output_shape
    declared = model_of(row.name).graph.output[0].type.tensor_type.shape.dim
    assert tuple(dim.dim_value for dim in declared) == row.output_shape


@ROWS
def test_counts_by_plain_onnx(row: Any) -> None:
    model = model_of(row.name)
    elements, statistics = float_weights(model), running_statistics(model)
    assert sum(elements[name] for name in elements if name not in statistics) == row.params
    assert sum(elements[name] for name in statistics) == row.buffers
    assert count_macs(model, shapes_of(row.name)) == row.macs


@ROWS
def test_table_agrees_with_what_was_published(row: Any) -> None:
    for value, quote in ((row.params, row.quoted_params), (row.macs, row.quoted_macs)):
        if quote is not None:
            assert abs(value - quote.value) <= quote.rounding, quote.source


@FIELDS
def test_fields_unit_by_unit(row: Any, seen: Any) -> None:
    units = 64  # whole periods of every upsampling here
    spans, everything = zip(
        *(span(row.name, seen.layer, seen.axis, unit) for unit in range(units + 1)), strict=True
    )
    assert set(everything) == {seen.everything}
    if seen.size is None:
        assert row.name == "vit_b_16" or set(spans) == {None}
        return
    assert max(last - first + 1 for first, last in spans) == seen.size
    assert spans[units][0] - spans[0][0] == seen.step * units
    if seen.padding is not None:
        assert all(
            (first, last)
            == (u * seen.step - seen.padding, u * seen.step - seen.padding + seen.size - 1)
            for u, (first, last) in enumerate(spans)
        )


@pytest.mark.parametrize(
    "name",  # the others run too, but need hundreds of megabytes or many seconds
    ["lenet5", "googlenet", "mobilenet_v2", "efficientnet_b0", "densenet121", "xception"][
        : amount(4, 6)
    ],
)
def test_runs_in_onnx_runtime(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    row = next(row for row in landmarks.LANDMARKS if row.name == name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        executable(name).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (output,) = session.run(None, {"input": np.ones(row.input_shape, np.float32)})
    assert output.shape == row.output_shape
    assert np.isfinite(output).all()


@cache
def report_of(name: str) -> Any:
    import cnnscope

    return cnnscope.analyze(file_of(name))


@ROWS
def test_cnnscope_counts(row: Any) -> None:
    totals = report_of(row.name).totals
    assert totals.params.value == row.params
    assert totals.buffers.value == row.buffers
    assert totals.macs.value == row.macs


@FIELDS
def test_cnnscope_fields(row: Any, seen: Any) -> None:
    fields = report_of(row.name)[seen.layer].receptive_field
    (field,) = (field for field in fields if field.input == "input" and field.axis == seen.axis)
    assert field.global_ == seen.everything
    if not seen.everything:
        assert (field.size, field.mean_step) == (seen.size, seen.step)
        if seen.padding is not None:
            assert (field.step, -field.start) == (seen.step, seen.padding)
        if field.step is None and field.phases is not None:  # each unit by itself, as by hand
            for unit in range(64):
                assert field.span(unit) == span(row.name, seen.layer, seen.axis, unit)[0]
