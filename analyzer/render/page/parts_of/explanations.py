"""How each layer's numbers come about, as `explain` says it; what several layers say alike stands once."""

from __future__ import annotations

import json

from cnnscope.analyzer.render.page.blocks import blocks
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects.explanation import document


def part(contents: Contents) -> object:
    """``layers`` has for each layer the places of its blocks in ``blocks``.

    What units really hang on is the part `effective`, found for all layers together.
    """
    places: dict[str, int] = {}
    layers = []
    for layer in contents.report.layers:
        found = blocks(document(layer.explain(), effective=False))[1:]  # its heading is the page's
        layers.append([places.setdefault(json.dumps(block), len(places)) for block in found])
    return {"blocks": [json.loads(text) for text in places], "layers": layers}
