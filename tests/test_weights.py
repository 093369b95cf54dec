"""What is stored, and as what: each case of the issue's list, one line a case.

A row is a model in ONNX's text form and (parameters, buffers, constants, weight bytes) by hand.
"""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.report.report import Report

# -- vocabulary --------------------------------------------------------------------------------


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["": 21, "local": 1, "com.microsoft": 1]> {text}'
    )


def counted(model: onnx.ModelProto) -> tuple[int | None, ...]:
    t = analyze(model).totals
    return tuple(m.value for m in (t.params, t.buffers, t.constants, t.weight_bytes))


def stored(text: str, **weights: np.ndarray) -> onnx.ModelProto:
    """A model whose initializers are arrays."""
    model = parsed(text)
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in weights.items())
    return model


def ramp(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


W = "<float[2,2] w = {1, 2, 3, 4}>"
ONES = "float[2] {v} = {{1, 2}}"
BN = ", ".join(ONES.format(v=v) for v in "sbmv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # plain, shared by two layers, used twice by one
        (f"g (float[1,2] x) => (y) {W} {{ y = MatMul(x, w) }}", (4, 0, 0, 16)),
        (f"g (float[1,2] x) => (y) {W} {{ a = MatMul(x, w) y = MatMul(a, w) }}", (4, 0, 0, 16)),
        (f"g (float[2,2] x) => (y) {W} {{ a = MatMul(w, x) b = MatMul(a, w) y = Add(b, w) }}", (4, 0, 0, 16)),
        # in a Constant node; out of nothing but a shape
        ("g (float[1,2] x) => (y) { w = Constant <value = float[2,2] {1,2,3,4}> () y = MatMul(x, w) }", (4, 0, 0, 16)),
        ("g (float[1,2] x) => (y) <int64[2] s = {2, 3}> { w = ConstantOfShape(s) y = MatMul(x, w) }", (0, 0, 2, 16)),
        # behind other nodes
        (f"g (float[1,2] x) => (y) {W} {{ v = Identity(w) y = MatMul(x, v) }}", (4, 0, 0, 16)),
        (f"g (float[1,2] x) => (y) {W} {{ v = Transpose(w) y = MatMul(x, v) }}", (4, 0, 0, 16)),
        (f"g (float[1,2] x) => (y) {W} {{ v = Transpose(w) a = MatMul(x, v) y = MatMul(a, w) }}", (4, 0, 0, 16)),
        # shape constants, bounds
        ("g (float[1,4] x) => (y) <int64[2] s = {2, 2}> { y = Reshape(x, s) }", (0, 0, 2, 16)),
        ("g (float[1,4] x) => (y) <float lo = {0}, float hi = {6}> { y = Clip(x, lo, hi) }", (0, 0, 2, 8)),
        # running statistics
        (f"g (float[1,2,3] x) => (y) <{BN}> {{ y = BatchNormalization(x, s, b, m, v) }}", (4, 4, 0, 32)),
        # stored, and used by nothing
        ("g (float[1,2] x) => (y) <float[2,2] w = {1,2,3,4}, float[3] u = {1,2,3}> { y = MatMul(x, w) }", (4, 0, 0, 16)),
        # in subgraphs: their own, and captured by both
        ("g (float[1,2] x, bool c) => (y) <float[2,2] w = {1,2,3,4}> { y = If (c) <"
         "then_branch = t () => (float[1,2] u) { u = MatMul(x, w) }, "
         "else_branch = e () => (float[1,2] v) <float[2,2] k = {1,2,3,4}> { a = MatMul(x, k) v = MatMul(a, w) }> }",
         (8, 0, 0, 32)),
        # by a function, twice
        (f"g (float[1,2] x) => (y) {W} {{ a = local.f(x, w) y = local.f(a, w) }} "
         '<domain: "local", opset_import: ["": 21]> f (p, q) => (r) { r = MatMul(p, q) }', (4, 0, 0, 16)),
    ],
)  # fmt: skip
def test_roles_and_counts(text: str, expected: tuple[int | None, ...]) -> None:
    found = counted(parsed(text))
    assert tuple(f for f, e in zip(found, expected, strict=True) if e is not None) == tuple(
        e for e in expected if e is not None
    )


def test_weights_computed_from_other_weights_are_what_is_stored() -> None:
    # Weight standardisation: w - mean(w), over 24 stored elements.
    text = """g (float[1,2,9] x) => (y) { m = ReduceMean <keepdims=1> (w, axes) v = Sub(w, m)
              y = Conv(x, v) }"""
    model = stored(text, w=ramp(4, 2, 3), axes=np.array([1, 2]))
    assert counted(model) == (24, 0, 2, 24 * 4 + 16)
    assert [layer.op for layer in analyze(model).layers] == ["Conv"]


@pytest.mark.parametrize(
    ("scale", "params", "constants"),
    [(np.float32(0.5), 24, 2), (ramp(4), 24, 8)],
)
def test_a_quantised_weight_is_its_elements_in_its_own_bytes(
    scale: np.ndarray, params: int, constants: int
) -> None:
    text = "g (float[1,2,9] x) => (y) { v = DequantizeLinear <axis=0> (w, s, z) y = Conv(x, v) }"
    scale = np.asarray(scale)
    model = stored(text, w=ramp(4, 2, 3, dtype="int8"), s=scale, z=np.zeros(scale.shape, "int8"))
    assert counted(model) == (params, 0, constants, 24 + 5 * scale.size)


def test_four_bits_are_packed_two_to_a_byte() -> None:
    model = parsed("g (float[1,3] x) => (y) { v = DequantizeLinear(w, s) y = MatMul(x, v) }")
    model.graph.initializer.append(
        helper.make_tensor("w", TensorProto.INT4, [3, 5], np.zeros(15, np.int8))
    )
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "s"))
    assert counted(model) == (15, 0, 1, 8 + 4)


def test_matmul_nbits_counts_weights_and_true_bytes() -> None:
    # K 64, N 10, blocks of 32: 10 x 2 blocks x 16 bytes hold 640 weights; one scale a block.
    text = "g (float[1,64] x) => (y) { y = com.microsoft.MatMulNBits <K=64, N=10, bits=4, block_size=32> (x, w, s) }"
    model = stored(text, w=ramp(10, 2, 16, dtype="uint8"), s=ramp(20))
    assert counted(model) == (640, 0, 20, 320 + 80)


def test_a_sparse_weight_is_its_non_zero_elements() -> None:
    model = parsed("g (float[1,4] x) => (y) { y = MatMul(x, w) }")
    values = numpy_helper.from_array(ramp(3) + 1, "w")
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([1, 5, 9]), "i"), [4, 4])
    )
    assert counted(model) == (3, 0, 0, 3 * 4 + 3 * 8)


def test_what_nothing_reads_is_said() -> None:
    model = stored("g (float[1,2] x) => (y) { y = Relu(x) }", dead=ramp(7))
    report = analyze(model)
    assert report.totals.params.value == 0
    (note,) = [d for d in report.diagnostics if d.code == "unused-weights"]
    assert "dead" in note.message


def test_a_shared_weight_is_counted_at_its_first_layer() -> None:
    found: Report = analyze(
        parsed(f"g (float[1,2] x) => (y) {W} {{ a = MatMul(x, w) y = MatMul(a, w) }}")
    )
    assert [(x.params, x.shared_params) for x in found.layers] == [(4, 0), (0, 4)]
    assert sum(x.weight_bytes for x in found.layers) == found.totals.weight_bytes.value == 16


@pytest.mark.parametrize("seed", range(8))
def test_layers_add_up_to_the_total(seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = {f"w{i}": ramp(3, 3) + i for i in range(4)}
    nodes, x = [], "x"
    for k in range(7):
        w = str(random.choice(list(weights)))
        nodes.append(
            helper.make_node(str(random.choice(["MatMul", "Add", "Mul"])), [x, w], [f"t{k}"])
        )
        x = f"t{k}"
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3, 3]) for n in ("x", x)]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:],
                              [numpy_helper.from_array(a, n) for n, a in weights.items()])  # fmt: skip
    found = analyze(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]))
    distinct = {n for node in nodes for n in node.input if n in weights}
    assert found.totals.params.value == 9 * len(distinct) == sum(x.params for x in found.layers)


@pytest.mark.parametrize("spelling", ["initializer", "Constant"])
def test_of_a_sparse_tensor_what_is_stored_counts(spelling: str) -> None:
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("s", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("i", TensorProto.INT64, [3], [0, 5, 9]),
        [4, 4],
    )
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 4]) for n in ("x", "y")]
    nodes = [helper.make_node("MatMul", ["x", "s"], ["y"])]
    if spelling == "Constant":
        nodes.insert(0, helper.make_node("Constant", [], ["s"], sparse_value=sparse))
    given = [sparse] if spelling == "initializer" else []
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], sparse_initializer=given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    # three floats and three 64-bit indices; the product is done on the dense matrix
    assert counted(model) == (3, 0, 0, 3 * 4 + 3 * 8)
    assert analyze(model).totals.macs.value == 2 * 4 * 4


def test_what_is_computed_from_a_shape_is_stored_nowhere(cases: Path) -> None:
    # A canvas of 4 x 8 x 8 zeros that pillars are scattered into, and a convolution of 8 x 4 x 3 x 3.
    report = analyze(cases / "pointpillars_constofshape.onnx")
    assert report.totals.params.value == 288
    assert sum(layer.weight_bytes for layer in report.layers if layer.op == "Conv") == 288 * 4
    # the shape of the canvas (3 numbers) and the axis of an Unsqueeze
    assert (report.totals.constants.value, report.totals.weight_bytes.value) == (4, 1_152 + 32)


def test_what_folded_nodes_read_is_read(cases: Path) -> None:
    for name in ("flatten_by_shape", "pointpillars_constofshape"):
        found = analyze(cases / f"{name}.onnx").diagnostics
        assert not [d for d in found if d.code == "unused-weights"]


def test_a_mask_made_of_lengths_is_no_layer() -> None:
    # As torchvision's Swin makes its attention mask: canvases of the input's size, compared with each
    # other; nothing of it hangs on the input's numbers, and nothing of it is learned.
    report = analyze(
        parsed("""g (float[1,4,4] x) => (y) <float[1] v = {1}> { s = Shape(x) z = ConstantOfShape(s)
        u = Expand(v, s) d = Sub(z, u) e = Equal(d, z) m = Where(e, z, d) y = Add(x, m) }""")
    )
    assert [layer.op for layer in report.layers] == ["Add"]
    assert (report.totals.params.value, report.totals.constants.value) == (0, 1)
    assert report.totals.peak_activation_bytes.value == 2 * 64
