"""Which operators does cnnscope cover, and how?

``rules``: it has rules of its own. ``function``: the schema says it by simpler operators, and its
body is analysed. ``schema``: ONNX's own inference gives shapes; the work isn't counted. ``none``:
neither; outputs are what the file declares.
"""

from __future__ import annotations

from typing import Literal

import onnx.defs

from cnnscope.analyzer.operators.definition import defined
from cnnscope.analyzer.operators.plugins import load_plugins
from cnnscope.analyzer.values.plain_class import dataclass

CoveredBy = Literal["rules", "function", "schema", "none"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one operator is covered.

    Args:
        domain: ``"ai.onnx"`` or another.
        op: the operator's name.
        how: ``"rules"``, ``"function"``, ``"schema"`` or ``"none"``.
        versions: the opset versions at which ONNX defined it anew; none for foreign operators.
        rules_since: the opset versions from which the rules differ.
        source: who says so: ``"cnnscope"``, a plugin's name, ``"registered"`` by this program, or
            ``"onnx"`` where nobody else does.
    """

    domain: str
    op: str
    how: CoveredBy
    versions: tuple[int, ...]
    rules_since: tuple[int, ...]
    source: str


def find_coverage() -> list[Coverage]:
    """Every operator that ONNX, cnnscope or a plugin knows, by domain and name."""
    load_plugins()
    versions: dict[tuple[str, str], list[int]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        versions.setdefault((schema.domain, schema.name), []).append(schema.since_version)
    rules: dict[tuple[str, str], list[int]] = {}
    sources: dict[tuple[str, str], str] = {}
    for operator in defined():
        sources[operator.domain, operator.name] = operator.source
        rules.setdefault((operator.domain, operator.name), []).append(operator.since)
    return [
        Coverage(
            domain or "ai.onnx",
            op,
            _how(domain, op, (domain, op) in rules),
            tuple(sorted(versions.get((domain, op), ()))),
            tuple(sorted(rules.get((domain, op), ()))),
            sources.get((domain, op), "onnx"),
        )
        for domain, op in sorted({*versions, *rules})
    ]


def _how(domain: str, op: str, has_rules: bool) -> CoveredBy:
    if has_rules:
        return "rules"
    schema = onnx.defs.get_schema(op, domain=domain)
    # onnx's stubs leave these two out.
    if schema.has_function or schema.has_context_dependent_function:  # type: ignore[attr-defined]
        return "function"
    return "schema" if schema.has_type_and_shape_inference_function else "none"
