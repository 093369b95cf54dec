"""What are the attributes of a model's nodes, each table read and kept once for all nodes that have it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec

import onnx

from cnnscope.analyzer.model.attributes import PLAIN_ATTRIBUTES
from cnnscope.analyzer.model.graph import quoted
from cnnscope.analyzer.values.diagnostics import GraphError

_A = onnx.AttributeProto
_AS_TEXT = (_A.FLOAT, _A.FLOATS)
_SHORT = {_A.INT, _A.INTS, _A.FLOAT, _A.FLOATS, _A.STRING, _A.STRINGS, _A.TENSOR}

#: so many different tables are looked up, and by so many bytes of each attribute
_ALIKE, _FEW_BYTES = 4096, 256

P = ParamSpec("P")


class AttributeTables:
    """The attributes of one model.

    Args:
        shared: texts, so that each is one however often it stands in the file.
    """

    def __init__(self, shared: dict[str, str]) -> None:
        self.shared = shared
        self.known: dict[tuple[object, ...], dict[str, object]] = {}

    def of(
        self,
        attributes: Sequence[onnx.AttributeProto],
        node: str,
        other: Callable[Concatenate[onnx.AttributeProto, int, str, P], object],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> dict[str, object]:
        """A node's attributes, one table for all nodes with the same.

        Args:
            attributes: as the file has them.
            node: the node's name.
            other: what one is whose type isn't plain (a graph, most of all), by its type and the node.

        Raises:
            GraphError: a name isn't UTF-8.
        """
        written = _written(attributes)
        if written is not None and written in self.known:
            return self.known[written]
        found: dict[str, object] = {}
        key: list[object] = []
        alone = False
        for a in attributes:
            name, kind = a.name, a.type
            if type(name) is not str:  # protobuf hands invalid UTF-8 out as bytes
                raise GraphError(f"an attribute of node {quoted(node)} isn't UTF-8: {name!r:.200}")
            name = self.shared.setdefault(name, name)
            plain = PLAIN_ATTRIBUTES.get(kind)
            if plain is None:  # unlike any other
                found[name] = other(a, kind, node, *args, **kwargs)
                alone = True
                continue
            value = found[name] = plain(a)
            # As texts, floats that are equal but not the same differ, and those that aren't numbers don't.
            key += (name, kind, repr(value) if kind in _AS_TEXT else value)
        if alone:
            return found
        same = tuple(key) if written is None else written
        if len(self.known) < _ALIKE:
            return self.known.setdefault(same, found)
        return self.known.get(same, found)


def _written(attributes: Sequence[onnx.AttributeProto]) -> tuple[bytes, ...] | None:
    """Short attributes as the file has them: what is written alike says the same, and is read once."""
    found = []
    for a in attributes:
        kind = a.type
        if kind not in _SHORT or (kind == _A.TENSOR and a.ByteSize() > _FEW_BYTES):
            return None
        written = a.SerializePartialToString()
        if len(written) > _FEW_BYTES:
            return None
        found.append(written)
    return tuple(found)
