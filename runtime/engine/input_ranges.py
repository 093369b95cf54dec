"""Which numbers does an operator take, where it doesn't take any?

An index has to lie within what it indexes, an axis within the rank, a length within what there is,
the parts of a split have to add up. `find_wanted` follows a model's inputs through the nodes that
hand values on (casts, reshapes, arithmetic with constants, into the bodies of loops) to such
operands (`PORTS`), and says which values the input may have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from cnnscope.analyzer.analysis import Analysis
    from cnnscope.analyzer.model.graph import Graph, Node
    from cnnscope.analyzer.passes.shapes import Shapes
    from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Range:
    """Any number from `low` to `high`, both included; no two the same where they are `distinct`."""

    low: int
    high: int
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Exactly:
    """These numbers, in row-major order; should something come between, any of `otherwise`."""

    numbers: tuple[int, ...]
    otherwise: Range | None = None


Wanted = Range | Exactly


@dataclass(frozen=True, slots=True)
class Use:
    """A node whose operand an input's values reach."""

    node: Node
    tensors: Mapping[str, Tensor]

    def tensor(self, i: int) -> Tensor | None:
        """What is known of an operand."""
        name = self.node.inputs[i] if i < len(self.node.inputs) else ""
        return self.tensors.get(name) if name else None

    def dims(self, i: int) -> tuple[int, ...]:
        """An operand's lengths; nothing where they aren't all known."""
        return _lengths(self.tensor(i))

    def length(self, i: int, axis: int) -> int:
        """One of them; 0 where it isn't known."""
        found = self.tensor(i)
        if found is None or found.shape is None or not -len(found.shape) <= axis < len(found.shape):
            return 0
        dim = found.shape[axis]
        return dim if isinstance(dim, int) else 0

    def rank(self, i: int) -> int:
        """How many axes an operand has; 0 where that isn't known."""
        found = self.tensor(i)
        return 0 if found is None or found.shape is None else len(found.shape)

    def count(self, i: int) -> int:
        """How many elements an operand has; 0 where that isn't known."""
        found = self.tensor(i)
        return math.prod(self.dims(i)) if found is not None and found.shape is not None else 0

    def number(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self.node.attributes.get(name, default)
        return found if isinstance(found, int) else default


Port = Callable[[Use], Wanted | None]


def _lengths(x: Tensor | None) -> tuple[int, ...]:
    dims = () if x is None or x.shape is None else x.shape
    found = tuple(d for d in dims if isinstance(d, int))
    return found if len(found) == len(dims) else ()


# -- what may be said of an operand ----------------------------------------------------------------


def below(length: int) -> Range | None:
    """An index into so many."""
    return Range(0, length - 1) if length > 0 else None


def up_to(length: int) -> Range | None:
    """How many of so many, at least one."""
    return Range(1, length) if length > 0 else None


def index_along(data: int, attribute: str = "axis", default: int = 0) -> Port:
    """An index along an axis of another operand."""
    return lambda use: below(use.length(data, use.number(attribute, default)))


def index_of(data: int, axis: int) -> Port:
    """An index along a certain axis of another operand."""
    return lambda use: below(use.length(data, axis))


def share_of(data: int, attribute: str, default: int) -> Port:
    """A length that is part of an axis of another operand."""
    return lambda use: up_to(use.length(data, use.number(attribute, default)))


def an_axis(use: Use) -> Wanted | None:
    """An axis of the first operand; no axis twice."""
    rank = use.rank(0)
    return Range(0, rank - 1, distinct=True) if rank else None


def nested_index(use: Use) -> Wanted | None:
    """GatherND, ScatterND: a row of indices, each along an axis of its own."""
    first, deep = use.number("batch_dims", 0), use.length(1, -1)
    lengths = [use.length(0, axis) for axis in range(first, first + deep)]
    return below(min(lengths, default=0))


def steps_of(use: Use) -> Wanted | None:
    """How long each sequence of a batch is."""
    return up_to(use.length(0, use.number("layout", 0)))


def element(use: Use) -> Wanted | None:
    """A position in a sequence."""
    found = use.tensor(0)
    length = None if found is None else found.length
    return Range(0, length - 1 if isinstance(length, int) and length else 0)


def new_shape(use: Use) -> Wanted | None:
    """Reshape: as many elements as there are, in so many axes."""
    size, axes = use.count(0), use.length(1, 0)
    if not size or not axes:
        return None
    dims = use.dims(0)
    return Exactly(dims if len(dims) == axes else (*(1,) * (axes - 1), size))


def broadcast_shape(use: Use) -> Wanted | None:
    """Expand: lengths that what there is can be repeated to."""
    dims, axes = use.dims(0), use.length(1, 0)
    whole = (*(1,) * (axes - len(dims)), *dims)[-axes:] if axes else ()
    return Exactly(whole, Range(1, 1))


def parts(use: Use) -> Wanted | None:
    """Lengths that add up to the axis's; a single number is the length of each."""
    whole, wanted = use.length(0, use.number("axis", 0)), use.tensor(1)
    if not whole or wanted is None or wanted.shape is None:
        return None
    count = use.length(1, 0)
    if not wanted.shape:
        return up_to(whole)
    if not 0 < count <= whole:
        return None
    return Exactly((*(whole // count,) * (count - 1), whole - whole // count * (count - 1)))


def ones(use: Use) -> Wanted | None:
    """The axes of length 1, which alone can be squeezed out."""
    found = tuple(axis for axis, length in enumerate(use.dims(0)) if length == 1)
    return Exactly(found[: use.length(1, 0)]) if found else None


def into_rank(use: Use) -> Wanted | None:
    """Unsqueeze: axes of what comes out."""
    rank = use.rank(0) + use.count(1)
    return Range(0, rank - 1, distinct=True) if rank else None


def border(use: Use) -> Wanted | None:
    """Pad: less than there is, as a mirrored border wants it."""
    return Range(0, max(0, min(1, *(n - 1 for n in use.dims(0))))) if use.dims(0) else None


def sizes(use: Use) -> Wanted | None:
    """Resize: about as large as it is, so that what follows has something to look at."""
    dims, count = use.dims(0), use.length(3, 0)
    if not dims:
        return None
    return Exactly(dims if len(dims) == count else (), Range(min(dims[2:] or dims), 2 * max(dims)))


def places_in_output(use: Use) -> Wanted | None:
    """MaxUnpool: a position among all elements that come out."""
    return below(math.prod(_lengths(use.tensors.get(use.node.outputs[0]))))


def grid_size(use: Use) -> Wanted | None:
    """AffineGrid: the batch of its matrices, a channel, and lengths."""
    batch, count = use.length(0, 0), use.length(1, 0)
    return Exactly((batch, 1, *(4,) * (count - 2))) if batch and count > 2 else None


def blocks(use: Use) -> Wanted | None:
    """MatMulNBits: which group of rows each is of."""
    return below(-(-use.number("K", 0) // max(use.number("block_size", 1), 1)))


def within(low: int, high: int) -> Port:
    return lambda use: Range(low, high)


def filled(count: int) -> Port:
    """ONNX Runtime's attention: how many tokens are there, less `count`."""
    return lambda use: Range(max(use.length(0, 1) - count, 0), max(use.length(0, 1) - count, 0))


_AXES: Final[dict[int, Port]] = {1: an_axis}
_INDEX: Final[dict[int, Port]] = {1: index_along(0)}
_STEPS: Final[dict[int, Port]] = {4: steps_of}

#: by operator and operand; of any domain, as no name means two things here
PORTS: Final[dict[str, dict[int, Port]]] = {
    "Gather": _INDEX,
    "GatherElements": _INDEX,
    "ScatterElements": _INDEX,
    "Scatter": _INDEX,
    "GatherND": {1: nested_index},
    "ScatterND": {1: nested_index},
    "TensorScatter": {2: lambda use: Range(0, max(0, use.length(0, -2) - use.length(1, -2)))},
    "ArrayFeatureExtractor": {1: index_of(0, -1)},
    "GatherBlockQuantized": {1: index_along(0, "gather_axis")},
    "EmbedLayerNormalization": {0: index_of(2, 0), 1: index_of(4, 0), 8: index_of(3, 0)},
    "RotaryEmbedding": {1: index_of(2, 0), 3: index_of(1, 0)},
    "RoiAlign": {2: index_of(0, 0)},
    "CropAndResize": {2: index_of(0, 0)},
    "NegativeLogLikelihoodLoss": {1: index_of(0, 1)},
    "SoftmaxCrossEntropyLoss": {1: index_of(0, 1)},
    "SequenceAt": {1: element},
    "SequenceErase": {1: element},
    "SequenceInsert": {2: element},
    "MaxUnpool": {1: places_in_output},
    "MatMulNBits": {4: blocks},
    "ReverseSequence": {1: share_of(0, "time_axis", 0)},
    "RNN": _STEPS, "GRU": _STEPS, "LSTM": _STEPS, "DynamicQuantizeLSTM": _STEPS,
    "TopK": {1: share_of(0, "axis", -1)},
    "CumSum": _AXES, "CumProd": _AXES,
    **dict.fromkeys((
        "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
        "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
    ), _AXES),
    "Unsqueeze": {1: into_rank},
    "ExpandDims": {1: an_axis},
    "Squeeze": {1: ones},
    "Slice": {1: within(0, 0), 2: within(1, 3), 3: an_axis, 4: within(1, 1)},
    "Pad": {1: border, 3: an_axis},
    "Reshape": {1: new_shape},
    "Expand": {1: broadcast_shape},
    "Split": {1: parts},
    "SplitToSequence": {1: parts},
    "Resize": {1: within(1, 1), 2: within(1, 1), 3: sizes},
    "Upsample": {1: within(1, 1)},
    "AffineGrid": {1: grid_size},
    "DFT": {1: share_of(0, "axis", 1), 2: lambda use: Range(1, max(1, use.rank(0) - 2))},
    "STFT": {1: within(1, 3), 3: lambda use: up_to(use.length(2, 0) or use.length(0, 1))},
    "MelWeightMatrix": {
        0: within(4, 8), 1: within(64, 128), 2: within(8000, 16000), 3: within(20, 100),
        4: within(2000, 4000),
    },
    "Div": {1: within(1, 3)},
    "Mod": {1: within(1, 3)},
    "BitShift": {1: within(0, 3)},
    "Bernoulli": {0: within(0, 1)},
    "GroupQueryAttention": {5: filled(1), 6: filled(0)},
    "Attention": {6: lambda use: up_to(use.length(1, -2))},
}  # fmt: skip


# -- following values to where they are used -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """Values of an input that a tensor holds: times `factor`, plus something within bounds.

    Args:
        factor, low, high: a value `v` became something from ``v*factor + low`` to ``... + high``.
        whole: it is the input's elements, all of them, in their order.
    """

    factor: int = 1
    low: int = 0
    high: int = 0
    whole: bool = True

    def before(self, wanted: Wanted) -> Wanted | None:
        """Which values of the input lead to wanted ones."""
        if isinstance(wanted, Exactly):
            if self == Held():
                return wanted
            return None if wanted.otherwise is None else self.before(wanted.otherwise)
        low = -((self.low - wanted.low) // self.factor)
        high = (wanted.high - self.high) // self.factor
        return replace(wanted, low=low, high=high) if low <= high else None


#: operators whose results are some of their operands' values; those that keep all in order first
_WHOLE: Final = frozenset({
    "Identity", "Cast", "CastLike", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
})  # fmt: skip
_SOME: Final = frozenset({
    "Transpose", "Concat", "Slice", "Split", "Expand", "Tile", "Where", "Max", "Min", "Clip",
    "Dropout", "ReduceMax", "ReduceMin", "Abs",
})  # fmt: skip
#: of these the first operand's values only
_FIRST: Final = frozenset({
    "Gather", "GatherElements", "GatherND", "GatherBlockQuantized", "Reshape", "Squeeze", "Slice",
    "Unsqueeze", "Split", "Expand", "Tile", "CastLike", "Pad", "Compress", "ReduceMax", "ReduceMin",
})  # fmt: skip

Holds = dict[str, dict[str, Held]]


def find_wanted(analysis: Analysis) -> dict[str, Wanted]:
    """By the name of a model's input: which values it may have, where not just any."""
    holds: Holds = {
        name: {name: Held()}
        for name in analysis.graph.inputs
        if analysis.shapes.tensors[name].dtype not in (None, "bool", "string")
    }
    found: dict[str, Wanted] = {}
    _follow(analysis.graph, analysis.shapes, holds, found)
    return found


def _follow(graph: Graph, shapes: Shapes, holds: Holds, found: dict[str, Wanted]) -> None:
    for node in graph.nodes:
        for body, inner in _bodies(node, shapes):
            for outside, name in _entries(node, body):
                _hand_on(holds, [outside], name, whole=True)
            _follow(body, inner, holds, found)
            # An If gives what its branches do; a Loop and a Scan give their state first.
            given = body.outputs[1:] if node.op == "Loop" else body.outputs
            for name, behind in zip(node.outputs, given, strict=False):
                _hand_on(holds, [behind], name, whole=False)
        for i, port in PORTS.get(node.op, {}).items():
            sources = holds.get(node.inputs[i], {}) if i < len(node.inputs) else {}
            wanted = port(Use(node, shapes.tensors)) if sources else None
            for source, held in sources.items() if wanted is not None else ():
                before = held.before(wanted) if wanted is not None else None
                if before is not None:
                    found[source] = _both(found.get(source), before)
        if node.op in _WHOLE or node.op in _SOME or node.op in _FIRST:
            names = node.inputs[:1] if node.op in _FIRST else node.inputs
            for name in filter(None, node.outputs):
                _hand_on(holds, names, name, whole=node.op in _WHOLE)
        elif node.op in _SHIFTED:
            _shift(node, shapes, holds)


def _bodies(node: Node, shapes: Shapes) -> Iterator[tuple[Graph, Shapes]]:
    if node.index in shapes.functions:
        yield shapes.functions[node.index]
    for name, body in node.bodies.items():
        inner = shapes.bodies.get((node.index, name))
        if inner is not None:
            yield body, inner


def _entries(node: Node, body: Graph) -> Iterator[tuple[str, str]]:
    """Which of a node's operands its body's inputs are; those of a function keep their names."""
    if node.op in ("Loop", "Scan") and node.bodies:
        skipped = 2 if node.op == "Loop" else 0
        yield from zip(node.inputs[skipped:], list(body.inputs)[skipped:], strict=False)


def _hand_on(holds: Holds, names: Sequence[str], name: str, *, whole: bool) -> None:
    for given in names:
        for source, held in list(holds.get(given, {}).items()):
            kept = held if whole else replace(held, whole=False)
            holds.setdefault(name, {}).setdefault(source, kept)


_SHIFTED: Final = frozenset({"Add", "Sub", "Mul", "Div"})


def _shift(node: Node, shapes: Shapes, holds: Holds) -> None:
    """Arithmetic of held values with a constant."""
    if len(node.inputs) != 2:
        return
    for i, other in ((0, 1), (1, 0)):
        constant = _values(shapes.tensors.get(node.inputs[other]))
        if constant is None or (i and node.op in ("Sub", "Div")):
            continue
        low, high = int(constant.min()), int(constant.max())
        for source, held in holds.get(node.inputs[i], {}).items():
            moved = _moved(node.op, held, low, high)
            if moved is not None:
                holds.setdefault(node.outputs[0], {}).setdefault(source, moved)


def _moved(op: str, held: Held, low: int, high: int) -> Held | None:
    if op == "Add":
        return replace(held, low=held.low + low, high=held.high + high)
    if op == "Sub":
        return replace(held, low=held.low - high, high=held.high - low)
    if op == "Mul" and low == high > 0:
        return replace(
            held, factor=held.factor * low, low=held.low * low, high=held.high * low, whole=False
        )
    # Divided it is no larger: what fits before fits behind.
    return replace(held, whole=False) if op == "Div" and low > 0 else None


def _values(x: Tensor | None) -> np.ndarray | None:
    if x is None or x.value is None or x.value.dtype.kind not in "iuf" or not x.value.size:
        return None
    return x.value if bool(np.isfinite(x.value).all()) else None


def _both(a: Wanted | None, b: Wanted) -> Wanted:
    """What fits two uses; where nothing does, the first of them."""
    if a is None or isinstance(b, Exactly):
        return b if a is None or not isinstance(a, Exactly) else a
    if isinstance(a, Exactly):
        return a
    low, high = max(a.low, b.low), min(a.high, b.high)
    return Range(low, high, a.distinct or b.distinct) if low <= high else a
