"""What do operators put out that look up labels, categories and the values of maps?

Looking something up in a table of labels is no arithmetic.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.feature_rows import (
    ML,
    Labels,
    Numbers,
    as_long,
    batch,
    features,
    labelled,
)
from cnnscope.analyzer.operators.reading import Along, OutputReads, everything
from cnnscope.analyzer.operators.rules import Outputs, one_of
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def labels_output(
    x: Tensor, *, values_strings: Labels | None = None, values_int64s: tuple[int, ...] | None = None,
    values_floats: Numbers | None = None, values_tensor: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Of the dtype of the values, of which one list is given."""
    if values_tensor is not None:
        return x.of(x.shape, values_tensor.dtype)
    lists = {"string": values_strings, "int64": values_int64s, "float32": values_floats}
    given = [dtype for dtype, values in lists.items() if values is not None]
    if len(given) != 1:
        raise ValueError("one list of values is wanted")
    return x.of(x.shape, given[0])


def swapped_output(x: Tensor) -> Tensor:
    """Strings to integers, integers to strings."""
    return x.of(x.shape, "int64" if x.dtype == "string" else "string")


def one_hot_output(
    x: Tensor, *, cats_int64s: tuple[int, ...] = (), cats_strings: Labels = ()
) -> Tensor:
    """An axis of its own for the category."""
    if bool(cats_int64s) == bool(cats_strings):
        raise ValueError("categories are wanted, as integers or as strings")
    return Tensor("float32", (*x.dims, len(cats_int64s or cats_strings)))


def one_hot_reads(outputs: Outputs, x: Tensor) -> OutputReads:
    return (tuple(Along(i) for i in range(x.rank)),)


def map_output(
    x: Tensor, *, cast_to: str = "TO_FLOAT", map_form: str = "DENSE", max_map: int = 1,
    node_name: str = "",
) -> Tensor:  # fmt: skip
    """The values of a map: as many as it has, or each in the place that its key says."""
    dtypes = {"TO_FLOAT": "float32", "TO_STRING": "string", "TO_INT64": "int64"}
    one_of(cast_to, "cast_to", *dtypes)
    length: Dim = max_map if map_form == "SPARSE" else FreeDim.from_data(f"{node_name} entries")
    return Tensor(dtypes[cast_to], (1, length))


def vocabulary_output(
    x: Tensor, *, string_vocabulary: Labels = (), int64_vocabulary: tuple[int, ...] = ()
) -> Tensor:
    """The values of a map, each in its word's place."""
    words = len(string_vocabulary or int64_vocabulary)
    return Tensor(x.element.dtype if x.element is not None else None, (1, words))


def zip_output(
    x: Tensor, *, classlabels_strings: Labels = (), classlabels_int64s: tuple[int, ...] = ()
) -> Tensor:
    """A map per row, from labels to scores."""
    rows = batch(x)
    labelled(classlabels_strings, classlabels_int64s)
    as_long(classlabels_strings or classlabels_int64s, "the list of labels", features(x))
    element = Tensor(kind="map", element=Tensor("float32"))
    return Tensor(kind="sequence", element=element, length=rows)


def map_reads(outputs: Outputs, x: Tensor) -> OutputReads:
    return (everything(x) if x.shape is not None else (),)


define("LabelEncoder", domain=ML, kind="indexing", infer=swapped_output)
define("LabelEncoder", domain=ML, kind="indexing", infer=labels_output, since=2)
define("CategoryMapper", domain=ML, kind="indexing", infer=swapped_output)
define("OneHotEncoder", domain=ML, kind="indexing", infer=one_hot_output, reads=one_hot_reads)
define("CastMap", domain=ML, kind="conversion", infer=map_output, reads=map_reads)
define("DictVectorizer", domain=ML, kind="indexing", infer=vocabulary_output, reads=map_reads)
define("ZipMap", domain=ML, kind="sequence", infer=zip_output, reads=map_reads)
