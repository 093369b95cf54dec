"""Windows of every kind: ours, ONNX Runtime's and onnx.reference's; each difference is a known one.

The space is all small lengths, kernels, strides, dilations, pads, `auto_pad`, `ceil_mode` of the
convolutions and pools along one axis. What an output reads is found by impulses, which share no code
with the analysis. Where ONNX Runtime does otherwise than we say, `DEPARTURES` has to say so, and
where onnx.reference follows ONNX's text, it sides with us.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from cnnscope.analyzer.fields.touched import find_touched
from cnnscope.analyzer.report.examination import Analysis, examine
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.departures import DEPARTURES, find_departure
from cnnscope.runtime.verify.verifying import verify

#: operator, length, kernel, stride, dilation, pads or auto_pad, ceil_mode, count_include_pad
Setting = tuple[str, int, int, int, int, str | tuple[int, int], int, int]
#: outputs by inputs: which output reads which input
Reads = npt.NDArray[np.bool_]

PADS: tuple[str | tuple[int, int], ...] = (
    "SAME_UPPER", "SAME_LOWER", "VALID", (0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (0, 3),
)  # fmt: skip


def settings() -> list[Setting]:
    return [
        (op, n, k, s, d, pad, ceil, count)
        for op in ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool")
        for n, k, s, d in itertools.product(range(1, 9), range(1, 5), range(1, 6), range(1, 4))
        for pad in PADS
        for ceil in ((0, 1) if "Pool" in op else (0,))
        for count in ((0, 1) if op == "AveragePool" else (0,))
    ]


def model_of(setting: Setting) -> onnx.ModelProto:
    op, n, k, s, d, pad, ceil, count = setting
    given: dict[str, Any] = {"kernel_shape": [k], "strides": [s]}
    given |= {"dilations": [d]} if d != 1 else {}
    given |= {"auto_pad": pad} if isinstance(pad, str) else {"pads": list(pad)}
    given |= {"ceil_mode": 1} if ceil else {}
    given |= {"count_include_pad": 1} if count else {}
    given |= {"p": 1} if op == "LpPool" else {}
    weights = [numpy_helper.from_array(np.ones((1, 1, k), np.float32), "w")] if "Conv" in op else []
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *(w.name for w in weights)], ["y"], "n", **given)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, n])],
        [onnx.ValueInfoProto(name="y")], weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=8)


def by_impulses(op: str, n: int, run: Callable[[npt.NDArray[np.float32]], Any]) -> Reads:
    columns = []
    for i in range(n):
        x = np.full((1, 1, n), -1 if op == "MaxPool" else 0, np.float32)
        x[0, 0, i] = 5
        columns.append(np.asarray(run(x)).ravel() > 0)
    return np.array(columns).T


def runtimes(setting: Setting) -> Reads | None:
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(
            model_of(setting).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return by_impulses(setting[0], setting[1], lambda x: session.run(None, {"x": x})[0])
    except Exception:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
        return None


def references(setting: Setting) -> Reads:
    session = ReferenceEvaluator(model_of(setting))
    return by_impulses(setting[0], setting[1], lambda x: session.run(None, {"x": x})[0])


def ours(analysis: Analysis) -> Reads | None:
    shape, given = (analysis.shapes.tensors[name].shape for name in ("y", "x"))
    if shape is None:
        return None
    assert given is not None
    found = np.zeros((int(shape[2]), int(given[2])), bool)  # type: ignore[arg-type]
    for i in range(found.shape[1]):
        box = (np.ones(1, bool), np.ones(1, bool), np.arange(found.shape[1]) == i)
        for reached in find_touched(analysis.graph, analysis.shapes, {"x": [box]}).boxes.get(
            "y", []
        ):
            found[reached[2], i] = True
    return found


def differ(a: Reads | None, b: Reads | None) -> bool:
    return not (a is None and b is None) and (a is None or b is None or not np.array_equal(a, b))


def test_nothing_differs_but_what_is_known() -> None:
    every = settings()
    for setting in random.Random(11).sample(every, amount(150, len(every))):
        analysis = examine(model_of(setting))
        (node,) = analysis.graph.nodes
        if find_departure(node, analysis.shapes) is None:
            assert not differ(ours(analysis), runtimes(setting)), setting


#: by departure, in its order: a setting in which it shows, and whether onnx.reference sides with us
#: (of a kernel that doesn't fit, it gives something else again)
EXAMPLES: list[tuple[Setting, bool]] = [
    (("MaxPool", 8, 2, 4, 3, "SAME_UPPER", 0, 0), True),
    (("Conv", 8, 1, 4, 1, "SAME_UPPER", 0, 0), True),
    (("MaxPool", 3, 3, 2, 2, (0, 1), 0, 0), False),
    (("MaxPool", 5, 1, 4, 3, (0, 1), 0, 0), True),
    (("Conv", 9, 3, 1, 2, "SAME_LOWER", 0, 0), True),
]


@pytest.mark.parametrize(("setting", "sided"), EXAMPLES)
def test_a_departure_is_one_from_the_text(setting: Setting, sided: bool) -> None:
    analysis = examine(model_of(setting))
    (node,) = analysis.graph.nodes
    said = find_departure(node, analysis.shapes)
    place = [setting for setting, _ in EXAMPLES].index(setting)
    assert said is not None
    assert DEPARTURES[place].said in said
    assert f"onnx__{setting[0]}.html" in said
    assert differ(ours(analysis), runtimes(setting))
    if sided:
        assert not differ(ours(analysis), references(setting))


@pytest.mark.parametrize("name", ["same_Conv_SAME_UPPER", "crash_1928"])
def test_verify_names_it_as_onnx_runtimes(cases: Path, name: str) -> None:
    found = verify(cases / f"{name}.onnx", provider="cpu")
    assert not found.ok
    (mismatch,) = (*found.shapes.mismatches, *found.fields.mismatches)
    assert mismatch.departure is not None
    text = " ".join(str(found).split())
    assert "agrees with ONNX's text, from which ONNX Runtime departs" in text
    assert "https://onnx.ai/onnx/operators/onnx__" in text


def test_what_onnx_runtime_refuses_is_named_too() -> None:
    with pytest.raises(RunError, match=r"node 'n': .*ONNX lets a pool be padded.*MaxPool\.html"):
        verify(model_of(("MaxPool", 5, 1, 4, 3, (0, 1), 0, 0)), provider="cpu")


def test_what_follows_from_a_departure_is_one() -> None:
    """A dilated pool with SAME, then a Relu: both shapes differ, neither is ours."""
    model = model_of(("MaxPool", 8, 2, 4, 3, "SAME_UPPER", 0, 0))
    model.graph.node.append(helper.make_node("Relu", ["y"], ["z"], "r"))
    model.graph.output[0].name = "z"
    found = verify(model, provider="cpu", probes=0)
    assert [m.cause for m in found.shapes.mismatches] == [True, False]
    assert all(m.departure for m in found.shapes.mismatches)


def refused(*ops: str) -> onnx.ModelProto:
    """Pools padded by their kernel, one after the other, named after their place."""
    nodes = [
        helper.make_node(op, [f"t{i}" if i else "x"], [f"t{i + 1}"], f"n{i}", kernel_shape=[1], pads=[0, 1])
        for i, op in enumerate(ops)
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5])],
        [onnx.ValueInfoProto(name=f"t{len(ops)}")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=8)


def test_of_an_error_without_a_node_each_that_it_may_be_about_is_named() -> None:
    with pytest.raises(
        RunError, match=r"^one of the nodes 'n0', 'n1': .*ONNX lets a pool be padded"
    ):
        verify(refused("MaxPool", "AveragePool"), provider="cpu", probes=0)


def test_another_error_isnt_laid_to_a_departure() -> None:
    """ONNX Runtime doesn't read this IR version, whatever is in the model."""
    model = refused("MaxPool")
    model.ir_version = 99
    with pytest.raises(RunError) as caught:
        verify(model, provider="cpu", probes=0)
    assert "departs" not in str(caught.value)
