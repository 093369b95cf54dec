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
    (6)  tiled                       the same products with t kernels in rotation along each axis:
                                     t^n times (3)'s weights

(2): LeCun 1989; Taigman et al., DeepFace, CVPR 2014; Keras' LocallyConnected. (4): Howard et al.,
MobileNets, 2017. (6): Le et al., Tiled convolutional neural networks, NIPS 2010. Every linear layer is a
matrix between its flattened ends, (5) says how empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.fields.pairs import OperandReads, operand_reads, pairs_inside, pairs_of
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Alternative:
    """A layer between the same ends, for one example.

    Args:
        form: ``"shared"``, ``"unshared"``, ``"fully connected"``, ``"depthwise separable"`` or
            ``"tiled"``.
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


def find_alternatives(
    node: Node, shapes: Shapes, reads: NodeReads, work: Work, weights: int, biases: int,
    kernels: int = 1, rotation: int = 1,
) -> Alternatives | None:  # fmt: skip
    """What could stand in a layer's place; None where it isn't one matrix between two ends.

    Args:
        node, shapes, reads: the layer.
        work: its own.
        weights, biases: stored elements that it uses.
        kernels: how many its positions have between them: 1 where all share one.
        rotation: how many there would be, tiled; 1: it isn't asked.
    """
    if not weights or not isinstance(work.macs, int) or not work.macs:
        return None
    which = next(
        (i for i, x in enumerate(shapes.inputs(node)) if x is not None and not x.constant), None
    )
    output = shapes.outputs(node)[0]
    if which is None or reads.through or not reads.outputs or output.shape is None:
        return None
    x = shapes.inputs(node)[which]
    ways = operand_reads(x, output, reads.outputs[0][which], examples=kernels == 1)
    if ways is None:
        return None
    # Each product is one connection: else (attention, recurrence) it is more than one matrix.
    counts = (pairs_of(ways, by_input) for by_input in (False, True))
    fitting = [x for x in counts if x is not None and x[1] * ways.batch == work.macs]
    if not fitting:
        return None
    connections, products = fitting[0]
    inputs, outputs = math.prod(ways.lengths), math.prod(ways.outputs)
    layer = Alternative(
        "shared" if kernels == 1 else "tiled" if weights < products else "unshared",
        weights, biases, connections, products, {},
    )  # fmt: skip
    bias, pairs = outputs if work.bias else 0, inputs * outputs
    full = Formula("in*out", {"in": inputs, "out": outputs}, pairs)
    forms = [
        layer,
        *_with_other_kernels(layer, kernels, rotation, bias),
        Alternative("fully connected", pairs, bias, pairs, pairs, {"weights": full}),
    ]
    separable = _separable(ways, products, biases)
    saving = None
    if separable is not None:
        form, saving = separable
        forms.append(form)
    return Alternatives(node.inputs[which], ways.batch, inputs, outputs, tuple(forms), saving)


def _with_other_kernels(
    layer: Alternative, kernels: int, rotation: int, biases: int
) -> Iterator[Alternative]:
    """The same products with one kernel for all positions, one for each, or some in rotation."""
    products, form = layer.macs, layer.form
    if form != "shared":
        yield replace(layer, form="shared", weights=layer.weights // kernels)
    if form != "unshared":
        yield replace(layer, form="unshared", weights=products, biases=biases)
    if form == "shared" and rotation > 1:
        tiled = rotation * layer.weights
        more = Formula("t*weights", {"t": rotation, "weights": layer.weights}, tiled)
        yield replace(layer, form="tiled", weights=tiled, formulas={"weights": more})


def _separable(
    ways: OperandReads, products: int, biases: int
) -> tuple[Alternative, Formula] | None:
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
    inside = pairs_inside(windows)
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
