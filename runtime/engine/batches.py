"""How is a model's batch made another one?

By binding its free dimension. One that the file fixes stays here: constants in the graph (the target
of a Reshape) may count on it; `reopening` makes a copy with another, where that can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.model.binding import batch_labels, show
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def bind_batch(
    declared: Mapping[str, Tensor], batch: int, dims: Mapping[str, int]
) -> dict[str, int]:
    """The free dimensions' lengths with the batch among them.

    Args:
        declared: the model's inputs as the file declares them.
        batch: its length.
        dims: lengths that were given by name.

    Raises:
        BindingError: the batch is fixed to another length, or was given another one.

    >>> bind_batch({"x": Tensor(shape=(8, 3))}, 8, {})
    {}
    """
    found = dict(dims)
    labels = batch_labels(declared)
    if not labels:
        for name, tensor in declared.items():
            if tensor.shape and tensor.shape[0] != batch:
                raise BindingError(
                    f"--batch {batch}: the model's batch is fixed: axis 0 of input {name!r} "
                    f"({show(tensor.shape)}) is {tensor.shape[0]}"
                )
        return found
    for label in labels:
        if found.setdefault(label, batch) != batch:
            raise BindingError(
                f"--batch {batch}: the batch dimension {label} is bound to {found[label]}"
            )
    return found


def open_batch(inputs: Sequence[Input]) -> dict[str, list[int | None]]:
    """The shapes that a report's inputs are bound to, the batch left open.

    Args:
        inputs: the report's.
    """
    labels = batch_labels({x.name: x.declared for x in inputs})
    return {
        x.name: [
            length if isinstance(length, int) and _label(x.name, axis, dim) not in labels else None
            for axis, (dim, length) in enumerate(zip(x.declared.shape, x.shape, strict=True))
        ]
        for x in inputs if x.declared.shape is not None and x.shape is not None
    }  # fmt: skip


def _label(name: str, axis: int, dim: Dim) -> str:
    """How `bind_inputs` calls a free dimension of an input."""
    return f"{name}:{axis}" if str(dim) == "?" else str(dim)


def batch_of(declared: Mapping[str, Tensor], bound: Mapping[str, Tensor]) -> int | None:
    """What the batch dimension is bound to; None where the file doesn't say which that is."""
    labels = batch_labels(declared)
    for name, tensor in declared.items():
        shape = bound[name].shape or ()
        for axis, (dim, length) in enumerate(zip(tensor.shape or (), shape, strict=False)):
            if _label(name, axis, dim) in labels and isinstance(length, int):
                return length
    return None
