"""What differs between a layer and its counterpart in another model?

Each difference is a `Change` of one *aspect*. Some are the layer's own (operator, window, attributes,
what it reads, what is stored in it); others may merely follow from what is upstream (shape, dtype,
work, memory, receptive field), which is what keeps one changed stride from looking like fifty changed
layers. Two spellings of the same thing are no change: attributes are compared with ONNX's defaults
filled in, and where a layer moves a window along space the window itself is compared, not how its
attributes spell it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import onnx

from cnnscope.analyzer.dimension import Atom, Dim, FreeDim
from cnnscope.analyzer.fingerprints import Fingerprint
from cnnscope.analyzer.kinds import Kind
from cnnscope.analyzer.report import Layer, ReceptiveField, Report, plain_shape
from cnnscope.analyzer.tensor import Tensor

Aspect = Literal[
    "op", "kind", "window", "attributes", "inputs", "constants", "subgraphs", "params", "weights",
    "shape", "dtype", "macs", "flops", "memory", "field",
]  # fmt: skip
#: what is the layer's own; other aspects may follow from layers before it
OWN: frozenset[str] = frozenset({
    "op", "kind", "window", "attributes", "inputs", "constants", "subgraphs", "params", "weights",
})  # fmt: skip

_NO_NAMES: Mapping[str, str] = MappingProxyType({})

Plain = int | float | str | bool | list["Plain"] | dict[str, "Plain"] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One aspect of a layer that differs.

    Args:
        aspect: which.
        before, after: what it was and what it is, as JSON-ready data; None: not there, or not known.
            MACs and FLOPs are counts, memory is bytes read and written, a shape is a list of lengths.
        name: of an attribute, its name; of an output but the first, its position.
    """

    aspect: Aspect
    before: Plain
    after: Plain
    name: str | None = None

    @property
    def own(self) -> bool:
        """It is the layer's own: it doesn't follow from layers before it."""
        return self.aspect in OWN

    def to_dict(self) -> dict[str, Plain]:
        found: dict[str, Plain] = {
            "aspect": self.aspect, "before": self.before, "after": self.after, "own": self.own,
        }  # fmt: skip
        if self.name is not None:
            found["name"] = self.name
        return found


@dataclass(frozen=True, slots=True)
class Side:
    """A model as far as its layers' changes are concerned: its report, what is stored, and whether
    the stored numbers were to be read."""

    report: Report
    prints: Mapping[str, tuple[Fingerprint, ...]]
    read: bool = True

    def weights(self, layer: Layer) -> list[Fingerprint]:
        """The learned numbers and statistics stored for a layer."""
        return [p for p in self.prints.get(layer.name, ()) if p.role != "constant"]


def find_changes(
    before: Layer,
    after: Layer,
    sides: tuple[Side, Side],
    names: Mapping[str, str],
    *,
    rewired: bool,
) -> tuple[Change, ...]:
    """Everything that differs between two layers, their own differences first.

    Args:
        sides: the models that they belong to.
        names: the first model's layers to their counterparts.
        rewired: whether they read something else than each other.
    """
    found: list[Change] = []

    def add(aspect: Aspect, one: Plain, other: Plain, name: str | None = None) -> None:
        if one != other:
            found.append(Change(aspect, one, other, name))

    add("op", before.op, after.op)
    add("kind", before.kind.label, after.kind.label)
    windows = _window(before.kind), _window(after.kind)
    if before.kind.label == after.kind.label:
        add("window", *windows)
    if before.op == after.op:
        found += _attributes(before, after, sides, same_window=_is_known(windows))
    if rewired:
        found.append(Change("inputs", _reads(before), _reads(after)))
    found += _constants(before, after, sides)
    bodies = bodies_of(before), bodies_of(after)
    if bodies[0] != bodies[1]:
        counts = [sum(map(len, layer.bodies.values())) for layer in (before, after)]
        found.append(Change("subgraphs", counts[0], counts[1]))
    add("params", before.params + before.shared_params, after.params + after.shared_params)
    if weights_changed(sides[0].weights(before), sides[1].weights(after)):
        shown = _shown(sides[0], before), _shown(sides[1], after)
        found.append(Change("weights", *shown))
    for k in range(max(len(before.outputs), len(after.outputs))):
        name = None if k == 0 else str(k)
        one, other = (x.outputs[k].tensor if k < len(x.outputs) else None for x in (before, after))
        if not same_shape(one.shape if one else None, other.shape if other else None, names):
            add("shape", _lengths(one), _lengths(other), name)
        add("dtype", one.dtype if one else None, other.dtype if other else None, name)
    for aspect, pair in (
        ("macs", (_work(before, "macs"), _work(after, "macs"))),
        ("flops", (_work(before, "flops"), _work(after, "flops"))),
        ("memory", (_memory(before), _memory(after))),
    ):
        if not same_dim(*pair, names):
            add(aspect, *map(_plain_dim, pair))  # type: ignore[arg-type]  # the literals above
    inputs = [{x.name: k for k, x in enumerate(side.report.inputs)} for side in sides]
    fields = [
        sorted(_field(f, known) for f in layer.receptive_field)
        for layer, known in zip((before, after), inputs, strict=True)
    ]
    if fields[0] != fields[1]:
        found.append(Change("field", _sizes(before), _sizes(after)))
    return tuple(found)


def weights_changed(before: Sequence[Fingerprint], after: Sequence[Fingerprint]) -> bool | None:
    """Whether the numbers stored for two layers differ; None where that can't be told."""
    if len(before) != len(after):
        return True
    unknown = False
    for one, other in zip(before, after, strict=True):
        # What differs in dtype or shape differs, whatever the numbers are.
        if one.dtype != other.dtype or one.shape != other.shape:
            if one.dtype is None or other.dtype is None:
                unknown = True
                continue
            return True
        if one.digest is None or other.digest is None:
            unknown = True
        elif one.digest != other.digest:
            return True
    return None if unknown else False


# -- what a layer is -----------------------------------------------------------------------------


def _window(kind: Kind) -> Plain:
    if not kind.kernel or kind.form == "global":  # all of space, however large that is
        return None
    parts = (kind.kernel, kind.stride, kind.dilation, kind.before, kind.after)
    names = ("kernel", "stride", "dilation", "before", "after")
    return {
        name: [n if isinstance(n, int) else str(n) for n in part]
        for name, part in zip(names, parts, strict=True)
    }


def _is_known(windows: tuple[Plain, Plain]) -> bool:
    return windows[0] is not None and windows[1] is not None


def _attributes(
    before: Layer, after: Layer, sides: tuple[Side, Side], *, same_window: bool
) -> list[Change]:
    """Attributes that differ, with defaults filled in."""
    one, other = (
        {**defaults(x.op, side.report), **x.attributes}
        for x, side in zip((before, after), sides, strict=True)
    )
    found = []
    for name in sorted({*one, *other}):
        a, b = one.get(name), other.get(name)
        if same_window and not all(isinstance(x, (int, float)) for x in (a, b)):
            continue  # how the window is spelled
        if not _equal(a, b):
            found.append(Change("attributes", _plain(a), _plain(b), name))
    return found


def defaults(op: str, report: Report) -> dict[str, object]:
    """The attributes that ONNX gives an operator where the model doesn't."""
    domain, _, name = op.rpartition("::")
    version = report.model.opsets.get(domain, 1)
    try:
        schema = onnx.defs.get_schema(name, version, domain)
    except (onnx.defs.SchemaError, RuntimeError, TypeError):
        return {}  # an operator of somebody's own
    found: dict[str, object] = {}
    for attribute in schema.attributes.values():
        proto = attribute.default_value
        if proto.type != onnx.AttributeProto.UNDEFINED:
            value = onnx.helper.get_attribute_value(proto)
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            found[attribute.name] = tuple(value) if isinstance(value, list) else value
    return found


def _equal(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        # An epsilon of 1e-5 is written in several ways, a last bit of float32 apart.
        return math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return frozen(a) == frozen(b)


def frozen(value: object) -> object:
    """An attribute's value as something that can be compared, hashed and put in order by its repr."""
    if isinstance(value, Tensor):
        held = None if value.value is None else repr(value.value.tolist())
        return ("tensor", value.dtype, str(value.shape), held)
    if isinstance(value, (tuple, list)):
        return tuple(map(frozen, value))
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    return type(value).__name__


def _plain(value: object) -> Plain:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} {plain_shape(value.shape)}"
    return type(value).__name__


def _constants(before: Layer, after: Layer, sides: tuple[Side, Side]) -> list[Change]:
    """Stored operands that aren't learned (bounds, target shapes, scales) and hold other values."""
    found = []
    known = [
        {p.name for p in side.prints.get(x.name, ()) if p.role == "constant"}
        for side, x in zip(sides, (before, after), strict=True)
    ]
    for k, (one, other) in enumerate(zip(before.operands, after.operands, strict=False)):
        if one is None or other is None or one.name not in known[0] or other.name not in known[1]:
            continue
        a, b = one.tensor.value, other.tensor.value
        if a is None or b is None or a.dtype == object or b.dtype == object:
            continue
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"):
            found.append(Change("constants", _few(a), _few(b), str(k)))
    return found


def _few(values: np.ndarray) -> Plain:
    """The first of some numbers."""
    return [_plain(x) for x in values.ravel()[:16].tolist()]


def bodies_of(layer: Layer) -> object:
    """A layer's subgraphs, their tensors numbered in the order in which they are met."""
    if not layer.bodies:
        return ()
    numbers: dict[str, int] = {}

    def layers(inside: Sequence[Layer]) -> object:
        return tuple(
            (
                x.op,
                tuple(numbers.setdefault(n, len(numbers)) for n in (*x.inputs, *(o.name for o in x.outputs))),
                tuple(sorted((k, repr(frozen(v))) for k, v in x.attributes.items())),
                tuple(str(plain_shape(o.shape)) if _is_fixed(o.shape) else "free" for o in x.outputs),
                tuple((k, layers(body)) for k, body in sorted(x.bodies.items())),
            )
            for x in inside
        )  # fmt: skip

    return tuple((name, layers(body)) for name, body in sorted(layer.bodies.items()))


def _is_fixed(shape: tuple[Dim, ...] | None) -> bool:
    return shape is not None and all(isinstance(d, int) for d in shape)


def _reads(layer: Layer) -> Plain:
    return [
        name for name, operand in zip(layer.inputs, layer.operands, strict=True)
        if operand is None or not operand.tensor.constant
    ]  # fmt: skip


def _shown(side: Side, layer: Layer) -> Plain:
    return [p.digest for p in side.weights(layer)]


# -- lengths ---------------------------------------------------------------------------------------


def same_dim(a: Dim | None, b: Dim | None, names: Mapping[str, str] = _NO_NAMES) -> bool:
    """Equal, or hanging in the same way on what the same layer finds in its data.

    Args:
        names: layers of the first model to their counterparts: such data is named after its layer.
    """
    if a == b:
        return True
    if not isinstance(a, FreeDim) or not isinstance(b, FreeDim):
        return False
    if not a.data or a.names != b.names:
        return False
    return _spelled(a, names) == _spelled(b, _NO_NAMES)


def _spelled(dim: FreeDim, names: Mapping[str, str]) -> object:
    """A polynomial in an order that doesn't hang on names, the names put in place of others."""
    return sorted(
        (repr(sorted(_atom(atom, names) for atom in monomial)), factor)
        for monomial, factor in dim.terms
    )


def _atom(atom: Atom, names: Mapping[str, str]) -> str:
    if atom.top is not None:
        return f"floor({_spelled(atom.top, names)}/{atom.bottom})"
    return _translated(atom.text, names) if atom.data else atom.text


def _translated(text: str, names: Mapping[str, str]) -> str:
    """``"Resize_3 length 0"`` with the name of that layer's counterpart."""
    head = "trips of " if text.startswith("trips of ") else ""
    end = len(text)
    while end > len(head):
        known = names.get(text[len(head) : end])
        if known is not None:
            return head + known + text[end:]
        end = text.rfind(" ", len(head), end)
    return text


def same_shape(
    a: tuple[Dim, ...] | None,
    b: tuple[Dim, ...] | None,
    names: Mapping[str, str] = _NO_NAMES,
) -> bool:
    """Whether two shapes are the same; `names` as for `same_dim`."""
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and all(same_dim(x, y, names) for x, y in zip(a, b, strict=True))


def _lengths(tensor: Tensor | None) -> Plain:
    return None if tensor is None else plain_shape(tensor.shape)  # type: ignore[return-value]  # list is invariant


def _work(layer: Layer, what: str) -> Dim | None:
    if layer.work is None or layer.uncounted:
        return None
    found: Dim = getattr(layer.work, what)
    return found


def _memory(layer: Layer) -> Dim | None:
    if layer.bytes_read is None or layer.bytes_written is None:
        return None
    return layer.bytes_read + layer.bytes_written


def _plain_dim(value: Dim | None) -> Plain:
    return value if value is None or isinstance(value, int) else str(value)


def _field(field: ReceptiveField, inputs: Mapping[str, int]) -> tuple[object, ...]:
    """What a unit sees, the input by its position; None last, so that fields can be sorted."""
    facts = (
        field.output_axis, field.size, field.step, field.start, field.local_size,
        field.smallest_size,
    )  # fmt: skip
    return (
        inputs.get(field.input, -1), field.axis, field.global_, field.aligned,
        *(-1.5 if fact is None else fact for fact in facts),
    )  # fmt: skip


def _sizes(layer: Layer) -> Plain:
    return [
        {
            "axis": f.axis, "size": f.size, "step": None if f.step is None else str(f.step),
            "start": f.start, "local_size": f.local_size, "smallest_size": f.smallest_size,
            "global": f.global_, "aligned": f.aligned,
        }
        for f in layer.receptive_field
    ]  # fmt: skip
