"""What differs between a layer and its counterpart in another model?

Each difference is a `Change` of one *aspect*. Some are the layer's own (operator, window, attributes,
what it reads, what is stored in it); others may merely follow from what is upstream (shape, dtype,
work, memory, receptive field), which is what keeps one changed stride from looking like fifty changed
layers. Two spellings of the same thing are no change: attributes are compared with ONNX's defaults
filled in, and where a layer moves a window along space the window itself is compared, not how its
attributes spell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.difference.change import Aspect, Change, Plain
from cnnscope.analyzer.difference.compared import Compared
from cnnscope.analyzer.difference.constants import Constant
from cnnscope.analyzer.difference.lengths import Renaming, same_dim, same_shape
from cnnscope.analyzer.difference.stages import Stage
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor, plain_shape


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
    compared = Compared(stages, places, (one, other), names, _is_known(windows))
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
    # Most layers see what their counterparts see: then it needn't be put in figures.
    if stages[0].inputs != stages[1].inputs or not before.sees_as(after):
        along = stages[0].looked_along & stages[1].looked_along
        fields = [
            sorted(
                _field(f, stage.places)
                for f in layer.receptive_field
                if (stage.places.get(f.input, -1), f.axis) in along or not _sees_itself(f)
            )
            for layer, stage in zip((before, after), stages, strict=True)
        ]
        if fields[0] != fields[1]:
            found.append(Change("field", _sizes(before), _sizes(after)))
    return Pair(
        stages, places, compared.weights, tuple(compared.gained), tuple(compared.lost),
        tuple(found),
    )  # fmt: skip


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


def _reads(layer: Layer) -> Plain:
    return [
        name for name, operand in zip(layer.inputs, layer.operands, strict=True)
        if operand is None or not operand.tensor.constant
    ]  # fmt: skip


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


def _sees_itself(field: ReceptiveField) -> bool:
    """Each unit sees the element at its own place: of an axis that only one of the networks looks along
    the other one says nothing, and means that."""
    sizes = field.size, field.smallest_size, field.mean_step, field.start
    return sizes == (1, 1, 1, 0) and not field.global_


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
