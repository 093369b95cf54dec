"""How much of a proof runs: a seeded part in CI, all of it where `CNNSCOPE_FULL` is set (.ci/full)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")


def amount(part: int, full: int) -> int:
    """How many of a proof's cases to run: `part` in CI, `full` by hand once per change of substance.

    >>> amount(3, 3)
    3
    """
    return full if os.environ.get("CNNSCOPE_FULL") else part


def some(cases: Iterable[Case], part: int) -> list[Case]:
    """The proof's cases in their order: all of them, or a part that is drawn once and for all.

    >>> some("abc", 3)
    ['a', 'b', 'c']
    """
    every = list(cases)
    if len(every) <= amount(part, len(every)):
        return every
    return [every[i] for i in sorted(random.Random(1).sample(range(len(every)), part))]
