"""Which elements of the tensors before do wanted elements of a node's outputs want?

The nodes' reads run backwards, as sets of indices per axis, clipped at every border on the way: what
lies in the padding is nothing. A tensor's wanted indices are a few *boxes* (a set per axis, their
product), so that paths that need different places stay apart until there are too many of them.

Subgraphs are gone through as they run. A loop's iterations are taken from the last to the first,
each of which wants of the one before what it carries on; of a loop that runs as often as the data
says, what any number of iterations want is added up until nothing is new. Of an If, both branches
that can run are read; what its condition hangs on decides, but isn't read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.fields.backwards import read_by
from cnnscope.analyzer.fields.boxes import Box, add_box, known_lengths, whole
from cnnscope.analyzer.model.graph import Node, captures, used_names
from cnnscope.analyzer.operators.reading import Nothing, Through
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads

Wanted = dict[str, list[Box]]  # by tensor, the elements that are wanted of it
#: what a node reads
Reads = Callable[[Node, Shapes], NodeReads]
#: iterations of a loop of unknown length, after which what it carries is taken to be wanted whole
MAX_ROUNDS = 4096
#: what one region's loops may cost, a node that is gone through once being about 1: some seconds
MAX_STEPS = 100_000
#: as many elements of sets as take as long as a node
STEP_ELEMENTS = 1 << 10


class _Walk:
    """One region's walk: what nodes read, and how many steps are left."""

    __slots__ = ("left", "reads")

    def __init__(self, reads: Reads) -> None:
        self.reads, self.left = reads, MAX_STEPS


def want_before(nodes: Sequence[Node], shapes: Shapes, wanted: Wanted, reads: Reads) -> None:
    """Add what nodes want of their inputs, from the last to the first, within one region's steps.

    Raises:
        ValueError: a size on the way isn't known, or there are too many steps.
    """
    _through_nodes(nodes, shapes, wanted, _Walk(reads))


def _through_nodes(nodes: Sequence[Node], shapes: Shapes, wanted: Wanted, walk: _Walk) -> None:
    for node in reversed(nodes):
        if any(wanted.get(name) for name in node.outputs) and not shapes.folded(node):
            _backwards(node, shapes, wanted, walk)


def _backwards(node: Node, shapes: Shapes, wanted: Wanted, walk: _Walk) -> None:
    if node.index in shapes.functions:
        body, inner = shapes.functions[node.index]
        inside = {name: list(wanted[name]) for name in node.outputs if wanted.get(name)}
        _through_nodes(body.nodes, inner, inside, walk)
        _want(shapes, wanted, {name: inside[name] for name in body.inputs if name in inside})
        return
    found = walk.reads(node, shapes)
    if found.through or node.bodies:
        for through in found.through:
            _Body(node, through, shapes, wanted, walk).run()
        if not found.through:  # not even which subgraph runs is known
            for name in dict.fromkeys(used_names(node)):
                if not shapes.tensors[name].constant:
                    lengths = known_lengths(shapes.tensors[name], name)
                    add_box(wanted.setdefault(name, []), whole(lengths))
        return
    for output, per_input in zip(node.outputs, found.outputs, strict=True):
        for box in wanted.get(output, ()):
            for name, read in zip(node.inputs, per_input, strict=True):
                if not name or isinstance(read, Nothing) or shapes.tensors[name].constant:
                    continue
                x = shapes.tensors[name]
                mine = wanted.setdefault(name, [])
                for one in read_by(box, read, x, shapes.tensors[output], name):
                    add_box(mine, one)
                    walk.left -= 1 + sum(map(len, one)) * len(mine) // STEP_ELEMENTS


def _want(shapes: Shapes, wanted: Wanted, more: Mapping[str, Sequence[Box]]) -> bool:
    """Add boxes to what is wanted; False where nothing is new."""
    new = False
    for name, boxes in more.items():
        if not shapes.tensors[name].constant:
            mine = wanted.setdefault(name, [])
            for box in boxes:
                before = [id(one) for one in mine]
                add_box(mine, box)
                new = new or [id(one) for one in mine] != before
    return new


def _same(one: Wanted, other: Wanted) -> bool:
    return one.keys() == other.keys() and all(
        len(mine) == len(other[name])
        and all(all(map(np.array_equal, a, b)) for a, b in zip(mine, other[name], strict=True))
        for name, mine in one.items()
    )


class _Body:
    """A subgraph, gone through as often as its node runs it.

    Args:
        node, through: the node, and how its outputs are read through one of its subgraphs.
        shapes, wanted: of the graph around.
        walk: that of the region.
    """

    def __init__(
        self, node: Node, through: Through, shapes: Shapes, wanted: Wanted, walk: _Walk
    ) -> None:
        self.node, self.through, self.shapes, self.wanted = node, through, shapes, wanted
        self.walk = walk
        self.graph = node.bodies[through.attribute]
        self.inner = shapes.bodies[node.index, through.attribute]
        self.names = list(self.graph.inputs)
        self.into = {
            into: out
            for out, into in through.carried
            if into < len(self.names) and out < len(self.graph.outputs)
        }

    def run(self) -> None:
        through = self.through
        ends = {
            place: list(self.wanted[name])
            for place, name in enumerate(self.node.outputs)
            if self.wanted.get(name) and place < len(through.outputs)
        }
        last = {
            target[0]: boxes
            for place, boxes in ends.items()
            if (target := through.outputs[place]) is not None and target[1] is None
        }
        stacks = len(ends) > len(last)
        trips = through.trips if through.carried or stacks else 1
        if trips is None:
            self.any_number(last)
            return
        state: Wanted = {}
        for out, into in through.carried:
            if out in last and into in self.into:
                state[self.names[into]] = last[out]
        alike = not stacks and not self.takes_slices()
        for k in reversed(range(trips)):
            asked: Wanted = {}
            for into, out in self.into.items():
                for box in state.get(self.names[into], ()):
                    add_box(asked.setdefault(self.graph.outputs[out], []), box)
            carried = set(self.into.values())
            for place, boxes in ends.items():
                which, axis = through.outputs[place] or (0, None)
                name = self.graph.outputs[which]
                if axis is not None:
                    at = through.filled(place, k)
                    slices = [(*b[:axis], *b[axis + 1 :]) for b in boxes if b[axis][at]]
                elif which not in carried and k == trips - 1:
                    slices = boxes
                else:
                    continue
                for box in slices:
                    add_box(asked.setdefault(name, []), box)
            before, state = state, self.once(asked, k)
            if alike and k < trips - 1 and _same(before, state):
                break  # and so are all that ran before it
        for into in self.into:
            self.enter(into, state.get(self.names[into], []))

    def takes_slices(self) -> bool:
        """An input of the body is another part of the node's in each iteration."""
        return any(source is not None and source[1] is not None for source in self.through.inputs)

    def any_number(self, last: Mapping[int, list[Box]]) -> None:
        """What the node's outputs want, however often the body runs."""
        state: Wanted = {}
        asked = {self.graph.outputs[out]: list(boxes) for out, boxes in last.items()}
        for out, into in self.through.carried:
            if out in last and into in self.into:
                state[self.names[into]] = list(last[out])
        most = self.through.most
        for _ in range(MAX_ROUNDS if most is None else min(max(most, 0), MAX_ROUNDS)):
            found = self.once({name: list(boxes) for name, boxes in asked.items()}, None)
            if not _want(self.inner, state, found):
                break
            for into, out in self.into.items():
                _want(self.inner, asked, {self.graph.outputs[out]: state.get(self.names[into], [])})
        else:
            for into in self.into if most is None or most > MAX_ROUNDS else ():
                name = self.names[into]
                state[name] = [whole(known_lengths(self.inner.tensors[name], name))]
        for into in self.into:
            self.enter(into, state.get(self.names[into], []))

    def once(self, asked: Wanted, k: int | None) -> Wanted:
        """One iteration: what it wants of the one before; what it takes from outside is added there."""
        self.walk.left -= 1 + len(self.graph.nodes) // 8
        if self.walk.left < 0:
            raise ValueError("the region lies behind more iterations than can be followed")
        # What one branch gives may be of another shape than what the other does.
        inside = {
            name: fitting
            for name, boxes in asked.items()
            if (fitting := [box for box in boxes if self.fits(name, box)])
        }
        _through_nodes(self.graph.nodes, self.inner, inside, self.walk)
        for name in captures(self.graph):
            if name in inside and name in self.shapes.tensors:
                _want(self.shapes, self.wanted, {name: inside[name]})
        for place, name in enumerate(self.names):
            if name in inside and place not in self.into:
                self.enter(place, inside[name], k)
        return {self.names[into]: inside.get(self.names[into], []) for into in self.into}

    def fits(self, name: str, box: Box) -> bool:
        """A box is one of the tensor's."""
        return known_lengths(self.inner.tensors[name], name) == tuple(map(len, box))

    def enter(self, place: int, boxes: Sequence[Box], k: int | None = None) -> None:
        """Add what is wanted of a body's input to what feeds it."""
        source = self.through.inputs[place] if place < len(self.through.inputs) else None
        if source is None or not boxes:
            return
        which, axis = source
        name = self.node.inputs[which] if which < len(self.node.inputs) else ""
        if not name:
            return
        if axis is not None:
            length = known_lengths(self.shapes.tensors[name], name)[axis]
            mask = np.ones(length, bool)
            if k is not None:
                mask[:] = False
                mask[self.through.taken(place, k)] = True
            boxes = [(*box[:axis], mask, *box[axis:]) for box in boxes]
        _want(self.shapes, self.wanted, {name: boxes})
