"""Which role has a stored tensor, where the operator that uses it doesn't say?"""

from __future__ import annotations

from dataclasses import replace

from cnnscope.analyzer.model.graph import Node, Stored
from cnnscope.analyzer.model.tensors import stored_sparse
from cnnscope.analyzer.operators.definition import Role
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.tensor import Tensor

#: dtypes that no weight has: what is stored in them are shapes, indices, masks and texts
NEVER_LEARNED = frozenset({"int64", "int32", "bool", "string", "uint64", "uint32"})


def stored_role(stored: Stored, written: bool, role: Role | None) -> Role:
    """The role of what is stored.

    Args:
        stored: the tensor.
        written: it is a Constant node's.
        role: what it is where it is used, which may depend on it; None: anything.
    """
    tensor = stored.tensor
    if role == "affine":
        # Exporters spell a normalisation without affine weights with ones and zeros.
        return "constant" if written and _is_fill(tensor) else "parameter"
    if role is not None:
        return role
    if tensor.dtype in NEVER_LEARNED or (written and stored.elements == 1):
        return "constant"  # an exponent, an epsilon
    # A number without a shape is a bound, a scale or an exponent: weights have axes.
    return "constant" if tensor.shape == () else "parameter"


def _is_fill(tensor: Tensor) -> bool:
    """One number, repeated."""
    value = tensor.value
    return value is not None and value.dtype != object and len(set(value.ravel().tolist())) == 1


def made_tensor(name: str, tensor: Tensor, node: Node) -> Stored:
    """A tensor that a node gives out of its attributes."""
    for attribute in node.proto.attribute if tensor.value is None else ():
        if attribute.HasField("sparse_tensor"):
            return replace(stored_sparse(attribute.sparse_tensor), name=name, tensor=tensor)
    size = 0 if tensor.shape is None else tensor.size
    elements = size if isinstance(size, int) else 0
    try:
        nbytes = tensor.nbytes
    except Undetermined:  # strings, or a size that isn't known
        return Stored(name, tensor, elements, None)
    return Stored(name, tensor, elements, nbytes if isinstance(nbytes, int) else None)
