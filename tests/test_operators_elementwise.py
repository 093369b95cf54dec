"""Element by element: shapes against ONNX Runtime, work against each operator's formula."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from single_node import (
    assert_refused,
    assert_shapes,
    case,
    dependence,
    operator,
    predicted,
    reads,
    work,
)

from cnnscope.analyzer.operators.definition import defined
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor

B = np.array([[True, False], [False, False]])
U = np.array([[1, 2], [3, 4]], np.uint8)
F = (2, 3, 4)

SHAPES = [
    case("Add", F, (3, 1)), case("Pow", (4,), F), case("Mul", (), F), case("Mod", U, U),
    case("Equal", F, (4,)), case("Less", F, F), case("GreaterOrEqual", F, (1,)),
    case("And", B, B), case("Not", B), case("BitShift", U, U, direction="LEFT"),
    case("BitwiseAnd", U, U), case("BitwiseNot", U), case("IsNaN", F), case("IsInf", F),
    case("Max", F, (4,), (3, 1)), case("Mean", F, F), case("Sum", F),
    case("Clip", F, np.float32(0), const=(1,)), case("Clip", F, opset=6, max=6.0),
    case("Where", B, (2, 2), (1, 2)), case("Cast", F, to=7), case("CastLike", F, U),
    case("Identity", F), case("Dropout", F, outputs=2), case("Dropout", F, opset=10, outputs=2),
    case("PRelu", F, (3, 1)), case("Gelu", F), case("Softmax", F), case("Softmax", F, opset=11),
    case("Hardmax", F, axis=1), case("Mish", F), case("Shrink", F), case("Erf", F),
    case("FastGelu", F, (4,), domain="com.microsoft"),
    case("BiasGelu", F, (4,), domain="com.microsoft"), case("QuickGelu", F, domain="com.microsoft"),
]  # fmt: skip


@pytest.mark.parametrize("c", SHAPES, ids=lambda c: f"{c.op}-{c.opset}")
def test_shapes(c):
    assert_shapes(c)


WORK = [
    (case("Add", F, (4,)), Work(add=24)), (case("Div", F, F), Work(div=24)),
    (case("Pow", F, F), Work(exp=24)), (case("Max", F, F, F), Work(compare=2 * 24)),
    (case("Mean", F, F, F), Work(add=2 * 24, div=24)), (case("Where", B, (2, 2), (2, 2)), Work()),
    (case("Clip", F), Work()), (case("Clip", F, opset=6, min=0.0, max=6.0), Work(compare=2 * 24)),
    (case("LeakyRelu", F), Work(compare=24, mul=24)), (case("Cast", F, to=7), Work()),
    (case("Swish", F, opset=24), Work(mul=24, exp=24)),
    (case("Swish", F, opset=24, alpha=2.0), Work(mul=48, exp=24)),
    (case("Gelu", F, approximate="tanh"), Work(mul=6 * 24, add=2 * 24, exp=24)),
    # 6 rows of 4: 3 comparisons, 4 + 3 additions, 4 exp, 4 divisions; before 13 2 rows of 12
    (case("Softmax", F), Work(compare=6 * 3, add=6 * 7, exp=24, div=24)),
    (case("Softmax", F, opset=11), Work(compare=2 * 11, add=2 * 23, exp=24, div=24)),
    (case("LogSoftmax", F), Work(compare=6 * 3, add=6 * 11, exp=6 * 5)),
    (case("Hardmax", F), Work(compare=6 * 3)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), WORK, ids=lambda x: getattr(x, "op", ""))
def test_work(c, expected):
    assert work(c) == expected


@pytest.mark.parametrize(
    ("dtype", "to"), [("float32", "int32"), ("int64", "float64"), ("uint8", "int8")]
)
def test_bits_as_another_dtype_of_their_width(dtype: str, to: str) -> None:
    x = np.arange(3).astype(dtype)
    said = f"{dtype} has {x.itemsize * 8} bits, int16 has 16"
    assert_shapes(case("BitCast", x, opset=26, to=helper.np_dtype_to_tensor_dtype(np.dtype(to))))
    assert_refused(case("BitCast", x, opset=26, to=TensorProto.INT16), said)


@pytest.mark.parametrize("c", [
    lambda word: case("BitShift", U, U, direction=word),
    lambda word: case("Gelu", F, approximate=word),
    lambda word: case("TensorScatter", F, (2, 1, 4), np.array([1, 2]), const=(2,), opset=24, mode=word),
])  # fmt: skip
def test_words_that_an_attribute_does_not_know(c):
    assert_refused(c("nonsense"), "is 'nonsense', one of .* is wanted")


def test_softmax_reads():
    assert reads(case("Softmax", F, opset=11))[0] == (Along(0), Whole(), Whole())
    for axis in range(3):
        c = case("Softmax", F, axis=1)
        found = dependence(c, 0, axis, axis)
        wanted = predicted(c, 0, axis)
        assert found == (dict.fromkeys(range(3), wanted[-1]) if axis == 1 else wanted)


@pytest.mark.parametrize(
    ("shape", "attributes", "read"),
    [((3, 4), {"axis": 1}, (Along(1), Along(2))), ((5,), {}, (Along(3),)),
     ((2,), {"axis": 0}, (Along(0),))],
)  # fmt: skip
def test_broadcasting_before_opset_7(shape, attributes, read):
    c = case("Add", (2, 3, 4, 5), shape, opset=6, broadcast=1, **attributes)
    assert reads(c)[1] == read


def test_shapes_that_differ_without_broadcast():
    found = operator(case("Add", opset=6))
    with pytest.raises(ValueError, match="broadcast is 0"):
        found.call(found.infer, (Tensor("float32", (2, 3)), Tensor("float32", (3,))), {})


#: attributes no rule needs, and why
IGNORED = {
    "consumed_inputs": "a memory hint of opset 1", "seed": "random", "mean": "random",
    "scale": "random", "low": "random", "high": "random", "saturate": "values only",
    "round_mode": "values only", "fmod": "values only",
    "detect_negative": "values only", "detect_positive": "values only", "is_test": "inference",
    "ratio": "inference", "alpha": "values only", "beta": "values only", "gamma": "values only",
    "bias": "values only", "lambd": "values only", "value": "a padding's value", "k": "values only",
    "upper": "values only", "sorted": "order only", "largest": "values only",
    "select_last_index": "values only", "center_point_box": "values only",
    "stash_type": "precision", "mode": "which places is for the run", "type": "the input has it",
    "delimiter": "values only", "maxsplit": "values only", "locale": "values only",
    "is_case_sensitive": "values only", "case_change_action": "values only", "pattern": "values",
}  # fmt: skip
FAMILIES = {"elementwise", "activation", "movement", "slicing", "indexing", "constant", "reduce",
            "sequence"}  # fmt: skip
MINE = [o for o in defined() if not o.domain and o.infer.__module__.split(".")[-1] in FAMILIES]


@pytest.mark.parametrize("name", sorted({o.name for o in MINE}))
def test_every_attribute_is_read_or_ignored(name):
    named = set()
    for o in (o for o in MINE if o.name == name):
        for keywords in o.keywords.values():
            named |= keywords or set()
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.name == name and not schema.domain:
            assert not set(schema.attributes) - named - set(IGNORED), schema.since_version
