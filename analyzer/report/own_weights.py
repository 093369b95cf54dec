"""How much of what is stored in a model is counted at one layer, by its role?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnscope.analyzer.passes.weights import Path, Weight


class Own(NamedTuple):
    """Stored elements by role, and bytes, of what is counted at a layer; and the learned elements that it
    shares with an earlier one, where they are counted."""

    params: int = 0
    buffers: int = 0
    constants: int = 0
    shared: int = 0
    nbytes: int = 0


_NOTHING = Own()


def stored_at(used: Sequence[Weight], path: Path) -> Own:
    """What the weights that a layer uses come to."""
    if not used:
        return _NOTHING
    found = {"parameter": 0, "buffer": 0, "constant": 0}
    shared = nbytes = 0
    for weight in used:
        if weight.layer == path:
            found[weight.role] += weight.elements
            nbytes += weight.nbytes
        elif weight.role == "parameter":
            shared += weight.elements
    return Own(found["parameter"], found["buffer"], found["constant"], shared, nbytes)
