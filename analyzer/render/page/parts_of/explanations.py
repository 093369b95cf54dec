"""How each layer's numbers come about, as `explain` says it; what several layers say alike stands once."""

from __future__ import annotations

import json

from cnnscope.analyzer.render.document import Document, Note, Notes, Section
from cnnscope.analyzer.render.page.blocks import blocks
from cnnscope.analyzer.render.page.contents import MOST_LAYERS, Contents
from cnnscope.analyzer.render.subjects.explanation import document


def part(contents: Contents) -> object:
    """``layers`` has for each layer the places of its blocks in ``blocks``.

    What units really hang on is the part `effective`, found for all layers together.
    """
    places: dict[str, int] = {}
    layers = []
    said = f"A page explains {MOST_LAYERS} layers; cnnscope explain MODEL LAYER explains this one."
    beyond = blocks(Document("", (Section((Notes((Note(said),), False),)),)))
    for index, layer in enumerate(contents.report.layers):
        found = beyond
        if index < MOST_LAYERS:
            found = blocks(document(layer.explain(), effective=False))
            del found[0]  # its heading is the page's
        layers.append([places.setdefault(json.dumps(block), len(places)) for block in found])
    return {"blocks": [json.loads(text) for text in places], "layers": layers}
