"""What is said of one layer, in a few lines? Its tensors, its figures, what it sees."""

from __future__ import annotations

from cnnscope.analyzer.render.document import Document, Heading, Pair, Pairs, Section
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import middle, name, shape
from cnnscope.analyzer.values.tensor import plain_shape

#: what the heading says, and what an input's own line says
_SAID = ("index", "name", "op", "kind", "output", "dtype")


def document(layer: Layer) -> Document:
    """The layer as a document."""
    title = f"{name(layer.name)}: {name(layer.op, 60)}, {layer.kind.label}"
    tensors = [("input", operand) for operand in layer.operands if operand is not None]
    tensors += [("output", value) for value in layer.outputs]
    ends = [
        Pair(kind, f"{name(x.name, 60)}  {middle(shape(plain_shape(x.shape)), 80)} {x.dtype or '?'}", "dim")
        for kind, x in tensors
    ]  # fmt: skip
    facts = [
        Pair(column.title, text)
        for column in LAYER_COLUMNS
        if column.name not in _SAID and (text := column.text(layer)) != "-"
    ]
    return Document(title, (Section((Heading(title), Pairs(tuple(ends)), Pairs(tuple(facts)))),))
