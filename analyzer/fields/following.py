"""What does each unit see of the network's inputs?

One walk over the nodes in running order. For every tensor, network input and input axis a few
*terms* are kept, whose union a unit sees. A term says where the seen positions lie as a function of
the unit's indices::

    (1)   { p_1 + ... + p_n : p_i in field_i(digit_i(u)) },
          digit(u) = (u[axis] // div) % mod

A plain convolutional net has one digit per axis (div 1, no mod) and one `Field`: equation (1) of
`field`. Splitting an axis (patches, window attention, pixel shuffle by Reshape) makes digits of one
axis into digits of several, merging makes them digits of one, so that what Reshape takes apart and
puts together again is exact. A term without digits is the same for every unit: the axis has been
*collapsed*, by a named node. "All paths" is the union of all terms; "local" leaves the collapsed
ones out (squeeze-and-excitation multiplies a global term onto a local one).

Joins: union of spans where two terms have the same digits; not *aligned* where step or centre
differ (Araujo, Norris & Sim, Distill 2019).

Beside the union, the single paths from the input are followed each by itself, for the smallest of
them says which layers can add something (Richter et al. 2021). Of two paths that hang on the unit
alike, one is left out where the other stays the smaller whatever is read next (`narrower`); a path
with a smaller size and a larger step is kept, it may win or lose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from cnnscope.analyzer.fields.digits import (
    EVERYTHING,
    ITERATION,
    Digit,
    Digits,
    Everything,
    Reach,
    apply_read,
    as_field,
    narrowest,
    reach_sum,
    width,
)
from cnnscope.analyzer.fields.reshapes import reshape
from cnnscope.analyzer.fields.spelt_padding import spelt_border
from cnnscope.analyzer.model.graph import Graph, Node, captures, used_names
from cnnscope.analyzer.operators.likeness import Answers
from cnnscope.analyzer.operators.reading import (
    Along,
    Coupled,
    Flat,
    Listed,
    Nothing,
    Only,
    Through,
    Upto,
    Whole,
    straight,
)
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, find_reads
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.narrower import moves_like, narrower
from cnnscope.analyzer.values.spans import hull
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import POINT

Key = tuple[str, int]  # network input, axis

#: a loop of known length is followed iteration by iteration up to this many
MAX_TRIPS = 64
#: units times parts of what is concatenated: each part is laid beside the others unit by unit
MAX_LAID_OUT = 1 << 20
#: more different ways to hang on the unit than this are given as their common hull
MAX_TERMS = 4
#: single paths that are followed; a wider one beyond them isn't
MAX_WAYS = 8
#: Spans kept for a whole model, and more per node; an input axis counts as `AXIS_SPANS` of them. A
#: layer behind a thousand inputs sees something of each, and so does every layer behind it: without
#: an end, the answer would be as large as layers times inputs.
MAX_SPANS, NODE_SPANS, AXIS_SPANS = 1 << 21, 128, 4


@dataclass(frozen=True, slots=True)
class Term:
    """One way a unit depends on an input axis, equation (1).

    Args:
        digits: none: every unit sees the same, `fixed`.
        fixed: of a collapsed term: what is seen.
        by: the node that collapsed the axis.
        whole: it did so by reading all of it.
        least: of a single path that couldn't be followed further: what its units see at least.
        at_least: of a term that couldn't be followed further: what some unit sees at least. What it
            sees besides isn't known; it lies within `fixed`.
        stretch: of a single path: the only units, from and to before, that see anything along it.
    """

    digits: Digits
    fixed: Reach = None
    by: str | None = None
    whole: bool = False
    least: int | None = None
    stretch: tuple[int, int] | None = None
    at_least: int | None = None

    @property
    def places(self) -> tuple[tuple[int, int, int | None], ...]:
        return tuple([(d.axis, d.div, d.mod) for d in self.digits])


@dataclass(frozen=True, slots=True)
class Paths:
    """What the units of a tensor see of one input axis: the union of the terms.

    Args:
        terms: along all paths.
        aligned: no paths were joined that differ in step or centre.
        known: every term is.
        single: the single paths that may turn out the smallest; None: the terms are those.
    """

    terms: tuple[Term, ...]
    aligned: bool = True
    known: bool = True
    single: tuple[Term, ...] | None = None

    @property
    def ways(self) -> tuple[Term, ...]:
        """The single paths that may turn out the smallest."""
        return self.terms if self.single is None else self.single


State = dict[Key, Paths]
NONE: State = {}


class Unfollowed(State):
    """The state of a tensor behind the point where following the fields was given up.

    It has every axis of every input, as one of which nothing is known, not even whether it is seen;
    whoever shows it may leave them out.
    """


@dataclass
class Room:
    """How many spans may still be kept; the bodies of a graph share its room.

    Args:
        left: how many.
        lost: the state of every tensor that is given by a layer after they ran out.
        ended: the layer where they did.
        lengths: of the network inputs' axes, where they are known.
    """

    left: int
    lost: Unfollowed
    ended: str | None = None
    lengths: dict[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fields:
    """For every tensor of a graph, what its units see.

    Args:
        states: tensor name to (network input, axis) to its paths.
        spatial: the input axes that some node looks along (as against batch and channels).
        diagnostics: misaligned joins, and axes that couldn't be followed.
        reads: node index to what its outputs read, for the nodes that were gone through.
        bordered: tensors that are another one with its border spelt out, and which.
        misaligned: by the name and operator of a join, the axes along which it joins fields that
            don't line up, with two of them.
        rounds: how often a loop's body may be gone through.
        room: how much more may be kept.
    """

    states: dict[str, State]
    spatial: set[Key] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    reads: dict[int, NodeReads] = field(default_factory=dict)
    bordered: dict[str, str] = field(default_factory=dict)
    misaligned: dict[tuple[str, str], dict[Key, tuple[Field, Field]]] = field(default_factory=dict)
    rounds: int = MAX_TRIPS
    room: Room = field(default_factory=lambda: Room(MAX_SPANS, Unfollowed()))


def find_fields(
    graph: Graph,
    shapes: Shapes,
    given: Mapping[str, State] | None = None,
    rounds: int = MAX_TRIPS,
    room: Room | None = None,
) -> Fields:
    """The fields of every tensor.

    Args:
        graph: main graph or body.
        shapes: its shapes.
        given: for a body, the states of its inputs and of what it captures.
        rounds: how often a loop's body may be gone through here; loops in loops share it.
        room: how much may be kept; for a body, what is left of the graph's.
    """
    room = room or Room(MAX_SPANS + NODE_SPANS * len(graph.nodes), Unfollowed())
    found = Fields(dict(given or {}), rounds=rounds, room=room)
    if given is None:
        for name in graph.inputs:
            x = shapes.tensors[name]
            found.states[name] = initial_state(name, x)
            for axis, length in enumerate(x.shape or ()):
                if isinstance(length, int):
                    room.lengths[name, axis] = length
    answers: Answers[NodeReads] = Answers(shapes.alike)
    for node in graph.nodes:
        if shapes.folded(node):
            continue
        if not node.bodies and not any(map(found.states.get, node.inputs)):
            continue
        if room.ended is None:
            _Step(node, graph, shapes, found, answers).run()
            _keep(node, found, room)
        if room.ended is not None:
            _give_up(node, found)
    if given is None:
        found.diagnostics.extend(_misaligned(found))
    if given is None and room.ended is not None:
        found.diagnostics.append(
            Diagnostic("fields-not-followed", "warning", room.ended,
                       "what the layers see of the inputs grows beyond all measure: receptive fields "
                       "aren't followed from here on", "")
        )  # fmt: skip
    return found


def _misaligned(found: Fields) -> Iterator[Diagnostic]:
    """The joins of fields that don't line up along an axis that is looked along: each once."""
    for (name, title), axes in found.misaligned.items():
        told: dict[tuple[str, str], list[int]] = {}
        for key, (a, b) in axes.items():
            if key in found.spatial:
                told.setdefault((key[0], _apart(a, b)), []).append(key[1])
        if not told:
            continue
        where = "; ".join(
            f"along ax{'e' if len(which) > 1 else 'i'}s {' and '.join(map(str, sorted(which)))} of "
            f"input {source}, {how}"
            for (source, how), which in told.items()
        )
        yield Diagnostic(
            "misaligned-paths", "info", name,
            f"{title} joins paths whose receptive fields don't line up: {where}",
            "what is added or concatenated belongs to different places of the input",
        )  # fmt: skip


def _apart(a: Field, b: Field) -> str:
    """In what two fields that don't line up differ."""
    sizes = f"sizes {a.size} and {b.size}"
    if a.middle is not None and b.middle is not None:
        if Fraction(a.step) != Fraction(b.step):
            return f"{sizes}, units {abs(a.step)} and {abs(b.step)} px apart"
        apart = abs(a.middle - b.middle)
        return f"{sizes}, middles {_decimal(apart)} px apart"
    for unit in range(max(len(a.spans), len(b.spans))):
        mine, theirs = a.span(unit), b.span(unit)
        if mine is not None and theirs is not None and sum(mine) != sum(theirs):
            return f"{sizes}, unit {unit} sees {mine[0]}..{mine[1]} and {theirs[0]}..{theirs[1]}"
    return f"{sizes}, of other units"


def _decimal(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def _keep(node: Node, found: Fields, room: Room) -> None:
    """Take what the node's outputs keep off the room."""
    for name in node.outputs:
        state = found.states.get(name)
        if state:
            room.left -= AXIS_SPANS * len(state)
            for paths in state.values():
                for term in paths.terms:
                    for digit in term.digits:
                        room.left -= len(digit.field.spans)
    if room.left < 0:
        room.ended = node.name


def _give_up(node: Node, found: Fields) -> None:
    """What the node's outputs see isn't known, unless its inputs see nothing."""
    lost = found.room.lost
    if not lost:
        axes = {key: Paths((), True, False) for s in found.states.values() for key in s}
        lost.update(axes)
    seen = any(found.states.get(name) for name in used_names(node))
    for name in node.outputs:
        if name:
            found.states[name] = lost if seen else NONE


def moved_through(
    node: Node,
    reads: NodeReads,
    graph: Graph,
    shapes: Shapes,
    state: State,
    name: str,
    output: int = 0,
) -> State | None:
    """What a node's output sees through one of its inputs alone.

    Args:
        reads: the node's.
        state: what the units of that input see; not necessarily along all paths.
        name: the input, which the node may take several times.
        output: which of the node's outputs.

    Returns:
        None where a subgraph or a function's body lies between them.
    """
    if node.index in shapes.functions or reads.through:
        return None
    given, row = shapes.tensors[node.outputs[output]], reads.outputs[output]
    step = _Step(node, graph, shapes, Fields({name: state}), Answers(shapes.alike))
    if node.inputs.count(name) != 1:
        return step.output(given, row)
    read = row[node.inputs.index(name)]
    if isinstance(read, Nothing):
        return {}
    moved = {}
    for key, paths in state.items():
        found, _ = step.moved(key, paths, shapes.tensors[name], given, read)
        if found.terms or not found.known:
            moved[key] = found
    return moved


def initial_state(name: str, x: Tensor) -> State:
    """What the elements of a network input see: themselves."""
    return {(name, axis): Paths((_whole_axis(axis),)) for axis in range(len(x.shape or ()))}


def _whole_axis(axis: int) -> Term:
    return Term((Digit(axis, 1, None, Field()),))


class _Step:
    """One node: the states of its outputs from those of its inputs."""

    def __init__(
        self, node: Node, graph: Graph, shapes: Shapes, found: Fields, answers: Answers[NodeReads]
    ) -> None:
        self.node, self.graph, self.shapes, self.found = node, graph, shapes, found
        self.answers = answers

    def run(self) -> None:
        node, states = self.node, self.found.states
        if node.index in self.shapes.functions:
            body, inner = self.shapes.functions[node.index]
            given = {name: states.get(name, NONE) for name in body.inputs}
            result = self.nested(body, inner, given)
            for name in node.outputs:
                if name:
                    states[name] = result.states.get(name, NONE)
            return
        reads = self.answers.of(node, find_reads, node, self.shapes)
        self.found.reads[node.index] = reads
        if reads.fault is not None:
            self.found.diagnostics.append(reads.fault)
        if reads.through:
            self.through(reads.through)
            return
        for name, per_input in zip(node.outputs, reads.outputs, strict=True):
            if name:
                output = self.shapes.tensors[name]
                bordered = self.bordered(name, output, per_input)
                states[name] = self.output(output, per_input) if bordered is None else bordered

    def nested(
        self, body: Graph, inner: Shapes, given: Mapping[str, State], times: int = 1
    ) -> Fields:
        result = find_fields(body, inner, given, self.found.rounds // times, self.found.room)
        self.found.spatial.update(result.spatial)
        for join, axes in result.misaligned.items():
            self.found.misaligned[join] = {**axes, **self.found.misaligned.get(join, {})}
        self.found.diagnostics.extend(
            d for d in result.diagnostics if d not in self.found.diagnostics
        )
        return result

    # -- one output from all inputs ----------------------------------------------------------

    def bordered(self, name: str, output: Tensor, per_input: Sequence[KnownRead]) -> State | None:
        """What an output sees that is another tensor with its border spelt out: as behind a padding."""
        if not _longer(self.node, self.shapes, output, per_input):
            return None
        border = spelt_border(
            self.node, output, per_input, self.graph, self.shapes, self.found.reads
        )
        if border is None:
            return None
        self.found.bordered[name] = border.source
        x = self.shapes.tensors[border.source]
        result: State = {}
        for key, paths in self.found.states.get(border.source, NONE).items():
            moved, _ = self.moved(key, paths, x, output, border.read)
            if moved.terms or not moved.known:
                result[key] = moved
        return result

    def output(self, output: Tensor, per_input: Sequence[KnownRead]) -> State:
        states, tensors = self.found.states, self.shapes.tensors
        given = []
        first, alike = None, True  # is all of it what one state says?
        for name, read in zip(self.node.inputs, per_input, strict=True):
            state = states.get(name) if name else None
            if not state or isinstance(read, Nothing):
                continue
            x = tensors[name]
            unmoved = _unmoved(x, output, read)
            given.append((state, x, read, unmoved))
            first = first or state
            alike = alike and unmoved and state is first
        # Most nodes hand on what they see, or add up what is seen alike: states are values, so
        # that of the input serves.
        if first is not None and alike and all(map(_settled, first.values())):
            return first
        joined: dict[Key, list[tuple[Paths, _Piece | None]]] = {}
        pieces = False
        for state, x, read, unmoved in given:
            for key, paths in state.items():
                moved, piece = (paths, None) if unmoved else self.moved(key, paths, x, output, read)
                if moved.terms or not moved.known:
                    joined.setdefault(key, []).append((moved, piece))
                    pieces = pieces or piece is not None
        stretches = [parts for parts in joined.values() if _laid_out(parts)] if pieces else []
        length = max((p.length for parts in stretches for _, p in parts if p), default=0)
        crowded = length > MAX_PERIOD or length * sum(map(len, stretches)) > MAX_LAID_OUT
        if crowded:
            self.found.diagnostics.append(
                Diagnostic("axis-not-followed", "info", self.node.name,
                           f"{self.node.title} joins {len(given)} parts along an axis: too many units to "
                           "say what each of them sees", "")
            )  # fmt: skip
        result: State = {}
        for key, parts in joined.items():
            seen, piece = parts[0]
            if len(parts) == 1:
                # Beside what doesn't depend on the input (a class token) stands only a stretch.
                same = piece is None or not _shared(piece, per_input)
            else:
                same = all(paths is seen and piece is None for paths, piece in parts)
            if same and _settled(seen):
                result[key] = seen
            elif crowded and _laid_out(parts):
                result[key] = Paths((), all(paths.aligned for paths, _ in parts), False)
            else:
                result[key] = self.join(key, parts, output)
        return result

    def moved(
        self, key: Key, paths: Paths, x: Tensor, output: Tensor, read: KnownRead
    ) -> tuple[Paths, _Piece | None]:
        if read is None or (isinstance(read, tuple) and _outside(paths, len(read))):
            some = _at_least(paths.terms)
            unknown = Term((), EVERYTHING, self.node.name, at_least=some, least=1)
            return Paths((unknown,), paths.aligned, False), None
        if len(paths.terms) == 1 and paths.single is None:
            (term,) = paths.terms
            if not term.digits:
                return paths, None
            if isinstance(read, tuple) and len(term.digits) == 1:
                axis = term.digits[0].axis
                along = read[axis] if 0 <= axis < len(read) else None
                if (
                    isinstance(along, Along)
                    and along.window is POINT
                    and along.axis == axis
                    and x.shape is not None
                    and output.shape is not None
                    and x.shape[axis : axis + 1] == output.shape[axis : axis + 1]
                ):
                    return paths, None  # a batch or channel axis, read index by index
        self.noticed(key, paths.terms, x, output, read)
        terms = self.moved_terms(paths.terms, x, output, read)
        if paths.single is None:
            single = terms
        else:
            single = self.moved_terms(paths.single, x, output, read)
        piece = None
        if isinstance(read, tuple):
            pieces = (_piece(term, x, output, read) for term in paths.terms if term.digits)
            piece = next((piece for piece in pieces if piece is not None), None)
        if terms is paths.terms and single is paths.ways:
            return paths, piece
        found = _gathered(terms)
        if len(single) > 1:
            single = self.narrowest(key, single, output)
        return Paths(found, paths.aligned, paths.known, _single(found, single)), piece

    def moved_terms(
        self, terms: tuple[Term, ...], x: Tensor, output: Tensor, read: KnownRead
    ) -> tuple[Term, ...]:
        """The terms behind a read; those that it leaves out are gone."""
        found = [
            term if not term.digits
            else self.reshaped(term, x.shape, output.shape) if isinstance(read, Flat)
            else self.stepped(term, x, output, read) if isinstance(read, Coupled) and read.steps
            else self.read_term(term, x, output, read)
            for term in terms
        ]  # fmt: skip
        if all(new is term for new, term in zip(found, terms, strict=True)):
            return terms
        return tuple([term for term in found if term is not None])

    def noticed(
        self, key: Key, terms: Sequence[Term], x: Tensor, output: Tensor, read: KnownRead
    ) -> None:
        """Is the input's axis one that is looked along? Is it one that can't be followed further?"""
        for digits in (term.digits for term in terms if term.digits):
            if isinstance(read, Flat):
                found, _, lost = reshape(digits, x.shape, output.shape)
                measured = x.shape is not None and all(isinstance(d, int) for d in x.shape)
                if (found is not None and len(found) > len(digits)) or (lost and measured):
                    self.found.spatial.add(key)  # cut into patches
                if lost:
                    self.found.diagnostics.append(
                        Diagnostic("axis-not-followed", "info", self.node.name,
                                   f"{self.node.title} rearranges an axis in a way that isn't "
                                   "followed: what is behind it sees at least what one of its units "
                                   "saw, and may see all of the input", "")
                    )  # fmt: skip
                continue
            assert x.shape is not None and isinstance(read, tuple)
            for digit in digits:
                if digit.axis >= 0 and _looks_along(read[digit.axis], x.shape[digit.axis]):
                    self.found.spatial.add(key)

    def stepped(self, term: Term, x: Tensor, output: Tensor, read: Coupled) -> Term | None:
        """Through what lies between; where that isn't followed, axis by axis."""
        digits: Digits | None = term.digits
        shape: Shape | None = x.shape
        lost = term.stretch is not None or shape is None
        for step, behind in read.steps:
            if lost or not digits or shape is None:
                break
            if isinstance(step, Flat):
                digits, _, lost = reshape(digits, shape, behind)
            else:
                digits, _ = apply_read(digits, shape, behind, step)
            shape = behind
        if lost or not digits or not all(d.field.size for d in digits):
            return self.read_term(term, x, output, read)
        return Term(digits)

    def read_term(self, term: Term, x: Tensor, output: Tensor, read: KnownRead) -> Term | None:
        assert x.shape is not None and isinstance(read, tuple)
        if isinstance(read, Coupled) and not read.vague.isdisjoint(d.axis for d in term.digits):
            # A list of what each unit sees would be as long as all output axes together.
            told = Diagnostic(
                "axis-not-followed", "info", self.node.name,
                f"{self.node.title} reads an axis at places that hang on several output axes: what its "
                "units see isn't followed further", ""
            )  # fmt: skip
            if told not in self.found.diagnostics:
                self.found.diagnostics.append(told)
            least = narrowest(term.digits)
            return Term((), EVERYTHING, self.node.name, False, least, at_least=least)
        stretch = None
        if term.stretch is not None:
            axis = term.digits[0].axis
            stretch, way = _stretched(term.stretch, read[axis])
            if stretch == (0, 0):
                return None
            read = (*read[:axis], way, *read[axis + 1 :])
        digits, rest = apply_read(term.digits, x.shape, output.shape, read)
        if digits is None or (digits and not all(d.field.size for d in digits)):
            return None
        if digits is term.digits and stretch == term.stretch:
            return term
        if digits:
            return Term(digits, stretch=stretch)
        whole = any(
            isinstance(read[d.axis], Whole | Upto) and x.shape[d.axis] != 1
            for d in term.digits
            if d.axis >= 0
        )
        if any(isinstance(read[d.axis], Whole | Upto | Only) for d in term.digits):
            return Term((), rest, self.node.name, whole)
        least = narrowest(term.digits)
        if not any(isinstance(n, int) and n > MAX_PERIOD for n in output.shape or ()):
            return Term((), rest, self.node.name, whole, least)
        # Between them the units see `rest`; a list of what each of them sees would be too long.
        told = Diagnostic(
            "axis-not-followed", "info", self.node.name,
            f"{self.node.title} reads an axis without a period that is short enough: too many units "
            "to say what each of them sees", ""
        )  # fmt: skip
        if told not in self.found.diagnostics:
            self.found.diagnostics.append(told)
        return Term((), rest, self.node.name, whole, least, at_least=least)

    def reshaped(self, term: Term, before: Shape | None, after: Shape | None) -> Term | None:
        digits, rest, lost = reshape(term.digits, before, after)
        if digits is None:
            return None
        if digits:
            kept = [(d.div, d.mod) for d in digits] == [(d.div, d.mod) for d in term.digits]
            return Term(digits, stretch=term.stretch if kept else None)
        if lost:
            least = narrowest(term.digits)
            return Term((), rest, self.node.name, least=least, at_least=least)
        return Term((), rest, self.node.name)

    # -- joins ---------------------------------------------------------------------------------

    def join(self, key: Key, parts: list[tuple[Paths, _Piece | None]], output: Tensor) -> Paths:
        aligned = all(paths.aligned for paths, _ in parts)
        known = all(paths.known for paths, _ in parts)
        laid_out = _laid_out(parts)
        terms: list[Term] = []
        for paths, piece in parts:
            for term in paths.terms:
                if laid_out and piece is not None:
                    term = _cut(term, piece)
                for i, other in enumerate(terms):
                    if other.places == term.places:
                        merged, agree = _union(other, term, output.shape)
                        terms[i] = merged
                        if not agree and not laid_out:
                            if aligned:
                                self.misaligned(key, other, term)
                            aligned = False
                        break
                else:
                    terms.append(term)
        if laid_out:
            terms = [_regular(term) for term in terms]
        found = _gathered(_capped(terms, output.shape, self.node.name))
        ways = [
            _beside(way, piece) if laid_out and piece is not None else way
            for paths, piece in parts
            for way in paths.ways
        ]
        return Paths(found, aligned, known, _single(found, self.narrowest(key, ways, output)))

    def narrowest(self, key: Key, ways: Sequence[Term], output: Tensor) -> tuple[Term, ...]:
        """The single paths of several that may turn out the smallest."""
        if len(ways) == 1:
            return tuple(ways)
        return _narrowest(ways, self.found.room.lengths.get(key), output.shape)

    def misaligned(self, key: Key, a: Term, b: Term) -> None:
        pairs = zip(a.digits, b.digits, strict=True)
        mine, theirs = next((p.field, q.field) for p, q in pairs if p != q)
        join = self.found.misaligned.setdefault((self.node.name, self.node.title), {})
        join.setdefault(key, (mine, theirs))

    # -- subgraphs -----------------------------------------------------------------------------

    def through(self, bodies: Sequence[Through]) -> None:
        node, states = self.node, self.found.states
        outputs: list[list[State]] = [[] for _ in node.outputs]
        for through in bodies:
            body = node.bodies[through.attribute]
            inner = self.shapes.bodies.get((node.index, through.attribute))
            if inner is None:
                continue
            outer = {name: states.get(name, NONE) for name in captures(body)}
            names = list(body.inputs)
            given: dict[str, State] = dict(outer)
            for i, source in enumerate(through.inputs):
                if source is not None and i < len(names):
                    which, axis = source
                    name = node.inputs[which] if which < len(node.inputs) else ""
                    given[names[i]] = _taken(states.get(name, NONE), axis)
                    if axis is not None:
                        self.found.spatial.update(_moving_along(states.get(name, NONE), axis))
            rounds = self.found.rounds
            if through.carried and rounds < 2 * MAX_TERMS:  # loops in loops: not followed further
                self.spread_everything(through, body, inner, given)
                self.collect(through, body, inner, self.nested(body, inner, given), outputs)
                continue
            times = max(min(through.trips or 0, rounds), MAX_TERMS) if through.carried else 1
            result = self.nested(body, inner, given, times)
            if through.carried and through.trips is not None and through.trips <= rounds:
                result = self.unrolled(through, body, inner, given, result)
                self.collect(through, body, inner, result, outputs)
                continue
            for _ in range(MAX_TERMS):
                settled = True
                for out, into in through.carried:
                    if into >= len(names) or out >= len(body.outputs):
                        continue
                    name = names[into]
                    new = _spread_iterations(result.states.get(body.outputs[out], NONE), node)
                    merged = self.merged(
                        given.get(name, NONE), new, inner.tensors[body.outputs[out]]
                    )
                    if merged != given.get(name, NONE):
                        settled = False
                        given[name] = merged
                if settled:
                    break
                result = self.nested(body, inner, given, times)
            else:  # the field grows with every iteration: after enough of them it is everything
                for _, into in through.carried:
                    if into < len(names):
                        given[names[into]] = _all_of(given.get(names[into], NONE), node)
                result = self.nested(body, inner, given, times)
            self.collect(through, body, inner, result, outputs)
        for name, found in zip(node.outputs, outputs, strict=True):
            if not name:
                continue
            merged_state: State = {}
            for state in found:
                merged_state = self.merged(merged_state, state, self.shapes.tensors[name])
            states[name] = merged_state

    def spread_everything(
        self, through: Through, body: Graph, inner: Shapes, given: dict[str, State]
    ) -> None:
        """What is carried sees all of what any iteration is given."""
        names = list(body.inputs)
        whole: State = {}
        for name, state in list(given.items()):
            if name in inner.tensors:
                whole = self.merged(whole, _all_of(state, self.node), inner.tensors[name])
        for _, into in through.carried:
            if into < len(names):
                given[names[into]] = whole

    def unrolled(
        self, through: Through, body: Graph, inner: Shapes, given: dict[str, State], first: Fields
    ) -> Fields:
        """A loop of known length, iteration by iteration: each sees what the one before gave."""
        names, result = list(body.inputs), first
        carried = [
            (out, into)
            for out, into in through.carried
            if out < len(body.outputs) and into < len(names)
        ]
        if through.trips == 0:  # what goes in comes out
            for out, into in carried:
                result.states[body.outputs[out]] = given.get(names[into], NONE)
        stacked = [
            target[0]
            for target in through.outputs
            if target is not None and target[1] is not None and target[0] < len(body.outputs)
        ]
        seen = {which: first.states.get(body.outputs[which], NONE) for which in stacked}
        for _ in range((through.trips or 0) - 1):
            for out, into in carried:
                given[names[into]] = _spread_iterations(
                    result.states.get(body.outputs[out], NONE), self.node
                )
            result = self.nested(body, inner, given, through.trips or 1)
            for which in stacked:
                name = body.outputs[which]
                seen[which] = self.merged(
                    seen[which], result.states.get(name, NONE), inner.tensors[name]
                )
        for which in stacked:  # an iteration that is stacked may be any of them
            result.states[body.outputs[which]] = seen[which]
        return result

    def collect(
        self,
        through: Through,
        body: Graph,
        inner: Shapes,
        result: Fields,
        outputs: list[list[State]],
    ) -> None:
        """The states of the node's outputs from those of the body's."""
        for k, target in enumerate(through.outputs):
            if target is None or k >= len(outputs) or target[0] >= len(body.outputs):
                continue
            which, axis = target
            state = result.states.get(body.outputs[which], NONE)
            if axis is None:
                state = _spread_iterations(state, self.node)
            else:
                state = _stacked(state, axis)
            outputs[k].append(state)

    def merged(self, a: State, b: State, output: Tensor) -> State:
        """Either of two ways a tensor may have come about."""
        result = dict(a)
        for key, paths in b.items():
            if key in result and result[key] != paths:
                result[key] = self.join(key, [(result[key], None), (paths, None)], output)
            else:
                result[key] = paths
        return result


def _settled(paths: Paths) -> bool:
    """Does every term hang on the unit in a way of its own? Those that came to hang on it alike, two
    parts of a Concat behind one convolution, still have to be put together."""
    terms = paths.terms
    return len(terms) < 2 or len({t.places for t in terms}) == len(terms)


def _outside(paths: Paths, rank: int) -> bool:
    """It moves along an axis that the tensor hasn't: a body's declares another rank than it gets."""
    return any(digit.axis >= rank for term in paths.terms for digit in term.digits)


def _longer(node: Node, shapes: Shapes, output: Tensor, per_input: Sequence[KnownRead]) -> bool:
    """Are there rows beside an input's own along an axis that keeps its order?"""
    if output.shape is None:
        return False
    for name, read in zip(node.inputs, per_input, strict=True):
        if not name or not isinstance(read, tuple):
            continue
        shape = shapes.tensors[name].shape
        for length, way in zip(shape or (), read, strict=False):
            if (isinstance(way, Listed) and way.spatial and way.table is None) or (
                isinstance(way, Along) and way.window.size == 1 and way.window.outside == "nothing"
            ):
                count = output.shape[way.axis] if way.axis < len(output.shape) else None
                if isinstance(length, int) and isinstance(count, int) and length < count:
                    return True
    return False


def _unmoved(x: Tensor, output: Tensor, read: KnownRead) -> bool:
    """Is every axis read index by index, so that each unit sees what the one before it saw?"""
    return (
        x.shape is not None
        and x.shape == output.shape
        and isinstance(read, tuple)
        and read == straight(len(read))
    )


def _looks_along(read: object, length: Dim) -> bool:
    """Does this read look at neighbours or the whole of the axis, or change its grid?"""
    if isinstance(read, Along):
        return read.window.moves
    if isinstance(read, Listed):
        return read.spatial
    if isinstance(read, Whole):
        return read.spatial and length != 1
    return isinstance(read, Upto)


# -- unions ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """The stretch of an output axis that one input is laid onto (Concat)."""

    axis: int
    lo: int
    hi: int
    length: int


def _piece(term: Term, x: Tensor, output: Tensor, read: tuple[object, ...]) -> _Piece | None:
    """Where a mere shift puts this input along the axis the term hangs on."""
    if x.shape is None or output.shape is None or len(term.digits) != 1:
        return None
    axis = term.digits[0].axis
    # What a loop carries may have fewer axes in a later iteration.
    way = read[axis] if 0 <= axis < min(len(read), len(x.shape)) else None
    if not isinstance(way, Along) or way.window.size != 1 or way.window.stride != 1:
        return None
    if way.axis >= len(output.shape):
        return None
    length, total, before = x.shape[axis], output.shape[way.axis], way.window.before
    if not (isinstance(length, int) and isinstance(total, int) and isinstance(before, int)):
        return None
    if length == total or before < 0:
        return None
    return _Piece(way.axis, before, before + length, total)


def _laid_out(parts: Sequence[tuple[Paths, _Piece | None]]) -> bool:
    """Has each part a stretch of its own along one axis?"""
    if parts[0][1] is None:
        return False
    pieces = [piece for _, piece in parts]
    return (
        all(p is not None for p in pieces)
        and len({(p.lo, p.hi) for p in pieces if p}) == len(pieces)
        and len({p.axis for p in pieces if p}) == 1
    )


def _shared(piece: _Piece, per_input: Sequence[KnownRead]) -> bool:
    """Another input is laid onto the same axis."""
    return any(
        isinstance(along, Along)
        and along.axis == piece.axis
        and along.window.size == 1
        and along.window.before != piece.lo
        for read in per_input
        if isinstance(read, tuple)
        for along in read
    )


def _cut(term: Term, piece: _Piece) -> Term:
    """The term for the units of its stretch only."""
    if len(term.digits) != 1 or term.digits[0].axis != piece.axis:
        return term
    (digit,) = term.digits
    whole = as_field([digit], piece.length)
    if whole is None:
        return term
    return Term((Digit(piece.axis, 1, None, whole.piece(piece.lo, piece.hi, piece.length)),))


def _regular(term: Term) -> Term:
    return replace(term, digits=tuple(replace(d, field=d.field.regular()) for d in term.digits))


def _union(a: Term, b: Term, shape: Shape | None) -> tuple[Term, bool]:
    """Both terms' spans, unit by unit; False where they aren't aligned."""
    if a == b:
        return a, True
    if not a.digits:
        whole = a if a.whole or not b.whole else b
        some = [t.at_least for t in (a, b) if t.at_least is not None]
        at_least = max(some, default=None)
        return Term((), _hull(a.fixed, b.fixed), whole.by, whole.whole, at_least=at_least), True
    differing = [i for i, (p, q) in enumerate(zip(a.digits, b.digits, strict=True)) if p != q]
    if not differing:
        return a, True
    if len(differing) == 1:
        i = differing[0]
        mine, theirs = a.digits[i].field, b.digits[i].field
        joined = mine.union(theirs, _count(a.digits[i], shape))
        if joined is not None:
            same = a.digits[i]
            moved = Digit(same.axis, same.div, same.mod, joined)
            digits = (*a.digits[:i], moved, *a.digits[i + 1 :])
            return Term(digits), mine.aligned_with(theirs)
    return _collapsed(a, b, shape), False


def _count(digit: Digit, shape: Shape | None) -> int | None:
    if digit.mod is not None:
        return digit.mod
    length = shape[digit.axis] if shape is not None and 0 <= digit.axis < len(shape) else None
    return -(-length // digit.div) if isinstance(length, int) else None


def _hull(a: Reach, b: Reach) -> Reach:
    if isinstance(a, Everything) or isinstance(b, Everything):
        return EVERYTHING
    return hull(a, b)


def _reach(term: Term, shape: Shape | None) -> Reach:
    """What all units together see."""
    if not term.digits:
        return term.fixed
    reach: Reach = (0, 0)
    for digit in term.digits:
        count = _count(digit, shape)
        reach = reach_sum(reach, EVERYTHING if count is None else digit.field.spread(count))
    return reach


def _collapsed(a: Term, b: Term, shape: Shape | None, by: str | None = None) -> Term:
    """Two terms whose union can't be told unit by unit, as one that isn't followed."""
    reach = _hull(_reach(a, shape), _reach(b, shape))
    return Term((), reach, by or a.by or b.by, at_least=_at_least((a, b)))


def _at_least(terms: Sequence[Term]) -> int:
    """What a unit sees at least along the widest of several ways; not what the widest unit does, as
    a window may leave that one out."""
    sizes = [
        narrowest(t.digits) if t.digits else t.at_least or within(t.fixed, None) or 0 for t in terms
    ]
    return max(sizes, default=0)


def _gathered(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Collapsed terms put together."""
    fixed = [t for t in terms if not t.digits]
    if len(fixed) < 2:
        return tuple(terms)
    whole = fixed[0]
    for other in fixed[1:]:
        whole, _ = _union(whole, other, None)
    return (*(t for t in terms if t.digits), whole)


def _capped(terms: list[Term], shape: Shape | None, by: str) -> list[Term]:
    while len(terms) > MAX_TERMS:
        terms = [*terms[:-2], _collapsed(terms[-2], terms[-1], shape, by)]
    return terms


# -- single paths ----------------------------------------------------------------------------------


def way_size(way: Term, length: int | None) -> int | None:
    """How much the units of a tensor see along one path, at most; None: that isn't known.

    Before clipping; a path on which the axis was collapsed sees what of the input is there.

    Args:
        way: the path.
        length: of the network input's axis, None where it isn't known.
    """
    if way.digits:
        return width(way.digits)
    return None if way.least is not None else within(way.fixed, length)


def within(reach: Reach, length: int | None) -> int | None:
    """How much of an input axis a fixed reach covers."""
    if reach is None:
        return 0
    if isinstance(reach, Everything):
        return length
    if length is None:
        return reach[1] - reach[0] + 1
    return max(min(reach[1], length - 1) - max(reach[0], 0) + 1, 0)


def _single(terms: tuple[Term, ...], ways: tuple[Term, ...]) -> tuple[Term, ...] | None:
    return None if ways == terms else ways


def _narrowest(ways: Sequence[Term], length: int | None, shape: Shape | None) -> tuple[Term, ...]:
    """Those of several single paths that may turn out the smallest."""
    kept: list[Term] = []
    for way in dict.fromkeys(ways):
        if any(_outdoes(other, way, length, shape) for other in kept):
            continue
        kept = [other for other in kept if not _outdoes(way, other, length, shape)]
        kept.append(way)
    moving = sorted((w for w in kept if w.digits), key=lambda w: width(w.digits))
    if len(moving) <= MAX_WAYS:
        return tuple(kept)
    least = min(narrowest(w.digits) for w in moving[MAX_WAYS:])
    fixed = [w for w in kept if not w.digits]
    return (*moving[:MAX_WAYS], *fixed, Term((), EVERYTHING, None, False, least))


def _inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _beside(way: Term, piece: _Piece) -> Term:
    """A single path behind what lays it beside others: the units of its stretch alone see along it."""
    if len(way.digits) != 1 or way.digits[0].place != (piece.axis, 1, None):
        return way
    lo, hi = way.stretch or (piece.lo, piece.hi)
    return replace(way, stretch=(max(lo, piece.lo), min(hi, piece.hi)))


def _stretched(stretch: tuple[int, int], read: object) -> tuple[tuple[int, int] | None, object]:
    """Which units read of a stretch of an axis, (0, 0) if none; and how an axis is read of which
    only that is there."""
    lo, hi = stretch
    if isinstance(read, Whole | Upto):
        return None, Only(lo, hi - 1)
    if isinstance(read, Only):
        lo, hi = max(lo, read.lo), min(hi, read.hi + 1)
        return ((0, 0), read) if lo >= hi else (None, Only(lo, hi - 1))
    if isinstance(read, Listed):
        rows = [row for row in read.rows if row is not None and row[0] < hi and row[1] >= lo]
        return (None if rows else (0, 0)), read
    if not isinstance(read, Along) or read.window.stride <= 0 or read.window.outside != "nothing":
        return None, read
    w = read.window
    if w.is_identity:
        return stretch, read
    last = (w.size - 1) * w.dilation
    first = math.ceil(Fraction(lo + w.before - max(last, 0)) / Fraction(w.stride))
    end = math.floor(Fraction(hi - 1 + w.before - min(last, 0)) / Fraction(w.stride)) + 1
    return ((max(first, 0), end) if end > max(first, 0) else (0, 0)), read


def _outdoes(a: Term, b: Term, length: int | None, shape: Shape | None) -> bool:
    """Is path `a` as small as path `b`, whatever is read next?"""
    if a.stretch is not None and (b.stretch is None or not _inside(b.stretch, a.stretch)):
        return False  # it may end earlier
    if a.digits and b.digits:
        alone = len(a.digits) == 1  # parts of a sum must move alike
        return a.places == b.places and all(
            (alone or moves_like(p.field, q.field)) and narrower(p.field, q.field, _count(p, shape))
            for p, q in zip(a.digits, b.digits, strict=True)
        )
    if a.digits:
        return False
    mine = way_size(a, length)
    if b.digits:
        return mine is not None and mine <= narrowest(b.digits)
    if b.least is not None:
        return (a.least is not None and a.least <= b.least) or (
            mine is not None and mine <= b.least
        )
    theirs = way_size(b, length)
    return mine is not None and theirs is not None and mine <= theirs


# -- iterations ------------------------------------------------------------------------------------


def _taken(state: State, axis: int | None) -> State:
    """A loop body's view of an input of which each iteration takes one index along an axis."""
    if axis is None:
        return state

    def put(digits: Digits) -> Digits:
        return tuple(
            replace(d, axis=ITERATION if d.axis == axis else d.axis - (d.axis > axis))
            for d in digits
        )

    return _mapped(state, put)


def _moving_along(state: State, axis: int) -> set[Key]:
    """The input axes that a tensor's axis moves along."""
    return {
        key for key, paths in state.items()
        if any(d.axis == axis for term in paths.terms for d in term.digits)
    }  # fmt: skip


def _stacked(state: State, axis: int) -> State:
    def put(digits: Digits) -> Digits:
        return tuple(
            replace(d, axis=axis if d.axis == ITERATION else d.axis + (d.axis >= axis))
            for d in digits
        )

    return _mapped(state, put)


def _mapped(state: State, put: Callable[[Digits], Digits]) -> State:
    def mapped(terms: Sequence[Term]) -> tuple[Term, ...]:
        return tuple(replace(term, digits=put(term.digits)) for term in terms)

    return {
        key: replace(
            paths,
            terms=mapped(paths.terms),
            single=None if paths.single is None else mapped(paths.single),
        )
        for key, paths in state.items()
    }


def _spread_iterations(state: State, node: Node) -> State:
    """After the loop, or in the next iteration: what any iteration saw."""

    def spread(terms: Sequence[Term]) -> tuple[Term, ...]:
        return _gathered([
            Term((), EVERYTHING, node.name, True)
            if any(d.axis == ITERATION for d in term.digits) else term
            for term in terms
        ])  # fmt: skip

    return {
        key: replace(
            paths,
            terms=spread(paths.terms),
            single=None if paths.single is None else spread(paths.single),
        )
        for key, paths in state.items()
    }


def _all_of(state: State, node: Node) -> State:
    return {
        key: Paths((Term((), EVERYTHING, node.name, True),), p.aligned, p.known)
        for key, p in state.items()
    }
