"""A model's file as some store hands it out: how often is it asked for ranges, and for how much?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class Plain:
    """A file that has only `read` and `seek`: each range is waited for alone."""

    def __init__(self, path: str) -> None:
        self.file = Path(path).open("rb")  # noqa: SIM115  # for as long as the process
        self.size = Path(path).stat().st_size
        self.at = self.requests = self.bytes = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def seekable(self) -> bool:
        return True

    def read(self, length: int = -1) -> bytes:
        found = self._handed([(self.at, self.size if length < 0 else length)])[0]
        self.at += len(found)
        return found

    def _handed(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.requests += 1
        found = []
        for offset, length in ranges:
            self.file.seek(offset)
            found.append(self.file.read(length))
        self.bytes += sum(map(len, found))
        return found


class Counting(Plain):
    """The same as a file that is asked for several ranges at once."""

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return self._handed(ranges)
