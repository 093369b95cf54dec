"""What numpy is asked instead of onnx's reference, it says to the letter: values, dtype and shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.operators.family_index import FAMILIES
from cnnscope.analyzer.passes.folding import reference_result, values_of

OPERATORS = FAMILIES["calculations"]["calculates", ""].split()
DTYPES = ("int64", "int32", "float32", "float64", "bool", "uint8", "float16")


def node_of(op: str, inputs: int, version: int, **attributes: object) -> Any:
    made = helper.make_node(op, [f"x{i}" for i in range(inputs)], ["y"], **attributes)
    value = [helper.make_tensor_value_info(f"x{i}", 1, None) for i in range(inputs)]
    graph = helper.make_graph([made], "g", value, [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    (node,) = read_graph(model).nodes
    return node


@st.composite
def array(draw: st.DrawFn, dtype: str | None = None, rank: int | None = None) -> np.ndarray:
    dtype = dtype or draw(st.sampled_from(DTYPES))
    shape = draw(
        st.lists(st.integers(0, 3), min_size=rank or 0, max_size=3 if rank is None else rank)
    )
    count = int(np.prod(shape, dtype=int))
    numbers = draw(
        st.lists(st.sampled_from((0, 1, 2, 3, 7, -1, -2, -7, 100)), min_size=count, max_size=count)
    )
    return np.array(numbers, "int64").astype(dtype).reshape(shape)


def few(least: int, most: int, size: int) -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.integers(least, most), max_size=size).map(lambda x: np.array(x, "int64"))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, list[np.ndarray]]:
    op = draw(st.sampled_from(OPERATORS))
    version = draw(st.sampled_from((1, 5, 7, 9, 11, 13, 14, 18, 21)))
    x = draw(array())
    same = array(str(x.dtype))
    axis = st.integers(-3, 3)
    attributes: dict[str, object] = {}
    arrays: list[np.ndarray] = [x]
    if op in ("Add", "Sub", "Mul", "Div", "Equal"):
        arrays.append(draw(st.one_of(same, array(), st.just(x), st.just(x.ravel()[:1]))))
    elif op == "Where":
        arrays = [
            draw(st.one_of(array("bool"), array())),
            x,
            draw(st.one_of(same, array(), st.just(x))),
        ]
    elif op == "Cast":
        attributes["to"] = draw(st.sampled_from((1, 6, 7, 9, 10, 11, 2, 16, 8, 99)))
    elif op == "Concat":
        arrays += draw(st.lists(st.one_of(same, st.just(x)), max_size=3))
        attributes["axis"] = draw(axis)
    elif op == "Reshape":
        arrays.append(draw(few(-1, 4, 3)))
        if draw(st.booleans()) and version >= 14:
            attributes["allowzero"] = draw(st.integers(0, 1))
    elif op in ("Squeeze", "Unsqueeze"):
        axes = draw(few(-3, 3, 3))
        if version < 13:
            if axes.size or op == "Unsqueeze":  # all of length 1 are squeezed
                attributes["axes"] = axes.tolist() or [0]
        elif draw(st.integers(0, 5)):
            arrays.append(axes if draw(st.integers(0, 5)) else np.array(0))
    elif op == "Transpose":
        rank = draw(st.sampled_from((x.ndim, x.ndim, 2, 0)))
        if rank:
            attributes["perm"] = draw(st.permutations(range(rank)))
    elif op == "Gather":
        arrays.append(draw(st.one_of(array("int64"), array("int32"), few(-3, 3, 3))))
        if draw(st.booleans()):
            attributes["axis"] = draw(axis)
    elif op == "Slice":
        size = draw(st.integers(0, 3))
        for least, most in ((-4, 4), (-4, 99), (-3, 3), (-2, 2))[: draw(st.integers(2, 4))]:
            arrays.append(draw(few(least, most, size)))
    else:
        assert op == "Expand", "a new rule is thought of here"
        arrays.append(draw(few(0, 3, 3)))
    return node_of(op, len(arrays), version, **attributes), arrays


def told(results: tuple[np.ndarray, ...]) -> list[tuple[object, ...]]:
    return [(x.dtype, x.shape, x.tobytes()) for x in results]


@settings(
    max_examples=amount(150, 20_000), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(cases())
def test_numpy_says_what_the_reference_says(case: tuple[Any, list[np.ndarray]]) -> None:
    node, arrays = case
    assert told(values_of(node, list(arrays))) == told(reference_result(node, list(arrays)))


@pytest.mark.parametrize("op", OPERATORS)
def test_the_usual_is_not_asked_of_the_reference(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What models do to sizes: the reference would take longer to load than they to analyse."""
    x, one = np.array([4, 6], "int64"), np.array([1], "int64")
    others: dict[str, tuple[list[np.ndarray], dict[str, object]]] = {
        "Cast": ([x], {"to": onnx.TensorProto.FLOAT}),
        "Concat": ([x, one], {"axis": 0}),
        "Expand": ([one, x], {}),
        "Gather": ([x, np.array(1)], {"axis": 0}),
        "Slice": ([x, one, one * 2, one * 0], {}),
        "Squeeze": ([x[:1], one * 0], {}),
        "Transpose": ([x.reshape(1, 2)], {"perm": [1, 0]}),
        "Unsqueeze": ([x, one], {}),
        "Reshape": ([x, np.array([-1, 1])], {}),
        "Where": ([x > 5, x, x], {}),
    }
    arrays, attributes = others.get(op, ([x, one], {}))
    node = node_of(op, len(arrays), 17, **attributes)
    wanted = told(reference_result(node, list(arrays)))
    monkeypatch.setattr("cnnscope.analyzer.passes.folding.reference_result", lambda *_: ())
    assert told(values_of(node, list(arrays))) == wanted != []


def test_what_an_operator_may_leave_out_is_asked_of_the_reference() -> None:
    one = np.array([[7]], "int64")
    (squeezed,) = values_of(node_of("Squeeze", 1, 11), [one])  # without axes: all of length 1
    assert (squeezed.shape, squeezed.item()) == ((), 7)
