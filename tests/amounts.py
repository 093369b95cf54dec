"""How much of a proof runs: a seeded part in CI, all of it where `CNNSCOPE_FULL` is set (.ci/full)."""

from __future__ import annotations

import os


def amount(part: int, full: int) -> int:
    """How many of a proof's cases to run: `part` in CI, `full` by hand once per change of substance.

    >>> amount(3, 3)
    3
    """
    return full if os.environ.get("CNNSCOPE_FULL") else part
