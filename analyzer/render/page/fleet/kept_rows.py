"""Which models are on a fleet's page one by one, where they are too many? The extreme ones, and a fair sample."""

from __future__ import annotations

import hashlib
import heapq
from typing import Final

from cnnscope.analyzer.render.page.fleet.figures import FIGURES
from cnnscope.analyzer.render.page.fleet.fleet_contents import Row

#: largest and smallest models of each figure
EXTREMES: Final = 200
#: models of the sample
SAMPLE: Final = 10_000

_Kept = tuple[Row, dict[str, object]]


class KeptRows:
    """Rows kept from a stream, in memory that doesn't grow with it."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[tuple[int, int, _Kept]]] = {}
        self._always: dict[int, _Kept] = {}

    def add(self, number: int, row: Row, found: dict[str, object], always: bool) -> None:
        """Look at one more row.

        Args:
            number: its place in the scan.
            row, found: what is kept.
            always: it is an example of something.
        """
        kept = (row, found)
        if always:
            self._always[number] = kept
        for figure in FIGURES:
            value = figure.value(row)
            if value is not None:
                self._keep(f"{figure.name} most", EXTREMES, value, number, kept)
                self._keep(f"{figure.name} least", EXTREMES, -value, number, kept)
        # By what its path is, not by where it stands: another scan of the same models keeps the same.
        path = str(row.get("path")).encode("utf-8", "surrogatepass")
        lot = int.from_bytes(hashlib.sha256(path).digest()[:8], "big")
        self._keep("sample", SAMPLE, lot, number, kept)

    def _keep(self, name: str, most: int, key: int, number: int, kept: _Kept) -> None:
        heap = self._heaps.setdefault(name, [])
        entry = (key, -number, kept)  # numbers differ, so that rows are never compared
        if len(heap) < most:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)

    def rows(self) -> list[tuple[int, Row, dict[str, object]]]:
        """What was kept, in the scan's order."""
        found = dict(self._always)
        for heap in self._heaps.values():
            found |= {-number: kept for _, number, kept in heap}
        return [(number, *found[number]) for number in sorted(found)]
