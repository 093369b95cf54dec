"""What is a process of its own asked to prove of a model whose first stage is run patch by patch?"""

from __future__ import annotations

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob


@dataclass(frozen=True, slots=True)
class PatchJob:
    """Two models that are held against each other; plain data, so that a child process can be sent it.

    Args:
        base: the model as it was, its inputs' shapes, provider and seed.
        rewritten: the path of the other.
    """

    base: ModelJob
    rewritten: str
