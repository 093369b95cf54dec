"""What do several layers come to together?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, Protocol

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_records import axis_names, shape_text
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.sums import sum_traffic, sum_work
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.notation import name as shown
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.tensor import Shape, plain_shape


class HasName(Protocol):
    """An input or output of a model."""

    @property
    def name(self) -> str: ...


class Grouped(Protocol):
    """What is grouped: a report, as far as that asks for it."""

    @property
    def layers(self) -> Layers: ...
    @property
    def inputs(self) -> Sequence[HasName]: ...
    @property
    def outputs(self) -> Sequence[HasName]: ...


By = Literal["op", "kind", "module", "block"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Group(Answer):
    """What several layers come to.

    Args:
        by: what makes them a group: ``"op"``, ``"kind"``, ``"module"`` or ``"block"``.
        name: the operator, the kind, the module's path or the block's main layer.
        members: the layers.
        params: their stored weight elements, each where it is counted.
        macs, flops: their work.
        traffic_bytes: bytes that each reads and writes, as if none were fused.
        consists: of a block, what it is made of: ``"convolution + normalization + activation"``.
        module_class: of a module, its class, where the exporter noted it.
        level: of a module in a tree, how deep it stands, from 1.
        children: of a module in a tree, those in it: every layer of it is in one of them, if there are any.
    """

    by: By
    name: str
    members: tuple[Layer, ...]
    params: int
    macs: Metric
    flops: Metric
    traffic_bytes: Metric
    consists: str | None = None
    module_class: str | None = None
    level: int = 1
    children: tuple[Group, ...] = ()

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.members)

    @property
    def op(self) -> str:
        """The operator, of a group by operator; of any other group its name."""
        return self.name

    @property
    def output_shape(self) -> Shape | None:
        """What its last layer gives."""
        return self.members[-1].output_shape

    @property
    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What its last layer's units see."""
        return self.members[-1].receptive_field

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            self.by: self.name, "layers": self.layers, "params": self.params,
            "macs": self.macs.to_dict(), "flops": self.flops.to_dict(),
            "traffic_bytes": self.traffic_bytes.to_dict(),
        }  # fmt: skip
        if self.by == "module":
            found["class"] = self.module_class
            if self.children:
                found["children"] = [child.to_dict() for child in self.children]
        if self.by == "block":
            found["consists"] = self.consists
            found["members"] = [layer.name for layer in self.members]
            found["output"] = plain_shape(self.output_shape)
            found["receptive_field"] = [f.to_dict() for f in self.receptive_field]
        return found

    def records(self) -> Iterator[dict[str, object]]:
        """One: what the layers come to; of a block, what its last layer sees."""
        yield from group_records((self,))

    def summary(self) -> str:
        return f"{self.by} {shown(self.name or '(top)', 120)}: {many(self.layers, 'layer')}"


def group_records(groups: Sequence[Group]) -> Iterator[dict[str, object]]:
    """What groups of one sort come to, a record each."""
    axes = axis_names([group.members[-1] for group in groups if group.by == "block"])
    for group in groups:
        found: dict[str, object] = {
            group.by: group.name, "layers": group.layers, "params": group.params,
            **group.macs.record("macs"), **group.flops.record("flops"),
            **group.traffic_bytes.record("traffic_bytes"),
        }  # fmt: skip
        if group.by == "module":
            found["class"] = group.module_class
        if group.by == "block":
            found["consists"] = group.consists
            found["output"] = shape_text(group.output_shape)
            fields = {(field.input, field.axis): field for field in group.receptive_field}
            for axis, letter in axes.items():
                field = fields.get(axis)
                found[f"rf_{letter}"] = None if field is None else field.size
                found[f"step_{letter}"] = None if field is None else field.step
        yield found


def of_these(groups: Iterable[Group], layers: Iterable[Layer]) -> list[Group]:
    """The groups with no layers but these; those of none are left out."""
    kept = {id(layer) for layer in layers}
    found = []
    for group in groups:
        members = [layer for layer in group.members if id(layer) in kept]
        if members:
            left = group_of(group.by, group.name, members, group.consists)
            found.append(replace(left, module_class=group.module_class))
    return found


def together(groups: Sequence[Group]) -> Group:
    """Several groups as one, with the first one's name."""
    members = [layer for group in groups for layer in group.members]
    first = groups[0]
    whole = group_of(first.by, first.name, members, first.consists)
    return replace(
        whole, module_class=first.module_class, level=first.level, children=first.children
    )


def group_of(by: By, name: str, members: Sequence[Layer], consists: str | None = None) -> Group:
    return Group(
        by, name, tuple(members), sum(x.params for x in members), sum_work(members, "macs"),
        sum_work(members, "flops"), sum_traffic(members), consists,
    )  # fmt: skip
