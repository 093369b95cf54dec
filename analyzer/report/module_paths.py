"""In which module of the model's source is each layer?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.layer import Layer

ModulePath = tuple[str, ...]


def module_paths(layers: Iterable[Layer]) -> list[ModulePath]:
    """For each layer the steps of its module's path; none: the model itself."""
    layers = tuple(layers)
    if any(layer.scope for layer in layers):
        return [_steps(layer.scope) for layer in layers]
    # Older exporters number the nodes and keep the path in the names of the weights.
    found: list[ModulePath] = []
    home: dict[str, ModulePath] = {}
    for layer in layers:
        path = _of_weights(layer.operands)
        if path is None:
            path = next((home[name] for name in layer.inputs if name in home), ())
        found.append(path)
        home.update((value.name, path) for value in layer.outputs)
    return found


def _steps(path: str) -> ModulePath:
    return tuple(step for step in path.split("/") if step)


def _of_weights(operands: Iterable[Value | None]) -> ModulePath | None:
    """The path that the names of stored operands begin with: ``layer1.0.conv1.weight``."""
    for value in operands:
        if value is not None and value.tensor.constant and value.tensor.is_float:
            steps = [step for step in re.split(r"[./]", value.name) if step]
            if len(steps) > 1:
                return tuple(steps[:-1])
    return None
