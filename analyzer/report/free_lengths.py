"""Which lengths, and which counts that hang on lengths, does the data of a report name?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from cnnscope.analyzer.operators.work import counts
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Totals
from cnnscope.analyzer.report.tensor_record import lengths_in
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


class End(Protocol):
    """An input or output of a model."""

    @property
    def tensor(self) -> Tensor: ...
    @property
    def declared(self) -> Tensor: ...


def lengths_of(
    ends: Iterable[End], layers: Iterable[Layer], totals: Totals, tensors: Mapping[str, Tensor]
) -> Iterator[Dim | None]:
    """All of them, some more than once; those inside subgraphs, too. What layers share is looked at once."""
    for total in (*totals.metrics().values(), totals.folded_macs, totals.folded_flops):
        yield from total.moments
    for end in ends:
        yield from end.tensor.shape or ()
        yield from end.declared.shape or ()
    waiting = list(layers)
    seen: set[int] = set()
    while waiting:
        layer = waiting.pop()
        yield layer.bytes_read
        yield layer.bytes_written
        if layer.work is not None and id(layer.work) not in seen:
            seen.add(id(layer.work))
            yield from counts(layer.work)
        for value in (*layer.outputs, *layer.operands):
            if value is not None and id(value.tensor) not in seen:
                seen.add(id(value.tensor))
                yield from lengths_in(value.tensor)
        for attribute in layer.attributes.values():
            for part in attribute if isinstance(attribute, tuple) else (attribute,):
                if isinstance(part, Tensor):
                    yield from lengths_in(part)
        waiting += [inner for body in layer.bodies.values() for inner in body]
    for tensor in tensors.values():
        yield from tensor.shape or ()
