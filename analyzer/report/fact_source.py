"""Where does a layer come from, for what is put into words or figures only when asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cnnscope.analyzer.fields.seen import Extent
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.report.receptive_field import ReceptiveField, Region
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor, plain_shape

if TYPE_CHECKING:
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.report.effective_finding import EffectiveUnit


@dataclass(frozen=True, slots=True)
class Value:
    """A named tensor: its dtype and shape, None where not known."""

    name: str
    tensor: Tensor

    @property
    def dtype(self) -> str | None:
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        return self.tensor.shape

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name, "dtype": self.dtype, "shape": plain_shape(self.shape),
        }  # fmt: skip
        if self.tensor.kind != "tensor":
            found["kind"] = self.tensor.kind
        return found


class FactSource(Protocol):
    """Where a layer came from, for what is put into words or figures only when asked for."""

    def kind(self) -> Kind:
        """What the layer is, in the field's words."""

    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads."""

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What the units of its first output see, in figures."""

    def extents(self) -> Sequence[Extent]:
        """How much those units see, as many as `receptive_field` has."""

    def sees(self) -> object:
        """What decides what those units see, not yet in figures: where it is equal, the figures are."""

    def padded_share(self) -> float | None:
        """The share of those units whose window touches padding."""

    def regions(self, units: Iterable[Sequence[int | None]]) -> list[Region]:
        """The input indices that each of some units of the layer's first output sees."""

    def effective_unit(
        self, unit: Sequence[int | None] | None, source: str | None
    ) -> EffectiveUnit:
        """One of those units, of which it is asked what hangs on each position of a network input."""

    def explain(self, unit: Sequence[int | None] | None) -> Explanation:
        """How each of the layer's numbers comes about."""

    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around it, by their path."""
