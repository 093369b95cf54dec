"""Which input indices does each of many units of a layer see, as a value that shows itself?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.units import plain_units
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import Region
from cnnscope.analyzer.report.unit_text import ranges_text, unit_text
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Regions(Listing[Region]):
    """What units of a layer see of the network inputs: what `Report.regions` gives, a region per unit.

    Args:
        layer: the layer's name.
        units: as they were asked for: an index per axis of the output, or one per axis of its
            receptive field; None stands for all of an axis.
        regions: of each unit, by network input that it depends on, per axis the indices as inclusive
            ranges, clipped at every border on the way.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
    >>> regions = report.regions("/conv2/Conv", [(0, 0), (9, 9)])
    >>> regions[1]["input"][2], regions
    (((18, 31),), <cnnscope.Regions of /conv2/Conv: 2 units>)
    """

    layer: str
    units: tuple[tuple[int | None, ...], ...]
    regions: tuple[Region, ...]

    @property
    def items(self) -> tuple[Region, ...]:
        return self.regions

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "layer": self.layer,
            "regions": [
                {
                    "unit": list(unit),
                    "inputs": {
                        source: [[list(span) for span in axis] for axis in axes]
                        for source, axes in region.items()
                    },
                }
                for unit, region in zip(self.units, self.regions, strict=True)
            ],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each unit, input and axis: the first and last index seen, and how many are."""
        for unit, region in zip(self.units, self.regions, strict=True):
            for source, axes in region.items():
                for axis, spans in enumerate(axes):
                    yield {
                        "unit": unit_text(unit),
                        "input": source,
                        "axis": axis,
                        "first": spans[0][0],
                        "last": spans[-1][1],
                        "indices": sum(last - first + 1 for first, last in spans),
                        "ranges": ranges_text(spans),
                    }

    def summary(self) -> str:
        return f"of {name(self.layer, 120)}: {many(len(self.units), 'unit')}"


def asked_regions(
    layer: Layer, units: Iterable[Sequence[int | None]] | NDArray[np.integer]
) -> Regions:
    """What some units of a layer see.

    Raises:
        ValueError: a unit isn't one of the layer's, or regions can't be told.
    """
    asked = tuple(plain_units(units))
    return Regions(layer.name, asked, tuple(layer.regions(asked)))
