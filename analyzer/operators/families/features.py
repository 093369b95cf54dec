"""What do operators put out that scale, fill, join and pick features, and what work are they?

- Scaler, ``(x - offset) * scale``: an addition and a multiplication per feature;
- Normalizer: MAX ``x / max(x)``; L1 ``x / sum(|x|)``; L2 ``sqrt(x*x / sum(x*x))``;
- Imputer, Binarizer: a comparison per element.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.feature_rows import (
    ML,
    Numbers,
    as_long,
    batch,
    features,
    roles,
    rows_read,
)
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    Listed,
    Only,
    OutputReads,
    Whole,
)
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, each, one_of, same
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def scaled_output(x: Tensor, *, scale: Numbers = (), offset: Numbers = ()) -> Tensor:
    if x.shape == ():
        raise ValueError("the input is a scalar, rows of features are wanted")
    for values, what in ((scale, "scale"), (offset, "offset")):
        if len(values) > 1 and x.shape:
            as_long(values, what, x.shape[min(1, len(x.shape) - 1)])
    return x.of(x.shape, "float32")


def imputed_output(x: Tensor) -> Tensor:
    if x.shape == ():
        raise ValueError("the input is a scalar, rows of features are wanted")
    return x.of(x.shape)


def scaled_work(
    outputs: Outputs, x: Tensor, *, scale: Numbers = (), offset: Numbers = ()
) -> Work:  # fmt: skip
    return Work(add=1 if offset else 0, mul=1 if scale else 0) * x.size


def normalized_output(x: Tensor, *, norm: str = "MAX") -> Tensor:
    demand_rank(x, "the input", 1, 2)
    one_of(norm, "norm", "MAX", "L1", "L2")
    return x.of(x.shape, "float32")


def normalized_work(outputs: Outputs, x: Tensor, *, norm: str = "MAX") -> Work:
    n = features(x)
    each_row = {
        "MAX": Work(compare=n - 1, div=n),
        "L1": Work(compare=n, add=n - 1, div=n),
        "L2": Work(mul=n, add=n - 1, div=n, sqrt=n),
    }
    return each_row[norm] * batch(x)


def vector_output(*inputs: Tensor, inputdimensions: tuple[int, ...] = ()) -> Tensor:
    """The rows side by side, each cropped or filled with zeros to the length listed for it."""
    if len(inputdimensions) != len(inputs) or min(inputdimensions, default=0) < 0:
        raise ValueError(f"inputdimensions has to hold a length for each of {len(inputs)} inputs")
    lengths = [x.dims[0] if x.rank > 1 else 1 for x in inputs]
    if any(x.shape == () for x in inputs) or len({n for n in lengths if isinstance(n, int)}) > 1:
        raise ValueError("the inputs don't have equally many rows of features")
    rows = lengths[0]
    return Tensor("float32", (rows, sum(inputdimensions)))


def vector_reads(
    outputs: Outputs, *inputs: Tensor, inputdimensions: tuple[int, ...] = ()
) -> OutputReads:
    reads: list[InputRead] = []
    start = 0
    for x, length in zip(inputs, inputdimensions, strict=True):
        if x.rank <= 2:
            place: AxisRead = Along(1, Window(1, before=start))
            if x.dims[-1] != length:
                place = Whole()
            reads.append((place,) if x.rank == 1 else (Along(0), place))
        else:
            reads.append((Along(0), *(Whole() for _ in x.dims[1:])))
        start += length
    return tuple(reads)


def extracted_output(x: Tensor, columns: Tensor) -> Tensor:
    """The columns listed, of every row."""
    count: Dim = columns.size
    n = x.dims[-1] if x.rank else 0
    listed = columns.numbers if columns.value is not None else []
    if listed and (min(listed) < 0 or not reaches(n, max(listed) + 1)):
        raise ValueError(f"a column is listed that {n} columns don't have")
    return x.of((*(x.dims[:-1] if x.rank > 1 else (1,)), count))


def extracted_reads(outputs: Outputs, x: Tensor, columns: Tensor) -> OutputReads:
    last = outputs[0].rank - 1
    place: AxisRead = Whole()
    n = x.dims[-1]
    if columns.value is not None and isinstance(n, int):
        picked = columns.numbers
        place = Listed(last, tuple((i, i) if 0 <= i < n else None for i in picked))
    leading: list[AxisRead] = [Along(i) for i in range(x.rank - 1)]
    listed: tuple[AxisRead, ...] = tuple(
        Along(last) if i == columns.rank - 1 else Only(0, 0) if n == 1 else Whole()
        for i, n in enumerate(columns.dims)
    )
    return (*leading, place), listed


define("Scaler", domain=ML, kind="elementwise arithmetic", infer=scaled_output, work=scaled_work,
       stores=roles((), ("scale", "offset")))  # fmt: skip
define("Normalizer", domain=ML, kind="normalization", infer=normalized_output,
       work=normalized_work, reads=rows_read)  # fmt: skip
define("Imputer", domain=ML, kind="elementwise arithmetic", infer=imputed_output, work=each(compare=1),
       stores=roles((), ("imputed_value_floats", "imputed_value_int64s")))  # fmt: skip
define("Binarizer", domain=ML, kind="logic", infer=same, work=each(compare=1))
define("FeatureVectorizer", domain=ML, kind="data movement", infer=vector_output,
       reads=vector_reads)  # fmt: skip
define("ArrayFeatureExtractor", domain=ML, kind="indexing", infer=extracted_output,
       reads=extracted_reads)  # fmt: skip
