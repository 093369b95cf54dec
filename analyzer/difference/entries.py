"""What became of one layer, one end, one total, one group of changes, and of the weights?"""

from __future__ import annotations

from typing import Literal

from cnnscope.analyzer.difference.change import Change
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.values.plain_class import dataclass

LayerStatus = Literal[
    "same", "changed", "renamed", "moved", "added", "removed", "folded", "unfolded"
]  # fmt: skip
#: in the order in which they are shown
STATUSES: tuple[LayerStatus, ...] = (
    "same", "renamed", "moved", "changed", "folded", "unfolded", "removed", "added",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LayerDifference:
    """A layer and its counterpart.

    Args:
        before, after: in the first and in the second model; None where there is none.
        status: ``"same"``; ``"changed"``; ``"moved"`` (elsewhere in the graph, else the same);
            ``"renamed"`` (and else the same); ``"added"``; ``"removed"``; ``"folded"``: gone, and
            what it did is in the layer named by `into`; ``"unfolded"``: the reverse.
        changes: what differs, the layer's own differences first.
        renamed, moved: also where more than that differs.
        into: the layer that it was folded into, or out of.
        holds: the layers folded into this one, or out of it.
        path: of a layer in a subgraph, the layers that it is in, each with the attribute; before.
    """

    before: Layer | None
    after: Layer | None
    status: LayerStatus
    changes: tuple[Change, ...] = ()
    renamed: bool = False
    moved: bool = False
    into: str | None = None
    holds: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def layer(self) -> Layer:
        """The layer as it is now, or was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def own(self) -> bool:
        """Something of its own differs, other than what follows from the layers before it.

        What a layer took in with a normalisation folded into it isn't counted as its own.
        """
        own = {change.aspect for change in self.changes if change.own}
        return bool(own - ({"params", "weights", "operands"} if self.holds else set()))

    @property
    def aspects(self) -> frozenset[str]:
        """What differs."""
        return frozenset(change.aspect for change in self.changes)

    def delta(self, what: Literal["params", "macs", "flops", "memory"]) -> int | None:
        """How much more of it there is than before; None where that isn't known."""
        one, other = (
            0 if layer is None else _figure(layer, what) for layer in (self.before, self.after)
        )
        return None if one is None or other is None else other - one

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "status": self.status,
            "before": None if self.before is None else self.before.name,
            "after": None if self.after is None else self.after.name,
            "op": self.layer.op,
            "renamed": self.renamed,
            "moved": self.moved,
            "own": self.own,
            "changes": [change.to_dict() for change in self.changes],
            "delta": {what: self.delta(what) for what in ("params", "macs", "flops", "memory")},
        }
        if self.into is not None:
            found["into"] = self.into
        if self.holds:
            found["holds"] = list(self.holds)
        if self.path:
            found["path"] = list(self.path)
        return found


def _figure(layer: Layer, what: str) -> int | None:
    if what == "params":
        return layer.params
    if what == "memory":
        read, written = layer.bytes_read, layer.bytes_written
        if not isinstance(read, int) or not isinstance(written, int):
            return None
        return read + written
    found: int | None = getattr(layer, what)
    return found


@dataclass(frozen=True, slots=True)
class EndDifference:
    """A network input or output and its counterpart."""

    role: Literal["input", "output"]
    before: Input | None
    after: Input | None
    changes: tuple[Change, ...] = ()

    @property
    def status(self) -> LayerStatus:
        """``"same"``, ``"renamed"``, ``"changed"``, ``"added"`` or ``"removed"``."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.changes:
            return "changed"
        return "renamed" if self.before.name != self.after.name else "same"

    def to_dict(self) -> dict[str, object]:
        return {
            "role": self.role, "status": self.status,
            "before": None if self.before is None else self.before.name,
            "after": None if self.after is None else self.after.name,
            "changes": [change.to_dict() for change in self.changes],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class TotalDifference:
    """One of the models' figures.

    Args:
        key: which: a total's name, ``"receptive_field"``, ``"layers"`` or ``"file_bytes"``.
        before, after: of either model.
        delta: how much more it is than before; None where that isn't known.
        bound: whether the delta is exactly that, or a bound because a figure is a lower bound.
    """

    key: str
    before: Metric
    after: Metric
    delta: int | None
    bound: Literal["exact", "at least", "at most"] = "exact"

    @property
    def share(self) -> float | None:
        """The delta as a share of the figure before; None where there is none."""
        if self.delta is None or not self.before.value:
            return None
        return self.delta / self.before.value

    @property
    def changed(self) -> bool:
        """The figures differ, as far as they are known."""
        return self.before != self.after

    def to_dict(self) -> dict[str, object]:
        return {
            "before": self.before.to_dict(), "after": self.after.to_dict(), "delta": self.delta,
            "bound": self.bound, "share": self.share,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DifferenceGroup:
    """The same difference several times over.

    Args:
        kind: ``"added"``, ``"removed"``, ``"replaced"``, ``"folded"``, ``"unfolded"`` or
            ``"changed"``.
        count: how many times.
        before, after: the operators of one of them, gone and come.
        where: the module that all are in, empty for the model itself.
        layers: the names of all layers in it, gone and come.
        params, macs: how many more there are by all of them; None where not known.
        changes: of changed layers, what changed in each.
        into: of folded ones, what kinds of layers they were folded into.
    """

    kind: Literal["added", "removed", "replaced", "folded", "unfolded", "changed"]
    count: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    where: str
    layers: tuple[str, ...]
    params: int | None
    macs: int | None
    changes: tuple[Change, ...] = ()
    into: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind, "count": self.count, "before": list(self.before),
            "after": list(self.after), "where": self.where, "layers": list(self.layers),
            "params": self.params, "macs": self.macs,
            "changes": [change.to_dict() for change in self.changes], "into": list(self.into),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class WeightsDifference:
    """What is stored in the models' matched layers.

    Args:
        same, changed, unknown: how many layers with weights have the same numbers as their
            counterparts, other ones, or ones that could not be read.
        moved: tensors whose numbers are now another layer's: tensor, layer before, layer now.
        reason: why some are unknown.
        asked: whether they were to be compared.
    """

    same: int
    changed: int
    unknown: int
    moved: tuple[tuple[str, str, str], ...] = ()
    reason: str | None = None
    asked: bool = True

    def to_dict(self) -> dict[str, object]:
        return {
            "asked": self.asked, "same": self.same, "changed": self.changed, "unknown": self.unknown,
            "moved": [
                {"tensor": tensor, "before": before, "after": after}
                for tensor, before, after in self.moved
            ],
            "reason": self.reason,
        }  # fmt: skip


def total_difference(key: str, before: Metric, after: Metric) -> TotalDifference:
    """The difference of two figures, a bound where one of them is one.

    >>> total_difference("macs", Metric.of(4), Metric.of(6)).delta
    2
    >>> total_difference("macs", Metric.of(4), Metric.of(6, {"MyOp": 1})).bound
    'at least'
    """
    if before.known is None or after.known is None:
        return TotalDifference(key, before, after, None)
    delta = after.known - before.known
    if before.value is not None and after.value is not None:
        return TotalDifference(key, before, after, delta)
    if before.value is not None:
        return TotalDifference(key, before, after, delta, "at least")
    if after.value is not None:
        return TotalDifference(key, before, after, delta, "at most")
    return TotalDifference(key, before, after, None)
