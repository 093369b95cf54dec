"""What do a scan's rows say together? One pass over them, and a second for some where they are too many."""

from __future__ import annotations

from collections import Counter
from typing import Final

from cnnscope.analyzer.fleet.distribution import Distribution
from cnnscope.analyzer.fleet.failures import Failing, pattern_of
from cnnscope.analyzer.fleet.number_column import UNKNOWN, NumberColumn
from cnnscope.analyzer.fleet.summary import leading_bits
from cnnscope.analyzer.fleet.tally import Tallying
from cnnscope.analyzer.render.page.fleet.figures import FIGURES, Figure, bins, spread
from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents, Row
from cnnscope.analyzer.render.page.fleet.kept_models import kept_models, lot
from cnnscope.analyzer.render.page.fleet.model_columns import NEEDED, ModelColumns, counted, text
from cnnscope.analyzer.render.page.fleet.operator_family import operator_family

#: kinds by which models are told apart: column, title
KINDS: Final = (
    ("status", "Status"), ("opset", "Opset"), ("producer", "Producer"), ("family", "Mostly"),
    ("quantised", "Quantised"), ("weights", "Weights"), ("ir_version", "File format"),
    ("rf_covers_input", "Field covers the input"), ("within_limits", "Within limits"),
)  # fmt: skip
#: whose things are counted, as `cnnscope scan --summary` counts them
_TALLIED: Final = ("operators", "uncounted", "lint_codes", "exceeded", "unknown_limits")
#: producers and the like that are told apart
_DISTINCT: Final = 2000
#: examples of a failure, and of models over limits, that are kept where not all are
_EXAMPLES: Final = 20
_OVER: Final = 500


class Gathered:
    """What is known after the last row.

    Args:
        contents: the fleet.
    """

    def __init__(self, contents: FleetContents) -> None:
        self.contents = contents
        self.count = 0
        self.kinds: dict[str, Counter[object]] = {name: Counter() for name, _ in KINDS}
        self.tallies = {column: Tallying(column) for column in _TALLIED}
        self.failing = Failing()
        self._numbers = {figure.name: NumberColumn() for figure in FIGURES}
        self._digests, self._lots = NumberColumn(), NumberColumn()
        self._examples: dict[str, list[int]] = {}
        self._columns = ModelColumns()
        for number, row in enumerate(contents.scan.rows(NEEDED)):
            self._take(number, row)
        if not contents.whole:
            self._keep()

    def _take(self, number: int, row: Row) -> None:
        self.count += 1
        for figure in FIGURES:
            self._numbers[figure.name].append(figure.value(row))
        digest = text(row, "graph_digest")
        self._digests.append(leading_bits(digest))
        for column, tally in self.tallies.items():
            tally.add(row.get(column))
        found = self._found(row)
        for name, counts in self.kinds.items():
            value = found[name] if name in found else row.get(name)
            counts[value if value in counts or len(counts) < _DISTINCT else "others"] += 1
        if found["why"] is not None:
            self.failing.add(_kind(row), text(row, "error") or "", text(row, "path") or "")
        if self.contents.whole:
            self._columns.add(number, row, found)
            return
        self._lots.append(lot(text(row, "path") or ""))
        why, over = found["why"], row.get("within_limits") is False
        for key, most in ((why, _EXAMPLES), ("over" if over else None, _OVER)):
            if key is not None and len(self._examples.setdefault(str(key), [])) < most:
                self._examples[str(key)].append(number)

    def _found(self, row: Row) -> dict[str, object]:
        """What follows from a row: its operators, what they are, why there is no report."""
        operators, uncounted = counted(row, "operators"), counted(row, "uncounted")
        error, path = text(row, "error"), text(row, "path") or ""
        return {
            "operators": None if operators is None else tuple(sorted(operators)),
            "uncounted": None if uncounted is None else tuple(sorted(uncounted)),
            "family": operator_family(operators) if operators else None,
            "why": None if error is None else f"{_kind(row)}: {pattern_of(error, path)}",
            "page": self.contents.pages.get(path),
        }

    def _keep(self) -> None:
        """The rows that are on the page, of many."""
        numbers = (column.values() for column in self._numbers.values())
        examples = (number for some in self._examples.values() for number in some)
        kept = kept_models(numbers, self._lots.values(), examples)
        for number, row in enumerate(self.contents.scan.rows(NEEDED)):
            if number in kept:
                self._columns.add(number, row, self._found(row))

    @property
    def failed(self) -> int:
        """Models without a report."""
        return self.kinds["status"]["error"]

    def figure(self, figure: Figure) -> tuple[Distribution, list[float], list[int]]:
        """How a figure is distributed, where its bins are and what is in them."""
        values = self._numbers[figure.name].values()
        failed = 0 if figure.name == "file_bytes" else self.failed
        return spread(figure, values, failed), *bins(figure, values)

    def graphs(self) -> tuple[int, int]:
        """How many different graphs there are, and how many models have one that another has, too."""
        import numpy as np

        digests = self._digests.values()
        _, counts = np.unique(digests[digests != UNKNOWN], return_counts=True)
        return len(counts), int(counts[counts > 1].sum())

    def models(self) -> dict[str, object]:
        """The models that are on the page one by one."""
        digests = self._digests.values()[self._columns.rows].tolist()
        seen = Counter(digests)
        numbers: dict[int, int] = {UNKNOWN: 0}
        return self._columns.part(
            numbers.setdefault(x, len(numbers)) if seen[x] > 1 else 0 for x in digests
        )

    @property
    def shown(self) -> int:
        """How many these are."""
        return len(self._columns.rows)


def _kind(row: Row) -> str:
    return text(row, "error_kind") or "unknown"
