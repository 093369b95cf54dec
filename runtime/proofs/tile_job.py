"""What is a process of its own asked to prove of tiles?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob


@dataclass(frozen=True, slots=True)
class TileJob:
    """Which tiles are held against the whole; plain data, so that a child process can be sent it.

    Args:
        base: the model, its provider and seed.
        tile: the tiles' size.
        free: what is opened, as `cnnscope.tile` takes it.
        dims, shapes: as `cnnscope.tile` takes them.
    """

    base: ModelJob
    tile: int
    free: Sequence[str] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    shapes: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
