"""What is a page made of? The report, and whatever else is known of its model."""

from __future__ import annotations

from cnnscope.analyzer.budgets.check import Checked
from cnnscope.analyzer.difference.difference import Difference
from cnnscope.analyzer.render.page.image import Image
from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.verification import Verification
from cnnscope.analyzer.sizes.sweep import Sweep
from cnnscope.analyzer.sizes.tiling import Tiling
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.values.plain_class import dataclass

#: layers above which a page leaves out what takes a walk through the network for each of them
MOST_LAYERS = 4000


@dataclass(frozen=True, slots=True)
class Contents:
    """What a page shows.

    Args:
        report: the analysis, with its `execution` where the model was run.
        valid: which sizes the model accepts; None: not asked.
        sizes: what it costs at some of them.
        length: of these, the one that the report is of.
        image: what is shown as the input.
        ceilings: what the machine can do, as stated; None: only what a run measured, if there was one.
        budgets: whether limits are kept; None: there were none.
        tiling: how it is run tile by tile; None: not asked.
        difference: what differs from another model, which came before; None: there was none.
    """

    report: Report
    valid: ValidSizes | None = None
    sizes: Sweep | None = None
    length: int | None = None
    image: Image | None = None
    ceilings: Ceilings | None = None
    budgets: Checked | None = None
    tiling: Tiling | None = None
    difference: Difference | None = None

    @property
    def shapes(self) -> dict[str, list[int | None]]:
        """The sizes that the page is made at, of the inputs whose ranks are known; None: still free."""
        return {
            x.name: [n if isinstance(n, int) else None for n in x.shape]
            for x in self.report.inputs
            if x.shape is not None
        }

    @property
    def large(self) -> bool:
        """It has so many layers that what units see, and other sizes, aren't on the page."""
        return len(self.report.layers) > MOST_LAYERS

    @property
    def profile(self) -> Profile | None:
        """How long the model took when it was run."""
        return None if self.report.execution is None else self.report.execution.profile

    @property
    def verification(self) -> Verification | None:
        """Whether what is said of the model held when it was run."""
        return None if self.report.execution is None else self.report.execution.verification
