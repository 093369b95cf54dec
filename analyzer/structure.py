"""What is a layer as far as matching is concerned?

Its *likeness* is what it is apart from its name and the size of what flows through it: operator,
attributes with ONNX's defaults, shapes of what is stored for it; for a layer that moves a window along
space, the window instead of how an operator spells it. A bias is left out, and layers that may be
left out or folded into their neighbours are marked as *passing*, so that a network is like itself
after an exporter's optimisations.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator

from cnnscope.analyzer.changes import Side, bodies_of, defaults, frozen, same_shape
from cnnscope.analyzer.matching import Network, Part
from cnnscope.analyzer.operator import lookup
from cnnscope.analyzer.report import Layer, Report, Value

#: families that a network computes the same without, or nearly
_PASSING = frozenset({"identity", "dropout", "conversion", "quantization"})


def network_of(side: Side) -> Network:
    """A report's layers, ready to be matched."""
    report = side.report
    made = {x.name for x in report.inputs}
    made.update(value.name for layer in report.layers for value in layer.outputs)
    read = {name for layer in report.layers for name in _read(layer)}
    read.update(x.name for x in report.outputs)
    return Network(
        tuple([_part(layer, side, made, read) for layer in report.layers]),
        tuple(x.name for x in report.inputs),
        tuple(x.name for x in report.outputs),
    )


def _part(layer: Layer, side: Side, made: Collection[str], read: Collection[str]) -> Part:
    inputs = tuple([name for name in _read(layer) if name in made])
    weighted = is_weighted(layer)
    prints = side.weights(layer)
    digests = tuple([p.digest for p in prints])
    single = not any(value.name in read for value in layer.outputs[1:])
    known = bool(prints) and None not in digests and max(p.elements for p in prints) > 1
    return Part(
        layer.name, layer.op, layer.kind.family, likeness(layer, side.report, weighted), inputs,
        tuple([value.name for value in layer.outputs]),
        single and _is_passing(layer, side.report, inputs), weighted, digests if known else None,
    )  # fmt: skip


def _read(layer: Layer) -> Iterator[str]:
    """What a layer reads that isn't stored, what its subgraphs capture included."""
    for name, value in zip(layer.inputs, layer.operands, strict=True):
        if value is not None and not value.tensor.constant:
            yield name
    if layer.bodies:
        own: set[str] = set()
        read: dict[str, None] = {}
        waiting = [inner for body in layer.bodies.values() for inner in body]
        while waiting:
            inner = waiting.pop()
            own.update(value.name for value in inner.outputs)
            read.update(dict.fromkeys(inner.inputs))
            waiting += [x for body in inner.bodies.values() for x in body]
        yield from sorted(name for name in read if name and name not in own)


def likeness(layer: Layer, report: Report, weighted: bool) -> Hashable:
    """What the layer is, equal for layers that may stand for each other."""
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
    given = {**defaults(layer.op, report), **layer.attributes}
    attributes = tuple(sorted((name, repr(_rounded(frozen(x)))) for name, x in given.items()))
    return (layer.op, attributes, str(stored), repr(bodies_of(layer)))


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


def _is_passing(layer: Layer, report: Report, inputs: Collection[str]) -> bool:
    if len(inputs) != 1 or not layer.outputs or layer.bodies:
        return False
    data = next(x for x in layer.operands if x is not None and x.name in inputs)
    if not same_shape(data.tensor.shape, layer.outputs[0].shape):
        return False
    return layer.kind.family in _PASSING or is_affine(layer, report)


def is_affine(layer: Layer, report: Report) -> bool:
    """It multiplies by and adds stored numbers, and nothing else: a weight layer can take it in."""
    if layer.kind.family == "normalization":
        domain, _, name = layer.op.rpartition("::")
        operator = lookup(domain, name, report.model.opsets.get(domain, 1))
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


def is_foldable(layer: Layer, report: Report) -> bool:
    """It is affine, with numbers of its own for each channel."""
    if not is_affine(layer, report):
        return False
    return any(len(x.tensor.dims) > 0 and x.tensor.size != 1 for x in _stored(layer))
