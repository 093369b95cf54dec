"""What is a node's attribute as plain Python?"""

from __future__ import annotations

from collections.abc import Callable

import onnx

from cnnscope.analyzer.model.tensors import declared_tensor, stored_sparse, tensor_facts

_A = onnx.AttributeProto


#: what an attribute that holds no graph is as plain Python, by its type
PLAIN_ATTRIBUTES: dict[int, Callable[[onnx.AttributeProto], object]] = {
    _A.INT: lambda a: a.i,
    _A.INTS: lambda a: tuple(a.ints[:]),
    _A.FLOAT: lambda a: a.f,
    _A.FLOATS: lambda a: tuple(a.floats[:]),
    _A.STRING: lambda a: a.s.decode("utf-8", "replace"),
    _A.STRINGS: lambda a: tuple([s.decode("utf-8", "replace") for s in a.strings]),
    _A.TENSOR: lambda a: tensor_facts(a.t)[0],
    _A.TENSORS: lambda a: tuple([tensor_facts(t)[0] for t in a.tensors]),
    _A.SPARSE_TENSOR: lambda a: stored_sparse(a.sparse_tensor).tensor,
    _A.TYPE_PROTO: lambda a: declared_tensor(a.tp),
}


def guessed_type(a: onnx.AttributeProto) -> int:
    """The type of an attribute that doesn't say it: the field that is set."""
    for name, kind in (
        ("f", _A.FLOAT), ("i", _A.INT), ("s", _A.STRING), ("t", _A.TENSOR), ("g", _A.GRAPH),
    ):  # fmt: skip
        if a.HasField(name):
            return int(kind)
    for name, kind in (
        ("floats", _A.FLOATS), ("ints", _A.INTS), ("strings", _A.STRINGS),
        ("tensors", _A.TENSORS), ("graphs", _A.GRAPHS),
    ):  # fmt: skip
        if getattr(a, name):
            return int(kind)
    return int(_A.INTS)
