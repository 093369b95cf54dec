"""What does the triangle of a matrix read?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, OutputReads, elementwise
from cnnscope.analyzer.operators.rules import Outputs, demand_least_rank, demand_single
from cnnscope.analyzer.values.tensor import Tensor


def trilu_output(x: Tensor, k: Tensor | None = None) -> Tensor:
    demand_least_rank(x, "input", 2)
    demand_single(k, "k")
    return x.of(x.shape)


def trilu_reads(outputs: Outputs, x: Tensor, k: Tensor | None = None) -> OutputReads:
    return elementwise(outputs[0], x), NOTHING


define("Trilu", kind="data movement", infer=trilu_output, reads=trilu_reads)
