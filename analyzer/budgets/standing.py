"""Where does a model stand in the baseline: known, new, known by another name, or missing?

*New* is only what the baseline never heard of. A model whose entry is there at other sizes isn't, and
neither is one that looks like an entry whose own file has gone: else a limit would be got rid of by
giving the file another name.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.budgets.figure import Figures
from cnnscope.analyzer.budgets.since import Moved
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report

Status = Literal["known", "new", "renamed", "missing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model stands in the baseline.

    Args:
        status: ``"known"``; ``"new"``: the baseline has nothing of it; ``"renamed"``: it is taken for
            `other`, which has gone; ``"missing"``: there should be figures, and there are none.
        figures: the earlier ones; None where it is new or missing.
        other: the baseline's name of what it is taken for, or might be, or ``""``.
        reason: why there are no figures, or they are another entry's.
        report: of the earlier model, where that is at hand.
        rewritten: the baseline's own figures that were others at the commit that a check is since.
    """

    status: Status
    figures: Figures | None = None
    other: str = ""
    reason: str = ""
    rewritten: tuple[Moved, ...] = ()
    report: Report | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, object]:
        return {
            "status": self.status,
            "other": self.other or None,
            "reason": self.reason,
            "rewritten": [x.to_dict() for x in self.rewritten],
        }


#: of a limit that is relative to nothing
NO_BASELINE = Standing("missing", reason="it is relative to a baseline, and none is given")
