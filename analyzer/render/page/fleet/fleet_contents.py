"""What is a fleet's page made of? A scan's rows, one after the other, and where its models have pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cnnscope.analyzer.values.plain_class import dataclass

#: models that a page holds with every figure; of more it has distributions, the extreme ones and a sample
MOST_MODELS: Final = 150_000

#: a row as a scan has it
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FleetContents:
    """What a fleet's page shows.

    Args:
        name: the scan's file, as a reader knows it.
        rows: its rows, in order; read once.
        count: how many they are.
        pages: the page of a model by its path, as an address relative to the fleet's page.
        most: models that are on the page one by one.
    """

    name: str
    rows: Iterable[Row]
    count: int
    pages: Mapping[str, str]
    most: int = MOST_MODELS

    @property
    def whole(self) -> bool:
        """Every model is on the page with its figures."""
        return self.count <= self.most
