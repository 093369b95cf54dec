"""What changed in a zoo from one scan to the next?

Models are known by their paths, and where these changed by their graphs. All that changed is told from a
database on disk, as often as it is asked for: a million models need no memory here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.fleet.model_change import STATUSES, ChangeStatus, ModelChange
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    from cnnscope.analyzer.fleet.change_table import ChangeTable

DIFFERENCE_SCHEMA_VERSION: Final = 1
#: of a condition the figures that belong to it
_FIGURES: Final[Mapping[str, tuple[str, ...]]] = {
    "params": ("params",), "macs": ("macs",), "flops": ("flops",),
    "memory": ("weight_bytes", "peak_activation_bytes", "traffic_bytes"),
    "field": ("rf_d", "rf_h", "rf_w", "rf_l"),
}  # fmt: skip
_STATUS_OF: Final[Mapping[str, ChangeStatus]] = {
    "failing": "failing", "mended": "mended", "changed": "changed", "removed": "gone", "added": "new",
    "moved": "moved",
}  # fmt: skip
#: what a difference of scans can be asked to be free of
SCAN_CONDITIONS: Final = ("any", *_STATUS_OF, *_FIGURES, "graph", "opset")


@dataclass(frozen=True, slots=True)
class FleetTotal:
    """A figure's sum over all models of a scan, before and after, and of how many models it was known."""

    figure: str
    before: int
    after: int
    known_before: int
    known_after: int

    def to_dict(self) -> dict[str, object]:
        return {
            "figure": self.figure, "before": self.before, "after": self.after,
            "models_before": self.known_before, "models_after": self.known_after,
        }  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ScanDifference(Answer):
    """What changed from one scan to the next.

    Args:
        before, after: the scans' files.
        models: how many models each has.
        counts: how many models became what; ``"same"`` and ``"still_failing"`` among them.
        graphs: how many models at the same path have another graph.
        reanalysed: how many have the same graph and other figures, from another version of cnnscope.
        totals: sums over all models.
        versions: by which versions of cnnscope the rows of each were made.

    >>> import cnnscope
    >>> found = cnnscope.read_scan("old.parquet").diff("new.parquet")  # doctest: +SKIP
    >>> found.counts["new"], [x.path for x in found.largest("changed", 2)]  # doctest: +SKIP
    (12, ['a.onnx', 'b.onnx'])
    """

    before: str
    after: str
    models: tuple[int, int]
    counts: Mapping[str, int]
    graphs: int
    reanalysed: int
    totals: tuple[FleetTotal, ...]
    versions: tuple[tuple[str, ...], tuple[str, ...]]
    _table: ChangeTable = field(repr=False)

    @property
    def same(self) -> bool:
        """Nothing that is known of any model differs."""
        return not any(self.counts[status] for status in STATUSES)

    def changes(self, *statuses: ChangeStatus) -> Iterator[ModelChange]:
        """What became of models that aren't as they were, the largest changes of each status first.

        Args:
            statuses: only these; none: all.
        """
        for status in STATUSES:
            if not statuses or status in statuses:
                yield from self._table.changes(status)

    def largest(self, status: ChangeStatus, most: int) -> list[ModelChange]:
        """So many of the changes of a status, the largest."""
        return list(islice(self.changes(status), most))

    def failing(self, conditions: Iterable[str]) -> dict[str, str]:
        """Those of the conditions that the difference isn't free of, and why.

        Args:
            conditions: of ``SCAN_CONDITIONS``: what became of a model; what changed in one that is in both;
                ``"any"``: any of these.

        Raises:
            ValueError: there is no such condition.
        """
        return {name: why for name in conditions for why in [self._failing(name)] if why}

    def _failing(self, condition: str) -> str | None:
        if condition not in SCAN_CONDITIONS:
            raise ValueError(f"no condition {condition!r}; there are: {', '.join(SCAN_CONDITIONS)}")
        if condition == "any":
            return None if self.same else f"{became_text(self.counts)}"
        if condition in _STATUS_OF:
            status = _STATUS_OF[condition]
            count = self.counts[status]
            return f"{many(count, 'model')} {_WORDS[status]}" if count else None
        count = self.graphs
        if condition != "graph":
            count = self._table.differing(_FIGURES.get(condition, (condition,)))
        told = {"field": "receptive field", "macs": "MACs", "flops": "FLOPs"}.get(
            condition, condition
        )
        return f"{many(count, 'model')} changed in {told}" if count else None

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return self._record([x.to_dict() for x in self.changes()])

    def streamed(self) -> dict[str, object]:
        """The same, with ``models`` given a model at a time, since there may be a million."""
        return self._record(x.to_dict() for x in self.changes())

    def _record(self, models: object) -> dict[str, object]:
        return {
            "schema_version": DIFFERENCE_SCHEMA_VERSION,
            "before": {"path": self.before, "models": self.models[0], "cnnscope": list(self.versions[0])},
            "after": {"path": self.after, "models": self.models[1], "cnnscope": list(self.versions[1])},
            "same": self.same,
            "counts": dict(self.counts),
            "graphs_changed": self.graphs,
            "reanalysed": self.reanalysed,
            "totals": [x.to_dict() for x in self.totals],
            "models": models,
        }  # fmt: skip

    def records(self) -> Iterator[dict[str, object]]:
        """One for each model that isn't as it was, and figure of it that isn't."""
        for x in self.changes():
            base = {
                "status": x.status,
                "path": x.path,
                "before_path": x.before,
                "graph_changed": x.graph,
            }
            for change in x.figures or (None,):
                told = {"figure": None, "before": None, "after": None, "ratio": None}
                yield {**base, **(told if change is None else change.to_dict()), "error": x.error}

    def summary(self) -> str:
        return (
            f"of {name(self.before, 120)} and {name(self.after, 120)}: {became_text(self.counts)}"
        )


_WORDS: Final = {
    "failing": "failing now", "mended": "mended", "changed": "changed", "gone": "gone", "new": "new",
    "moved": "moved", "still_failing": "still failing", "same": "the same",
}  # fmt: skip


def became_text(counts: Mapping[str, int]) -> str:
    """How many models became what.

    >>> became_text({"failing": 1, "new": 1200, "same": 3})
    '1 failing now, 1,200 new, 3 the same'
    """
    return ", ".join(f"{counts[key]:,} {word}" for key, word in _WORDS.items() if counts.get(key))
