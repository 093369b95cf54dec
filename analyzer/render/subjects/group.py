"""What is said of one group of layers? A row of what they come to."""

from __future__ import annotations

from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.subjects.groups import document as of_groups
from cnnscope.analyzer.report.group import Group
from cnnscope.analyzer.report.grouping import Groups


def document(group: Group) -> Document:
    """The group as a document."""
    return of_groups(Groups(group.by, (group,)))
