"""Where do the next stored tensors of a model probably begin, before anybody has looked?

A tensor's place is known once the one before it is: its header says how long its payload is. But nets
repeat themselves, in steps and with widths doubled, and so do the shapes of what they store. From the
tensors seen so far, the nodes that read them (they mostly come first in a file) and the shapes that are
declared at the graph's end, the likeliest continuations are followed, and the places that they lead to
are asked for all at once. Nothing is taken for true: a guess only says what to ask for.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnscope.analyzer.model.likely_shapes import LikelyShapes
from cnnscope.analyzer.model.stored_rows import Rows

if TYPE_CHECKING:
    from cnnscope.analyzer.model.byte_ranges import Range
    from cnnscope.analyzer.model.fetching import Fetched
    from cnnscope.analyzer.model.stored_rows import Dims

#: continuations followed in one look ahead, at least and at most: the more, the more tensors guesses
#: brought lately
FEWEST: Final = 256
STEPS: Final = 600
#: for each tensor that they brought
PER_TENSOR: Final = 60
#: of more tensors than this nothing is learnt
TENSORS: Final = 1 << 14
#: bytes asked for in one look ahead
BYTES: Final = 1 << 16
#: a header that is looked for takes so many bytes, its name apart
HEADER: Final = 56
#: and what ends the tensor before it, behind its payload: where data lies, which onnx writes once it has
#: taken in what was stored elsewhere
TAIL: Final = 8
#: continuations less likely than this aren't followed
LEAST: Final = 1e-4


class Path(NamedTuple):
    """A continuation: how unlikely it is, where what follows begins, the dimensions of those up to there."""

    cost: float
    serial: int
    at: int
    dims: tuple[Dims, ...]


class Guesser:
    """Guesses for one model, the better the more of it was seen."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.shapes = LikelyShapes(self.rows)
        self._steps = float(STEPS)
        self._known = 0

    def places(self, data: Fetched) -> list[Range]:
        """Pairs of beginning and end where what the graph needs may lie, by what is known by now."""
        rows = self.rows
        rows.follow(data)
        earlier = rows.look_at_end(data)
        wanted = [] if earlier is None else [earlier]
        brought, self._known = len(rows.stored) - self._known, len(rows.stored)
        self._steps = 0.6 * self._steps + 0.4 * min(PER_TENSOR * brought, STEPS)
        few = len(rows.stored) + len(rows.uses) <= TENSORS
        if rows.stored and few and rows.at < rows.end:
            wanted += self._ahead()
        return wanted

    def _ahead(self) -> list[Range]:
        """The headers on the likeliest continuations, and small tensors whole."""
        rows, shapes = self.rows, self.shapes
        shapes.learn()
        paths = [Path(0.0, 0, rows.at, ())]
        wanted: list[Range] = []
        met: set[tuple[int, int]] = set()
        size = serial = 0
        while paths and size < BYTES and serial < max(FEWEST, self._steps):
            path = heapq.heappop(paths)
            if (len(path.dims), path.at) in met:
                continue
            met.add((len(path.dims), path.at))
            name = shapes.name(len(path.dims))
            head = path.at + HEADER + len(name)
            wanted.append((path.at - TAIL, head))
            size += head - path.at + TAIL
            for chance, dims, like in shapes.guesses(path.dims):
                cost = path.cost - math.log(chance)
                at = path.at + like.length(dims, len(name or like.name))
                if cost <= -math.log(LEAST) and at < rows.end:
                    serial += 1
                    heapq.heappush(paths, Path(cost, serial, at, (*path.dims, dims)))
        return wanted
