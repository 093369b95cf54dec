"""What keeps an input's axis from being cut into tiles?

Its outputs' units don't move along it by a step, a layer joins values of its own for each place, or a layer's
border is what lies at the other end.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.digits import Everything
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.sizes.brinks import field_of, windows
from cnnscope.analyzer.sizes.cutting import Obstacle, OutputAxis
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import Field


def seen_by_outputs(
    graph: Graph, fields: Fields, key: InputAxis, leading: Sequence[Node]
) -> dict[OutputAxis, Field] | Obstacle:
    """By output axis what its units see of an input axis, or why that can't be told for a tile."""
    found: dict[OutputAxis, Field] = {}
    for name in graph.outputs:
        paths = fields.states.get(name, {}).get(key)
        if paths is None:
            continue
        plain = _plain(paths)
        if plain is None:
            return _cause(fields, key, leading)
        axis, field = plain
        found[name, axis] = field
    return found


def _plain(paths: Paths) -> tuple[int, Field] | None:
    """The axis along which units move, and what they see; None where they don't see so."""
    if not paths.known or len(paths.terms) != 1 or not paths.terms[0].digits:
        return None
    digits = paths.terms[0].digits
    if len({digit.axis for digit in digits}) > 1 or digits[0].axis < 0:
        return None
    field = field_of(digits)
    if field is None or field.bounded or field.advance <= 0 or field.blind:
        return None
    return digits[0].axis, field


def _cause(fields: Fields, key: InputAxis, leading: Sequence[Node]) -> Obstacle:
    """The first layer behind which units don't move along an axis plainly."""
    for node in leading:
        for name in node.outputs:
            paths = fields.states.get(name, {}).get(key) if name else None
            if paths is None or _followed(paths):
                continue
            term = next((term for term in paths.terms if not term.digits), None)
            if term is not None and term.by is not None and term.whole:
                return Obstacle(*key, term.by, "every unit sees all of the axis", True)
            if term is not None and isinstance(term.fixed, Everything):
                return Obstacle(
                    *key, term.by or node.path, "what a unit sees has no end, or isn't known"
                )
            if term is not None:
                return Obstacle(
                    *key, term.by or node.path, "every unit sees the same part of the axis"
                )
            return Obstacle(*key, node.path, "what its units see doesn't move on by a step")
    return Obstacle(*key, None, "what its units see isn't known")


def _followed(paths: Paths) -> bool:
    """Units move along the axis, if not as one axis does: what splits it may be put together again."""
    return paths.known and all(
        term.digits and all(not d.field.bounded for d in term.digits) for term in paths.terms
    )


def with_own_values(
    shapes: Shapes, fields: Fields, leading: Sequence[Node], keys: Sequence[InputAxis]
) -> dict[InputAxis, Obstacle]:
    """Where a layer joins what hangs on the input with values of its own that are as long as the input."""
    found: dict[InputAxis, Obstacle] = {}
    labels = {
        key: length
        for key in keys
        if isinstance(length := (shapes.tensors[key[0]].shape or ())[key[1]], FreeDim)
    }
    for node in leading:
        moving = {k for n in node.inputs for k in fields.states.get(n, {}) if k in labels}
        if not moving:
            continue
        for name in node.inputs:
            if not name or fields.states.get(name) or name not in shapes.tensors:
                continue
            names = {
                n
                for length in shapes.tensors[name].shape or ()
                if isinstance(length, FreeDim)
                for n in length.names
            }
            for key in keys:
                if key in moving and labels[key].names & names and key not in found:
                    found[key] = Obstacle(
                        *key,
                        node.path,
                        "it takes values that are its own for each place, not the input's",
                    )
    return found


def wrapping(
    fields: Fields, leading: Sequence[Node], keys: Sequence[InputAxis]
) -> dict[InputAxis, Obstacle]:
    """Where a layer's border is what lies at the other end."""
    found: dict[InputAxis, Obstacle] = {}
    for node, _, axis, along, state in windows(fields, leading):
        if along.window.outside == "wrap":
            for key, paths in state.items():
                if key in keys and any(d.axis == axis for t in paths.terms for d in t.digits):
                    found.setdefault(
                        key, Obstacle(*key, node.path, "its border is what lies at the other end")
                    )
    return found
