"""What is a process of its own asked to measure of a unit's gradient?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob

if TYPE_CHECKING:
    import numpy as np

#: so many draws, unless more examples are given
DRAWS = 32


@dataclass(frozen=True, slots=True)
class GradientJob:
    """Whose gradient is measured and how; plain data, so that a child process can be sent it.

    Args:
        base: the model, its sizes, provider, seed, and examples for its inputs, one or several along their
            first axis.
        tensor: of the main graph.
        unit: an index per axis of it; None: all of the axis together.
        source: the network input.
        axes: its axes that the map keeps; over the others squares are summed.
        draws: how many gradients; None: `DRAWS`, or one for each example if these are more.
    """

    base: ModelJob
    tensor: str
    unit: tuple[int | None, ...]
    source: str
    axes: tuple[int, ...]
    draws: int | None = None


@dataclass(frozen=True, eq=False)
class GradientMap:
    """What was measured.

    Args:
        squares: the mean squared gradient, an axis per one of the job's.
        draws: how many gradients it is the mean of.
    """

    squares: np.ndarray
    draws: int
