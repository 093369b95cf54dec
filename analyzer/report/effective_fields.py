"""How much of what they could see do the layers of a network hang on, one after another?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.effective_field import SHARES
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

if TYPE_CHECKING:
    from cnnscope.analyzer.fields.effective import Counting
    from cnnscope.analyzer.report.layer import Layer


@dataclass(frozen=True, slots=True)
class EffectiveSize:
    """A layer's effective receptive field in figures, that of its central unit.

    Args:
        layer, op: the layer's name and operator.
        input: the network input.
        theoretical: by axis, input positions from the first to the last seen, clipped at the borders.
        sides: by `SHARES`, the side of the smallest centred square that holds the share.
        side_share: the last of these over the input's longest side.
        field_share: the part of the theoretical field's positions that hold the last share.
        sigma: by axis, the standard deviation in input positions.
        why: why that isn't known, or ``""``; then there are no figures.
    """

    layer: str
    op: str
    input: str | None = None
    theoretical: tuple[int, ...] = ()
    sides: tuple[int, ...] = ()
    side_share: float | None = None
    field_share: float | None = None
    sigma: tuple[float, ...] = ()
    why: str = ""

    def side(self, place: int) -> int | None:
        """The side for one of `SHARES`; None where it isn't known."""
        return self.sides[place] if self.sides else None

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "layer": self.layer,
            "op": self.op,
            "input": self.input,
            "theoretical": list(self.theoretical) or None,
            **{key: self.side(place) for place, key in enumerate(KEYS)},
            "side_share": self.side_share,
            "field_share": self.field_share,
            "sigma": list(self.sigma) or None,
            "why": self.why,
        }


#: what the sides are called
KEYS = tuple(f"side_{round(100 * share)}" for share in SHARES)


@dataclass(frozen=True, eq=False, repr=False)
class EffectiveFields(Listing[EffectiveSize]):
    """The effective receptive fields of a model's layers: what `Report.effective_fields` gives.

    Args:
        model: its path; None for one in memory.
        counting: how they came about, as `EffectiveField` has it.
        layers: in running order; those that see no axis which layers look along are left out.

    >>> import cnnscope
    >>> found = cnnscope.analyze("sample_models/lenet5.onnx").effective_fields()
    >>> found[0].sides, found
    ((5, 5, 5), <cnnscope.EffectiveFields of sample_models/lenet5.onnx: 12 layers>)
    """

    model: str | None
    counting: str
    layers: tuple[EffectiveSize, ...]

    @property
    def items(self) -> tuple[EffectiveSize, ...]:
        return self.layers

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "schema_version": 1,
            "model": self.model,
            "counting": self.counting,
            "shares": list(SHARES),
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer."""
        for layer in self.layers:
            row = layer.to_dict()
            row["theoretical"] = max(layer.theoretical, default=None)
            row["sigma"] = max(layer.sigma, default=None)
            yield row

    def summary(self) -> str:
        path = name(self.model or "a model in memory", 120)
        return f"of {path}: {many(len(self.layers), 'layer')}"


def sizes_of(
    model: str | None, layers: Iterable[Layer], source: str | None, counting: Counting
) -> EffectiveFields:
    """The effective fields of some layers of a model."""
    found = [_size_of(layer, source, counting) for layer in layers if layer.extents()]
    return EffectiveFields(model, counting, tuple(found))


def _size_of(layer: Layer, source: str | None, counting: Counting) -> EffectiveSize:
    try:
        field = layer.effective_field(input=source, counting=counting)
    except ValueError as error:
        return EffectiveSize(layer.name, layer.op, source, why=str(error))
    return EffectiveSize(
        layer.name, layer.op, field.input, field.theoretical, tuple(field.sides(SHARES)),
        field.side_share(SHARES[-1]), field.field_share(SHARES[-1]), field.sigma,
    )  # fmt: skip
