"""What is a process of its own asked to measure of a network's shifts?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob


@dataclass(frozen=True, slots=True)
class ShiftJob:
    """What is shifted and how; plain data, so that a child process can be sent it.

    Args:
        base: the model, its sizes, provider, seed and what is given for inputs (images, which may be larger).
        free: what is opened, as `cnnscope.shift` takes it.
        layers: which are measured; none: all.
        circular: what leaves the input on one side comes in on the other.
        pairs: of random shifts, for the consistency of the classification.
    """

    base: ModelJob
    free: Sequence[str] = ()
    layers: Sequence[str] = ()
    circular: bool = False
    pairs: int = 64
