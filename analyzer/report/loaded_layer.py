"""What does a layer answer that was read back from JSON, and what does it need its model for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.seen import Extent
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.receptive_field import ReceptiveField, Region
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.report.effective_finding import EffectiveUnit


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """What the JSON says of a layer besides its own figures; a layer's source.

    Args:
        path: what the layer is known by.
        model: the model's path, as the report has it.
        known_kind, known_operands, fields, padded, classes: what is answered.
    """

    path: str
    model: str | None
    known_kind: Kind
    known_operands: tuple[Value | None, ...]
    fields: tuple[ReceptiveField, ...]
    padded: float | None
    classes: Mapping[str, str]

    def kind(self) -> Kind:
        """What the layer is, in the field's words."""
        return self.known_kind

    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads."""
        return self.known_operands

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What the units of its first output see, in figures."""
        return self.fields

    def extents(self) -> Sequence[Extent]:
        """How much those units see."""
        return [Extent(x.size, x.local_size, x.at_least, global_=x.global_) for x in self.fields]

    def sees(self) -> object:
        """The figures themselves: nothing else is known."""
        return self.fields

    def padded_share(self) -> float | None:
        """The share of those units whose window touches padding."""
        return self.padded

    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around it, by their path."""
        return self.classes

    def regions(self, units: Iterable[Sequence[int | None]]) -> list[Region]:
        """Needs the model."""
        raise self._needs("which inputs a unit sees")

    def effective_unit(
        self, unit: Sequence[int | None] | None, source: str | None
    ) -> EffectiveUnit:
        """Needs the model."""
        raise self._needs("how much of it a unit hangs on")

    def explain(self, unit: Sequence[int | None] | None) -> Explanation:
        """Needs the model."""
        raise self._needs("how its numbers come about")

    def _needs(self, what: str) -> ValueError:
        model = "the model" if self.model is None else repr(self.model)
        return ValueError(
            f"layer {self.path!r} was read back from JSON: {what} needs the model itself; "
            f"analyze({model}) and ask its report"
        )
