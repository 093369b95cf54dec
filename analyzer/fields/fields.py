"""What has been found of what a graph's tensors see, and how much more may be kept?"""

from __future__ import annotations

from dataclasses import field

from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import NONE, InputAxis, Paths, State, Unfollowed
from cnnscope.analyzer.model.graph import Node, used_names
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.plain_class import dataclass

#: a loop of known length is followed iteration by iteration up to this many
MAX_TRIPS = 64
#: Spans kept for a whole model, and more per node; an input axis counts as `AXIS_SPANS` of them. A
#: layer behind a thousand inputs sees something of each, and so does every layer behind it: without
#: an end, the answer would be as large as layers times inputs.
MAX_SPANS, NODE_SPANS, AXIS_SPANS = 1 << 21, 128, 4


@dataclass
class Room:
    """How many spans may still be kept; the bodies of a graph share its room.

    Args:
        left: how many.
        lost: the state of every tensor that is given by a layer after they ran out.
        ended: the layer where they did.
        lengths: of the network inputs' axes, where they are known.
        known: what has been worked out of fields.
        measured, measure: the state that was kept last, and how much of the room it takes.
    """

    left: int
    lost: Unfollowed
    ended: str | None = None
    lengths: dict[InputAxis, int] = field(default_factory=dict)
    known: KnownFields = field(default_factory=KnownFields)
    measured: State = field(default_factory=dict)
    measure: int = 0


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
    spatial: set[InputAxis] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    reads: dict[int, NodeReads] = field(default_factory=dict)
    bordered: dict[str, str] = field(default_factory=dict)
    misaligned: dict[tuple[str, str], dict[InputAxis, tuple[Field, Field]]] = field(
        default_factory=dict
    )
    rounds: int = MAX_TRIPS
    room: Room = field(default_factory=lambda: Room(MAX_SPANS, Unfollowed()))


def keep(node: Node, found: Fields, room: Room) -> None:
    """Take what the node's outputs keep off the room."""
    for name in node.outputs:
        state = found.states.get(name)
        if state:
            if state is not room.measured:  # most nodes hand on the state of the one before
                room.measured, room.measure = state, _spans(state)
            room.left -= room.measure
    if room.left < 0:
        room.ended = node.name


def _spans(state: State) -> int:
    count = AXIS_SPANS * len(state)
    for paths in state.values():
        for term in paths.terms:
            for digit in term.digits:
                count += len(digit.field.spans)
    return count


def give_up(node: Node, found: Fields) -> None:
    """What the node's outputs see isn't known, unless its inputs see nothing."""
    lost = found.room.lost
    if not lost:
        axes = {key: Paths((), True, False) for s in found.states.values() for key in s}
        lost.update(axes)
    seen = any(found.states.get(name) for name in used_names(node))
    for name in node.outputs:
        if name:
            found.states[name] = lost if seen else NONE
