"""Which layer gives what to which, and in which module of the model's source is each?"""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.module_paths import module_paths
from cnnscope.analyzer.values.tensor import plain_shape


def part(contents: Contents) -> object:
    """``edges``: from layer, to layer, the shape; -1 - i is input i, and outputs come after the layers.

    ``steps`` are the words of the modules' paths, once each; ``paths`` has places of them for each layer.
    """
    report = contents.report
    givers: dict[str, int] = {x.name: -1 - i for i, x in enumerate(report.inputs)}
    shapes: dict[str, object] = {x.name: plain_shape(x.shape) for x in report.inputs}
    edges: dict[tuple[int, int], object] = {}
    for index, layer in enumerate(report.layers):
        for name in layer.inputs:
            if name in givers:
                edges.setdefault((givers[name], index), shapes[name])
        for value in layer.outputs:
            givers[value.name], shapes[value.name] = index, plain_shape(value.shape)
    for index, output in enumerate(report.outputs):
        if output.name in givers:
            edges.setdefault((givers[output.name], len(report.layers) + index), shapes[output.name])
    words: dict[str, int] = {}
    paths = [
        [words.setdefault(step, len(words)) for step in path]
        for path in module_paths(report.layers)
    ]
    return {
        "inputs": [x.name for x in report.inputs],
        "outputs": [x.name for x in report.outputs],
        "edges": [[a, b, _text(shape)] for (a, b), shape in edges.items()],
        "steps": list(words),
        "paths": paths,
    }


def _text(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, list | tuple) else "?"
