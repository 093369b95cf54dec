"""Which layers of one network are which of another?

Names first, then structure. What is certain is matched early and anchors what is not:

1. layers of the same name and operator, unless names alike but for their numbers have shifted;
   names that only number the nodes count when almost all of them agree with the structure;
2. layers whose stored weights are the same, bit for bit, and nobody else's; then, across operators,
   those whose weights are the same numbers in whatever order (a product written as a convolution);
3. what follows matched layers and is like what follows their counterparts;
4. layers whose surroundings are like those of one other layer only: colour refinement (Weisfeiler &
   Leman 1968) over what a layer is, what it reads (by position) and what reads it. Matched layers
   keep a colour of their own, so each round sees further. Colours are numbered, not hashed, and
   edges have a direction and a position, which is why this isn't networkx's
   ``weisfeiler_lehman_subgraph_hashes``;
5. what precedes matched layers, likewise;
6. in the stretches left between matched layers, a longest common subsequence in running order: of
   layers that are alike, then of the same operator, then of the same family. It is exact and takes
   a word of bits at a time (Hyyro, *Bit-parallel LCS-length computation revisited*, 2004).

Layers that an exporter may leave out or fold into others (*passing*: an identity, a normalisation
with stored statistics, a cast) are stepped over in 3 to 6, so that they disturb nothing, and are then
matched along the edges between matched layers.

A pair has *moved* where the order among the matched layers contradicts the graph: the second
network is listed in an order as near to the first one's as its edges allow, and what isn't in a
longest increasing subsequence has moved. All steps but 6 take time linear in the graph, per round;
the result doesn't hang on which network is given first.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from cnnscope.analyzer.difference.sequences import common_subsequence, longest_rise

#: how far colours look around a layer
_RADIUS = 3
#: rounds of anchoring; each needs what the one before found
_ROUNDS = 16
#: the share of numbered names that must agree with the structure for such names to count
_TRUSTED = 0.9
#: the share of names alike but for their numbers that both networks must have: the layers of a
#: sequential container are named by their place in it, and have other names once one is put before
_PLAUSIBLE = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """A layer as far as matching is concerned.

    Args:
        name, op, family: its name, operator, and what the operator is.
        likeness: what it is exactly: layers with equal ones may stand for each other.
        inputs, outputs: tensors; stored ones are left out of the inputs.
        passing: it may be left out or folded into a neighbour.
        weighted: it multiplies stored weights.
        weights: what identifies the numbers stored for it; None where that isn't known.
        slots: for each of the inputs, which operand it is; "" for what a subgraph captures.
        commutes: the order of its inputs is nothing.
        numbers: asked only where all else fails: what identifies the largest of its weights,
            whatever their order; None where that isn't known.
    """

    name: str
    op: str
    family: str
    likeness: Hashable
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    passing: bool = False
    weighted: bool = False
    weights: Hashable = None
    slots: tuple[str, ...] = ()
    commutes: bool = False
    numbers: Callable[[], Hashable] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in running order, and the tensors that come in and go out."""

    parts: tuple[Part, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Which layers belong together.

    Args:
        pairs: indices in the first and in the second network, in the order of the first.
        moved: those pairs whose place among the others has changed.
        rewired: those pairs that read something else than each other.
        before, after: for each layer of the first and the second network, what it reads once
            passing layers are stepped over: indices of layers, those of inputs being negative.
        tapped: pairs of the networks' outputs, by position, that are given by other layers.
    """

    pairs: tuple[tuple[int, int], ...]
    moved: frozenset[tuple[int, int]]
    rewired: frozenset[tuple[int, int]]
    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]
    tapped: frozenset[tuple[int, int]] = frozenset()

    def mirrored(self) -> Matching:
        """The same, seen from the second network."""
        return Matching(
            tuple(sorted((j, i) for i, j in self.pairs)),
            frozenset((j, i) for i, j in self.moved),
            frozenset((j, i) for i, j in self.rewired),
            self.after,
            self.before,
            frozenset((j, i) for i, j in self.tapped),
        )


def match(first: Network, second: Network) -> Matching:
    """The layers of two networks that belong together.

    >>> conv = Part("a", "Conv", "convolution", "3x3", ("x",), ("y",))
    >>> same = Part("b", "Conv", "convolution", "3x3", ("in",), ("out",))
    >>> match(Network((conv,), ("x",), ("y",)), Network((same,), ("in",), ("out",))).pairs
    ((0, 0),)
    """
    if _order_key(second) < _order_key(first):
        return _Matcher(second, first).run().mirrored()
    return _Matcher(first, second).run()


def _order_key(network: Network) -> tuple[object, ...]:
    """Which of two networks is taken first; equal only of networks that say the same."""
    parts = network.parts
    return (
        len(parts),
        [(p.name, p.op, repr(p.likeness), repr(p.weights), p.inputs, p.outputs) for p in parts],
        network.inputs,
        network.outputs,
    )


class _Side:
    """One network as arrays. After its n layers come its inputs, then its outputs."""

    def __init__(self, network: Network, number: Callable[[Hashable], int]) -> None:
        parts = self.parts = network.parts
        n = self.count = len(parts)
        self.inputs = range(n, n + len(network.inputs))
        self.outputs = range(self.inputs.stop, self.inputs.stop + len(network.outputs))
        giver: dict[str, tuple[int, int]] = {
            name: (n + k, 0) for k, name in enumerate(network.inputs)
        }
        # What a tensor is once passing layers are stepped over; and who truly gives it.
        home = dict(giver)
        self.reads: list[list[tuple[int, int]]] = []
        self.direct: list[list[int]] = []
        for i, part in enumerate(parts):
            self.reads.append([home[name] for name in part.inputs if name in home])
            self.direct.append([giver[name][0] for name in part.inputs if name in giver])
            for k, name in enumerate(part.outputs):
                giver[name] = (i, k)
                through = part.passing and len(self.reads[i]) == 1 and k == 0
                home[name] = self.reads[i][0] if through else (i, k)
        self.giver = giver
        self.ends = network.outputs
        self.reads += [[] for _ in network.inputs]
        self.reads += [[home[name]] if name in home else [] for name in network.outputs]
        self.core = [not part.passing or len(self.reads[i]) != 1 for i, part in enumerate(parts)]
        self.core += [True] * (len(network.inputs) + len(network.outputs))
        self.readers: list[list[tuple[int, int]]] = [[] for _ in self.reads]
        for i, sources in enumerate(self.reads):
            if self.core[i]:
                commutes = i < n and parts[i].commutes
                for slot, (source, _) in enumerate(sources):
                    self.readers[source].append((i, 0 if commutes else slot))
        self.like = [number(part.likeness) for part in parts]
        self.like += [number(("end", side)) for side in ("input",) for _ in network.inputs]
        self.like += [number(("end", side)) for side in ("output",) for _ in network.outputs]
        #: the other side's counterpart, or -1
        self.mate = [-1] * len(self.reads)

    def origin(self, name: str) -> tuple[int, int] | None:
        """What gives a tensor, unmatched passing layers stepped over; None for what nothing gives."""
        at = self.giver.get(name)
        while at is not None and at[0] < self.count and self.mate[at[0]] < 0:
            i, k = at
            if self.core[i] or k:
                break
            at = next(self.giver[x] for x in self.parts[i].inputs if x in self.giver)
        return at

    def free(self) -> list[int]:
        """Layers that aren't matched yet, passing ones apart."""
        return [i for i in range(self.count) if self.mate[i] < 0 and self.core[i]]


class _Matcher:
    """Two networks while they are matched."""

    def __init__(self, first: Network, second: Network) -> None:
        self.numbers: dict[Hashable, int] = {}
        self.first, self.second = _Side(first, self.number), _Side(second, self.number)
        self.ends(self.first.inputs, self.second.inputs, first.inputs, second.inputs)
        self.ends(self.first.outputs, self.second.outputs, first.outputs, second.outputs)

    def number(self, what: Hashable) -> int:
        """A number for a value, the same for equal ones."""
        return self.numbers.setdefault(what, len(self.numbers))

    def run(self) -> Matching:
        self.by_name(numbered=False)
        self.by_weights()
        self.by_name(numbered=True)
        self.by_numbers()
        for _ in range(_ROUNDS):
            found = self.spread(forward=True)
            unique = self.by_surroundings()
            found += unique
            if not unique:
                found += self.spread(forward=False)
            if not found:
                break
        self.align()
        self.match_passing()
        return self.result()

    def join(self, i: int, j: int) -> None:
        self.first.mate[i], self.second.mate[j] = j, i

    def can_join(self, i: int, j: int) -> bool:
        return self.first.mate[i] < 0 and self.second.mate[j] < 0

    def ends(
        self, first: range, second: range, names: Sequence[str], others: Sequence[str]
    ) -> None:
        """The networks' inputs, or outputs: by name, then in order."""
        place = dict(zip(others, second, strict=True))
        for name, i in zip(names, first, strict=True):
            if name in place and self.can_join(i, place[name]):
                self.join(i, place[name])
        left = [i for i in first if self.first.mate[i] < 0]
        free = [j for j in second if self.second.mate[j] < 0]
        for i, j in zip(left, free, strict=False):
            self.join(i, j)

    # -- anchors -------------------------------------------------------------------------------

    def by_name(self, *, numbered: bool) -> None:
        """Layers of the same name and operator."""
        a, b = self.first, self.second
        place = {(part.name, part.op): j for j, part in enumerate(b.parts)}
        found = [
            (i, place[part.name, part.op])
            for i, part in enumerate(a.parts)
            if a.mate[i] < 0 and (part.name, part.op) in place
            and is_numbered(part.name) == numbered
        ]  # fmt: skip
        found = [(i, j) for i, j in found if b.mate[j] < 0]
        if numbered:
            counted = min(sum(is_numbered(part.name) for part in side.parts) for side in (a, b))
            if sum(a.like[i] == b.like[j] for i, j in found) < _TRUSTED * counted:
                return
            one, other = self.refined(1)[-1]
            found = [(i, j) for i, j in found if one[i] == other[j]]
        else:
            known = Counter(_pattern(a.parts[i]) for i, _ in found)
            sizes = [Counter(_pattern(part) for part in side.parts) for side in (a, b)]
            found = [
                (i, j) for i, j in found
                for pattern in [_pattern(a.parts[i])]
                if known[pattern] >= _PLAUSIBLE * min(size[pattern] for size in sizes)
            ]  # fmt: skip
        for i, j in found:
            self.join(i, j)

    def by_weights(self) -> None:
        """Layers that alone have the same numbers stored."""
        self.join_unique(
            lambda side: [
                (i, (part.op, part.weights))
                for i, part in enumerate(side.parts)
                if side.mate[i] < 0 and part.weights is not None
            ]
        )

    def by_numbers(self) -> None:
        """Layers that alone have the same numbers as weights, in whatever order."""
        left = [
            [
                part
                for part, mate in zip(side.parts, side.mate, strict=False)
                if mate < 0 and part.numbers
            ]
            for side in (self.first, self.second)
        ]
        if not all(left):
            return
        self.join_unique(
            lambda side: [
                (i, key)
                for i, part in enumerate(side.parts)
                if side.mate[i] < 0 and part.numbers is not None
                for key in [part.numbers()]
                if key is not None
            ]
        )

    def join_unique(self, keys: Callable[[_Side], Iterable[tuple[int, Hashable]]]) -> int:
        """Match what has a key that nothing else of its network has."""
        one, other = _singles(keys(self.first)), _singles(keys(self.second))
        found = [(i, other[key]) for key, i in one.items() if key in other]
        for i, j in found:
            self.join(i, j)
        return len(found)

    def refined(self, radius: int) -> list[tuple[list[int], list[int]]]:
        """By radius, a number for each layer that says what it is and what is around it."""
        levels = []
        start = []
        for side in (self.first, self.second):
            is_first = side is self.first
            start.append([
                like if mate < 0 else self.number(("pair", i if is_first else mate))
                for i, (like, mate) in enumerate(zip(side.like, side.mate, strict=True))
            ])  # fmt: skip
        levels.append((start[0], start[1]))
        for _ in range(radius):
            now = [
                self.repainted(side, colours)
                for side, colours in zip((self.first, self.second), levels[-1], strict=True)
            ]
            levels.append((now[0], now[1]))
        return levels

    def repainted(self, side: _Side, colours: list[int]) -> list[int]:
        found = list(colours)
        for i, mate in enumerate(side.mate):
            if mate < 0:
                read = tuple([(colours[s], k) for s, k in side.reads[i]])
                if i < side.count and side.parts[i].commutes:
                    read = tuple(sorted(read))
                readers = tuple(sorted([(colours[r], slot) for r, slot in side.readers[i]]))
                found[i] = self.number((colours[i], read, readers))
        return found

    def by_surroundings(self) -> int:
        """Layers whose surroundings are found once in either network, the widest first."""
        if not self.first.free() or not self.second.free():
            return 0
        found = 0
        for one, other in reversed(self.refined(_RADIUS)):

            def keys(
                side: _Side, one: list[int] = one, other: list[int] = other
            ) -> list[tuple[int, Hashable]]:
                colours = one if side is self.first else other
                return [(i, colours[i]) for i in side.free()]

            found += self.join_unique(keys)
            if found:  # what is sure from far off is used before anything less sure
                break
        return found

    def spread(self, *, forward: bool) -> int:
        """Match what follows (or precedes) matched layers and is alike, as far as that goes."""
        waiting = deque((i, j) for i, j in enumerate(self.first.mate) if j >= 0)
        found = 0
        while waiting:
            i, j = waiting.popleft()
            for k, m in self.followers(i, j) if forward else self.sources(i, j):
                if self.can_join(k, m):
                    self.join(k, m)
                    waiting.append((k, m))
                    found += 1
        return found

    def followers(self, i: int, j: int) -> list[tuple[int, int]]:
        """Readers of a pair's results that are alike and the only such ones."""
        a, b = self.first, self.second
        one = _singles([((r), (a.like[r], s)) for r, s in a.readers[i] if self.is_free(a, r)])
        if not one:
            return []
        other = _singles([((r), (b.like[r], s)) for r, s in b.readers[j] if self.is_free(b, r)])
        return [
            (r, other[key]) for key, r in one.items()
            if key in other and self.agree(r, other[key])
        ]  # fmt: skip

    def agree(self, i: int, j: int) -> bool:
        """Nothing that the two read is matched with something else."""
        a, b = self.first, self.second
        if len(a.reads[i]) != len(b.reads[j]):
            return False
        for (s, _), (t, _) in self.side_by_side(i, j):
            if a.mate[s] != t and (a.mate[s] >= 0 or b.mate[t] >= 0):
                return False
        return True

    def side_by_side(self, i: int, j: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """What two layers read, operand by operand; where their order is nothing, matched ones and
        then ones that are alike first."""
        a, b = self.first, self.second
        one, other = list(a.reads[i]), list(b.reads[j])
        if i < a.count and j < b.count and a.parts[i].commutes and b.parts[j].commutes:
            ordered = []
            for fits in (
                lambda s, t: a.mate[s[0]] == t[0] and s[1] == t[1],
                lambda s, t: a.mate[s[0]] < 0 and b.mate[t[0]] < 0 and a.like[s[0]] == b.like[t[0]],
                lambda s, t: True,
            ):
                for s in list(one):
                    t = next((t for t in other if fits(s, t)), None)
                    if t is not None:
                        ordered.append((s, t))
                        one.remove(s)
                        other.remove(t)
            return ordered
        return list(zip(one, other, strict=True))

    def sources(self, i: int, j: int) -> list[tuple[int, int]]:
        """What a pair reads at the same position, where that is alike."""
        a, b = self.first, self.second
        if len(a.reads[i]) != len(b.reads[j]):
            return []
        return [
            (s, t)
            for (s, k), (t, m) in self.side_by_side(i, j)
            if k == m and self.is_free(a, s) and self.is_free(b, t) and a.like[s] == b.like[t]
        ]

    @staticmethod
    def is_free(side: _Side, i: int) -> bool:
        return i < side.count and side.mate[i] < 0 and side.core[i]

    # -- stretches in between ------------------------------------------------------------------

    def orders(self) -> tuple[list[int], list[int]]:
        """The layers of both networks in an order in which they can run, each as near to the first's
        as can be; one that isn't matched stands right behind the last that it reads."""
        a, b = self.first, self.second
        own = [i if a.mate[i] >= 0 else -1 for i in range(a.count)]
        return self.ordered(a, own), self.ordered(b, b.mate[: b.count])

    @staticmethod
    def ordered(side: _Side, places: Sequence[int]) -> list[int]:
        key = list(places)
        waits = [0] * side.count
        readers: list[list[int]] = [[] for _ in range(side.count)]
        for j in range(side.count):
            for source in set(side.direct[j]):
                if source < side.count:
                    readers[source].append(j)
                    waits[j] += 1
        ready = [(key[j], j) for j in range(side.count) if not waits[j]]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            reached, j = heapq.heappop(ready)
            order.append(j)
            for r in readers[j]:
                if side.mate[r] < 0:
                    key[r] = max(key[r], reached)
                waits[r] -= 1
                if not waits[r]:
                    heapq.heappush(ready, (key[r], r))
        return order

    def align(self) -> None:
        """Longest common subsequences of what is left between matched layers."""
        for level in ("like", "op", "family"):
            for one, other in self.stretches():
                if level == "like":
                    self.align_by(one, other, [self.first.like[i] for i in one],
                                  [self.second.like[j] for j in other])  # fmt: skip
                    continue
                a = [self.first.parts[i] for i in one]
                b = [self.second.parts[j] for j in other]
                if level == "op":
                    self.align_by(one, other, [(p.op, p.weighted) for p in a],
                                  [(p.op, p.weighted) for p in b])  # fmt: skip
                elif len(a) == len(b) and [p.family for p in a] == [p.family for p in b]:
                    for i, j in zip(one, other, strict=True):
                        self.join(i, j)
                else:  # of others, a family says too little: one may well stand for several
                    one = [i for i, p in zip(one, a, strict=True) if p.weighted]
                    other = [j for j, p in zip(other, b, strict=True) if p.weighted]
                    self.align_by(one, other, [self.first.parts[i].family for i in one],
                                  [self.second.parts[j].family for j in other])  # fmt: skip

    def stretches(self) -> list[tuple[list[int], list[int]]]:
        """Unmatched layers of both networks between the same two matched ones."""
        one, other = self.orders()
        spine = set(self.spine(other))
        first = _gaps(one, lambda i: self.first.mate[i] in spine, self.is_left(self.first))
        second = _gaps(other, lambda j: j in spine, self.is_left(self.second))
        return [(first[k], second[k]) for k in sorted(first.keys() & second.keys())]

    def is_left(self, side: _Side) -> Callable[[int], bool]:
        return lambda i: self.is_free(side, i)

    def spine(self, order: Sequence[int]) -> list[int]:
        """Matched layers of the second network whose order is the first one's."""
        matched = [j for j in order if self.second.mate[j] >= 0]
        return [matched[k] for k in longest_rise([self.second.mate[j] for j in matched])]

    def align_by(
        self,
        one: Sequence[int],
        other: Sequence[int],
        first: Sequence[Hashable],
        second: Sequence[Hashable],
    ) -> None:
        for k, m in common_subsequence(first, second):
            if self.can_join(one[k], other[m]):
                self.join(one[k], other[m])

    # -- passing layers ------------------------------------------------------------------------

    def match_passing(self) -> None:
        """Passing layers on the same edges: with the same readers first, then in order."""
        groups = [self.passing_by_root(side) for side in (self.first, self.second)]
        for root, one in groups[0].items():
            other = groups[1].get((self.first.mate[root[0]], root[1]), [])
            if not other:
                continue
            readers = (
                self.passing_readers(self.first, one),
                self.passing_readers(self.second, other),
            )
            place = _singles(
                [(j, (self.second.like[j], readers[1][j])) for j in other if readers[1][j]]
            )
            here = _singles(
                [
                    (i, (self.first.like[i], self.as_second(readers[0][i])))
                    for i in one
                    if readers[0][i]
                ]
            )
            for key, i in here.items():
                if key in place and self.can_join(i, place[key]):
                    self.join(i, place[key])
            for level in ("like", "op", "family"):
                left = [i for i in one if self.first.mate[i] < 0]
                free = [j for j in other if self.second.mate[j] < 0]
                self.align_by(
                    left, free,
                    [self.passing_key(self.first, i, level) for i in left],
                    [self.passing_key(self.second, j, level) for j in free],
                )  # fmt: skip

    def passing_key(self, side: _Side, i: int, level: str) -> Hashable:
        if level == "like":
            return side.like[i]
        return side.parts[i].op if level == "op" else side.parts[i].family

    def passing_by_root(self, side: _Side) -> dict[tuple[int, int], list[int]]:
        found: dict[tuple[int, int], list[int]] = {}
        for i in range(side.count):
            if not side.core[i] and side.mate[i] < 0:
                root = side.reads[i][0]
                if side.mate[root[0]] >= 0:
                    found.setdefault(root, []).append(i)
        return found

    def passing_readers(self, side: _Side, group: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """The layers that read each one's result directly."""
        wanted = {name: i for i in group for name in side.parts[i].outputs}
        root = side.reads[group[0]][0][0]
        found: dict[int, list[int]] = {i: [] for i in group}
        for reader, slot in side.readers[root]:
            if reader < side.count:
                names = side.parts[reader].inputs
                if slot < len(names) and names[slot] in wanted:
                    found[wanted[names[slot]]].append(reader)
        return {i: tuple(sorted(readers)) for i, readers in found.items()}

    def as_second(self, readers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(self.first.mate[r] for r in readers))

    # -- the result ----------------------------------------------------------------------------

    def result(self) -> Matching:
        a, b = self.first, self.second
        _, order = self.orders()
        spine = set(self.spine(order))
        pairs = [(i, a.mate[i]) for i in range(a.count) if a.mate[i] >= 0]
        moved = {(i, j) for i, j in pairs if j not in spine}
        displaced = {i for i, _ in moved}, {j for _, j in moved}
        rewired = {
            (i, j) for i, j in pairs
            if (i, j) not in moved and self.reads_other(i, j, displaced)
        }  # fmt: skip
        outputs = [
            (k, a.mate[i] - b.outputs.start) for k, i in enumerate(a.outputs) if a.mate[i] >= 0
        ]
        tapped = {
            (k, m) for k, m in outputs
            if self.differ(a.origin(a.ends[k]), b.origin(b.ends[m]))
        }  # fmt: skip
        return Matching(
            tuple(pairs), frozenset(moved), frozenset(rewired),
            tuple(_shown_reads(a, i) for i in range(a.count)),
            tuple(_shown_reads(b, j) for j in range(b.count)), frozenset(tapped),
        )  # fmt: skip

    def reads_other(self, i: int, j: int, displaced: tuple[set[int], set[int]]) -> bool:
        a, b = self.first, self.second
        one, other = self.operands(a, i), self.operands(b, j)
        if len(one) != len(other):
            return True
        same_op = a.parts[i].op == b.parts[j].op and bool(a.parts[i].slots)
        if same_op and a.parts[i].commutes:
            left = [t for _, t in other]
            for _, s in one:
                twin = next((t for t in left if not self.differ(s, t, displaced)), None)
                if twin is None:
                    return True
                left.remove(twin)
            return False
        if same_op:
            places = dict(other)
            if {slot for slot, _ in one} != places.keys():
                return True
            return any(self.differ(s, places[slot], displaced) for slot, s in one)
        return any(self.differ(s, t, displaced) for (_, s), (_, t) in zip(one, other, strict=True))

    @staticmethod
    def operands(side: _Side, i: int) -> list[tuple[str, tuple[int, int] | None]]:
        """A layer's operands by name, with what gives them; what its subgraphs capture apart."""
        part = side.parts[i]
        slots = part.slots or part.inputs
        return [
            (slot, side.origin(name))
            for slot, name in zip(slots, part.inputs, strict=True)
            if slot and name in side.giver
        ]

    def differ(
        self, s: tuple[int, int] | None, t: tuple[int, int] | None,
        displaced: tuple[set[int], set[int]] = (set(), set()),
    ) -> bool:  # fmt: skip
        """Are two sources known to be others? What was added, removed or moved says so itself."""
        if s is None or t is None:
            return s is not t
        a, b = self.first, self.second
        if s[0] in displaced[0] or t[0] in displaced[1]:
            return False
        return a.mate[s[0]] >= 0 and b.mate[t[0]] >= 0 and (a.mate[s[0]], s[1]) != (t[0], t[1])


def _shown_reads(side: _Side, i: int) -> tuple[int, ...]:
    return tuple(s if s < side.count else side.count - 1 - s for s, _ in side.reads[i])


def is_numbered(name: str) -> bool:
    """The last step of the name only counts: it would be another if a layer were put before it.

    >>> [is_numbered(text) for text in ("Conv_12", "n7", "/layer1/conv1/Conv", "layer1.0.conv1")]
    [True, True, False, False]
    """
    step = re.split(r"/|::", name)[-1]
    return bool(re.fullmatch(r"(.*[_:#])?[A-Za-z]?\d+|[A-Z][A-Za-z]*\d+", step)) or not step


def _pattern(part: Part) -> tuple[str, str]:
    """A layer's name without its numbers, and its operator."""
    return re.sub(r"\d+", "#", part.name), part.op


def _singles(items: Iterable[tuple[int, Hashable]]) -> dict[Hashable, int]:
    """By key, the one item that has it."""
    kept = list(items)
    counts = Counter(key for _, key in kept)
    return {key: i for i, key in kept if counts[key] == 1}


def _gaps(
    order: Sequence[int], fixed: Callable[[int], bool], wanted: Callable[[int], bool]
) -> dict[int, list[int]]:
    """By how many fixed ones come before, those that are wanted."""
    found: dict[int, list[int]] = {}
    passed = 0
    for i in order:
        if fixed(i):
            passed += 1
        elif wanted(i):
            found.setdefault(passed, []).append(i)
    return found
