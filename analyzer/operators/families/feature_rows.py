"""What do the operators of ai.onnx.ml share: rows of features, labels, scores, stored attributes?

A row of C features goes in (a tensor of rank 1 is one row). What is learned stands in attributes,
not in stored tensors: `stores` says in which, and it counts as any other weight does. The work, here
and in `features`, `labels`, `linear_models`, `support_vector_machines` and `tree_ensembles`, is per
row, after ONNX's text (onnx.ai, "ai.onnx.ml"). `post_transform`: softmax of n scores as Softmax,
logistic and probit an exponential per score.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.definition import Role
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole, everything
from cnnscope.analyzer.operators.rules import Outputs, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor

ML = "ai.onnx.ml"
Numbers = tuple[float, ...]
Labels = tuple[str, ...]


def batch(x: Tensor) -> Dim:
    """How many rows there are; raises `Undetermined` where the rank isn't known."""
    demand_rank(x, "the input", 1, 2)
    return x.dims[0] if x.rank == 2 else 1


def features(x: Tensor) -> Dim:
    """How long a row is."""
    return x.dims[-1]


def rows_read(outputs: Outputs, x: Tensor) -> OutputReads:
    """Each row whole, by what the row gives."""
    if x.rank < 2:
        return (everything(x),)
    return ((Along(0), *(Whole() for _ in x.dims[1:])),)


TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def as_long(values: Sequence[object], what: str, wanted: Dim) -> None:
    """Raise ValueError where a list surely has another length."""
    if isinstance(wanted, int) and len(values) != wanted:
        raise ValueError(f"{what} has {len(values)} elements, {wanted} are wanted")


def labelled(strings: Labels, integers: tuple[int, ...]) -> int:
    """How many labels there are; one of both lists is given."""
    if bool(strings) == bool(integers):
        raise ValueError("labels are wanted, as strings or as integers")
    return len(strings or integers)


def transformed(scores: Dim, rows: Dim, post_transform: str) -> Work:
    """What is done to the scores of each row last."""
    if post_transform in ("SOFTMAX", "SOFTMAX_ZERO"):
        return Work(compare=scores - 1, add=2 * scores - 1, exp=scores, div=scores) * rows
    if post_transform in ("LOGISTIC", "PROBIT"):
        return Work(exp=scores) * rows
    return Work()


def classified(
    rows: Dim, labels: int, strings: bool, scores: Dim | None = None
) -> tuple[Tensor, Tensor]:
    """A label and the scores, per row."""
    label = Tensor("string" if strings else "int64", (rows,))
    return label, Tensor("float32", (rows, labels if scores is None else scores))


def roles(parameters: Sequence[str], constants: Sequence[str] = ()) -> dict[str, Role]:
    found: dict[str, Role] = dict.fromkeys(parameters, "parameter")
    return found | dict.fromkeys(constants, "constant")
