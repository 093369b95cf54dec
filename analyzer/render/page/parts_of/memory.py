"""Which activations are alive as the model runs, and which of them make its peak?"""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents


def part(contents: Contents) -> object:
    """``alive``: bytes for each layer; ``tensors``: name, bytes, shape, first and last layer."""
    found = contents.report.activations()
    alive = found.alive_bytes()
    if all(x is None for x in alive):
        return None
    return {
        "alive": alive,
        "inside": sorted(found.inside.items()),
        "tensors": [
            [
                x.tensor,
                x.nbytes,
                None if x.shape is None else "x".join(map(str, x.shape)),
                x.first,
                x.last,
            ]
            for x in found
        ],
    }
