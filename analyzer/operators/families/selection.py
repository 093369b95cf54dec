"""What do TopK, Unique, NonZero and NonMaxSuppression put out, and how many comparisons is that?

Nothing here is arithmetic but searching, counted in comparisons::

    TopK, k of n in order   n - k + (k-1)*ceil(log2(n - k + 2))    tournament, Knuth 5.3.3 (6)
    Unique of n             n*ceil(log2 n) - 2**ceil(log2 n) + 1   merge sort, Knuth 5.3.1
    NonZero                 1 per element
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    InputRead,
    OutputReads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import Outputs, demand, flag, in_range
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor


def top_k_output(
    x: Tensor, count: Tensor | None = None, *, k: int | None = None, axis: int = -1,
    node_name: str = "",
) -> Outputs:  # fmt: skip
    if x.shape is None:
        return x.of(None), x.of(None, "int64")
    along = in_range(axis, x.rank)
    n: Dim = FreeDim.from_data(f"{node_name} k")
    if count is None:
        n = k or 0
    elif count.value is not None:
        n = count.only_length
    length = x.dims[along]
    if not reaches(length, n):
        raise ValueError(f"the largest {n} of {length} elements")
    shape = (*x.dims[:along], n, *x.dims[along + 1 :])
    return x.of(shape), x.of(shape, "int64")


def top_k_work(outputs: Outputs, x: Tensor, count: Tensor | None = None, *, axis: int = -1) -> Work:
    along = in_range(axis, x.rank)
    n, k = x.dims[along], outputs[0].dims[along]
    others = product(dim for i, dim in enumerate(x.dims) if i != along)
    if k == 0:
        return Work()
    if k == 1:
        return Work(compare=others * (n - 1))
    n, k = int(n), int(k)  # a logarithm needs numbers: what to bind is named
    return Work(compare=others * (n - k + (k - 1) * (n - k + 1).bit_length()))


def top_k_reads(
    outputs: Outputs, x: Tensor, count: Tensor | None = None, *, axis: int = -1
) -> OutputReads:
    along = in_range(axis, x.rank)
    return tuple(Whole() if i == along else Along(i) for i in range(x.rank)), NOTHING


def non_zero_output(x: Tensor, *, node_name: str = "") -> Tensor:
    """A column of coordinates per element found; a scalar counts as one axis, as it is executed."""
    count: Dim = FreeDim.from_data(f"{node_name} count")
    rank: Dim = FreeDim.from_data(f"{node_name} rank") if x.shape is None else max(x.rank, 1)
    return x.of((rank, count), "int64")


def non_zero_work(outputs: Outputs, x: Tensor) -> Work:
    return Work(compare=x.size)


def whole_reads(outputs: Outputs, *inputs: Tensor | None) -> OutputReads:
    reads: list[InputRead] = [NOTHING if x is None else everything(x) for x in inputs]
    return tuple(reads)


def unique_output(x: Tensor, *, axis: int | None = None, node_name: str = "") -> Outputs:
    count: Dim = FreeDim.from_data(f"{node_name} count")
    if x.shape is None:
        places = [x.of((count,), "int64"), x.of(None, "int64"), x.of((count,), "int64")]
        return (x.of(None if axis is not None else (count,)), *places)
    along = None if axis is None else in_range(axis, x.rank)
    n = x.size if along is None else x.dims[along]
    shape = (count,) if along is None else (*x.dims[:along], count, *x.dims[along + 1 :])
    counted = x.of((count,), "int64")
    return x.of(shape), counted, x.of((n,), "int64"), counted


def unique_work(outputs: Outputs, x: Tensor, *, axis: int | None = None) -> Work:
    n = int(x.size if axis is None else x.dims[in_range(axis, x.rank)])
    if n == 0:
        return Work()
    levels = (n - 1).bit_length()
    return Work(compare=(n * levels - 2**levels + 1) * (x.size // n))


def suppressed_output(
    boxes: Tensor, scores: Tensor, most: Tensor | None = None, iou: Tensor | None = None,
    threshold: Tensor | None = None, *, center_point_box: int = 0, node_name: str = "",
) -> Tensor:  # fmt: skip
    """Rows of (batch, class, box); none where `max_output_boxes_per_class` is 0, its default."""
    flag(center_point_box, "center_point_box")
    demand(boxes, "boxes", None, None, 4)
    batch, count, _ = boxes.shape or (None, None, None)
    demand(scores, "scores", batch, None, count)
    none = most is None or (most.value is not None and most.only_number == 0)
    return Tensor("int64", (0 if none else FreeDim.from_data(f"{node_name} count"), 3))


def suppressed_work(
    outputs: Outputs, boxes: Tensor, scores: Tensor, *rest: Tensor | None, node_name: str = ""
) -> Work:
    """How many pairs of boxes are compared hangs on which survive."""
    if outputs[0].dims[0] == 0:
        return Work()
    raise Undetermined("how many boxes are compared", data=(f"{node_name} count",))


define("TopK", kind="selection", infer=top_k_output, work=top_k_work, reads=top_k_reads)
define("NonZero", kind="selection", infer=non_zero_output, work=non_zero_work, reads=whole_reads)
define("Unique", kind="selection", infer=unique_output, work=unique_work, reads=whole_reads)
define(
    "NonMaxSuppression",
    kind="selection",
    infer=suppressed_output,
    work=suppressed_work,
    reads=whole_reads,
)
