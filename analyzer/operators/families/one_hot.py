"""What does a one-hot encoding put out, and what does it read?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, Along, OutputReads, everything
from cnnscope.analyzer.operators.rules import Outputs, in_range
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def one_hot_output(
    indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1, node_name: str = ""
) -> Tensor:
    if indices.shape is None:
        return values.of(None)
    along = in_range(axis, indices.rank + 1)
    n: Dim = FreeDim.from_data(f"{node_name} depth")
    if depth.value is not None:  # of any numeric type
        n = depth.only_length
    return values.of((*indices.dims[:along], n, *indices.dims[along:]))


def one_hot_reads(
    outputs: Outputs, indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1
) -> OutputReads:
    along = in_range(axis, indices.rank + 1)
    return (
        tuple(Along(i + (i >= along)) for i in range(indices.rank)),
        NOTHING,
        everything(values),
    )


define("OneHot", kind="indexing", infer=one_hot_output, reads=one_hot_reads)
