"""Where is it written what an operator does, and whose rule says so?"""

from __future__ import annotations

import inspect

from cnnscope.analyzer.explanation.axes import LengthOrigin
from cnnscope.analyzer.explanation.axis_derivation import ARAUJO, ExplainedNode
from cnnscope.analyzer.operators.formulas import (
    rule_of,
)

FLOPS_RULE = "2 x MACs + every other arithmetic operation once"


def sources(subject: ExplainedNode, sees: bool) -> tuple[LengthOrigin, ...]:
    node, shapes = subject.node, subject.shapes
    found = []
    url = operator_page(node.domain, node.op)
    if url is not None:
        found.append(
            LengthOrigin(
                "operator", None, f"{node.title}, version {node.version} of its opset", url
            )
        )
    operator = rule_of(node)
    how = shapes.how.get(node.index, "unknown")
    if how == "rules" and operator is not None:
        found.append(_rule("shape", operator.infer))
    else:
        said = {
            "function": "its function's body, layer by layer",
            "schema": "the shape inference of its ONNX schema",
            "declared": "what the file declares",
        }.get(how, "not known")
        found.append(LengthOrigin("shape", None, said))
    if node.index in shapes.functions:
        found.append(LengthOrigin("work", None, "the sum over its function's body"))
    elif operator is not None and operator.work is not None:
        found.append(_rule("work", operator.work))
        if node.bodies:
            found.append(LengthOrigin("work", None, "what runs in its subgraphs, layer by layer"))
    elif operator is not None:
        found.append(LengthOrigin("work", None, "it moves or reinterprets elements: no arithmetic"))
    found.append(LengthOrigin("FLOPs", None, FLOPS_RULE))
    if sees:
        said = "Araujo, Norris & Sim, Computing Receptive Fields of CNNs, Distill 2019"
        if operator is not None and operator.reads is not None:
            found.append(_rule("reads", operator.reads))
        found.append(LengthOrigin("field", None, said, ARAUJO))
    return tuple(found)


def _rule(what: str, rule: object) -> LengthOrigin:
    """A rule by its name and module, and what that module answers."""
    name = getattr(rule, "__qualname__", type(rule).__qualname__).split(".<locals>", 1)[0]
    module = getattr(rule, "__module__", "") or ""
    try:
        home = inspect.getmodule(rule)
    except TypeError:
        home = None
    said = next(iter((inspect.getdoc(home) or "").splitlines()), "") if home is not None else ""
    return LengthOrigin(what, f"{name} in {module}", said)


def operator_page(domain: str, op: str) -> str | None:
    """The page that describes an operator; None for domains without a known one.

    >>> operator_page("ai.onnx.ml", "Scaler")
    'https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html'
    """
    if domain in ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training"):
        short = "" if domain == "ai.onnx" else domain.replace(".", "")
        return f"https://onnx.ai/onnx/operators/onnx_{short}_{op}.html"
    if domain == "com.microsoft":
        page = "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"
        return f"{page}#{domain}.{op}"
    return None
