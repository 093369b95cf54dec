"""What are the facts of a layer as one record, each axis' facts apart?

Along the axes of an input that layers see of, facts are named by the axis: ``rf_h`` and ``rf_w`` where
there are two (height and width), ``rf_d``, ``rf_h``, ``rf_w`` of three, ``rf_l`` of one (length), and by the
axis' position, ``rf_a4``, of more. Of a second and further inputs, the input's name follows: ``rf_h@mask``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import ReceptiveField, plain_number
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Shape

#: an input, and an axis of it
InputAxis = tuple[str, int]

_LETTERS = {1: "l", 2: "hw", 3: "dhw"}


def axis_names(layers: Iterable[Layer]) -> dict[InputAxis, str]:
    """What the axes are called that the layers see along.

    >>> import cnnscope
    >>> axis_names(cnnscope.analyze("sample_models/lenet5.onnx").layers)
    {('input', 2): 'h', ('input', 3): 'w'}
    """
    seen: dict[str, set[int]] = {}
    for layer in layers:
        for field in layer.receptive_field:
            seen.setdefault(field.input, set()).add(field.axis)
    every = sorted(set().union(*seen.values()))
    letters = dict(zip(every, _LETTERS.get(len(every)) or [f"a{x}" for x in every], strict=True))
    return {
        (source, axis): letters[axis] + (f"@{source}" if position else "")
        for position, (source, axes) in enumerate(seen.items())
        for axis in sorted(axes)
    }


def layer_records(layers: Sequence[Layer]) -> Iterator[dict[str, object]]:
    """The layers' facts, a record each, all with the same keys in the same order."""
    names = axis_names(layers)
    formulas = dict.fromkeys(key for x in layers for key in x.formulas)
    for layer in layers:
        fields = {(field.input, field.axis): field for field in layer.receptive_field}
        record = {key: fact(layer) for key, fact in _FACTS.items()}
        found = layer.formulas
        record.update((f"{key}_formula", found.get(key)) for key in formulas)
        record["rf_global"] = any(field.global_ for field in fields.values())
        for what, fact in _ALONG.items():
            for axis, letter in names.items():
                field = fields.get(axis)
                record[f"{what}_{letter}"] = None if field is None else fact(layer, field)
        yield record


def shape_text(shape: Shape | None) -> str | None:
    """A shape as one text.

    >>> shape_text((1, 64, 112, 112))
    '1x64x112x112'
    """
    return None if shape is None else "x".join(map(str, shape))


def _elements(layer: Layer) -> int | None:
    shape = layer.output_shape
    return None if shape is None else plain_number(product(shape))


_FACTS: Mapping[str, Callable[[Layer], object]] = {
    "index": lambda x: x.index,
    "name": lambda x: str(x.name),
    "path": lambda x: x.path,
    "op": lambda x: x.op,
    "kind": lambda x: x.kind.label,
    "traits": lambda x: ", ".join(x.kind.traits),
    "padding": lambda x: x.kind.padding,
    "scope": lambda x: x.scope,
    "output": lambda x: shape_text(x.output_shape),
    "elements": _elements,
    "dtype": lambda x: x.outputs[0].dtype if x.outputs else None,
    "params": lambda x: x.params,
    "buffers": lambda x: x.buffers,
    "weight_bytes": lambda x: x.weight_bytes,
    "macs": lambda x: x.macs,
    "flops": lambda x: x.flops,
    "bytes_read": lambda x: plain_number(x.bytes_read),
    "bytes_written": lambda x: plain_number(x.bytes_written),
    "intensity": lambda x: x.intensity,
    "padded": lambda x: x.padded_share,
}


def _length(layer: Layer, field: ReceptiveField) -> int | None:
    if field.output_axis is None or layer.output_shape is None:
        return None
    return plain_number(layer.output_shape[field.output_axis])


#: what is known along an axis: the output's length there, and of the field what `ReceptiveField` says
_ALONG: Mapping[str, Callable[[Layer, ReceptiveField], object]] = {
    "out": _length,
    "rf": lambda x, f: f.size,
    "local": lambda x, f: f.local_size,
    "smallest": lambda x, f: f.smallest_size,
    "step": lambda x, f: f.step,
    "mean_step": lambda x, f: None if f.mean_step is None else float(f.mean_step),
    "start": lambda x, f: f.start,
    "outside": lambda x, f: f.outside_share,
}
