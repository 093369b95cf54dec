"""What does a determinant put out, and what work is it?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Tensor


def det_output(x: Tensor) -> Tensor:
    return x.of(None if x.shape is None else x.shape[:-2])


def det_work(outputs: tuple[Tensor, ...], x: Tensor) -> Work:
    """Gaussian elimination with partial pivoting: column k has n-k rows below it to search, to
    divide and to reduce by n-k elements each; then the diagonal's product."""
    n = x.dims[-1]
    pairs = n * (n - 1) // 2
    steps = n * (n - 1) * (2 * n - 1) // 6
    return Work(mul=steps + n - 1, add=steps, div=pairs, compare=pairs) * product(x.dims[:-2])


def det_reads(outputs: tuple[Tensor, ...], x: Tensor) -> OutputReads:
    return ((*(Along(i) for i in range(x.rank - 2)), Whole(), Whole()),)


define("Det", kind="linear algebra", infer=det_output, work=det_work, reads=det_reads)
