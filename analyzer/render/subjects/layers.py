"""Which facts of a layer are columns?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.subjects.free_sizes import (
    FORMS,
    formula_forms,
    shape_forms,
    shape_text,
    shortened,
    shortened_ratio,
)
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.group import Group
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import FACTS, Layers
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.shares import ADDITIVE
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.notation import (
    alike,
    count,
    name,
    nbytes,
    percent,
    ratio,
)


def _fact(key: str) -> Callable[[Layer], Exact]:
    return FACTS[key]  # type: ignore[return-value]  # a row holds plain facts


def _counted(key: str, write: Callable[[int], str] = count) -> Callable[[Layer], str]:
    def text(layer: Layer) -> str:
        value = ADDITIVE[key].of_layer(layer)
        if isinstance(value, FreeDim):
            return shortened(value, write)
        return write(value) if isinstance(value, int) else "?"

    return text


def _forms(key: str) -> Callable[[Layer], Sequence[str]]:
    text = _counted(key)

    def forms(layer: Layer) -> Sequence[str]:
        value = ADDITIVE[key].of_layer(layer)
        return formula_forms(value) if isinstance(value, FreeDim) else [text(layer)] * FORMS

    return forms


def _intensity(layer: Layer) -> str:
    if layer.intensity is not None:
        return ratio(layer.intensity)
    flops, moved = (ADDITIVE[key].of_layer(layer) for key in ("flops", "traffic_bytes"))
    free = isinstance(flops, FreeDim) and isinstance(moved, FreeDim)
    return shortened_ratio(flops, moved) if free else "?"


def largest_of(key: str) -> Callable[[Layer | Group], int | None]:
    def order(layer: Layer | Group) -> int | None:
        sizes = [x for f in layer.receptive_field if isinstance(x := getattr(f, key), int)]
        return max(sizes, default=None)

    return order


def _largest_step(layer: Layer) -> int | float | None:
    steps = [f.mean_step for f in layer.receptive_field if f.mean_step is not None]
    step = max(steps, default=None)
    return float(step) if isinstance(step, Fraction) else step


def field_size(field: ReceptiveField) -> str:
    """The size of a field along one axis; a global one with the size of its other paths; ``>= 31``
    behind what isn't followed."""
    size = "?" if field.size is None else str(field.size)
    if field.size is None and field.at_least:
        size = f">= {field.at_least}"
    if not field.global_:
        return size
    return "all" if field.local_size is None else f"all ({field.local_size})"


def per_axis(layer: Layer | Group, text: Callable[[ReceptiveField], str]) -> str:
    """A fact per axis as one text, network inputs apart: ``427``, ``1x427`` or ``27, 9``."""
    groups: dict[str, list[str]] = {}
    for field in layer.receptive_field:
        groups.setdefault(field.input, []).append(text(field))
    texts = [along_axes(axes) for axes in groups.values()]
    return ", ".join(dict.fromkeys(texts)) or "-"


def along_axes(axes: list[str]) -> str:
    sizes = [axis.removeprefix("all (").removesuffix(")") for axis in axes]
    if len(set(axes)) > 1 and all(axis.startswith("all (") for axis in axes):
        return f"all ({alike(sizes)})"
    return alike(axes)


def _step(field: ReceptiveField) -> str:
    """``~`` stands before an average: the units' own steps differ."""
    if field.step is not None:
        return str(field.step)
    return "-" if field.mean_step is None else f"~{field.mean_step}"


def _start(field: ReceptiveField) -> str:
    return "-" if field.start is None else str(field.start)


def _share(share: float | None) -> str:
    return "?" if share is None else percent(share)


def _most_outside(layer: Layer) -> float | None:
    shares = [f.outside_share for f in layer.receptive_field if f.outside_share is not None]
    return max(shares, default=None)


def document(layers: Layers) -> Document:
    """Layers as a document."""
    return Document("Layers", (Section((table(LAYER_COLUMNS, tuple(layers)),)),))


LAYER_COLUMNS: tuple[Column[Layer], ...] = (
    Column("index", "#", lambda x: str(x.index), lambda x: x.index, right=True),
    Column("name", "layer", lambda x: name(x.name), _fact("name"), importance=100, least=20,
           names=lambda x: x.name, beside=lambda x: x.op.rpartition("::")[2]),
    Column("path", "path", lambda x: name(x.name), _fact("path"), least=20,
           names=lambda x: x.name),
    Column("op", "op", lambda x: name(x.op, 60), _fact("op"), importance=90, least=24),
    Column("kind", "kind", lambda x: x.kind.label, _fact("kind"), importance=10),
    Column("traits", "traits", lambda x: ", ".join(x.kind.traits) or "-", _fact("traits")),
    Column("padding", "padding", lambda x: x.kind.padding or "-", _fact("padding")),
    Column("scope", "scope", lambda x: name(x.scope) or "-", _fact("scope"), least=8,
           names=lambda x: x.scope),
    Column("output", "output", lambda x: shape_text(x.output_shape), _fact("output"),
           importance=80, forms=lambda x: shape_forms(x.output_shape)),
    Column("dtype", "dtype", lambda x: x.outputs[0].dtype or "?" if x.outputs else "-",
           _fact("dtype")),
    Column("params", "params", _counted("params"), _fact("params"), right=True, importance=70),
    Column("macs", "MACs", _counted("macs"), _fact("macs"), right=True, importance=75,
           forms=_forms("macs")),
    Column("flops", "FLOPs", _counted("flops"), _fact("flops"), right=True, importance=45,
           forms=_forms("flops")),
    Column("weight_bytes", "weights", _counted("weight_bytes", nbytes), _fact("weight_bytes"),
           right=True),
    Column("bytes_read", "read", _counted("bytes_read", nbytes), _fact("bytes_read"), right=True,
           importance=30),
    Column("bytes_written", "written", _counted("bytes_written", nbytes), _fact("bytes_written"),
           right=True, importance=25),
    Column("traffic_bytes", "traffic", _counted("traffic_bytes", nbytes), _fact("traffic_bytes"),
           right=True),
    Column("intensity", "FLOP/B", _intensity, _fact("intensity"), right=True,
           importance=20),
    Column("rf_size", "field", lambda x: per_axis(x, field_size), _fact("rf_size"), right=True,
           importance=50, order=largest_of("size")),
    Column("rf_local", "local", lambda x: per_axis(x, lambda f: str(f.local_size or "-")),
           _fact("rf_local"), right=True, order=largest_of("local_size")),
    Column("rf_step", "step", lambda x: per_axis(x, _step), _fact("rf_step"), right=True,
           importance=40, order=_largest_step),
    Column("rf_start", "start", lambda x: per_axis(x, _start), _fact("rf_start"), right=True,
           order=largest_of("start")),
    Column("rf_mean_step", "mean step",
           lambda x: per_axis(x, lambda f: "-" if f.mean_step is None else str(f.mean_step)),
           _fact("rf_mean_step"), right=True, order=_largest_step),
    Column("rf_global", "global", lambda x: "yes" if FACTS["rf_global"](x) else "no",
           _fact("rf_global")),
    Column("rf_outside", "outside", lambda x: per_axis(x, lambda f: _share(f.outside_share)),
           _fact("rf_outside"), right=True, order=_most_outside),
    Column("padded", "padded", lambda x: _share(x.padded_share), _fact("padded"), right=True),
)  # fmt: skip
