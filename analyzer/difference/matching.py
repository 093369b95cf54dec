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

from cnnscope.analyzer.difference.anchors import by_name, by_numbers, by_weights
from cnnscope.analyzer.difference.network import Arrays, LayerPart, Matching, Network
from cnnscope.analyzer.difference.pairing import Pairing
from cnnscope.analyzer.difference.passing import match_passing
from cnnscope.analyzer.difference.stretches import align, in_order, orders
from cnnscope.analyzer.difference.surroundings import by_surroundings, spread

#: rounds of anchoring; each needs what the one before found
_ROUNDS = 16


def match(first: Network, second: Network) -> Matching:
    """The layers of two networks that belong together.

    >>> from cnnscope.analyzer.difference.network import LayerPart
    >>> conv = LayerPart("a", "Conv", "convolution", "3x3", ("x",), ("y",))
    >>> same = LayerPart("b", "Conv", "convolution", "3x3", ("in",), ("out",))
    >>> match(Network((conv,), ("x",), ("y",)), Network((same,), ("in",), ("out",))).pairs
    ((0, 0),)
    """
    if _comes_first(second, first):
        return _matched(Pairing(second, first)).mirrored()
    return _matched(Pairing(first, second))


def _comes_first(one: Network, other: Network) -> bool:
    """Is a network taken before the other? Both ways no only of networks that say the same."""
    if len(one.parts) != len(other.parts):
        return len(one.parts) < len(other.parts)
    for a, b in zip(one.parts, other.parts, strict=True):
        if a != b and (x := _order_key(a)) != (y := _order_key(b)):
            return x < y
    return (one.inputs, one.outputs) < (other.inputs, other.outputs)


def _order_key(p: LayerPart) -> tuple[object, ...]:
    return p.name, p.op, repr(p.likeness), repr(p.weights), p.inputs, p.outputs


def _matched(pairing: Pairing) -> Matching:
    by_name(pairing, numbered=False)
    by_weights(pairing)
    by_name(pairing, numbered=True)
    by_numbers(pairing)
    for _ in range(_ROUNDS):
        found = spread(pairing, forward=True)
        unique = by_surroundings(pairing)
        found += unique
        if not unique:
            found += spread(pairing, forward=False)
        if not found:
            break
    align(pairing)
    match_passing(pairing)
    return _result(pairing)


def _result(pairing: Pairing) -> Matching:
    a, b = pairing.first, pairing.second
    _, order = orders(pairing)
    spine = set(in_order(pairing, order))
    pairs = [(i, a.mate[i]) for i in range(a.count) if a.mate[i] >= 0]
    moved = {(i, j) for i, j in pairs if j not in spine}
    displaced = {i for i, _ in moved}, {j for _, j in moved}
    rewired = {
        (i, j) for i, j in pairs
        if (i, j) not in moved and _reads_other(pairing, i, j, displaced)
    }  # fmt: skip
    outputs = [(k, a.mate[i] - b.outputs.start) for k, i in enumerate(a.outputs) if a.mate[i] >= 0]
    tapped = {
        (k, m) for k, m in outputs
        if _differ(pairing, a.origin(a.ends[k]), b.origin(b.ends[m]))
    }  # fmt: skip
    return Matching(
        tuple(pairs), frozenset(moved), frozenset(rewired),
        tuple(_shown_reads(a, i) for i in range(a.count)),
        tuple(_shown_reads(b, j) for j in range(b.count)), frozenset(tapped),
    )  # fmt: skip


def _reads_other(pairing: Pairing, i: int, j: int, displaced: tuple[set[int], set[int]]) -> bool:
    a, b = pairing.first, pairing.second
    one, other = _operands(a, i), _operands(b, j)
    if len(one) != len(other):
        return True
    same_op = a.parts[i].op == b.parts[j].op and bool(a.parts[i].slots)
    if same_op and a.parts[i].commutes:
        left = [t for _, t in other]
        for _, s in one:
            twin = next((t for t in left if not _differ(pairing, s, t, displaced)), None)
            if twin is None:
                return True
            left.remove(twin)
        return False
    if same_op:
        places = dict(other)
        if {slot for slot, _ in one} != places.keys():
            return True
        return any(_differ(pairing, s, places[slot], displaced) for slot, s in one)
    return any(_differ(pairing, s, t, displaced) for (_, s), (_, t) in zip(one, other, strict=True))


def _operands(side: Arrays, i: int) -> list[tuple[str, tuple[int, int] | None]]:
    """A layer's operands by name, with what gives them; what its subgraphs capture apart."""
    part = side.parts[i]
    slots = part.slots or part.inputs
    return [
        (slot, side.origin(name))
        for slot, name in zip(slots, part.inputs, strict=True)
        if slot and name in side.giver
    ]


def _differ(pairing: Pairing, s: tuple[int, int] | None, t: tuple[int, int] | None,
    displaced: tuple[set[int], set[int]] = (set(), set()),
) -> bool:  # fmt: skip
    """Are two sources known to be others? What was added, removed or moved says so itself."""
    if s is None or t is None:
        return s is not t
    a, b = pairing.first, pairing.second
    if s[0] in displaced[0] or t[0] in displaced[1]:
        return False
    return a.mate[s[0]] >= 0 and b.mate[t[0]] >= 0 and (a.mate[s[0]], s[1]) != (t[0], t[1])


def _shown_reads(side: Arrays, i: int) -> tuple[int, ...]:
    return tuple(s if s < side.count else side.count - 1 - s for s, _ in side.reads[i])
