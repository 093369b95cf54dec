"""Which models have the same graph, so that one analysis serves them all?"""

from __future__ import annotations

import hashlib
from typing import Final
from weakref import WeakKeyDictionary

from cnnscope.analyzer.lint.linting import PROPERTY
from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph_bytes import graph_bytes
from cnnscope.analyzer.operators.by_shape import asks_no_floats
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.values.plain_class import dataclass

#: what is hashed first; it changes when other parts of a model count, so that no two ways are mixed
_WAY: Final = b"cnnscope graph 1\0"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a graph is known by.

    Args:
        digest: SHA-256, in hexadecimal digits.
        weights: the stored tensors whose numbers it hasn't in it though the analysis has them.
    """

    digest: str
    weights: frozenset[str]


_KNOWN: WeakKeyDictionary[ModelFile, Identity] = WeakKeyDictionary()


def graph_digest(file: ModelFile) -> str:
    """SHA-256, in hexadecimal digits, of a model's graph.

    The same for the same graph with other weights, wherever these lie. Of two models with the same digest
    a scan says the same (`model_row.shareable`), but for what `model_row.row_for` sets anew.
    """
    return graph_identity(file).digest


def graph_identity(file: ModelFile) -> Identity:
    """The digest, and which weights aren't in it; worked out once for a file."""
    found = _KNOWN.get(file)
    if found is None:
        written, weights = graph_bytes(file.model, asks_no_floats, (PROPERTY,))
        found = Identity(hashlib.sha256(_WAY + written).hexdigest(), weights)
        _KNOWN[file] = found
    return found


def follows_from_graph(analysis: Analysis, identity: Identity, asked: set[str]) -> bool:
    """Does all that an analysis says follow from what the digest is of?

    Args:
        analysis: of a model.
        identity: its graph's.
        asked: the stored tensors whose numbers were asked for.
    """
    weights, shapes = identity.weights, analysis.shapes
    if any(name in weights or not _is_kept(name, shapes) for name in asked):
        return False
    return not weights or all(
        any(name and name not in weights and _is_open(name, shapes) for name in node.inputs)
        for node in analysis.graph.nodes
        if not weights.isdisjoint(node.inputs)
    )


def _is_kept(name: str, shapes: Shapes) -> bool:
    """A tensor's numbers are in the digest, as the analysis has them from the file's beginning."""
    tensor = shapes.tensors.get(name)
    return tensor is not None and tensor.value is not None


def _is_open(name: str, shapes: Shapes) -> bool:
    """Nothing is known of a tensor's numbers, so that nothing can be worked out of them beforehand."""
    tensor = shapes.tensors.get(name)
    return tensor is not None and tensor.value is None and tensor.bounds is None
