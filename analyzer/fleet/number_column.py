"""How are a million numbers kept until all of them are there, without so much memory?"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    import numpy

#: stands for a number that isn't known; no figure is that small
UNKNOWN: Final = -(2**63)
_BLOCK: Final = 8192
#: bytes above which the numbers go to a file that has no name
_IN_MEMORY: Final = 1 << 20


class NumberColumn:
    """Whole numbers of 64 bits in the order in which they came; beyond some they lie on disk."""

    def __init__(self) -> None:
        self._block, self._kept = array("q"), 0
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed with this object
        weakref.finalize(self, self._file.close)

    def append(self, value: int | None) -> None:
        """One more; None, or what no 64 bits hold: not known."""
        self.extend((value,))

    def extend(self, values: Iterable[int | None]) -> None:
        """More of them; None, or what no 64 bits hold: not known."""
        given = list(values)
        try:
            self._block.extend([UNKNOWN if value is None else value for value in given])
        except OverflowError:  # those before it have been taken
            del self._block[self._kept :]
            self._block.extend([value if _fits(value) else UNKNOWN for value in given])
        self._kept = len(self._block)
        if self._kept > _BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._block.tobytes())
        del self._block[:]
        self._kept = 0

    def values(self) -> numpy.ndarray:
        """All of them; `UNKNOWN` where one isn't known."""
        import numpy as np

        self._flush()
        self._file.seek(0)
        found = np.frombuffer(self._file.read(), np.int64)
        self._file.seek(0, 2)
        return found


def _fits(value: int | None) -> TypeGuard[int]:
    return value is not None and UNKNOWN < value < 2**63
