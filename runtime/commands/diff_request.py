"""What can `cnnscope diff` be asked for?"""

from __future__ import annotations

from pathlib import Path

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import GivenShapes, GivenValues


@dataclass(frozen=True)
class Differing:
    """What `cnnscope diff` was asked for."""

    before: str
    after: str
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    weights: bool
    everything: bool
    fail_on: tuple[str, ...]
    format: str
    output: Path | None
