"""How many bytes of activations are alive at once?

Liveness over the running order: a tensor is alive from the node that gives it (the start, for an
input) to the last node that reads it (the end, for an output). While a node runs, its inputs and
its outputs are both alive. No buffer is shared between tensors and nothing runs in place, so this
is what any allocator needs that frees each tensor after its last use (Appel & Palsberg, *Modern
Compiler Implementation*, ch. 10). Constants are weights, not activations, and nodes whose result is
known beforehand don't run: what they give takes no room, and they keep nothing alive. A node with a
subgraph needs its body's own peak on top while it runs.

Where lengths are free, each moment's bytes are a polynomial in them. One that is nowhere more than
another's, whatever the lengths (1 or more) are, is left out; the peak is the largest of those that stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from operator import add, gt, sub

from cnnscope.analyzer.model.graph import Graph, used_names
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.formula_order import never_more, terms_of
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.polynomial import Atom, Monomial
from cnnscope.analyzer.values.substitution import substituted


@dataclass(frozen=True, slots=True)
class Liveness:
    """The peak, and what is in it.

    Args:
        peak: the most bytes alive at once; a lower bound where `unsized` isn't empty.
        node: index of the node where the peak is first reached; None in an empty graph.
        unsized: operators whose outputs' sizes aren't known, and how often.
        free: the free dimensions that sizes hang on: then the peak isn't known.
        largest: where there are such, bytes alive at moments of which one is the peak; empty where
            some size isn't known.
    """

    peak: int
    node: int | None
    unsized: Mapping[str, int]
    free: frozenset[str] = frozenset()
    largest: tuple[Dim, ...] = ()

    @property
    def formula(self) -> str | None:
        """The peak as a formula; None where it is none, or a long one."""
        if not 1 <= len(self.largest) <= _SHOWN:
            return None
        texts = [str(moment) for moment in self.largest]
        return texts[0] if len(texts) == 1 else f"max({', '.join(texts)})"

    @property
    def upper(self) -> str | None:
        """What the peak never exceeds, as a formula, where it has none of its own.

        Each product of lengths with the largest coefficient that any moment has.
        """
        if len(self.largest) <= _SHOWN:
            return None
        most: dict[Monomial, int] = {}
        for moment in self.largest:
            for monomial, factor in terms_of(moment):
                if any(atom.least is None or atom.least < 0 for atom in monomial):
                    return None
                most[monomial] = max(most.get(monomial, 0), factor)
        return str(FreeDim(most))


#: so many moments make a formula; of as many more, the largest is looked for
_SHOWN, _KEPT = 8, 64


@dataclass(frozen=True, slots=True)
class _Moment:
    """Bytes alive at once, and what that comes to at a few lengths: that tells most of them apart."""

    nbytes: Dim
    samples: tuple[int, ...]

    def __add__(self, other: _Moment) -> _Moment:
        return _Moment(self.nbytes + other.nbytes, tuple(map(add, self.samples, other.samples)))

    def __sub__(self, other: _Moment) -> _Moment:
        return _Moment(self.nbytes - other.nbytes, tuple(map(sub, self.samples, other.samples)))

    def never_more(self, other: _Moment) -> bool:
        if any(map(gt, self.samples, other.samples)):
            return False
        return never_more(self.nbytes, other.nbytes)


#: lengths that are tried, of two kinds of names
_TRIED = ((1, 1), (1000, 1000), (7, 900), (900, 7))


class _Samples:
    """What formulas come to at a few lengths, what they are made of worked out once."""

    def __init__(self) -> None:
        self._lengths: list[dict[str, Dim]] = [{} for _ in _TRIED]
        self._known: list[dict[Atom, Dim]] = [{} for _ in _TRIED]
        self._moments: dict[FreeDim, _Moment] = {}

    def moment(self, nbytes: Dim) -> _Moment:
        if isinstance(nbytes, int):
            return _Moment(nbytes, (nbytes,) * len(_TRIED))
        moment = self._moments.get(nbytes)
        if moment is None:
            moment = self._moments[nbytes] = _Moment(nbytes, self._tried(nbytes))
        return moment

    def _tried(self, nbytes: FreeDim) -> tuple[int, ...]:
        for name in nbytes.names - self._lengths[0].keys():
            # By name, so that a length is the same in all of them.
            kind = sum(map(ord, name)) % 2
            for lengths, tried in zip(self._lengths, _TRIED, strict=True):
                lengths[name] = tried[kind]
        samples = []
        for lengths, known in zip(self._lengths, self._known, strict=True):
            found = substituted(nbytes, lengths, known)
            if not isinstance(found, int):
                raise Undetermined(f"the value of {nbytes}")
            samples.append(found)
        return tuple(samples)


def _with(moments: list[_Moment], moment: _Moment) -> list[_Moment]:
    """The moments of which one is the largest, with one more."""
    if any(moment.never_more(known) for known in moments):
        return moments
    return [*(known for known in moments if not known.never_more(moment)), moment]


def find_liveness(graph: Graph, shapes: Shapes, *, inputs_too: bool = True) -> Liveness:
    """The peak of live activation bytes of a graph.

    Args:
        inputs_too: count the graph's inputs; a body's are its caller's tensors already.
    """
    unsized: Counter[str] = Counter()
    free: set[str] = set()
    last: dict[str, int] = {}
    running = [node for node in graph.nodes if not shapes.folded(node)]
    for node in running:
        for name in used_names(node):
            last[name] = node.index
    end = len(graph.nodes)
    for name in graph.outputs:
        last[name] = end

    at = _Samples().moment
    symbolic: dict[str, _Moment] = {}
    unfollowed: list[str] = []

    def size(name: str, op: str) -> int:
        x = shapes.tensors[name]
        if x.constant:
            return 0
        try:
            nbytes = x.nbytes
        except Undetermined:
            nbytes = None
        if nbytes is None:
            blamed = shapes.behind.get(name, op)
            unsized[op if blamed == op else f"{op} (behind {blamed})"] += 1
            return 0
        if isinstance(nbytes, FreeDim):
            free.update(nbytes.names)
            if not nbytes.names or nbytes.data:
                unsized.update(f"data: {what}" for what in sorted(nbytes.data))
            else:
                try:
                    symbolic[name] = at(nbytes)
                except Undetermined:  # a quotient by a free length
                    unfollowed.append(name)
            return 0
        return nbytes

    sizes = {name: size(name, "input") for name in graph.inputs} if inputs_too else {}
    alive = sum(sizes.values())
    alive_too = sum(symbolic.values(), start=at(0))
    largest: list[_Moment] = []
    seen: set[Dim] = set()
    lost, known = False, 0  # of the moments before a free length, the peak
    freed: dict[int, list[str]] = {}
    for name in sizes:
        freed.setdefault(last.get(name, -1), []).append(name)
    peak, where = 0, None
    for node in running:
        for name in node.outputs:
            if not name:
                continue
            sizes[name] = size(name, node.title)
            alive += sizes[name]
            if name in symbolic:
                alive_too += symbolic[name]
            freed.setdefault(last.get(name, node.index), []).append(name)
        inner = 0
        inside: list[_Moment] = []
        for attribute, body in node.bodies.items():
            found = shapes.bodies.get((node.index, attribute))
            if found is not None:
                body_peak = find_liveness(body, found, inputs_too=False)
                inner = max(inner, body_peak.peak)
                unsized.update(body_peak.unsized)
                free.update(body_peak.free)
                lost = lost or bool(body_peak.free and not body_peak.largest)
                for moment in body_peak.largest or (body_peak.peak,):
                    inside = _with(inside, at(moment))
        if where is None or alive + inner > peak:
            peak, where = alive + inner, node.index
        if (free or largest) and not lost:
            now = alive_too + at(alive) if alive else alive_too
            for each in [now + within for within in inside] or [now]:
                if each.nbytes not in seen:  # as block after block has it
                    seen.add(each.nbytes)
                    largest = _with(largest, each)
            lost = len(largest) > _KEPT
        elif not lost:
            known = peak
        for name in freed.pop(node.index, ()):
            alive -= sizes[name]
            if name in symbolic:
                alive_too -= symbolic[name]
    if free and not lost and not unsized and not unfollowed:
        largest = _with(largest, at(known))
        if where is None:
            largest = _with(largest, alive_too + at(alive))
    else:
        largest = []
    return Liveness(
        max(peak, alive if where is None else peak), where, unsized, frozenset(free),
        tuple([moment.nbytes for moment in largest]),
    )  # fmt: skip
