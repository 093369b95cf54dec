"""What do operators on strings put out, and what do they read?

None of it is arithmetic; comparing a string with a pattern is one ``compare``.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.sequence import alike
from cnnscope.analyzer.operators.reading import Along, OutputReads, everything
from cnnscope.analyzer.operators.rules import Outputs, broadcast_shapes, each
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def joined_output(x: Tensor, y: Tensor) -> Tensor:
    if x.shape is None or y.shape is None:
        return Tensor("string", None)
    return Tensor("string", broadcast_shapes(x.shape, y.shape))


def pieces_output(x: Tensor, *, node_name: str = "") -> Outputs:
    """Padded to the string with most pieces; and how many each has."""
    if x.shape is None:
        return Tensor("string", None), Tensor("int64", None)
    most = FreeDim.from_data(f"{node_name} pieces")
    return Tensor("string", (*x.dims, most)), Tensor("int64", x.dims)


def pieces_reads(outputs: Outputs, x: Tensor) -> dict[int, OutputReads]:
    reads = tuple(Along(i) for i in range(x.rank))
    return {0: (reads,), 1: (reads,)}


def normalized_output(x: Tensor, *, stopwords: tuple[str, ...] = (), node_name: str = "") -> Tensor:
    """[C] or [1, C]; stop words are left out."""
    if not stopwords or x.shape is None:
        return Tensor("string", x.shape)
    return Tensor("string", (*x.dims[:-1], FreeDim.from_data(f"{node_name} words")))


def normalized_reads(
    outputs: Outputs, x: Tensor, *, stopwords: tuple[str, ...] = ()
) -> OutputReads:
    return (everything(x),) if stopwords else (alike(x),)


def match_output(x: Tensor) -> Tensor:
    return x.of(x.shape, "bool")


define("StringConcat", kind="text", infer=joined_output)
define("StringSplit", kind="text", infer=pieces_output, reads=pieces_reads)
define("StringNormalizer", kind="text", infer=normalized_output, reads=normalized_reads)
define("RegexFullMatch", kind="text", infer=match_output, work=each(compare=1))
