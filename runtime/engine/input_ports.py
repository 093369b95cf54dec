"""Which numbers does each operator take at an input, so that made-up ones are none it refuses?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Node
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


WantedNumbers = Range | Exactly


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


Port = Callable[[Use], WantedNumbers | None]


def _lengths(x: Tensor | None) -> tuple[int, ...]:
    dims = () if x is None or x.shape is None else x.shape
    found = tuple(d for d in dims if isinstance(d, int))
    return found if len(found) == len(dims) else ()


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


def an_axis(use: Use) -> WantedNumbers | None:
    """An axis of the first operand; no axis twice."""
    rank = use.rank(0)
    return Range(0, rank - 1, distinct=True) if rank else None


def nested_index(use: Use) -> WantedNumbers | None:
    """GatherND, ScatterND: a row of indices, each along an axis of its own."""
    first, deep = use.number("batch_dims", 0), use.length(1, -1)
    lengths = [use.length(0, axis) for axis in range(first, first + deep)]
    return below(min(lengths, default=0))


def steps_of(use: Use) -> WantedNumbers | None:
    """How long each sequence of a batch is."""
    return up_to(use.length(0, use.number("layout", 0)))


def element(use: Use) -> WantedNumbers | None:
    """A position in a sequence."""
    found = use.tensor(0)
    length = None if found is None else found.length
    return Range(0, length - 1 if isinstance(length, int) and length else 0)


def new_shape(use: Use) -> WantedNumbers | None:
    """Reshape: as many elements as there are, in so many axes."""
    size, axes = use.count(0), use.length(1, 0)
    if not size or not axes:
        return None
    dims = use.dims(0)
    return Exactly(dims if len(dims) == axes else (*(1,) * (axes - 1), size))


def broadcast_shape(use: Use) -> WantedNumbers | None:
    """Expand: lengths that what there is can be repeated to."""
    dims, axes = use.dims(0), use.length(1, 0)
    whole = (*(1,) * (axes - len(dims)), *dims)[-axes:] if axes else ()
    return Exactly(whole, Range(1, 1))


def parts(use: Use) -> WantedNumbers | None:
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


def ones(use: Use) -> WantedNumbers | None:
    """The axes of length 1, which alone can be squeezed out."""
    found = tuple(axis for axis, length in enumerate(use.dims(0)) if length == 1)
    return Exactly(found[: use.length(1, 0)]) if found else None


def into_rank(use: Use) -> WantedNumbers | None:
    """Unsqueeze: axes of what comes out."""
    rank = use.rank(0) + use.count(1)
    return Range(0, rank - 1, distinct=True) if rank else None


def border(use: Use) -> WantedNumbers | None:
    """Pad: less than there is, as a mirrored border wants it."""
    return Range(0, max(0, min(1, *(n - 1 for n in use.dims(0))))) if use.dims(0) else None


def sizes(use: Use) -> WantedNumbers | None:
    """Resize: about as large as it is, so that what follows has something to look at."""
    dims, count = use.dims(0), use.length(3, 0)
    if not dims:
        return None
    return Exactly(dims if len(dims) == count else (), Range(min(dims[2:] or dims), 2 * max(dims)))


def places_in_output(use: Use) -> WantedNumbers | None:
    """MaxUnpool: a position among all elements that come out."""
    return below(math.prod(_lengths(use.tensors.get(use.node.outputs[0]))))


def grid_size(use: Use) -> WantedNumbers | None:
    """AffineGrid: the batch of its matrices, a channel, and lengths."""
    batch, count = use.length(0, 0), use.length(1, 0)
    return Exactly((batch, 1, *(4,) * (count - 2))) if batch and count > 2 else None


def blocks(use: Use) -> WantedNumbers | None:
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
