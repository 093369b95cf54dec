"""Which maps on the way are read beyond their ends, and where do those ends lie in the input?

A map that was cropped and is padded afterwards takes padding where the whole has values, though these lie
inside of what was cut out: halos grow by as much as the crop took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cnnscope.analyzer.fields.digits import Digit, as_field
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.sizes.cutting import Brink
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.substitution import substituted


def field_of(digits: Sequence[Digit]) -> Field | None:
    field = as_field(list(digits), 0)
    return None if field is None else field.regular()


def windows(
    fields: Fields, leading: Sequence[Node]
) -> Iterator[tuple[Node, str, int, Along, Mapping[InputAxis, Paths]]]:
    """Every window that is no identity, with the tensor and axis that it reads."""
    for node in leading:
        reads = fields.reads.get(node.index)
        if reads is None:
            continue
        for per_input in reads.outputs:
            for name, read in zip(node.inputs, per_input, strict=False):
                state = fields.states.get(name) if name else None
                if not state or not isinstance(read, tuple):
                    continue
                for axis, along in enumerate(read):
                    if isinstance(along, Along) and not along.window.is_identity:
                        yield node, name, axis, along, state


def brinks_of(
    shapes: Shapes, fields: Fields, key: InputAxis, leading: Sequence[Node]
) -> Iterator[Brink]:
    """The maps that are read beyond their ends, each kind once."""
    known: set[Brink] = set()
    for _, name, axis, along, state in windows(fields, leading):
        if key not in state:
            continue
        window = along.window
        first = min(window.at(0), default=0) < 0
        last = window.after > 0 or not isinstance(window.stride, int)
        if not first and not last:
            continue
        length = shapes.tensors[name].dims[axis]
        for term in state[key].terms:
            digits = [digit for digit in term.digits if digit.axis == axis]
            field = field_of(digits) if digits and len(digits) == len(term.digits) else None
            if field is not None and not field.bounded:
                brink = Brink(field, length, first, last)
                if brink not in known:
                    known.add(brink)
                    yield brink


def below_first(brink: Brink) -> int:
    """What lies before the first unit of a map begins there: units that begin later don't see it."""
    span = brink.field.span(-1) if brink.first else None
    return -1 if span is None else span[0]


def behind_last(brink: Brink, lengths: Mapping[str, int]) -> Span | None:
    """Where what lies behind the last unit of a map is in the input; None: nowhere, or it isn't read.

    Raises:
        Undetermined: how long the map is hangs on more than the inputs' lengths.
    """
    if not brink.last:
        return None
    count = substituted(brink.length, lengths)
    if not isinstance(count, int):
        raise Undetermined(f"the length {count}", count.names, count.data)
    return brink.field.span(count)


def short_of_end(brinks: Sequence[Brink], length: int, lengths: Mapping[str, int]) -> int:
    """By how much what lies behind the last unit of a map ends before the input does, 0 and more."""
    found = 0
    for brink in brinks:
        try:
            span = behind_last(brink, lengths)
        except Undetermined:
            continue
        if span is not None:
            found = max(found, length - span[1])
    return found
