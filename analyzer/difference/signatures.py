"""What do ONNX's declarations say of an operator's attributes and operands: names, defaults, order?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import pairwise

import onnx

from cnnscope.analyzer.operators.schema_rows import ASKED_FOR
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """An operator's schema at a version, and what its other versions say.

    Args:
        inputs, titles: names of operands in lower case, and as they are; of a variadic one, once.
        variadic: the last one may come several times.
        attributes: all that there are at this version.
        defaults: of those that have one.
        elsewhere: the defaults of attributes that only other versions have.
        renamed: the newest names of what was renamed.
        always: attributes that are no version's operands.
    """

    inputs: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    variadic: bool = False
    attributes: frozenset[str] = frozenset()
    defaults: Mapping[str, object] = field(default_factory=dict)
    elsewhere: Mapping[str, object] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    always: frozenset[str] = frozenset()

    def operand(self, k: int) -> str:
        """The name of the operand at a place."""
        if self.variadic and k >= len(self.inputs) - 1:
            return f"{self.inputs[-1]} {k - len(self.inputs) + 1}"
        if k >= len(self.inputs):
            return f"operand {k}"
        return self.renamed.get(self.inputs[k], self.inputs[k])

    def title(self, k: int) -> str:
        """Likewise as the schema writes it."""
        return self.titles[k] if k < len(self.titles) - self.variadic else self.operand(k)

    def usual(self, name: str) -> object:
        """The default of the attribute of that name in lower case; None where there is none."""
        return next((x for key, x in self.defaults.items() if key.lower() == name), None)


@lru_cache(maxsize=ASKED_FOR)
def signature(domain: str, op: str, version: int) -> Signature:
    """What ONNX says of an operator; nothing of somebody's own."""
    history = _history(domain, op)
    own = next((s for s in reversed(history) if s.since_version <= version), None)
    if own is None:
        return Signature()
    inputs = tuple([x.name.lower() for x in own.inputs])
    several = onnx.defs.OpSchema.FormalParameterOption.Variadic
    variadic = bool(own.inputs) and own.inputs[-1].option == several
    # The nearest version that has one: newer ones first, then older ones from the newest on.
    newer = [s for s in history if s.since_version > own.since_version]
    older = [s for s in reversed(history) if s.since_version < own.since_version]
    elsewhere: dict[str, object] = {}
    renamed = _renamed(history)
    for schema in (*newer, *older):
        for name, value in _defaults(schema).items():
            if name not in own.attributes:
                elsewhere.setdefault(renamed.get(name.lower(), name.lower()), value)
    operands = {x.name.lower() for schema in history for x in schema.inputs}
    always = frozenset(name.lower() for name in own.attributes) - operands
    return Signature(
        inputs, tuple([x.name for x in own.inputs]), variadic, frozenset(own.attributes),
        _defaults(own), elsewhere, renamed, always,
    )  # fmt: skip


@lru_cache(maxsize=ASKED_FOR)
def _history(domain: str, op: str) -> tuple[onnx.defs.OpSchema, ...]:
    """The operator's schemas, oldest first."""
    found: list[onnx.defs.OpSchema] = []
    version = 1 << 30
    while version > 0:
        try:
            schema = onnx.defs.get_schema(op, version, domain)
        except (onnx.defs.SchemaError, RuntimeError, TypeError):
            break
        found.append(schema)
        version = schema.since_version - 1
    return tuple(reversed(found))


def _defaults(schema: onnx.defs.OpSchema) -> dict[str, object]:
    found: dict[str, object] = {}
    for attribute in schema.attributes.values():
        proto = attribute.default_value
        if proto.type != onnx.AttributeProto.UNDEFINED:
            value = onnx.helper.get_attribute_value(proto)
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            found[attribute.name] = tuple(value) if isinstance(value, list) else value
    return found


def _renamed(history: Sequence[onnx.defs.OpSchema]) -> dict[str, str]:
    """What a version calls otherwise: ``value`` became ``constant_value``, ``mean`` ``input_mean``."""
    found: dict[str, str] = {}
    for before, after in pairwise(history):
        names = [
            {*(x.name.lower() for x in s.inputs), *(name.lower() for name in s.attributes)}
            for s in (before, after)
        ]
        for old in names[0] - names[1]:
            new = [name for name in names[1] - names[0] if name.endswith(f"_{old}")]
            if len(new) == 1:
                found[old] = new[0]
    return found
