"""What does Netron show beside a model? A JSON file that is dropped onto its page, its *attachment*.

The file (``signature`` ``netron:attachment``) has entries for ``metadata`` and for ``metrics``, each of a
``kind`` (model, graph, node, value) with a ``target``, the thing's name: a node without a name of its own in
the whole file is found by the tensor that it gives. Of a name with several lines Netron compares the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, cast

import onnx

from cnnscope.analyzer.model.node_places import written_nodes
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.viewers.exported import Exported, Wish
from cnnscope.analyzer.report.file_nodes import Fact, FileNode, analysis_of, file_nodes
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.total_facts import total_facts
from cnnscope.analyzer.values.notation import many

#: what says what a layer is, not how much
_METADATA: Final = frozenset(("kind", "output", "sees"))
#: beyond it JavaScript's numbers aren't exact
_EXACT: Final = 1 << 53


def attachment(report: Report, wish: Wish) -> Exported:
    """The report as Netron's attachment.

    Raises:
        ValueError: the report was read back from data, and knows no file.
    """
    model = analysis_of(report).file.model
    names = _Names(model)
    metadata: list[object] = []
    metrics: list[object] = []
    for kind, target in names.wholes():
        _add(metrics, kind, target, total_facts(report))
    lost = 0
    for node in file_nodes(report):
        found = names.of(node)
        if found is None:
            lost += 1
            continue
        facts = node.facts
        _add(metadata, *found, {k: x for k, x in facts.items() if k in _METADATA})
        _add(metrics, *found, {k: x for k, x in facts.items() if k not in _METADATA})
    text = dumped({"signature": "netron:attachment", "metadata": metadata, "metrics": metrics})
    if not lost:
        return Exported(text)
    said = f"{many(lost, 'node')} can't be told from others by any name, and {'has' if lost == 1 else 'have'}"
    return Exported(text, (f"{said} no figures in Netron",))


def _add(entries: list[object], kind: str, target: str, facts: dict[str, Fact]) -> None:
    for name, value in facts.items():
        if isinstance(value, int) and abs(value) >= _EXACT:
            value = str(value)
        entries.append({"kind": kind, "target": target, "name": name, "value": value})


def _first(name: str) -> str:
    return name.split("\n", 1)[0]


class _Names:
    """By which names Netron tells the things of a model apart."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = _first(model.graph.name)
        self.nodes: Counter[str] = Counter()
        self.values = Counter(_first(value.name) for value in model.graph.input)
        self.graphs: Counter[str] = Counter()
        within: set[object] = set()
        for found in written_nodes(model):
            self.nodes[_first(found.proto.name)] += 1
            self.values.update(_first(x) for x in cast("Iterable[str]", found.proto.output))
            within.add(found.place.within)
            for attribute in found.proto.attribute:
                self.graphs.update(_first(body.name) for body in (attribute.g, *attribute.graphs))

    def wholes(self) -> list[tuple[str, str]]:
        """The model; and its graph, unless another is called so."""
        graph = [] if self.graphs[self.graph] else [("graph", self.graph)]
        return [("model", ""), *graph]

    def of(self, node: FileNode) -> tuple[str, str] | None:
        """A node, or else a tensor that it gives; None: neither has a name of its own."""
        proto = node.written.proto
        name = _first(proto.name)
        if name and self.nodes[name] == 1:
            return "node", name
        for output in map(_first, proto.output):
            if output and self.values[output] == 1:
                return "value", output
        return None
