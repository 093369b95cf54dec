"""Valid and slightly invalid models of every operator, and what ONNX Runtime makes of each.

A *base* is a node that runs: of onnx's own backend tests, or of the tables of our operator tests. A
*change* makes it slightly wrong (or another valid one): one input with a length more or less, an axis
more or less, another dtype, left out or one too many; one attribute with another number, one number
more or less, dropped, or one that there isn't; or a second node before or behind it. ONNX Runtime,
optimisations off, says which of them run and what they give; it shares no code with ours.

By hand, all of them: ``python tests/differential.py [OPERATOR...]`` prints the counts by operator and
every departure.
"""

from __future__ import annotations

import faulthandler
import importlib
import multiprocessing
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import cnnscope

Arrays = list[np.ndarray | None]


@dataclass(frozen=True)
class Node:
    """A model of one operator: a node, and an array for each of its inputs (None: omitted)."""

    proto: onnx.NodeProto
    inputs: tuple[np.ndarray | None, ...]
    opset: int
    change: str = "as it is"
    around: str = ""  # "before", "behind": another node there

    @property
    def operator(self) -> str:
        domain = f"{self.proto.domain}::" if self.proto.domain else ""
        return f"{domain}{self.proto.op_type}-{self.opset}"

    def model(self) -> onnx.ModelProto:
        """As a file: integers and booleans are stored, so that what hangs on them is known."""
        proto = onnx.NodeProto()
        proto.CopyFrom(self.proto)
        proto.name = "it"
        del proto.input[:]
        nodes, values, stored = [], [], []
        for i, array in enumerate(self.inputs):
            proto.input.append("" if array is None else f"x{i}")
            if array is None:
                continue
            name = f"x{i}"
            if self.around == "before" and i == 0:
                nodes.append(helper.make_node("Identity", ["x"], [name], name="before"))
                name = "x"
            if is_stored(array):
                stored.append(tensor_of(array, name))
            else:
                values.append(helper.make_tensor_value_info(name, code_of(array), array.shape))
        nodes.append(proto)
        ends = [name for name in proto.output if name]
        if self.around == "behind":
            nodes.append(helper.make_node("Identity", [ends[0]], ["behind"], name="behind"))
            ends.append("behind")
        graph = helper.make_graph(
            nodes, "one", values, [onnx.ValueInfoProto(name=name) for name in ends], stored
        )
        opsets = [helper.make_opsetid("", self.opset if not proto.domain else 21)]
        if proto.domain:
            opsets.append(helper.make_opsetid(proto.domain, self.opset))
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def feeds(self) -> dict[str, np.ndarray]:
        found = {}
        for i, array in enumerate(self.inputs):
            if array is not None and not is_stored(array):
                found["x" if self.around == "before" and i == 0 else f"x{i}"] = array
        return found


def is_stored(array: np.ndarray) -> bool:
    return array.dtype.kind in "iub" and array.size <= 64


def code_of(array: np.ndarray) -> int:
    if array.dtype.kind in "OUS":
        return TensorProto.STRING
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def tensor_of(array: np.ndarray, name: str) -> TensorProto:
    found = numpy_helper.from_array(array, name)
    assert isinstance(found, TensorProto)
    return found


# -- bases -----------------------------------------------------------------------------------------


#: what bases are written for, but for operators that are newer
OPSET = 21


def schema_version(node: onnx.NodeProto) -> int:
    return onnx.defs.get_schema(node.op_type, node.domain).since_version if not node.domain else 1


def backend_nodes() -> Iterator[Node]:
    """onnx's backend tests of one node that takes and gives tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
    for case in cases:
        made = case.model
        if made is None or len(made.graph.node) != 1 or made.functions:
            continue
        if any(not x.type.HasField("tensor_type") for x in (*made.graph.input, *made.graph.output)):
            continue
        (node,) = made.graph.node
        if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
            continue
        arrays = {}
        for x, value in zip(made.graph.input, case.data_sets[0][0], strict=False):
            arrays[x.name] = (
                numpy_helper.to_array(value)
                if isinstance(value, TensorProto)
                else np.asarray(value)
            )
        arrays.update({x.name: numpy_helper.to_array(x) for x in made.graph.initializer})
        if any(name and name not in arrays for name in node.input):
            continue
        since = schema_version(node)
        opset = since if since > OPSET else OPSET
        yield Node(node, tuple(arrays[name] if name else None for name in node.input), opset)


TABLES = (
    "attention", "conv", "elementwise", "indexing", "matmul", "movement", "ngram", "normalization",
    "classical", "pool", "quantization", "recurrent", "reduce", "resize", "sequence", "signal", "space",
)  # fmt: skip


def our_nodes() -> Iterator[Node]:
    """The cases of our operator tests' tables."""
    import single_node

    for table in TABLES:
        importlib.import_module(f"test_operators_{table}")
    for case in single_node.MADE:
        yield Node(single_node.node(case), case.inputs, single_node.own_opset(case))


# -- changes ---------------------------------------------------------------------------------------

OTHER_DTYPES = (np.float32, np.float64, np.int64, np.int32, np.bool_)


def changes(base: Node, dice: random.Random) -> Iterator[Node]:
    """Nodes that are slightly other than this one; one of each kind for each input and attribute."""
    yield base
    for around in ("before", "behind"):
        if around == "behind" or (base.inputs and base.inputs[0] is not None):
            yield Node(base.proto, base.inputs, base.opset, f"a node {around}", around)
    for i, array in enumerate(base.inputs):
        if array is None:
            continue

        def other(new: np.ndarray | None, said: str, i: int = i) -> Node:
            inputs = (*base.inputs[:i], new, *base.inputs[i + 1 :])
            return Node(base.proto, inputs, base.opset, f"input {i} {said}")

        if array.ndim:
            axis = dice.randrange(array.ndim)
            for step in (1, -1):
                length = array.shape[axis] + step
                if length > 0:
                    shape = (*array.shape[:axis], length, *array.shape[axis + 1 :])
                    yield other(np.resize(array, shape), f"axis {axis} {step:+d}")
            if array.shape[axis] > 1:
                shape = (*array.shape[:axis], 1, *array.shape[axis + 1 :])
                yield other(np.resize(array, shape), f"axis {axis} 1")
            yield other(np.resize(array, array.shape[1:]), "without its first axis")
            yield other(np.resize(array, array.shape[:-1]), "without its last axis")
        yield other(array[None], "with an axis before")
        yield other(array[..., None], "with an axis behind")
        if array.dtype.kind in "fiub":
            dtype = dice.choice([t for t in OTHER_DTYPES if t != array.dtype])
            yield other(array.astype(dtype), f"as {np.dtype(dtype)}")
        yield other(None, "left out")
    extra = np.ones((2, 3), np.float32)
    yield Node(base.proto, (*base.inputs, extra), base.opset, "an input more")
    if len(base.inputs) > 1:
        yield Node(base.proto, base.inputs[:-1], base.opset, "an input less")
    for k, attribute in enumerate(base.proto.attribute):
        for said, value in _values(attribute, dice):
            proto = onnx.NodeProto()
            proto.CopyFrom(base.proto)
            if value is None:
                del proto.attribute[k]
            else:
                proto.attribute[k].CopyFrom(value)
            yield Node(proto, base.inputs, base.opset, f"attribute {attribute.name} {said}")
    proto = onnx.NodeProto()
    proto.CopyFrom(base.proto)
    proto.attribute.append(helper.make_attribute("no_such_attribute", 1))
    yield Node(proto, base.inputs, base.opset, "attribute no_such_attribute")


def _values(
    attribute: onnx.AttributeProto, dice: random.Random
) -> Iterator[tuple[str, onnx.AttributeProto | None]]:
    yield "dropped", None
    value, name = helper.get_attribute_value(attribute), attribute.name
    if attribute.type == attribute.INT:
        for step in (1, -1, 7):
            yield f"{step:+d}", helper.make_attribute(name, value + step)
    elif attribute.type == attribute.INTS:
        numbers = list(value)
        if numbers:
            at = dice.randrange(len(numbers))
            for step in (1, -1):
                changed = [*numbers[:at], numbers[at] + step, *numbers[at + 1 :]]
                yield f"[{at}] {step:+d}", helper.make_attribute(name, changed)
            if len(numbers) > 1:
                yield "one less", helper.make_attribute(name, numbers[:-1])
        yield "one more", helper.make_attribute(name, [*numbers, 1])
    elif attribute.type == attribute.STRING:
        yield "another", helper.make_attribute(name, "nonsense")


# -- what becomes of them --------------------------------------------------------------------------

#: a refusal of ONNX Runtime's, or the shape and dtype of each output
Ran = str | list[tuple[tuple[int, ...], str]]


def run_here(node: Node) -> Ran:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = ort.InferenceSession(
            node.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        found = session.run(None, node.feeds())
    except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
        return " ".join(str(error).split())[:600] or "refused"
    ends: list[tuple[tuple[int, ...], str]] = []
    for array in found:
        if not isinstance(array, np.ndarray):
            return "NOT_IMPLEMENTED: no tensor"
        ends.append((array.shape, "string" if array.dtype.kind in "OU" else str(array.dtype)))
    return ends


def _serve(nodes: Sequence[Node], pipe: Connection, first: int) -> None:
    faulthandler.disable()  # a crash is a result here
    for i in range(first, len(nodes)):
        pipe.send((i, run_here(nodes[i])))
    pipe.send(None)


def run_all(nodes: Sequence[Node]) -> list[Ran]:
    """What ONNX Runtime makes of each: in a process of its own, since some changes crash it."""
    found: list[Ran] = []
    context = multiprocessing.get_context("fork")
    while len(found) < len(nodes):
        mine, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_serve, args=(nodes, theirs, len(found)), daemon=True)
        child.start()
        theirs.close()
        try:
            while (said := mine.recv()) is not None:
                found.append(said[1])
        except EOFError:
            found.append("crash")
        child.join()
    return found


def departure(node: Node, ran: Ran) -> str:
    """How our word on a node differs from ONNX Runtime's; "": it doesn't.

    What ONNX Runtime has no kernel for, and what crashes it, says nothing.
    """
    if ran == "crash" or (
        isinstance(ran, str)
        and any(
            word in ran
            for word in ("NOT_IMPLEMENTED", "Could not find an implementation", "not implemented")
        )
    ):
        return ""
    try:
        report = cnnscope.analyze(node.model())
    except cnnscope.CnnscopeError as error:
        return "" if isinstance(ran, str) else f"we can't read it: {error}"
    except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
        return f"we raise {type(error).__name__}: {error}"
    if isinstance(ran, str):
        return "" if report.errors else f"we take what ONNX Runtime refuses: {ran}"
    if report.errors:
        return f"we refuse what ONNX Runtime runs: {report.errors[0].message}"
    for x, (shape, dtype) in zip(report.outputs, ran, strict=True):
        if x.dtype is not None and x.dtype != dtype:
            return f"{x.name} is {dtype}, we say {x.dtype}"
        if x.shape is None:
            continue
        if len(x.shape) != len(shape) or any(
            a != b for a, b in zip(x.shape, shape, strict=True) if isinstance(a, int)
        ):
            return f"{x.name} is {shape}, we say {x.shape}"
    return ""


def main(wanted: Iterable[str]) -> None:
    names = set(wanted)
    bases = [
        base for base in (*backend_nodes(), *our_nodes())
        if not names or base.proto.op_type in names
    ]  # fmt: skip
    nodes = [new for i, base in enumerate(bases) for new in changes(base, random.Random(i))]
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for node, ran in zip(nodes, run_all(nodes), strict=True):
        counts[node.operator.rpartition("-")[0]] += 1
        said = departure(node, ran)
        if said:
            wrong[node.operator.rpartition("-")[0]] += 1
            shapes = ["-" if x is None else f"{x.dtype}{list(x.shape)}" for x in node.inputs]
            sys.stdout.write(f"{node.operator} {node.change}: {said}\n    {' '.join(shapes)} ")
            sys.stdout.write(
                " ".join(
                    f"{a.name}={helper.get_attribute_value(a)}"[:60] for a in node.proto.attribute
                )
                + "\n"
            )
    sys.stdout.write(
        f"{sum(counts.values())} models of {len(counts)} operators, "
        f"{sum(wrong.values())} departures\n"
    )
    for name, number in sorted(counts.items()):
        sys.stdout.write(f"{number:6} {wrong[name]:5} {name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
