"""What does a transposition put out, and which axis goes where?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, OutputReads
from cnnscope.analyzer.operators.rules import Outputs
from cnnscope.analyzer.values.tensor import Tensor


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


define("Transpose", kind="data movement", infer=transpose_output, reads=transpose_reads)
