"""What is an export made of: the text, and what its reader has to be told?"""

from __future__ import annotations

from typing import NamedTuple

from cnnscope.analyzer.report.model_info import file_name
from cnnscope.analyzer.report.report import Report


class Wish(NamedTuple):
    """What was asked for besides the format.

    Args:
        color: the metric that nodes are coloured by; None: none.
        depth: modules so deep are one node each; None: every layer is one.
    """

    color: str | None = None
    depth: int | None = None


class Exported(NamedTuple):
    """A file's text, and what of the model isn't in it or won't be shown, in sentences."""

    text: str
    notes: tuple[str, ...] = ()


def model_name(report: Report) -> str:
    """What the model is called: its file's name without the folder."""
    return file_name(report.model.path) or "model"
