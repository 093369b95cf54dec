"""What became of one model from one scan to the next?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from cnnscope.analyzer.values.plain_class import dataclass

ChangeStatus = Literal["failing", "mended", "changed", "gone", "new", "moved"]
#: in the order in which they are told
STATUSES: Final[tuple[ChangeStatus, ...]] = (
    "failing", "mended", "changed", "gone", "new", "moved",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that isn't what it was; None: it isn't, or wasn't, known."""

    figure: str
    before: int | None
    after: int | None

    @property
    def ratio(self) -> float | None:
        """How many times what it was; None: that was 0, or one of the two isn't known.

        >>> FigureChange("macs", 2, 3).ratio
        1.5
        """
        if not self.before or self.after is None:
            return None
        return self.after / self.before

    def to_dict(self) -> dict[str, object]:
        return {
            "figure": self.figure, "before": self.before, "after": self.after, "ratio": self.ratio
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What became of a model.

    Args:
        status: ``"new"`` and ``"gone"``: its path is in one scan only; ``"moved"``: the same graph is there
            under another path; ``"failing"``: there was a report, and is none; ``"mended"``: the other way
            round; ``"changed"``: something of it differs.
        path: where it is, or was.
        before: where it was, if elsewhere.
        graph: its graph is another.
        figures: those that differ; of what is new or gone, all that are known.
        aspects: what else differs, by column: before and after.
        error: why there is no report, or was none.
    """

    status: ChangeStatus
    path: str
    before: str | None = None
    graph: bool = False
    figures: tuple[FigureChange, ...] = ()
    aspects: Mapping[str, tuple[object, object]] | None = None
    error: str | None = None

    def __getitem__(self, figure: str) -> FigureChange:
        """How a figure changed.

        Raises:
            KeyError: it is what it was.
        """
        for change in self.figures:
            if change.figure == figure:
                return change
        raise KeyError(f"{figure!r} is what it was")

    def to_dict(self) -> dict[str, object]:
        return {
            "status": self.status,
            "path": self.path,
            "before": self.before,
            "graph_changed": self.graph,
            "figures": [x.to_dict() for x in self.figures],
            "aspects": {
                key: {"before": one, "after": other}
                for key, (one, other) in (self.aspects or {}).items()
            },
            "error": self.error,
        }
