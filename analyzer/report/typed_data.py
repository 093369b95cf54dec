"""Does data that was read from JSON have the types that a dataclass says, and what is it as that class?

The one who says what is right is the dataclass: an object has a member for each of its fields, of the field's
type; what else is in it belongs to somebody else. Integers are counts unless their field may be negative, and
numbers are as long as lengths and sums in models get. Nothing here is executed that the data could name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from fractions import Fraction
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cnnscope.analyzer.report.json_values import (
    PLAIN,
    Read,
    WrongDataError,
    alternatives,
    count,
    entries,
    fraction,
    integer,
    listing,
    one_of,
    row,
    table,
    text,
)

#: fields whose integers may be negative
_SIGNED = frozenset({
    "step", "start", "mean_step", "advance", "spans", "stride", "dilation", "before", "after", "least",
    "top", "parts", "formulas",
})  # fmt: skip

#: what a fraction may be: a text there
_FRACTIONS = {int, Fraction}


class Reader:
    """Reads data as values of dataclasses.

    Args:
        special: how classes are read whose data isn't made like them; given this reader and the data.
        aliases: what members are called where not as the fields are.
        nodes: the names that stand for nodes get; applied to fields that hold one.
    """

    def __init__(
        self,
        special: Mapping[object, Callable[[Reader, object], object]],
        aliases: Mapping[tuple[type, str], str],
        node: Callable[[str], str] = str,
        nodes: frozenset[str] = frozenset(),
    ) -> None:
        self.special, self.aliases, self.node, self.nodes = special, aliases, node, nodes
        self._known: dict[tuple[object, bool, bool], Read] = {}

    def read(self, kind: object, data: object) -> Any:  # of that kind
        """The data as a value of a class, or of another type.

        Raises:
            WrongDataError: it is none.
        """
        return self.reading(kind)(data)

    def reading(self, kind: object) -> Read:
        """What reads data as such a value: for who reads many."""
        return self._reading(kind, signed=False, node=False)

    def members(self, kind: type, data: object, left_out: Sequence[str] = ()) -> dict[str, Any]:
        """What an object has for the fields of a class."""
        return self._fields(kind, tuple(left_out))(data)

    # -- a reading for each type, made once --------------------------------------------------------

    def _reading(self, kind: object, *, signed: bool, node: bool) -> Read:
        key = kind, signed, node
        if key not in self._known:
            self._known[key] = self._made(kind, signed, node)
        return self._known[key]

    def _made(self, kind: object, signed: bool, node: bool) -> Read:
        def inner(part: object) -> Read:
            return self._reading(part, signed=signed, node=node)

        if kind in self.special:
            rule = self.special[kind]
            return lambda data: rule(self, data)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return one_of(arguments)
        if origin in (Union, UnionType):
            known = [x for x in arguments if x is not type(None)]
            readings = [fraction] if set(known) == _FRACTIONS else [inner(x) for x in known]
            return alternatives(readings, empty=len(known) < len(arguments))
        if origin is tuple and arguments[1:] != (...,):
            return row([inner(x) for x in arguments])
        if origin in (tuple, Sequence):
            return listing(inner(arguments[0]))
        if origin is Mapping:
            return table(inner(arguments[1]))
        if kind is str and node:
            return lambda data: self.node(text(data))
        if kind is int:
            return integer if signed else count
        if kind in PLAIN:
            return PLAIN[kind]
        assert isinstance(kind, type) and is_dataclass(kind), kind
        members = self._fields(kind, ())
        return lambda data: kind(**members(data))

    def _fields(self, kind: type, left_out: tuple[str, ...]) -> Callable[[object], dict[str, Any]]:
        key = (kind, left_out), False, False
        if key in self._known:
            return self._known[key]
        wanted = [
            (
                field.name, self.aliases.get((kind, field.name), field.name), _needed(field),
                type(None) in get_args(hint),
                self._reading(
                    hint, signed=field.name in _SIGNED, node=field.name in self.nodes
                ),
            )
            for field, hint in _typed_fields(kind)
            if field.name not in left_out
        ]  # fmt: skip

        def members(data: object) -> dict[str, Any]:
            record = entries(data)
            found: dict[str, Any] = {}
            for name, member, needed, nullable, reading in wanted:
                if member not in record:
                    if needed:
                        raise WrongDataError(f"{member!r} is missing")
                    continue
                value = record[member]
                if value is None and nullable:
                    found[name] = None
                    continue
                try:
                    found[name] = reading(value)
                except WrongDataError as error:
                    error.where.append(member)
                    raise
            return found

        self._known[key] = members
        return members


def _needed(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


@cache
def _typed_fields(kind: type) -> list[tuple[Field[object], object]]:
    hints = get_type_hints(kind)
    return [(x, hints[x.name]) for x in fields(kind) if x.init and not x.name.startswith("_")]
