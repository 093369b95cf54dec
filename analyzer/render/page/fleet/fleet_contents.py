"""What is a fleet's page made of? A scan's rows, and where its models have pages of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cnnscope.analyzer.fleet.summary import Rows
from cnnscope.analyzer.values.plain_class import dataclass

#: models that a page holds one by one; of more it has what is counted of all, the extreme ones and a sample
MOST_MODELS: Final = 150_000

#: a row as a scan has it
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FleetContents:
    """What a fleet's page shows.

    Args:
        name: the scan's file, as a reader knows it.
        scan: its rows; gone through once, or twice where they are more than `most`.
        count: how many they are.
        pages: the page of a model by its path, as an address relative to the fleet's page.
        most: models that are on the page one by one.
    """

    name: str
    scan: Rows
    count: int
    pages: Mapping[str, str]
    most: int = MOST_MODELS

    @property
    def whole(self) -> bool:
        """Every model is on the page with its figures."""
        return self.count <= self.most
