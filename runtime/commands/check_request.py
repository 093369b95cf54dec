"""What can `cnnscope check` be asked for?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import Gate


@dataclass(frozen=True)
class Checking(Gate):
    """What `cnnscope check` was asked for."""

    limits: list[str]
    baseline: str | None
    update: bool
    allow_unknown: bool
    tolerance: str | None
    anywhere: bool = False
    require_baseline: bool = False
    since: str | None = None
    layers: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)
