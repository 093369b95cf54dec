"""One order, another shape: what do Reshape and Flatten put out?

They keep the row-major order (FLAT), and cost no work. A Reshape's -1 is the quotient of the element
counts, exact also where lengths are free. A size that only running the model can tell is a `FreeDim`
named after the node; the other axes stay known.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import FLAT, NOTHING, OutputReads
from cnnscope.analyzer.operators.rules import Outputs, demand_rank
from cnnscope.analyzer.values.conditions import agree, divides
from cnnscope.analyzer.values.dimension import Dim, FreeDim, product
from cnnscope.analyzer.values.tensor import Tensor, axes_of


def reshape_output(
    x: Tensor,
    target: Tensor | None = None,
    *,
    shape: tuple[int, ...] | None = None,
    allowzero: int = 0,
    node_name: str = "",
) -> Tensor:
    demand_rank(target, "shape", 1)
    if target is None:
        wanted: list[Dim] = list(shape or ())
    elif target.value is None:
        count = target.dims[0]
        if not isinstance(count, int):
            return x.of(None)
        return x.of(tuple(FreeDim.from_data(f"{node_name} axis {i}") for i in axes_of(count)))
    else:
        # What hangs on data may be -1 or 0, which stand for other lengths.
        wanted = [
            FreeDim.from_data(f"{node_name} axis {i}") if isinstance(n, FreeDim) and n.data else n
            for i, n in enumerate(target.lengths)
        ]
    # Only plain integers can be 0 (copy the input's) or -1 (what is left over).
    if allowzero != 1:
        copied = [i for i, dim in enumerate(wanted) if dim == 0]
        if copied and copied[-1] >= x.rank:
            raise ValueError(f"0 at axis {copied[-1]} copies an axis that {x.dims} doesn't have")
        wanted = [x.dims[i] if i in copied else dim for i, dim in enumerate(wanted)]
    missing = [i for i, dim in enumerate(wanted) if dim == -1]
    if len(missing) > 1:
        raise ValueError(f"shape {wanted} leaves more than one axis open")
    if x.shape is None:
        for i in missing:
            wanted[i] = FreeDim.from_data(f"{node_name} axis {i}")
        return x.of(tuple(wanted))
    rest = product(dim for i, dim in enumerate(wanted) if i not in missing)
    size = x.size
    fits = True
    if missing:
        if rest == 0:
            raise ValueError(f"shape {wanted} leaves an axis open beside one of length 0")
        wanted[missing[0]] = size // rest
        if isinstance(rest, FreeDim) and rest.data:
            wanted[missing[0]] = FreeDim.from_data(f"{node_name} axis {missing[0]}")
        fits = divides(rest, size)
    else:
        fits = agree(size, rest)
    if not fits:
        raise ValueError(f"{size} elements don't fill shape {wanted}")
    return x.of(tuple(wanted))


def reshape_reads(outputs: Outputs, x: Tensor, target: Tensor | None = None) -> OutputReads:
    return (FLAT,) if target is None else (FLAT, NOTHING)


def flatten_output(x: Tensor, *, axis: int = 1) -> Tensor:
    if x.shape is None:
        return x.of(None)
    if not -x.rank <= axis <= x.rank:
        raise ValueError(f"axis {axis} of a tensor with {x.rank} axes")
    first = axis + x.rank if axis < 0 else axis
    return x.of((product(x.dims[:first]), product(x.dims[first:])))


def flatten_reads(outputs: Outputs, x: Tensor) -> OutputReads:
    return (FLAT,)


define("Reshape", kind="data movement", infer=reshape_output, reads=reshape_reads)
define("Flatten", kind="data movement", infer=flatten_output, reads=flatten_reads)
