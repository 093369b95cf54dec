"""What is said of a model's activations: which tensors there are, how large, and how long each is alive?"""

from __future__ import annotations

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Heading, Section
from cnnscope.analyzer.render.subjects.answer import model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.activations import Activation, Activations
from cnnscope.analyzer.values.notation import middle, name, nbytes, shape


def _bytes(x: Activation) -> str:
    return "?" if x.nbytes is None else nbytes(x.nbytes)


_COLUMNS: tuple[Column[Activation], ...] = (
    Column("tensor", "tensor", lambda x: name(x.tensor, 80), lambda x: x.tensor, importance=100, least=12),
    Column("shape", "shape", lambda x: middle(shape(x.shape), 40), lambda x: shape(x.shape), importance=60),
    Column("nbytes", "bytes", _bytes, lambda x: x.nbytes, right=True, importance=90),
    Column("first", "from layer", lambda x: str(x.first), lambda x: x.first, right=True, importance=80),
    Column("last", "to layer", lambda x: str(x.last), lambda x: x.last, right=True, importance=80),
)  # fmt: skip


def document(found: Activations) -> Document:
    """The activations as a document."""
    title = f"{model_name(found.model)}: which activations are alive when"
    return Document("Activations", (Section((Heading(title), table(_COLUMNS, found.tensors))),))
