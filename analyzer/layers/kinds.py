"""What is a layer, in the field's words?

The operator's own definition says its family (convolution, pooling, attention, ...); everything
else is read off its windows and operands, never off its name: how many axes it moves along, whether
its kernel is one point, which channels it mixes (`channels`), and what kind of padding it has
(`padding`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.layers.channels import channel_axis, convolution_form, data_input
from cnnscope.analyzer.layers.padding import Padding, as_written, padding_of
from cnnscope.analyzer.layers.repeated_weights import period_along
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import Family, lookup
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Number

POOLINGS = frozenset({"max pooling", "average pooling", "Lp pooling"})
#: operators that look along space through a window
WINDOWED = POOLINGS | {
    "convolution", "transposed convolution", "deformable convolution", "max unpooling",
}  # fmt: skip
#: operators whose units may touch padding
BORDERED = WINDOWED | {"padding"}
#: reductions that are a pooling where they are over all of space
_REDUCTIONS: dict[str, Family] = {
    "mean reduction": "average pooling", "max reduction": "max pooling",
}  # fmt: skip
#: forms that say it all: their family adds nothing
COMPLETE = frozenset({"fully connected", "locally connected", "tiled convolution", "embedding"})
#: every form that a kind may have
FORMS = (
    "standard", "pointwise", "depthwise", "grouped", "global", "attention", *sorted(COMPLETE),
)  # fmt: skip
#: traits that belong to the kind's own name
_NAMED = ("dilated",)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a layer is.

    Args:
        family: what its operator is: ``"convolution"``, ``"max pooling"``, ``"attention"``, ...
        form: which sort of it: of a convolution ``"standard"``, ``"pointwise"``, ``"depthwise"``
            or ``"grouped"``; of a pooling ``"global"``; of a matrix product ``"fully connected"``,
            ``"locally connected"``, ``"tiled convolution"`` or ``"attention"``; of indexing
            ``"embedding"``; None where there is one sort only.
        rank: how many axes its window moves along; None where it has no window.
        kernel, stride, dilation, before, after: of the window, one number per such axis, in
            elements; empty where they aren't known.
        padding: ``"valid"`` (none), ``"same"`` (a stride of 1 would keep the length), ``"full"``
            (every position that touches the input), ``"custom"``; None without a window.
        traits: what else is to be said: ``"dilated"``, ``"strided"`` (learned downsampling),
            ``"causal"``, ``"separable"``, ``"pointwise"`` (of a grouped one), ``"unshared"``,
            ``"tiled"``, ``"attention"``.

    >>> Kind("convolution", "depthwise", 2, (3, 3)).label
    '2-D depthwise convolution'
    """

    family: str = "other"
    form: str | None = None
    rank: int | None = None
    kernel: tuple[int, ...] = ()
    stride: tuple[Number, ...] = ()
    dilation: tuple[Number, ...] = ()
    before: tuple[Number, ...] = ()
    after: tuple[Number, ...] = ()
    padding: Padding | None = None
    traits: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The kind as one phrase: ``"2-D depthwise convolution"``."""
        if self.form in COMPLETE:
            return str(self.form)
        rank = f"{self.rank}-D" if self.rank and self.form != "global" else ""
        form = self.form if self.form not in (None, "standard") else ""
        named = [trait for trait in _NAMED if trait in self.traits]
        return " ".join(word for word in (rank, form, *named, self.family) if word)

    def to_dict(self) -> dict[str, object]:
        def plain(numbers: tuple[Number, ...]) -> list[int | str]:
            return [n if isinstance(n, int) else str(n) for n in numbers]

        return {
            "label": self.label, "family": self.family, "form": self.form, "rank": self.rank,
            "kernel": list(self.kernel), "stride": plain(self.stride),
            "dilation": plain(self.dilation), "before": plain(self.before),
            "after": plain(self.after), "padding": self.padding, "traits": list(self.traits),
        }  # fmt: skip


def find_kind(
    node: Node,
    shapes: Shapes,
    reads: NodeReads,
    moving: Callable[[], frozenset[int]] = frozenset,
) -> Kind:
    """What a node is, from its operator's family and what its first output reads.

    Args:
        node, shapes, reads: the node, every tensor's facts, what the node's outputs read.
        moving: the axes of its first output that move along space.
    """
    operator = lookup(node.domain, node.op, node.version)
    family = "other" if operator is None else operator.kind
    simple = family not in WINDOWED and family not in _REDUCTIONS
    if simple and family not in ("matrix product", "indexing"):
        return Kind(family)
    if not node.outputs:
        return Kind(family)
    try:
        return _looked_at(family, node, shapes, reads, moving)
    except (Undetermined, ValueError, TypeError, IndexError, ZeroDivisionError):
        return Kind(family)  # what contradicts itself, or hangs on a free length


def _looked_at(
    family: Family,
    node: Node,
    shapes: Shapes,
    reads: NodeReads,
    moving: Callable[[], frozenset[int]],
) -> Kind:
    """What the windows and operands of an operator of that family say."""
    inputs, per_input = shapes.inputs(node), reads.outputs[0] if reads.outputs else ()
    output = shapes.outputs(node)[0]
    if len(per_input) != len(inputs) or output.shape is None:
        return Kind(family)
    if family == "matrix product":
        return _product(node, shapes, per_input, moving)
    if family == "indexing":
        table = inputs[0]
        learned = table is not None and table.constant and table.is_float
        looked_up = any(x is not None and not x.constant for x in inputs[1:])
        return Kind(family, "embedding" if learned and looked_up else None)
    data = data_input(inputs)
    x, read = inputs[data], per_input[data]
    if x is None or x.shape is None or len(x.shape) < 3:
        return Kind(family)
    if not isinstance(read, tuple):  # padding that hangs on a free length
        return Kind(family, rank=len(x.shape) - 2 if family in WINDOWED else None)
    if family in _REDUCTIONS:
        return _reduction(family, x.shape, read)
    return _windowed(family, inputs, per_input, data, output.shape)


# -- without a window ------------------------------------------------------------------------------


def _product(
    node: Node,
    shapes: Shapes,
    per_input: Sequence[KnownRead],
    moving: Callable[[], frozenset[int]],
) -> Kind:
    """Fully connected where an operand that is contracted is stored; locally, one per position; tiled, where
    these begin again."""
    form, output = None, shapes.outputs(node)[0]
    for name, x, read in zip(node.inputs, shapes.inputs(node), per_input, strict=True):
        if x is None or not x.constant or not isinstance(read, tuple):
            continue
        if not any(isinstance(along, Whole) for along in read):
            continue
        form = "fully connected"
        if len(read) > 2 and (axes := unshared_axes(read, output, moving())):
            if any(period_along(name, axis, shapes) is not None for axis in axes):
                return Kind("matrix product", "tiled convolution", traits=("tiled",))
            return Kind("matrix product", "locally connected", traits=("unshared",))
    return Kind("matrix product", form)


def unshared_axes(read: KnownRead, output: Tensor, moving: frozenset[int]) -> tuple[int, ...]:
    """The axes of stored weights that count positions: those with weights of their own."""
    if not isinstance(read, tuple):
        return ()
    return tuple(
        i
        for i, along in enumerate(read)
        if isinstance(along, Along) and along.axis in moving and output.dims[along.axis] != 1
    )


def _reduction(family: str, lengths: Sequence[Dim], read: Sequence[object]) -> Kind:
    """A reduction over all of space, batch and channels kept, is a global pooling."""
    gone = [axis for axis, along in enumerate(read) if isinstance(along, Whole)]
    rank = len(lengths)
    if rank < 4 or gone not in ([*range(2, rank)], [*range(1, rank - 1)]):
        return Kind(family)
    return _global(_REDUCTIONS[family], [lengths[axis] for axis in gone])


def _global(family: str, lengths: Sequence[Dim]) -> Kind:
    known = tuple(n for n in lengths if isinstance(n, int))
    rank = len(lengths)
    if len(known) < rank:
        return Kind(family, "global", rank, padding="valid")
    none, ones = (0,) * rank, (1,) * rank
    return Kind(family, "global", rank, known, ones, ones, none, none, "valid")


# -- with a window ---------------------------------------------------------------------------------


def _windowed(
    family: Family,
    inputs: Sequence[Tensor | None],
    per_input: Sequence[KnownRead],
    data: int,
    after: Sequence[Dim],
) -> Kind:
    x, read = inputs[data], per_input[data]
    assert x is not None and isinstance(read, tuple)
    channel = channel_axis(read, inputs, per_input)
    space = [axis for axis in range(1, len(read)) if axis != channel]
    lengths = [x.dims[axis] for axis in space]
    looks = [read[axis] for axis in space]
    pooling = family in POOLINGS
    if pooling and all(
        _sees_all(along, n, after) for along, n in zip(looks, lengths, strict=True)
    ):  # fmt: skip
        return _global(family, lengths)
    rank = len(space)
    if not all(isinstance(along, Along) for along in looks):
        return Kind(family, "standard" if "convolution" in family else None, rank)
    axes = [
        as_written(along.window, n, after[along.axis], family != "convolution" and not pooling)
        for along, n in zip(looks, lengths, strict=True)
        if isinstance(along, Along)
    ]
    kernel = tuple(axis.kernel for axis in axes)
    ends = tuple(axis.after for axis in axes)
    form, traits = None, []
    if not pooling and "convolution" in family:
        form = convolution_form(
            inputs, data, read[channel], x.dims[channel], after[channel], kernel
        )
    if any(axis.dilation > 1 and axis.kernel > 1 for axis in axes):
        traits.append("dilated")
    if form is not None and family == "convolution":
        wide = [axis for axis in axes if axis.extent > 1]
        if any(axis.stride > 1 for axis in axes):
            traits.append("strided")
        if wide and all(axis.before == axis.extent - 1 and axis.after == 0 for axis in wide):
            traits.append("causal")
        if form == "grouped" and all(k == 1 for k in kernel):
            traits.append("pointwise")
    return Kind(
        family, form, rank, kernel,
        tuple(axis.stride for axis in axes),
        tuple(axis.dilation for axis in axes),
        tuple(axis.before for axis in axes),
        tuple(end for end in ends if end is not None) if None not in ends else (),
        padding_of(axes),
        tuple(traits),
    )  # fmt: skip


def _sees_all(read: object, length: Dim, after: Sequence[Dim]) -> bool:
    """Every output reads the whole axis."""
    if isinstance(read, Whole):
        return read.spatial
    if not isinstance(read, Along) or not isinstance(length, int) or after[read.axis] != 1:
        return False
    taps = read.window.at(0)
    solid = len(taps) > 0 and len(taps) == taps[-1] - taps[0] + 1
    return solid and taps[0] <= 0 and taps[-1] >= length - 1
