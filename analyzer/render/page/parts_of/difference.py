"""What differs from another model: as `diff` says it, and which layers of this one it is about."""

from __future__ import annotations

from cnnscope.analyzer.render.page.blocks import blocks
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects.difference import document


def part(contents: Contents) -> object:
    """``layers``: place in the table of layers to what became of it; what is as it was isn't there."""
    found = contents.difference
    if found is None:
        return None
    places = {layer.name: i for i, layer in enumerate(contents.report.layers)}
    changed = {
        places[x.after.name]: x.status
        for x in found.layers
        if x.after is not None and x.status != "same" and not x.path and x.after.name in places
    }
    return {
        "before": found.before.model.path,
        "same": found.same,
        "counts": {status: count for status, count in found.counts.items() if count},
        "blocks": blocks(document(found)),
        "layers": changed,
    }
