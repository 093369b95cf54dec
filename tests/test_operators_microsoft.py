"""Do the rows of ONNX Runtime's own operators say what its schemas do? ONNX Runtime is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from networks import network, node, refusal
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from cnnscope.analyzer.operators.definition import MICROSOFT, defined
from cnnscope.analyzer.passes.demands import kind_of, schema_demands

SCHEMAS: dict[tuple[str, str], Any] = {
    (s.domain, s.name): s
    for s in sorted(get_all_operator_schema(), key=lambda s: s.since_version)
}  # fmt: skip
#: what ONNX Runtime registers no schema for
WITHOUT = {"QLinearConvTranspose"}
OURS = sorted({o.name for o in defined() if o.domain == MICROSOFT} - WITHOUT)
#: ONNX's names of element types -> numpy's
DTYPES = {
    "float": "float32", "double": "float64", "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz", "float4e2m1": "float4_e2m1fn",
}  # fmt: skip
KINDS = {
    "INT": "integer", "FLOAT": "number", "STRING": "text", "INTS": "integers", "FLOATS": "numbers",
    "STRINGS": "texts",
}  # fmt: skip


def dtypes(schema: Any, type_str: str) -> set[str]:
    """The dtypes of a type variable, or of a type written out; with bfloat16 where float16 is."""
    allowed = {t.type_param_str: t.allowed_type_strs for t in schema.type_constraints}
    names = {t[len("tensor(") : -1] for t in allowed.get(type_str, [type_str])}
    found = {DTYPES.get(name, name) for name in names}
    return found | {"bfloat16"} if "float16" in found else found


def test_every_operator_but_one_has_a_schema() -> None:
    assert {name for name in OURS if (MICROSOFT, name) not in SCHEMAS} == set()
    assert all((MICROSOFT, name) not in SCHEMAS for name in WITHOUT)
    assert len(OURS) == 56


@pytest.mark.parametrize(
    ("domain", "name"),
    [*((MICROSOFT, name) for name in OURS), ("", "SimplifiedLayerNormalization")],
)
def test_a_row_says_what_the_schema_does(domain: str, name: str) -> None:
    schema, demands = SCHEMAS[domain, name], schema_demands(domain, name, 1)
    assert (demands.least, demands.most) == (schema.min_input, schema.max_input)
    assert demands.last == len(schema.inputs) - 1
    options = [x.option.name for x in schema.inputs]
    assert demands.present == {i for i, option in enumerate(options) if option != "Optional"}

    # (of the one in ai.onnx it says nothing about others: tests/test_differential.py asks)
    assert demands.known == (set(schema.attributes) if domain else None)
    assert set(demands.kinds) == set(schema.attributes)
    assert set(demands.attributes) == {k for k, a in schema.attributes.items() if a.required}
    assert {k: kind_of(of) for k, of in demands.kinds.items()} == {
        k: KINDS[a.type.name] for k, a in schema.attributes.items()
    }

    assert [set(taken) for taken, _ in demands.types] == [
        dtypes(schema, x.typeStr) for x in schema.inputs
    ]
    for x, (_, shared) in zip(schema.inputs, demands.types, strict=True):
        assert bool(shared) == x.isHomogeneous
    # Two inputs are held to one dtype exactly where the schema does; a type of one dtype is anyway.
    for i, x in enumerate(schema.inputs):
        for k, y in enumerate(schema.inputs[:i]):
            if not x.isHomogeneous or len(dtypes(schema, x.typeStr)) == 1:
                continue
            assert (demands.types[i][1] == demands.types[k][1]) == (x.typeStr == y.typeStr), (i, k)


def test_an_operator_without_a_row_demands_nothing() -> None:
    assert schema_demands(MICROSOFT, "NoSuchOperator", 1).known is None
    assert schema_demands(MICROSOFT, "QLinearConvTranspose", 1).known is None


#: a node's operator, inputs, attributes; what is wrong with it, "" where nothing is
NODES: list[tuple[str, str, dict[str, Any], str]] = [
    ("FastGelu", "x v", {}, ""),
    ("FastGelu", "x i", {}, "input 1 is of int64, which com.microsoft::FastGelu doesn't take"),
    ("FastGelu", "x d", {}, "input 1 is of float64, input 0 of float32: they have to be of one dtype"),
    ("FastGelu", "x v v", {}, "it has 3, the operator takes 2"),
    ("FastGelu", "x v", {"alpha": 1.0}, "has no attribute"),
    ("QuickGelu", "x", {"alpha": 1.0}, ""),
    ("QuickGelu", "x", {"alpha": 1}, "an attribute alpha of the kind that it has to be (number)"),
    ("BiasGelu", "x", {}, "it has 1 of 2"),
    ("QLinearAdd", "u s n u s n s n", {}, ""),
    ("QLinearSigmoid", "u s n s n", {}, ""), ("QLinearSigmoid", "u s n", {}, "it has 3 of 4"),
    ("QLinearAdd", "u - n u s n s n", {}, "input 1"),
    ("QLinearAdd", "u s n u s n", {}, "it has 6 of 7"),
    ("QLinearAdd", "u s n u s n s m", {}, "input 7 is of int8, input 0 of uint8"),
    ("QLinearConcat", "s n u s n u s n", {"axis": 0}, ""),
    ("QLinearConcat", "s n u s n u s n", {}, "the attribute axis"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs", "attributes", "wrong"), NODES)
def test_what_is_refused_is_refused_by_onnx_runtime(
    op: str, inputs: str, attributes: dict[str, Any], wrong: str
) -> None:
    made = network(
        node(op, inputs, "y", domain=MICROSOFT, **attributes), x=(2, 4), v=(4,), i=np.ones(4, np.int64),
        d=np.ones(4), u=np.ones((2, 4), np.uint8), s=np.float32(1), n=np.uint8(0), m=np.int8(0),
    )  # fmt: skip
    called = [name if name != "-" else "" for name in made.graph.node[0].input]
    made.graph.node[0].input[:] = called
    assert wrong in refusal(made) if wrong else refusal(made) == ""
    if not wrong:
        ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        return
    with pytest.raises(Exception, match=r"INVALID_GRAPH|Type Error|TypeInferenceError"):
        ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
