"""What is asked of every model of a scan: at which sizes, with which limits, which tables?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.limit import Limit


@dataclass(frozen=True, slots=True)
class RowRequest:
    """What is asked of every model; it can be pickled.

    Args:
        limits: what each model is held to; absolute ones, as nothing earlier is at hand.
        layers: also a row a layer.
        lint: also ask lint's rules.
        batch: the length of free batches; None: 1. A batch that a file fixes stays.
        dims: lengths of other free dimensions, for the models that have them.
    """

    limits: tuple[Limit, ...] = ()
    layers: bool = False
    lint: bool = False
    batch: int | None = None
    dims: Mapping[str, int] = field(default_factory=dict)
