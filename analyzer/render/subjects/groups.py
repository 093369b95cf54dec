"""Which facts of a group of layers are columns: of an operator, a kind, a module, a block?"""

from __future__ import annotations

from collections.abc import Callable

from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.subjects.layers import field_size, largest_of, per_axis
from cnnscope.analyzer.render.subjects.module_tree import tree_columns, tree_rows
from cnnscope.analyzer.render.subjects.totals import metric
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.group import By, Group
from cnnscope.analyzer.report.grouping import Groups
from cnnscope.analyzer.values.notation import (
    count,
    name,
    nbytes,
    shape,
)
from cnnscope.analyzer.values.tensor import plain_shape


def _total(key: str, write: Callable[[int], str] = count) -> Callable[[Group], str]:
    return lambda totals: metric(getattr(totals, key), write)


def _known(key: str) -> Callable[[Group], Exact]:
    return lambda totals: getattr(totals, key).known


def _completeness(key: str) -> Callable[[Group], Exact]:
    return lambda totals: getattr(totals, key).status


_FIGURES: tuple[Column[Group], ...] = (
    Column("layers", "layers", lambda x: str(x.layers), lambda x: x.layers, right=True,
           importance=72),
    Column("params", "params", lambda x: count(x.params), lambda x: x.params, right=True,
           importance=80),
    Column("macs", "MACs", _total("macs"), _known("macs"), right=True, importance=82),
    Column("macs_status", "", _completeness("macs"), _completeness("macs")),  # type: ignore[arg-type]
    Column("flops", "FLOPs", _total("flops"), _known("flops"), right=True, importance=60),
    Column("flops_status", "", _completeness("flops"), _completeness("flops")),  # type: ignore[arg-type]
    Column("traffic_bytes", "traffic", _total("traffic_bytes", nbytes), _known("traffic_bytes"),
           right=True, importance=50),
    Column("traffic_bytes_status", "", _completeness("traffic_bytes"),  # type: ignore[arg-type]
           _completeness("traffic_bytes")),
)  # fmt: skip


def _class(group: Group) -> str:
    return name((group.module_class or "-").rpartition(".")[2], 40)


#: a block's parts, as short as a table needs them
_SHORT = {
    "convolution": "conv", "normalization": "norm", "activation": "act", "arithmetic": "arith",
    "quantization": "quant", "fully connected": "linear", "conversion": "cast",
}  # fmt: skip


def _parts(group: Group) -> str:
    parts = (group.consists or "-").split(" + ")
    words = ((word, part) for part in parts for word in [part.split(" ")[-1]])
    return " + ".join(
        _SHORT.get(part) or part.removesuffix(word) + _SHORT.get(word, word) for word, part in words
    )


#: of a block: what it is made of, and what it comes to
_PARTS: tuple[Column[Group], ...] = (
    Column("consists", "consists of", _parts, lambda x: x.consists,
           importance=95, least=14),
    Column("output", "output", lambda x: shape(plain_shape(x.output_shape)),
           lambda x: plain_shape(x.output_shape), importance=85, least=12),
)  # fmt: skip


_ENDS: tuple[Column[Group], ...] = (
    Column("rf_size", "field", lambda x: per_axis(x, field_size),
           lambda x: [f.size for f in x.receptive_field], right=True, importance=55,
           order=largest_of("size")),
)  # fmt: skip


_MODULE: Column[Group] = Column(
    "module", "module", lambda x: name(x.name) or "(top)", lambda x: x.name, importance=100, least=16,
    names=lambda x: x.name,
)  # fmt: skip


_BLOCK: Column[Group] = Column(
    "block", "block", lambda x: name(x.name), lambda x: x.name, importance=100, least=20,
    names=lambda x: x.name,
)  # fmt: skip


def document(found: Groups) -> Document:
    """Groups as a document."""
    columns = GROUP_COLUMNS[found.by]
    if found.tree:
        rows = tree_rows(found.tree, columns, None, fold=True)
        every = tree_rows(found.tree, columns, None, fold=False)
        shown = table(tree_columns(columns), rows, recorded=every)
    else:
        shown = table(columns, found.groups)
    return Document(f"Layers by {found.by}", (Section((shown,)),))


#: the columns of each grouping
GROUP_COLUMNS: dict[By, tuple[Column[Group], ...]] = {
    "op": (
        Column("op", "op", lambda x: name(x.name, 60), lambda x: x.name, importance=100, least=24),
        *_FIGURES,
    ),
    "kind": (
        Column("kind", "kind", lambda x: name(x.name, 60), lambda x: x.name, importance=100,
               least=12),
        *_FIGURES,
    ),
    "module": (
        _MODULE,
        Column("class", "class", _class, lambda x: x.module_class, importance=40,
               optional=True),
        *_FIGURES,
    ),
    "block": (_BLOCK, *_PARTS, *_FIGURES, *_ENDS),
}  # fmt: skip
