"""Which figures does a baseline hold, of which models, and what became of them?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.budgets.check import CHECK_SCHEMA_VERSION
from cnnscope.analyzer.budgets.figure import Figures, figures_list, plain_number
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.since import Moved
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A model's figures in a baseline.

    Args:
        model: its path, from the baseline's folder.
        variant: the sizes they are for.
        figures: they.
        became: ``"new"``, ``"changed"``, ``"same"`` or ``"taken out"``, where it was just written;
            ``"gone"``: there is no such file any more; ``""``: nothing is to be said.
        moved: figures that differ from what they were.
    """

    model: str
    variant: str
    figures: Figures
    became: str = ""
    moved: tuple[Moved, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "model": self.model,
            "variant": self.variant,
            "became": self.became,
            "moved": [x.to_dict() for x in self.moved],
            "figures": figures_list(self.figures),
        }


@dataclass(frozen=True, eq=False, repr=False)
class SavedFigures(Answer):
    """What a baseline holds.

    Args:
        source: where it is.
        models: of which models.
        strangers: how many of its entries are none of cnnscope's; they stay.
    """

    source: str
    models: tuple[SavedModel, ...]
    strangers: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "schema_version": CHECK_SCHEMA_VERSION,
            "baseline": self.source,
            "models": [x.to_dict() for x in self.models],
            "strangers": self.strangers,
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each figure of a whole model, along each axis."""
        for x in self.models:
            for (scope, quantity), values in x.figures.items():
                for axis, figure in enumerate(values):
                    if scope == WHOLE:
                        yield {
                            "model": x.model, "variant": x.variant, "quantity": quantity,
                            "axis": axis if len(values) > 1 else None,
                            "value": plain_number(figure.shown),
                        }  # fmt: skip

    def summary(self) -> str:
        return f"of {many(len(self.models), 'model')}"
