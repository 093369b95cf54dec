"""What is a layer as far as matching is concerned?

Its *likeness* is what it is apart from its name and the size of what flows through it: operator,
attributes with ONNX's defaults, shapes of what is stored for it; for a layer that moves a window along
space, the window instead of how an operator spells it. A bias is left out, and layers that may be
left out or folded into their neighbours are marked as *passing*, so that a network is like itself
after an exporter's optimisations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from cnnscope.analyzer.difference.constants import Constant
from cnnscope.analyzer.difference.lengths import same_shape
from cnnscope.analyzer.difference.network import LayerPart, Network
from cnnscope.analyzer.difference.numbers import unordered
from cnnscope.analyzer.difference.settings import Setting, frozen
from cnnscope.analyzer.difference.stages import Stage
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.layer import Layer

#: families that a network computes the same without, or nearly
_PASSING = frozenset({"identity", "dropout", "conversion", "quantization"})


def network_of(stage: Stage, known: Callable[[str], str] = str) -> Network:
    """A graph's layers, ready to be matched.

    Args:
        known: names of tensors to the names that they are matched by.
    """
    made = {*stage.inputs, *(value.name for layer in stage.layers for value in layer.outputs)}
    reads = [list(_read(layer)) for layer in stage.layers]
    read = {*stage.outputs, *(name for each in reads for name, _ in each)}
    characters: dict[Hashable, _Character] = {}
    parts = []
    for i, all_read in enumerate(reads):
        inputs = [(name, k) for name, k in all_read if name in made]
        found, number = None, stage.alike(i)
        if number is not None:
            # The kind may hang on the neighbours, too; equal ones are one object.
            key = number, id(stage.layers[i].kind), *[k for _, k in inputs]
            found = characters.get(key)
        if found is None:
            found = _character(stage, i, inputs)
        if number is not None:
            characters[key] = found
        parts.append(_part(stage, i, found, [name for name, _ in inputs], read, known))
    return Network(tuple(parts), tuple(map(known, stage.inputs)), tuple(map(known, stage.outputs)))


class _Character(NamedTuple):
    """What of a `LayerPart` is the same for all layers that are alike."""

    kind: Kind
    likeness: Hashable
    weighted: bool
    passing: bool
    slots: tuple[str, ...]


def _character(stage: Stage, i: int, inputs: Sequence[tuple[str, int]]) -> _Character:
    layer = stage.layers[i]
    weighted = is_weighted(layer)
    return _Character(
        layer.kind, likeness(stage, i, weighted), weighted,
        is_passing(stage, i, [name for name, _ in inputs]),
        tuple([stage.slot(i, k) if k >= 0 else "" for _, k in inputs]),
    )  # fmt: skip


def _part(
    stage: Stage, i: int, character: _Character, inputs: Sequence[str], read: Collection[str],
    known: Callable[[str], str],
) -> LayerPart:  # fmt: skip
    layer, node = stage.layers[i], stage.settings(i)
    prints = stage.weights(i)
    digests = tuple([p.digest for p in prints if not p.zeros])
    single = not any(value.name in read for value in layer.outputs[1:])
    told = bool(digests) and None not in digests and max(p.elements for p in prints) > 1
    return LayerPart(
        layer.name, node.op, character.kind.family, character.likeness,
        tuple(map(known, inputs)), tuple([known(value.name) for value in layer.outputs]),
        single and character.passing, character.weighted, digests if told else None,
        character.slots, node.spelling.commutes,
        (lambda: _numbers(node.settings.values())) if character.weighted and told else None,
    )  # fmt: skip


def _numbers(settings: Iterable[Setting]) -> Hashable:
    """What identifies the largest learned operand, whatever the order of its numbers."""
    held = [x.constant for x in settings if x.constant is not None and x.constant.learned]
    largest: Constant | None = max(held, key=lambda x: x.elements, default=None)
    return None if largest is None or largest.elements < 2 else unordered(largest)


def _read(layer: Layer) -> Iterator[tuple[str, int]]:
    """What a layer reads that isn't stored, and at which place; what its subgraphs capture, in the
    order in which they read it, at -1."""
    for k, (name, value) in enumerate(zip(layer.inputs, layer.operands, strict=True)):
        if value is not None and not value.tensor.constant:
            yield name, k
    if layer.bodies:
        own: set[str] = set()
        read: dict[str, None] = {}
        waiting = [inner for _, body in sorted(layer.bodies.items()) for inner in body][::-1]
        while waiting:
            inner = waiting.pop()
            own.update(value.name for value in inner.outputs)
            read.update(dict.fromkeys(inner.inputs))
            waiting += [x for body in inner.bodies.values() for x in body][::-1]
        yield from ((name, -1) for name in read if name and name not in own)


def likeness(stage: Stage, i: int, weighted: bool) -> Hashable:
    """What the layer is, equal for layers that may stand for each other."""
    layer, node = stage.layers[i], stage.settings(i)
    kind = layer.kind
    stored = tuple([
        value.tensor.shape for value in _stored(layer)
        if len(value.tensor.dims) > (1 if weighted else 0)
    ])  # fmt: skip
    if kind.form == "global":
        return ("global", kind.family)
    if kind.kernel:
        parts = (kind.kernel, kind.stride, kind.dilation, kind.before, kind.after)
        return ("window", kind.family, kind.form, *map(str, parts), str(stored))
    # What holds unless it is said otherwise is left out: other versions needn't know of it.
    said = [
        (name, repr(_rounded(frozen(x.value)))) for name, x in node.settings.items()
        if x.constant is None and x.given is not None and name not in node.spelling.shaping
        and (name in node.signature.always or not node.signature.attributes)
        and x.value != node.signature.usual(name)
    ]  # fmt: skip
    inside = tuple(
        (name, tuple([inner.op for inner in body])) for name, body in sorted(layer.bodies.items())
    )
    return (node.op, tuple(sorted(said)), str(stored), inside)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.5g}"
    return tuple(map(_rounded, value)) if isinstance(value, tuple) else value


def _stored(layer: Layer) -> list[Value]:
    """Operands that hold stored floats, or integers of the kind that weights are quantised to."""
    return [
        x for x in layer.operands
        if x is not None and x.tensor.constant and x.tensor.shape is not None
        and x.tensor.dtype not in ("int64", "bool", "string")
    ]  # fmt: skip


def is_weighted(layer: Layer) -> bool:
    """It multiplies what is stored for it."""
    if layer.work is None or layer.work.macs == 0:
        return False
    return any(len(x.tensor.dims) > 1 for x in _stored(layer))


def is_passing(stage: Stage, i: int, inputs: Collection[str]) -> bool:
    """It may be left out, or folded into a neighbour."""
    layer = stage.layers[i]
    if len(inputs) != 1 or not layer.outputs or layer.bodies:
        return False
    data = next(x for x in layer.operands if x is not None and x.name in inputs)
    if not same_shape(data.tensor.shape, layer.outputs[0].shape):
        return False
    return layer.kind.family in _PASSING or is_affine(stage, i)


def is_affine(stage: Stage, i: int) -> bool:
    """It multiplies by and adds stored numbers, and nothing else: a weight layer can take it in."""
    layer = stage.layers[i]
    if layer.kind.family == "normalization":
        domain, _, name = layer.op.rpartition("::")
        operator = lookup(domain, name, stage.opsets.get(domain, 1))
        return operator is not None and "buffer" in operator.roles.values()
    if layer.kind.family != "elementwise arithmetic" or layer.work is None:
        return False
    work = layer.work
    nonlinear = (work.macs, work.bias, work.compare, work.exp, work.sqrt)
    stored = [x for x in layer.operands if x is not None and x.tensor.constant]
    return (
        all(count == 0 for count in nonlinear)
        and len(stored) == 1
        and len(layer.operands) == 2
        and bool(stored[0].tensor.is_float)
        # A divisor may only be the stored one.
        and (work.div == 0 or layer.operands[1] is stored[0])
    )


def is_foldable(stage: Stage, i: int) -> bool:
    """It is affine, with numbers of its own for each channel."""
    if not is_affine(stage, i):
        return False
    return any(len(x.tensor.dims) > 0 and x.tensor.size != 1 for x in _stored(stage.layers[i]))
