"""Through which of a node's inputs does the path lead along which a layer sees the most?"""

from __future__ import annotations

from cnnscope.analyzer.fields.paths import InputAxis, Paths, State
from cnnscope.analyzer.fields.seen import Seen
from cnnscope.analyzer.fields.steps import Alone, input_length
from cnnscope.analyzer.model.graph import Node

Way = tuple[str, State, State]  # an input, what it sees, and what is seen through it


class Hop:
    """Over a node: the tensor it is entered by, the output it is left by."""

    __slots__ = ("given", "node", "output", "place")

    def __init__(self, node: Node, given: str, output: int) -> None:
        self.node, self.given, self.output = node, given, output
        self.place = node.index, given, output


class Choice:
    """By which of its inputs a node's output sees the most of an axis.

    Where inputs move along different axes (queries and keys), what follows tells them apart.
    """

    __slots__ = ("_after", "_hop", "key", "node", "output", "settled", "ways")

    def __init__(self, node: Node, output: int, key: InputAxis, ways: tuple[Way, ...]) -> None:
        self.node, self.output, self.key, self.ways = node, output, key, ways
        self.settled = len(ways) < 2 or len({_places(after.get(key)) for _, _, after in ways}) < 2
        self._after: dict[tuple[int, str, int], Choice] = {}
        self._hop: Hop | None = None

    def after(self, alone: Alone, hop: Hop) -> Choice:
        """The choice, its ways one hop further on."""
        found = self._after.get(hop.place)
        if found is None:
            ways = tuple([
                (given, before, after if moved is None else moved)
                for given, before, after in self.ways
                for moved in (alone.moved(hop.node, after, hop.given, hop.output),)
            ])  # fmt: skip
            found = Choice(self.node, self.output, self.key, ways)
            self._after[hop.place] = found
        return found

    def hop(self, alone: Alone) -> Hop:
        """Through the input that decides."""
        if self._hop is None:
            key = self.key
            best = self.ways[0]
            if len(self.ways) > 1:
                best = max(
                    (way for way in self.ways if key in way[2]),
                    key=lambda way: _rank(
                        alone.figures(way[2][key], key), alone.figures(way[1][key], key),
                        input_length(alone.shapes, key),
                    ),
                    default=best,
                )  # fmt: skip
            self._hop = Hop(self.node, best[0], self.output)
        return self._hop


def _places(paths: Paths | None) -> frozenset[tuple[tuple[int, int, int | None], ...]]:
    """Along what the paths move."""
    terms = () if paths is None else paths.terms
    return frozenset(term.places for term in terms)


def _rank(after: Seen, before: Seen, length: int | None) -> tuple[int, int, int]:
    """Which input decides: by what is seen through it, then by what it sees itself."""
    # Who sees everything sees the most, however far another path's window sticks out.
    size = after.size if after.size is not None else length or 0
    return int(after.global_), size, max(before.local_size or 0, before.size or 0)
