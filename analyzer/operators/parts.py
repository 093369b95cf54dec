"""How does a node work on a part of a map: as it is, with other padding, or not at all?

A map is cut into parts along some axes; of each input of a node that stretch is taken which the part of
its output reads. Where an output reads one place of each input, the node does the same on a part as on
the whole. Where it looks through a window (`cnnscope.analyzer.values.window`), the places that it reads
beyond the ends of a whole axis are padding there as here, and those beyond the ends of a part, but inside
of the axis, belong to the part: so the padding is what is left of it at this part's ends. All else isn't
run in parts: what counts places from an end, draws numbers, or says itself how long its output is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import MICROSOFT, lookup
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: first and behind the last
Stretch = tuple[int, int]

#: what these families do to a place hangs on no other place and not on where it is
_ALIKE_EVERYWHERE: Final = frozenset({
    "activation", "elementwise arithmetic", "logic", "conversion", "identity", "normalization",
    "quantization", "data movement", "selection", "matrix product", "reduction", "mean reduction",
    "max reduction", "convolution", "max pooling", "average pooling", "Lp pooling", "cropping",
    "padding",
})  # fmt: skip


class NotInParts(Exception):
    """A node can't be run on parts; the message says why, as an end of "it ..."."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stretch of outputs reads along one axis.

    Args:
        inside: the stretch of the input's axis.
        padding: places that are read before the axis's first and behind its last.
    """

    inside: Stretch
    padding: tuple[int, int] = (0, 0)


def demand_alike(
    domain: str, op: str, version: int, attributes: Mapping[str, object], outputs: Sequence[str]
) -> int | None:
    """Whether an operator does the same wherever it is, and the first axis whose padding is told by `pads`.

    Args:
        attributes: the node's.
        outputs: the names of its outputs, empty where not asked for.

    Returns:
        That axis, all behind it having theirs told, too; None where it tells none.

    Raises:
        NotInParts: it doesn't, or that isn't known.
    """
    known = lookup(domain, op, version)
    if known is None or domain not in ("", MICROSOFT):
        raise NotInParts("isn't one of ONNX's or ONNX Runtime's operators on tensors")
    if known.random:
        raise NotInParts("draws numbers")
    if known.kind == "max pooling" and any(outputs[1:]):
        raise NotInParts("gives places of the whole, too")
    if known.kind not in _ALIKE_EVERYWHERE:
        raise NotInParts(f"is of a kind that isn't run in parts: {known.kind}")
    if known.pads_from is not None and attributes.get("channels_last"):
        raise NotInParts("has its channels last")
    return known.pads_from


def demand_shape(
    node: Node, inputs: Sequence[Tensor | None], wanted: Sequence[Sequence[int]]
) -> None:
    """Whether a node gives outputs of these shapes, given these inputs and its padding as it is.

    Raises:
        NotInParts: it doesn't: it says itself how long they are.
    """
    known = lookup(node.domain, node.op, node.version)
    keywords = dict(node.attributes)
    keywords.update(opset=node.version, output_count=len(node.outputs), node_name=node.name)
    try:
        assert known is not None
        found = known.call(known.infer, tuple(inputs), keywords)
    except (
        Undetermined, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError,
        ArithmeticError,
    ):  # fmt: skip
        raise NotInParts("says itself how long it is") from None
    tensors = found if isinstance(found, tuple) else (found,)
    for tensor, shape in zip(tensors, wanted, strict=False):
        if not isinstance(tensor, Tensor) or tensor.shape != tuple(shape):
            raise NotInParts("says itself how long it is")


def taken(read: Along, wanted: Stretch, count: int, length: int, *, padded: bool) -> Taken:
    """What a stretch of an output's axis reads of an input's axis.

    Args:
        read: how the input's axis is read.
        wanted: the stretch.
        count: the output's length along the axis.
        length: the input's.
        padded: the operator is one whose padding can be told anew.

    Raises:
        NotInParts: it can't be cut there.

    >>> from cnnscope.analyzer.values.window import Window
    >>> taken(Along(2, Window(3, before=1, after=1)), (0, 4), 8, 8, padded=True)
    Taken(inside=(0, 5), padding=(1, 0))
    """
    window = read.window
    whole = wanted == (0, count)
    if not padded:
        if whole:
            return Taken((0, length))
        if not window.is_identity or count != length:
            raise NotInParts("moves along the axes that are cut")
        return Taken(wanted)
    numbers = (window.stride, window.before, window.after)
    if any(isinstance(number, Fraction) for number in numbers):
        raise NotInParts("reads places between places")
    stride, before, after = map(int, numbers)
    if window.outside not in ("nothing", "edge"):
        if whole:
            return Taken((0, length), (before, after))
        raise NotInParts("has a border that mirrors or wraps around")
    first = wanted[0] * stride - before
    last = (wanted[1] - 1) * stride - before + int(window.extent)
    start, stop = max(first, 0), min(last, length)
    if stop <= start:
        raise NotInParts("reads padding alone somewhere")
    # What ceil_mode reads beyond the padding is left to it; what nobody reads isn't taken along.
    return Taken((start, stop), (start - first, min(last - stop, max(after, 0))))
