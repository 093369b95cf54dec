"""What does an Einsum put out, what work is it, and which axes do its labels tie together?

The equation is numpy's: one letter per axis, an ellipsis for the axes broadcast between operands,
the letters that occur once in alphabetical order behind the ellipsis where the output isn't named.
The work, by how many operands there are:

- one: the sum over what isn't in the output, ``elements on its diagonals - outputs`` additions;
- two: the product of the lengths of all letters that occur, in MACs;
- more: the pairs from left to right, each keeping the letters that are still needed, in the output
  or by a later operand. (Another order may be cheaper; the choice is the executor's.)

Reads: a letter of the output goes along with it, any other is contracted and read whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, AxisRead, Only, OutputReads, Whole
from cnnscope.analyzer.operators.rules import broadcast_shapes
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.conditions import agree
from cnnscope.analyzer.values.dimension import Dim, Undetermined, product
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: operands of which the order of multiplication is followed; it takes the square of their number
MAX_OPERANDS = 64


@dataclass(frozen=True)
class Equation:
    """A label per axis (the ellipsis spelled out as digits counted from the last), and lengths."""

    operands: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]
    lengths: dict[str, Dim]

    def volume(self, labels: Iterable[str]) -> Dim:
        return product(self.lengths[label] for label in sorted(set(labels)))


def parsed(equation: str, tensors: tuple[Tensor, ...]) -> Equation:
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"{equation!r} names {len(terms)} operands, there are {len(tensors)}")
    operands = tuple(
        _labels(term, tensor.rank) for term, tensor in zip(terms, tensors, strict=True)
    )
    hidden = {len(_dots(x)) for x, term in zip(operands, terms, strict=True) if "..." in term}
    if len(hidden) > 1:
        # numpy broadcasts them; ONNX's inference, and with it every runtime, doesn't.
        raise ValueError(f"the ellipses of {equation!r} stand for {sorted(hidden)} axes")
    ellipsis = max(hidden, default=0)
    for labels, tensor in zip(operands, tensors, strict=True):
        own: dict[str, Dim] = {}
        for label, dim in zip(labels, tensor.dims, strict=True):
            if not agree(own.setdefault(label, dim), dim):
                raise ValueError(f"{equation!r} takes a diagonal of lengths {own[label]} and {dim}")
    lengths: dict[str, tuple[Dim, ...]] = {}
    for labels, tensor in zip(operands, tensors, strict=True):
        for label, dim in zip(labels, tensor.dims, strict=True):
            lengths[label] = broadcast_shapes(lengths.get(label, (1,)), (dim,))
    dots = tuple(str(place) for place in range(ellipsis - 1, -1, -1))
    if arrow:
        before, given, after = right.partition("...")
        output = (*before, *(dots if given else ()), *after)
    else:
        every = [label for labels in operands for label in labels if label.isalpha()]
        output = (*dots, *sorted(label for label in set(every) if every.count(label) == 1))
    if len(set(output)) < len(output):
        raise ValueError(f"{equation!r} names an axis of the output twice")
    for label in output:
        if label not in lengths:
            raise ValueError(f"{equation!r} puts out {label}, which no operand has")
    return Equation(operands, output, {label: dims[0] for label, dims in lengths.items()})


def _labels(term: str, rank: int) -> tuple[str, ...]:
    before, given, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    if hidden < 0 or (hidden and not given):
        raise ValueError(f"the term {term!r} is for another operand than one of {rank} axes")
    return (*before, *(str(place) for place in range(hidden - 1, -1, -1)), *after)


def _dots(labels: Iterable[str]) -> list[str]:
    return [label for label in labels if label.isdigit()]


def einsum_output(*tensors: Tensor, equation: str) -> Tensor:
    if any(tensor.shape is None for tensor in tensors):
        return tensors[0].of(None)
    found = parsed(equation, tensors)
    return tensors[0].of(tuple(found.lengths[label] for label in found.output))


def einsum_work(outputs: tuple[Tensor, ...], *tensors: Tensor, equation: str) -> Work:
    if len(tensors) > MAX_OPERANDS:
        raise Undetermined(f"in which order {len(tensors)} operands are multiplied")
    found = parsed(equation, tensors)
    if len(tensors) == 1:
        return Work(add=found.volume(found.operands[0]) - outputs[0].size)
    macs: Dim = 0
    held = set(found.operands[0])
    for place, labels in enumerate(found.operands[1:], 1):
        held |= set(labels)
        macs = macs + found.volume(held)
        held &= set(found.output).union(*found.operands[place + 1 :])
    return matrix_work(macs, *tensors)


def einsum_reads(outputs: tuple[Tensor, ...], *tensors: Tensor, equation: str) -> OutputReads:
    found = parsed(equation, tensors)
    return tuple(
        _reads(found, labels, tensor)
        for labels, tensor in zip(found.operands, tensors, strict=True)
    )


def _reads(found: Equation, labels: tuple[str, ...], tensor: Tensor) -> tuple[AxisRead, ...]:
    reads: list[AxisRead] = []
    for axis, (label, dim) in enumerate(zip(labels, tensor.dims, strict=True)):
        if dim == 1 and found.lengths[label] != 1:
            reads.append(Only(0, 0))
        elif label in found.output and label not in labels[:axis]:
            reads.append(Along(found.output.index(label)))
        else:  # contracted; or a diagonal's other axis, as no two may go along the same output axis
            reads.append(Whole())
    return tuple(reads)


define("Einsum", kind="matrix product", infer=einsum_output, work=einsum_work, reads=einsum_reads)
