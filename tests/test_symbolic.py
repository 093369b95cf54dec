"""Sizes reckoned from free dimensions, against ONNX Runtime at many sizes.

A graph of random arithmetic goes from the lengths of an input to the shape of a ConstantOfShape. Its
formula, with lengths put in, is what ONNX Runtime gives; what isn't followed names the dimensions it
hangs on and never claims to hang on data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.substitution import substituted

SIZES = [(1, 1), (2, 3), (5, 4), (7, 9), (16, 16), (31, 8), (33, 12), (64, 65), (127, 10)]


class Draw:
    """Nodes drawn at random, each over earlier results; all results are of one element or a few."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []
        self.ints: list[str] = []  # int64 of shape [1]
        self.floats: list[str] = []  # float32 of shape [1]
        self.truths: list[str] = []
        shape = self.node("Shape", ["x"])
        for axis in (2, 3):
            self.ints.append(self.node("Gather", [shape, self.constant([axis])]))
        scalar = self.node("Gather", [shape, self.constant(np.int64(2))])
        self.ints.append(self.node("Unsqueeze", [scalar, self.constant([0])]))

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        name = f"k{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"{op}_{name}", **attributes))
        return name

    def pick(self, names: list[str]) -> str:
        return names[int(self.random.integers(len(names)))]

    def whole(self) -> str:
        """An int: an earlier one, or a small constant."""
        if self.random.random() < 0.5:
            return self.pick(self.ints)
        return self.constant([int(self.random.integers(-4, 9))])

    def positive(self) -> str:
        return self.constant([int(self.random.choice([1, 2, 3, 4, 8, 16]))])

    def real(self) -> str:
        if self.floats and self.random.random() < 0.6:
            return self.pick(self.floats)
        return self.constant(
            [float(self.random.choice([0.5, 2.0, 1.5, 0.25, 3.0, 1.0]))], np.float32
        )

    def step(self) -> None:
        kind = int(self.random.integers(16))
        a = self.pick(self.ints)
        if kind < 3:
            op = str(self.random.choice(["Add", "Sub", "Mul"]))
            pair = [a, self.whole()] if self.random.random() < 0.7 else [self.whole(), a]
            self.ints.append(self.node(op, pair))
        elif kind == 3:
            op = str(self.random.choice(["Div", "Mod"]))
            self.ints.append(self.node(op, [a, self.positive()]))
        elif kind == 4:
            self.ints.append(self.node(str(self.random.choice(["Max", "Min"])), [a, self.whole()]))
        elif kind == 5:
            self.ints.append(self.node(str(self.random.choice(["Neg", "Abs", "Sign"])), [a]))
        elif kind == 6:
            self.floats.append(self.node("Cast", [a], to=TensorProto.FLOAT))
        elif kind == 7 and self.floats:
            op = str(self.random.choice(["Mul", "Div", "Add", "Sub"]))
            self.floats.append(self.node(op, [self.pick(self.floats), self.real()]))
        elif kind == 8 and self.floats:
            op = str(self.random.choice(["Floor", "Ceil", "Round"]))
            self.floats.append(self.node(op, [self.pick(self.floats)]))
        elif kind == 9 and self.floats:
            self.ints.append(self.node("Cast", [self.pick(self.floats)], to=TensorProto.INT64))
        elif kind == 10:
            op = str(
                self.random.choice(["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"])
            )
            self.truths.append(self.node(op, [a, self.whole()]))
        elif kind == 11 and self.truths:
            self.ints.append(self.node("Where", [self.pick(self.truths), a, self.whole()]))
        elif kind == 12 and self.truths:
            op = str(self.random.choice(["And", "Or"]))
            self.truths.append(self.node(op, [self.pick(self.truths), self.pick(self.truths)]))
        elif kind == 13:
            both = self.node("Concat", [a, self.whole(), self.pick(self.ints)], axis=0)
            op = str(self.random.choice(["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"]))
            self.ints.append(self.node(op, [both, self.constant([0])]))
        elif kind == 14:
            both = self.node("Concat", [a, self.whole(), self.pick(self.ints)], axis=0)
            place = int(self.random.integers(-3, 3))
            self.ints.append(self.node("Gather", [both, self.constant([place])]))
        else:
            both = self.node("Concat", [self.whole(), a], axis=0)
            turned = self.node(
                "Slice", [both, *(self.constant([n]) for n in (-1, -3, 0, -1))]
            )  # back to front
            parts = self.node("ScatterElements", [turned, self.constant([1]), self.whole()])
            self.ints.append(self.node("Gather", [parts, self.constant([0])]))

    def model(self, steps: int) -> onnx.ModelProto:
        for _ in range(steps):
            self.step()
        # A length has to be at least 0, and small enough to be made.
        ends = [self.pick(self.ints[-4:]) for _ in range(2)]
        kept = [
            self.node("Min", [self.node("Max", [end, self.constant([0])]), self.constant([5000])])
            if self.random.random() < 0.5
            else end
            for end in ends
        ]
        self.nodes.append(helper.make_node("Concat", kept, ["shape"], "shape", axis=0))
        self.nodes.append(helper.make_node("ConstantOfShape", ["shape"], ["y"], "end"))
        graph = helper.make_graph(
            self.nodes, "reckoning",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "H", "W"])],
            [onnx.ValueInfoProto(name="y"), onnx.ValueInfoProto(name="shape")], self.stored,
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def shapes_that_run(whole: onnx.ModelProto) -> dict[tuple[int, int], tuple[int, ...]]:
    """The shapes that a model makes, without what is made of them: that may fill the memory."""
    model = onnx.ModelProto()
    model.CopyFrom(whole)
    del model.graph.node[-1], model.graph.output[0]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    run = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = {}
    for size in SIZES:
        try:
            (shape,) = run.run(["shape"], {"x": np.zeros((1, 3, *size), np.float32)})
        except Exception:  # noqa: BLE001  (a division by 0)
            continue
        if (shape >= 0).all():
            found[size] = tuple(shape.tolist())
    return found


def put_in(dim: Dim, size: tuple[int, int]) -> int | None:
    if isinstance(dim, int):
        return dim
    try:
        found = substituted(dim, {"H": size[0], "W": size[1]})
    except Undetermined:
        return None
    return found if isinstance(found, int) else None


@pytest.mark.parametrize("part", range(4))
def test_reckoned_lengths(part: int) -> None:
    told = 0
    each = amount(14, 1000)
    for seed in range(part * each, (part + 1) * each):
        model = Draw(seed).model(3 + seed % 10)
        y = cnnscope.analyze(model).outputs[0]
        if y.tensor.shape is None:  # a length that can't be, whatever H and W
            assert not shapes_that_run(model), seed
            continue
        free = [d for d in y.tensor.shape if isinstance(d, FreeDim)]
        assert not any(d.data for d in free), (seed, y.tensor.shape)
        for size, shape in shapes_that_run(model).items():
            for dim, length in zip(y.tensor.shape, shape, strict=True):
                ours = put_in(dim, size)
                if ours is not None:
                    assert ours == length, (seed, size, str(dim))
                    told += 1
    assert told > 4 * each


@pytest.mark.parametrize("seed", range(12))
def test_a_formula_is_what_a_bound_model_has(seed: int) -> None:
    model = Draw(1000 + seed).model(6)
    free = cnnscope.analyze(model).outputs[0]
    for height, width in SIZES[2:6]:
        bound = cnnscope.analyze(model, dims={"H": height, "W": width}).outputs[0]
        if bound.tensor.shape is None:
            continue  # a negative length at this size
        for dim, length in zip(free.tensor.shape or (), bound.tensor.shape or (), strict=True):
            ours = put_in(dim, (height, width))
            assert ours is None or ours == length or not isinstance(length, int)


@pytest.mark.parametrize(
    ("case", "formulas"),
    [
        ("sym_add", ["t + 2"]),
        ("sym_div", ["floor(t/2)"]),
        ("symc_reshape_mul", ["2*t"]),
        ("dynv_gather_unsq", ["1", "2", "4", "H", "W"]),
        # a stride of 2, upsampled to 2*n - 1 with corners aligned, as PyTorch's exporter writes it
        ("t_aligncorners_dyn", ["1", "2", "2*floor((h + 1)/2) - 1", "2*floor((w + 1)/2) - 1"]),
    ],
)
def test_cases(cases: Path, case: str, formulas: list[str]) -> None:
    report = cnnscope.analyze(cases / f"{case}.onnx")
    assert [str(d) for d in report.outputs[0].tensor.shape or ()] == formulas
    assert not {d.code for d in report.diagnostics} & {"data-dependent-size", "undetermined-shape"}


def test_what_is_known_of_sizes_that_hang_on_data_is_kept(cases: Path) -> None:
    report = cnnscope.analyze(cases / "resize_runtime_sizes.onnx")
    resize = next(layer for layer in report.layers if layer.op == "Resize")
    assert [d if isinstance(d, int) else None for d in resize.output_shape or ()] == [
        1,
        3,
        None,
        None,
    ]
    assert "data-dependent-size" in {d.code for d in report.diagnostics}
    # the part that is put together at run time is a layer, and no constant
    assert "Concat" in {layer.op for layer in report.layers}


def test_what_is_not_followed_names_its_dimensions() -> None:
    draw = Draw(0)
    real = draw.node("Cast", [draw.ints[0]], to=TensorProto.FLOAT)
    third = draw.constant([1 / 3], np.float32)  # rounds: 10 thirds are 3.3333337
    product = draw.node("Floor", [draw.node("Mul", [real, third])])
    draw.ints = [draw.node("Cast", [product], to=TensorProto.INT64)]
    report = cnnscope.analyze(draw.model(0))
    (first, _) = report.outputs[0].tensor.shape or ()
    assert isinstance(first, FreeDim)
    assert (first.names, first.data) == ({"H"}, frozenset())


H = FreeDim.named("H")


@pytest.mark.parametrize(
    ("dim", "text", "values"),
    [
        (greatest(H, 8), "max(8, H)", {3: 8, 9: 9}),
        (smallest(H // 2, 5), "min(5, floor(H/2))", {4: 2, 40: 5}),
        (greatest(H, H + 1, 1), "H + 1", {4: 5}),
        (greatest(H, 8) - greatest(H, 8) + 1, "1", {4: 1}),
        ((H * 7) // (H + 1), "floor(7*H/(H + 1))", {6: 6, 1: 3}),
    ],
)
def test_what_is_chosen_of_lengths(dim: Dim, text: str, values: dict[int, int]) -> None:
    assert str(dim) == text
    for height, value in values.items():
        assert substituted(dim, {"H": height}) == value


def test_a_quotient_by_a_length_that_comes_to_nothing_is_not_known() -> None:
    quotient = (H * 7) // (H - 1 + FreeDim.named("W") // 8)
    assert isinstance(quotient, FreeDim)
    with pytest.raises(Undetermined):
        substituted(quotient, {"H": 1, "W": 1})


@pytest.mark.parametrize("declared", [None, [], [1]])
@pytest.mark.parametrize("trips", [[1], [3]])
def test_a_body_is_given_its_number_as_it_is_written(
    declared: list[int] | None, trips: list[int]
) -> None:
    """As PyTorch exports a loop over splits: what is cut off hangs on the iteration's number, and the
    parts come together in a sequence; the number's shape is declared, or isn't."""
    number = helper.make_tensor_value_info("i", TensorProto.INT64, declared)
    going = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
    at = "i" if declared != [] else "flat"
    nodes = [
        helper.make_node("Reshape", ["i", "one"], ["flat"]),
        helper.make_node("Gather", ["starts", at], ["from"]),
        helper.make_node("Add", [at, "one"], ["next"]),
        helper.make_node("Gather", ["starts", "next"], ["to"]),
        helper.make_node("Slice", ["x", "from", "to", "axis"], ["part"]),
        helper.make_node("SequenceInsert", ["s", "part"], ["grown"]),
        helper.make_node("Identity", ["c"], ["on"]),
    ]
    ends = [onnx.ValueInfoProto(name="on"), onnx.ValueInfoProto(name="grown")]
    body = helper.make_graph(nodes, "body", [number, going, sequence], ends)
    stored = {
        "n": np.array(trips), "go": np.array(True), "starts": np.array([0, 1, 4, 9]),
        "axis": np.array([1]), "one": np.array([1]), "last": np.array(-1),
    }  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("SequenceEmpty", [], ["none"], dtype=TensorProto.FLOAT),
            helper.make_node("Loop", ["n", "go", "none"], ["all"], "cut", body=body),
            helper.make_node("SequenceAt", ["all", "last"], ["y"], "at"),
        ],
        "split", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 9])],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    report = cnnscope.analyze(model)
    assert report.outputs[0].tensor.shape == (2, 1 if trips == [1] else 5)
    assert not report.errors
    if declared is not None:  # ONNX Runtime runs no body that doesn't say
        run = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        (y,) = run.run(None, {"x": np.zeros((2, 9), np.float32)})
        assert y.shape == report.outputs[0].tensor.shape
