"""Which layers may somebody mean who gives a word: a name, a path, an index, a pattern, a part of a path?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.report.choosing import paths_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.path_patterns import Steps, fits, steps_of

_LONGEST = 2000


def meant_layers(layers: Layers, text: str) -> tuple[Layer, ...]:
    """The layers that a word may stand for: one that is named so; else those that it fits as a pattern,
    from the first step on or further down; else those in whose name or path it is found.

    Raises:
        KeyError: there is none; with the closest name there is.

    >>> import cnnscope
    >>> layers = cnnscope.analyze("sample_models/lenet5.onnx").layers
    >>> [x.path for x in meant_layers(layers, "conv2")], len(meant_layers(layers, "conv"))
    (['/conv2/Conv'], 2)
    """
    try:
        return (layers.find(text),)
    except KeyError:
        every = every_layer(layers)
        paths = paths_of(every)
        for fitting in _ways(text[:_LONGEST]):
            found = [x for x, own in zip(every, paths, strict=True) if fitting(x, own)]
            if found:
                return tuple(found)
        raise


def every_layer(layers: Sequence[Layer]) -> list[Layer]:
    """The layers, those of subgraphs behind the layer that has them."""
    found: list[Layer] = []
    waiting = list(reversed(layers))
    while waiting:
        layer = waiting.pop()
        found.append(layer)
        for body in layer.bodies.values():
            waiting += reversed(body)
    return found


def _ways(text: str) -> list[Callable[[Layer, Sequence[Steps]], bool]]:
    """How a word may fit a layer, the strictest first."""

    def fitting(steps: Steps) -> Callable[[Layer, Sequence[Steps]], bool]:
        return lambda layer, own: any(fits(path, steps) for path in own)

    def within(layer: Layer, own: Sequence[Steps]) -> bool:
        return lower in layer.path.lower() or lower in layer.name.lower()

    lower = text.lower()
    ways: list[Callable[[Layer, Sequence[Steps]], bool]] = []
    # Python code has dots where a path has slashes.
    shown = text.replace("…/", "**/").replace("…", "*")  # as a table has it
    for steps in dict.fromkeys((steps_of(shown), steps_of(shown.replace(".", "/")))):
        if steps:
            ways += (fitting(steps), fitting(("**", *steps)))
    if not lower.strip("/ ") or lower.lstrip("-").isdecimal():  # an index that no layer has
        return []
    return [*ways, within]
