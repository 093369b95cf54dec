"""What do small values come to, where they are known before the model runs?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.model.tensors import VALUE_LIMIT
from cnnscope.analyzer.operators.arithmetic import calculation, reckoner
from cnnscope.analyzer.operators.schema_rows import ASKED_FOR
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.dimension import FreeDim, Undetermined
from cnnscope.analyzer.values.elements import FreeRatio
from cnnscope.analyzer.values.reckoning import Sums, unknown
from cnnscope.analyzer.values.tensor import Tensor


@lru_cache(maxsize=ASKED_FOR)
def _reference(domain: str, op: str, version: int) -> type | None:
    from onnx.reference.ops import load_op

    try:
        found: type = load_op(domain, op, version)
        return found
    except Exception:  # noqa: BLE001
        # load_op raises several unrelated types for what it lacks; lacking is no error here.
        return None


def fold(
    node: Node, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...], shapes: Shapes
) -> tuple[Tensor, ...]:
    """The outputs with their values, where they are small and onnx's reference can tell them."""
    if all(x.value is not None for x in outputs) or node.bodies:
        return outputs
    for x in outputs:
        if x.kind != "tensor" or x.shape is None:
            return outputs
        size = x.size
        if not isinstance(size, int) or size > VALUE_LIMIT:
            return outputs
    arrays = [None if x is None else x.value for x in inputs]
    if any(x is not None and x.value is None for x in inputs):
        return outputs
    if any(a is not None and a.dtype == object for a in arrays):
        return _reckoned(node, inputs, outputs)
    # Blocks alike do the same arithmetic with the same numbers: it is done once.
    key = (
        node.op, node.domain, node.version, len(outputs), tuple(node.attributes.items()),
        *[None if a is None else (a.dtype, a.shape, a.tobytes()) for a in arrays],
    )  # fmt: skip
    results = shapes._values.get(key)
    if results is None:
        results = values_of(node, arrays)
        shapes.room.keep(arrays)  # in the key
        shapes._values[key] = results
    folded = [
        x.with_value(array) if array.shape == x.shape and array.dtype != object else x
        for x, array in zip(outputs, results, strict=False)
    ]
    return tuple(folded) or outputs


#: elements of an array up to which what hangs on free lengths is worked out
RECKONED = 256


#: and in which dtypes: narrower ones, and those without a sign, may wrap around
_RECKONED_IN = frozenset({"int64", "int32", "float32", "float64", "bool"})


def _reckoned(
    node: Node, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """The outputs with values that hang on free lengths, or that say so."""
    arrays = [None if x is None else x.value for x in inputs]
    if any(a is not None and a.size > RECKONED for a in arrays):
        return outputs
    found: Sequence[np.ndarray] = ()
    rule = reckoner(node.domain, node.op)
    plain = all(x is None or x.dtype in _RECKONED_IN for x in inputs)
    if rule is not None and plain and not node.attributes.get(rule.unless):
        sums = Sums(
            arrays, [None if x is None else x.dtype for x in inputs], node.attributes,
            outputs[0].dtype, lambda others: values_of(node, others),
        )  # fmt: skip
        try:
            found = rule.rule(sums)
        except (ValueError, TypeError, IndexError, Undetermined, OverflowError):
            found = ()  # what can't be laid against each other is the shape rule's to refuse
    told = []
    for k, x in enumerate(outputs):
        array = found[k] if k < len(found) else None
        shape = tuple(n for n in x.shape or () if isinstance(n, int))
        if array is None or array.shape != shape:
            if math.prod(shape) > RECKONED:
                told.append(x)
                continue
            array = unknown(shape, f"{node.name} value {k}", arrays)
        named = _named(array, f"{node.name} value {k}")
        if named.dtype != object and x.dtype in _RECKONED_IN:
            named = named.astype(x.dtype)  # the reference wants operands of one dtype
        told.append(x.with_value(named))
    return tuple(told)


def _named(array: np.ndarray, what: str) -> np.ndarray:
    """The elements that aren't followed called after the node that lost them."""
    for index in np.ndindex(*array.shape):
        item: object = array[index]
        if isinstance(item, FreeDim) and (lost := item.lost) is not None:
            place = f" {list(index)}" if index else ""
            array[index] = FreeDim.unknown(f"{what}{place}", lost.names, lost.data)
    if all(not isinstance(item, FreeDim | FreeRatio) for item in array.ravel().tolist()):
        return np.array(array.tolist())
    return array


def known_in_part(node: Node, inputs: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """The inputs, what a few whole numbers come to that hang on data as so many unknowns."""
    if not any(x is not None and x.value is not None for x in inputs):
        return inputs
    found = []
    for x, name in zip(inputs, node.inputs, strict=True):
        if x is None or x.value is not None:
            found.append(x)
            continue
        shape = tuple(n for n in x.shape or () if isinstance(n, int))
        known = x.shape is not None and len(shape) == len(x.shape) and x.kind == "tensor"
        if not known or math.prod(shape) > RECKONED or x.dtype not in ("int64", "int32"):
            return inputs
        array = np.empty(shape, object)
        for index in np.ndindex(*shape):
            what = f"{name} {list(index)}" if index else name
            array[index] = FreeDim.unknown(what, data=(what,))
        found.append(x.with_value(array))
    return tuple(found)


def values_of(node: Node, arrays: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
    """What onnx's reference gives for these inputs; nothing where it can't tell.

    It isn't asked what numpy says as well: loading it takes longer than to analyse a model.
    """
    rule = calculation(node.domain, node.op)
    plain = all(a is None or a.dtype.kind in "biuf" for a in arrays)
    if rule is not None and plain and len(node.outputs) == 1:
        try:
            with np.errstate(all="ignore"):
                found = rule(arrays, node.attributes, node.version)
        except Exception:  # noqa: BLE001
            found = None  # it may take what numpy doesn't, and knows what is left out
        if found is not None:
            return (np.asarray(found),)
    return reference_result(node, arrays)


def reference_result(node: Node, arrays: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
    """What onnx's reference gives for these inputs; nothing where it can't tell."""
    implementation = _reference(node.domain, node.op, node.version)
    if implementation is None:
        return ()
    parameters = {
        "log": lambda *_: None, "opsets": {node.domain: node.version}, "verbose": 0,
        "new_ops": None,
    }  # fmt: skip
    try:
        with np.errstate(all="ignore"):
            results = implementation(node.proto, parameters).run(*arrays)
        return tuple([np.asarray(value) for value in results])
    except Exception:  # noqa: BLE001
        # The reference raises whatever numpy does, e.g. on dimensions that aren't numbers: then
        # the value stays unknown, which whoever needs it will say.
        return ()
