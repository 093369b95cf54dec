"""Is a copy with another batch or dtype the same model? Held against ONNX Runtime's runs of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.diagnostics import ArgumentError, BindingError, RunError
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.providers import CPU, CPU_PROVIDER, CUDA, Provider, with_tf32
from cnnscope.runtime.engine.reopening import batch_reopened
from cnnscope.runtime.engine.retyping import retyped, retyped_file
from cnnscope.runtime.engine.sessions import open_session
from cnnscope.runtime.engine.weights import find_values

QUICK = 0.05
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def a_model(body: str, inputs: str = "float[1,4,6,6] x", opset: int = 17) -> onnx.ModelProto:
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => (float[1,A] y) {body}'
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(0)
    for name, shape in (("w", (8, 4, 3, 3)), ("m", (288, 700)), ("c", (1, 4, 6, 6))):
        if f"{name})" in body or f"{name}," in body:
            drawn = rng.normal(size=shape).astype(np.float32) / 10
            model.graph.initializer.append(numpy_helper.from_array(drawn, name))
    return model


RESHAPED = """{
  a = Conv <pads = [1, 1, 1, 1]> (x, w)
  shape = Constant <value_ints = [1, 288]> ()
  again = Constant <value = int64[4] {1, 8, 6, 6}> ()
  flat = Constant <value = int64[2] {1, 288}> ()
  b = Relu (a)
  s = Reshape (b, again)
  f = Reshape (s, flat)
  y = MatMul (f, m)
}"""


def run(model: onnx.ModelProto, **feeds: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, [CPU])
    (found,) = session.run(None, feeds)
    return np.asarray(found)


def test_examples_together_are_the_examples_alone() -> None:
    model = a_model(RESHAPED)
    opened = batch_reopened(model)
    x = np.random.default_rng(1).normal(size=(3, 4, 6, 6)).astype(np.float32)
    alone = np.concatenate([run(model, x=example[None]) for example in x])
    assert np.allclose(run(opened, x=x), alone, atol=1e-5)
    one, three = (examine(opened, dims={"batch": n}) for n in (1, 3))
    macs = [sum(c.work.macs for c in a.costs.nodes.values() if c.work) for a in (one, three)]
    assert macs == [1 * (8 * 4 * 9 * 36 + 288 * 700), 3 * (8 * 4 * 9 * 36 + 288 * 700)]  # type: ignore[comparison-overlap]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1  # as it was


@pytest.mark.parametrize(
    ("body", "node"),
    [
        ("{ a = ReduceMean <axes = [0], keepdims = 1> (x)  y = Flatten (a) }", "ReduceMean"),
        ("{ a = Concat <axis = 0> (x, c)  y = Flatten (a) }", "Concat"),
        ("{ a = Reshape (x, two)  y = Flatten (a) }", "Reshape"),
    ],
)
def test_a_batch_that_mixes_is_refused_by_the_node(body: str, node: str) -> None:
    model = a_model(body)
    if "two" in body:
        model.graph.initializer.append(numpy_helper.from_array(np.array([2, 72]), "two"))
    with pytest.raises(BindingError, match=rf"the batch of x \(batchx4x6x6\) is fixed.*{node}"):
        batch_reopened(model)


def test_a_profile_at_another_batch(samples: Path) -> None:
    found = cnnscope.profile(samples / "lenet5.onnx", provider="cpu", seconds=QUICK, batches=(8, 1))
    assert [x.batch for x in found.latencies] == [8, 1]
    assert found.latency.inputs == {"input": (8, 1, 32, 32)}
    report = cnnscope.analyze(samples / "lenet5.onnx")
    assert found.flops == 8 * (report.totals.flops.value or 0)
    assert {layer for row in found.rows for layer in row.layers} == {x.name for x in report.layers}
    assert any("a copy with a batch of 8 was run" in said for said in found.notes)
    with pytest.raises(BindingError, match="/tokens/Concat"):
        cnnscope.profile(samples / "vit_b_16.onnx", batches=(2,))


def test_float16_computes_what_float32_does(tmp_path: Path) -> None:
    """Weights in the graph, in the file and beside it, each too large or small to be kept."""
    model = a_model(RESHAPED)
    x = np.random.default_rng(1).normal(size=(1, 4, 6, 6)).astype(np.float32)
    wanted = run(model, x=x)
    path, beside = tmp_path / "m.onnx", tmp_path / "beside.onnx"
    onnx.save(model, path)
    onnx.save(
        a_model(RESHAPED), beside, save_as_external_data=True, location="w.bin", size_threshold=100
    )
    for source in (model, path, beside):
        analysis = examine(retyped_file(open_model(source), "float16"))
        assert {t.dtype for t in analysis.shapes.tensors.values()} <= {"float16", "int64"}
        flat = flat_model(analysis)
        values = find_values(analysis.file, flat)
        assert values.random == 0
        assert {str(a.dtype) for a in values.arrays.values()} == {"float16"}
        session = open_session(flat.proto, CPU_PROVIDER, weights=values.arrays)
        (found,) = session.run(None, {"x": x.astype(np.float16)})
        assert found.dtype == np.float16
        assert np.allclose(found, wanted, atol=0.03)


def test_what_takes_float32_alone_keeps_it() -> None:
    """Scales of a Resize, a scale and its result of DequantizeLinear before opset 19, a Cast's target."""
    model = a_model(
        """{
  q = QuantizeLinear (x, scale)
  d = DequantizeLinear (q, scale)
  r = Resize <mode = "nearest"> (d, , scales)
  i = Cast <to = 7> (r)
  k = Cast <to = 1> (i)
  s = Add (r, k)
  y = Flatten (s)
}""",
        opset=13,
    )
    for name, numbers in (
        ("scale", np.float32(0.1)),
        ("scales", np.array([1, 1, 2, 2], np.float32)),
    ):
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(numbers), name))
    narrow = retyped(model, "float16")
    onnx.checker.check_model(narrow)
    stored = {t.name: t.data_type for t in narrow.graph.initializer}
    assert stored == {"scale": FLOAT, "scales": FLOAT}
    x = np.random.default_rng(2).integers(0, 100, (1, 4, 6, 6)).astype(np.float32) / 10
    found = run(narrow, x=x.astype(np.float16))
    assert found.dtype == np.float16
    assert np.allclose(found, run(model, x=x), atol=0.01)


def test_a_branch_is_converted_too() -> None:
    """What a subgraph stores and takes from around it."""
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["z"])], "b", [],
        [helper.make_tensor_value_info("z", FLOAT, [1, 2])],
        [helper.make_tensor("one", FLOAT, [1], [1.5])],
    )  # fmt: skip
    node = helper.make_node("If", ["go"], ["y"], then_branch=branch, else_branch=branch)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 2]),
         helper.make_tensor_value_info("go", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 2])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    found = run(retyped(model, "float16"), x=np.array([[1, 2]], np.float16), go=np.array(True))
    assert found.tolist() == [[2.5, 3.5]]
    assert found.dtype == np.float16


def test_a_tensor_read_twice_as_float32_has_a_cast_for_each() -> None:
    """An operator that takes float32 alone, with one tensor at two places."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,4,4] x) => (int64[A,3] y) '
        "{ most = Constant <value = int64[1] {4}> () y = NonMaxSuppression (x, x, most) }"
    )
    x = np.array([[[0, 0, 1, 1], [5, 5, 6, 6], [0, 3, 1, 4], [8, 0, 9, 1]]], np.float32)
    np.testing.assert_array_equal(
        run(retyped(model, "float16"), x=x.astype(np.float16)), run(model, x=x)
    )


def test_what_stays_float32_is_narrowed_where_float16_reads_it() -> None:
    """A Resize's scales, which stay, are added to what became float16."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,8] y) '
        "<float[2] scales = {1.0, 2.0}> "
        "{ r = Resize (x, , scales) f = ReduceSum (scales) y = Add (r, f) }"
    )
    x = np.array([[1, 2, 3, 4]], np.float32)
    found = run(retyped(model, "float16"), x=x.astype(np.float16))
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, run(model, x=x), atol=0.01)


def test_a_constant_number_beyond_float16_is_infinite() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y) '
        "{ far = Constant <value_float = 100000.0> () y = Min (x, far) }"
    )
    (given,) = (a.t for a in retyped(model, "float16").graph.node[0].attribute)
    assert numpy_helper.to_array(given) == np.float16(np.inf)


def test_a_profile_in_float16(samples: Path) -> None:
    """On the CPU, which has few kernels of it: the others run in float32 between casts."""
    found = cnnscope.profile(samples / "lenet5.onnx", provider="cpu", seconds=QUICK, dtype="float16",
                             batches=(2,), inputs={"input": np.ones((2, 1, 32, 32), np.float32)})  # fmt: skip
    assert (found.dtype, found.to_dict()["dtype"]) == ("float16", "float16")
    assert "a copy with a batch of 2" in found.notes[0]
    assert "a copy of the model in float16" in found.notes[1]
    plain = cnnscope.profile(samples / "lenet5.onnx", provider="cpu", seconds=QUICK)
    flatten, plain_flatten = (
        found.by_layer()["/flatten/Flatten"],
        plain.by_layer()["/flatten/Flatten"],
    )
    assert flatten.bytes == plain_flatten.bytes  # twice the examples, half the bytes
    with pytest.raises(ArgumentError, match="'int3' is none that a model is converted to: float16"):
        cnnscope.profile(samples / "lenet5.onnx", dtype="int3")


def test_tf32_is_for_cuda(samples: Path) -> None:
    with pytest.raises(RunError, match="--tf32 is for CUDA"):
        cnnscope.profile(samples / "lenet5.onnx", provider="cpu", tf32=True)
    chosen = with_tf32(Provider("cuda", (CUDA, CPU), ({"use_tf32": "0"}, {})))
    assert chosen.options == ({"use_tf32": "1"}, {})
