"""What work are an attention's scores, and how are its sequences, heads and lengths told?

Rows of queries, over all heads and sequences, of t scores each, with heads of d (keys) and v (values)
elements, ``softmax(scale * Q K' + mask) V``, are ::

    (1)   MACs = scores * (d + v)
    (2)   scale: a multiplication per score; a mask or bias: an addition each
    (3)   softmax over a row of t scores: t-1 comparisons, t subtractions, t exponentials,
          t-1 additions, t divisions

Grouped queries are counted by query heads. Nothing is discounted for causal masks, local windows or
padding: that is how much of the work a kernel skips, not how much there is.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Reads,
    Whole,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import divides
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor

#: per query or key element turned by a rotary embedding: 4 multiplications, 2 additions a pair
ROTATED = Work(mul=2, add=1)


def scores_work(
    rows: Dim, scores: Dim, head: Dim, value: Dim, *, biases: int = 0, softcap: float = 0.0
) -> Work:
    """(1) to (3) for `rows` queries, over all heads and sequences; `scores` is the sum of the rows'
    lengths."""
    capped = Work(div=1, exp=1, mul=1) if softcap else Work()  # cap * tanh(score / cap)
    each = Work(mul=1, add=biases) + capped
    softmax = Work(compare=scores - rows, add=2 * scores - rows, exp=scores, div=scores)
    return Work(float_macs=scores * (head + value)) + each * scores + softmax


def given(*tensors: Tensor | None) -> int:
    return sum(t is not None for t in tensors)


def sequence(t: Tensor | None, read: AxisRead, axis: int = 1) -> InputRead:
    """A batch first, this read along the sequence, every other axis contracted."""
    if t is None:
        return None
    reads: list[AxisRead] = [Along(0), *(Whole() for _ in t.dims[1:])]
    reads[axis] = read
    return tuple(reads)


def by_output(count: int, y: OutputReads, *others: OutputReads) -> Reads:
    return dict(enumerate((y, *others)[:count]))


def divided(elements: Dim, heads: int) -> None:
    """Raises ValueError where so many elements can't be dealt to so many heads."""
    if heads < 1 or not divides(heads, elements):
        raise ValueError(f"{elements} elements are no multiple of {heads} heads")


def known_length(t: Tensor | None, what: str) -> Dim:
    """A length held by a scalar, or one that's named after what it is."""
    if t is not None and t.value is not None:
        return t.only_length
    return FreeDim.from_data(what)


def uneven(many: Dim, few: Dim) -> bool:
    """So many surely can't be dealt evenly to so few."""
    return isinstance(many, int) and isinstance(few, int) and (few < 1 or many % few != 0)
