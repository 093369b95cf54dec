"""How much does an output of this node hang on what it reads? The rule's answer, made whole."""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.tapping import OutputTaps
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead


def find_taps(node: Node, shapes: Shapes, per_input: Sequence[KnownRead]) -> OutputTaps:
    """Of a node's first output, per input; empty: everything counts alike.

    Args:
        per_input: what that output reads.
    """
    operator = lookup(node.domain, node.op, node.version)
    if operator is None or operator.taps is None:
        return ()
    keywords: dict[str, object] = dict(node.attributes)
    keywords |= {"opset": node.version, "per_input": per_input}
    try:
        found = operator.call(operator.taps, (shapes.outputs(node), *shapes.inputs(node)), keywords)
    except (ValueError, TypeError, ArithmeticError):  # what isn't known yet, too
        return ()
    assert isinstance(found, Sequence)
    return found
