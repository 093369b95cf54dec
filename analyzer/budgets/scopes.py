"""Which layers is a limit on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from cnnscope.analyzer.budgets.limit import Scope
from cnnscope.analyzer.report.choosing import paths_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_conditions import fits_kind, kind_words
from cnnscope.analyzer.report.path_patterns import fits, steps_of
from cnnscope.analyzer.report.report import Report


def scoped_layers(
    report: Report, scope: Scope, paths: Sequence[tuple[str, ...]]
) -> list[Layer] | None:
    """The layers a limit is on; None where the pattern fits nothing that it should fit.

    A kind of layer that a model has none of comes to nothing. A module or a layer that isn't there
    was renamed or misspelt, and a limit on it would never be crossed again.
    """
    layers = list(report.layers)
    if scope.among is not None:
        kept = {id(layer) for layer in scope.among.of_layers(layers)}
        whole = replace(scope, among=None)
        found = scoped_layers(report, whole, paths)
        return None if found is None else [layer for layer in found if id(layer) in kept]
    pattern = scope.pattern
    if scope.kind == "model":
        return layers
    if scope.kind == "kind":
        return [x for x in layers if any(fits_kind(w, pattern) for w in kind_words(x))]
    if scope.kind == "layer":
        steps = steps_of(pattern)
        return [
            x for x, own in zip(layers, paths_of(layers), strict=True)
            # A star in a layer's name stood for anything before patterns had steps.
            if x.name == pattern or fnmatchcase(x.name, pattern) or any(fits(p, steps) for p in own)
        ] or None  # fmt: skip
    steps = steps_of(pattern)
    return [x for x, path in zip(layers, paths, strict=True) if fits(path, steps)] or None
