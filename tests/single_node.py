"""One operator alone: its rules applied, and ONNX Runtime's word on the same node.

The vocabulary of the operator tests. `rules(...)` applies what `define` registered; `runtime(...)`
runs the node with ONNX Runtime, which shares no code with it; `dependence(...)` finds by brute
force which indices of an input axis each output index reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.operators.definition import Operator, lookup
from cnnscope.analyzer.operators.reading import Reads
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import DTYPES, Tensor


@dataclass(frozen=True)
class Case:
    """A node: inputs are arrays (random data of a shape, or constants the rule may look at)."""

    op: str
    inputs: tuple[np.ndarray | None, ...]
    attributes: dict[str, Any]
    constants: frozenset[int] = frozenset()  # inputs whose value the rule gets
    outputs: int = 1
    opset: int = 21
    domain: str = ""


#: every case so far, for `differential`
MADE: list[Case] = []


def case(
    op: str,
    *inputs: Any,
    const: tuple[int, ...] = (),
    outputs: int = 1,
    opset: int = 21,
    domain: str = "",
    seed: int = 0,
    **attributes: Any,
) -> Case:
    """A shape tuple stands for random float32 data of that shape; lists and arrays for values."""
    random = np.random.default_rng(seed)
    arrays = tuple(
        random.standard_normal(x).astype(np.float32)
        if isinstance(x, tuple)
        else None
        if x is None
        else np.asarray(x)
        for x in inputs
    )
    made = Case(op, arrays, attributes, frozenset(const), outputs, opset, domain)
    MADE.append(made)
    return made


def node(c: Case) -> onnx.NodeProto:
    names = ["" if x is None else f"x{i}" for i, x in enumerate(c.inputs)]
    return helper.make_node(
        c.op,
        names,
        [f"y{i}" for i in range(c.outputs)],
        name="node",
        domain=c.domain,
        **c.attributes,
    )


def tensors(c: Case) -> tuple[Tensor | None, ...]:
    return tuple(
        None
        if x is None
        else Tensor(
            "string" if x.dtype.kind in "OU" else str(x.dtype),
            x.shape,
            constant=i in c.constants,
            value=x if i in c.constants else None,
        )
        for i, x in enumerate(c.inputs)
    )


def keywords(c: Case) -> dict[str, Any]:
    found: dict[str, Any] = {"opset": c.opset, "output_count": c.outputs, "node_name": "node"}
    for attribute in node(c).attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode()
        elif isinstance(value, TensorProto):
            array = numpy_helper.to_array(value)
            value = Tensor(DTYPES[value.data_type], array.shape, True, array)
        elif isinstance(value, list | tuple):
            value = tuple(x.decode() if isinstance(x, bytes) else x for x in value)
        found[attribute.name] = value
    return found


def operator(c: Case) -> Operator:
    found = lookup(c.domain, c.op, c.opset)
    assert found is not None, f"{c.op} has no rules"
    return found


def infer(c: Case) -> tuple[Tensor, ...]:
    result = operator(c).call(operator(c).infer, tensors(c), keywords(c))
    return (result if isinstance(result, tuple) else (result,))[: c.outputs]


def work(c: Case) -> Work:
    rule = operator(c).work
    return operator(c).call(rule, (infer(c), *tensors(c)), keywords(c)) if rule else Work()


def reads(c: Case) -> Reads | None:
    rule = operator(c).reads
    return operator(c).call(rule, (infer(c), *tensors(c)), keywords(c)) if rule else None


def own_opset(c: Case) -> int:
    """The opset of the case's own domain: of those that ONNX Runtime adds there is one."""
    return c.opset if c.domain in ("", "ai.onnx.ml") else 1


def model(c: Case) -> onnx.ModelProto:
    from onnx.helper import np_dtype_to_tensor_dtype

    values = [
        helper.make_tensor_value_info(f"x{i}", np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for i, x in enumerate(c.inputs)
        if x is not None and i not in c.constants
    ]
    weights = [numpy_helper.from_array(c.inputs[i], f"x{i}") for i in sorted(c.constants)]
    outputs = [onnx.ValueInfoProto(name=f"y{i}") for i in range(c.outputs)]
    graph = helper.make_graph([node(c)], "one", values, outputs, weights)
    opsets = [helper.make_opsetid("", c.opset if not c.domain else 21)]
    if c.domain:
        opsets.append(helper.make_opsetid(c.domain, own_opset(c)))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def same_node(a: Case, b: Case) -> bool:
    """Whether one session runs both: they differ in nothing but the values that are fed."""
    return (
        (a.op, a.domain, a.opset, a.outputs) == (b.op, b.domain, b.opset, b.outputs)
        and a.attributes is b.attributes
        and a.constants == b.constants
        and len(a.inputs) == len(b.inputs)
        and all(
            x is y if i in a.constants or x is None or y is None
            else (x.dtype, x.shape) == (y.dtype, y.shape)
            for i, (x, y) in enumerate(zip(a.inputs, b.inputs, strict=True))
        )
    )  # fmt: skip


class _Last:
    """The node that ran last, ready to be run again: brute force runs one with many inputs."""

    case: Case | None = None
    session: Any = None


def opened(c: Case) -> Any:
    """A session of ONNX Runtime on the CPU for the node."""
    if _Last.case is not None and same_node(_Last.case, c):
        return _Last.session
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # more would wait busily, and each session would start its own
    session = ort.InferenceSession(
        model(c).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    _Last.case, _Last.session = c, session
    return session


def run(c: Case) -> list[np.ndarray]:
    """The node's outputs from ONNX Runtime on the CPU."""
    session = opened(c)
    feeds = {f"x{i}": x for i, x in enumerate(c.inputs) if x is not None and i not in c.constants}
    return session.run(None, feeds)


def assert_shapes(c: Case) -> None:
    """The rules' shapes and dtypes equal those ONNX Runtime produces."""
    for mine, actual in zip(infer(c), run(c), strict=True):
        dtype = "string" if actual.dtype.kind in "OU" else str(actual.dtype)
        assert (mine.dtype, mine.shape) == (dtype, actual.shape), c.op


def assert_refused(c: Case, said: str) -> None:
    """The rule refuses the node, in these words, and so does ONNX Runtime."""
    with pytest.raises(ValueError, match=said):
        infer(c)
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        run(c)


def dependence(
    c: Case, which: int, axis: int, out_axis: int, output: int = 0
) -> dict[int, set[int]]:
    """By brute force: output index along `out_axis` -> indices of input `which` along `axis` read.

    Each input row is replaced by NaN in turn; use with operators that let NaN through.
    """
    found: dict[int, set[int]] = {}
    for row in range(c.inputs[which].shape[axis]):
        x = c.inputs[which].copy()
        x[(slice(None),) * axis + (row,)] = np.nan
        changed = Case(
            c.op,
            (*c.inputs[:which], x, *c.inputs[which + 1 :]),
            c.attributes,
            c.constants,
            c.outputs,
            c.opset,
            c.domain,
        )
        y = run(changed)[output]
        others = tuple(i for i in range(y.ndim) if i != out_axis)
        for index in np.flatnonzero(np.isnan(y).any(axis=others)):
            found.setdefault(int(index), set()).add(row)
    return found


def predicted(c: Case, which: int, axis: int, output: int = 0) -> dict[int, set[int]]:
    """The same from the rule's `Along`/`Listed`/`Upto` for that axis (nothing clipped but borders)."""
    from cnnscope.analyzer.operators.reading import Along, Listed, Only, Upto, Whole

    rule = reads(c)
    per_output = rule[output] if isinstance(rule, dict) else rule
    read = per_output[which][axis]
    length = c.inputs[which].shape[axis]
    if isinstance(read, Whole):
        return {-1: set(range(length))}
    if isinstance(read, Only):
        return {-1: set(range(read.lo, read.hi + 1))}
    count = infer(c)[output].shape[read.axis]
    found: dict[int, set[int]] = {}
    for i in range(count):
        if isinstance(read, Along):
            w = read.window
            rows = set()
            for p in w.at(i):
                if 0 <= p < length:
                    rows.add(p)
                elif w.outside == "edge":
                    rows.add(min(max(p, 0), length - 1))
                elif w.outside == "wrap":
                    rows.add(p % length)
                elif w.outside == "reflect":
                    period = 2 * (length - 1) or 1
                    q = p % period
                    rows.add(q if q < length else period - q)
        elif isinstance(read, Listed):
            row = read.rows[i]
            rows = set() if row is None else set(range(max(row[0], 0), min(row[1] + 1, length)))
        else:
            assert isinstance(read, Upto)
            rows = set(range(i, length)) if read.reverse else set(range(i + 1))
        if rows:
            found[i] = rows
    return found


def changed(c: Case, which: int, axis: int, row: int, output: int = 0) -> np.ndarray:
    """Which output elements change when one row of an input does; for operators in which a NaN
    wouldn't tell (a mask multiplies it by zero) and for integers."""
    before = run(c)[output]
    result = np.zeros(before.shape, bool)
    random = np.random.default_rng(row)
    for _ in range(2):
        x = c.inputs[which].copy()
        part = x[(slice(None),) * axis + (row,)]
        if x.dtype.kind == "f":
            part += random.standard_normal(part.shape).astype(x.dtype)
        elif x.dtype.kind == "b":
            part ^= True
        else:
            part ^= random.integers(1, 100, part.shape).astype(x.dtype)
        if not part.shape:
            x[(slice(None),) * axis + (row,)] = part
        inputs = (*c.inputs[:which], x, *c.inputs[which + 1 :])
        after = run(Case(c.op, inputs, c.attributes, c.constants, c.outputs, c.opset, c.domain))
        if before.dtype.kind == "f":
            result |= ~np.isclose(after[output], before, rtol=1e-5, atol=1e-6)
        else:
            result |= after[output] != before
    return result


def assert_reads(
    c: Case, *which: int, output: int = 0, contracted: bool = True, parts: bool = False
) -> None:
    """The rule's reads of these inputs, axis by axis, equal what changing their rows changes.

    Without `contracted`, an axis that is read whole but not for looking along it may be read in
    part (features of which each head has its own). With `parts`, the output's last axis is real
    and imaginary part, of which either may be without an input that the other has.
    """
    from cnnscope.analyzer.operators.reading import (
        NOTHING,
        Along,
        Listed,
        Only,
        Upto,
        Whole,
        elementwise,
    )

    rule = reads(c)
    per_output = rule[output] if isinstance(rule, dict) else rule
    y = infer(c)[output]
    for i in which:
        x = tensors(c)[i]
        found = per_output[i] if per_output is not None and i < len(per_output) else None
        if found is None:
            found = elementwise(y, x)
        for axis in range(x.rank):
            rows = [changed(c, i, axis, row, output) for row in range(x.shape[axis])]
            if found is NOTHING:
                assert not any(row.any() for row in rows), (c.op, i, axis)
                continue
            read = found[axis]
            if read == Whole() and not contracted:
                continue
            if isinstance(read, Along | Listed | Upto):
                others = tuple(k for k in range(rows[0].ndim) if k != read.axis)
                actual: dict[int, set[int]] = {}
                for row, mask in enumerate(rows):
                    for index in np.flatnonzero(mask.any(axis=others)):
                        actual.setdefault(int(index), set()).add(row)
                per_out = {o: r for o, r in _predicted(y, x, axis, read).items() if r}
                assert per_out == actual, (c.op, i, axis, read)
                continue
            seen = range(read.lo, read.hi + 1) if isinstance(read, Only) else range(x.shape[axis])
            for row, mask in enumerate(rows):
                assert mask.any() == (row in seen), (c.op, i, axis, read, row)
                for k in range(mask.ndim - parts):
                    others = tuple(o for o in range(mask.ndim) if o != k)
                    if row in seen:
                        assert mask.any(axis=others).all(), (c.op, i, axis, read, row, k)


def _predicted(y: Tensor, x: Tensor, axis: int, read: Any) -> dict[int, set[int]]:
    from cnnscope.analyzer.operators.reading import Along, Listed

    found: dict[int, set[int]] = {}
    length = x.shape[axis]
    for i in range(y.shape[read.axis]):
        if isinstance(read, Along):
            found[i] = {p for p in read.window.at(i) if 0 <= p < length}
        elif isinstance(read, Listed):
            row = read.rows[i]
            found[i] = set() if row is None else set(range(max(row[0], 0), min(row[1] + 1, length)))
        else:
            found[i] = set(range(i, length)) if read.reverse else set(range(min(i + 1, length)))
    return found


def unnamed_attributes(*names: str, domain: str = "") -> set[tuple[str, str]]:
    """(operator, attribute) of every schema version that no rule of the operator names."""
    import inspect

    from onnx import defs

    from cnnscope.analyzer.operators.definition import defined

    accepted: dict[str, set[str]] = {}
    for rules in defined():
        if rules.domain == domain:
            for rule in filter(None, (rules.infer, rules.work, rules.reads)):
                accepted.setdefault(rules.name, set()).update(inspect.signature(rule).parameters)
    return {
        (schema.name, attribute)
        for schema in defs.get_all_schemas_with_history()
        if schema.domain == domain and schema.name in names
        for attribute in schema.attributes
        if attribute not in accepted[schema.name]
    }
