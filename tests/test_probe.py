"""The NaN probe: does each replacement hang on what the operator hangs on, and are faults caught?

The table of replacements is held against the operators themselves, run by ONNX Runtime: an input row
changed strongly and in several ways changes exactly the output elements that a NaN in that row turns
NaN in the rewritten copy. No rule of the analyzer takes part in that. Then whole nets: they agree,
and a rule made wrong on purpose is named at the node where it first shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from single_node import Case, case, model, run
from test_regions import MOVES, PLAIN, Net, random_net, text

from cnnscope.analyzer.operators import definition as registry
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.verification import FieldCheck
from cnnscope.analyzer.values.phases import Phases
from cnnscope.analyzer.values.window import Window
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.probe import comparison as probe_comparison
from cnnscope.runtime.probe import probe
from cnnscope.runtime.probe.copy import write_probe
from cnnscope.runtime.probe.interpolation import neighbours
from cnnscope.runtime.probe.probe import check_fields
from cnnscope.runtime.probe.rule import REASONS, RULES

SAMPLES = Path(__file__).parent.parent / "sample_models"
FLOAT = TensorProto.FLOAT
MS = "com.microsoft"


def whole_numbers(*shape: int, low: int = 0, high: int = 5, dtype: str = "int64") -> np.ndarray:
    return np.random.default_rng(7).integers(low, high, shape).astype(dtype)


def flags(*shape: int) -> np.ndarray:
    return np.random.default_rng(8).random(shape) < 0.5


def list_(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


# -- each replacement against its operator ---------------------------------------------------------


def changed_by(c: Case, which: int, axis: int, row: int) -> list[np.ndarray]:
    """The output elements that change with one row of an input, in any of several ways."""
    before = run(c)
    found = [np.zeros(y.shape, bool) for y in before]
    random = np.random.default_rng(row)
    original = c.inputs[which]
    assert original is not None
    for way in range(6):
        x = original.copy()
        part = x[(slice(None),) * axis + (row,)]
        if x.dtype.kind == "b":
            part = ~part
        elif x.dtype.kind in "iu":
            far = random.integers(0, 4, part.shape) if way > 3 else np.full(part.shape, way)
            part = np.where(far == part, far + 1, far).astype(x.dtype)
        else:
            noise = random.standard_normal(part.shape)
            ways = (noise, 1000 + noise, -1000 + noise, 30 * noise, 0.1 * noise, -part * 2)
            part = (part + ways[way]).astype(x.dtype)
        x[(slice(None),) * axis + (row,)] = part
        after = run(dataclasses.replace(c, inputs=(*c.inputs[:which], x, *c.inputs[which + 1 :])))
        for k, (old, new) in enumerate(zip(before, after, strict=True)):
            if old.dtype.kind == "f":
                found[k] |= ~np.isclose(new, old, rtol=1e-5, atol=1e-7, equal_nan=True)
            else:
                found[k] |= new != old
    return found


def nan_in(c: Case) -> Callable[[int, int, int], list[np.ndarray]]:
    """The copy of a node: which elements of its outputs a NaN in a row of an input reaches."""
    analysis = examine(model(c).SerializeToString())
    written = write_probe(analysis)
    assert not written.missing
    names = [written.copy.add("Identity", [written.whole(f"y{k}")]) for k in range(c.outputs)]
    feeds = {
        f"x{i}": np.ones(x.shape, np.float32)
        for i, x in enumerate(c.inputs)
        if x is not None and i not in c.constants
    }
    proto = written.copy.model({name: x.shape for name, x in feeds.items()}, names)
    session = open_session(proto, CPU_PROVIDER, SessionSettings(threads=1), written.copy.fillings)
    assert not any(np.isnan(y).any() for y in session.run(names, feeds))

    def reached(which: int, axis: int, row: int) -> list[np.ndarray]:
        x = np.ones(feeds[f"x{which}"].shape, np.float32)
        x[(slice(None),) * axis + (row,)] = np.nan
        return [np.isnan(y) for y in session.run(names, feeds | {f"x{which}": x})]

    return reached


SMALL = (1, 2, 6)
SQUARE = (1, 2, 7, 6)
UNARY = ["Neg", "Abs", "Sigmoid", "Tanh", "Exp", "Softplus", "Softsign", "Erf", "Elu", "Selu",
         "LeakyRelu", "Celu", "Sin", "Mish", "HardSwish", "Identity"]  # fmt: skip
PLACES = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}

CASES = [
    *(case(op, SMALL, opset=18 if op == "Mish" else 21) for op in UNARY),
    *(case(op, SMALL) for op in ("Relu", "Sign", "Floor", "Ceil", "Round", "HardSigmoid", "Clip")),
    case("Cast", SMALL, to=TensorProto.INT32), case("Not", flags(2, 3)),
    case("Cos", SMALL),
    *(case(op, SMALL, (2, 1)) for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean")),
    *(case(op, SMALL, np.full((1, 2, 1), 2.5, np.float32), const=(1,)) for op in ("Mul", "Add", "PRelu")),
    case("Pow", np.abs(whole_numbers(2, 3).astype(np.float32)) + 1, (1, 3)),
    case("Mul", (1, 1, 4), np.full((2, 3, 1), 2.0, np.float32), const=(1,)),
    *(case(op, SMALL, (2, 1)) for op in ("Greater", "LessOrEqual")),
    *(case(op, flags(2, 3), flags(1, 3)) for op in ("Xor",)),
    case("Conv", SQUARE, (4, 2, 3, 2), const=(1,), strides=[2, 1], pads=[1, 0, 1, 1]),
    case("Conv", SQUARE, (4, 1, 3, 3), (4,), const=(1, 2), group=2, dilations=[2, 1]),
    case("Conv", (1, 2, 9), (3, 2, 3), const=(1,), auto_pad="SAME_UPPER", strides=[2]),
    case("ConvTranspose", SQUARE, (2, 3, 3, 2), const=(1,), strides=[2, 3], pads=[1, 0, 1, 1]),
    case("ConvTranspose", (1, 4, 5), (4, 2, 3), const=(1,), group=2, output_padding=[1], strides=[2]),
    case("MatMul", (3, 4), (4, 2), const=(1,)), case("MatMul", (2, 3, 4), (2, 4, 2)),
    case("MatMul", (3, 4), (4, 5), const=(0,)), case("MatMul", (3, 4), (4,), const=(1,)),
    case("Gemm", (4, 3), (5, 4), (5,), const=(1, 2), transA=1, transB=1),
    case("Einsum", (2, 3, 4), (4, 5), const=(1,), equation="abc,cd->dab"),
    case("MaxPool", SQUARE, **PLACES), case("MaxPool", SQUARE, **PLACES, ceil_mode=1),
    case("MaxPool", SQUARE, **PLACES, outputs=1, opset=11),
    case("MaxPool", SQUARE, kernel_shape=[2, 3], dilations=[2, 1], pads=[1, 1, 0, 1]),
    case("MaxPool", SQUARE, kernel_shape=[2, 3], dilations=[2, 1], pads=[1, 1, 0, 1], opset=12),
    case("MaxPool", (1, 1, 9), kernel_shape=[3], strides=[2], auto_pad="SAME_LOWER"),
    case("AveragePool", SQUARE, **PLACES, ceil_mode=1),
    case("AveragePool", SQUARE, kernel_shape=[2, 2], dilations=[2, 3], count_include_pad=1),
    case("LpPool", SQUARE, **PLACES), case("GlobalAveragePool", SQUARE), case("GlobalMaxPool", SQUARE),
    case("GlobalLpPool", SQUARE),
    *(case(op, (2, 3, 4), list_(1), const=(1,), keepdims=0)
      for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
                 "ReduceLogSumExp", "ReduceSumSquare", "ReduceProd")),
    *(case(op, (2, 3, 4), axes=[0, 2], opset=12) for op in ("ReduceSum", "ReduceMax", "ReduceL2")),
    case("ArgMax", (2, 5, 3), axis=1), case("ArgMin", (2, 5, 3), axis=-1, keepdims=0),
    case("TopK", (2, 5), list_(2), const=(1,), outputs=2),
    case("Softmax", (2, 5, 3), axis=1), case("Softmax", (2, 5, 3), axis=1, opset=11),
    case("LogSoftmax", (2, 5)), case("CumSum", (2, 5), np.array(1), const=(1,)),
    case("CumSum", (2, 5), np.array(1), const=(1,), reverse=1, exclusive=1),
    case("LRN", (1, 5, 3, 2), size=3),
    case("BatchNormalization", SMALL, (2,), (2,), (2,), np.ones(2, np.float32), const=(1, 2, 3, 4)),
    case("InstanceNormalization", (2, 2, 6), (2,), (2,), const=(1, 2)),
    case("LayerNormalization", (2, 3, 6), (6,), (6,), const=(1, 2)),
    case("GroupNormalization", (1, 4, 6), (4,), (4,), const=(1, 2), num_groups=2),
    case("LpNormalization", (2, 5, 3), axis=1), case("MeanVarianceNormalization", (2, 2, 3, 3)),
    case("LSTM", (5, 1, 3), (2, 16, 3), (2, 16, 4), (2, 32), const=(1, 2, 3), hidden_size=4,
         direction="bidirectional", outputs=3),
    case("GRU", (5, 1, 3), (1, 12, 3), (1, 12, 4), (1, 24), const=(1, 2, 3), hidden_size=4, outputs=2),
    case("RNN", (5, 1, 3), (1, 4, 3), (1, 4, 4), (1, 8), const=(1, 2, 3), hidden_size=4,
         direction="reverse", outputs=2),
    case("Transpose", (2, 3, 4), perm=[2, 0, 1]), case("Flatten", (2, 3, 4), axis=2),
    case("Reshape", (2, 6), list_(3, 4), const=(1,)), case("Squeeze", (1, 3, 1), list_(0), const=(1,)),
    case("Unsqueeze", (3,), list_(0, 2), const=(1,)), case("Concat", (2, 3), (2, 2), axis=1),
    case("Concat", (2, 3), (2, 2), const=(1,), axis=-1),
    case("Split", (2, 7), list_(3, 4), const=(1,), axis=1, outputs=2),
    case("Slice", (2, 9), list_(7), list_(0), list_(1), list_(-2), const=(1, 2, 3, 4)),
    case("Pad", (2, 5), list_(0, 2, 0, 1), const=(1,), mode="reflect"),
    case("Pad", (2, 5), list_(0, 2, 0, -1), np.float32(3), const=(1, 2)),
    case("Expand", (3, 1), list_(2, 3, 4), const=(1,)), case("Tile", (2, 3), list_(1, 2), const=(1,)),
    case("Gather", (2, 5), list_(4, 0, 0), const=(1,), axis=1),
    case("GatherElements", (2, 5), whole_numbers(2, 3), const=(1,), axis=1),
    case("GatherND", (3, 4), np.array([[0, 1], [2, 2]]), const=(1,)),
    case("ScatterND", (4, 3), np.array([[1], [3]]), (2, 3), const=(1,)),
    case("ScatterElements", (4, 3), np.array([[1, 0, 2]]), (1, 3), const=(1,)),
    case("DepthToSpace", (1, 8, 2, 3), blocksize=2, mode="CRD"),
    case("SpaceToDepth", (1, 2, 4, 6), blocksize=2),
    case("Gather", (5, 3), whole_numbers(2, 4, high=5), const=(0,)),
    case("Gather", (2, 5, 3), whole_numbers(4, high=5), const=(0,), axis=1),
    case("OneHot", whole_numbers(2, 3, high=2), np.array(2), np.array([0.0, 1.0], np.float32), const=(1, 2)),
    case("Resize", SQUARE, None, np.array([1, 1, 2, 0.5], np.float32), const=(2,), mode="nearest"),
    *(case("Resize", SQUARE, None, np.array([1, 1, 2, 1.5], np.float32), const=(2,), mode=mode,
           coordinate_transformation_mode=where)
      for mode in ("linear", "cubic") for where in ("half_pixel", "asymmetric", "align_corners")),
    case("Resize", SQUARE, None, None, list_(1, 2, 9, 4), const=(3,), mode="linear"),
    case("Resize", SQUARE, np.zeros(0, np.float32), np.zeros(0, np.float32), list_(1, 2, 9, 4),
         const=(1, 2, 3), mode="linear", opset=11),
    case("Upsample", SQUARE, np.array([1, 1, 2, 2], np.float32), const=(1,), mode="linear", opset=9),
    case("QLinearAdd", whole_numbers(2, 3, high=255, dtype="uint8"), np.float32(0.5), np.uint8(3),
         whole_numbers(1, 3, high=255, dtype="uint8"), np.float32(0.5), np.uint8(3), np.float32(0.5),
         np.uint8(0), const=(1, 2, 4, 5, 6, 7), domain=MS),
    case("MatMulInteger", whole_numbers(2, 3, dtype="uint8"), whole_numbers(3, 4, low=1, dtype="uint8"),
         const=(1,)),
    case("ConvInteger", whole_numbers(1, 2, 6, dtype="uint8"), whole_numbers(3, 2, 3, low=1, dtype="uint8"),
         const=(1,), pads=[1, 0], strides=[2]),
    case("Attention", (1, 2, 5, 4), (1, 2, 6, 4), (1, 2, 6, 4), opset=23),
    case("MultiHeadAttention", (1, 5, 8), (1, 6, 8), (1, 6, 8), num_heads=2, domain=MS),
    case("Attention", (1, 5, 6), (6, 24), (24,), const=(1, 2), num_heads=2, domain=MS),
    case("LRN", (2, 6, 3, 2), size=5), case("Trilu", (2, 4, 5)),
    case("DynamicQuantizeLinear", SMALL, outputs=3),
    case("QGemm", whole_numbers(3, 4, dtype="uint8"), np.float32(0.1), np.uint8(0),
         whole_numbers(4, 2, low=1, dtype="uint8"), np.float32(0.1), np.uint8(0), None,
         np.float32(0.01), np.uint8(0), const=(1, 2, 3, 4, 5, 7, 8), domain=MS),
    case("QLinearMatMul", whole_numbers(3, 4, dtype="uint8"), np.float32(0.1), np.uint8(0),
         whole_numbers(4, 2, low=1, dtype="uint8"), np.float32(0.1), np.uint8(0),
         np.float32(0.01), np.uint8(0), const=(1, 2, 3, 4, 5, 6, 7)),
    case("QLinearConv", whole_numbers(1, 2, 7, dtype="uint8"), np.float32(0.1), np.uint8(0),
         whole_numbers(3, 2, 3, low=1, dtype="uint8"), np.float32(0.1), np.uint8(0),
         np.float32(0.01), np.uint8(0), const=(1, 2, 3, 4, 5, 6, 7), strides=[2], pads=[1, 1]),
    case("QuantizeLinear", SMALL, np.float32(0.01), np.int8(0), const=(1, 2)),
    # Operands that are computed: a residual, a bias, an axis, statistics of the batch, a scale.
    case("FusedConv", (1, 2, 6), (3, 2, 3), (3,), (1, 3, 3), const=(1, 2), strides=[2], pads=[1, 1],
         domain=MS),
    case("DFT", (2, 5, 3, 1), None, np.int64(1), const=(2,), opset=20),
    case("DFT", (2, 5, 3, 1), None, np.int64(-2), const=(2,), opset=20),
    case("BatchNormalization", (2, 3, 4), (3,), (3,), (3,), np.array([2, 3, 4], np.float32),
         const=(1, 2, 3, 4), outputs=3, training_mode=1, opset=15),
    case("QLinearAdd", whole_numbers(2, 3, dtype="uint8"), np.float32(0.1), np.uint8(0),
         whole_numbers(2, 3, low=1, dtype="uint8"), np.float32(0.1), np.uint8(0), np.float32(0.02),
         np.uint8(0), const=(1, 2, 4, 5, 6, 7), domain=MS),
]  # fmt: skip


def label(c: Case) -> str:
    return f"{c.domain}{c.op}-{c.opset}-" + "-".join(f"{k}={v}" for k, v in c.attributes.items())


@pytest.mark.parametrize("c", CASES, ids=label)
def test_a_nan_reaches_what_the_operator_lets_a_change_reach(c: Case) -> None:
    reached = nan_in(c)
    for which, x in enumerate(c.inputs):
        if x is None or which in c.constants:
            continue
        for axis in range(x.ndim):
            for row in range(x.shape[axis]):
                expected = changed_by(c, which, axis, row)
                for k, (mine, actual) in enumerate(
                    zip(reached(which, axis, row), expected, strict=True)
                ):
                    assert np.array_equal(mine, actual), (c.op, which, axis, row, k)


def test_a_computed_bias_of_a_recurrence_is_seen() -> None:
    """Its kernels clip behind a bias and lose a NaN: the copy adds it to what comes out."""
    c = case("LSTM", (4, 2, 3), (1, 20, 3), (1, 20, 5), (1, 40), const=(1, 2), outputs=3,
             hidden_size=5)  # fmt: skip
    assert all(y.all() for y in nan_in(c)(3, 1, 0))


def test_no_copy_is_blind_to_a_computed_operand() -> None:
    """A scale per channel that the rule has no place for: not probed, rather than left out."""
    x, q = whole_numbers(1, 2, 6, dtype="uint8"), whole_numbers(3, 2, 3, dtype="uint8")
    c = case("QLinearConv", x, np.float32(0.1), np.uint8(0), q, np.ones(3, np.float32),
             np.zeros(3, np.uint8), np.float32(0.01), np.uint8(0), const=(1, 2, 3, 5, 6, 7))  # fmt: skip
    check = check_fields(examine(model(c).SerializeToString()))
    assert check.ok
    assert "computed from the input" in check.unchecked[-1].reason


def test_no_operator_is_both_declared_and_refused() -> None:
    assert not RULES.keys() & REASONS.keys()


def test_every_declared_operator_is_one_that_exists() -> None:
    known = {(s.domain, s.name) for s in onnx.defs.get_all_schemas_with_history()}
    known |= {(o.domain, o.name) for o in registry.defined()}
    assert not (RULES.keys() | REASONS.keys()) - known


# -- interpolation ---------------------------------------------------------------------------------


def test_only_neighbours_with_a_weight_count() -> None:
    """Doubling by hand: the middle of each new pixel lies a quarter from an old one, but at the ends."""
    scales = np.array([1, 1, 2], np.float32)
    built = case("Resize", (1, 1, 3), None, scales, const=(2,), mode="linear",
                 coordinate_transformation_mode="half_pixel")  # fmt: skip
    node = examine(model(built).SerializeToString()).graph.nodes[0]
    try:
        found = neighbours(node, 21, (1, 1, 3), [None, None, scales])
    except Exception:  # noqa: BLE001  this kernel may want two axes more
        scales = np.array([1, 1, 2, 1], np.float32)
        found = neighbours(node, 21, (1, 1, 3, 1), [None, None, scales])
    assert found == {2: [[0], [0, 1], [0, 1], [1, 2], [1, 2], [2]]}


# -- whole nets ------------------------------------------------------------------------------------


def agreed(check: FieldCheck) -> bool:
    return check.ok and check.compared == check.agreeing > 0


@pytest.mark.parametrize("name", ["lenet5", "mobilenet_v2", "resnet50"])
def test_a_sample_agrees_in_every_tensor(name: str) -> None:
    analysis = examine(SAMPLES / f"{name}.onnx")
    check = check_fields(analysis)
    assert agreed(check)
    assert not check.unchecked
    assert len(check.probes) == 4
    assert check.probes[0].index == (0, 0)
    tensors = {o for n in analysis.graph.nodes for o in n.outputs if analysis.fields.states.get(o)}
    assert check.compared == len(tensors | set(analysis.graph.inputs))


@pytest.mark.parametrize("seed", range(10))
def test_random_nets_agree(seed: int) -> None:
    net = random_net(7000 + seed, 1 + seed % 2, length=5, among=PLAIN + MOVES)
    check = check_fields(examine(net.model().SerializeToString()), probes=6)
    assert agreed(check), (check.mismatches, text(net))


def test_few_maps_at_a_time_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    net = random_net(3, 2, length=6)
    analysis = examine(net.model().SerializeToString())
    at_once = check_fields(analysis)
    monkeypatch.setattr(probe, "MAX_NUMBERS", 50)
    assert check_fields(analysis) == at_once


def graph_of(
    nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, tuple[int, ...]]], outputs: list[str],
    **stored: Any,
) -> bytes:  # fmt: skip
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()],
        [onnx.ValueInfoProto(name=n) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in stored.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()  # type: ignore[no-any-return]


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(
        op, inputs.split(), outputs.split(), outputs.split()[0] + "_", **attributes
    )


def test_tokens_are_probed_through_their_embedding() -> None:
    w = np.ones((8, 8), np.float32)
    nodes = [
        node("Gather", "table ids", "e"), node("MatMul", "e w", "q"), node("MatMul", "e w", "k"),
        node("Transpose", "k", "kt", perm=[0, 2, 1]), node("MatMul", "q kt", "scores"),
        node("Softmax", "scores", "p"), node("MatMul", "p e", "y"),
    ]  # fmt: skip
    data = graph_of(
        nodes, {"ids": (TensorProto.INT64, (1, 5))}, ["y"], w=w, table=np.ones((30, 8), np.float32)
    )
    check = check_fields(examine(data))
    assert agreed(check)
    assert (check.compared, check.unchecked) == (8, ())


def test_two_inputs_are_probed_apart() -> None:
    nodes = [
        node("Conv", "a w", "c", pads=[1, 1]), node("Sigmoid", "b", "g"), node("Mul", "c g", "y"),
    ]  # fmt: skip
    inputs = {"a": (FLOAT, (1, 1, 9)), "b": (FLOAT, (1, 1, 1))}
    check = check_fields(examine(graph_of(nodes, inputs, ["y"], w=np.ones((1, 1, 3), np.float32))))
    assert agreed(check)
    assert {(p.input, p.axes) for p in check.probes} == {("a", (2,)), ("b", (0, 1, 2))}


def test_what_cannot_be_probed_is_listed_with_all_that_lies_behind() -> None:
    nodes = [
        node("Relu", "x", "r"), node("NonZero", "r", "found"), node("Transpose", "found", "t"),
        node("AveragePool", "x", "y", kernel_shape=[3]),
    ]  # fmt: skip
    check = check_fields(examine(graph_of(nodes, {"x": (FLOAT, (1, 1, 6))}, ["t", "y"])))
    assert agreed(check)
    assert {u.tensor: u.reason for u in check.unchecked} == {
        "found": "NonZero 'found_': how much it gives hangs on values",
        "t": "behind found: NonZero 'found_': how much it gives hangs on values",
    }


def test_loops_and_branches_are_written_out() -> None:
    body = helper.make_graph(
        [node("AveragePool", "s", "t", kernel_shape=[3], pads=[1, 1]), node("Identity", "t", "u"),
         node("Identity", "go", "on")],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ()),
         helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("s", FLOAT, (1, 1, 11))],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("t", FLOAT, (1, 1, 11)),
         helper.make_tensor_value_info("u", FLOAT, (1, 1, 11))],
    )  # fmt: skip
    branches = {
        f"{which}_branch": helper.make_graph(
            [node("MaxPool", "last", "b", kernel_shape=[size])], which, [],
            [helper.make_tensor_value_info("b", FLOAT, (1, 1, 12 - size))],
        )
        for which, size in (("then", 2), ("else", 4))
    }  # fmt: skip
    nodes = [node("Loop", "n c x", "last all", body=body), node("If", "c", "y", **branches)]
    data = graph_of(
        nodes, {"x": (FLOAT, (1, 1, 11))}, ["all", "y"], n=np.int64(3), c=np.bool_(True)
    )
    check = check_fields(examine(data), probes=6)
    assert agreed(check), check.mismatches
    assert (check.compared, check.unchecked) == (4, ())


def test_a_branch_taken_by_data_is_not_probed() -> None:
    branches = {
        f"{which}_branch": helper.make_graph(
            [node(op, "x", "b")], which, [], [helper.make_tensor_value_info("b", FLOAT, (1, 1, 4))]
        )
        for which, op in (("then", "Relu"), ("else", "Neg"))
    }
    nodes = [
        node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=TensorProto.BOOL),
        node("If", "c", "y", **branches),
    ]  # fmt: skip
    check = check_fields(examine(graph_of(nodes, {"x": (FLOAT, (1, 1, 4))}, ["y"])))
    assert [(u.tensor, u.reason) for u in check.unchecked] == [
        ("y", "If 'y_': which branch runs isn't known beforehand")
    ]


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
def test_other_floats_are_probed_as_float32(dtype: int) -> None:
    w = numpy_helper.to_array(helper.make_tensor("w", dtype, (2, 1, 3), [1.0] * 6))
    nodes = [node("Conv", "x w", "c", strides=[2]), node("Relu", "c", "y")]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", dtype, (1, 1, 9))],
        [onnx.ValueInfoProto(name="y")], [helper.make_tensor("w", dtype, w.shape, [1.0] * 6)],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    assert agreed(check_fields(examine(proto)))


# -- planted faults --------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, op: str, wrong: Callable[[Window], Window]) -> None:
    """Make what an operator says of its windows wrong."""

    def spoilt(read: Any) -> Any:
        return tuple(
            dataclasses.replace(way, window=wrong(way.window)) if isinstance(way, Along) else way
            for way in read
        )

    def planted(found: registry.Operator) -> registry.Operator:
        def reads(*args: Any, **kwargs: Any) -> Any:
            assert found.reads is not None
            told: Any = found.call(found.reads, args, kwargs)
            if isinstance(told, dict):
                return {k: (spoilt(rows[0]), *rows[1:]) for k, rows in told.items()}
            return (spoilt(told[0]), *told[1:])

        return dataclasses.replace(found, reads=reads)

    versions = registry.definitions("", op)
    monkeypatch.setitem(registry._REGISTRY, ("", op), [planted(version) for version in versions])


def net_with_everything(n: Net) -> str:
    stem = n.Relu(n.Conv("x", n.w(4, 4, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    pooled = n.MaxPool(stem, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    wide = n.Conv(pooled, n.w(4, 4, 3, 3), dilations=[2, 2], pads=[2, 2, 2, 2])
    scales = np.array([1, 1, 2, 2], np.float32)
    return n.Relu(n.Resize(n.Add(wide, pooled), "", scales, mode="linear"))


def swap(window: Window, **changes: Any) -> Window:
    return dataclasses.replace(window, **changes)


FAULTS: dict[str, tuple[str, Callable[[Window], Window], str]] = {
    "a wrong stride": (
        "Conv", lambda w: swap(w, stride=3) if w.stride == 2 else w, "Conv0",
    ),
    "a wrong pad": (
        "Conv", lambda w: swap(w, before=0) if w.before == 1 else w, "Conv0",
    ),
    "a forgotten dilation": (
        "Conv", lambda w: swap(w, dilation=1) if w.dilation == 2 else w, "Conv3",
    ),
    "a window too small": (
        "MaxPool", lambda w: swap(w, size=2) if w.size == 3 else w, "MaxPool2",
    ),
    "nearest instead of linear": (
        "Resize", lambda w: Window(1, stride=1, before=0) if w.moves else w, "Resize5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_at_its_node(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op, wrong, where = FAULTS[fault]
    net = Net(1, 4, 29, 31)
    net_with_everything(net)
    proto = net.model()
    assert agreed(check_fields(examine(proto)))
    plant(monkeypatch, op, wrong)
    check = check_fields(examine(proto))
    assert not check.ok
    causes = [m for m in check.mismatches if m.cause]
    assert [(m.layer, m.op) for m in causes] == [(where, op)]
    assert check.mismatches[0].cause
    assert check.mismatches[0].predicted != check.mismatches[0].actual


def test_a_length_rounded_the_wrong_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An off-by-one of ceil_mode: the copy has one unit more than was said."""
    net = Net(1, 4, 29, 31)
    net_with_everything(net)

    def forgetting(found: registry.Operator) -> registry.Operator:
        def infer(*args: Any, **kwargs: Any) -> Any:
            return found.call(found.infer, args, kwargs | {"ceil_mode": 0})

        return dataclasses.replace(found, infer=infer)

    versions = registry.definitions("", "MaxPool")
    monkeypatch.setitem(registry._REGISTRY, ("", "MaxPool"), [forgetting(v) for v in versions])
    first = next(m for m in check_fields(examine(net.model())).mismatches if m.cause)
    assert (first.layer, first.what) == ("MaxPool2", "length")


def test_a_field_that_leaves_out_what_a_unit_sees_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The span in the report and the NaN: every touched unit's span has to hold the point."""
    net = Net(1, 4, 20)
    net.Conv("x", net.w(4, 4, 5), pads=[2, 2])
    analysis = examine(net.model())
    (key,) = [k for k in analysis.fields.states["t0"] if k[1] == 2]
    paths = analysis.fields.states["t0"][key]
    digit = paths.terms[0].digits[0]
    short = digit._replace(field=digit.field._replace(spans=((-1, 1),)))
    term = paths.terms[0]._replace(digits=(short,))
    monkeypatch.setitem(analysis.fields.states["t0"], key, paths._replace(terms=(term,)))
    (found,) = check_fields(analysis).mismatches
    assert (found.tensor, found.what, found.cause) == ("t0", "span", True)


def test_a_copy_that_does_not_run_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def nonsense(site: Any) -> None:
        site.give(0, site.copy.add("Conv", [site.data(0)]))

    monkeypatch.setitem(RULES, ("", "Relu"), nonsense)
    nodes = [node("Relu", "x", "y")]
    check = check_fields(examine(graph_of(nodes, {"x": (FLOAT, (1, 1, 6))}, ["y"])))
    assert check.compared == 0
    assert check.reason is not None
    assert check.reason.startswith("the rewritten copy doesn't run")


def test_what_is_not_finite_anyway_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def infinite(site: Any) -> None:
        big = site.copy.fill(site.shape(0), float("inf"))
        site.give(0, site.copy.add("Sub", [site.copy.add("Add", [site.data(0), big]), big]))

    monkeypatch.setitem(RULES, ("", "Relu"), infinite)
    nodes = [node("Relu", "x", "y")]
    check = check_fields(examine(graph_of(nodes, {"x": (FLOAT, (1, 1, 6))}, ["y"])))
    assert [(u.tensor, u.reason) for u in check.unchecked] == [
        ("y", "not finite even without a NaN going in")
    ]


def test_masked_attention_is_refused() -> None:
    nodes = [helper.make_node("Attention", ["x", "x", "x"], ["y"], "att", is_causal=1)]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", FLOAT, (1, 2, 5, 4))],
        [onnx.ValueInfoProto(name="y")],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    check = check_fields(examine(proto))
    assert [u.reason for u in check.unchecked] == [
        "Attention 'att': it masks some of what it attends to, or has a state"
    ]


def shuffled(*nodes: onnx.NodeProto, shape: tuple[int, ...] = (1, 8, 4, 4)) -> FieldCheck:
    w = np.ones((8, 8, 1, 1), np.float32)
    return check_fields(examine(graph_of(list(nodes), {"x": (FLOAT, shape)}, ["y"], w=w)))


def test_places_dealt_out_to_channels_agree_once_channels_mix() -> None:
    """A unit behind SpaceToDepth reads one place of the block that its axes name."""
    mixed = shuffled(node("Conv", "x w", "c"), node("DepthToSpace", "c", "y", blocksize=2))
    assert agreed(mixed)
    assert not mixed.unchecked
    apart = shuffled(
        node("SpaceToDepth", "x", "s", blocksize=2), node("DepthToSpace", "s", "y", blocksize=2)
    )
    assert agreed(apart)
    assert not apart.unchecked


def test_more_than_an_upper_bound_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "DepthToSpace", lambda w: dataclasses.replace(w, before=w.before - 1))
    check = shuffled(
        node("SpaceToDepth", "x", "s", blocksize=2), node("DepthToSpace", "s", "y", blocksize=2)
    )
    assert [m.tensor for m in check.mismatches] == ["y"]


# -- what a report shows ---------------------------------------------------------------------------


def stepping(field: ReceptiveField) -> ReceptiveField:
    """The same with one step for all units, from where unit 0 looks: what was shown once."""
    (lo, hi) = field.span(0) or (0, 0)
    return dataclasses.replace(field, phases=Phases(1, int(field.mean_step or 0), ((lo, hi),)))


def test_spans_that_a_report_shows_are_held_against_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Stride 4 and a transposed convolution by 4: units 4q to 4q+3 all see 4q..4q+3, and none of them
    # sees from its own place on.
    made = Net(1, 1, 16)
    made.ConvTranspose(made.Conv("x", made.w(1, 1, 4), strides=[4]), made.w(1, 1, 4), strides=[4])
    analysis = examine(made.model().SerializeToString())
    assert check_fields(analysis).ok
    shown = probe_comparison.receptive_field
    monkeypatch.setattr(probe_comparison, "receptive_field", lambda *a: stepping(shown(*a)))
    (found,) = check_fields(analysis).mismatches
    assert (found.tensor, found.what) == (made.last, "span")
