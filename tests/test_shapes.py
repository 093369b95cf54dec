"""Shapes, dtypes and small values against ONNX Runtime, which runs the same model.

Random graphs of data movement and shape arithmetic, then the same with free dimensions: the
formulas, with numbers put in, must be what the bound analysis says.
"""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import TensorProto
from test_dimension import value
from test_regions import MOVES, PLAIN, Net, random_net, session, text

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.substitution import substituted

# -- vocabulary --------------------------------------------------------------------------------


def parsed(body: str, opset: int = 18) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": {opset}, "local": 1, "com.microsoft": 1]> {body}'
    )


DTYPES = {"float": np.float32, "int64": np.int64, "bool": np.bool_, "int32": np.int32,
          "float16": np.float16, "double": np.float64, "uint8": np.uint8}  # fmt: skip


def feeds(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    found = {}
    for x in model.graph.input:
        kind = onnx.helper.tensor_dtype_to_np_dtype(x.type.tensor_type.elem_type)
        found[x.name] = np.ones([d.dim_value for d in x.type.tensor_type.shape.dim], kind)
    return found


def ran(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Every output of the main graph's nodes, from ONNX Runtime."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {o.name for o in copy.graph.output}
    names = [n for node in model.graph.node for n in node.output if n]
    copy.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    runtime = session(copy)
    outputs = [o.name for o in runtime.get_outputs()]
    return dict(zip(outputs, runtime.run(None, feeds(model)), strict=True))


def assert_agrees(model: onnx.ModelProto) -> Report:
    report = analyze(model)
    for name, actual in ran(model).items():
        mine = report.tensors[name]
        if isinstance(actual, list):
            assert mine.kind == "sequence", name
            continue
        assert (mine.dtype, mine.shape) == (str(actual.dtype), actual.shape), name
        if mine.value is not None:
            np.testing.assert_allclose(np.asarray(mine.value, float), actual, err_msg=name)
    return report


SLICE = np.array([0]), np.array([4])  # of a shape of any length, not more than this


# -- random graphs ---------------------------------------------------------------------------------


def arithmetic(seed: int) -> Net:
    """Vectors of lengths taken apart, computed with and put together, then used as shapes."""
    random = np.random.default_rng(seed)
    net = Net(*(int(random.integers(1, 7)) for _ in range(4)))
    vectors = [net.Shape("x"), net.Shape("x", start=int(random.integers(0, 3)))]

    def pick() -> str:
        return vectors[int(random.integers(len(vectors)))]

    def one() -> str:
        return net.Gather(pick(), np.array([int(random.integers(-2, 1))]), axis=0)

    steps = [
        one,
        lambda: net.Concat(pick(), one(), axis=0),
        lambda: net.Slice(pick(), np.array([0]), np.array([int(random.integers(1, 4))])),
        lambda: net.Slice(pick(), np.array([-1]), np.array([-9]), np.array([0]), np.array([-1])),
        lambda: getattr(net, str(random.choice(["Add", "Mul", "Max", "Min"])))(pick(), one()),
        lambda: net.Div(pick(), np.array([int(random.integers(1, 4))])),
        lambda: net.Sub(net.Mul(pick(), np.array([3])), np.array([2])),
        lambda: net.Cast(net.Floor(net.Mul(net.Cast(pick(), to=1), np.float32(1.5))), to=7),
        lambda: net.ReduceProd(pick(), np.array([0]), keepdims=1),
        lambda: net.Unsqueeze(net.Squeeze(one(), np.array([0])), np.array([0])),
        lambda: net.Where(net.Equal(pick(), one()), one(), pick()),
        lambda: net.Range(np.array(1), np.array(int(random.integers(2, 5))), np.array(1)),
        lambda: net.Reshape(net.Concat(one(), one(), axis=0), np.array([-1])),
        lambda: net.Tile(one(), np.array([2])),
        lambda: net.CumSum(pick(), np.array(0)),
    ]
    while len(vectors) < 12:
        before = len(net.nodes), len(net.weights)
        new = steps[int(random.integers(len(steps)))]()
        try:
            session(net.model()).run([new], {"x": np.ones(net.shape, np.float32)})
        except Exception:  # noqa: BLE001  ONNX Runtime's errors share no base
            del net.nodes[before[0] :], net.weights[before[1] :]
            continue
        vectors.append(new)
    whole = net.ReduceProd(net.Shape("x"), np.array([0]), keepdims=1)
    net.Reshape("x", net.Concat(whole, np.array([1]), axis=0))
    net.Reshape("x", net.Concat(net.Slice(net.Shape("x"), np.array([0]), np.array([2])),
                                np.array([-1]), axis=0))  # fmt: skip
    small = net.Slice(net.Min(net.Max(pick(), np.array([1])), np.array([5])), *SLICE)
    net.ConstantOfShape(small)
    net.Expand(np.float32([1.0]), small)
    return net


@pytest.mark.parametrize("seed", range(amount(14, 60)))
def test_shape_arithmetic_is_what_runs(seed: int) -> None:
    assert_agrees(arithmetic(seed).model())


@pytest.mark.parametrize("seed", range(amount(11, 40)))
def test_random_nets_have_the_shapes_that_run(seed: int) -> None:
    assert_agrees(random_net(5000 + seed, 1 + seed % 2, 6).model())


FREE = [s for s in [*PLAIN, *MOVES] if s.__name__ not in ("_split_merge",)]


@pytest.mark.parametrize("seed", range(amount(11, 40)))
def test_formulas_in_free_dimensions_are_the_bound_lengths(seed: int) -> None:
    net = random_net(6000 + seed, 2, 5, FREE)
    model = net.model()
    bound = analyze(model)
    for dim, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], "HW", strict=True):
        dim.dim_param = name
    free = analyze(model)
    again = analyze(model, dims=dict(zip("HW", net.shape[2:], strict=True)))
    known = 0
    for name, x in free.tensors.items():
        actual = bound.tensors[name].shape
        assert again.tensors[name].shape == actual
        assert x.dtype == bound.tensors[name].dtype
        if x.shape is None or actual is None:
            continue
        for d, length in zip(x.shape, actual, strict=True):
            if isinstance(d, int):
                assert d == length, (name, text(net))
            elif not d.data:
                assert isinstance(d, FreeDim)
                assert value(d, *net.shape[2:]) == length, (name, str(d), text(net))
                known += 1
    assert known


# -- control flow ----------------------------------------------------------------------------------

LOOP = "(int64 i, bool c, float[2,3] a) => (bool d, float[2,3] z, float[2,3] s)"


@pytest.mark.parametrize(
    "body",
    [
        "g (float[2,3] x, bool c) => (y) { y = If (c) <then_branch = t () => (float[2,3] u) { u = Relu(x) }, "
        "else_branch = e () => (float[2,3] v) { v = Neg(x) }> }",
        f"g (float[2,3] x) => (y, s) {{ n = Constant <value = int64 {{4}}> () t = Constant <value = bool {{1}}> () "
        f"y, s = Loop (n, t, x) <body = b {LOOP} {{ d = Identity(c) z = Relu(a) s = Neg(a) }}> }}",
        "g (float[2,3] x, float[5,2,3] q) => (y, s) { y, s = Scan <num_scan_inputs=1, body = b "
        "(float[2,3] a, float[2,3] r) => (float[2,3] z, float[2,3] o) { z = Add(a, r) o = Identity(z) }> (x, q) }",
        "g (float[2,3] x, float[2,5,3] q) => (y, s) { y, s = Scan <num_scan_inputs=1, scan_input_axes=[1], "
        "scan_output_axes=[-1], body = b (float[2,3] a, float[2,3] r) => (float[2,3] z, float[2,3] o) "
        "{ z = Add(a, r) o = Identity(z) }> (x, q) }",
        # decided beforehand: the other branch has another shape
        "g (float[2,3] x) => (y) { c = Constant <value = bool {0}> () y = If (c) <then_branch = t () => (float[A] u) "
        "{ u = Flatten(x) }, else_branch = e () => (float[A,B] v) { v = Concat <axis=0> (x, x) }> }",
        "g (float[2,3] x) => (y) { q = SequenceConstruct(x, x) y = ConcatFromSequence <axis=1> (q) }",
        "g (float[2,6] x) => (y) { q = SplitToSequence <axis=1, keepdims=1> (x) i = Constant <value = int64 {0}> () "
        "y = SequenceAt(q, i) }",
    ],
)  # fmt: skip
def test_control_flow_and_sequences(body: str) -> None:
    assert_agrees(parsed(body))


def test_branches_that_differ_leave_what_differs_unknown() -> None:
    model = parsed("g (float[2,3] x, bool c) => (y) { y = If (c) <then_branch = t () => (float[A,B] u) "
                   "{ u = Concat <axis=1> (x, x) }, else_branch = e () => (float[A,B] v) { v = Relu(x) }> }")  # fmt: skip
    shape = analyze(model).tensors["y"].shape
    assert shape is not None
    assert shape[0] == 2
    assert isinstance(shape[1], FreeDim)


def test_data_dependent_sizes_say_so() -> None:
    report = analyze(parsed("g (float[2,3] x) => (y) { y = NonZero(x) }"))
    shape = report.tensors["y"].shape
    assert shape is not None
    assert shape[0] == 2
    assert isinstance(shape[1], FreeDim)
    assert shape[1].data


# -- operators without rules -------------------------------------------------------------------------


def test_a_schemas_function_is_looked_into() -> None:
    # Whatever has no rules of its own but a body in its schema: its work is that of the body.
    model = parsed(
        "g (float[2,3] x, float[2,3] t) => (y) { y = MeanVarianceNormalization <axes=[1]> (x) }"
    )
    report = assert_agrees(model)
    assert report["y"].how in ("function", "rules")
    assert report.totals.flops.value


@pytest.mark.parametrize(
    "body",
    [
        "g (float[2,3] x) => (y) { y = Multinomial <sample_size=4> (x) }",
        'g (float[2,3] x) => (y) { y = LabelEncoder <keys_floats=[1.0], values_floats=[2.0]> (x) }',
        "g (float[3,3] x) => (y) { y = Det(x) }",
        "g (float[2,3] x) => (y) { y = Bernoulli(x) }",
        "g (int64[4] x) => (a, b, c, d) { a, b, c, d = Unique(x) }",
        "g (float[2,3] x) => (y) { y = Hardmax(x) }",
        "g (float[2,3] x) => (y) { y = EyeLike(x) }",
    ],
)  # fmt: skip
def test_unusual_operators(body: str) -> None:
    model = parsed(body)
    if "LabelEncoder" in body:
        model.graph.node[0].domain = "ai.onnx.ml"
        model.opset_import.add(domain="ai.onnx.ml", version=2)
    report = analyze(model)
    for name, actual in ran(model).items():
        x = report.tensors[name]
        assert x.dtype == str(actual.dtype)
        assert x.shape is not None
        assert len(x.shape) == actual.ndim
        assert all(a == b for a, b in zip(x.shape, actual.shape, strict=True) if isinstance(a, int))


def test_an_unknown_operator_is_a_diagnostic_and_its_declared_shape_is_taken() -> None:
    model = parsed("g (float[2,3] x) => (float[2,7] z) { y = local.mystery(x) z = Relu(y) }")
    model.graph.value_info.append(
        onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 7])
    )
    report = analyze(model)
    assert (report["y"].how, report.tensors["z"].shape) == ("declared", (2, 7))
    (note,) = [d for d in report.diagnostics if d.code == "unknown-operator"]
    assert "local::mystery" in note.message
    del model.graph.value_info[:]
    found = analyze(model)
    assert (found["y"].how, found.tensors["y"].shape) == ("unknown", None)
    assert found.totals.macs.status != "complete"


def test_what_an_unknown_operator_costs_is_told_with_its_name() -> None:
    body = "g (float[2,3] x) => (z) { y = local.mystery(x) t = Relu(y) z = Exp(t) }"
    totals = analyze(parsed(body)).totals
    behind = {"Relu (behind local::mystery)": 1, "Exp (behind local::mystery)": 1}
    assert totals.macs.uncounted == {"local::mystery": 1, **behind}
    assert totals.peak_activation_bytes.uncounted == {"local::mystery": 1, **behind}
    assert "local::mystery" in totals.traffic_bytes.uncounted


def test_a_stale_declaration_is_said_and_not_believed() -> None:
    model = parsed("g (float[2,3] x) => (float[9,9] y) { y = Relu(x) }")
    report = analyze(model)
    assert report.tensors["y"].shape == (2, 3)
    assert "declared-shape-differs" in {d.code for d in report.diagnostics}


# -- contradictions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "g (float[2,3] x, float[2,4] z) => (y) { [bad] y = Add(x, z) }",
        "g (float[2,3] x, float[4,5] z) => (y) { [bad] y = MatMul(x, z) }",
        "g (float[1,3,8,8] x, float[4,5,3,3] w) => (y) { [bad] y = Conv(x, w) }",
        "g (float[1,3,8,8] x, float[4,3,9,9] w) => (y) { [bad] y = Conv(x, w) }",
        "g (float[2,3] x) => (y) <int64[2] s = {4, 2}> { [bad] y = Reshape(x, s) }",
        "g (float[2,3] x, float[4,3] z) => (y) { [bad] y = Concat <axis=1> (x, z) }",
        "g (float[2,3] x) => (y) { [bad] y = Transpose <perm=[0, 0]> (x) }",
        "g (float[2,3] x) => (y) { [bad] y = Gather <axis=5> (x, x) }",
        "g (float[2,3] x) => (y) { [bad] y = Concat (x, x) }",
        "g (float[2,3] x) => (y) { [bad] y = Softmax <axis=7> (x) }",
        "g (float[2,3] x) => (y) <int64[1] a = {1}> { [bad] y = Squeeze(x, a) }",
    ],
)  # fmt: skip
def test_contradictions_name_the_node(body: str) -> None:
    report = analyze(parsed(body))
    (error,) = report.errors
    assert (error.code, error.layer) == ("invalid-node", "bad")
    assert re.fullmatch(
        r"node 'bad' \((\w+)\): [^\n]+ \(inputs: (-|scalar|[x\d]+)(, .*)?\)", error.message
    )
    (layer,) = [x for x in report.layers if x.name == "bad"]
    assert layer.output_shape is None
    assert layer.work is None
    assert dict(layer.uncounted) == {layer.op: 1}
    assert layer.op in error.message
    for name in ("macs", "flops", "traffic_bytes", "peak_activation_bytes"):
        assert getattr(report.totals, name).value is None


@pytest.mark.parametrize(
    ("op", "number", "formula"), [("Add", 2, "t + 2"), ("Mul", 3, "3*t"), ("Sub", -4, "t + 4")]
)
def test_a_number_beside_a_free_length_is_a_formula(op: str, number: int, formula: str) -> None:
    """The length runs as written for every t: 5 and 9 are tried."""
    body = f"""g (float[t] x) => (float[u] y) <int64[1] k = {{{number}}}> {{
        s = Shape(x)
        d = {op}(s, k)
        y = ConstantOfShape(d)
    }}"""
    found = analyze(parsed(body)).layers[-1].outputs[0].shape
    assert found is not None
    (length,) = found
    assert str(length) == formula
    for t in (5, 9):
        (y,) = session(parsed(body)).run(None, {"x": np.zeros(t, np.float32)})
        assert isinstance(length, FreeDim)
        assert y.shape == (substituted(length, {"t": t}),)


def test_whether_a_free_length_equals_a_number_is_not_guessed() -> None:
    body = """g (float[t] x) => (float[u] y) <int64[1] k = {4}, int64[1] a = {7}, int64[1] b = {8}> {
        s = Shape(x)
        e = Equal(s, k)
        d = Where(e, a, b)
        y = ConstantOfShape(d)
    }"""
    found = analyze(parsed(body)).layers[-1].outputs[0].shape
    assert found is not None
    assert isinstance(found[0], FreeDim)
