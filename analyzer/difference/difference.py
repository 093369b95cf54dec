"""How do two models differ? Layer by layer, in groups, in their totals, in what is stored.

Plain data with the questions that people ask of it. ``to_dict()`` is the JSON form
(``schema_version`` 1). Nothing here matches or compares, and nothing formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.difference.changes import Change
from cnnscope.analyzer.report.layer import Layer, plain_shape
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Input, Report
from cnnscope.analyzer.values.shown import Shown

if TYPE_CHECKING:
    import pandas

SCHEMA_VERSION = 1

Status = Literal[
    "same", "changed", "renamed", "moved", "added", "removed", "folded", "unfolded"
]  # fmt: skip
#: in the order in which they are shown
STATUSES: tuple[Status, ...] = (
    "same", "renamed", "moved", "changed", "folded", "unfolded", "removed", "added",
)  # fmt: skip
#: what a difference can be asked to be free of
CONDITIONS = (
    "any", "added", "removed", "changed", "moved", "renamed", "folded", "shape", "dtype", "params",
    "macs", "memory", "field", "weights", "kind", "opset",
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
    status: Status
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
    def status(self) -> Status:
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


@dataclass(frozen=True, eq=False)
class Difference(Shown):
    """What differs between two models.

    Args:
        before, after: the models' reports.
        layers: every layer of either model, once.
        ends: the networks' inputs and outputs.
        totals: the figures.
        groups: what differs several times over, once; and all that was added, removed or folded.
        weights: what is stored.
        opsets: domains whose versions differ, and both versions; None: not imported.
        dims: free dimensions that are called otherwise throughout: before, after.

    >>> import cnnscope
    >>> found = cnnscope.diff("old.onnx", "new.onnx")  # doctest: +SKIP
    >>> found.counts["added"], found["macs"].share  # doctest: +SKIP
    (170, 0.9)
    """

    before: Report
    after: Report
    layers: tuple[LayerDifference, ...]
    ends: tuple[EndDifference, ...]
    totals: tuple[TotalDifference, ...]
    groups: tuple[DifferenceGroup, ...]
    weights: WeightsDifference
    opsets: tuple[tuple[str, int | None, int | None], ...] = ()
    dims: tuple[tuple[str, str], ...] = ()

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many layers there are of each status."""
        found = Counter(layer.status for layer in self.layers)
        return {status: found[status] for status in STATUSES}

    @property
    def same(self) -> bool:
        """Nothing that is known differs, not even a name."""
        return not self.failing(["any"])

    def __getitem__(self, key: str) -> TotalDifference:
        """One of the totals; raises KeyError where there is no such figure."""
        known = {total.key: total for total in self.totals}
        if key not in known:
            raise KeyError(f"no figure {key!r}; there are: {', '.join(known)}")
        return known[key]

    def failing(self, conditions: Iterable[str]) -> dict[str, str]:
        """Those of the conditions that the difference isn't free of, and why.

        Args:
            conditions: of ``CONDITIONS``: a status of layers (or of inputs and outputs); an aspect
                that changed in a layer, an input, an output or a total; ``"any"``: any of these.
                ``"weights"`` also fails where it can't be told whether weights changed.

        Raises:
            ValueError: there is no such condition.
        """
        return {name: why for name in conditions for why in [self._failing(name)] if why}

    def _failing(self, condition: str) -> str | None:
        if condition not in CONDITIONS:
            raise ValueError(f"no condition {condition!r}; there are: {', '.join(CONDITIONS)}")
        if condition == "any":
            differing = [x for x in self.layers if x.status != "same"]
            ends = [x for x in self.ends if x.status != "same"]
            if differing or ends:
                return _said(len(differing), "differ", len(ends))
            return _said_dims(self.dims)
        if condition == "opset":
            return f"{opset_text(self.opsets)}" if self.opsets else None
        if condition == "weights" and self.weights.unknown and not self.weights.changed:
            return f"the weights of {self.weights.unknown} layers can't be compared"
        if condition in STATUSES:
            wanted = {condition, "unfolded" if condition == "folded" else condition}
            found = [
                x for x in self.layers
                if x.status in wanted or (condition in ("renamed", "moved") and getattr(x, condition))
            ]  # fmt: skip
            ends = [x for x in self.ends if x.status == condition]
            word = f"{'are' if condition != 'changed' else 'have'} {condition}"
            if found or ends:
                return _said(len(found), word, len(ends))
            return _said_dims(self.dims) if condition == "renamed" else None
        aspects = {"window", "op", "kind"} if condition == "kind" else {condition}
        changed = sum(1 for x in self.layers if aspects & x.aspects)
        ends = [x for x in self.ends if any(c.aspect in aspects for c in x.changes)]
        if changed or ends:
            return _said(changed, f"differ in {_WORDS.get(condition, condition)}", len(ends))
        total = next(
            (x for x in self.totals if x.key in _TOTALS.get(condition, ()) and x.changed), None
        )
        return None if total is None else f"the total {_WORDS.get(condition, condition)} differs"

    @property
    def also(self) -> Mapping[Literal["renamed", "moved"], int]:
        """Of layers of another status, how many have another name, or another place, as well."""
        return {
            "renamed": sum(1 for x in self.layers if x.renamed and x.status != "renamed"),
            "moved": sum(1 for x in self.layers if x.moved and x.status != "moved"),
        }

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data, ``schema_version`` 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "before": self.before.model.to_dict(),
            "after": self.after.model.to_dict(),
            "same": self.same,
            "counts": dict(self.counts),
            "also": dict(self.also),
            "opsets": {
                domain or "ai.onnx": {"before": one, "after": other}
                for domain, one, other in self.opsets
            },
            "dims": dict(self.dims),
            "totals": {total.key: total.to_dict() for total in self.totals},
            "ends": [end.to_dict() for end in self.ends],
            "groups": [group.to_dict() for group in self.groups],
            "weights": self.weights.to_dict(),
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def flat(self) -> list[dict[str, object]]:
        """One row per layer of either model."""
        return [
            {
                "status": x.status,
                "path": "/".join(x.path),
                "before": None if x.before is None else x.before.name,
                "after": None if x.after is None else x.after.name,
                "op_before": None if x.before is None else x.before.op,
                "op_after": None if x.after is None else x.after.op,
                "own": x.own,
                "aspects": sorted(x.aspects),
                "output_before": None if x.before is None else plain_shape(x.before.output_shape),
                "output_after": None if x.after is None else plain_shape(x.after.output_shape),
                "params_delta": x.delta("params"),
                "macs_delta": x.delta("macs"),
                "memory_delta": x.delta("memory"),
                "into": x.into,
            }
            for x in self.layers
        ]

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per layer, as a pandas DataFrame; raises ImportError where pandas isn't there."""
        import pandas

        return pandas.DataFrame(self.flat())

    def __repr__(self) -> str:
        shown = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        return f"<cnnscope.Difference: {shown or 'no layers'}>"


_WORDS = {"params": "parameters", "macs": "MACs", "field": "receptive field"}
#: the totals that belong to a condition
_TOTALS = {
    "params": ("params",), "macs": ("macs",), "field": ("receptive_field",),
    "memory": ("weight_bytes", "peak_activation_bytes", "traffic_bytes"),
}  # fmt: skip


def opset_text(opsets: Sequence[tuple[str, int | None, int | None]]) -> str:
    """Versions that differ, in words.

    >>> opset_text([("", 17, 21), ("com.microsoft", None, 1)])
    'opset 17 -> 21, com.microsoft none -> 1'
    """
    return "opset " + ", ".join(
        f"{domain} {one or 'none'} -> {other or 'none'}".strip() for domain, one, other in opsets
    )


def _said_dims(dims: Sequence[tuple[str, str]]) -> str | None:
    return f"{len(dims)} free dimensions have other names" if dims else None


def _said(layers: int, what: str, ends: int) -> str:
    parts = [f"{layers} layers"] if layers or not ends else []
    parts += [f"{ends} inputs or outputs"] if ends else []
    return f"{' and '.join(parts)} {what}"


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


def grouped_changes(layers: Sequence[LayerDifference]) -> dict[object, list[LayerDifference]]:
    """Layers whose own changes are the same, and which have the same operator, together."""
    found: dict[object, list[LayerDifference]] = {}
    for x in layers:
        assert x.before is not None
        assert x.after is not None
        key = (x.before.op, x.after.op, repr([c for c in x.changes if c.own and c.aspect != "weights"
                                              and c.aspect != "inputs"]), x.aspects & {"inputs"})  # fmt: skip
        found.setdefault(key, []).append(x)
    return found
