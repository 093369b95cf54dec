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
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cnnscope.analyzer.difference.constants import Constant, largest_difference
from cnnscope.analyzer.difference.settings import Node as Settings
from cnnscope.analyzer.difference.settings import Setting, same_constants, same_setting
from cnnscope.analyzer.difference.stages import Stage, TensorAttribute
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.report.layer import Layer, plain_shape
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.polynomial import Atom, Polynomial
from cnnscope.analyzer.values.tensor import Shape, Tensor

Aspect = Literal[
    "op", "kind", "window", "attributes", "inputs", "constants", "operands", "subgraphs", "params",
    "weights", "position", "source", "shape", "dtype", "macs", "flops", "memory", "field",
]  # fmt: skip
#: what is the layer's own; other aspects may follow from layers before it
OWN: frozenset[str] = frozenset({
    "op", "kind", "window", "attributes", "inputs", "constants", "operands", "subgraphs", "params",
    "weights", "position", "source",
})  # fmt: skip

Plain = int | float | str | bool | list["Plain"] | dict[str, "Plain"] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One aspect of a layer that differs.

    Args:
        aspect: which.
        before, after: what it was and what it is, as JSON-ready data; None: not there, or not known.
            MACs and FLOPs are counts, memory is bytes read and written, a shape is a list of lengths.
        name: of an attribute or an operand, its name; of an output but the first, its position.
        largest: of stored numbers, the largest |difference|; None where there is none to tell.
    """

    aspect: Aspect
    before: Plain
    after: Plain
    name: str | None = None
    largest: float | None = None

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
        if self.largest is not None:
            found["largest_difference"] = self.largest
        return found


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is called otherwise in the second model.

    Args:
        layers: the first model's layers to their counterparts: lengths that hang on data are
            named after layers.
        dims: its free dimensions to theirs.
    """

    layers: Mapping[str, str] = field(default_factory=dict)
    dims: Mapping[str, str] = field(default_factory=dict)


SAME_NAMES = Renaming()


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer and its counterpart.

    Args:
        stages, places: the graphs that they are in, and where in those.
        weights: whether what both have as weights differs; None where that can't be told.
        gained, lost: learned operands, not all zeros, that only one of them has.
        changes: everything that differs.
    """

    stages: tuple[Stage, Stage]
    places: tuple[int, int]
    weights: bool | None
    gained: tuple[Constant, ...]
    lost: tuple[Constant, ...]
    changes: tuple[Change, ...]


def compare_layers(
    stages: tuple[Stage, Stage],
    places: tuple[int, int],
    names: Renaming,
    *,
    rewired: bool,
    inside: bool,
) -> Pair:
    """Everything that differs between two layers, their own differences first.

    Args:
        stages, places: the graphs that they are in, and where in those.
        names: what is called otherwise.
        rewired: whether they read something else than each other.
        inside: whether something in their subgraphs differs.
    """
    before, after = (stage.layers[i] for stage, i in zip(stages, places, strict=True))
    one, other = (stage.settings(i) for stage, i in zip(stages, places, strict=True))
    found: list[Change] = []

    def add(aspect: Aspect, one: Plain, other: Plain, name: str | None = None) -> None:
        if one != other:
            found.append(Change(aspect, one, other, name))

    add(
        "op",
        one.op if one.op == other.op else before.op,
        other.op if one.op == other.op else after.op,
    )
    add("kind", before.kind.label, after.kind.label)
    windows = _window(before.kind), _window(after.kind)
    if before.kind.label == after.kind.label:
        add("window", *windows)
    compared = _Compared(stages, places, (one, other), names, _is_known(windows))
    if one.op == other.op:
        compared.by_name()
    else:
        compared.by_numbers()
    found += compared.changes
    if rewired:
        found.append(Change("inputs", _reads(before), _reads(after)))
    if inside:
        sizes = [sum(map(len, layer.bodies.values())) for layer in (before, after)]
        found.append(Change("subgraphs", sizes[0], sizes[1]))
    add("params", before.params + before.shared_params, after.params + after.shared_params)
    if compared.weights:
        shown = [[p.digest for p in s.weights(i)] for s, i in zip(stages, places, strict=True)]
        found.append(Change("weights", shown[0], shown[1], largest=compared.largest))  # type: ignore[arg-type]  # list is invariant
    used = [stage.given(i) for stage, i in zip(stages, places, strict=True)]
    for k in sorted({*used[0], *used[1]}):  # what nothing reads is no matter
        name = None if k == 0 else str(k)
        a, b = (x.outputs[k].tensor if k < len(x.outputs) else None for x in (before, after))
        if not same_shape(a.shape if a else None, b.shape if b else None, names):
            add("shape", _lengths(a), _lengths(b), name)
        add("dtype", a.dtype if a else None, b.dtype if b else None, name)
    for aspect in ("macs", "flops"):
        counts = _work(before, aspect), _work(after, aspect)
        if not same_dim(*counts, names):
            add(aspect, *map(_plain_dim, counts))  # type: ignore[arg-type]  # the literals above
    held = zip((before, after), used, compared.spelled, strict=True)
    memory = [_memory(layer, places, spelled) for layer, places, spelled in held]
    if not same_dim(memory[0], memory[1], names):
        add("memory", _plain_dim(_moved(before)), _plain_dim(_moved(after)))
    seen = before.receptive_field, after.receptive_field
    if stages[0].inputs != stages[1].inputs or seen[0] != seen[1]:
        fields = [
            sorted(_field(f, stage.places) for f in found_of)
            for found_of, stage in zip(seen, stages, strict=True)
        ]
        if fields[0] != fields[1]:
            found.append(Change("field", _sizes(before), _sizes(after)))
    return Pair(
        stages, places, compared.weights, tuple(compared.gained), tuple(compared.lost),
        tuple(found),
    )  # fmt: skip


# -- settings and weights --------------------------------------------------------------------------

#: what attributes spell a window with
_SPELL_WINDOWS = frozenset({
    "kernel_shape", "strides", "dilations", "pads", "auto_pad", "output_padding", "output_shape",
})  # fmt: skip


class _Compared:
    """Attributes, constants and weights of two layers while they are compared."""

    def __init__(
        self, stages: tuple[Stage, Stage], places: tuple[int, int],
        nodes: tuple[Settings, Settings], names: Renaming, windows: bool,
    ) -> None:  # fmt: skip
        self.stages, self.places, self.nodes = stages, places, nodes
        self.names, self.windows = names, windows
        self.changes: list[Change] = []
        #: None: not known
        self.weights: bool | None = False
        self.largest: float | None = None
        self.gained: list[Constant] = []
        self.lost: list[Constant] = []
        #: of either layer, operands that say what the other's attributes say, or its defaults
        self.spelled: tuple[list[Constant], list[Constant]] = ([], [])

    def by_name(self) -> None:
        """Settings of the same name, of layers of the same operator."""
        one, other = self.nodes
        known = [self.aligned(node) for node in self.nodes]
        for name in sorted({*known[0], *known[1]}):
            if name in one.reads or name in other.reads:
                if name in known[0] or name in known[1]:
                    self.changes.append(Change(
                        "operands", self.shown(0, name, known), self.shown(1, name, known),
                        next(x[name].name or name for x in known if name in x),
                    ))  # fmt: skip
                continue
            if self.windows and name in _SPELL_WINDOWS:
                continue  # how the window is spelled
            a, b = (known[k].get(name) for k in (0, 1))
            changes = len(self.changes)
            same = self.same_outputs() if name in one.spelling.shaping else False
            if same is None and (a is not None or b is not None):
                said = [None if x is None else _said(x) for x in (a, b)]
                title = next(x.name for x in (b, a) if x is not None)
                self.changes.append(Change("constants", said[0], said[1], title or name))
            elif not same and (a is None or b is None):
                self.one_sided(name, a, b)
            elif not same and a is not None and b is not None:
                self.both(name, a, b)
            if len(self.changes) == changes:
                for k, (x, y) in enumerate(((a, b), (b, a))):
                    if x is not None and x.constant is not None and (y is None or not y.constant):
                        self.spelled[k].append(x.constant)

    def aligned(self, node: Settings) -> dict[str, Setting]:
        """By name; where the order of operands is nothing, constant ones by their place among them."""
        if not node.spelling.commutes:
            return dict(node.settings)
        plain = {name: x for name, x in node.settings.items() if x.constant is None}
        held = [x for x in node.settings.values() if x.constant is not None]
        if len(held) > 1:
            held.sort(key=lambda x: str(x.constant and x.constant.digest.text))
        return plain | {f"operand {k}": x for k, x in enumerate(held)}

    def same_outputs(self) -> bool | None:
        """The same shapes come out, hanging on nothing but sizes; None where they are the same
        only at the lengths that were given to what is declared free."""
        outputs = [
            [value.shape for value in stage.layers[i].outputs]
            for stage, i in zip(self.stages, self.places, strict=True)
        ]
        if not self.told_same(outputs[0], outputs[1]):
            return False
        free = [s.free_shapes(i) for s, i in zip(self.stages, self.places, strict=True)]
        if free == [None, None]:
            return True
        one, other = (known or bound for known, bound in zip(free, outputs, strict=True))
        if any(_hangs_on_data(shape) for shape in (*one, *other)):
            return True  # how it hangs on what is free isn't followed
        return True if self.told_same(one, other) else None

    def told_same(self, one: list[Shape | None], other: list[Shape | None]) -> bool:
        if len(one) != len(other) or any(map(_hangs_on_data, (*one, *other))):
            return False
        return all(same_shape(a, b, self.names) for a, b in zip(one, other, strict=True))

    def shown(self, k: int, name: str, known: list[dict[str, Setting]]) -> Plain:
        setting = known[k].get(name)
        return self.nodes[k].reads.get(name) if setting is None else _said(setting)

    def both(self, name: str, a: Setting, b: Setting) -> None:
        held = a.constant, b.constant
        if held[0] is not None and held[1] is not None and held[0].learned and held[1].learned:
            self.learned(held[0], held[1])
            return
        same = same_setting(a, b, self.same_constants)
        if same is None and ((held[0] and held[0].learned) or (held[1] and held[1].learned)):
            self.unknown()
        elif not same:
            aspect: Aspect = "attributes" if held == (None, None) else "constants"
            largest = None if None in held else largest_difference(*held)  # type: ignore[arg-type]
            self.changes.append(Change(aspect, _said(a), _said(b), b.name or name, largest))

    def same_constants(self, a: Constant, b: Constant) -> bool | None:
        one, other = a.tensor.value, b.tensor.value
        if one is not None and other is not None and object in (one.dtype, other.dtype):
            return one.shape == other.shape and all(
                same_dim(x, y, self.names)
                for x, y in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
            )
        same = same_constants(a, b)
        if same and (a.stored is None or b.stored is None):
            # Computed from lengths: the same at those given, and wherever the file leaves them free?
            free = [s.free_value(x) for s, x in zip(self.stages, (a, b), strict=True)]
            if free[0] is not None and free[1] is not None:
                return free[0].shape == free[1].shape and all(
                    same_dim(x, y, self.names)
                    for x, y in zip(free[0].ravel().tolist(), free[1].ravel().tolist(), strict=True)
                )
        return same

    def one_sided(self, name: str, a: Setting | None, b: Setting | None) -> None:
        """What only one of them has is compared with what holds without it."""
        node = self.nodes[0] if a is None else self.nodes[1]
        there = a if a is not None else b
        assert there is not None
        held = there.constant
        default = node.fallback(name)
        if held is None and there.value in (None, "", ()):
            return
        if default is not None and same_setting(Setting(default), there, self.same_constants):
            return
        if default is None and held is None and there.given is None:
            return  # a default, of something that the other can't be told to do otherwise
        if held is not None and held.learned:
            if held.digest.text is None:
                self.unknown()
            if not held.digest.zeros:
                (self.gained if a is None else self.lost).append(held)
            name = self.role(name, 0 if b is None else 1)
        name = there.name if name == there.name.lower() else name
        shown = _said(there)
        aspect: Aspect = "attributes" if held is None else "operands"
        one, other = (None, shown) if a is None else (shown, None)
        self.changes.append(Change(aspect, one, other, name))

    def role(self, name: str, k: int) -> str:
        """An operand's name in words: the bias of a layer that adds one."""
        layer = self.stages[k].layers[self.places[k]]
        adds = layer.work is not None and layer.work.bias != 0
        return "bias" if adds and name in ("b", "c", "bias") else name

    def learned(self, a: Constant, b: Constant) -> None:
        same = same_constants(a, b)
        if same is None:
            self.unknown()
        elif not same:
            self.weights = True
            apart = largest_difference(a, b)
            if apart is not None:
                self.largest = max(apart, self.largest or 0.0)

    def unknown(self) -> None:
        if not self.weights:
            self.weights = None

    def by_numbers(self) -> None:
        """Learned operands of layers of different operators: the largest of each, then equal ones."""
        sides = [
            sorted(
                [x.constant for x in node.settings.values() if x.constant and x.constant.learned],
                key=lambda held: -held.elements,
            )
            for node in self.nodes
        ]
        if sides[0] and sides[1] and sides[0][0].elements == sides[1][0].elements:
            a, b = sides[0].pop(0), sides[1].pop(0)
            same = self.same_matrix(a, b)
            if same is None:
                self.unknown()
            elif not same:
                self.weights = True
        for a in list(sides[0]):
            twin = next((b for b in sides[1] if same_constants(a, b)), None)
            if twin is not None:
                sides[0].remove(a)
                sides[1].remove(twin)
        for k, (left, kept) in enumerate(((sides[0], self.lost), (sides[1], self.gained))):
            for held in left:
                if held.digest.text is None:
                    self.unknown()
                if not held.digest.zeros:
                    kept.append(held)
                name = next(n for n, x in self.nodes[k].settings.items() if x.constant is held)
                said = _said(Setting(None, held))
                one, other = (None, said) if k else (said, None)
                self.changes.append(Change("operands", one, other, self.role(name, k)))

    def same_matrix(self, a: Constant, b: Constant) -> bool | None:
        """Equal once either is laid out the same way: outputs by inputs."""
        if None in (a.digest.text, b.digest.text):
            return None
        laid_out = []
        for held, stage, i in zip((a, b), self.stages, self.places, strict=True):
            numbers, axes = held.numbers(), stage.axes_by_use(i, held.name)
            if numbers is None or axes is None or len(axes) != numbers.ndim:
                return same_constants(a, b)
            laid_out.append(np.squeeze(numbers.transpose(axes)))
        return laid_out[0].shape == laid_out[1].shape and bool(
            np.array_equal(laid_out[0], laid_out[1])
        )


def _hangs_on_data(shape: Shape | None) -> bool:
    return shape is None or any(isinstance(d, FreeDim) and bool(d.data) for d in shape)


def _said(setting: Setting) -> Plain:
    """A setting for people and machines: the first of some numbers."""
    held = setting.constant
    if held is None:
        return _plain(setting.value if setting.given is None else setting.given)
    value = held.tensor.value
    if held.digest.zeros and held.elements > 1:
        return "zeros"
    if value is not None and value.dtype != object:
        few = [_plain(x) for x in value.ravel()[:16].tolist()]
        return few if value.shape or held.elements != 1 else few[0]
    return f"a tensor of {held.tensor.dtype} {plain_shape(held.tensor.shape)}"


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


def _plain(value: object) -> Plain:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, TensorAttribute):
        return _plain(value.tensor)
    if isinstance(value, Tensor):
        held = value.value
        if held is not None and held.size == 1 and held.dtype != object:
            return _plain(held.ravel().tolist()[0])
        return f"a tensor of {value.dtype} {plain_shape(value.shape)}"
    return type(value).__name__


def _reads(layer: Layer) -> Plain:
    return [
        name for name, operand in zip(layer.inputs, layer.operands, strict=True)
        if operand is None or not operand.tensor.constant
    ]  # fmt: skip


# -- lengths ---------------------------------------------------------------------------------------


def same_dim(a: Dim | None, b: Dim | None, names: Renaming = SAME_NAMES) -> bool:
    """Equal, or hanging in the same way on the same free dimensions, and on what the same layer
    finds in its data.

    Args:
        names: what is called otherwise.
    """
    if not isinstance(a, FreeDim) or not isinstance(b, FreeDim):
        return a == b
    if a == b and not names.dims:
        return True
    return _spelled(a, names) == _spelled(b, SAME_NAMES)


def _spelled(dim: Polynomial, names: Renaming) -> object:
    """A polynomial in an order that doesn't hang on names, the names put in place of others."""
    return sorted(
        (repr(sorted(_atom(atom, names) for atom in monomial)), factor)
        for monomial, factor in dim.terms
    )


def _atom(atom: Atom, names: Renaming) -> str:
    if atom.top is not None:
        return f"floor({_spelled(atom.top, names)}/{atom.bottom})"
    if atom.parts:
        spelled = [_spelled(p, names) if isinstance(p, Polynomial) else p for p in atom.parts]
        return f"{atom.how}({spelled})"
    known = names.dims.get(atom.text)
    return _translated(atom.text, names.layers) if known is None else known


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
    names: Renaming = SAME_NAMES,
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


def _moved(layer: Layer) -> Dim | None:
    if layer.bytes_read is None or layer.bytes_written is None:
        return None
    return layer.bytes_read + layer.bytes_written


def _memory(layer: Layer, used: Sequence[int], spelled: Sequence[Constant]) -> Dim | None:
    """The bytes moved, without outputs that nothing reads and without operands that are attributes
    of the other layer."""
    found = _moved(layer)
    if found is None:
        return None
    left = [value.tensor for k, value in enumerate(layer.outputs) if k not in used]
    try:
        for tensor in (*left, *(held.tensor for held in spelled)):
            found -= tensor.nbytes
    except Undetermined:
        return _moved(layer)
    return found


def _plain_dim(value: Dim | None) -> Plain:
    return value if value is None or isinstance(value, int) else str(value)


def _field(field: ReceptiveField, inputs: Mapping[str, int]) -> tuple[object, ...]:
    """What a unit sees, the input by its position; None last, so that fields can be sorted."""
    facts = (
        field.output_axis, field.size, field.mean_step, field.start, field.local_size,
        field.smallest_size, field.aligned,
    )  # fmt: skip
    return (
        inputs.get(field.input, -1), field.axis, field.global_,
        *(-1.5 if fact is None else fact for fact in facts), repr(field.phases),
    )  # fmt: skip


def _sizes(layer: Layer) -> Plain:
    return [
        {
            "axis": f.axis, "size": f.size, "step": f.step,
            "mean_step": None if f.mean_step is None else str(f.mean_step),
            "start": f.start, "local_size": f.local_size, "smallest_size": f.smallest_size,
            "global": f.global_, "aligned": f.aligned,
        }
        for f in layer.receptive_field
    ]  # fmt: skip
