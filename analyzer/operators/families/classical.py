"""What do the operators of ai.onnx.ml put out, and what work are they?

A row of C features goes in (a tensor of rank 1 is one row). What is learned stands in attributes,
not in stored tensors: `stores` says in which, and it counts as any other weight does. The work per
row, after ONNX's text (onnx.ai, "ai.onnx.ml"), of

- Scaler, ``(x - offset) * scale``: an addition and a multiplication per feature;
- Normalizer: MAX ``x / max(x)``; L1 ``x / sum(|x|)``; L2 ``sqrt(x*x / sum(x*x))``;
- Imputer, Binarizer: a comparison per element;
- linear models, ``x*W + b``: C MACs per row of W, a bias each; the largest of n scores takes n - 1
  comparisons;
- support vector machines (Chang & Lin 2011, LIBSVM, eq. 1-6): a kernel of x with each of the V vectors
  (C MACs; RBF has C subtractions before and a multiplication and an exponential behind, polynomial
  and sigmoid a multiplication, an addition and a power or tanh), then one MAC per vector, and per pair
  of classes: (K - 1) * V MACs, an addition of rho, a comparison and a vote;
- trees: a comparison per node on the way to a leaf and an addition per weight there; how many, hangs
  on the data;
- `post_transform`: softmax of n scores as Softmax, logistic and probit an exponential per score.

Looking something up in a table of labels is no arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.definition import Role, define
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    Listed,
    Only,
    OutputReads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, each, same
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

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
KERNELS = ("LINEAR", "POLY", "RBF", "SIGMOID")


def one_of(value: str, what: str, *words: str) -> None:
    """Raise ValueError for a word that an attribute doesn't know."""
    if value not in words:
        raise ValueError(f"{what} is {value[:40]}, one of {', '.join(words)} is wanted")


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


# -- features ------------------------------------------------------------------------------------


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
    if isinstance(n, int) and any(not 0 <= i < n for i in listed):
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


# -- labels --------------------------------------------------------------------------------------


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


# -- linear models -------------------------------------------------------------------------------


def linear_output(
    x: Tensor, *, targets: int = 1, coefficients: Numbers = (), intercepts: Numbers = (),
    post_transform: str = "NONE",
) -> Tensor:  # fmt: skip
    rows = batch(x)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    as_long(coefficients, "coefficients", targets * features(x))
    if intercepts:
        as_long(intercepts, "intercepts", targets)
    return Tensor("float32", (rows, targets))


def linear_work(
    outputs: Outputs, x: Tensor, *, targets: int = 1, coefficients: Numbers = (),
    intercepts: Numbers = (), post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows = batch(x)
    weighted = Work(
        float_macs=rows * targets * features(x), bias=rows * targets if intercepts else 0
    )
    return weighted + transformed(targets, rows, post_transform)


def classified(
    rows: Dim, labels: int, strings: bool, scores: Dim | None = None
) -> tuple[Tensor, Tensor]:
    """A label and the scores, per row."""
    label = Tensor("string" if strings else "int64", (rows,))
    return label, Tensor("float32", (rows, labels if scores is None else scores))


def linear_classes(
    x: Tensor, *, coefficients: Numbers, intercepts: Numbers = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Two labels may share one row of coefficients."""
    rows = batch(x)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    labels = labelled(classlabels_strings, classlabels_ints)
    scores = len(intercepts) or (1 if labels == 2 and len(coefficients) == features(x) else labels)
    if scores != labels and (scores, labels) != (1, 2):
        raise ValueError(f"{labels} labels for {scores} scores")
    n = features(x)
    if isinstance(n, int) and len(coefficients) < n * scores:
        raise ValueError(f"{len(coefficients)} coefficients for {scores} scores of {n} features")
    return classified(rows, labels, bool(classlabels_strings))


def linear_classes_work(
    outputs: Outputs, x: Tensor, *, coefficients: Numbers, intercepts: Numbers = (),
    post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    scores = len(coefficients) // n if isinstance(n, int) and n else len(intercepts)
    labels = outputs[1].dims[1]
    found = Work(
        float_macs=rows * len(coefficients),
        bias=rows * scores if intercepts else 0,
        compare=rows * (1 if scores == 1 else labels - 1),
    )
    return found + transformed(labels, rows, post_transform)


# -- support vector machines ---------------------------------------------------------------------


def kernels(vectors: Dim, n: Dim, kernel_type: str) -> Work:
    """The kernel of one row with each vector."""
    behind = {
        "LINEAR": Work(),
        "POLY": Work(mul=1, add=1, exp=1),
        "SIGMOID": Work(mul=1, add=1, exp=1),
        "RBF": Work(mul=1, add=n, exp=1),
    }
    if kernel_type not in behind:
        raise ValueError(f"kernel_type is {kernel_type[:40]}, one of {', '.join(behind)} is wanted")
    return (Work(float_macs=n) + behind[kernel_type]) * vectors


def machine_output(
    x: Tensor, *, kernel_type: str = "LINEAR", n_supports: int = 0, coefficients: Numbers = (),
    support_vectors: Numbers = (), post_transform: str = "NONE",
) -> Tensor:  # fmt: skip
    demand_rank(x, "the input", 1, 2)
    one_of(kernel_type, "kernel_type", *KERNELS)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    if n_supports > 0:
        as_long(support_vectors, "support_vectors", n_supports * features(x))
        as_long(coefficients, "coefficients", n_supports)
    else:
        as_long(coefficients, "coefficients", features(x))
    return Tensor("float32", (batch(x), 1))


def machine_work(
    outputs: Outputs, x: Tensor, *, kernel_type: str = "LINEAR", n_supports: int = 0,
    rho: Numbers = (), one_class: int = 0, post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    if n_supports > 0:
        found = kernels(n_supports, n, kernel_type) + Work(float_macs=n_supports)
    else:
        found = kernels(1, n, "LINEAR")
    found = found + Work(bias=1 if rho else 0, compare=1 if one_class else 0)
    return found * rows + transformed(1, rows, post_transform)


def machine_classes(
    x: Tensor, *, prob_a: Numbers = (), vectors_per_class: tuple[int, ...] = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    kernel_type: str = "LINEAR", coefficients: Numbers = (), support_vectors: Numbers = (),
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """A score per class where there are probabilities or no vectors, else one per pair of classes."""
    rows, n = batch(x), features(x)
    one_of(kernel_type, "kernel_type", *KERNELS)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    labels = labelled(classlabels_strings, classlabels_ints)
    if vectors_per_class:
        vectors = sum(vectors_per_class)
        as_long(vectors_per_class, "vectors_per_class", labels)
        as_long(support_vectors, "support_vectors", vectors * n)
        as_long(coefficients, "coefficients", (labels - 1) * vectors)
    else:
        as_long(coefficients, "coefficients", labels * n)
    pairs = labels * (labels - 1) // 2
    by_pair = bool(vectors_per_class) and not prob_a and labels > 2
    return classified(rows, labels, bool(classlabels_strings), pairs if by_pair else None)


def machine_classes_work(
    outputs: Outputs, x: Tensor, *, kernel_type: str = "LINEAR", prob_a: Numbers = (),
    vectors_per_class: tuple[int, ...] = (), coefficients: Numbers = (), rho: Numbers = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    post_transform: str = "NONE", node_name: str = "",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    labels = len(classlabels_strings or classlabels_ints)
    pairs = labels * (labels - 1) // 2
    if vectors_per_class:
        vectors = sum(vectors_per_class)
        found = kernels(vectors, n, kernel_type)
        found += Work(float_macs=(labels - 1) * vectors, bias=pairs, compare=pairs, add=pairs)
    else:
        found = Work(float_macs=len(coefficients), bias=labels if rho else 0, compare=labels - 1)
    found = found * rows
    if prob_a and labels > 2:
        # Wu, Lin & Weng 2004: probabilities of pairs are coupled step by step until they settle.
        found += Work(div=FreeDim.from_data(f"{node_name} coupling of probabilities"))
    if prob_a:
        found += Work(mul=pairs, add=pairs, exp=pairs) * rows
    return found + transformed(outputs[1].dims[1], rows, post_transform)


# -- trees ---------------------------------------------------------------------------------------


def trees_output(x: Tensor, *, n_targets: int = 1) -> Tensor:
    return Tensor("float32", (batch(x), n_targets))


def trees_since_5_output(x: Tensor, *, n_targets: int = 1) -> Tensor:
    return x.of((batch(x), n_targets))


def tree_classes(
    x: Tensor, *, classlabels_strings: Labels = (), classlabels_int64s: tuple[int, ...] = ()
) -> tuple[Tensor, Tensor]:
    labels = labelled(classlabels_strings, classlabels_int64s)
    return classified(batch(x), labels, bool(classlabels_strings))


def trees_work(
    outputs: Outputs, x: Tensor, *, post_transform: str | int = "NONE", node_name: str = ""
) -> Work:
    """Which way a row takes through the trees, it says itself."""
    names = (
        "NONE",
        "SOFTMAX",
        "LOGISTIC",
        "SOFTMAX_ZERO",
        "PROBIT",
    )  # as TreeEnsemble numbers them
    if isinstance(post_transform, int):
        post_transform = names[post_transform] if 0 <= post_transform < len(names) else "NONE"
    way = Work(
        compare=FreeDim.from_data(f"{node_name} nodes passed"),
        add=FreeDim.from_data(f"{node_name} weights of leaves"),
    )
    return way + transformed(outputs[-1].dims[-1], batch(x), post_transform)


def roles(parameters: Sequence[str], constants: Sequence[str] = ()) -> dict[str, Role]:
    found: dict[str, Role] = dict.fromkeys(parameters, "parameter")
    return found | dict.fromkeys(constants, "constant")


MACHINE = roles(("coefficients", "support_vectors", "rho", "prob_a", "prob_b"), ("kernel_params",))
NODES = (
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
    "nodes_hitrates", "nodes_hitrates_as_tensor", "nodes_missing_value_tracks_true", "base_values",
    "base_values_as_tensor",
)  # fmt: skip
SPLITS = ("nodes_values", "nodes_values_as_tensor")

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
define("LabelEncoder", domain=ML, kind="indexing", infer=swapped_output)
define("LabelEncoder", domain=ML, kind="indexing", infer=labels_output, since=2)
define("CategoryMapper", domain=ML, kind="indexing", infer=swapped_output)
define("OneHotEncoder", domain=ML, kind="indexing", infer=one_hot_output, reads=one_hot_reads)
define("CastMap", domain=ML, kind="conversion", infer=map_output, reads=map_reads)
define("DictVectorizer", domain=ML, kind="indexing", infer=vocabulary_output, reads=map_reads)
define("ZipMap", domain=ML, kind="sequence", infer=zip_output, reads=map_reads)

define("LinearRegressor", domain=ML, kind="linear algebra", infer=linear_output, work=linear_work,
       reads=rows_read, stores=roles(("coefficients", "intercepts")))  # fmt: skip
define("LinearClassifier", domain=ML, kind="linear algebra", infer=linear_classes, work=linear_classes_work,
       reads=rows_read, stores=roles(("coefficients", "intercepts")))  # fmt: skip
define("SVMRegressor", domain=ML, kind="linear algebra", infer=machine_output, work=machine_work,
       reads=rows_read, stores=MACHINE)  # fmt: skip
define("SVMClassifier", domain=ML, kind="linear algebra", infer=machine_classes, work=machine_classes_work,
       reads=rows_read, stores=MACHINE)  # fmt: skip
define("TreeEnsembleRegressor", domain=ML, kind="selection", infer=trees_output, work=trees_work,
       reads=rows_read,
       stores=roles((*SPLITS, "target_weights", "target_weights_as_tensor"),
                    (*NODES, "target_treeids", "target_nodeids", "target_ids")))  # fmt: skip
define("TreeEnsembleClassifier", domain=ML, kind="selection", infer=tree_classes, work=trees_work,
       reads=rows_read,
       stores=roles((*SPLITS, "class_weights", "class_weights_as_tensor"),
                    (*NODES, "class_treeids", "class_nodeids", "class_ids")))  # fmt: skip
define("TreeEnsemble", domain=ML, kind="selection", infer=trees_since_5_output, work=trees_work,
       reads=rows_read,
       stores=roles(("nodes_splits", "leaf_weights", "membership_values"),
                    (*NODES, "nodes_modes", "nodes_trueleafs", "nodes_falseleafs", "tree_roots",
                     "leaf_targetids")))  # fmt: skip
