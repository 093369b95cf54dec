"""Axes of length one: where do the others go when these come or go?

Nothing here costs work; output i along an axis reads input i, along the axis it went to.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, Along, Only, OutputReads
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, in_range
from cnnscope.analyzer.values.conditions import agree
from cnnscope.analyzer.values.dimension import FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor


def squeezed(x: Tensor, axes: Tensor | None, attribute: tuple[int, ...] | None) -> list[int]:
    """The axes that go, counted from the front."""
    given = axes.numbers if axes is not None else attribute
    if given is not None:
        return sorted(in_range(axis, x.rank) for axis in given)
    for dim in x.dims:
        if isinstance(dim, FreeDim):
            raise Undetermined(f"whether {dim} is 1", dim.names, dim.data)
    return [i for i, dim in enumerate(x.dims) if dim == 1]


def squeeze_output(
    x: Tensor, squeeze: Tensor | None = None, *, axes: tuple[int, ...] | None = None
) -> Tensor:
    demand_rank(squeeze, "axes", 1)
    if x.shape is None or (squeeze is not None and squeeze.value is None):
        return x.of(None)
    gone = squeezed(x, squeeze, axes)
    for i in gone:
        if not agree(x.dims[i], 1):
            raise ValueError(f"axis {i} of length {x.dims[i]} can't be squeezed")
    return x.of(tuple(dim for i, dim in enumerate(x.dims) if i not in gone))


def squeeze_reads(
    outputs: Outputs,
    x: Tensor,
    squeeze: Tensor | None = None,
    *,
    axes: tuple[int, ...] | None = None,
) -> OutputReads:
    gone = squeezed(x, squeeze, axes)
    kept = [i for i in range(x.rank) if i not in gone]
    reads = tuple(Only(0, 0) if i in gone else Along(kept.index(i)) for i in range(x.rank))
    return reads, NOTHING


def unsqueezed(x: Tensor, axes: Tensor | None, attribute: tuple[int, ...] | None) -> list[int]:
    """The axes of the output that are new."""
    given = axes.numbers if axes is not None else list(attribute or ())
    rank = x.rank + len(given)
    new = sorted(in_range(axis, rank) for axis in given)
    if len(set(new)) < len(new):
        raise ValueError(f"axes {given} name one axis twice")
    return new


def unsqueeze_output(
    x: Tensor, unsqueeze: Tensor | None = None, *, axes: tuple[int, ...] | None = None
) -> Tensor:
    demand_rank(unsqueeze, "axes", 0, 1)
    if x.shape is None or (unsqueeze is not None and unsqueeze.value is None):
        return x.of(None)
    shape = list(x.dims)
    for i in unsqueezed(x, unsqueeze, axes):
        shape.insert(i, 1)
    return x.of(tuple(shape))


def unsqueeze_reads(
    outputs: Outputs,
    x: Tensor,
    unsqueeze: Tensor | None = None,
    *,
    axes: tuple[int, ...] | None = None,
) -> OutputReads:
    new = unsqueezed(x, unsqueeze, axes)
    places = [i for i in range(x.rank + len(new)) if i not in new]
    return tuple(Along(i) for i in places), NOTHING


define("Squeeze", kind="data movement", infer=squeeze_output, reads=squeeze_reads)
define("Unsqueeze", kind="data movement", infer=unsqueeze_output, reads=unsqueeze_reads)
