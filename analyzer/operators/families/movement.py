"""Moving elements without arithmetic: which element goes where?

Nothing here costs work. Reshape and Flatten keep the row-major order (FLAT). The others move each
axis as a whole or shift it; output i along an axis reads input::

    Transpose, Squeeze, Unsqueeze      i, along the axis it went to
    Concat                             i - offset of the part
    Split                              i + offset of the part

A Reshape's -1 is the quotient of the element counts, exact also where lengths are free. A size that
only running the model can tell is a `FreeDim` named after the node; the other axes stay known.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    FLAT,
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Only,
    OutputReads,
    Whole,
    elementwise,
)
from cnnscope.analyzer.operators.rules import Outputs, counted, demand_rank, in_range
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.tensor import Tensor, axes_of
from cnnscope.analyzer.values.window import Window


def from_data(node_name: str, what: str) -> Dim:
    return FreeDim.from_data(f"{node_name} {what}")


# -- one order, another shape -------------------------------------------------------------------


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
        return x.of(tuple(from_data(node_name, f"axis {i}") for i in axes_of(count)))
    else:
        # What hangs on data may be -1 or 0, which stand for other lengths.
        wanted = [
            from_data(node_name, f"axis {i}") if isinstance(n, FreeDim) and n.data else n
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
            wanted[i] = from_data(node_name, f"axis {i}")
        return x.of(tuple(wanted))
    rest = product(dim for i, dim in enumerate(wanted) if i not in missing)
    size = x.size
    fits = True
    if missing:
        if rest == 0:
            raise ValueError(f"shape {wanted} leaves an axis open beside one of length 0")
        wanted[missing[0]] = size // rest
        if isinstance(rest, FreeDim) and rest.data:
            wanted[missing[0]] = from_data(node_name, f"axis {missing[0]}")
        fits = not (isinstance(size, int) and isinstance(rest, int) and size % rest)
    elif isinstance(size, int) and isinstance(rest, int):
        fits = size == rest
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


# -- axes of length one -------------------------------------------------------------------------


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
        if isinstance(x.dims[i], int) and x.dims[i] != 1:
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


# -- whole axes ---------------------------------------------------------------------------------


def order(x: Tensor, perm: tuple[int, ...] | None) -> tuple[int, ...]:
    found = tuple(perm) if perm is not None else tuple(reversed(range(x.rank)))
    if sorted(found) != list(range(x.rank)):
        raise ValueError(f"perm {found} doesn't permute {x.rank} axes")
    return found


def transpose_output(x: Tensor, *, perm: tuple[int, ...] | None = None) -> Tensor:
    if x.shape is None:
        return x.of(None)
    return x.of(tuple(x.dims[i] for i in order(x, perm)))


def transpose_reads(
    outputs: Outputs, x: Tensor, *, perm: tuple[int, ...] | None = None
) -> OutputReads:
    places = order(x, perm)
    return (tuple(Along(places.index(i)) for i in range(x.rank)),)


def concat_output(*inputs: Tensor, axis: int = 1) -> Tensor:
    dtype = next((x.dtype for x in inputs if x.dtype is not None), None)
    if any(x.shape is None for x in inputs):
        return Tensor(dtype, None)
    rank = inputs[0].rank
    if any(x.rank != rank for x in inputs):
        raise ValueError(f"inputs of {sorted({x.rank for x in inputs})} axes can't be joined")
    along = in_range(axis, rank)
    shape: list[Dim] = []
    for i in range(rank):
        dims = [x.dims[i] for x in inputs]
        known = {dim for dim in dims if isinstance(dim, int)}
        if i == along:
            total: Dim = 0
            for dim in dims:
                total = total + dim
            shape.append(total)
        elif len(known) > 1:
            raise ValueError(f"axis {i} is of length {' and '.join(map(str, sorted(known)))}")
        else:
            shape.append(known.pop() if known else dims[0])
    return Tensor(dtype, tuple(shape))


def shifted(x: Tensor, axis: int, offset: Dim) -> InputRead:
    """Every axis as it is, but for one where the output's index 0 is the input's -offset."""
    if isinstance(offset, FreeDim):
        raise Undetermined(f"the offset {offset}", offset.names, offset.data)
    return tuple(
        Along(i, Window(before=offset)) if i == axis and offset else Along(i) for i in range(x.rank)
    )


def concat_reads(outputs: Outputs, *inputs: Tensor, axis: int = 1) -> OutputReads:
    along = in_range(axis, outputs[0].rank)
    reads: list[InputRead] = []
    offset: Dim = 0
    for x in inputs:
        reads.append(shifted(x, along, offset))
        offset = offset + x.dims[along]
    return tuple(reads)


def parts(
    n: Dim, sizes: Tensor | None, attribute: tuple[int, ...] | None, count: int, version: int,
    node_name: str,
) -> list[Dim]:  # fmt: skip
    """How long the parts of a Split are.

    Without sizes they are equal; from opset 18 on rounded up, the last one taking what is left.
    """
    if sizes is not None and sizes.value is None:
        return [from_data(node_name, f"part {i}") for i in range(count)]
    given: list[Dim] | None = sizes.lengths if sizes is not None else None
    if attribute is not None:
        given = list(attribute)
    if given is not None:
        total: Dim = 0
        for part in given:
            total = total + part
        if isinstance(n, int) and isinstance(total, int) and n != total:
            raise ValueError(f"an axis of length {n} is split into {given}")
        if len(given) != count:
            raise ValueError(f"{count} outputs for {len(given)} parts")
        return given
    if version < 18 and isinstance(n, int) and n % count:
        raise ValueError(f"an axis of length {n} doesn't split into {count} equal parts")
    size = ceil_div(n, count) if version >= 18 else n // count
    last = n - size * (count - 1)
    if isinstance(last, int) and (last < 0 or (last == 0 and n != 0)):
        raise ValueError(f"an axis of length {n} doesn't split into {count} parts of {size}")
    return [size] * (count - 1) + [last if version >= 18 else size]


def split_output(
    x: Tensor, sizes: Tensor | None = None, *, split: tuple[int, ...] | None = None, axis: int = 0,
    num_outputs: int | None = None, opset: int, output_count: int, node_name: str = "",
) -> Outputs:  # fmt: skip
    demand_rank(sizes, "split", 1)
    if opset >= 18 and sizes is None and num_outputs is None:
        raise ValueError("neither split nor num_outputs is given")
    count = output_count if num_outputs is None else counted(num_outputs, "num_outputs")
    if count != output_count:
        raise ValueError(f"num_outputs is {count}, the node has {output_count} outputs")
    if x.shape is None:
        return (x.of(None),) * count
    along = in_range(axis, x.rank)
    found = parts(x.dims[along], sizes, split, count, opset, node_name)
    return tuple(x.of((*x.dims[:along], n, *x.dims[along + 1 :])) for n in found)


def split_reads(
    outputs: Outputs, x: Tensor, sizes: Tensor | None = None, *, axis: int = 0
) -> dict[int, OutputReads]:
    along = in_range(axis, x.rank)
    # Where the parts are known only at run time, so is the place they are taken from.
    unknown = sizes is not None and sizes.value is None
    reads: dict[int, OutputReads] = {}
    offset: Dim = 0
    for i, part in enumerate(outputs):
        axes: InputRead
        if unknown and i:
            axes = tuple(Whole() if a == along else Along(a) for a in range(x.rank))
        else:
            axes = shifted(x, along, -offset)
            offset = offset + part.dims[along]
        reads[i] = axes, NOTHING
    return reads


# -- repeating ----------------------------------------------------------------------------------


def expand_output(x: Tensor, shape: Tensor, *, node_name: str = "") -> Tensor:
    """Numpy's broadcasting against a shape; a free length against another stays the input's."""
    if x.shape is None:
        return x.of(None)
    if shape.value is None:
        count = shape.dims[0]
        if not isinstance(count, int):
            return x.of(None)
        wanted: list[Dim] = [from_data(node_name, f"axis {i}") for i in axes_of(count)]
    else:
        wanted = shape.lengths
    rank = max(x.rank, len(wanted))
    left = (1,) * (rank - x.rank) + x.dims
    right = [1] * (rank - len(wanted)) + wanted
    return x.of(tuple(expanded(m, n) for m, n in zip(left, right, strict=True)))


def expanded(m: Dim, n: Dim) -> Dim:
    if m == 1:
        return n
    if n == 1 or m == n or isinstance(n, FreeDim):
        return m
    if isinstance(m, FreeDim):
        return n
    raise ValueError(f"an axis of length {m} can't be expanded to {n}")


def expand_reads(outputs: Outputs, x: Tensor, shape: Tensor) -> OutputReads:
    return elementwise(outputs[0], x), NOTHING


def tile_output(
    x: Tensor, repeats: Tensor, axis: Tensor | None = None, *, node_name: str = ""
) -> Tensor:
    if axis is None:
        demand_rank(repeats, "repeats", 1)
    if x.shape is None:
        return x.of(None)
    if repeats.value is None or (axis is not None and axis.value is None):
        return x.of(tuple(from_data(node_name, f"axis {i}") for i in range(x.rank)))
    times = repeats.lengths
    if axis is not None:  # opset 1: so many times along one axis
        along = in_range(axis.only_number, x.rank)
        times = [times[0] if i == along else 1 for i in range(x.rank)]
    if len(times) != x.rank:
        raise ValueError(f"{len(times)} repeats for {x.rank} axes")
    return x.of(tuple(n * k for n, k in zip(x.dims, times, strict=True)))


def tile_reads(
    outputs: Outputs, x: Tensor, repeats: Tensor, axis: Tensor | None = None
) -> OutputReads:
    reads: list[AxisRead] = []
    for i, (n, out) in enumerate(zip(x.dims, outputs[0].dims, strict=True)):
        if n == out:
            reads.append(Along(i))
        else:
            reads.append(Only(0, 0) if n == 1 else Along(i, Window(outside="wrap")))
    return tuple(reads), NOTHING, NOTHING


define("Reshape", kind="data movement", infer=reshape_output, reads=reshape_reads)
define("Flatten", kind="data movement", infer=flatten_output, reads=flatten_reads)
define("Squeeze", kind="data movement", infer=squeeze_output, reads=squeeze_reads)
define("Unsqueeze", kind="data movement", infer=unsqueeze_output, reads=unsqueeze_reads)
define("Transpose", kind="data movement", infer=transpose_output, reads=transpose_reads)
define("Concat", kind="data movement", infer=concat_output, reads=concat_reads)
define("Split", kind="data movement", infer=split_output, reads=split_reads)
define("Expand", kind="data movement", infer=expand_output, reads=expand_reads)
define("Tile", kind="data movement", infer=tile_output, reads=tile_reads)
