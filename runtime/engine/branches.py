"""Which inputs decide which branch of an If runs?

A made-up number may pick the branch that the shapes given aren't for (another sampling rate, say):
then it is the input that has to be given, not the model that is wrong.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model.graph import used_names
from cnnscope.analyzer.values.diagnostics import RunError

if TYPE_CHECKING:
    from cnnscope.analyzer.model.graph import Graph, Node
    from cnnscope.analyzer.report.examination import Analysis

#: they look at no element of what they are given
_SHAPE_ONLY: Final = frozenset({"Shape", "Size"})
_SHOWN: Final = 3
#: what an error says that came while the model ran
_RUNNING: Final = ("failed running it", "does not take its inputs")


def _behind(graph: Graph, name: str, inputs: set[str]) -> Iterator[str]:
    """The inputs whose values a tensor hangs on."""
    seen, waiting = set(), [name]
    while waiting:
        found = waiting.pop()
        if found in seen:
            continue
        seen.add(found)
        if found in inputs:
            yield found
        node = graph.producers.get(found)
        if node is not None and node.op not in _SHAPE_ONLY:
            waiting.extend(used_names(node))


def with_decision(error: RunError, analysis: Analysis, given: Container[str]) -> RunError:
    """A failed run's error, with the made-up inputs that picked a branch that may have broken it.

    An error that names a node is about a branch only if that node is the If, stands in it or hangs on
    what it gives.

    Args:
        error: of the run.
        analysis: of the model.
        given: the inputs that weren't made up.
    """
    if not any(said in str(error) for said in _RUNNING):
        return error
    graph = analysis.graph
    deciding: dict[str, str] = {}
    for node in graph.nodes:
        if node.op != "If" or not node.inputs:
            continue
        if not _concerns(str(error), graph, node):
            continue
        if analysis.shapes.tensors[node.inputs[0]].value is None:
            for name in _behind(graph, node.inputs[0], set(graph.inputs)):
                if name not in given:
                    deciding.setdefault(name, node.name)
    if not deciding:
        return error
    names = list(deciding)[:_SHOWN]
    return RunError(
        f"{error}. Which branch of {deciding[names[0]]!r} runs is decided by the values of "
        f"{', '.join(map(repr, names))}, made up here: if the shapes are for another branch, give it with "
        f"{' '.join(f'--input {name}=FILE.npy' for name in names)}"
    )


def _concerns(error: str, graph: Graph, branching: Node) -> bool:
    """May an error come of the branch that an If took?"""
    if not error.startswith("node "):
        return True
    hanging = set(branching.outputs)
    names = {branching.name, *_inside(branching)}
    for node in graph.nodes:
        if not hanging.isdisjoint(used_names(node)):
            hanging.update(node.outputs)
            names.update((node.name, *_inside(node)))
    return any(error.startswith(f"node {name!r}: ") for name in names)


def _inside(node: Node) -> Iterator[str]:
    """The names of the nodes in a node's subgraphs."""
    for body in node.bodies.values():
        for inner in body.nodes:
            yield inner.name
            yield from _inside(inner)
