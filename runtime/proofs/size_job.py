"""What is a process of its own asked to prove of sizes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob


@dataclass(frozen=True, slots=True)
class SizeJob:
    """Which sizes are held against runs; plain data, so that a child process can be sent it.

    Args:
        base: the model, its provider and seed.
        free: what is opened, as `cnnscope.sizes` takes it.
        dims: lengths of free dimensions, and ranges of those to be tried.
        count: how many sizes are run.
    """

    base: ModelJob
    free: Sequence[str] = ()
    dims: Mapping[str, int | range] = field(default_factory=dict)
    count: int = 32
