"""Which numbers does an operator take, where it doesn't take any?

An index has to lie within what it indexes, an axis within the rank, a length within what there is,
the parts of a split have to add up. `find_wanted` follows a model's inputs through the nodes that
hand values on (casts, reshapes, arithmetic with constants, into the bodies of loops) to such
operands (`PORTS`), and says which values the input may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.input_ports import PORTS, Exactly, Range, Use, WantedNumbers

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Graph, Node
    from cnnscope.analyzer.passes.facts import Shapes
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.values.tensor import Tensor


# -- what may be said of an operand ----------------------------------------------------------------


# -- following values to where they are used -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """Values of an input that a tensor holds: times `factor`, plus something within bounds.

    Args:
        factor, low, high: a value `v` became something from ``v*factor + low`` to ``... + high``.
        whole: it is the input's elements, all of them, in their order.
    """

    factor: int = 1
    low: int = 0
    high: int = 0
    whole: bool = True

    def before(self, wanted: WantedNumbers) -> WantedNumbers | None:
        """Which values of the input lead to wanted ones."""
        if isinstance(wanted, Exactly):
            if self == Held():
                return wanted
            return None if wanted.otherwise is None else self.before(wanted.otherwise)
        low = -((self.low - wanted.low) // self.factor)
        high = (wanted.high - self.high) // self.factor
        return replace(wanted, low=low, high=high) if low <= high else None


#: operators whose results are some of their operands' values; those that keep all in order first
_WHOLE: Final = frozenset({
    "Identity", "Cast", "CastLike", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
})  # fmt: skip
_SOME: Final = frozenset({
    "Transpose", "Concat", "Slice", "Split", "Expand", "Tile", "Where", "Max", "Min", "Clip",
    "Dropout", "ReduceMax", "ReduceMin", "Abs",
})  # fmt: skip
#: of these the first operand's values only
_FIRST: Final = frozenset({
    "Gather", "GatherElements", "GatherND", "GatherBlockQuantized", "Reshape", "Squeeze", "Slice",
    "Unsqueeze", "Split", "Expand", "Tile", "CastLike", "Pad", "Compress", "ReduceMax", "ReduceMin",
})  # fmt: skip

Holds = dict[str, dict[str, Held]]


def find_wanted(analysis: Analysis) -> dict[str, WantedNumbers]:
    """By the name of a model's input: which values it may have, where not just any."""
    holds: Holds = {
        name: {name: Held()}
        for name in analysis.graph.inputs
        if analysis.shapes.tensors[name].dtype not in (None, "bool", "string")
    }
    found: dict[str, WantedNumbers] = {}
    _follow(analysis.graph, analysis.shapes, holds, found)
    return found


def _follow(graph: Graph, shapes: Shapes, holds: Holds, found: dict[str, WantedNumbers]) -> None:
    for node in graph.nodes:
        for body, inner in _bodies(node, shapes):
            for outside, name in _entries(node, body):
                _hand_on(holds, [outside], name, whole=True)
            _follow(body, inner, holds, found)
            # An If gives what its branches do; a Loop and a Scan give their state first.
            given = body.outputs[1:] if node.op == "Loop" else body.outputs
            for name, behind in zip(node.outputs, given, strict=False):
                _hand_on(holds, [behind], name, whole=False)
        for i, port in PORTS.get(node.op, {}).items():
            sources = holds.get(node.inputs[i], {}) if i < len(node.inputs) else {}
            wanted = port(Use(node, shapes.tensors)) if sources else None
            for source, held in sources.items() if wanted is not None else ():
                before = held.before(wanted) if wanted is not None else None
                if before is not None:
                    found[source] = _both(found.get(source), before)
        if node.op in _WHOLE or node.op in _SOME or node.op in _FIRST:
            names = node.inputs[:1] if node.op in _FIRST else node.inputs
            for name in filter(None, node.outputs):
                _hand_on(holds, names, name, whole=node.op in _WHOLE)
        elif node.op in _SHIFTED:
            _shift(node, shapes, holds)


def _bodies(node: Node, shapes: Shapes) -> Iterator[tuple[Graph, Shapes]]:
    if node.index in shapes.functions:
        yield shapes.functions[node.index]
    for name, body in node.bodies.items():
        inner = shapes.bodies.get((node.index, name))
        if inner is not None:
            yield body, inner


def _entries(node: Node, body: Graph) -> Iterator[tuple[str, str]]:
    """Which of a node's operands its body's inputs are; those of a function keep their names."""
    if node.op in ("Loop", "Scan") and node.bodies:
        skipped = 2 if node.op == "Loop" else 0
        yield from zip(node.inputs[skipped:], list(body.inputs)[skipped:], strict=False)


def _hand_on(holds: Holds, names: Sequence[str], name: str, *, whole: bool) -> None:
    for given in names:
        for source, held in list(holds.get(given, {}).items()):
            kept = held if whole else replace(held, whole=False)
            holds.setdefault(name, {}).setdefault(source, kept)


_SHIFTED: Final = frozenset({"Add", "Sub", "Mul", "Div"})


def _shift(node: Node, shapes: Shapes, holds: Holds) -> None:
    """Arithmetic of held values with a constant."""
    if len(node.inputs) != 2:
        return
    for i, other in ((0, 1), (1, 0)):
        constant = _values(shapes.tensors.get(node.inputs[other]))
        if constant is None or (i and node.op in ("Sub", "Div")):
            continue
        low, high = int(constant.min()), int(constant.max())
        for source, held in holds.get(node.inputs[i], {}).items():
            moved = _moved(node.op, held, low, high)
            if moved is not None:
                holds.setdefault(node.outputs[0], {}).setdefault(source, moved)


def _moved(op: str, held: Held, low: int, high: int) -> Held | None:
    if op == "Add":
        return replace(held, low=held.low + low, high=held.high + high)
    if op == "Sub":
        return replace(held, low=held.low - high, high=held.high - low)
    if op == "Mul" and low == high > 0:
        return replace(
            held, factor=held.factor * low, low=held.low * low, high=held.high * low, whole=False
        )
    # Divided it is no larger: what fits before fits behind.
    return replace(held, whole=False) if op == "Div" and low > 0 else None


def _values(x: Tensor | None) -> np.ndarray | None:
    if x is None or x.value is None or x.value.dtype.kind not in "iuf" or not x.value.size:
        return None
    return x.value if bool(np.isfinite(x.value).all()) else None


def _both(a: WantedNumbers | None, b: WantedNumbers) -> WantedNumbers:
    """What fits two uses; where nothing does, the first of them."""
    if a is None or isinstance(b, Exactly):
        return b if a is None or not isinstance(a, Exactly) else a
    if isinstance(a, Exactly):
        return a
    low, high = max(a.low, b.low), min(a.high, b.high)
    return Range(low, high, a.distinct or b.distinct) if low <= high else a
