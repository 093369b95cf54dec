"""Which layers is a limit on?"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from cnnscope.analyzer.budgets.limit import Scope
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report


def scoped_layers(
    report: Report, scope: Scope, paths: Sequence[tuple[str, ...]]
) -> list[Layer] | None:
    """The layers a limit is on; None where the pattern fits nothing that it should fit.

    A kind of layer that a model has none of comes to nothing. A module or a layer that isn't there
    was renamed or misspelt, and a limit on it would never be crossed again.
    """
    layers = list(report.layers)
    pattern = scope.pattern
    if scope.kind == "model":
        return layers
    if scope.kind == "kind":
        return [x for x in layers if fnmatchcase(x.kind.label, pattern)]
    if scope.kind == "layer":
        return [x for x in layers if x.name == pattern or fnmatchcase(x.name, pattern)] or None
    steps = tuple(step for step in pattern.split("/") if step)
    return [x for x, path in zip(layers, paths, strict=True) if _is_in(path, steps)] or None


def _is_in(path: Sequence[str], steps: Sequence[str]) -> bool:
    """The path begins with the steps, of which ``*`` stands for one and ``**`` for any number."""
    if not steps:
        return True
    if steps[0] == "**":
        return any(_is_in(path[i:], steps[1:]) for i in range(len(path) + 1))
    if not path:
        return False
    same = path[0] == steps[0] or fnmatchcase(path[0], steps[0])
    return same and _is_in(path[1:], steps[1:])
