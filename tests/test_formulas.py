"""Do the formulas give exactly what was counted, when somebody else works them out?

Python's own `eval` is the judge: floor is `math.floor` of an exact fraction, and nothing of cnnscope
is in it but the text and the numbers.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import some
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.model.binding import bind_inputs
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.formulas import (
    named_operands,
    rule_keywords,
    shape_formulas,
    work_formulas,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.passes.costs import count_costs
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.substitution import substituted

SAMPLES = sorted((Path(__file__).parent.parent / "sample_models").glob("*.onnx"))
COUNTS = tuple(Work.__dataclass_fields__)


class _Exact(ast.NodeTransformer):
    """Every number an exact fraction, so that a quotient of large ones is one, too."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("Fraction", ast.Load()), [node], [])


def worked_out(formula: Formula) -> Fraction:
    """The formula's value, from its text and the values of its symbols."""
    tensors: dict[str, dict[int, int]] = {}
    plain: dict[str, int] = {}
    for symbol, value in formula.values.items():
        assert isinstance(value, int)
        name, _, axis = symbol.partition("[")
        if axis:
            tensors.setdefault(name, {})[int(axis.rstrip("]"))] = value
        else:
            plain[symbol] = value
    tree = ast.fix_missing_locations(_Indexed().visit(ast.parse(formula.text, mode="eval")))
    names = {
        "floor": math.floor,
        "ceil": math.ceil,
        "max": max,
        "min": min,
        "Fraction": Fraction,
        **plain,
        **tensors,
    }
    return Fraction(eval(compile(tree, "formula", "eval"), {"__builtins__": {}}, names))


class _Indexed(_Exact):
    """Indices stay whole numbers."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return node


@dataclass(frozen=True)
class Found:
    """A layer's formulas, as the pass gives them, and the counts and lengths they have to give."""

    op: str
    work: dict[str, Formula]
    counts: dict[str, object]
    shapes: dict[str, tuple[Formula, ...]]
    lengths: dict[str, tuple[object, ...]]


def formulas_of(path: Path) -> Iterator[Found]:
    """Those of every layer of a model's main graph."""
    graph = read_graph(open_model(str(path)).model)
    inputs, _ = bind_inputs(graph.inputs, {}, {})
    shapes = infer_shapes(graph, inputs)
    costs = count_costs(graph, shapes)
    for node in graph.nodes:
        if shapes.folded(node) or node.bodies or node.index in shapes.functions:
            continue
        work = costs.nodes[node.index].work
        operands = named_operands(node, shapes.inputs(node), shapes.outputs(node))
        keywords = rule_keywords(node)
        yield Found(
            node.title,
            {} if work is None else work_formulas(node, operands, work, keywords),
            {} if work is None else {k: v for k in COUNTS if (v := getattr(work, k)) != 0},
            shape_formulas(node, operands, keywords),
            {n: shapes.tensors[n].shape or () for n in node.outputs if n},
        )


def check(found: Found) -> tuple[int, int]:
    """All of them worked out; how many there are, and how many say more than their number."""
    assert set(found.work) == set(found.counts)
    for kind, formula in found.work.items():
        assert formula.result == found.counts[kind]
        if isinstance(formula.result, int):
            assert worked_out(formula) == found.counts[kind], (found.op, formula)
    for tensor, formulas in found.shapes.items():
        for formula, length in zip(formulas, found.lengths[tensor], strict=True):
            assert formula.result == length
            if isinstance(length, int):
                assert worked_out(formula) == length, (found.op, formula)
    return len(found.work), sum(f.symbolic for f in found.work.values())


@pytest.mark.parametrize("model", SAMPLES, ids=lambda path: path.stem)
def test_every_formula_of_a_sample_gives_the_count(model: Path) -> None:
    numbers = Counter[str]()
    for found in formulas_of(model):
        counted, symbolic = check(found)
        numbers[found.op] += counted - symbolic
    # Only a Resize whose sizes are an operand's elements stays a number.
    assert {op for op, times in numbers.items() if times} <= {"Resize"}


def test_nearly_every_count_of_the_corpus_has_a_formula(corpus: Path) -> None:
    """Seen: 99.4 %; what is left are mostly scalars, which have no axis to speak of."""
    counted = symbolic = 0
    for path in some(sorted((corpus / "models").glob("*.onnx")), 5):
        if path.stat().st_size > 2_000_000:  # the same operators again, more often
            continue
        for found in formulas_of(path):
            these, with_formula = check(found)
            counted, symbolic = counted + these, symbolic + with_formula
    assert symbolic >= 0.99 * counted


@pytest.mark.parametrize("model", ["lenet5", "mobilenet_v2"])
def test_an_explanation_holds_what_the_layer_says(model: str, samples: Path) -> None:
    for layer in some(cnnscope.analyze(str(samples / f"{model}.onnx")).layers[::4], 9):
        found = layer.explain()
        assert layer.work is not None
        assert {k: f.result for k, f in found.work.items()} == {
            k: v for k in COUNTS if (v := getattr(layer.work, k))
        }
        assert found.macs is not None
        assert found.flops is not None
        assert worked_out(found.macs) == layer.macs
        assert worked_out(found.flops) == layer.flops
        assert found.params == layer.params + layer.shared_params
        assert (found.bytes_read, found.bytes_written) == (layer.bytes_read, layer.bytes_written)
        assert sum(t.nbytes for t in found.traffic if not t.written) == layer.bytes_read
        assert sum(t.nbytes for t in found.traffic if t.written) == layer.bytes_written
        if found.intensity is not None:
            assert float(worked_out(found.intensity)) == pytest.approx(layer.intensity)
        for axis in found.axes:
            if axis.formula is not None:
                assert worked_out(axis.formula) == axis.length


# -- by hand -------------------------------------------------------------------------------------


def one_node(
    op: str, shapes: dict[str, list[int]], weights: dict[str, list[int]], **attributes: object
):
    """A model of one node, its weights zeros."""
    names = [*shapes, *weights]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["out"], name="node", **attributes)],
        "one",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [
            onnx.numpy_helper.from_array(np.zeros(s, np.float32), n) for n, s in weights.items()
        ],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize(
    ("op", "inputs", "weights", "attributes", "work"),
    [
        ("Conv", [2, 6, 9, 9], {"w": [8, 6, 3, 3], "b": [8]}, {},
         {"float_macs": "Y[0]*Y[1]*Y[2]*Y[3]*W[1]*W[2]*W[3]", "bias": "Y[0]*Y[1]*Y[2]*Y[3]"}),
        ("Conv", [2, 6, 9], {"w": [6, 1, 3]}, {"group": 6}, {"float_macs": "Y[0]*Y[1]*Y[2]*W[1]*W[2]"}),
        ("ConvTranspose", [2, 6, 9, 9], {"w": [6, 8, 3, 3]}, {"strides": [2, 2]},
         {"float_macs": "X[0]*X[1]*X[2]*X[3]*W[1]*W[2]*W[3]"}),
        ("Gemm", [5, 7], {"w": [7, 3]}, {}, {"float_macs": "A[0]*B[0]*B[1]"}),
        ("Relu", [5, 7], {}, {}, {"compare": "Y[0]*Y[1]"}),
        ("MaxPool", [1, 2, 8, 8], {}, {"kernel_shape": [3, 2]},
         {"compare": "5*Y[0]*Y[1]*Y[2]*Y[3]"}),
    ],
)  # fmt: skip
def test_the_textbook_formula(
    op: str,
    inputs: list[int],
    weights: dict[str, list[int]],
    attributes: dict[str, object],
    work: dict[str, str],
) -> None:
    layer = cnnscope.analyze(one_node(op, {"x": inputs}, weights, **attributes)).layers[0]
    assert {name: f.text for name, f in layer.explain().work.items()} == work


@pytest.mark.parametrize(
    ("attributes", "text", "numbers"),
    [
        ({"kernel_shape": [3], "strides": [2], "pads": [1, 1]}, "floor",
         "floor((9 + 1 + 1 - (1*(3 - 1) + 1))/2) + 1"),
        ({"kernel_shape": [2], "strides": [2], "ceil_mode": 1}, "ceil",
         "ceil((9 + 0 + 0 - (1*(2 - 1) + 1))/2) + 1"),
    ],
)  # fmt: skip
def test_the_shape_formula_rounds_as_the_layer_does(
    attributes: dict[str, object], text: str, numbers: str
) -> None:
    model = one_node("MaxPool", {"x": [1, 2, 9]}, {}, **attributes)
    axis = cnnscope.analyze(model).layers[0].explain().axes[2]
    assert axis.way == "window"
    assert axis.formula is not None
    whole = f"{text}((X[2] + before + after - (dilation*(kernel - 1) + 1))/stride) + 1"
    assert axis.formula.text == whole
    assert axis.formula.numbers == numbers
    assert axis.length == 5


def test_a_free_dimension_stays_in_the_formula() -> None:
    layer = cnnscope.analyze(one_node("Relu", {"x": ["N", 7]}, {}), shapes={"x": [None, 7]}).layers[
        0
    ]
    formula = layer.explain().work["compare"]
    assert formula.text == "Y[0]*Y[1]"
    assert str(formula.result) == str(layer.work.compare)  # type: ignore[union-attr]


# -- putting lengths in ----------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 7), st.integers(0, 5))
def test_bound_is_what_the_numbers_give(h: int, w: int, stride: int, pad: int) -> None:
    def out(n, m):
        return ((n + 2 * pad - 3) // stride + 1) * m + (n // 2 + 3) // 3

    free = out(FreeDim.named("H"), FreeDim.named("W"))
    assert substituted(free, {"H": h, "W": w}) == out(h, w)
    partly = substituted(free, {"H": h})
    assert substituted(partly, {"W": w}) == out(h, w)


def test_a_quotient_by_a_free_length_is_bound() -> None:
    quotient = FreeDim.named("H") // FreeDim.named("W")
    assert isinstance(quotient, FreeDim)
    half = substituted(quotient, {"H": 8})
    assert isinstance(half, FreeDim)
    assert (str(half), substituted(half, {"W": 3})) == ("floor(8/W)", 2)
    assert substituted(quotient, {"other": 8}) == quotient
