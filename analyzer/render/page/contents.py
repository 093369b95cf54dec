"""What is a page made of? The report, and whatever else is known of its model."""

from __future__ import annotations

from cnnscope.analyzer.render.page.image import Image
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.sweep import Sweep
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Contents:
    """What a page shows.

    Args:
        report: the analysis.
        valid: which sizes the model accepts; None: not asked.
        sizes: what it costs at some of them.
        length: of these, the one that the report is of.
        image: what is shown as the input.
    """

    report: Report
    valid: ValidSizes | None = None
    sizes: Sweep | None = None
    length: int | None = None
    image: Image | None = None
