"""What do a scan's rows say together? One pass over them, in memory that doesn't grow with their number."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Final

from cnnscope.analyzer.render.page.fleet.failures import Failures
from cnnscope.analyzer.render.page.fleet.figures import Distribution, distributions
from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents, Row
from cnnscope.analyzer.render.page.fleet.kept_rows import KeptRows
from cnnscope.analyzer.render.page.fleet.model_columns import (
    ModelColumns,
    counted,
    text,
    texts,
)
from cnnscope.analyzer.render.page.fleet.operator_family import operator_family

#: kinds by which models are counted: column, title
KINDS: Final = (
    ("status", "Status"), ("opset", "Opset"), ("producer", "Producer"), ("family", "Mostly"),
    ("quantised", "Quantised"), ("weights", "Weights"), ("ir_version", "File format"),
    ("rf_covers_input", "Field covers the input"), ("within_limits", "Within limits"),
)  # fmt: skip
#: producers and the like that are told apart
_DISTINCT: Final = 2000
#: examples of models over a limit that are kept where not all are
_EXAMPLES: Final = 500


class Gathered:
    """What is known after the last row."""

    def __init__(self, contents: FleetContents) -> None:
        self.contents = contents
        self.count = 0
        self.distributions: list[Distribution] = list(distributions())
        self.kinds: dict[str, Counter[object]] = {name: Counter() for name, _ in KINDS}
        self.failures = Failures()
        #: of each operator: models that have it, and its layers
        self.operators: dict[str, list[int]] = {}
        #: likewise of what is missing in totals: operators and other reasons
        self.uncounted: dict[str, list[int]] = {}
        self.exceeded: Counter[str] = Counter()
        self.unknown_limits: Counter[str] = Counter()
        self.lint: Counter[str] = Counter()
        self._graphs = array("Q")
        self._columns = ModelColumns()
        self._kept = KeptRows()
        for number, row in enumerate(contents.rows):
            self._add(number, row)
        if not contents.whole:
            for number, row, found in self._kept.rows():
                self._columns.add(number, row, found)

    def _add(self, number: int, row: Row) -> None:
        self.count += 1
        found = self._made_of(row)
        example = self._failed(number, row, found) | self._limited(row)
        for distribution in self.distributions:
            distribution.add(distribution.figure.value(row))
        for name, counts in self.kinds.items():
            value = found[name] if name in found else row.get(name)
            counts[value if value in counts or len(counts) < _DISTINCT else "others"] += 1
        self.lint.update(texts(row, "lint_codes") or ())
        digest = text(row, "graph_digest")
        self._graphs.append(int(digest[:16], 16) if digest else 0)
        if self.contents.whole:
            self._columns.add(number, row, found)
        else:
            self._kept.add(number, row, found, example)

    def _made_of(self, row: Row) -> dict[str, object]:
        """Its operators, what is missing in its totals, what it is mostly made of."""
        operators, uncounted = counted(row, "operators"), counted(row, "uncounted")
        _tally(self.operators, operators or {})
        _tally(self.uncounted, uncounted or {})
        return {
            "operators": None if operators is None else tuple(sorted(operators)),
            "uncounted": None if uncounted is None else tuple(sorted(uncounted)),
            "family": operator_family(operators) if operators else None,
            "page": self.contents.pages.get(text(row, "path") or ""),
        }

    def _failed(self, number: int, row: Row, found: dict[str, object]) -> bool:
        """Whether it is an example of why models can't be read."""
        error = text(row, "error")
        if error is None:
            return False
        kind = text(row, "error_kind") or ("contradiction" if row.get("status") != "error" else "?")
        found["why"], first = self.failures.add(number, kind, error, text(row, "path") or "")
        return first

    def _limited(self, row: Row) -> bool:
        """Whether it is an example of limits that aren't kept."""
        self.unknown_limits.update(texts(row, "unknown_limits") or ())
        over = texts(row, "exceeded") or ()
        self.exceeded.update(over)
        return bool(over) and sum(self.exceeded.values()) <= _EXAMPLES

    @property
    def failed(self) -> int:
        """Models without a report."""
        return self.kinds["status"]["error"]

    @property
    def partial(self) -> int:
        """Models some total of which isn't known."""
        return self.kinds["status"]["partial"]

    def graphs(self) -> tuple[int, int]:
        """How many different graphs there are, and how many models have one that another has, too."""
        import numpy as np

        known = np.frombuffer(self._graphs, np.uint64) if self._graphs else np.zeros(0, np.uint64)
        _, counts = np.unique(known[known != 0], return_counts=True)
        return len(counts), int(counts[counts > 1].sum())

    def models(self) -> dict[str, object]:
        """The models that are on the page one by one."""
        seen = Counter(self._graphs[number] for number in self._columns.rows)
        numbers: dict[int, int] = {}
        return self._columns.part(
            numbers.setdefault(graph, len(numbers) + 1) if graph and seen[graph] > 1 else 0
            for graph in (self._graphs[number] for number in self._columns.rows)
        )

    @property
    def shown(self) -> int:
        """How many these are."""
        return len(self._columns.rows)


def _tally(found: dict[str, list[int]], counts: dict[str, int]) -> None:
    """One more model, and its layers, of each name."""
    for name, layers in counts.items():
        said = found.setdefault(name, [0, 0])
        said[0] += 1
        said[1] += layers
