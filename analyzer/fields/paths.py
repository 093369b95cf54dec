"""Along which path does a layer see the most, along which the least, and what did its own step add?

What a tensor's units see is a union over paths (`fields`). Here it is taken apart again: what comes
through one input of one node alone, by the equations of Araujo, Norris & Sim (Distill 2019)::

    e = d*(k - 1) + 1,   r' = r + (e - 1)*S,   S' = S*s,   t' = t - p*S

(extent, size, step, start; d, k, s, p: dilation, kernel, stride and padding before of the window),
and, walking back from a layer, the path that makes its field the widest or the smallest (which is
what predicts unproductive layers, Richter et al. 2021). Along the widest, sizes are worked out anew
for that path alone; the narrowest is one of the single paths that `fields` follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from cnnscope.analyzer.fields.digits import Everything, Reach, as_field, width
from cnnscope.analyzer.fields.following import (
    Fields,
    Key,
    Paths,
    State,
    Term,
    initial_state,
    moved_through,
    way_size,
    within,
)
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.formulas import Formula
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Only, Upto, Whole
from cnnscope.analyzer.passes.reads import NodeReads, find_reads
from cnnscope.analyzer.passes.shapes import Shapes
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.phases import Phases, phases_dict
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Number, Window

#: so many layers ahead a choice between inputs is followed, until it shows in the size
MAX_AHEAD = 32


@dataclass(frozen=True, slots=True)
class Seen:
    """What the units of a tensor see of one network input's axis, in figures.

    The same figures as `ReceptiveField`'s, which says what each means; and `smallest_local`, the
    smallest size but for paths on which the axis was collapsed and all of the input is seen.
    """

    size: int | None
    phases: Phases | None = None
    center: Fraction | None = None
    output_axis: int | None = None
    global_: bool = False
    global_by: str | None = None
    local_size: int | None = None
    smallest_size: int | None = None
    smallest_local: int | None = None
    at_least: int | None = None

    @property
    def step(self) -> int | None:
        return None if self.phases is None else self.phases.step

    @property
    def start(self) -> int | None:
        return None if self.phases is None else self.phases.start

    @property
    def mean_step(self) -> Number | None:
        return None if self.phases is None else self.phases.mean_step

    def to_dict(self) -> dict[str, object]:
        return {
            "size": self.size,
            "step": self.step,
            "start": self.start,
            **phases_dict(self.phases),
            "global": self.global_,
            "local_size": self.local_size,
            "smallest_size": self.smallest_size,
        }


def find_seen(paths: Paths, length: int | None, units: Shape | None) -> Seen:
    """What the terms come to.

    Args:
        paths: the terms.
        length: of the network input's axis; None: not known.
        units: the shape of the tensor.
    """
    found = _figures(paths, length)
    moving = [term for term in paths.terms if term.digits]
    if found.phases is not None or not paths.known or not moving:
        return found
    if not found.global_ and any(term.at_least is not None for term in paths.terms):
        return found  # what else a unit sees isn't known
    fixed = [] if found.global_ else [term for term in paths.terms if not term.digits]
    return replace(found, phases=_phases(moving, fixed, units))


def _figures(paths: Paths, length: int | None) -> Seen:
    """What the terms come to, but for where the units look unless that is plain."""
    if len(paths.terms) == 1 and len(paths.terms[0].digits) == 1:
        return _seen_plainly(paths, length)
    moving = [term for term in paths.terms if term.digits]
    fixed = [term for term in paths.terms if not term.digits]
    local = max((width(term.digits) for term in moving), default=None)
    unknown = [t for t in fixed if t.at_least is not None]
    sees_all = [t for t in fixed if t.whole or (t not in unknown and _covers(t.fixed, length))]
    sizes = [local] if local is not None else []
    if sees_all:
        size = length
        reaches = [within(t.fixed, length) for t in fixed]
        if not moving and None not in reaches:  # e.g. rows that a stride left over aren't seen
            size = max(r for r in reaches if r is not None)
    else:
        sizes += [s for s in (within(t.fixed, length) for t in fixed) if s is not None]
        size = max(sizes, default=None)
    at_least = None
    if unknown or not paths.known:
        some = [t.at_least for t in unknown if t.at_least is not None]
        at_least = max([*some, *([local] if local is not None else [])], default=None)
        local = None
        if not sees_all:
            size = None
    # The first unit's window, along the paths that move with it where there are any.
    main = _main(paths)
    center, fine = None, None
    if main is not None:
        fine = min(main.digits, key=lambda digit: abs(Fraction(digit.field.step)))
        first = [digit.field.span(0) for digit in main.digits]
        if all(span is not None for span in first):
            center = sum((Fraction(sum(s), 2) for s in first if s is not None), Fraction(0))
    return Seen(
        size=size,
        center=center,
        output_axis=fine.axis if fine else None,
        global_=bool(sees_all),
        global_by=next((t.by for t in sees_all if t.by), None),
        local_size=local,
        smallest_size=_smallest(paths, length, paths.ways, (local, size)),
        smallest_local=_smallest(paths, length, _not_all(paths.ways, length), (local,)),
        at_least=None if size is not None else at_least,
    )


def _smallest(
    paths: Paths, length: int | None, ways: Sequence[Term], sizes: Sequence[int | None]
) -> int | None:
    """The smallest size along some single paths; None where one that may be it isn't followed.

    Args:
        sizes: of what is seen along all paths. A single path goes on beyond where others are laid
            beside it, which what is seen along all of them doesn't.
    """
    if not paths.known:
        return None
    known = [size for way in ways if (size := way_size(way, length)) is not None]
    if not known:
        return None
    found = min([*known, *(size for size in sizes if size is not None)])
    for way in ways:
        if way_size(way, length) is None and (way.least is None or way.least < found):
            return None
    return found


def _not_all(ways: tuple[Term, ...], length: int | None) -> Sequence[Term]:
    if all(way.digits for way in ways):
        return ways
    return [w for w in ways if w.digits or w.least is not None or not _covers(w.fixed, length)]


def _phases(moving: Sequence[Term], fixed: Sequence[Term], units: Shape | None) -> Phases | None:
    """Where each unit looks along paths that move with it, where that hangs on one axis."""
    axes = {digit.axis for term in moving for digit in term.digits}
    axis = axes.pop()
    if axes or axis < 0:
        return None
    count = units[axis] if units is not None and axis < len(units) else None
    length = count if isinstance(count, int) else None
    found: Field | None = None
    for term in moving:
        one = as_field(list(term.digits), count if count is not None else FreeDim.named("?"))
        found = one if found is None or one is None else found.union(one, length)
        if found is None:
            return None
    for term in fixed:
        if found is None or not isinstance(term.fixed, tuple) or length is None:
            return None
        if length > MAX_PERIOD:
            return None
        found = found.union(Field((term.fixed,) * length, 0, True), length)
    return None if found is None else found.phases(length)


def _seen_plainly(paths: Paths, length: int | None) -> Seen:
    """One axis that moves along another and nothing beside it, as in most layers of most nets: the
    same figures, without the sums and choices over terms."""
    ((digit,), known) = paths.terms[0].digits, paths.known
    field, span = digit.field, digit.field.span(0)
    plain = digit.div == 1 and digit.mod is None and len(field.spans) == 1 and not field.bounded
    phases = Phases(1, field.advance, field.spans) if known and plain else None
    return Seen(
        size=field.size if known else None,
        phases=phases,
        center=None if span is None else Fraction(span[0] + span[1], 2),
        output_axis=digit.axis,
        local_size=field.size,
        smallest_size=_smallest(paths, length, paths.ways, (field.size,)),
        smallest_local=_smallest(paths, length, _not_all(paths.ways, length), (field.size,)),
    )


def unclipped(paths: Paths, unit: Sequence[int | None]) -> Span | None:
    """What one unit sees along the widest path that moves with it, before clipping."""
    main = _main(paths)
    if main is None:
        return None
    lo = hi = 0
    for digit in main.digits:
        index = unit[digit.axis] if 0 <= digit.axis < len(unit) else None
        if index is None:
            return None
        value = index // digit.div
        span = digit.field.span(value if digit.mod is None else value % digit.mod)
        if span is None:
            return None
        lo, hi = lo + span[0], hi + span[1]
    return lo, hi


def moving_axes(fields: Fields, tensor: str) -> list[int]:
    """A tensor's axes that move along a spatial axis of an input."""
    axes = {
        digit.axis
        for key, paths in fields.states.get(tensor, {}).items()
        if key in fields.spatial
        for term in paths.terms
        for digit in term.digits
    }
    return sorted(axes)


def whole_unit(
    fields: Fields, tensor: str, rank: int | None, unit: Sequence[int | None]
) -> list[int | None]:
    """A unit given by an index per axis, or per axis that moves, as an index per axis.

    Raises:
        ValueError: it has another number of indices.
    """
    whole = list(unit)
    if rank is None or len(unit) == rank:
        return whole
    axes = moving_axes(fields, tensor)
    if len(unit) != len(axes):
        raise ValueError(
            f"{tensor!r} has {rank} axes, {len(axes)} of them spatial: "
            f"a unit of {len(unit)} indices fits neither"
        )
    whole = [None] * rank
    for axis, index in zip(axes, unit, strict=True):
        whole[axis] = index
    return whole


def _main(paths: Paths) -> Term | None:
    moving = [term for term in paths.terms if term.digits]
    return max(moving, key=lambda term: width(term.digits), default=None)


def _covers(reach: Reach, length: int | None) -> bool:
    if isinstance(reach, Everything):
        return True
    return reach is not None and length is not None and reach[0] <= 0 and reach[1] >= length - 1


# -- one node's step ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldStep:
    """What one input of a layer brings to its field along one axis of a network input.

    Args:
        tensor: the layer's input.
        tensor_axis: its axis that is read; None where its units all see the same, or several axes
            together tell what is seen.
        input, axis: the network input's.
        before, after: the field of that input, and of the layer through that input alone.
        read: how it is read: ``"window"``, ``"whole"``, ``"listed"``, ``"scan"``, ``"fixed"``,
            ``"reshape"``, ``"subgraph"``, ``"unknown"``.
        window: of a read through a window.
        equations: by what they give (``extent``, ``size``, ``step``, ``start``); of plain windows.
    """

    tensor: str
    tensor_axis: int | None
    input: str
    axis: int
    before: Seen
    after: Seen | None
    read: str
    window: Window | None = None
    equations: Mapping[str, Formula] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return {
            "tensor": self.tensor,
            "tensor_axis": self.tensor_axis,
            "input": self.input,
            "axis": self.axis,
            "before": self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "read": self.read,
            "window": None if self.window is None else window_dict(self.window),
            "equations": {name: f.to_dict() for name, f in self.equations.items()},
        }


def window_dict(window: Window) -> dict[str, object]:
    """A window as JSON has it, fractions as text."""
    parts = {
        "size": window.size, "stride": window.stride, "dilation": window.dilation,
        "before": window.before, "after": window.after,
    }  # fmt: skip
    plain = {k: str(v) if isinstance(v, Fraction) else v for k, v in parts.items()}
    return {**plain, "outside": window.outside}


def find_steps(graph: Graph, shapes: Shapes, fields: Fields, node: Node) -> tuple[FieldStep, ...]:
    """What each input brings to the field of a node's first output."""
    output = next((i for i, name in enumerate(node.outputs) if name), None)
    if output is None:
        return ()
    reads = _reads(node, shapes, fields)
    found = []
    for tensor in dict.fromkeys(used_names(node)):
        state = fields.states.get(tensor, {})
        for key in _spatial(state, fields):
            moved = _moved(node, reads, graph, shapes, {key: state[key]}, tensor, output)
            length = _length(shapes, key)
            before = find_seen(state[key], length, shapes.tensors[tensor].shape)
            if moved is None:
                found.append(FieldStep(tensor, None, *key, before, None, "subgraph"))
                continue
            units = shapes.tensors[node.outputs[output]].shape
            after = find_seen(moved[key], length, units) if key in moved else None
            way = reads.outputs[output][list(node.inputs).index(tensor)]
            main = _main(state[key])
            axes = {digit.axis for digit in main.digits} if main is not None else set()
            axis = axes.pop() if len(axes) == 1 else None
            kind, window = _told(way, axis)
            equations = {}
            if window is not None and main is not None and after is not None:
                equations = _equations(main, window, after)
            found.append(FieldStep(tensor, axis, *key, before, after, kind, window, equations))
    return tuple(found)


def _told(read: object, axis: int | None) -> tuple[str, Window | None]:
    if isinstance(read, Flat):
        return "reshape", None
    if not isinstance(read, tuple):
        return "unknown", None
    if axis is None or axis < 0:
        return "fixed", None
    way = read[axis]
    if isinstance(way, Along):
        return "window", way.window
    names = {Whole: "whole", Listed: "listed", Upto: "scan", Only: "fixed"}
    return names.get(type(way), "unknown"), None


def _equations(main: Term, window: Window, after: Seen) -> dict[str, Formula]:
    """The step as equations with numbers in, where everything in them is a whole number."""
    s, p, d, k = window.stride, window.before, window.dilation, window.size
    (digit, *more) = main.digits
    plain = not more and digit.div == 1 and digit.mod is None
    spans = digit.field.spans
    if not (plain and len(spans) == 1 and spans[0] is not None and not digit.field.bounded):
        return {}
    if not (isinstance(s, int) and isinstance(p, int) and isinstance(d, int)) or s < 1 or d < 1:
        return {}
    r, step, start = digit.field.size, digit.field.advance, spans[0][0]
    e = d * (k - 1) + 1
    found = {
        "extent": Formula("d*(k - 1) + 1", {"d": d, "k": k}, e),
        "size": Formula("r + (e - 1)*S", {"r": r, "e": e, "S": step}, r + (e - 1) * step),
        "step": Formula("S*s", {"S": step, "s": s}, step * s),
        "start": Formula("t - p*S", {"t": start, "p": p, "S": step}, start - p * step),
    }
    told = (found["size"].result, found["step"].result, found["start"].result)
    return found if told == (after.local_size, after.step, after.start) else {}


# -- paths -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathStep:
    """A layer on a path, and the size of its field along this path alone."""

    layer: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FieldPath:
    """The way from a network input to a layer that makes its field the largest or the smallest.

    Args:
        input, axis: the network input's.
        which: ``"largest"`` or ``"smallest"``.
        steps: the layers on it, the explained one last.
    """

    input: str
    axis: int
    which: str
    steps: tuple[PathStep, ...]

    @property
    def size(self) -> int | None:
        """The size at the end."""
        return self.steps[-1].size if self.steps else None

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input,
            "axis": self.axis,
            "which": self.which,
            "size": self.size,
            "steps": [{"layer": step.layer, "size": step.size} for step in self.steps],
        }


def find_paths(graph: Graph, shapes: Shapes, fields: Fields, tensor: str) -> tuple[FieldPath, ...]:
    """Per network input and axis that a tensor sees, its largest and its smallest path."""
    state = fields.states.get(tensor, {})
    found = []
    for key in _spatial(state, fields):
        hops = _hops(graph, shapes, fields, tensor, key)
        if hops:
            steps = tuple(_along_path(graph, shapes, fields, key, hops))
            found.append(FieldPath(*key, "largest", steps))
        steps = _smallest_path(graph, shapes, fields, tensor, key)
        if steps:
            found.append(FieldPath(*key, "smallest", steps))
    return tuple(found)


def _smallest_path(
    graph: Graph, shapes: Shapes, fields: Fields, tensor: str, key: Key
) -> tuple[PathStep, ...]:
    """The layers along the path whose size is the smallest, which has to be known."""
    length = _length(shapes, key)
    steps: list[PathStep] = []
    name, way = tensor, _least_way(fields.states[tensor][key], length)
    while way is not None and name != key[0]:
        node = graph.producers.get(name)
        if node is None:
            return ()
        seen = _figures(fields.states[name][key], length)
        sizes = [way_size(way, length), seen.local_size, seen.size]
        steps.append(PathStep(node.name, min(size for size in sizes if size is not None)))
        name, way = _before(graph, shapes, fields, node, key, way, node.outputs.index(name))
    return tuple(steps[::-1])


def _least_way(paths: Paths, length: int | None) -> Term | None:
    if _figures(paths, length).smallest_size is None:
        return None
    sizes = [(way_size(way, length), way) for way in paths.ways]
    known = [(size, i) for i, (size, _) in enumerate(sizes) if size is not None]
    return sizes[min(known)[1]][1] if known else None


def _before(
    graph: Graph, shapes: Shapes, fields: Fields, node: Node, key: Key, way: Term, output: int
) -> tuple[str, Term | None]:
    """By which input of a node a single path comes, and what it was there."""
    reads, length = _reads(node, shapes, fields), _length(shapes, key)
    inside: list[tuple[int, str, Term]] = []
    for given in dict.fromkeys(used_names(node)):
        paths = fields.states.get(given, {}).get(key)
        if paths is None:
            continue
        for before in paths.ways:
            moved = _moved(node, reads, graph, shapes, {key: Paths((before,))}, given, output)
            if moved is None:  # through a subgraph: by the input that sees the least
                size = way_size(before, length)
                inside += [] if size is None else [(size, given, before)]
            elif key in moved and any(_alike(way, after) for after in moved[key].ways):
                return given, before
    if not inside:
        return "", None
    _, given, before = min(inside, key=lambda found: found[0])
    return given, before


def _alike(a: Term, b: Term) -> bool:
    return a.digits == b.digits and a.fixed == b.fixed


_Hop = tuple[Node, str, int]  # the node, the tensor it is entered by, the output it is left by


def _hops(graph: Graph, shapes: Shapes, fields: Fields, tensor: str, key: Key) -> list[_Hop]:
    """Back from a tensor to the network input, each time through the input that decides."""
    length = _length(shapes, key)
    hops: list[_Hop] = []
    name = tensor
    while name != key[0]:
        node = graph.producers.get(name)
        if node is None:
            return []
        output = node.outputs.index(name)
        reads = _reads(node, shapes, fields)
        ways: list[tuple[str, State, State]] = []
        for given in dict.fromkeys(used_names(node)):
            state = fields.states.get(given, {})
            if key not in state:
                continue
            before = {key: state[key]}
            moved = _moved(node, reads, graph, shapes, before, given, output)
            after = before if moved is None else moved
            if key in after:
                ways.append((given, before, after))
        if not ways:
            return []
        # Where inputs move along different axes (queries and keys), what follows tells them apart.
        for ahead in hops[: -MAX_AHEAD - 1 : -1]:
            if len({_places(after.get(key)) for _, _, after in ways}) < 2:
                break
            ways = [
                (given, before, _followed(graph, shapes, fields, after, ahead))
                for given, before, after in ways
            ]
        best = max(
            (way for way in ways if key in way[2]),
            key=lambda way: _rank(
                _figures(way[2][key], length), _figures(way[1][key], length), length
            ),
            default=ways[0],
        )
        hops.append((node, best[0], output))
        name = best[0]
    return hops[::-1]


def _places(paths: Paths | None) -> frozenset[tuple[tuple[int, int, int | None], ...]]:
    """Along what the paths move."""
    terms = () if paths is None else paths.terms
    return frozenset(term.places for term in terms)


def _followed(graph: Graph, shapes: Shapes, fields: Fields, state: State, hop: _Hop) -> State:
    """What becomes of a state on the next hop."""
    node, given, output = hop
    moved = _moved(node, _reads(node, shapes, fields), graph, shapes, state, given, output)
    return state if moved is None else moved


def _rank(after: Seen, before: Seen, length: int | None) -> tuple[int, int, int]:
    """Which input decides: by what is seen through it, then by what it sees itself."""
    # Who sees everything sees the most, however far another path's window sticks out.
    size = after.size if after.size is not None else length or 0
    return int(after.global_), size, max(before.local_size or 0, before.size or 0)


def _along_path(
    graph: Graph, shapes: Shapes, fields: Fields, key: Key, hops: Sequence[_Hop]
) -> Iterator[PathStep]:
    """The sizes along one path alone, from the input to the layer."""
    first = initial_state(key[0], shapes.tensors[key[0]])
    state: State = {key: first[key]}
    length = _length(shapes, key)
    for node, given, output in hops:
        moved = _moved(node, _reads(node, shapes, fields), graph, shapes, state, given, output)
        if moved is None:  # a subgraph: from here on along all of its paths
            inside = fields.states.get(node.outputs[output], {})
            moved = {key: inside[key]} if key in inside else {}
        state = moved
        if key not in state:
            yield PathStep(node.name, None)
            continue
        yield PathStep(node.name, _figures(state[key], length).size)


def _moved(
    node: Node,
    reads: NodeReads,
    graph: Graph,
    shapes: Shapes,
    state: State,
    tensor: str,
    output: int,
) -> State | None:
    """What is seen through a tensor alone; None: through a subgraph, which may capture it."""
    if tensor not in node.inputs:
        return None
    return moved_through(node, reads, graph, shapes, state, tensor, output)


def _reads(node: Node, shapes: Shapes, fields: Fields) -> NodeReads:
    return fields.reads.get(node.index) or find_reads(node, shapes)


def _spatial(state: State, fields: Fields) -> list[Key]:
    return sorted((key for key in state if key in fields.spatial), key=lambda key: key[1])


def _length(shapes: Shapes, key: Key) -> int | None:
    shape = shapes.tensors[key[0]].shape
    length = shape[key[1]] if shape is not None else None
    return length if isinstance(length, int) else None
