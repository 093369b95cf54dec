"""Where does ONNX Runtime do otherwise than ONNX's text says?

cnnscope follows the text. Where the two differ, `verify` still reports a mismatch, as figures and
runtime do differ, but names it as a departure of ONNX Runtime's, with the operator's document.
`DEPARTURES` is all that is known of windows. ``tests/test_departures.py`` holds it against ONNX Runtime:
a seeded sample in the suite, and in full (43,200 settings: operator, length, kernel, stride, dilation, pads
or `auto_pad`, `ceil_mode`) it was run with ONNX Runtime 1.31.1 on the CPU, where nothing else differs.
Of other versions nothing was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from cnnscope.analyzer.report.verification import Agreement
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Node
    from cnnscope.analyzer.passes.facts import Shapes
    from cnnscope.analyzer.values.tensor import Tensor

_CONVS: Final = ("Conv", "QLinearConv", "ConvInteger", "FusedConv")
_POOLS: Final = ("MaxPool", "AveragePool", "LpPool")
_SHOWN: Final = 3
_DOCUMENT: Final = "https://onnx.ai/onnx/operators/onnx__{}.html"


@dataclass(frozen=True, slots=True)
class AxisSetting:
    """A window along one spatial axis, as the node's attributes have it."""

    length: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    auto_pad: str

    @property
    def extent(self) -> int:
        """From its first tap to its last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def same(self) -> bool:
        """Is the padding to be found so that only the stride shortens?"""
        return self.auto_pad.startswith("SAME")

    @property
    def missing(self) -> int:
        """What SAME has to pad in all, as ONNX's formula gives it; it may be negative."""
        return (-(-self.length // self.stride) - 1) * self.stride + self.extent - self.length


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which ONNX Runtime differs.

    Args:
        operators: of which.
        where: along which axes.
        said: what ONNX's text says and what ONNX Runtime does.
        refused: in ONNX Runtime's words, where it refuses the node.
    """

    operators: tuple[str, ...]
    where: Callable[[AxisSetting], bool]
    said: str
    refused: str


DEPARTURES: Final = (
    Departure(
        _POOLS,
        lambda axis: axis.same and axis.dilation > 1 and axis.kernel > 1,
        "ONNX's padding for SAME covers the dilated kernel; ONNX Runtime leaves the dilation out of it",
        "output dimension is negative",
    ),
    Departure(
        (*_CONVS, *_POOLS),
        lambda axis: axis.same and axis.missing < 0,
        "ONNX pads for SAME, by nothing where the stride passes over inputs; ONNX Runtime takes the "
        "negative padding at its word and begins further in, or refuses the node",
        "padding values must be non-negative",
    ),
    Departure(
        _POOLS,
        lambda axis: (
            not axis.same and axis.extent > axis.length + axis.before + axis.after
        ),
        "by ONNX's formula a kernel that reaches over more than the padded input gives no output; ONNX "
        "Runtime divides towards zero and may give one",
        "output dimension is negative",
    ),
    Departure(
        _POOLS,
        lambda axis: not axis.same and max(axis.before, axis.after) >= axis.kernel,
        "ONNX lets a pool be padded by as much as its kernel or more; ONNX Runtime refuses it",
        "pads[dim] < kernel_shape",
    ),
    Departure(
        _CONVS,
        lambda axis: axis.same and axis.dilation > 1,
        "ONNX lets SAME be dilated; ONNX Runtime refuses it",
        "Dilation not supported for AutoPadType",
    ),
)  # fmt: skip


def find_departure(node: Node, shapes: Shapes, error: str | None = None) -> str | None:
    """What ONNX Runtime is known to do otherwise at a node, with the operator's document.

    Args:
        node, shapes: the node and its graph's shapes.
        error: what ONNX Runtime refused with: only what it says then counts.
    """
    axes = list(axes_of(node, shapes.tensors))
    for known in DEPARTURES:
        if error is not None and known.refused not in error:
            continue
        if node.op in known.operators and any(map(known.where, axes)):
            op = "Conv" if node.op == "FusedConv" else node.op
            return f"ONNX Runtime departs from ONNX here: {known.said} ({_DOCUMENT.format(op)})"
    return None


def explain_refusal(error: RunError, nodes: Sequence[tuple[Node, Shapes]]) -> RunError:
    """The same error, with what ONNX's text says where ONNX Runtime is known to refuse what it allows.

    Of an error that names no node, each node that it may be about is named.
    """
    said = str(error)
    if said.startswith("node "):
        nodes = [(n, shapes) for n, shapes in nodes if said.startswith(f"node {n.name!r}: ")]
    found = {n.name: known for n, shapes in nodes if (known := find_departure(n, shapes, said))}
    if not found:
        return error
    known = next(iter(found.values()))
    if said.startswith("node "):
        return RunError(f"{said}. {known}")
    names = list(map(repr, found))
    if len(names) == 1:
        return RunError(f"node {names[0]}: {said}. {known}")
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return RunError(f"one of the nodes {', '.join(names[:_SHOWN])}{more}: {said}. {known}")


def axes_of(node: Node, tensors: Mapping[str, Tensor]) -> Iterator[AxisSetting]:
    """The windows of a convolution or a pool; none where lengths aren't known."""
    if node.op not in (*_CONVS, *_POOLS) or not node.inputs:
        return
    x = _plain(tensors.get(node.inputs[0]))
    count = max(len(x) - 2, 0)
    if len(x) < 3:
        return
    kernel = _numbers(node, "kernel_shape", ())
    if not kernel and node.op in _CONVS:
        place = 3 if node.op == "QLinearConv" else 1
        w = tensors.get(node.inputs[place]) if place < len(node.inputs) else None
        kernel = _plain(w)[2:]
    strides = _numbers(node, "strides", (1,) * count)
    dilations = _numbers(node, "dilations", (1,) * count)
    auto_pad = str(node.attributes.get("auto_pad", "NOTSET"))
    pads = (0,) * (2 * count)
    if auto_pad == "NOTSET":
        pads = _numbers(node, "pads", pads)
    if not len(kernel) == len(strides) == len(dilations) == len(pads) // 2 == count:
        return
    if min((*strides, *dilations), default=1) < 1:
        return
    for k, length in enumerate(x[2:]):
        yield AxisSetting(
            length, kernel[k], strides[k], dilations[k], pads[k], pads[count + k], auto_pad
        )


def _numbers(node: Node, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    found = node.attributes.get(name)
    return tuple(int(v) for v in found) if isinstance(found, tuple) else default


def _plain(x: Tensor | None) -> tuple[int, ...]:
    dims = () if x is None or x.shape is None else x.shape
    found = tuple(d for d in dims if isinstance(d, int))
    return found if len(found) == len(dims) else ()


C = TypeVar("C", bound=Agreement)


def name_departures(check: C, nodes: Sequence[tuple[Node, Shapes]]) -> C:
    """The check with each mismatch that is ONNX Runtime's own named so.

    What follows from an earlier mismatch is, where all of those are.
    """
    if not check.mismatches:
        return check
    known = {node.name: (node, shapes) for node, shapes in nodes}
    found = []
    for mismatch in check.mismatches:
        said = find_departure(*known[mismatch.layer]) if mismatch.layer in known else None
        found.append(replace(mismatch, departure=said))
    causes = [m.departure for m in found if m.cause]
    if causes and all(causes):
        found = [m if m.departure or m.cause else replace(m, departure=causes[0]) for m in found]
    return replace(check, mismatches=tuple(found))
