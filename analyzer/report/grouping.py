"""What do a report's layers come to in groups, as a value that shows itself?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.report.group import By, Group, Grouped, group_records
from cnnscope.analyzer.report.groups import grouped
from cnnscope.analyzer.report.module_groups import module_tree
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing


@dataclass(frozen=True, eq=False, repr=False)
class Groups(Listing[Group]):
    """A model's layers in groups: what `Report.by_op` and the like give.

    Args:
        by: what makes a group: ``"op"``, ``"kind"``, ``"module"`` or ``"block"``.
        groups: every layer is in exactly one.
        tree: of modules, those of the first level, each with the ones in it as its `children`.

    >>> import cnnscope
    >>> groups = cnnscope.analyze("sample_models/lenet5.onnx").by_op()
    >>> groups[0].name, groups
    ('Conv', <cnnscope.Groups by op: 5>)
    """

    by: By
    groups: tuple[Group, ...]
    tree: tuple[Group, ...] = ()

    @classmethod
    def of(cls, report: Grouped, by: By, depth: int | None = None) -> Groups:
        """The report's layers in groups; as `grouped`, which says what is raised."""
        groups = tuple(grouped(report, by, depth))
        return cls(by, groups, module_tree(report, depth or 1) if by == "module" else ())

    @property
    def items(self) -> tuple[Group, ...]:
        return self.groups

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        found: dict[str, object] = {
            "by": self.by, "groups": [group.to_dict() for group in self.groups],
        }  # fmt: skip
        if self.tree:
            found["tree"] = [group.to_dict() for group in self.tree]
        return found

    def records(self) -> Iterator[dict[str, object]]:
        """One for each group."""
        yield from group_records(self.groups)

    def summary(self) -> str:
        return f"by {self.by}: {len(self.groups)}"
