"""Has this been there before? Asked of millions of texts, in 16 bytes each."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Final

import numpy as np

#: digests that are kept as they come, before they are sorted in with the others
_AT_ONCE: Final = 1 << 15
_BYTES: Final = 16


class Distinct:
    """Texts that were seen, by digests that no two texts share.

    >>> seen = Distinct()
    >>> [seen.adds(x) for x in ["a", "b", "a"]]
    [True, True, False]
    """

    def __init__(self) -> None:
        self._sorted = np.empty(0, f"S{_BYTES}")
        self._late: set[bytes] = set()

    def adds(self, text: str) -> bool:
        """Whether it is new; from now on it isn't."""
        digest = blake2b(os.fsencode(text), digest_size=_BYTES).digest()
        at = self._sorted.searchsorted(digest)
        # numpy takes NULs at the end for no part of a text
        known = at < len(self._sorted) and self._sorted[at] == digest.rstrip(b"\0")
        if known or digest in self._late:
            return False
        self._late.add(digest)
        if len(self._late) == _AT_ONCE:
            late = np.array(list(self._late), self._sorted.dtype)
            self._sorted = np.sort(np.concatenate([self._sorted, late]))
            self._late.clear()
        return True
