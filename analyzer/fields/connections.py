"""What would the same connections cost without sharing weights, and all of them, or fewer?

A layer of matrix products connects input elements to output elements: pair (output, input) is a
*connection* where a weight stands between them. Per axis the operator's reads say which, and the
axes are independent, so their number is a product, and exact; taps that fall into the padding
connect nothing. For one example (the batch axis apart)::

    (1)  fully connected             in * out weights, as many connections
    (2)  unshared (locally connected) a weight of its own for every product that the layer
                                     accumulates, padded ones included: positions * taps
    (3)  the layer itself            the same products, weights shared by all positions
    (4)  depthwise separable         k^n * C_in + C_in * C_out weights; work over (3)'s:
                                     1/C_out + 1/k^n  (without biases)
    (5)  sparsity of (3) as a matrix 1 - connections / (in * out)

(2): LeCun 1989; Taigman et al., DeepFace, CVPR 2014; Keras' LocallyConnected. (4): Howard et al.,
MobileNets, 2017. Every linear layer is a matrix between its flattened ends, (5) says how empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.formulas import Formula
from cnnscope.analyzer.operators.reading import Along, Listed, Only, Upto, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

#: a window with fractions is walked output by output up to this many
MAX_OUTPUTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Alternative:
    """A layer between the same ends, for one example.

    Args:
        form: ``"shared"`` (as it is), ``"unshared"``, ``"fully connected"`` or
            ``"depthwise separable"``.
        weights: of its connections.
        biases: added to its outputs.
        connections: pairs of an input and an output element with a weight between them; of a
            layer in two steps the sum of both.
        macs: products accumulated, those with padding's zeros too.
        formulas: how `weights`, `macs` come about, by name, where there's more to say.
    """

    form: str
    weights: int
    biases: int
    connections: int
    macs: int
    formulas: dict[str, Formula]

    @property
    def params(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    def to_dict(self) -> dict[str, object]:
        return {
            "form": self.form,
            "params": self.params,
            "weights": self.weights,
            "biases": self.biases,
            "connections": self.connections,
            "macs": self.macs,
            "formulas": {name: f.to_dict() for name, f in self.formulas.items()},
        }


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A layer of matrix products beside what could stand in its place, for one example.

    Args:
        operand: the tensor that the connections come from.
        batch: how many examples the layer's own figures are for: the length of axis 0 where each
            output index reads the input at its own; 1 where there is no such axis.
        inputs, outputs: elements at either end, of one example.
        forms: the layer as it is first.
        saving: of the depthwise-separable form: 1/C_out + 1/k^n, its work over the layer's.
    """

    operand: str
    batch: int
    inputs: int
    outputs: int
    forms: tuple[Alternative, ...]
    saving: Formula | None = None

    @property
    def sparsity(self) -> Fraction:
        """The share of zeros in the layer's connection matrix."""
        pairs = self.inputs * self.outputs
        return 1 - Fraction(self.forms[0].connections, pairs) if pairs else Fraction(0)

    def to_dict(self) -> dict[str, object]:
        return {
            "operand": self.operand,
            "batch": self.batch,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "sparsity": float(self.sparsity),
            "forms": [form.to_dict() for form in self.forms],
            "saving": None if self.saving is None else self.saving.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class _Ways:
    """How the data operand of a layer is read, its batch axis left out."""

    reads: tuple[object, ...]
    lengths: tuple[int, ...]
    outputs: tuple[int, ...]  # the length of every output axis, the batch's as 1
    batch: int


def find_alternatives(
    node: Node, shapes: Shapes, reads: NodeReads, work: Work, weights: int, biases: int
) -> Alternatives | None:
    """What could stand in a layer's place; None where it isn't one matrix between two ends.

    Args:
        node, shapes, reads: the layer.
        work: its own.
        weights, biases: stored elements that it uses.
    """
    if not weights or not isinstance(work.macs, int) or not work.macs:
        return None
    which = next(
        (i for i, x in enumerate(shapes.inputs(node)) if x is not None and not x.constant), None
    )
    output = shapes.outputs(node)[0]
    if which is None or reads.through or not reads.outputs or output.shape is None:
        return None
    ways = _ways(shapes.inputs(node)[which], output, reads.outputs[0][which])
    if ways is None:
        return None
    # Each product is one connection: else (attention, recurrence) it is more than one matrix.
    for by_input in (False, True):
        counted = _pairs(ways, by_input)
        if counted is not None and counted[1] * ways.batch == work.macs:
            connections, products = counted
            break
    else:
        return None
    inputs, outputs = math.prod(ways.lengths), math.prod(ways.outputs)
    bias = outputs if work.bias else 0
    forms = [
        Alternative("shared", weights, biases, connections, products, {}),
        Alternative("unshared", products, bias, connections, products, {}),
        Alternative(
            "fully connected", inputs * outputs, bias, inputs * outputs, inputs * outputs,
            {"weights": Formula("in*out", {"in": inputs, "out": outputs}, inputs * outputs)},
        ),
    ]  # fmt: skip
    separable = _separable(ways, products, biases)
    saving = None
    if separable is not None:
        form, saving = separable
        forms.append(form)
    return Alternatives(node.inputs[which], ways.batch, inputs, outputs, tuple(forms), saving)


def _ways(x: Tensor | None, output: Tensor, read: object) -> _Ways | None:
    if x is None or x.shape is None or not isinstance(read, tuple):
        return None
    lengths = [d for d in x.shape if isinstance(d, int)]
    outputs = [d for d in output.dims if isinstance(d, int)]
    if len(lengths) != len(x.shape) or len(outputs) != output.rank:
        return None
    ways, batch = list(read), 1
    if len(lengths) > 1 and ways[0] == Along(0):
        batch, lengths[0], outputs[0] = outputs[0], 1, 1
        if not batch:
            return None
    return _Ways(tuple(ways), tuple(lengths), tuple(outputs), batch)


def _pairs(ways: _Ways, by_input: bool) -> tuple[int, int] | None:
    """Connections, and products with those that fall outside; None where a way isn't known.

    Args:
        by_input: each input meets every tap (transposed convolution), not each output.
    """
    inside = products = 1
    named = set()
    for way, length in zip(ways.reads, ways.lengths, strict=True):
        if isinstance(way, Along | Listed | Upto):
            named.add(way.axis)
            found = _along(way, length, ways.outputs[way.axis])
            if found is None:
                return None
            inside *= found[0]
            taps = way.window.size if isinstance(way, Along) else 0
            products *= length * taps if by_input and taps else found[1]
        elif isinstance(way, Whole | Only):
            count = length if isinstance(way, Whole) else way.hi - way.lo + 1
            inside, products = inside * count, products * count
        else:
            return None
    free = math.prod(n for axis, n in enumerate(ways.outputs) if axis not in named)
    return inside * free, products * free


def _along(way: Along | Listed | Upto, length: int, count: int) -> tuple[int, int] | None:
    """Pairs of an output and an input index along one axis: inside, and in all."""
    if isinstance(way, Upto):
        pairs = sum(
            min(i + 1, length) if not way.reverse else max(length - i, 0) for i in range(count)
        )
        return pairs, pairs
    if isinstance(way, Listed):
        pairs = sum(row[1] - row[0] + 1 for row in way.rows if row is not None)
        return pairs, pairs
    return window_pairs(way.window, length, count)


def window_pairs(window: Window, length: int, count: int) -> tuple[int, int] | None:
    """Pairs of an output and an input that a window connects: inside the input, and in all.

    Of a window with fractions (a transposed convolution) each input meets every tap, so that all
    is ``length * size``, cropped ones included.

    >>> window_pairs(Window(3, before=1, after=1), 5, 5)
    (13, 15)
    """
    stride, before, dilation = window.stride, window.before, window.dilation
    if window.outside != "nothing":
        return None
    if isinstance(stride, int) and isinstance(before, int) and isinstance(dilation, int):
        if stride < 1:
            return None
        inside = 0
        for tap in range(window.size):  # 0 <= i*stride - before + tap*dilation < length
            shift = before - tap * dilation
            first, last = (
                max(0, -(-shift // stride)),
                min(count - 1, (length - 1 + shift) // stride),
            )
            inside += max(0, last - first + 1)
        return inside, count * window.size
    if count > MAX_OUTPUTS:
        return None
    inside = sum(1 for i in range(count) for at in window.at(i) if 0 <= at < length)
    return inside, length * window.size


def _separable(ways: _Ways, products: int, biases: int) -> tuple[Alternative, Formula] | None:
    """The depthwise-separable form of a dense convolution whose kernel has more than one point."""
    whole = [n for way, n in zip(ways.reads, ways.lengths, strict=True) if isinstance(way, Whole)]
    windows = [
        (way.window, ways.lengths[i], ways.outputs[way.axis])
        for i, way in enumerate(ways.reads)
        if isinstance(way, Along)
    ]
    named = {way.axis for way in ways.reads if isinstance(way, Along)}
    outputs = [n for axis, n in enumerate(ways.outputs) if axis not in named]
    taps = math.prod(window.size for window, _, _ in windows)
    if len(whole) != 1 or len(outputs) != 1 or len(windows) + 1 != len(ways.reads) or taps < 2:
        return None
    if not all(isinstance(w.stride, int) for w, _, _ in windows):
        return None
    (c_in,), (c_out,) = whole, outputs
    positions = math.prod(count for _, _, count in windows)
    inside = _inside(windows)
    if inside is None:
        return None
    weights = taps * c_in + c_in * c_out
    values = {"k": taps, "C_in": c_in, "C_out": c_out}
    macs = positions * weights
    form = Alternative(
        "depthwise separable",
        weights,
        biases,
        inside * c_in + positions * c_in * c_out,
        macs,
        {
            "weights": Formula("k*C_in + C_in*C_out", dict(values), weights),
            "macs": Formula("P*(k*C_in + C_in*C_out)", {"P": positions, **values}, macs),
        },
    )
    share = Fraction(1, c_out) + Fraction(1, taps)
    if share * products != macs:
        return None
    return form, Formula("1/C_out + 1/k", {"C_out": c_out, "k": taps}, str(share))


def _inside(windows: Sequence[tuple[Window, int, int]]) -> int | None:
    total = 1
    for window, length, count in windows:
        found = window_pairs(window, length, count)
        if found is None:
            return None
        total *= found[0]
    return total
